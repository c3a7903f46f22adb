"""One sandbox for all tests of this folder; whoever needs something untouched onboards someone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.core.ids import unb64
from ledger.keyring import Keyring
from ledger.ledger import Ledger
from sandbox_api.world import build_world
from tests.api.sandbox import Person, Sandbox, key_of


@pytest.fixture(scope="session")
def sandbox(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sandbox]:
    """On SQLite, or on the database that `on_both` names."""
    folder = tmp_path_factory.mktemp("sandbox")
    url = f"sqlite:///{folder / 'ledger.db'}"
    if getattr(request, "param", "sqlite") == "postgresql":
        url = request.getfixturevalue("postgres").fresh()
    keyring = Keyring.open_or_create(folder / "keyring")
    world = build_world(url, keyring, key_of, name="test sandbox")
    ledger = Ledger.open(url, keyring, unb64(world.ledger, 16))
    found = Sandbox(folder, url, ledger, world, keyring)
    yield found
    found.close()


@pytest.fixture
def person(sandbox: Sandbox) -> Person:
    """Someone new, with play money."""
    return sandbox.joined()
