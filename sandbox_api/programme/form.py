"""What a programme's file says, as values. Names are those of the file: parties are short names of
the sandbox or ids (22 characters), amounts decimal strings of tenge, times ms UTC.

A member that was not given, or that a fault was found in, is None or empty: whoever reads a
programme with faults must not assume more.
"""

from __future__ import annotations

import msgspec

from ledger.core.amount import TENGE_SCALE, parse_amount
from sandbox_api.programme.places import Path


class Holder(msgspec.Struct, frozen=True):
    """Who has an account with the mark, and how much is put on it at the start. `supplier`: others
    who hold the mark may pay it."""

    path: Path
    party: str | None
    amount: str | None
    supplier: bool


class Condition(msgspec.Struct, frozen=True):
    """What must have happened before a payee is paid: `event`, as the party `oracle` says."""

    path: Path
    oracle: str | None
    event: str | None


class Mark(msgspec.Struct, frozen=True):
    """A policy with its holders. `source`: the party whose ordinary account is the budget (or that
    account's id); of a sub-contract the supplier whose account with the mark above is. `total`:
    what is planned at most. `unread`: members that have a fault, or elements with one. Other
    members: `ledger.core.mark.MarkPolicy`."""

    path: Path
    source: str | None
    contract: str | None
    budget_line: str | None
    valid_until: int | None
    on_final: str | None
    payees: tuple[str, ...]
    roles: tuple[str, ...]
    categories: tuple[str, ...]
    goods: tuple[str, ...]
    payee_max: str | None
    total: str | None
    conditions: tuple[Condition, ...]
    holders: tuple[Holder, ...]
    subs: tuple[Mark, ...]
    unread: frozenset[str]


class Split(msgspec.Struct, frozen=True):
    """A named rule: who is paid which share of an amount. `fixed` amounts go first, `shares` are
    whole percent of the rest; each is rounded as `rounding` says, and `remainder` is paid what is
    left to the last tiyn."""

    path: Path
    name: str
    source: str | None
    rounding: str | None
    remainder: str | None
    shares: tuple[tuple[str, int], ...]
    fixed: tuple[tuple[str, str], ...]


class Programme(msgspec.Struct, frozen=True):
    """One file: a name for people, a mark with what hangs on it, rules for sharing, or both."""

    name: str | None
    mark: Mark | None
    splits: tuple[Split, ...]


def tiyn(amount: str | None) -> int:
    """An amount of tenge in tiyn; 0 for none."""
    return 0 if amount is None else parse_amount(amount, TENGE_SCALE)
