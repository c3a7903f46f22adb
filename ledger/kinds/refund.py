"""refund/1: give back a payment, whole or in parts, never beyond the original. Signed by the
merchant.

In the asset that was paid, or in tenge at the value fixed when it was paid (a crypto sale refunded
outside the zone). The shares given back in either asset never add up to more than 1, exactly. What
was paid at no till and without a rate (an ask in crypto) goes back in kind alone; what a payer
converted first (`convert_pay/1`) was paid in tenge, and goes back so.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.amount import parse_amount
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.payment import Payment
from ledger.core.plan import Facts, Place, Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.core.vat import VAT
from ledger.core.zone import Terminal
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
    require,
    wallet,
)
from ledger.kinds.marked import home_of
from ledger.kinds.taxed import part_needs, vat_given_back


class Refund(Payload, frozen=True, forbid_unknown_fields=True, tag="refund/1"):
    """`payment`: the payment's id (the request's, or the one in its entry's facts). `from`: the
    merchant's account; `to`: an account of the payer in the same asset; `amount` in that asset."""

    payment: Id
    from_: Id = msgspec.field(name="from")
    to: Id
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, Refund)
    yield from account_needs(known, id_of(payload.from_), id_of(payload.to))
    need: Need = ("object", "payment", id_of(payload.payment))
    yield need
    payment = known.values.get(need)
    if payment is not None:
        yield from account_needs(known, id_of(payment.body.payer), id_of(payment.body.payee))
        if payment.body.terminal:
            yield ("object", "terminal", unb64(payment.body.terminal, 32))
        yield from part_needs(known, payment.key)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Refund)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    if source.mark == VAT:
        return refused(Code.ACCOUNT_KIND, KIND.name, member="from", kind=source.kind.value)
    original = require(
        known.object("payment", id_of(payload.payment)),
        Code.PAYMENT_UNKNOWN,
        KIND.name,
        payment=payload.payment,
    )
    payment = body_of(original, Payment)
    if original.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="payment")
    if not payment.amount:  # held at a till, and nothing captured
        return refused(Code.STATUS_CONFLICT, KIND.name, status=original.status)
    target = receiving_account(known, id_of(payload.to), KIND.name, "to")
    payer = wallet(known, id_of(payment.payer), KIND.name, "payer")
    paid_in = wallet(known, id_of(payment.payee), KIND.name, "payee").asset
    if payer.mark:
        if payload.to != b64(home_of(known, payer)[1].id):
            return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="to")
    elif target.owner != payer.owner or target.mark == VAT:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="to")
    asset = asset_of(known, source.asset, KIND.name)
    amount = parse_amount(payload.amount, asset.scale)
    back, back_tenge = payment.refunded, payment.refunded_tenge
    value: int | None
    if source.asset == paid_in:
        value = _worth(payment, back + amount) - _worth(payment, back) if payment.value else None
        back += amount
    elif asset.class_ in TENGE_CLASSES:
        back_tenge += amount
        value = amount
    else:
        return refused(Code.ASSET_DIFFERS, KIND.name, asset=source.asset, other=paid_in)
    whole = payment.amount * payment.value
    given = back * payment.value + back_tenge * payment.amount
    if given > whole or back > payment.amount:
        return refused(Code.REFUND_TOO_MUCH, KIND.name, payment=payload.payment)
    place = _place(known, payment, original.owner)
    movement = movement_between(known, source, target, amount, "refund", value=value, place=place)
    taxed = vat_given_back(known, original, (payment.refunded, back), movement, KIND.name)
    after = msgspec.structs.replace(
        payment,
        index=payment.index or original.written,
        refunded=back,
        refunded_tenge=back_tenge,
    )
    is_whole = given == whole if payment.value else back == payment.amount
    facts: Facts = {"payment": payload.payment}
    if value is not None:
        facts["value"] = str(value)
    return Plan(
        movements=taxed.movements,
        objects=(
            msgspec.structs.replace(
                original, status="refunded" if is_whole else "paid", body=after
            ),
            *taxed.objects,
        ),
        counts=taxed.counts,
        facts=facts,
    )


def _worth(payment: Payment, back: int) -> int:
    """Tiyn that `back` minor units of the payment are worth, rounded down. Each part of a refund is
    worth what it adds, so the parts of a whole are worth exactly what was paid."""
    return back * payment.value // payment.amount


def _place(known: Known, payment: Payment, merchant: bytes) -> Place | None:
    """The till of the original sale: a refund in crypto is judged where the sale was made. What an
    ask was paid with was paid at no till."""
    if not payment.terminal:
        return None
    kid = unb64(payment.terminal, 32)
    terminal = known.object("terminal", kid)
    if terminal is None:
        raise AssertionError(f"payment names terminal {payment.terminal}, which is not there")
    return Place(kid, terminal.status, merchant, body_of(terminal, Terminal).place, None)


KIND = Kind(Refund, ANYONE, _plan, _needs)
