"""capture/1: the payee takes a part of what is held, several times while it lasts.

It is not judged again: the rules have judged the whole when it was held, so a zone that is
suspended meanwhile lets it through. Of what a till asked for it makes a payment that grows with
each capture and can be refunded.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.amount import format_amount, parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.hold import Hold, worth
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.payment import Payment
from ledger.core.plan import Facts, Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.hold import (
    given_back,
    hold_needs,
    payees_hold,
    payment_of,
)
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    asset_of,
    id_of,
    movement_between,
    named_account,
    payload_of,
    receiving_account,
)


class Capture(Payload, frozen=True, forbid_unknown_fields=True, tag="capture/1"):
    """`amount` of what is left on `hold`, in its asset. `last`: let go of the rest with it."""

    hold: Id
    amount: AmountText
    last: bool


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from hold_needs(known, id_of(payload_of(tx, Capture).hold))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Capture)
    object_ = payees_hold(known, payload.hold, signer, at, KIND.name)
    body, reserved = body_of(object_, Hold), named_account(known, object_.key)
    if reserved.status != "open":
        return refused(Code.ACCOUNT_NOT_OPEN, KIND.name, member="hold", status=reserved.status)
    target = receiving_account(known, id_of(body.payee), KIND.name, "payee")
    scale = asset_of(known, reserved.asset, KIND.name).scale
    amount = parse_amount(payload.amount, scale)
    if amount > reserved.balance:
        left = format_amount(reserved.balance, scale)
        return refused(Code.CAPTURE_TOO_MUCH, KIND.name, amount=payload.amount, left=left)
    value = None
    facts: Facts = {"hold": payload.hold}
    if body.value is not None:
        value = worth(body, body.captured + amount) - worth(body, body.captured)
        facts["value"] = str(value)
    movement = movement_between(known, reserved, target, amount, "capture", value=value)
    paid = _paid(body, known, amount, value)
    if body.payment is not None:
        facts["payment"] = body.payment
    if payload.last or amount == reserved.balance:
        end = given_back(object_, known, amount, "captured")
        return msgspec.structs.replace(
            end, movements=(movement, *end.movements), objects=(*end.objects, *paid), facts=facts
        )
    after = msgspec.structs.replace(body, captured=body.captured + amount)
    part = msgspec.structs.replace(object_, body=after)
    return Plan(movements=(movement,), objects=(part, *paid), facts=facts)


def _paid(body: Hold, known: Known, amount: int, value: int | None) -> tuple[Object, ...]:
    """The payment, grown by this capture. `index` becomes the entry of the first."""
    if body.payment is None:
        return ()
    object_ = payment_of(known, body.payment)
    payment = body_of(object_, Payment)
    first = object_.status == "held"
    grown = msgspec.structs.replace(
        payment,
        index=0 if first else payment.index or object_.written,
        amount=payment.amount + amount,
        value=payment.value + (value or 0),
    )
    return (msgspec.structs.replace(object_, status="paid", body=grown),)


KIND = Kind(Capture, ANYONE, _plan, _needs)
