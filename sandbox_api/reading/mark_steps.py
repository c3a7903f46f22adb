"""What an entry did with marked money, told from its postings: the one place that reads it back.

A step says what became of the mark; the sums of a budget at a past entry are today's sums less the
steps since. What the guard (`ledger.marks`) counted when the entry was decided is the same, which
tests hold against a replay of every entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from ledger.core.account import RESERVED, Account, AccountKind
from ledger.core.ids import ID_BYTES, b64, unb64
from ledger.core.mark import MarkPolicy
from ledger.core.needs import Need
from ledger.core.objects import body_of
from ledger.core.payment import Payment
from ledger.core.proposal import Proposal
from ledger.log.leaf import Leaf, decode_leaf
from ledger.store.reader import Snapshot
from sandbox_api.reading.entries import told_of
from sandbox_api.reading.known import object_of

ALLOCATED, PASSED, RESERVES, FREED = "allocated", "passed", "reserved", "freed"
PAID, RETURNED, SETTLED, REFUNDED = "paid", "returned", "settled", "refunded"

_RETURNS: Final = frozenset(
    {"transfer/1", "alias_pay/1", "consent_pay/1", "mark_return/1", "expire/1"}
)
"""Kinds by which money that reaches the budget has returned to it, and was not paid to it."""


class Marks(msgspec.Struct, frozen=True):
    """The marks of a tree: their policies by id, and the budgets' accounts by id."""

    policies: Mapping[str, MarkPolicy]
    budgets: Mapping[str, Account]

    def parent(self, mark: str) -> str:
        """The mark above, "" for none."""
        return self.budgets[self.policies[mark].budget].mark


class Step(msgspec.Struct, frozen=True):
    """One movement of marked money. `mark`: the mark that it moved under; `ended`: marks to whose
    budgets a refund went because their accounts were closed."""

    index: int
    at: int
    kind: str
    step: str
    mark: str
    source: Account
    target: Account
    amount: int
    ended: tuple[str, ...] = ()


class Sums(msgspec.Struct):
    """One mark's sums in minor units."""

    allocated: int = 0
    paid: int = 0
    returned: int = 0
    held: int = 0

    def add(self, other: Sums, sign: int) -> None:
        """Add or take off the counted sums of another."""
        self.allocated += sign * other.allocated
        self.paid += sign * other.paid
        self.returned += sign * other.returned


def steps_at(view: Snapshot, indexes: Iterable[int], marks: Marks) -> list[Step]:
    """What the entries at these indexes did with money of these marks, in order."""
    steps: list[Step] = []
    for index in sorted(indexes):
        raw = view.leaf(index)
        if raw is None:
            raise AssertionError(f"entry {index} is not there")
        steps += _steps_of(view, decode_leaf(raw), marks)
    return steps


def counted(steps: Iterable[Step], marks: Marks) -> dict[str, Sums]:
    """What these steps added to the sums of each mark."""
    sums = {mark: Sums() for mark in marks.policies}
    for step in steps:
        one = sums[step.mark]
        if step.step == ALLOCATED:
            one.allocated += step.amount
        elif step.step in (PAID, SETTLED):
            one.paid += step.amount
        elif step.step == RETURNED:
            one.returned += step.amount
        elif step.step == REFUNDED and step.source.mark != step.mark:  # ordinary money, or VAT
            one.paid -= step.amount
        for mark in step.ended:
            if mark in sums:
                sums[mark].returned += step.amount
    return sums


def _steps_of(view: Snapshot, leaf: Leaf, marks: Marks) -> list[Step]:
    kind = _done_by(view, leaf)
    ids = {
        unb64(id, ID_BYTES) for posting in leaf.postings for id in (posting.debit, posting.credit)
    }
    needs: list[Need] = [("account", id) for id in sorted(ids)]
    accounts = view.load(needs)
    moves = [
        (accounts["account", unb64(posting.debit, ID_BYTES)],
         accounts["account", unb64(posting.credit, ID_BYTES)], int(posting.amount))
        for posting in leaf.postings
    ]  # fmt: skip
    refunds = kind == "refund/1"
    found: list[Step] = []
    for place, (source, target, amount) in enumerate(moves):
        if refunds:
            made = _refund(view, leaf, source, target, marks)
        else:
            after = moves[place + 1] if place + 1 < len(moves) else None
            made = _step(kind, source, target, after, marks)
        if made is not None:
            step, mark, ended = made
            found.append(Step(leaf.index, leaf.at, kind, step, mark, source, target, amount, ended))
    return found


Made = tuple[str, str, tuple[str, ...]]


def _step(
    kind: str,
    source: Account,
    target: Account,
    after: tuple[Account, Account, int] | None,
    marks: Marks,
) -> Made | None:
    """What a movement that is no refund was; None where it concerns none of these marks."""
    mark = source.mark
    given = marks.policies.get(target.mark) if target.mark != mark else None
    if given is not None and b64(source.id) == given.budget:
        return ALLOCATED, target.mark, ()
    if mark not in marks.policies:
        return None
    if target.mark == mark:
        if target.kind in (*RESERVED, AccountKind.PURSE):
            return RESERVES, mark, ()
        freed = source.kind != AccountKind.WALLET and source.owner == target.owner
        return (FREED if freed else PASSED), mark, ()
    budget = marks.budgets[marks.policies[mark].budget]
    if target.owner == budget.owner and target.mark == budget.mark:
        if kind == "mark_settle/1" and after is not None and after[0].id == budget.id:
            return SETTLED, mark, ()
        if kind in _RETURNS and (target.id == budget.id or target.kind == AccountKind.HELD):
            return RETURNED, mark, ()
    return PAID, mark, ()


def _refund(
    view: Snapshot, leaf: Leaf, source: Account, target: Account, marks: Marks
) -> Made | None:
    """What a refund gave back to which mark, and where its accounts are closed, to those above."""
    payment = object_of(view, "payment", unb64(str(leaf.facts["payment"]), ID_BYTES))
    if payment is None:
        raise AssertionError(f"entry {leaf.index} refunds a payment that is not there")
    payer: Need = ("account", unb64(body_of(payment, Payment).payer, ID_BYTES))
    mark = view.load([payer])[payer].mark
    if mark not in marks.policies:
        return None
    ended: list[str] = []
    above = mark
    while above in marks.policies and above != target.mark:
        ended.append(above)
        above = marks.parent(above)
    return REFUNDED, mark, tuple(ended)


def _done_by(view: Snapshot, leaf: Leaf) -> str:
    """The kind of what was done: of an approval, the kind that was proposed."""
    told = told_of(leaf.tx.encode())
    if told.kind != "approve/1":
        return told.kind
    proposal = object_of(view, "proposal", unb64(told.payload["proposal"], ID_BYTES))
    return told.kind if proposal is None else body_of(proposal, Proposal).kind
