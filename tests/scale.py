"""How hard the long tests try, and what they draw: two numbers, printed with every run.

`TENGE_TEST_SCALE` multiplies rounds (1 in CI, 10 by hand). `TENGE_TEST_SEED` is what every random
choice starts from, so a failed run can be had again. `spent` gathers each group's seconds; the
conftest of a folder that uses it prints them.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

SCALE = int(os.environ.get("TENGE_TEST_SCALE", "1"))
SEED = int(os.environ.get("TENGE_TEST_SEED", "20261122"))

spent: dict[str, float] = {}
"""Seconds by name of the group."""


def rounds(at_one: int) -> int:
    """So many rounds at scale 1, more at more."""
    return at_one * SCALE


def draw(name: str) -> random.Random:
    """Random choices for one test: the same in every run with this seed."""
    return random.Random(f"{SEED} {name}")


@contextmanager
def timed(group: str) -> Iterator[None]:
    """Count the seconds within as this group's."""
    start = time.monotonic()
    try:
        yield
    finally:
        spent[group] = spent.get(group, 0.0) + time.monotonic() - start


def report() -> list[str]:
    """What to print at the end of a run."""
    lines = [f"TENGE_TEST_SCALE={SCALE} TENGE_TEST_SEED={SEED}"]
    lines += [f"{seconds:7.1f} s  {group}" for group, seconds in sorted(spent.items())]
    return [*lines, f"{sum(spent.values()):7.1f} s  in all"]


def missing(reason: str) -> None:
    """Skip for this reason; in CI, where everything must be there, fail."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; in CI it must be there")
    pytest.skip(reason)
