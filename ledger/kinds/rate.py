"""rate/1: a licensed source's value of one whole unit of an asset in tenge. Signed by an exchange.

The newest rate of an asset is found by the look-up "current"; older ones stay, because a payment
names the rate entry it used. How old a used rate may be is a rule's business (`rate_fresh`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, structs

from ledger.core import amount
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.payment import Rate
from ledger.core.plan import Plan
from ledger.core.transaction import Payload, Signer, Transaction
from ledger.kinds.asset import AssetCode
from ledger.kinds.kind import Kind, asset_of, payload_of


class PutRate(Payload, frozen=True, forbid_unknown_fields=True, tag="rate/1"):
    """`rate`: tenge for one whole unit, as "512.3" (core.amount.Rate)."""

    asset: AssetCode
    rate: Annotated[str, Meta(min_length=1, max_length=20)]


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, PutRate)
    code = payload.asset.encode()
    yield ("object", "asset", code)
    yield ("object", "rate", derive_key(tx.id, "rate"))
    current: Need = ("lookup", "rate", "current", code)
    yield current
    for key in known.values.get(current, ()):
        yield ("object", "rate", key)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, PutRate)
    asset = asset_of(known, payload.asset, KIND.name)
    if asset.class_ in TENGE_CLASSES:
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=payload.asset)
    amount.Rate.parse(payload.rate)
    code = payload.asset.encode()
    past = [
        structs.replace(object_, status="past", lookups=())
        for object_ in (known.object("rate", key) for key in known.lookup("rate", "current", code))
        if object_ is not None
    ]
    new = Object(
        "rate", derive_key(tx.id, "rate"), signer.id, "current", None,
        Rate(payload.asset, payload.rate, at), (("current", code),), 0,
    )  # fmt: skip
    if known.object("rate", new.key) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    return Plan(objects=(*past, new))


KIND = Kind(PutRate, frozenset({Role.EXCHANGE}), _plan, _needs)
