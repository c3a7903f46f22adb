"""Digital VAT: the part of a payment that is VAT, marked from the moment it is paid.

A taxpayer who takes part has an account with the mark `VAT`. What comes to it is the VAT in what it
sells; it may pay VAT to the budget, or the VAT part of another taxpayer's invoice, and nothing
else. Facts of the domain: research sources N8, K30; who registers and how a refund is asked for is
a design of this sandbox.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

import msgspec
from msgspec import Meta

from ledger.core.transaction import AmountText, Id, Label, Statement, VatCategory

VAT = "vat"
"""The mark of taxpayers' VAT accounts; every other mark is the id of a policy."""


class Taxpayer(msgspec.Struct, frozen=True):
    """Body of an object of type `taxpayer`, whose key is the party's id.

    `account`: its VAT account; `budget`: the account that VAT is paid to. `exporter`: it may claim
    excess back. `filed_until`: its returns are filed for all up to then (ms UTC).
    """

    account: str
    budget: str
    exporter: bool
    filed_until: int


class VatPart(msgspec.Struct, frozen=True):
    """Body of an object of type `vat_part`, whose key is the payment's: the VAT in it, in tiyn.

    `seller`, `buyer`: party ids; `from_vat`: the buyer's VAT account where that paid it, else "".
    `back`: tiyn of it that refunds gave back. `zero`: tiyn of the payment sold at a rate of 0.
    `deductible`: the buyer is a taxpayer, for whom it is input. `at`: ms UTC when it was paid.
    Status: `paid`, `claimed` or `refunded` by a claim.
    """

    vat: int
    seller: str
    buyer: str
    from_vat: str
    deductible: bool
    zero: int
    at: int
    back: int = 0


class Claim(msgspec.Struct, frozen=True):
    """Body of an object of type `vat_claim`: `amount` tiyn of VAT in `payments`, which the budget
    gives back to the account `to` when the claim is due. Status: `open`, `denied`, `paid`."""

    payments: tuple[str, ...]
    to: str
    amount: int


class InvoiceLine(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount` in tenge with VAT inside, at the rate of `category`."""

    category: VatCategory
    amount: AmountText


class Invoice(Statement, frozen=True, forbid_unknown_fields=True, tag="invoice/1"):
    """A taxpayer's signed invoice (typ `tenge-request`): payable once, to its own `account`."""

    typ: ClassVar[str] = "tenge-request"
    account: Id
    reference: Label
    lines: Annotated[tuple[InvoiceLine, ...], Meta(min_length=1, max_length=32)]


def vat_in(gross: int, percent: int) -> int:
    """Tiyn of VAT inside `gross` tiyn at this rate, half up: 1,000.00 holds 137.93 at 16 %."""
    return (2 * gross * percent + 100 + percent) // (2 * (100 + percent))
