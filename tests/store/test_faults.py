"""What happens between begin and answer when things break: kept or not kept, but never in part."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import threading

import psycopg
import pytest

from ledger.core.plan import Plan
from ledger.errors import StoreProblem
from ledger.store import POINTS, OutcomeUnknown, TileRow, create_ledger, open_reading, open_writing


class Stop(Exception):
    """What a point raises in these tests."""


def a_full_batch(hand, made, head):
    """A batch with a row for every table."""
    plan = Plan(
        movements=(hand.movement("a", "b", 5),),
        openings=(made.opening(f"new {hand.written}"),),
        objects=(made.object("thing", due=made.t0, lookups=(("by", b"v"),)),),
        counts=(("m", 0, b"s", "p", 1),),
    )
    tile = TileRow(0, hand.written, b"\1" * 8192)
    return hand.write(head, [plan], [made.refusal(10_000 + hand.written)], [tile])


def commit_a_full_batch(hand, made):
    a_full_batch(hand, made, hand.store.begin())
    hand.store.commit()


def everything(url, ledger):
    """All rows of a ledger."""
    reader = open_reading(url, ledger)
    with reader.snapshot() as s:
        found = [
            list(rows)
            for rows in (
                s.all_leaves(), s.all_transactions(), s.all_accounts(), s.all_postings(),
                s.all_posting_spans(), s.all_objects(), s.all_lookups(), s.all_counters(),
                s.all_events(), s.all_refusals(), s.all_tiles(),
            )
        ]  # fmt: skip
        head = s.head()
        found.append([head.size, head.frontier, head.events, head.refusals, head.accounts_opened])
    reader.close()
    return found


def test_every_point_is_passed_once_and_in_order(hand, made):
    hand.open_accounts("a", "b")
    passed = []
    hand.store.points = passed.append

    a_full_batch(hand, made, hand.store.begin())
    hand.store.commit()

    assert tuple(passed) == POINTS


@pytest.mark.parametrize("point", POINTS)
def test_a_fault_at_a_point_keeps_all_or_nothing(hand, made, store_url, point):
    hand.open_accounts("a", "b")
    before = everything(store_url, made.ledger)

    def fail(at):
        if at == point:
            raise Stop

    hand.store.points = fail
    tx = made.transaction(hand.written)
    with pytest.raises(Stop):
        commit_a_full_batch(hand, made)
    hand.store.points = lambda _: None
    hand.store.rollback()
    hand.store.reopen()

    head = hand.store.begin()
    kept = hand.store.find([tx])
    hand.store.rollback()
    after = everything(store_url, made.ledger)
    if point == "commit.after":
        assert kept == {tx: head.size - 1}
        assert all(len(now) > len(then) for now, then in zip(after[:3], before[:3], strict=True))
    else:
        assert kept == {}
        assert after == before


def test_a_killed_writer_keeps_what_it_answered(sqlite_url, made):
    """The process is killed in the middle of a batch, after having answered some."""
    create_ledger(sqlite_url, made.ledger)
    child = subprocess.Popen(
        [sys.executable, "-c", WRITE, sqlite_url, made.ledger.hex()],
        stdout=subprocess.PIPE,
        text=True,
    )
    answered = [int(child.stdout.readline()) for _ in range(20)]
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    answered += [int(line) for line in child.stdout if line.endswith("\n")]
    child.stdout.close()

    store = open_writing(sqlite_url, made.ledger)
    head = store.begin()
    assert head.size >= answered[-1]
    assert store.leaves(0, head.size) == [b"%d" % n for n in range(head.size)]
    assert store.structure() == []
    store.rollback()
    store.close()


WRITE = """
import sys, msgspec
from ledger.core.ids import TransactionId
from ledger.core.state import Changes
from ledger.store import Batch, EntryRow, open_writing
store = open_writing(sys.argv[1], bytes.fromhex(sys.argv[2]))
while True:
    head = store.begin()
    n = head.size
    rows = [EntryRow(i, TransactionId(i + 1, b"%032d" % i), b"%d" % i, i) for i in range(n, n + 3)]
    after = msgspec.structs.replace(head, size=n + 3)
    store.write(Batch(after, rows, [], Changes(), [], []))
    store.commit()
    print(n + 3, flush=True)
"""


def test_a_lost_connection_before_commit_is_an_unknown_outcome(make_hand, postgres_url, made):
    create_ledger(postgres_url, made.ledger)
    hand = make_hand(postgres_url)
    tx = made.transaction(0)
    hand.write(hand.store.begin(), [Plan()])
    end_backend(postgres_url, hand.store)

    with pytest.raises(OutcomeUnknown):
        hand.store.commit()

    hand.store.rollback()
    hand.store.reopen()
    assert hand.store.begin().size == 0
    assert hand.store.find([tx]) == {}
    hand.store.rollback()
    hand.written = 0
    assert hand.commit([Plan()]).size == 1
    hand.store.close()


def test_a_lost_connection_is_a_store_problem_anywhere_else(make_hand, postgres_url, made):
    create_ledger(postgres_url, made.ledger)
    hand = make_hand(postgres_url)
    for step in (
        lambda: hand.store.begin(),
        lambda: hand.store.find([made.transaction(1)]),
        lambda: hand.write(hand.state_head, [Plan()]),
    ):
        hand.store.reopen()
        hand.state_head = hand.store.begin()
        end_backend(postgres_url, hand.store)
        with pytest.raises(StoreProblem):
            step()
        hand.store.rollback()
    hand.store.close()


def end_backend(url, store):
    """End the server's side of a store's connection."""
    pid = store.connection.info.backend_pid
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))


def test_commit_of_a_failed_transaction_is_never_taken_for_done(hand, made):
    """PostgreSQL answers COMMIT of a failed transaction with ROLLBACK and no error."""
    hand.commit([Plan()])
    head = hand.store.begin()
    with pytest.raises(StoreProblem):
        hand.write(head, [Plan(), Plan()], ids=[made.transaction(1), made.transaction(0)])

    if isinstance(hand.store.connection, sqlite3.Connection):
        hand.store.rollback()
    with pytest.raises(OutcomeUnknown):
        hand.store.commit()

    hand.store.rollback()
    assert hand.store.begin().size == 1
    hand.store.rollback()


def test_writers_of_two_nodes_follow_each_other(make_hand, postgres_url, made):
    """Two connections, as two nodes have them, on one ledger: no gap, no lost batch."""
    create_ledger(postgres_url, made.ledger)
    rounds, failures = 40, []

    def write(node):
        hand = make_hand(postgres_url)
        try:
            for n in range(rounds):
                ids = [made.transaction(100_000 * node + 3 * n + k) for k in range(3)]
                counts = (("m", 0, b"s", "", 1),)
                hand.commit([Plan(counts=counts), Plan(), Plan()], ids=ids)
        except Exception as error:
            failures.append(error)
        finally:
            hand.store.close()

    threads = [threading.Thread(target=write, args=(node,)) for node in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert failures == []
    reader = open_reading(postgres_url)
    assert reader.head().size == 2 * 3 * rounds
    assert [index for index, _ in reader.all_leaves()] == list(range(2 * 3 * rounds))
    assert sorted(index for _, index in reader.all_transactions()) == list(range(2 * 3 * rounds))
    assert [row.value for row in reader.all_counters()] == [2 * rounds]
    assert [event.seq for event in reader.all_events()] == list(range(1, 2 * 3 * rounds + 1))
    reader.close()


def test_the_second_node_waits_and_then_sees_what_the_first_wrote(make_hand, postgres_url, made):
    create_ledger(postgres_url, made.ledger)
    first, second = make_hand(postgres_url), make_hand(postgres_url)
    first_head = first.store.begin()
    taken = []
    waiting = threading.Thread(target=lambda: taken.append(second.store.begin()))
    waiting.start()
    wait_until_blocked(postgres_url, second.store)
    assert taken == []

    first.write(first_head, [Plan()])
    first.store.commit()
    waiting.join(30)

    assert taken[0].size == 1
    assert taken[0].now >= first_head.now, "the clock was read after the wait"
    assert second.store.find([made.transaction(0)]) == {made.transaction(0): 0}
    second.store.rollback()
    first.store.close()
    second.store.close()


def wait_until_blocked(url, store):
    """Returns when the server says that this store's connection waits for a lock."""
    pid = store.connection.info.backend_pid
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as other:
        for _ in range(1_000_000):
            if other.execute("SELECT cardinality(pg_blocking_pids(%s))", (pid,)).fetchone()[0]:
                return
    raise AssertionError("never waited")


def test_a_node_that_never_lets_go_is_named(make_hand, postgres_url, made, monkeypatch):
    monkeypatch.setattr("ledger.store.postgresql.LOCK_MS", 50)
    create_ledger(postgres_url, made.ledger)
    first = make_hand(postgres_url)
    monkeypatch.undo()
    first.store.begin()
    second = make_hand(postgres_url)
    second.store.connection.execute("SET lock_timeout = 50")

    with pytest.raises(StoreProblem, match="another node has held"):
        second.store.begin()

    second.store.rollback()
    first.store.close()
    second.store.reopen()
    assert second.store.begin().size == 0
    second.store.close()


def test_a_commit_is_announced(make_hand, postgres_url, made):
    create_ledger(postgres_url, made.ledger)
    hand = make_hand(postgres_url)
    with psycopg.connect(postgres_url.replace("+psycopg", ""), autocommit=True) as listener:
        listener.execute(f"LISTEN ledger_{hand.store.ledger}")
        hand.commit([Plan()])
        heard = list(listener.notifies(timeout=10, stop_after=1))
    assert [notice.channel for notice in heard] == [f"ledger_{hand.store.ledger}"]
    hand.store.close()


def test_a_full_disk_keeps_nothing_and_goes_on_when_there_is_room(make_hand, sqlite_url, made):
    """A file of SQLite's own page limit: the error is the one of a full disk."""
    create_ledger(sqlite_url, made.ledger)
    hand = make_hand(sqlite_url)
    hand.commit([Plan()])
    pages = hand.store.connection.execute("PRAGMA page_count").fetchone()[0]
    hand.store.connection.execute(f"PRAGMA max_page_count = {pages + 2}").fetchall()

    tiles = [TileRow(0, n, bytes(8192)) for n in range(100)]
    with pytest.raises(StoreProblem, match="does not fit on the disk"):
        hand.commit([Plan()], tiles=tiles)
    hand.store.rollback()

    hand.store.reopen()
    size = hand.store.begin().size
    hand.store.rollback()
    assert hand.commit([Plan()]).size == size + 1
    hand.store.close()
