"""Statements and balances at an index, over spans, against a plain list kept beside them."""

from __future__ import annotations

import random

import pytest

from ledger.core.plan import Plan
from ledger.store import StatementRow, open_reading
from ledger.store.schema import SPAN_BITS

SPAN = 1 << SPAN_BITS


@pytest.fixture
def history(hand, store_url):
    """Three spans of entries: "busy" moves often, "calm" seldom, "idle" never. What each account
    went through, oldest first, and a reader."""
    names = ("issue", "busy", "calm", "idle")
    hand.open_accounts("busy", "calm", "idle")
    seen = {name: [] for name in names}
    numbers = {hand.account(name).number: name for name in names}
    for index, name in ((4, "busy"), (5, "calm"), (6, "idle")):
        number = hand.account(name).number
        seen["issue"].append(StatementRow(index, 0, number, -10_000, -10_000 * (index - 3)))
        seen[name].append(StatementRow(index, 1, 0, 10_000, 10_000))
    rng = random.Random(17)
    index = 7
    while index < 3 * SPAN:
        plans = []
        for _ in range(min(600, 3 * SPAN - index)):
            plans.append(Plan())
        for n in rng.sample(range(len(plans)), 3):
            plans[n] = ("busy", "issue") if rng.random() < 0.9 else ("calm", "busy")
        if SPAN < index < 2 * SPAN:  # nothing of calm's in the middle span
            plans = [("busy", "issue") if p == ("calm", "busy") else p for p in plans]
        made = []
        for n, plan in enumerate(plans):
            if isinstance(plan, tuple):
                source, target = plan
                amount = rng.randrange(1, 9)
                twice = rng.random() < 0.3
                moves = tuple(
                    hand.movement(source, target, amount) for _ in range(2 if twice else 1)
                )
                for place in range(0, 2 * len(moves), 2):
                    for offset, name, other, by in (
                        (0, source, target, -amount),
                        (1, target, source, amount),
                    ):
                        seen[name].append(
                            StatementRow(
                                index + n, place + offset, hand.account(other).number, by,
                                seen[name][-1].balance + by,
                            )
                        )  # fmt: skip
                plan = Plan(movements=moves)
            made.append(plan)
        hand.commit(made)
        index += len(plans)
    reader = open_reading(store_url)
    yield numbers, seen, reader
    reader.close()


def test_statements_balances_and_audit_agree_with_a_plain_list(history):
    numbers, seen, reader = history
    for number, name in numbers.items():
        rows = seen[name]
        assert reader.statement(number, limit=10_000) == rows[::-1], name
        assert reader.statement(number, after=-1, limit=10_000) == rows, name
        for limit in (1, 7, 50):
            check_pages(reader, number, rows, limit)
        for index in (0, 4, SPAN - 1, SPAN, SPAN + 5, 2 * SPAN - 1, 2 * SPAN, 3 * SPAN, 10**9):
            expected = [row.balance for row in rows if row.index <= index]
            found = reader.balance_at(number, index)
            assert found == (expected[-1] if expected else 0), (name, index)

    everything = [
        (row.index, row.place, number, row.amount)
        for number, name in numbers.items()
        for row in seen[name]
    ]
    assert [
        (row.index, row.place, row.posted.account, row.posted.amount)
        for row in reader.all_postings()
    ] == sorted(everything)
    spans = {(number, row.index >> SPAN_BITS) for number, n in numbers.items() for row in seen[n]}
    assert list(reader.all_posting_spans()) == sorted(spans)
    calm = next(number for number, name in numbers.items() if name == "calm")
    assert (calm, 1) not in spans, "the middle span is one that a statement skips"


def check_pages(reader, number, rows, limit):
    """Pages in both directions give all rows once, and cut no entry in two."""
    pages, before = [], None
    while page := reader.statement(number, before=before, limit=limit):
        pages += page
        before = page[-1].index
    assert pages == rows[::-1]
    pages, after = [], -1
    while page := reader.statement(number, after=after, limit=limit):
        pages += page
        after = page[-1].index
    assert pages == rows
