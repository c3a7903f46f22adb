"""What the HTTP API says of marks. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

import msgspec

from sandbox_api.wire import AccountBody, IdText, Index, Size


class MarkCondition(msgspec.Struct, frozen=True):
    """What must have happened: `event`, as the party `oracle` confirms it."""

    oracle: IdText
    event: str


class MarkBody(msgspec.Struct, frozen=True):
    """A mark's policy as its owner signed it, and where it stands. `parents`: the marks above it,
    nearest first. `status`: `active`, or `ended` since `valid_until` (ms UTC). `payee_max` and
    amounts in the asset; null is without limit. `written`: the entry that changed it last."""

    id: IdText
    owner: IdText
    status: str
    parents: tuple[IdText, ...]
    asset: str
    budget: IdText
    contract: str
    budget_line: str
    valid_until: int
    on_final: str
    payees: tuple[IdText, ...]
    roles: tuple[str, ...]
    categories: tuple[str, ...]
    goods: tuple[str, ...]
    payee_max: str | None
    conditions: tuple[MarkCondition, ...]
    written: Index


class MarksBody(msgspec.Struct, frozen=True):
    """A page of marks in order of id; `next` is the next page's `after`, null at the end."""

    marks: tuple[MarkBody, ...]
    next: IdText | None


class MarkedAccountsBody(msgspec.Struct, frozen=True):
    """A page of accounts that bear a mark, those of holds and locks too, in order of opening;
    `next` is the next page's `after`, null at the end."""

    accounts: tuple[AccountBody, ...]
    next: IdText | None


class MarkSums(msgspec.Struct, frozen=True):
    """What became of one mark's money. `allocated` = `paid` + `held` + `returned` + `below`;
    `below` is what the marks under it were allocated and have not returned."""

    mark: IdText
    parent: IdText | None
    owner: IdText
    allocated: str
    paid: str
    held: str
    returned: str
    below: str


class BudgetBody(msgspec.Struct, frozen=True):
    """A mark with all below it, just after an entry. `allocated` = `paid` + `held` + `returned`
    over the whole tree; `marks` has the same for each mark, the first is the one asked for. `size`:
    how many entries are counted."""

    mark: IdText
    budget_line: str
    contract: str
    asset: str
    allocated: str
    paid: str
    held: str
    returned: str
    marks: tuple[MarkSums, ...]
    size: Size


class BudgetsBody(msgspec.Struct, frozen=True):
    """A page of the budgets of one line, marks in order of id; `next` is the next page's `after`,
    null at the end."""

    budgets: tuple[BudgetBody, ...]
    next: IdText | None


class TraceStep(msgspec.Struct, frozen=True):
    """One movement of marked money. `step`: `allocated`, `passed` to a supplier, `reserved`,
    `freed` (back from a reserve), `paid` (out of the mark), `returned`, `settled` or `refunded`.
    `mark`: the mark that it moved under. Parties and accounts from where and to where."""

    index: Index
    at: int
    kind: str
    step: str
    mark: IdText
    from_party: IdText
    from_account: IdText
    to_party: IdText
    to_account: IdText
    amount: str


class TraceBody(msgspec.Struct, frozen=True):
    """A page of what happened to a mark's money and that of all marks below it, oldest first;
    `next` is the next page's `after`, null at the end."""

    steps: tuple[TraceStep, ...]
    next: Index | None
