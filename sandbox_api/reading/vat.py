"""Digital VAT as it is told: a taxpayer's books, its claims, the VAT in a payment. Sums are the
ledger's counters, the balance its VAT account's with what is held beside it."""

from __future__ import annotations

from typing import Final

from ledger.core import counters
from ledger.core.account import Account
from ledger.core.amount import TENGE_SCALE, format_amount
from ledger.core.freeze import Freeze
from ledger.core.ids import b64
from ledger.core.needs import Need
from ledger.core.objects import Object, body_of
from ledger.core.vat import Claim, Taxpayer, VatPart
from ledger.store.reader import Snapshot
from sandbox_api.reading.known import account_of, id_bytes, object_of, page_of
from sandbox_api.wire_vat import ClaimBody, ClaimsBody, TaxpayerBody, VatPartBody

_MEASURES: Final = (
    counters.VAT_OUTPUT, counters.VAT_INPUT, counters.VAT_PAID, counters.VAT_CREDIT,
    counters.VAT_ZERO, counters.VAT_CLAIMED,
)  # fmt: skip


def taxpayer_body(view: Snapshot, id: bytes) -> TaxpayerBody | None:
    """A taxpayer by its party's id; None where it is not registered."""
    found = object_of(view, "taxpayer", id)
    if found is None:
        return None
    body = body_of(found, Taxpayer)
    needs: list[Need] = [("counter", measure, 0, id, "") for measure in _MEASURES]
    loaded = view.load(needs)
    output, input_, paid, credit, zero, claimed = (_told(loaded[need]) for need in needs)
    return TaxpayerBody(
        id=b64(id), registered_by=b64(found.owner), account=body.account, budget=body.budget,
        exporter=body.exporter, filed_until=body.filed_until or None, output=output, input=input_,
        paid=paid, balance=_told(_balance(view, body)), credit=credit, zero_rated=zero,
        claimed=claimed, size=view.head().size,
    )  # fmt: skip


def claim_body(claim: Object) -> ClaimBody:
    """A claim as it is sent."""
    body = body_of(claim, Claim)
    return ClaimBody(
        b64(claim.key), b64(claim.owner), body.payments, body.to, _told(body.amount), claim.status,
        claim.due, claim.written,
    )  # fmt: skip


def claims_of(view: Snapshot, taxpayer: bytes, after: bytes, limit: int) -> ClaimsBody:
    """A page of all that a taxpayer ever claimed."""
    page, more = page_of(view, "vat_claim", "taxpayer", taxpayer, after, limit)
    return ClaimsBody(tuple(map(claim_body, page)), more)


def vat_part_body(view: Snapshot, payment: bytes) -> VatPartBody | None:
    """The VAT in a payment; None where none was put apart."""
    found = object_of(view, "vat_part", payment)
    if found is None:
        return None
    part = body_of(found, VatPart)
    return VatPartBody(
        payment=b64(payment), seller=part.seller, buyer=part.buyer, vat=_told(part.vat),
        back=_told(part.back), zero_rated=_told(part.zero), from_vat=part.from_vat or None,
        deductible=part.deductible, status=found.status, at=part.at, written=found.written,
    )  # fmt: skip


def _balance(view: Snapshot, taxpayer: Taxpayer) -> int:
    """What the VAT account holds, with what its freeze holds beside it."""
    account = _named(view, taxpayer.account)
    freeze = object_of(view, "freeze", account.id)
    held = None if freeze is None else body_of(freeze, Freeze).held
    return account.balance + (0 if held is None else _named(view, held).balance)


def _named(view: Snapshot, id: str) -> Account:
    account = account_of(view, id_bytes(id))
    if account is None:
        raise AssertionError(f"a taxpayer's account {id} is not there")
    return account


def _told(tiyn: int) -> str:
    sign = "-" if tiyn < 0 else ""
    return sign + format_amount(abs(tiyn), TENGE_SCALE)
