"""Two sandboxes in this process for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.audit import audit_database
from tests.corridor.two import Pair


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """For every schedule and every deal; at the end both logs are audited."""
    folder = tmp_path_factory.mktemp("corridor")
    found = Pair(folder)
    yield found
    found.close()
    for name in ("first", "second"):
        url = f"sqlite:///{folder / name / 'ledger.db'}"
        assert audit_database(url, decides=True, workers=1).is_sound


@pytest.fixture(autouse=True)
def _no_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lost answer is not waited for."""
    monkeypatch.setattr("sandbox_api.client.PATIENCE_S", 0.0)
