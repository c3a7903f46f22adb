"""PURE: the guard over marked money, a stage of deciding after the plan and the waterfall.

Every movement of every kind comes through here, so that no kind can let marked money go where its
policy does not: to payees who are not admitted, out of the mark by a refund, a hold, a deposit or
an exchange. What is not expressly allowed is refused. It judges from the plan and the state alone,
whichever pack is in force, so an audit that re-applies entries finds the same; and it feeds the
counters from which every budget line is accounted for. What reserved marked money was judged for
it may reach, and it may always go back to where it came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.core import counters
from ledger.core.account import RESERVED, Account, AccountKind
from ledger.core.amount import TENGE_SCALE, format_amount, parse_amount
from ledger.core.decision import Code, Reason, Refused, in_precedence
from ledger.core.ids import ID_BYTES, b64, unb64
from ledger.core.mark import MarkPolicy
from ledger.core.needs import Known, Need
from ledger.core.objects import payee_of
from ledger.core.payment import Payment
from ledger.core.plan import Movement, Plan
from ledger.core.transaction import Request, Transaction
from ledger.core.vat import VAT
from ledger.kinds.allocate import ALLOCATE
from ledger.kinds.confirm import confirmed_part
from ledger.kinds.kind import arrival, id_of, named_account
from ledger.kinds.mark_settle import SETTLE
from ledger.kinds.marked import (
    budget_of,
    home_of,
    is_final,
    lineage,
    mark_needs,
    marked_of,
    policy_of,
)
from ledger.kinds.taxed import VAT_PART
from ledger.rules.rule import was_judged
from ledger.vat import may_move

GUARD = "marks/1"
"""Name under which the guard gives its reasons."""

PAYS = frozenset(
    {"transfer", "pay", "split", "hold", "lock", "ask_pay", "refund", "offline", VAT_PART}
)
"""Purposes by which marked money may pay. All else, above all what converts, may not touch it."""

ON_PURSES = frozenset({"purse_load", "purse_unload", "purse_return"})
"""Purposes by which marked money goes onto a purse of its holder's with the same mark, and off it.
Whether a pack lets it go there is the purses' business (`kinds.purses`)."""

RETURNS = frozenset({"transfer", "mark_return", SETTLE, "expire"})
"""Purposes by which marked money may go back to its budget. None of them makes a payment that could
be refunded."""

Count = tuple[str, int, bytes, str, int]


def guarded(plan: Plan, tx: Transaction, known: Known, at: int) -> Plan | Refused:
    """The plan with the sums of its marks, or every reason why its money may not go there."""
    if not any(map(_concerns, plan.movements)):
        return plan
    guard = _Guard(plan, tx, known, at)
    for movement in plan.movements:
        guard.judge(movement)
    if guard.reasons:
        return Refused(in_precedence(guard.reasons))
    return msgspec.structs.replace(plan, counts=(*plan.counts, *guard.counts))


def _concerns(movement: Movement) -> bool:
    """Whether the movement may have to do with a mark."""
    source, target = movement.source, movement.target
    if source.mark or target.mark or target.kind in RESERVED:
        return True
    return movement.purpose == "refund"


def _stays(movement: Movement) -> bool:
    """Whether money keeps its mark and its holder."""
    source, target = movement.source, movement.target
    return source.mark == target.mark and source.owner == target.owner


class _Guard:
    """One plan's movements, judged in order. Sums that a movement adds count for the next ones."""

    def __init__(self, plan: Plan, tx: Transaction, known: Known, at: int) -> None:
        self.reasons: list[Reason] = []
        self.counts: list[Count] = []
        self._plan, self._known, self._at = plan, known, at
        self._paid: dict[tuple[str, str], int] = {}  # by mark and payee
        self._lines = _lines_in(tx)

    def judge(self, movement: Movement) -> None:
        """Refuse the movement, or count it."""
        source, target = movement.source, movement.target
        if VAT in (source.mark, target.mark):
            self._vat(movement)
        elif source.kind in RESERVED or source.kind == AccountKind.HELD:
            self._lets_go(movement)
        elif target.kind in RESERVED and self._payee_of(target).mark == VAT:
            self._refuse(Code.MARK_BOUND, source.mark or VAT)  # what it lets go pays no VAT
        elif not source.mark:
            self._takes_on(movement, self._payee_account(target))
        elif movement.purpose in ON_PURSES and _stays(movement):
            return
        elif movement.purpose in RETURNS and self._is_budget(source.mark, target):
            measure = counters.MARK_PAID if movement.purpose == SETTLE else counters.MARK_RETURNED
            self._count(measure, source.mark, movement.amount)
        else:
            self._pays(movement, self._payee_account(target))

    def _vat(self, movement: Movement) -> None:
        """Money of a VAT account (`ledger.vat`). The VAT in what marked money buys is paid out of
        its mark, and comes back to it with a refund."""
        if not may_move(movement, self._plan, self._known):
            self._refuse(Code.MARK_BOUND, VAT)
        elif movement.source.mark not in ("", VAT):
            self._pays(movement, movement.target)
        elif (paid_from := self._paid_from(movement)) is not None and paid_from.mark:
            self._refunds(movement, paid_from)

    # Money that is not reserved ------------------------------------------------------------------

    def _takes_on(self, movement: Movement, payee: Account) -> None:
        """Ordinary money: it takes on a mark by an allocation from its budget, or by going back to
        the marked account that it was paid from."""
        paid_from = self._paid_from(movement)
        if paid_from is not None and paid_from.mark:
            self._refunds(movement, paid_from)
        elif payee.mark and not self._allocates(movement, payee):
            self._refuse(Code.MARK_BOUND, payee.mark)

    def _pays(self, movement: Movement, payee: Account) -> None:
        """Marked money: to a supplier, under a child mark, or out of the mark to a final payee."""
        mark = movement.source.mark
        if payee.mark not in ("", VAT, mark) and self._allocates(movement, payee):
            return
        if movement.purpose not in PAYS or payee.mark not in ("", VAT, mark):
            self._refuse(Code.MARK_BOUND, mark)
            return
        paid_from = self._paid_from(movement)
        if paid_from is not None:
            self._refunds(movement, paid_from)
            return
        above = lineage(self._known, mark)
        leaves = payee.mark != mark
        if not leaves:
            on_purse = payee.kind == AccountKind.PURSE
            admitted = not on_purse and marked_of(self._known, payee).supplier
        else:
            owner, party = payee.owner, movement.target_party
            admitted = all(is_final(self._known, policy, owner, party) for _, policy in above)
        if not admitted:
            self._refuse(Code.MARK_PAYEE, mark)
        for id, policy in above:
            self._within(id, policy, movement)
        if leaves:
            self._check_goods(mark, [policy for _, policy in above], movement.amount)
        if leaves and movement.target.kind not in RESERVED:
            self._count(counters.MARK_PAID, mark, movement.amount)

    def _allocates(self, movement: Movement, payee: Account) -> bool:
        """Whether this is an allocation from the budget of the mark that the payee bears."""
        policy = policy_of(self._known, payee.mark)
        if movement.purpose != ALLOCATE or policy.budget != b64(movement.source.id):
            return False
        self._count(counters.MARK_ALLOCATED, payee.mark, movement.amount)
        return True

    # Refunds -------------------------------------------------------------------------------------

    def _paid_from(self, movement: Movement) -> Account | None:
        """The account that paid what this movement refunds; None where it is no refund."""
        if movement.purpose != "refund":
            return None
        return named_account(self._known, unb64(self._refunded().payer, ID_BYTES))

    def _refunded(self) -> Payment:
        """The payment that the plan refunds."""
        payment = next((o.body for o in self._plan.objects if o.type == "payment"), None)
        if not isinstance(payment, Payment):
            raise AssertionError("a refund without its payment")
        return payment

    def _refunds(self, movement: Movement, paid_from: Account) -> None:
        """What marked money paid goes back to where it came from, or, where that has ended, to the
        budget; and counts as not paid. It comes from money with the mark that the payee received:
        what was paid out of the mark comes back from ordinary money."""
        mark, source, target = paid_from.mark, movement.source, movement.target
        ended, home = home_of(self._known, paid_from)
        paid_to = named_account(self._known, unb64(self._refunded().payee, ID_BYTES))
        goes_back = target.id in (home.id, arrival(self._known, home).id)
        came_with = source.mark == VAT or source.mark == paid_to.mark
        if not (goes_back and came_with) or source.mark not in ("", VAT, mark):
            self._refuse(Code.MARK_BOUND, mark or source.mark)
            return
        if source.mark != mark:
            self._count(counters.MARK_PAID, mark, -movement.amount)
        for each in ended:
            self._count(counters.MARK_RETURNED, each, movement.amount)
        self._count_payee(mark, b64(source.owner), -movement.amount)

    # Money that was reserved ---------------------------------------------------------------------

    def _lets_go(self, movement: Movement) -> None:
        """Reserved or held money: to the payee it was judged for, or back to its owner. The mark
        stays, but where the payee is a final one, or the budget."""
        source, target = movement.source, movement.target
        mark = source.mark
        if movement.purpose in RETURNS and self._is_budget(mark, target):
            self._count(counters.MARK_RETURNED, mark, movement.amount)
            return
        payee = self._payee_of(source) if source.kind in RESERVED else None
        paid = payee is not None and target.id in (payee.id, arrival(self._known, payee).id)
        expected = payee.mark if payee is not None and paid else mark
        if not was_judged(movement, self._known) or target.mark != expected:
            if mark or target.mark:
                self._refuse(Code.MARK_BOUND, mark or target.mark)
        elif mark and not target.mark:
            self._count(counters.MARK_PAID, mark, movement.amount)
        elif mark and payee is not None and not paid:
            self._count_payee(mark, b64(payee.owner), -movement.amount)

    def _payee_account(self, target: Account) -> Account:
        """Who is paid: the target, or where money is reserved, the account it is reserved for."""
        return self._payee_of(target) if target.kind in RESERVED else target

    def _payee_of(self, reserve: Account) -> Account:
        wanted = (reserve.kind.value, reserve.id)
        made = next((o for o in self._plan.objects if (o.type, o.key) == wanted), None)
        found = made or self._known.object(*wanted)
        if found is None:
            raise AssertionError(f"account {b64(reserve.id)} is reserved for nobody")
        return named_account(self._known, payee_of(found))

    # What a policy says --------------------------------------------------------------------------

    def _within(self, mark: str, policy: MarkPolicy, movement: Movement) -> None:
        """Time, what has been confirmed, the cap of one payee."""
        if policy.valid_until <= self._at:
            self._refuse(Code.MARK_ENDED, mark)
        payee = b64(self._payee_account(movement.target).owner)
        paid = self._paid_to(mark, payee) + movement.amount
        self._add_payee(mark, payee, movement.amount)
        if policy.payee_max is not None and paid > policy.payee_max:
            left = max(0, policy.payee_max - paid + movement.amount)
            self._refuse(Code.MARK_PAYEE_MAX, mark, left=format_amount(left, TENGE_SCALE))
        for condition in policy.conditions:
            part = confirmed_part(condition, payee)
            confirmed = self._known.counter(counters.MARK_CONFIRMED, 0, id_of(mark), part)
            if paid > confirmed:
                left = max(0, confirmed - paid + movement.amount)
                self._refuse(
                    Code.MARK_CONDITION,
                    mark,
                    event=condition.event,
                    left=format_amount(left, TENGE_SCALE),
                )

    def _check_goods(self, mark: str, above: list[MarkPolicy], amount: int) -> None:
        """Marked money for some goods alone pays lines of them, each tiyn of a line once. Where
        several marks pay, the narrower should come first."""
        admitted = [frozenset(policy.goods) for policy in above if policy.goods]
        if not admitted:
            return
        goods = frozenset.intersection(*admitted)
        missing = amount
        for place, (code, left) in enumerate(self._lines):
            if code in goods:
                taken = min(left, missing)
                missing -= taken
                self._lines[place] = (code, left - taken)
        if missing:
            eligible = format_amount(amount - missing, TENGE_SCALE)
            self._refuse(Code.MARK_GOODS, mark, goods=sorted(goods), eligible=eligible)

    def _is_budget(self, mark: str, target: Account) -> bool:
        """Whether this is where the mark's money returns to."""
        if not mark:
            return False
        budget = budget_of(self._known, policy_of(self._known, mark))
        return target.id in (budget.id, arrival(self._known, budget).id)

    def _paid_to(self, mark: str, payee: str) -> int:
        before = self._known.counter(counters.MARK_PAYEE, 0, id_of(mark), payee)
        return before + self._paid.get((mark, payee), 0)

    def _add_payee(self, mark: str, payee: str, amount: int) -> None:
        self._paid[mark, payee] = self._paid.get((mark, payee), 0) + amount
        self.counts.append((counters.MARK_PAYEE, 0, id_of(mark), payee, amount))

    def _count_payee(self, mark: str, payee: str, amount: int) -> None:
        for id, _ in lineage(self._known, mark):
            self._add_payee(id, payee, amount)

    def _count(self, measure: str, mark: str, amount: int) -> None:
        self.counts.append((measure, 0, id_of(mark), "", amount))

    def _refuse(self, code: Code, mark: str, **params: str | list[str]) -> None:
        reason = Reason(code, GUARD, {"mark": mark, **params})
        if reason not in self.reasons:
            self.reasons.append(reason)


def _lines_in(tx: Transaction) -> list[tuple[str, int]]:
    """The lines of the request that the transaction embeds: code and tiyn."""
    requests = (each.body for each in tx.embedded if isinstance(each.body, Request))
    return [
        (line.code, parse_amount(line.amount, TENGE_SCALE))
        for request in requests
        for line in request.lines
    ]


def needs(found: Iterator[Need], known: Known) -> Iterator[Need]:
    """These needs of a kind, and what the guard reads of accounts with marks. A prefetch."""
    marks: set[str] = set()
    owners: set[bytes] = set()
    for need in found:
        yield need
        account = known.values.get(need) if need[0] == "account" else None
        if account is not None:
            owners.add(account.owner)
            if account.mark == VAT:
                yield ("object", "taxpayer", account.owner)
            elif account.mark:
                marks.add(account.mark)
                yield ("object", "marked", account.id)
    for mark in sorted(marks):
        yield from mark_needs(known, mark)
        yield from _payee_needs(known, mark, owners)


def _payee_needs(known: Known, mark: str, owners: set[bytes]) -> Iterator[Need]:
    """What is counted of each of these as a payee under the mark and those above it."""
    while mark:
        key = id_of(mark)
        policy: Any = known.values.get(("object", "mark", key))
        if policy is None:
            return
        for owner in sorted(owners):
            payee = b64(owner)
            yield ("counter", counters.MARK_PAYEE, 0, key, payee)
            yield ("object", "categories", owner)
            for condition in policy.body.conditions:
                part = confirmed_part(condition, payee)
                yield ("counter", counters.MARK_CONFIRMED, 0, key, part)
        budget = known.values.get(("account", id_of(policy.body.budget)))
        mark = "" if budget is None else budget.mark
