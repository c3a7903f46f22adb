"""Readers see one moment, many at once, and are never in the writer's way."""

from __future__ import annotations

import os
import sqlite3
import threading
import tracemalloc

import pytest

from ledger.core.plan import Plan
from ledger.errors import StoreProblem
from ledger.store import TileRow, create_ledger, open_reading, open_writing
from ledger.store import sqlite as sqlite_store


def test_a_snapshot_stays_while_the_writer_goes_on(hand, store_url):
    hand.open_accounts("a", "b")
    reader = open_reading(store_url)
    with reader.snapshot() as snapshot:
        before = snapshot.head().size
        hand.commit([hand.move("a", "b", 1)])
        hand.commit([hand.move("a", "b", 1)])

        assert snapshot.head().size == before
        assert snapshot.account_by_number(1).balance == 10_000
        assert snapshot.leaf(before) is None
        assert reader.head().size == before + 2, "another read is at its own moment"

    assert reader.account_by_number(1).balance == 9_998
    reader.close()


def test_two_streams_run_side_by_side_in_one_snapshot(hand, store_url):
    hand.commit([Plan()] * 5_000)
    reader = open_reading(store_url)

    with reader.snapshot() as snapshot:
        leaves, ids = snapshot.all_leaves(), snapshot.all_transactions()
        pairs = [(next(leaves)[0], next(ids)[1]) for _ in range(5_000)]

    assert [index for index, _ in pairs] == list(range(5_000))
    assert sorted(index for _, index in pairs) == list(range(5_000))
    reader.close()


def test_a_stream_that_is_left_early_gives_its_connection_back(hand, store_url):
    hand.commit([Plan()] * 3_000)
    reader = open_reading(store_url)

    for _ in range(30):
        stream = reader.all_leaves()
        assert next(stream) == (0, b"leaf 0")
        stream.close()

    assert len(reader._idle) == 1
    assert reader.head().size == 3_000
    reader.close()


def test_threads_read_at_the_same_time(hand, store_url):
    hand.open_accounts("a", "b")
    reader = open_reading(store_url)
    failures, stop = [], threading.Event()

    def read():
        try:
            while not stop.is_set():
                with reader.snapshot() as snapshot:
                    assert sum(a.balance for a in snapshot.all_accounts()) == 0
                    assert snapshot.balances() == {"KZT": (20_000, -20_000)}
                    size = snapshot.head().size
                    assert len(snapshot.leaves(0, size + 9)) == size
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=read) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(60):
        hand.commit([hand.move("a", "b", 1)])
    stop.set()
    for thread in threads:
        thread.join(30)

    assert failures == []
    reader.close()


def test_streaming_keeps_little_in_memory(hand, store_url):
    for n in range(40):
        hand.commit([Plan()], tiles=[TileRow(0, n * 10 + k, bytes(8192)) for k in range(10)])
    hand.commit([Plan()] * 20_000)
    reader = open_reading(store_url)
    list(zip(range(10), reader.all_leaves(), strict=False))
    tracemalloc.start()
    try:
        count = sum(1 for _ in reader.all_leaves())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert count == 20_040
    assert peak < 1_000_000, f"{peak} bytes for {count} leaves"
    reader.close()


def test_a_reader_cannot_write_or_checkpoint(sqlite_url, made):
    create_ledger(sqlite_url, made.ledger)
    store = open_writing(sqlite_url)
    store.create_ledger(b"another ledger..")
    wal = sqlite_url.removeprefix("sqlite:///") + "-wal"
    waiting = os.path.getsize(wal)
    assert waiting > 0
    reader = open_reading(sqlite_url)

    with reader.lent() as reads, pytest.raises(StoreProblem, match="cannot be written"):
        reads.rows("INSERT INTO ledger (id, created) VALUES (x'00', 1)", ())
    with reader.lent() as reads:
        try:
            moved = reads.rows("PRAGMA wal_checkpoint(TRUNCATE)", ())
        except StoreProblem:
            moved = None
    reader.close()

    assert moved is None or moved[0][2] in (0, -1)
    assert os.path.getsize(wal) == waiting, "neither by pragma nor on closing"
    store.close()


def test_a_postgresql_reader_cannot_write(postgres_url, made):
    create_ledger(postgres_url, made.ledger)
    reader = open_reading(postgres_url)

    with reader.lent() as reads, pytest.raises(StoreProblem, match="read-only"):
        reads.rows("DELETE FROM head", ())

    assert reader.head().size == 0
    reader.close()


def test_a_reader_reads_what_a_killed_writer_left(sqlite_url, made):
    """The WAL of a writer that is gone is read without a writer to recover it."""
    create_ledger(sqlite_url, made.ledger)
    pid = os.fork()
    if pid == 0:
        store = open_writing(sqlite_url)
        store.create_ledger(b"another ledger..")
        os.kill(os.getpid(), 9)
    os.waitpid(pid, 0)

    reader = open_reading(sqlite_url)

    assert [row.id for row in reader.ledgers()] == [made.ledger, b"another ledger.."]
    reader.close()


def test_a_forked_child_opens_connections_of_its_own(hand, made, store_url):
    hand.commit([Plan()])
    reader = open_reading(store_url)
    mine = reader._idle[-1]
    pid = os.fork()
    if pid == 0:
        ok = reader.head().size == 1 and all(kept is not mine for kept in reader._idle)
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert reader.head().size == 1
    reader.close()


def test_the_wal_starts_over_when_nobody_reads(make_hand, sqlite_url, made, monkeypatch):
    monkeypatch.setattr(sqlite_store, "CHECKPOINT_PAGES", 100)
    create_ledger(sqlite_url, made.ledger)
    hand = make_hand(sqlite_url)
    wal = sqlite_url.removeprefix("sqlite:///") + "-wal"
    for n in range(100):
        hand.commit([Plan()], tiles=[TileRow(0, n, bytes(8192))])

    assert os.path.getsize(wal) < 200 * 4_200
    hand.store.close()
    assert not os.path.exists(wal)


def test_idle_moves_the_wal_into_the_file(make_hand, sqlite_url, made):
    create_ledger(sqlite_url, made.ledger)
    hand = make_hand(sqlite_url)
    hand.commit([Plan()], tiles=[TileRow(0, n, bytes(8192)) for n in range(50)])
    path = sqlite_url.removeprefix("sqlite:///")
    before = os.path.getsize(path)

    hand.store.idle()

    assert os.path.getsize(path) > before + 50 * 8192
    hand.store.close()


def test_idle_gives_a_large_wal_back_unless_somebody_reads(
    make_hand, sqlite_url, made, monkeypatch
):
    monkeypatch.setattr(sqlite_store, "WAL_KEPT_BYTES", 100_000)
    monkeypatch.setattr(sqlite_store, "WAL_KEPT_S", 0.0)
    create_ledger(sqlite_url, made.ledger)
    hand = make_hand(sqlite_url)
    wal = sqlite_url.removeprefix("sqlite:///") + "-wal"
    hand.commit([Plan()], tiles=[TileRow(0, n, bytes(8192)) for n in range(50)])
    reader = sqlite3.connect(f"file:{wal.removesuffix('-wal')}?mode=ro", uri=True)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM tile").fetchone()

    hand.store.idle()

    assert os.path.getsize(wal) > 100_000
    reader.close()
    hand.store.idle()
    assert os.path.getsize(wal) == 0
    hand.commit([Plan()])
    assert hand.store.head().size == 2
    hand.store.close()


def test_commits_are_flushed_to_disk(make_hand, sqlite_url, made):
    create_ledger(sqlite_url, made.ledger)
    store = open_writing(sqlite_url)
    ask = store.connection.execute
    assert ask("PRAGMA synchronous").fetchone() == (2,)
    assert ask("PRAGMA journal_mode").fetchone() == ("wal",)
    store.close()


def test_damaged_text_is_read_and_shown(make_hand, sqlite_url, made):
    create_ledger(sqlite_url, made.ledger)
    hand = make_hand(sqlite_url)
    hand.open_accounts("a")
    hand.commit([Plan(objects=(made.object("x"),))])
    hand.store.close()
    past = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    past.execute("UPDATE account SET status = CAST(x'6f70ff6e' AS TEXT)")
    past.execute("UPDATE account SET kind = 'wallex' WHERE kind = 'wallet'")
    past.execute("UPDATE object SET body = x'00ff'")
    past.commit()
    past.close()

    reader = open_reading(sqlite_url)
    assert {a.status for a in reader.all_accounts()} == {"op\\xffn"}
    assert {a.kind for a in reader.all_accounts()} == {"issue", "wallex"}
    assert [o.body for o in reader.all_objects()] == [b"\x00\xff"]
    reader.close()


def test_a_broken_index_is_found(make_hand, sqlite_url, made):
    create_ledger(sqlite_url, made.ledger)
    hand = make_hand(sqlite_url)
    hand.open_accounts("a", "b")
    hand.store.close()
    past = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"))
    past.execute("PRAGMA writable_schema = ON")
    past.execute(
        "UPDATE sqlite_schema SET sql = replace(sql, 'owner, kind', 'kind, owner')"
        " WHERE name = 'account_owner'"
    )
    past.commit()
    past.close()

    reader = open_reading(sqlite_url)
    assert any("account_owner" in problem for problem in reader.structure())
    reader.close()
