"""split/1: one payer pays several payees at once, all or nothing. Every share is a movement, which
rules judge like a transfer; funds are judged over all of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.core.amount import format_amount, parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    account_needs,
    asset_of,
    id_of,
    movement_between,
    own_account,
    payload_of,
    receiving_account,
)

SHARES_MAX = 32
"""Shares of one payment: a leaf holds at most 64 postings."""


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one payee is paid: `amount` to the account `to`."""

    to: Id
    amount: AmountText


class Split(Payload, frozen=True, forbid_unknown_fields=True, tag="split/1"):
    """`amount` in the asset of `from`: what all `shares` together are, to the last minor unit."""

    from_: Id = msgspec.field(name="from")
    amount: AmountText
    shares: Annotated[tuple[Share, ...], Meta(min_length=2, max_length=SHARES_MAX)]


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, Split)
    yield from account_needs(
        known, id_of(payload.from_), *(id_of(share.to) for share in payload.shares)
    )


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Split)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    targets = [
        receiving_account(known, id_of(share.to), KIND.name, "to") for share in payload.shares
    ]
    twice = _first_twice([share.to for share in payload.shares])
    if twice is not None:
        return refused(Code.PAYEE_TWICE, KIND.name, account=twice)
    scale = asset_of(known, source.asset, KIND.name).scale
    amounts = [parse_amount(share.amount, scale) for share in payload.shares]
    movements = tuple(
        movement_between(known, source, target, amount, "split")
        for target, amount in zip(targets, amounts, strict=True)
    )
    if sum(amounts) != parse_amount(payload.amount, scale):
        shares = format_amount(sum(amounts), scale)
        return refused(
            Code.SHARES_SUM, KIND.name, asset=source.asset, amount=payload.amount, shares=shares
        )
    return Plan(movements=movements)


def _first_twice(accounts: list[str]) -> str | None:
    """The first account that stands there again."""
    seen: set[str] = set()
    for account in accounts:
        if account in seen:
            return account
        seen.add(account)
    return None


KIND = Kind(Split, ANYONE, _plan, _needs)
