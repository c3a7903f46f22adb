"""exchange/1: take a licensed venue's quote: both assets move in one entry, or nothing does.

Between crypto and digital tenge, or two kinds of crypto. A merchant sells what it took so; what a
merchant would buy is refused by the rules, as whatever brings crypto to it past a till.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, payload_of
from ledger.kinds.quoted import (
    Taking,
    check_venue,
    embeds_quote,
    is_crypto,
    is_tenge,
    quote_need,
    quoted,
    settlement,
    taking_needs,
    venue_needs,
)


class Exchange(Taking, frozen=True, forbid_unknown_fields=True, tag="exchange/1"):
    """A venue's quote, and the taker's two accounts."""


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from taking_needs(tx, known, payload_of(tx, Exchange))
    yield from venue_needs(tx, known)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Exchange)
    quote = quoted(tx, signer, known, at, payload.from_, KIND.name)
    for leg in (quote.gives, quote.gets):
        if not is_tenge(leg) and not is_crypto(leg):
            return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=leg.asset.code)
    if quote.gives.asset.code == quote.gets.asset.code:
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=quote.gives.asset.code)
    check_venue(known, quote, KIND.name)
    movements = settlement(known, quote, signer, payload.to, KIND.name, "exchange")
    return Plan(movements=movements, objects=(quote.used(signer),), facts=quote.facts)


KIND = Kind(Exchange, ANYONE, _plan, _needs, fresh=quote_need, embeds=embeds_quote, alone=True)
