"""Plans: what an accepted transaction does. Movements are what rules judge and postings come from.

A kind returns a `Plan`; it does nothing by itself. Applying one is `core.state`.
"""

from __future__ import annotations

import msgspec

from ledger.core.account import Account, AccountKind
from ledger.core.asset import Asset
from ledger.core.geometry import Point
from ledger.core.objects import Object
from ledger.core.party import Party

Facts = dict[str, str | int]
"""What the decision fixed and later entries need: zone, rate, value in tenge. Part of the leaf."""


CONVERSIONS = frozenset({"fund", "defund", "waterfall", "reverse_waterfall", "sweep"})
"""Purposes of movements in tenge between a client and its bank for as much deposit money: nobody is
paid by them, the client has as much as before."""


class Place(msgspec.Struct, frozen=True):
    """Where a movement happens: a till that signed a request. `terminal` is the till's kid (32
    bytes), `merchant` its owner, `point` its registered place; `rate` the rate entry it used."""

    terminal: bytes
    status: str
    merchant: bytes
    point: Point
    rate: bytes | None


class Movement(msgspec.Struct, frozen=True):
    """What a transaction would do with money: `amount` minor units from `source` to `target`.

    `purpose` is the kind's word for it (transfer, pay, refund, issue, redeem). `value` is the value
    in tiyn, None where no rate fixes it. `place` is set where a terminal asked for the money.
    `target_party` is who is paid: the target's owner, or where money is reserved, the payee.
    """

    source: Account
    source_party: Party
    target: Account
    target_party: Party
    asset: Asset
    amount: int
    purpose: str
    value: int | None
    place: Place | None = None


class Opening(msgspec.Struct, frozen=True):
    """An account to open, with a balance of 0."""

    id: bytes
    owner: bytes
    asset: str
    kind: str
    mark: str = ""

    def account(self, number: int = -1, index: int = -1) -> Account:
        """The account as entry `index` opens it; before that its number is not known."""
        return Account(
            number, self.id, self.owner, self.asset, AccountKind(self.kind), self.mark, "open", 0,
            index,
        )  # fmt: skip


class Plan(msgspec.Struct, frozen=True):
    """All that a transaction would change. `objects` replace those of the same type and key;
    `written` in them is filled in on applying. `statuses`: accounts by id with the status they have
    after the movements. `counts` are extra counter sums beside those that every movement feeds:
    (measure, period, subject, part, by); `by` is negative where what was counted did not come
    about."""

    movements: tuple[Movement, ...] = ()
    openings: tuple[Opening, ...] = ()
    objects: tuple[Object, ...] = ()
    statuses: tuple[tuple[bytes, str], ...] = ()
    counts: tuple[tuple[str, int, bytes, str, int], ...] = ()
    facts: Facts = {}
