"""Marks: purposes bound to money ("coloured" tenge), and what the ledger remembers of them.

A mark is a property of an account. Its policy says where money with that mark may go; the money
itself is ordinary digital tenge on accounts of its own. Facts of the domain: research sources N7,
N10, N18, N19; every number and every policy in the sandbox is invented.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import msgspec

from ledger.core.party import Role
from ledger.core.transaction import AmountText, Id, Label, Statement

UNMARK, RETURN = "unmark", "return"
"""What the final payment does: the payee has ordinary tenge, or has it marked and may only give it
back to the budget, which pays for it."""

LINEAGE_MAX = 4
"""A mark has at most three above it: budget, contract, sub-contract, and one more."""


class Condition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What must have happened: `event`, as the party `oracle` confirms it."""

    oracle: Id
    event: Label


class MarkPolicy(msgspec.Struct, frozen=True):
    """Body of an object of type `mark`, owned by its programme's owner: where its money may go.

    `budget`: the account that money is allocated from and returns to; where that is marked itself,
    this is a child mark and its parents bind as well. Final payees are `payees` (party ids), and
    whoever has one of `roles` and one of `categories`, where they are given. `goods`: codes that
    lines of a till's request must have. `payee_max`: minor units to one payee, None without limit.
    Status: `active`, `ended` at `valid_until` (ms UTC).
    """

    asset: str
    budget: str
    contract: str
    budget_line: str
    valid_until: int
    on_final: str
    payees: tuple[str, ...]
    roles: tuple[Role, ...]
    categories: tuple[str, ...]
    goods: tuple[str, ...]
    payee_max: int | None
    conditions: tuple[Condition, ...]

    @property
    def has_finals(self) -> bool:
        """Whether anybody is a final payee by role or category."""
        return bool(self.roles or self.categories)


class Marked(msgspec.Struct, frozen=True):
    """Body of an object of type `marked`, whose key is the account's id. `supplier`: others who
    hold this mark may pay it on. Due at the policy's end, when what is left returns."""

    mark: str
    supplier: bool


class Categories(msgspec.Struct, frozen=True):
    """Body of an object of type `categories`, whose key is a merchant's party id: what its
    registrar attests that it sells."""

    codes: tuple[str, ...]


class Confirmed(msgspec.Struct, frozen=True):
    """Body of an object of type `event`: an oracle's event that counts once. `amount` in minor
    units."""

    mark: str
    event: str
    payee: str
    amount: int


class Event(Statement, frozen=True, forbid_unknown_fields=True, tag="event/1"):
    """An oracle's signed event (typ `tenge-event`): under `mark`, `payee` has earned `amount`."""

    typ: ClassVar[str] = "tenge-event"
    mark: Id
    event: Label
    payee: Id
    amount: AmountText


OnFinal = Literal["unmark", "return"]
