"""What the HTTP API says of digital VAT. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

import msgspec

from sandbox_api.wire import IdText, Index, Size


class TaxpayerBody(msgspec.Struct, frozen=True):
    """A taxpayer and its books, in tenge: `output` - `input` = `paid` + `balance` - `credit`
    (docs/kinds/vat.md says what each is). `account`: its VAT account; `budget`: the account that
    VAT is paid to. `filed_until` (ms UTC): its returns are filed for all up to then, null where
    none was attested. `zero_rated`: its sales at a rate of 0; `claimed`: VAT that it claims or has
    had back. As of the ledger's first `size` entries."""

    id: IdText
    registered_by: IdText
    account: IdText
    budget: IdText
    exporter: bool
    filed_until: int | None
    output: str
    input: str
    paid: str
    balance: str
    credit: str
    zero_rated: str
    claimed: str
    size: Size


class ClaimBody(msgspec.Struct, frozen=True):
    """A claim of VAT. `status`: `open`, `denied` or `paid`; `due` (ms UTC): when the budget pays
    it, null once it is over. `written`: the entry that changed it last."""

    id: IdText
    taxpayer: IdText
    payments: tuple[IdText, ...]
    to: IdText
    amount: str
    status: str
    due: int | None
    written: Index


class ClaimsBody(msgspec.Struct, frozen=True):
    """A page of claims in order of id; `next` is the next page's `after`, null at the end."""

    claims: tuple[ClaimBody, ...]
    next: IdText | None


class VatPartBody(msgspec.Struct, frozen=True):
    """The VAT in a payment, in tenge. `back`: what refunds gave back of it; `zero_rated`: how much
    of the payment was sold at a rate of 0. `from_vat`: the buyer's VAT account where that paid it.
    `deductible`: whether it is input of the buyer's. `status`: `paid`, `claimed` or `refunded`
    (by a claim)."""

    payment: IdText
    seller: IdText
    buyer: IdText
    vat: str
    back: str
    zero_rated: str
    from_vat: IdText | None
    deductible: bool
    status: str
    at: int
    written: Index
