"""convert_pay/1: convert, then pay. The payer spends crypto, the merchant receives tenge: a till's
request (D11) and a licensed venue's quote for its total, settled in one entry, whole or not at all.

The crypto goes from the payer to the venue, at no till; the merchant never holds any, so no zone
binds it. The payment is remembered under the request's id, as `pay/1` does, and refunded in tenge.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.amount import TENGE_SCALE, format_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.payment import Payment
from ledger.core.plan import Plan
from ledger.core.quote import Quote
from ledger.core.transaction import Id, Payload, Request, Signer, Statement, Transaction
from ledger.kinds.kind import ANYONE, Kind, account_needs, id_of, payload_of
from ledger.kinds.quoted import (
    check_venue,
    is_crypto,
    is_tenge,
    payment_of,
    quote_of,
    quoted,
    quoted_needs,
    venue_needs,
)
from ledger.kinds.till import (
    asked_needs,
    asked_of,
    payment_need,
    received,
    request_of,
)


class ConvertPay(Payload, frozen=True, forbid_unknown_fields=True, tag="convert_pay/1"):
    """`request`: the terminal's JWS; `quote`: the venue's, which gives exactly the request's total
    in tenge. `from`: the payer's account, in the asset that the quote gets."""

    from_: Id = msgspec.field(name="from")
    request: str
    quote: str


def _embeds(payload: Payload) -> tuple[tuple[type[Statement], str], ...]:
    if not isinstance(payload, ConvertPay):
        raise AssertionError(f"{payload!r} converts nothing")
    return ((Request, payload.request), (Quote, payload.quote))


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from quoted_needs(tx, known)
    yield from venue_needs(tx, known)
    yield from asked_needs(tx, known, quote_of(tx).body.gives.account)
    yield from account_needs(known, id_of(payload_of(tx, ConvertPay).from_))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, ConvertPay)
    quote = quoted(tx, signer, known, at, payload.from_, KIND.name)
    if not is_tenge(quote.gives):
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=quote.gives.asset.code)
    if not is_crypto(quote.gets):
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=quote.gets.asset.code)
    check_venue(known, quote, KIND.name)
    pays = payment_of(known, quote, "convert_pay")
    asked = asked_of(tx, known, at, quote.gives.account, KIND.name, pays.purpose)
    if quote.gives.amount != asked.value:
        amount, total = (format_amount(n, TENGE_SCALE) for n in (quote.gives.amount, asked.value))
        return refused(Code.QUOTE_VALUE, KIND.name, amount=amount, total=total)
    payee, till = asked.movement.target, b64(request_of(tx).kid)
    payment = Payment(0, payload.from_, b64(payee.id), asked.value, asked.value, till)
    reached = received(tx, known, at, asked, signer.id, KIND.name)
    return Plan(
        movements=(pays, *reached.movements),
        objects=(
            Object("payment", asked.payment, payee.owner, "paid", None, payment, (), 0),
            quote.used(signer),
            *reached.objects,
        ),
        counts=reached.counts,
        facts={**asked.facts, **quote.facts, **reached.facts},
    )


KIND = Kind(ConvertPay, ANYONE, _plan, _needs, fresh=payment_need, embeds=_embeds, alone=True)
