"""Marks as they are told: the policy, the accounts, the budget of a whole programme at any entry,
and the way of its money.

Sums are counters and balances; at a past entry they are today's less what the entries since did to
accounts of the programme. A programme with too many accounts, or of which too much has happened
since, is not summed: `Problem("mark.large")`, never a half answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ledger.core import counters
from ledger.core.account import Account
from ledger.core.amount import format_amount
from ledger.core.ids import ID_BYTES, b64, unb64
from ledger.core.mark import MarkPolicy
from ledger.core.needs import Need
from ledger.core.objects import Object, body_of
from ledger.store.reader import Snapshot
from sandbox_api.limits import MARK_ACCOUNTS_MAX, MARK_ROWS_MAX, MARKS_MAX
from sandbox_api.problems import Problem
from sandbox_api.reading.entries import Scales
from sandbox_api.reading.known import account_of, object_of, page_of
from sandbox_api.reading.mark_steps import (
    ALLOCATED,
    PAID,
    PASSED,
    REFUNDED,
    Marks,
    Step,
    Sums,
    counted,
    steps_at,
)
from sandbox_api.reading.money import told_accounts
from sandbox_api.trace_svg import Flow, drawing
from sandbox_api.wire_marks import (
    BudgetBody,
    BudgetsBody,
    MarkBody,
    MarkCondition,
    MarkedAccountsBody,
    MarksBody,
    MarkSums,
    TraceBody,
    TraceStep,
)

MARK: Final = "mark"
_PAGE: Final = 500
_MEASURES: Final = (counters.MARK_ALLOCATED, counters.MARK_PAID, counters.MARK_RETURNED)


def mark_body(view: Snapshot, id: bytes) -> MarkBody | None:
    """A mark by its id, ended or not; None where there is none."""
    found = object_of(view, MARK, id)
    return None if found is None else _told(view, found)


def marks_of(view: Snapshot, owner: bytes, after: bytes, limit: int) -> MarksBody:
    """A page of the marks that a party began."""
    page, more = page_of(view, MARK, "owner", owner, after, limit)
    return MarksBody(tuple(_told(view, one) for one in page), more)


def accounts_with(
    view: Snapshot, mark: str, after: Account | None, limit: int
) -> MarkedAccountsBody:
    """A page of the accounts with a mark, those opened after this one, oldest first."""
    number = -1 if after is None else after.number
    found = view.accounts_with(mark, after=number, limit=limit + 1)
    page = found[:limit]
    more = b64(page[-1].id) if len(found) > limit else None
    return MarkedAccountsBody(told_accounts(view, page), more)


def budget_body(view: Snapshot, id: bytes, index: int | None) -> BudgetBody | None:
    """What became of all that was allocated to a mark, now or just after an entry; None where
    there is no such mark. Raises Problem ("mark.large")."""
    found = object_of(view, MARK, id)
    if found is None:
        return None
    size = view.head().size
    return _budget(view, found, size - 1 if index is None else min(index, size - 1), size)


def budgets_of(view: Snapshot, line: str, after: bytes, limit: int) -> BudgetsBody:
    """A page of the budgets under one budget line. Raises Problem ("mark.large")."""
    page, more = page_of(view, MARK, "line", line.encode(), after, limit)
    size = view.head().size
    return BudgetsBody(tuple(_budget(view, one, size - 1, size) for one in page), more)


def trace(view: Snapshot, id: bytes, after: int, limit: int) -> TraceBody | None:
    """A page of what happened to a mark's money above an entry (-1: from the first on), oldest
    first; None where there is no such mark. Raises Problem ("mark.large")."""
    found = object_of(view, MARK, id)
    if found is None:
        return None
    tree = tree_of(view, found)
    steps, more = steps_after(view, tree, after, limit)
    scale = Scales(view).of(body_of(found, MarkPolicy).asset)
    return TraceBody(tuple(_step(one, scale) for one in steps), more)


def picture(view: Snapshot, id: bytes, name: Callable[[str], str]) -> bytes | None:
    """The way of a mark's money as SVG; None where there is no such mark. `name`: what people call
    a party. Raises Problem ("mark.large")."""
    found = object_of(view, MARK, id)
    if found is None:
        return None
    tree = tree_of(view, found)
    policy = body_of(found, MarkPolicy)
    scale = Scales(view).of(policy.asset)
    budget = budget_body(view, id, None)
    if budget is None:
        raise AssertionError(f"mark {b64(id)} went while it was read")
    steps = _since(view, tree, -1)
    return drawing(
        b64(tree.budgets[policy.budget].owner),
        _flows(steps),
        title=f"{policy.contract}, {policy.budget_line}",
        sentence=f"Allocated {budget.allocated}, paid {budget.paid}, held {budget.held},"
        f" returned {budget.returned} {policy.asset}.",
        name=name,
        amount=lambda units: format_amount(units, scale),
    )


def _flows(steps: list[Step]) -> Iterator[Flow]:
    """Where the money went, reserves left out: what was reserved shows when it is paid."""
    for one in steps:
        source, target = b64(one.source.owner), b64(one.target.owner)
        if one.step == ALLOCATED or (one.step == PASSED and source != target):
            yield Flow(source, target, one.amount, False)
        elif one.step == PAID:
            yield Flow(source, target, one.amount, True)
        elif one.step == REFUNDED and not one.source.mark:
            yield Flow(target, source, -one.amount, True)


def tree_of(view: Snapshot, root: Object) -> Marks:
    """A mark with all below it, nearest first. Raises Problem ("mark.large")."""
    policies: dict[str, MarkPolicy] = {}
    budgets: dict[str, Account] = {}
    waiting = [root]
    while waiting:
        one = waiting.pop(0)
        policy = body_of(one, MarkPolicy)
        policies[b64(one.key)] = policy
        budget = account_of(view, unb64(policy.budget, ID_BYTES))
        if budget is None:
            raise AssertionError(f"mark {b64(one.key)} has no budget")
        budgets[policy.budget] = budget
        waiting += view.looked_up(MARK, "parent", one.key, limit=MARKS_MAX + 1)
        if len(policies) + len(waiting) > MARKS_MAX:
            raise Problem("mark.large", f"there are more than {MARKS_MAX} marks below it")
    return Marks(policies, budgets)


def steps_after(
    view: Snapshot, tree: Marks, after: int, limit: int
) -> tuple[list[Step], int | None]:
    """Steps of a tree above an entry, of about `limit` entries, and where to go on."""
    indexes: set[int] = set()
    horizon: int | None = None
    for account in _walked(view, tree, after):
        legs = view.statement(account.number, after=after, limit=limit)
        indexes |= {leg.index for leg in legs}
        if len(legs) >= limit:
            last = legs[-1].index
            horizon = last if horizon is None else min(horizon, last)
    chosen = sorted(index for index in indexes if horizon is None or index <= horizon)[:limit]
    steps = steps_at(view, chosen, tree)
    more = bool(chosen) and (len(chosen) < len(indexes) or horizon is not None)
    return steps, chosen[-1] if more else None


def _walked(view: Snapshot, tree: Marks, after: int) -> Iterator[Account]:
    """Accounts whose postings above an entry tell all of a tree: its own, and where one of them
    has closed, those above it that refunds go to from then on."""
    closed = False
    for account in _accounts(view, tree):
        closed = closed or account.status == "closed"
        if account.written > after:
            yield account
    home: Account | None = next(iter(tree.budgets.values())) if closed else None
    while home is not None:
        if home.written > after:
            yield home
        home = _budget_above(view, home) if home.status == "closed" and home.mark else None


def _budget_above(view: Snapshot, account: Account) -> Account | None:
    """The budget of the mark that an account bears."""
    above = object_of(view, MARK, unb64(account.mark, ID_BYTES))
    if above is None:
        raise AssertionError(f"an account bears mark {account.mark}, which is not there")
    return account_of(view, unb64(body_of(above, MarkPolicy).budget, ID_BYTES))


def _accounts(view: Snapshot, tree: Marks) -> Iterator[Account]:
    """All accounts with a mark of the tree. Raises Problem ("mark.large")."""
    seen = 0
    for mark in tree.policies:
        after = -1
        while page := view.accounts_with(mark, after=after, limit=_PAGE):
            seen += len(page)
            if seen > MARK_ACCOUNTS_MAX:
                raise Problem("mark.large", f"it has more than {MARK_ACCOUNTS_MAX} accounts")
            yield from page
            after = page[-1].number


def _budget(view: Snapshot, found: Object, index: int, size: int) -> BudgetBody:
    tree = tree_of(view, found)
    sums = _counted(view, tree)
    past = index < size - 1
    if past:
        for mark, since in counted(_since(view, tree, index), tree).items():
            sums[mark].add(since, -1)
    for account in _accounts(view, tree):
        moved = past and account.written > index
        held = view.balance_at(account.number, index) if moved else account.balance
        sums[account.mark].held += held
    policy = body_of(found, MarkPolicy)
    scale = Scales(view).of(policy.asset)

    def text(units: int) -> str:
        return format_amount(units, scale)

    top = sums[b64(found.key)]
    return BudgetBody(
        mark=b64(found.key),
        budget_line=policy.budget_line,
        contract=policy.contract,
        asset=policy.asset,
        allocated=text(top.allocated),
        paid=text(sum(one.paid for one in sums.values())),
        held=text(sum(one.held for one in sums.values())),
        returned=text(top.returned),
        marks=tuple(_sums(tree, mark, sums, scale) for mark in sums),
        size=index + 1,
    )


def _sums(tree: Marks, mark: str, sums: dict[str, Sums], scale: int) -> MarkSums:
    one, policy = sums[mark], tree.policies[mark]
    below = sum(
        child.allocated - child.returned
        for id, child in sums.items()
        if id != mark and tree.parent(id) == mark
    )
    amounts = (one.allocated, one.paid, one.held, one.returned, below)
    allocated, paid, held, returned, under = (format_amount(units, scale) for units in amounts)
    owner = b64(tree.budgets[policy.budget].owner)
    return MarkSums(mark, tree.parent(mark) or None, owner, allocated, paid, held, returned, under)


def _counted(view: Snapshot, tree: Marks) -> dict[str, Sums]:
    needs: dict[str, list[Need]] = {
        mark: [("counter", measure, 0, unb64(mark, ID_BYTES), "") for measure in _MEASURES]
        for mark in tree.policies
    }
    values = view.load([need for some in needs.values() for need in some])
    return {mark: Sums(*(values[need] for need in some)) for mark, some in needs.items()}


def _since(view: Snapshot, tree: Marks, index: int) -> list[Step]:
    """All steps above an entry. Raises Problem ("mark.large")."""
    indexes: set[int] = set()
    rows = 0
    for account in _walked(view, tree, index):
        after = index
        while legs := view.statement(account.number, after=after, limit=_PAGE):
            rows += len(legs)
            if rows > MARK_ROWS_MAX:
                raise Problem("mark.large", f"more than {MARK_ROWS_MAX} movements lie since")
            indexes |= {leg.index for leg in legs}
            after = legs[-1].index
    return steps_at(view, indexes, tree)


def _step(one: Step, scale: int) -> TraceStep:
    return TraceStep(
        index=one.index,
        at=one.at,
        kind=one.kind,
        step=one.step,
        mark=one.mark,
        from_party=b64(one.source.owner),
        from_account=b64(one.source.id),
        to_party=b64(one.target.owner),
        to_account=b64(one.target.id),
        amount=format_amount(one.amount, scale),
    )


def _told(view: Snapshot, found: Object) -> MarkBody:
    policy = body_of(found, MarkPolicy)
    most = policy.payee_max
    return MarkBody(
        id=b64(found.key),
        owner=b64(found.owner),
        status=found.status,
        parents=tuple(_parents(view, policy)),
        asset=policy.asset,
        budget=policy.budget,
        contract=policy.contract,
        budget_line=policy.budget_line,
        valid_until=policy.valid_until,
        on_final=policy.on_final,
        payees=policy.payees,
        roles=tuple(role.value for role in policy.roles),
        categories=policy.categories,
        goods=policy.goods,
        payee_max=None if most is None else format_amount(most, Scales(view).of(policy.asset)),
        conditions=tuple(MarkCondition(one.oracle, one.event) for one in policy.conditions),
        written=found.written,
    )


def _parents(view: Snapshot, policy: MarkPolicy) -> Iterator[str]:
    budget = account_of(view, unb64(policy.budget, ID_BYTES))
    while budget is not None and budget.mark:
        yield budget.mark
        budget = _budget_above(view, budget)
