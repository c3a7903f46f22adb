"""Digital VAT as its kinds see it: taxpayers, rates in force, the split of a payment into net and
VAT, and what is counted of it. No kind itself.

Per taxpayer, at any time: output - input = paid + balance - credit, in tiyn. Output is the VAT in
what it sold, input that in invoices it paid, paid what went to the budget, balance what its VAT
account holds, credit what it paid of input with other money than that account's and has not had
back.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core import counters
from ledger.core.account import Account
from ledger.core.amount import TENGE_SCALE, format_amount, parse_amount
from ledger.core.decision import Code, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.payment import Payment
from ledger.core.plan import Movement, Plan
from ledger.core.vat import InvoiceLine, Taxpayer, VatPart, vat_in
from ledger.kinds.kind import (
    Refusal,
    account_needs,
    arrival,
    id_of,
    movement_between,
    named_account,
    require,
)
from ledger.rules import vat
from ledger.rules.pack import pack_in_force, parameters_in

VAT_PART = "vat"
"""Purpose of the movement of VAT to a seller's VAT account."""

Count = tuple[str, int, bytes, str, int]


class Split(msgspec.Struct, frozen=True):
    """Gross tiyn, the VAT in it, and how much of the gross is sold at a rate of 0."""

    gross: int
    vat: int
    zero: int


def split_of(known: Known, at: int, lines: tuple[InvoiceLine, ...], kind: str) -> Split:
    """What lines come to at the rates in force, or VAT_CATEGORY where a category has none."""
    found = parameters_in(pack_in_force(known).in_force(at), vat.Parameters)
    rates = {} if found is None else found.rates
    gross = part = zero = 0
    for line in lines:
        percent = require(rates.get(line.category), Code.VAT_CATEGORY, kind, category=line.category)
        amount = parse_amount(line.amount, TENGE_SCALE)
        gross += amount
        part += vat_in(amount, percent)
        zero += amount if percent == 0 else 0
    return Split(gross, part, zero)


def split_at(known: Known, at: int, category: str, gross: int, kind: str) -> Split:
    """What `gross` tiyn come to at the category's rate in force, or VAT_CATEGORY."""
    line = InvoiceLine(category, format_amount(gross, TENGE_SCALE))
    return split_of(known, at, (line,), kind)


def taxpayer_of(known: Known, party: bytes, kind: str) -> Taxpayer:
    """What is remembered of a taxpayer, or VAT_UNREGISTERED."""
    found = require(known.object("taxpayer", party), Code.VAT_UNREGISTERED, kind, party=b64(party))
    return body_of(found, Taxpayer)


def vat_account(known: Known, taxpayer: Taxpayer) -> Account:
    """The taxpayer's VAT account, as it is now."""
    return named_account(known, id_of(taxpayer.account))


def taxpayer_needs(known: Known, party: bytes) -> Iterator[Need]:
    """Needs of a taxpayer: itself, its VAT account, the budget. A prefetch."""
    need: Need = ("object", "taxpayer", party)
    yield need
    found = known.values.get(need)
    if found is not None:
        yield from account_needs(known, id_of(found.body.account), id_of(found.body.budget))


def part_object(payment: bytes, part: VatPart) -> Object:
    """The object that remembers the VAT in the payment of this key."""
    return Object("vat_part", payment, id_of(part.seller), "paid", None, part, (), 0)


def sold(part: VatPart, amount: int, zero: int) -> tuple[Count, ...]:
    """Counts of `amount` tiyn of VAT in a payment and `zero` tiyn of it at a rate of 0; below zero
    where a refund takes them off."""
    seller, buyer = id_of(part.seller), id_of(part.buyer)
    counts: list[Count] = [
        (counters.VAT_OUTPUT, 0, seller, "", amount), (counters.VAT_ZERO, 0, seller, "", zero),
    ]  # fmt: skip
    if part.deductible:
        counts.append((counters.VAT_INPUT, 0, buyer, "", amount))
        if not part.from_vat:
            counts.append((counters.VAT_CREDIT, 0, buyer, "", amount))
    return tuple(counts)


def paid_apart(
    known: Known, at: int, whole: Movement, split: Split, payment: bytes, buyer: bytes, kind: str
) -> Plan:
    """What a payment with VAT does: the net to where its payee's money arrives, the VAT to the
    payee's VAT account; or VAT_UNREGISTERED."""
    seller = whole.target.owner
    taxpayer = taxpayer_of(known, seller, kind)
    check_other(seller, buyer, kind, "request.account")
    part = VatPart(split.vat, b64(seller), b64(buyer), "", False, split.zero, at)
    legs = (
        (arrival(known, whole.target), split.gross - split.vat, whole.purpose),
        (arrival(known, vat_account(known, taxpayer)), split.vat, VAT_PART),
    )
    return Plan(
        movements=tuple(
            movement_between(known, whole.source, target, amount, purpose, place=whole.place)
            for target, amount, purpose in legs
            if amount
        ),
        objects=(part_object(payment, part),),
        counts=sold(part, split.vat, split.zero),
        facts={"vat": str(split.vat)},
    )


# Refunds -----------------------------------------------------------------------------------------


def vat_given_back(
    known: Known, payment: Object, refunded: tuple[int, int], whole: Movement, kind: str
) -> Plan:
    """What a refund of a payment with VAT in it does: `whole`, its VAT from the seller's VAT
    account as far as that has it. `refunded`: minor units before and after. Raises Refusal."""
    found = known.object("vat_part", payment.key)
    if found is None:
        return Plan(movements=(whole,))
    if found.status != "paid":
        raise Refusal(refused(Code.STATUS_CONFLICT, kind, status=found.status))
    part, paid = body_of(found, VatPart), body_of(payment, Payment).amount
    before, after = refunded
    amount = part.vat * after // paid - part.back
    zero = part.zero * after // paid - part.zero * before // paid
    account = vat_account(known, taxpayer_of(known, id_of(part.seller), kind))
    if whole.asset.code != account.asset:  # else the VAT of what came back would stay claimable
        code = Code.ASSET_DIFFERS
        raise Refusal(refused(code, kind, asset=whole.asset.code, other=account.asset))
    from_vat = min(amount, account.balance) if account.status == "open" else 0
    back = arrival(known, named_account(known, id_of(part.from_vat))) if part.from_vat else None
    legs = (
        (whole.source, whole.target, whole.amount - amount),
        (whole.source, back or whole.target, amount - from_vat),
        (account, back or whole.target, from_vat),
    )
    seller = id_of(part.seller)
    return Plan(
        movements=_refund_legs(known, legs, whole),
        objects=(msgspec.structs.replace(found, body=_given_back(part, amount)),),
        counts=(
            *sold(part, -amount, -zero),
            (counters.VAT_CREDIT, 0, seller, "", amount - from_vat),
        ),
    )


def _given_back(part: VatPart, amount: int) -> VatPart:
    return msgspec.structs.replace(part, back=part.back + amount)


def _refund_legs(
    known: Known, legs: tuple[tuple[Account, Account, int], ...], whole: Movement
) -> tuple[Movement, ...]:
    """The legs that carry anything; those between the same two accounts in one."""
    sums: dict[tuple[bytes, bytes], tuple[Account, Account, int]] = {}
    for source, target, amount in legs:
        before = sums.get((source.id, target.id), (source, target, 0))[2]
        sums[source.id, target.id] = (source, target, before + amount)
    return tuple(
        movement_between(known, source, target, amount, whole.purpose, place=whole.place)
        for source, target, amount in sums.values()
        if amount
    )


def part_needs(known: Known, payment: bytes) -> Iterator[Need]:
    """Needs of the VAT in a payment, and of giving it back."""
    need: Need = ("object", "vat_part", payment)
    yield need
    part = known.values.get(need)
    if part is not None:
        yield from taxpayer_needs(known, id_of(part.body.seller))
        if part.body.from_vat:
            yield from account_needs(known, id_of(part.body.from_vat))


def check_other(seller: bytes, buyer: bytes, kind: str, which: str) -> None:
    """TARGET_NOT_ADMITTED where somebody would sell to itself: such sales are worth nothing, and
    would let it claim more back."""
    if seller == buyer:
        raise Refusal(refused(Code.TARGET_NOT_ADMITTED, kind, member=which))


def check_party(known: Known, account: Account, taxpayer: bytes, kind: str, which: str) -> None:
    """ACCOUNT_KIND where this is not that taxpayer's VAT account."""
    if b64(account.id) != taxpayer_of(known, taxpayer, kind).account:
        raise Refusal(refused(Code.ACCOUNT_KIND, kind, member=which, kind=account.kind.value))
