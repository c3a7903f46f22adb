"""One running sandbox for the tests of this folder that do not break it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.processes.running import Running


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Running]:
    """A sandbox that stays whole: no test that uses it ends or kills anything."""
    found = Running("--ephemeral")
    try:
        yield found
    finally:
        code, error = found.end()
        assert (code, error) == (130, "")
