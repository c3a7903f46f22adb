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
from ledger.core.amount import TENGE_SCALE, parse_amount
from ledger.core.decision import Code, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.vat import InvoiceLine, Taxpayer, VatPart, vat_in
from ledger.kinds.kind import Refusal, account_needs, id_of, named_account, require
from ledger.rules import vat
from ledger.rules.pack import pack_in_force, parameters_in

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
    if part.input:
        counts.append((counters.VAT_INPUT, 0, buyer, "", amount))
        if not part.from_vat:
            counts.append((counters.VAT_CREDIT, 0, buyer, "", amount))
    return tuple(counts)


def check_party(known: Known, account: Account, taxpayer: bytes, kind: str, which: str) -> None:
    """ACCOUNT_KIND where this is not that taxpayer's VAT account."""
    if b64(account.id) != taxpayer_of(known, taxpayer, kind).account:
        raise Refusal(refused(Code.ACCOUNT_KIND, kind, member=which, kind=account.kind.value))
