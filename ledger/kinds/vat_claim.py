"""vat_claim/1: claim back VAT that was paid with other money than the VAT account's. An exporter
signs; after a delay that the pack sets the budget pays, unless the treasury denies the claim.

Conditions (research source N8): the purchases were paid by invoice here, their sellers have filed
their returns, and the claims stay within what the taxpayer's sales at a rate of 0 would have borne.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, structs

from ledger.core import counters
from ledger.core.account import Account
from ledger.core.amount import TENGE_SCALE, format_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.payment import Payment
from ledger.core.plan import Movement, Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.core.vat import Claim, Taxpayer, VatPart
from ledger.kinds.claims import claim_needs, closed, denied, parts_of
from ledger.kinds.kind import (
    ANYONE,
    DueKind,
    Kind,
    Refusal,
    account_needs,
    arrival,
    id_of,
    movement_between,
    named_account,
    own_account,
    payload_of,
    require,
)
from ledger.kinds.taxed import taxpayer_needs, taxpayer_of
from ledger.rules import vat, vat_claim
from ledger.rules.pack import pack_in_force, parameters_in

DAY_MS = 86_400_000
PAYMENTS_MAX = 32
VAT_REFUND = "vat_refund"
"""Purpose of the movement from the budget."""


class ClaimVat(Payload, frozen=True, forbid_unknown_fields=True, tag="vat_claim/1"):
    """The VAT in `payments` that the signer made, to its ordinary account `to`."""

    payments: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=PAYMENTS_MAX)]
    to: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, ClaimVat)
    yield ("object", "vat_claim", derive_key(tx.id, "claim"))
    yield from account_needs(known, id_of(payload.to))
    for payment in payload.payments:
        need: Need = ("object", "vat_part", id_of(payment))
        yield need
        part = known.values.get(need)
        if part is not None:
            yield from taxpayer_needs(known, id_of(part.body.seller))
        paid: Need = ("object", "payment", id_of(payment))
        yield paid
        found = known.values.get(paid)
        if found is not None:
            yield ("account", id_of(found.body.payer))
    account = known.values.get(("account", id_of(payload.to)))
    if account is not None:
        yield from taxpayer_needs(known, account.owner)
        yield ("counter", counters.VAT_ZERO, 0, account.owner, "")
        yield ("counter", counters.VAT_CLAIMED, 0, account.owner, "")


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, ClaimVat)
    taxpayer = taxpayer_of(known, signer.id, KIND.name)
    if not taxpayer.exporter:
        return refused(Code.VAT_CLAIM, KIND.name, condition="exporter")
    to = own_account(known, id_of(payload.to), signer, KIND.name)
    budget = named_account(known, id_of(taxpayer.budget))
    if to.mark or to.asset != budget.asset:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="to")
    if len(set(payload.payments)) < len(payload.payments):
        return refused(Code.VAT_CLAIM, KIND.name, condition="once")
    parts = [_claimable(known, payment, signer, at) for payment in payload.payments]
    amount = sum(_open_vat(part) for part in parts)
    _check_zero(known, signer.id, amount, at)
    id = derive_key(tx.id, "claim")
    if known.object("vat_claim", id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    found = parameters_in(pack_in_force(known).in_force(at), vat_claim.Parameters)
    waiting = vat_claim.WAITING_S if found is None else found.waiting_s
    claim = Object(
        "vat_claim", id, signer.id, "open", at + waiting * 1000,
        Claim(payload.payments, payload.to, amount), (("taxpayer", signer.id), ("to", to.id)), 0,
    )  # fmt: skip
    return Plan(
        objects=(claim, *(structs.replace(part, status="claimed") for part in parts)),
        counts=((counters.VAT_CLAIMED, 0, signer.id, "", amount),),
        facts={"claim": b64(id), "vat": str(amount)},
    )


def _claimable(known: Known, payment: str, signer: Signer, at: int) -> Object:
    """The VAT part of a payment of the signer's, or why it cannot be claimed. Raises Refusal."""
    found = require(
        known.object("vat_part", id_of(payment)), Code.PAYMENT_UNKNOWN, KIND.name, payment=payment
    )
    part = body_of(found, VatPart)
    if part.buyer != b64(signer.id):
        raise Refusal(refused(Code.PAYMENT_UNKNOWN, KIND.name, payment=payment))
    if found.status != "paid":
        raise Refusal(refused(Code.STATUS_CONFLICT, KIND.name, status=found.status))
    if not part.deductible or _open_vat(found) == 0 or not _with_ordinary(known, found):
        raise Refusal(refused(Code.VAT_CLAIM, KIND.name, condition="paid"))
    seller = known.object("taxpayer", id_of(part.seller))
    if seller is None or body_of(seller, Taxpayer).filed_until < part.at:
        raise Refusal(refused(Code.VAT_CLAIM, KIND.name, condition="filed"))
    return found


def _with_ordinary(known: Known, part: Object) -> bool:
    """Whether ordinary money paid the VAT. What money with a purpose paid is nobody's to have back
    as ordinary money; a refund of the sale gives it back to its mark."""
    payment = known.body("payment", part.key, Payment)
    if payment is None or body_of(part, VatPart).from_vat:
        return False
    return not named_account(known, id_of(payment.payer)).mark


def _open_vat(part: Object) -> int:
    """Tiyn of VAT in a payment that no refund gave back."""
    body = body_of(part, VatPart)
    return body.vat - body.back


def _check_zero(known: Known, taxpayer: bytes, amount: int, at: int) -> None:
    """VAT_CLAIM where all claims together are above what sales at a rate of 0 would have borne at
    the standard one."""
    claimed = known.counter(counters.VAT_CLAIMED, 0, taxpayer, "")
    most = _most(known, taxpayer, at) or 0
    if claimed + amount > most:
        left = format_amount(max(0, most - claimed), TENGE_SCALE)
        raise Refusal(refused(Code.VAT_CLAIM, KIND.name, condition="zero_rated", left=left))


def _most(known: Known, taxpayer: bytes, at: int) -> int | None:
    """Tiyn that its sales at a rate of 0 would have borne at the standard one; None where no rate
    is in force."""
    rates = parameters_in(pack_in_force(known).in_force(at), vat.Parameters)
    if rates is None:
        return None
    sold = known.counter(counters.VAT_ZERO, 0, taxpayer, "")
    return sold * rates.rates.get("standard", 0) // 100


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The claim after its delay: the budget pays, or where it has too little, tries a day later.
    Where refunds have taken the sales behind it away, it is denied."""
    claim = body_of(object_, Claim)
    most = _most(known, object_.owner, at)
    if most is not None and known.counter(counters.VAT_CLAIMED, 0, object_.owner, "") > most:
        return denied(object_, known)
    taxpayer = known.object("taxpayer", object_.owner)
    if taxpayer is None:
        raise AssertionError(f"a claim of {b64(object_.owner)}, who is no taxpayer")
    budget = named_account(known, id_of(body_of(taxpayer, Taxpayer).budget))
    to = arrival(known, named_account(known, id_of(claim.to)))
    if budget.balance < claim.amount or budget.status != "open":
        return Plan(objects=(structs.replace(object_, due=at + DAY_MS),))
    paid = closed(object_, "paid")
    parts = tuple(structs.replace(part, status="refunded") for part in parts_of(known, claim))
    return Plan(
        movements=_refunded(known, budget, to, claim.amount),
        objects=(paid, *parts),
        counts=(
            (counters.VAT_CREDIT, 0, object_.owner, "", -claim.amount),
            (counters.VAT_PAID, 0, object_.owner, "", -claim.amount),
        ),
        facts={"claim": b64(object_.key)},
    )


def _refunded(known: Known, budget: Account, to: Account, amount: int) -> tuple[Movement, ...]:
    return (movement_between(known, budget, to, amount, VAT_REFUND),)


DUE = DueKind("vat_claim", _ended, claim_needs)
KIND = Kind(ClaimVat, ANYONE, _plan, _needs)
