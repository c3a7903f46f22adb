"""What one commit writes comes back as it was, from both databases, to writer and reader alike."""

from __future__ import annotations

import random

import msgspec
import pytest

from ledger.core.ids import TransactionId
from ledger.core.objects import PackInForce
from ledger.core.plan import Plan
from ledger.core.state import Changes
from ledger.store import (
    Batch,
    BatchRefused,
    EventKind,
    EventRow,
    TileRow,
    create_ledger,
    open_reading,
    open_writing,
)


def test_a_new_ledger_is_empty(hand, made):
    head = hand.store.begin()

    assert (head.id, head.size, head.frontier, head.at) == (made.ledger, 0, b"", 0)
    assert (head.accounts_opened, head.events, head.refusals) == (0, 0, 0)
    hand.store.rollback()


def test_the_database_clock_is_now_and_never_runs_back(hand):
    import time

    before = time.time_ns() // 1_000_000
    heads = [hand.commit() for _ in range(3)]
    after = time.time_ns() // 1_000_000 + 1

    times = [head.now for head in heads]
    assert times == sorted(times)
    assert before <= times[0] <= times[-1] <= after


def test_entries_and_their_head_come_back(hand, made, store_url):
    written = hand.open_accounts("a", "b")

    head = hand.store.begin()
    assert msgspec.structs.replace(head, now=0) == msgspec.structs.replace(written, now=0)
    assert hand.store.leaves(0, head.size) == [b"leaf %d" % n for n in range(head.size)]
    assert hand.store.leaves(2, 4) == [b"leaf 2", b"leaf 3"]
    hand.store.rollback()
    reader = open_reading(store_url)
    assert reader.head().size == head.size
    assert (reader.leaf(1), reader.leaf(99)) == (b"leaf 1", None)
    assert dict(reader.all_leaves()) == {n: b"leaf %d" % n for n in range(head.size)}
    reader.close()


@pytest.mark.parametrize("count", [1, 2, 511, 512, 513, 1_500])
def test_transactions_are_found_in_bulk_and_strangers_are_not(hand, made, count):
    hand.commit([Plan()] * count)

    hand.store.begin()
    found = hand.store.find([made.transaction(n) for n in range(count + 50)])
    hand.store.rollback()

    assert found == {made.transaction(n): n for n in range(count)}
    assert all(isinstance(tx, TransactionId) for tx in found)


def test_accounts_keep_owner_number_and_balance(hand, store_url):
    hand.open_accounts("a", "b", funds=500)
    hand.commit([hand.move("a", "b", 123)])

    loaded = hand.store.load([("account", hand.account(n).id) for n in ("issue", "a", "b")])
    missing = hand.store.load([("account", b"nobody's account")])

    assert list(loaded.values()) == [hand.account(n) for n in ("issue", "a", "b")]
    assert [a.balance for a in loaded.values()] == [-1000, 377, 623]
    assert missing == {("account", b"nobody's account"): None}
    reader = open_reading(store_url)
    assert list(reader.all_accounts()) == list(loaded.values())
    assert reader.accounts(after=0, limit=1) == [hand.account("a")]
    assert reader.accounts_of(hand.account("b").owner) == [hand.account("b")]
    assert reader.account_by_number(2) == hand.account("b")
    assert reader.account_by_number(9) is None
    assert reader.balances() == {"KZT": (1000, -1000)}
    reader.close()


def test_objects_are_put_replaced_and_found_by_their_lookups(hand, made, store_url):
    first = made.object("one", lookups=(("by", b"\x00x"), ("by", b"y")))
    second = made.object("two", lookups=(("by", b"y"),))
    by_x, by_y = ("lookup", "clock", "by", b"\x00x"), ("lookup", "clock", "by", b"y")
    hand.commit([Plan(objects=(first, second))])
    both = tuple(sorted((first.key, second.key)))
    assert hand.store.load([by_x, by_y]) == {by_x: (first.key,), by_y: both}

    moved = msgspec.structs.replace(first, status="moved", lookups=(("by", b"z"),))
    hand.commit([Plan(objects=(moved,))])

    need = ("object", "clock", first.key)
    loaded = hand.store.load([need, by_x, by_y, ("object", "clock", b"none")])
    assert loaded[need] == msgspec.structs.replace(moved, written=1)
    assert (loaded[by_x], loaded[by_y]) == ((), (second.key,))
    assert loaded["object", "clock", b"none"] is None
    reader = open_reading(store_url)
    assert sorted(row.value for row in reader.all_lookups()) == [b"y", b"z"]
    assert [row.key for row in reader.all_objects()] == list(both)
    assert reader.objects("clock", status="moved") == [loaded[need]]
    assert [o.key for o in reader.objects("clock", after_key=both[0])] == [both[1]]
    assert reader.objects("clock", owner=first.owner, limit=1)[0].key == both[0]
    assert reader.objects("clock", owner=b"nobody") == []
    reader.close()


def test_a_body_of_forty_thousand_bytes_comes_back(hand, made):
    text = "# құжат\n" * 4_000
    pack = made.object("pack", type="pack", body=PackInForce("long", text, None))
    hand.commit([Plan(objects=(pack,))])

    loaded = hand.store.load([("object", "pack", pack.key)])

    assert loaded["object", "pack", pack.key].body.text == text


def test_counters_are_summed_without_being_read(hand, store_url):
    needs = [("counter", "m", period, b"s", part) for period in (0, 1) for part in ("", "p")]
    counts = [(n[1], n[2], n[3], n[4], 5) for n in needs[:3]]
    hand.commit([Plan(counts=tuple(counts)), Plan(counts=(counts[0],))])
    hand.commit([Plan(counts=(("m", 0, b"s", "", -3),))])

    assert list(hand.store.load(needs).values()) == [7, 5, 5, 0]
    reader = open_reading(store_url)
    assert [row.value for row in reader.all_counters()] == [7, 5, 5]
    reader.close()


def test_due_objects_come_by_due_time_then_type_then_key(hand, made):
    objects = [
        made.object(name, type=type_, due=due)
        for name, type_, due in (
            ("late", "clock", 300),
            ("never", "clock", None),
            ("b", "clock", 100),
            ("a", "clock", 100),
            ("first", "Clock", 100),
        )
    ]
    hand.commit([Plan(objects=tuple(objects))])

    found = hand.store.due(299, 10)

    assert found == sorted((o.due, o.type, o.key) for o in objects if o.due == 100)
    assert found[0][1] == "Clock", "text is ordered by its bytes in both databases"
    assert hand.store.due(300, 10)[-1][0] == 300
    assert len(hand.store.due(300, 2)) == 2
    assert hand.store.due(99, 10) == []


def test_tiles_come_back(hand, store_url):
    hashes = random.Random(5).randbytes(8192)
    hand.commit([Plan()] * 3, tiles=[TileRow(0, 7, hashes), TileRow(1, 0, hashes[::-1])])

    assert hand.store.tile(0, 7) == hashes
    assert hand.store.tile(0, 8) is None
    reader = open_reading(store_url)
    assert reader.tile(1, 0) == hashes[::-1]
    assert [(t.level, t.number) for t in reader.all_tiles()] == [(0, 7), (1, 0)]
    reader.close()


def test_events_number_entries_first_then_new_refusals(hand, made, store_url):
    hand.commit([Plan(), Plan()], refusals=[made.refusal(90), made.refusal(91)])
    head = hand.commit([Plan()], refusals=[made.refusal(90)])
    hand.commit([], refusals=[made.refusal(92)])

    assert (head.events, head.refusals) == (5, 2)
    entry, refusal = EventKind.ENTRY, EventKind.REFUSAL
    expected = [
        EventRow(1, entry, 0),
        EventRow(2, entry, 1),
        EventRow(3, refusal, 1),
        EventRow(4, refusal, 2),
        EventRow(5, entry, 2),
        EventRow(6, refusal, 3),
    ]
    reader = open_reading(store_url)
    assert list(reader.all_events()) == expected
    for after in range(7):
        for limit in (1, 2, 10):
            assert reader.events(after, limit) == expected[after : after + limit]
    reader.close()


def test_a_refusal_again_counts_repeats_and_renews_the_rest(hand, made, store_url):
    hand.commit([], refusals=[made.refusal(1), made.refusal(2), made.refusal(2, at=made.t0 + 1)])
    hand.commit([], refusals=[made.refusal(1, at=made.t0 + 9, reasons=b'["new"]')])

    reader = open_reading(store_url)
    one, two = reader.refusal(made.transaction(1)), reader.refusal(made.transaction(2))
    assert (one.number, one.repeats, one.refusal.reasons) == (1, 1, b'["new"]')
    assert (two.number, two.repeats, two.refusal.at) == (2, 1, made.t0 + 1)
    assert reader.refusal(made.transaction(3)) is None
    assert reader.refusals() == [two, one]
    assert reader.refusals(before=2) == [one]
    assert reader.refusals(after=1) == [two]
    assert reader.refusals_by_number([2, 7]) == {2: two}
    assert list(reader.all_refusals()) == [one, two]
    reader.close()


def test_old_refusals_can_be_forgotten_and_numbers_go_on(hand, made, store_url):
    hand.commit([], refusals=[made.refusal(n) for n in range(10)])

    assert hand.store.prune_refusals(keep=3) == 7

    hand.commit([], refusals=[made.refusal(n) for n in (2, 77)])
    reader = open_reading(store_url)
    assert [kept.number for kept in reader.all_refusals()] == [8, 9, 10, 11, 12]
    assert reader.refusals_by_number([1]) == {}
    reader.close()


def test_what_is_rolled_back_was_never_there(hand, made):
    hand.open_accounts("a", "b")
    before = hand.store.begin()
    hand.write(before, [hand.move("a", "b", 1)], [made.refusal(5)])
    hand.store.rollback()

    after = hand.store.begin()

    assert msgspec.structs.replace(after, now=0) == msgspec.structs.replace(before, now=0)
    assert hand.store.find([made.transaction(hand.written - 1)]) == {}
    hand.store.rollback()


def test_a_transaction_cannot_be_written_twice(hand, made):
    hand.commit([Plan(), Plan()])
    head = hand.store.begin()

    with pytest.raises(BatchRefused):
        hand.write(head, [Plan()], ids=[made.transaction(1)])

    hand.store.rollback()
    assert hand.store.begin().size == 2
    hand.store.rollback()


def test_two_of_one_transaction_in_a_batch_are_refused(hand, made):
    head = hand.store.begin()

    with pytest.raises(BatchRefused):
        hand.write(head, [Plan(), Plan()], ids=[made.transaction(1)] * 2)

    hand.store.rollback()


def write_account(hand, **changes):
    """Write account "a" changed past all that the state checks."""
    head = hand.store.begin()
    changed = msgspec.structs.replace(hand.account("a"), **changes)
    batch = Batch(head, [], [], Changes(), [], [])
    batch.changes.accounts["account", changed.id] = changed
    hand.store.write(batch)
    hand.store.commit()


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"balance": -1}, id="a wallet below zero"),
        pytest.param({"balance": 2**63}, id="a balance of 64 bits"),
        pytest.param({"number": 99}, id="one id under two numbers"),
    ],
)
def test_the_database_itself_guards_accounts(hand, changes):
    hand.open_accounts("a")

    with pytest.raises(BatchRefused):
        write_account(hand, **changes)

    hand.store.rollback()
    assert hand.store.load([("account", hand.account("a").id)]) == {
        ("account", hand.account("a").id): hand.account("a")
    }


def test_an_account_that_is_not_there_cannot_be_moved(hand, made):
    hand.open_accounts("a", "b")
    ghost = msgspec.structs.replace(hand.account("a"), number=-5)
    head = hand.store.begin()
    batch = Batch(head, [], [], Changes(), [], [])
    batch.changes.accounts["account", ghost.id] = ghost

    with pytest.raises(BatchRefused):
        hand.store.write(batch)

    hand.store.rollback()


def test_a_counter_stops_at_the_largest_number(hand):
    top = 2**63 - 1
    need = ("counter", "m", 0, b"s", "")
    hand.commit([Plan(counts=(("m", 0, b"s", "", top - 1),))])

    for by, sum_ in ((1, top), (1, top), (top, top)):
        hand.commit([Plan(counts=(("m", 0, b"s", "", by),))])
        assert hand.store.load([need]) == {need: sum_}


def test_the_store_goes_on_after_a_refused_batch(hand, made):
    hand.commit([Plan()])
    head = hand.store.begin()
    with pytest.raises(BatchRefused):
        hand.write(head, [Plan()], ids=[made.transaction(0)])
    hand.store.rollback()
    hand.store.reopen()

    assert hand.commit([Plan()]).size == 2


def test_ledgers_of_one_database_know_nothing_of_each_other(hand, made, store_url):
    other_id = b"another ledger.."
    hand.open_accounts("a", "b")
    other = type(hand)(hand.store.create_ledger(other_id))
    assert hand.store.create_ledger(other_id).ledger == other.store.ledger
    other.open_accounts("a", "b", funds=7)
    hand.commit([hand.move("a", "b", 1)])

    assert [(row.id, row.size) for row in hand.store.ledgers()] == [
        (made.ledger, 6),
        (other_id, 5),
    ]
    first, second = open_reading(store_url, made.ledger), open_reading(store_url, other_id)
    assert (first.id, second.id) == (made.ledger, other_id)
    assert [a.balance for a in first.all_accounts()] == [-20_000, 9_999, 10_001]
    assert [a.balance for a in second.all_accounts()] == [-14, 7, 7]
    newest = open_reading(store_url)
    assert newest.id == other_id, "the newest with an entry"
    for reader in (first, second, newest):
        reader.close()


def test_creating_a_ledger_again_changes_nothing(store_url, made):
    create_ledger(store_url, made.ledger)
    store = open_writing(store_url)
    made_at = store.ledgers()
    store.close()

    create_ledger(store_url, made.ledger)

    store = open_writing(store_url)
    assert store.ledgers() == made_at
    store.close()
