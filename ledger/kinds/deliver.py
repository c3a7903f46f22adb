"""deliver/1: delivery against payment. Take a signed offer in which a title or security token is on
one side and digital tenge on the other: both move in one entry, or neither does.

No licence is asked for: a party offers what is its own. The rules judge the delivery like any
movement of such an asset: between people it passes; to a merchant, or from one to another than an
exchange or issuer, it is refused as a tender. They cannot tell a shop that buys a gold token from
one that is paid in it: the price in the same entry may be a tiyn.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.asset import NEVER_TENDER_CLASSES
from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, payload_of
from ledger.kinds.quoted import (
    Taking,
    embeds_quote,
    is_tenge,
    quote_need,
    quoted,
    settlement,
    taking_needs,
)


class Deliver(Taking, frozen=True, forbid_unknown_fields=True, tag="deliver/1"):
    """An offer, and the taker's two accounts."""


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from taking_needs(tx, known, payload_of(tx, Deliver))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Deliver)
    quote = quoted(tx, signer, known, at, payload.from_, KIND.name)
    thing, price = quote.gives, quote.gets
    if is_tenge(thing):
        thing, price = price, thing
    if thing.asset.class_ not in NEVER_TENDER_CLASSES:
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=thing.asset.code)
    if not is_tenge(price):
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=price.asset.code)
    movements = settlement(known, quote, signer, payload.to, KIND.name, "deliver")
    return Plan(movements=movements, objects=(quote.used(signer),), facts=quote.facts)


KIND = Kind(Deliver, ANYONE, _plan, _needs, fresh=quote_need, embeds=embeds_quote, alone=True)
