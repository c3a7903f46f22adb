"""The ledgers that these tests damage: built once, copied for every damage."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.audit.everything import Everything, build
from tests.scale import SCALE, spent, timed

GROUP = "R5 audit"


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Everything:
    """300 entries: one full tile and a tail."""
    return build(tmp_path_factory.mktemp("small"), 300)


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Everything:
    """700 entries: two full tiles and a tail."""
    return build(tmp_path_factory.mktemp("large"), 700)


@pytest.fixture(scope="session", autouse=True)
def _seconds() -> Iterator[None]:
    with timed(GROUP):
        yield


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if GROUP in spent:
        terminalreporter.write_line(f"TENGE_TEST_SCALE={SCALE} {GROUP}: {spent[GROUP]:.0f} s")
