"""Fixtures of the safety suite: a town's ledger to ruin, in each store; seconds are printed."""

from __future__ import annotations

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests import scale
from tests.reliability.judge import judged
from tests.reliability.node import Node
from tests.reliability.racer import Racers
from tests.reliability.town import Site, Town, clone_postgres

if TYPE_CHECKING:
    from tests.conftest import PostgresServer


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was drawn, and how long each group took."""
    terminalreporter.section("reliability")
    for line in scale.report():
        terminalreporter.line(line)


@pytest.fixture(autouse=True)
def _timed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Count this test's seconds, and its fixtures' that come after this one, as its module's."""
    with scale.timed(request.path.stem.removeprefix("test_")):
        yield


@pytest.fixture(scope="session")
def sqlite_town() -> Iterator[Town]:
    """The town in a SQLite file."""
    folder = Path(tempfile.mkdtemp(prefix="town-"))
    yield Town(f"sqlite:///{folder / 'ledger.db'}", folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres_town(postgres: PostgresServer) -> Iterator[Town]:
    """The town in a PostgreSQL database."""
    folder = Path(tempfile.mkdtemp(prefix="town-"))
    yield Town(postgres.fresh(), folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def _sqlite_copy(sqlite_town: Town) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="site-"))
    shutil.copy(sqlite_town.folder / "ledger.db", folder)
    site = Site(sqlite_town, f"sqlite:///{folder / 'ledger.db'}", folder)
    yield site
    try:
        judged(site.url)
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def _postgres_copy(postgres_town: Town) -> Iterator[Site]:
    folder = Path(tempfile.mkdtemp(prefix="site-"))
    site = Site(postgres_town, clone_postgres(postgres_town.url, "s" + uuid.uuid4().hex), folder)
    yield site
    try:
        judged(site.url)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def sqlite_site(_sqlite_copy: Site) -> Iterator[Site]:
    """This module's copy of the town in SQLite; what a test opens there is closed after it."""
    yield _sqlite_copy
    _sqlite_copy.close()


@pytest.fixture
def postgres_site(_postgres_copy: Site) -> Iterator[Site]:
    """The same in PostgreSQL."""
    yield _postgres_copy
    _postgres_copy.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest) -> Site:
    """This module's copy of the town in each of the stores."""
    name = "sqlite_site" if request.param == "sqlite" else "postgres_site"
    found: Site = request.getfixturevalue(name)
    return found


@pytest.fixture(scope="session")
def _front_ends() -> Iterator[Racers]:
    with Racers() as racers:
        yield racers


@pytest.fixture(scope="module")
def _sqlite_nodes(_sqlite_copy: Site) -> Iterator[list[Node]]:
    with _sqlite_copy.serving(writers=1) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def _postgres_nodes(_postgres_copy: Site) -> Iterator[list[Node]]:
    with _postgres_copy.serving(writers=2) as nodes:
        yield nodes


@pytest.fixture
def racers(request: pytest.FixtureRequest, site: Site, _front_ends: Racers) -> Iterator[Racers]:
    """Front ends in processes of their own, linked to this module's nodes: on SQLite one writer, on
    PostgreSQL two nodes' writers on one ledger. What the test did is judged after it."""
    name = "_sqlite_nodes" if site.is_sqlite else "_postgres_nodes"
    nodes: list[Node] = request.getfixturevalue(name)
    site.world.door = nodes[0].link()
    site.open_books()
    _front_ends.join([node.folder for node in nodes])
    yield _front_ends
    site.judge()
