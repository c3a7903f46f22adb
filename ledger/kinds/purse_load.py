"""purse_load/1: the owner puts money of a wallet on a purse.

Afterwards the bank gives the device a new certificate that says so: that is what payees rely on.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import structs

from ledger.core.amount import format_amount, parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.plan import Plan
from ledger.core.purse import Purse
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    account_needs,
    asset_of,
    id_of,
    movement_between,
    named_account,
    own_account,
    payload_of,
    require,
)
from ledger.kinds.purses import admitted, purse_needs


class LoadPurse(Payload, frozen=True, forbid_unknown_fields=True, tag="purse_load/1"):
    """`amount` from the signer's wallet to the signer's purse."""

    from_: Id = msgspec.field(name="from")
    purse: Id
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, LoadPurse)
    yield from account_needs(known, id_of(payload.from_))
    yield from purse_needs(known, id_of(payload.purse))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, LoadPurse)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    purse = require(
        known.object("purse", id_of(payload.purse)), Code.PURSE_UNKNOWN, KIND.name,
        purse=payload.purse,
    )  # fmt: skip
    if purse.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="purse")
    body, account = body_of(purse, Purse), named_account(known, purse.key)
    admitted(known, source, at, KIND.name)
    amount = parse_amount(payload.amount, asset_of(known, source.asset, KIND.name).scale)
    movement = movement_between(known, source, account, amount, "purse_load")
    if source.mark != account.mark:
        return refused(Code.OFFLINE_NOT_ADMITTED, KIND.name, asset=source.asset)
    if purse.status != "open":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=purse.status)
    if at >= body.ends_at:
        return refused(Code.DATES_CONFLICT, KIND.name, member="ends_at")
    if account.balance + amount > body.purse_max:
        scale = movement.asset.scale
        return refused(
            Code.PURSE_CAP, KIND.name, member="purse_max", amount=payload.amount,
            limit=format_amount(body.purse_max, scale),
            left=format_amount(body.purse_max - min(account.balance, body.purse_max), scale),
        )  # fmt: skip
    loaded = structs.replace(purse, body=structs.replace(body, loaded=body.loaded + amount))
    return Plan(
        movements=(movement,),
        objects=(loaded,),
        facts={"purse": payload.purse, "loaded": str(body.loaded + amount)},
    )


KIND = Kind(LoadPurse, ANYONE, _plan, _needs)
