"""The audit of either database, of a log long enough for the pool, and of the empty one."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from ledger.audit import Part, audit_database
from ledger.core.ids import unb64
from ledger.keyring import Keyring
from ledger.ledger import Ledger
from ledger.store import create_ledger
from ledger.writer.answers import Offer, Taken
from tests.builders import World, a_world, key_of

LONG = 2_200
"""More than `POOL_MIN`: checked by processes of its own."""
SHORT = 300

Run = Callable[[str], None]


@pytest.fixture
def size() -> int:
    return SHORT


@pytest.fixture
def written(store_url: str, size: int, tmp_path: Path) -> tuple[str, Run]:
    """A ledger of transfers in each kind of database, and a way to run SQL on it."""
    keyring = Keyring.open_or_create(tmp_path / "keyring")
    with Ledger.create(store_url, keyring, key_of("nbk")) as ledger:
        world = a_world(ledger)
        while (left := size - len(ledger._store.leaves(0, size))) > 0:
            answers = ledger.submit([_transfer(world) for _ in range(min(left, 700))])
            assert all(isinstance(answer, Taken) for answer in answers)

    def run(sql: str) -> None:
        if store_url.startswith("sqlite"):
            with sqlite3.connect(store_url.removeprefix("sqlite:///")) as connection:
                connection.execute(sql)
            connection.close()
        else:
            conninfo = store_url.replace("+psycopg", "")
            with psycopg.connect(conninfo, autocommit=True) as server:
                server.execute(sql)  # type: ignore[arg-type]

    return store_url, run


def _transfer(world: World) -> Offer:
    jws = world.sign("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
                     to=world.accounts["daniyar", "KZTD"], amount="0.01")  # fmt: skip
    return Offer(jws.encode(), True)


@pytest.mark.parametrize("size", [LONG])
def test_each_database_is_audited_and_its_damage_named(written: tuple[str, Run], size: int) -> None:
    url, run = written
    seen: list[tuple[int, int]] = []

    verdict = audit_database(url, decides=True, workers=2, progress=lambda *at: seen.append(at))

    assert verdict.findings == ()
    assert (verdict.size, verdict.signatures, verdict.decided) == (size, size, True)
    assert (seen[-1], seen) == ((size, size), sorted(seen))

    run("UPDATE entry SET leaf_check = leaf_check + 1 WHERE idx = 2150")
    run("UPDATE account SET balance = balance + 1 WHERE number = 1")
    run("DELETE FROM tile WHERE number = 3")
    run("UPDATE entry SET leaf = (SELECT leaf FROM entry WHERE idx = 1000) WHERE idx = 1001")
    found = [(f.part, f.index) for f in audit_database(url, workers=2).findings]
    assert (Part.TILE, 768) in found
    assert min(index for _, index in found if index is not None) == 768
    assert (Part.LEAF, 1001) in found
    assert (Part.ENTRY, 2150) in found
    assert Part.ACCOUNT not in {part for part, _ in found}  # nothing to hold it against


@pytest.mark.parametrize(
    ("sql", "part", "index"),
    [
        ("UPDATE account SET balance = balance + 1 WHERE kind <> 'issue'", Part.ACCOUNT, None),
        ("DELETE FROM posting WHERE step = 99", Part.POSTING, 99),
        ("UPDATE tx SET idx = 7 WHERE idx = 70", Part.TRANSACTION, 70),
        ("UPDATE event SET run = run + 1 WHERE seq = 1", Part.EVENT, 0),
        ("UPDATE head SET refusals = 99", Part.HEAD, SHORT - 1),
        ("DROP TABLE lookup", Part.STRUCTURE, None),
    ],
)
def test_damage_done_by_sql_is_named_in_each_database(
    written: tuple[str, Run], sql: str, part: Part, index: int | None
) -> None:
    url, run = written
    run(sql)

    found = audit_database(url, workers=1).findings[0]

    assert found.part == part
    assert index is None or found.index == index


def test_a_ledger_that_nothing_was_written_to_is_sound(store_url: str) -> None:
    create_ledger(store_url, bytes(16))

    verdict = audit_database(store_url)

    assert (verdict.findings, verdict.size) == ((), 0)
    assert verdict.ledger == "A" * 22
    assert unb64(verdict.ledger, 16) == bytes(16)


def test_an_audit_beside_a_writer_sees_one_moment(store_url: str, tmp_path: Path) -> None:
    keyring = Keyring.open_or_create(tmp_path / "keyring")
    with Ledger.create(store_url, keyring, key_of("nbk")) as ledger:
        world = a_world(ledger)
        ended = threading.Event()

        def write() -> None:
            while not ended.is_set():
                assert isinstance(ledger.submit([_transfer(world)])[0], Taken)

        writing = threading.Thread(target=write)
        writing.start()
        try:
            verdicts = [audit_database(store_url, workers=1) for _ in range(4)]
        finally:
            ended.set()
            writing.join()

    assert [verdict.findings for verdict in verdicts] == [()] * 4
    sizes = [verdict.size for verdict in verdicts]
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1], "nothing was written meanwhile"
