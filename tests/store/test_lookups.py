"""Look-up rows that come and go within one batch."""

from __future__ import annotations

import msgspec

from ledger.core.plan import Plan


def test_a_lookup_put_and_dropped_in_one_batch_is_no_row_and_no_fault(hand, made):
    first = made.object("first", lookups=(("current", b"tBTC"),))
    past = msgspec.structs.replace(first, status="past", lookups=())
    second = made.object("second", lookups=(("current", b"tBTC"),))

    head = hand.commit([Plan(objects=(first,)), Plan(objects=(past, second))])

    assert head.size == 2
    need = ("lookup", "clock", "current", b"tBTC")
    hand.store.begin()
    assert hand.store.load([need])[need] == (second.key,)
    hand.store.rollback()
