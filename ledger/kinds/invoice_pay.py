"""invoice_pay/1: pay a taxpayer's signed invoice, the net to its account and the VAT to its VAT
account, in one entry. The VAT part may come from the buyer's own VAT account.

The payment is keyed by the invoice, which is payable once, and is refunded by `refund/1`, VAT with
it. Rates are those in force when it is paid.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.asset import AssetClass
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.payment import Payment
from ledger.core.plan import Movement, Plan
from ledger.core.transaction import (
    NOT_AFTER_AHEAD_MAX_MS,
    Id,
    Payload,
    Signer,
    Transaction,
)
from ledger.core.vat import Invoice, VatPart
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    Refusal,
    account_needs,
    arrival,
    asset_of,
    embedded_of,
    id_of,
    movement_between,
    own_account,
    payee_account,
    payload_of,
)
from ledger.kinds.taxed import (
    VAT_PART,
    check_other,
    check_party,
    part_object,
    sold,
    split_of,
    taxpayer_needs,
    taxpayer_of,
    vat_account,
)


class PayInvoice(Payload, frozen=True, forbid_unknown_fields=True, tag="invoice_pay/1"):
    """`invoice`: the seller's JWS, whole. `from` pays the net, and the VAT too where `from_vat`,
    the payer's own VAT account, is null."""

    from_: Id = msgspec.field(name="from")
    from_vat: Id | None
    invoice: str


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, PayInvoice)
    invoice = embedded_of(tx, Invoice)
    yield ("object", "key", invoice.kid)
    yield ("object", "payment", invoice.id)
    ids = [payload.from_, invoice.body.account, *filter(None, (payload.from_vat,))]
    yield from account_needs(known, *map(id_of, ids))
    for id in (payload.from_, invoice.body.account):
        account = known.values.get(("account", id_of(id)))
        if account is not None:
            yield from taxpayer_needs(known, account.owner)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, PayInvoice)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    asset = asset_of(known, source.asset, KIND.name)
    if asset.class_ != AssetClass.DIGITAL_TENGE:
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=asset.code)
    invoice = embedded_of(tx, Invoice)
    body = invoice.body
    _check_invoice(tx, known, at)
    target = payee_account(known, id_of(body.account), KIND.name, "invoice.account")
    key = known.object("key", invoice.kid)
    if key is None or key.status != "active" or key.owner != target.owner or target.mark:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="invoice.account")
    seller = taxpayer_of(known, target.owner, KIND.name)
    check_other(target.owner, signer.id, KIND.name, "invoice.account")
    split = split_of(known, at, body.lines, KIND.name)
    vat_source = source
    if payload.from_vat is not None:
        vat_source = own_account(known, id_of(payload.from_vat), signer, KIND.name)
        check_party(known, vat_source, signer.id, KIND.name, "from_vat")
    movements: list[Movement] = []
    if split.gross > split.vat:
        net = arrival(known, target)
        movements.append(movement_between(known, source, net, split.gross - split.vat, "pay"))
    if split.vat:
        to = arrival(known, vat_account(known, seller))
        movements.append(movement_between(known, vat_source, to, split.vat, VAT_PART))
    payment = Payment(0, b64(source.id), body.account, split.gross, split.gross, "")
    part = VatPart(
        split.vat,
        b64(target.owner),
        b64(signer.id),
        payload.from_vat or "",
        known.object("taxpayer", signer.id) is not None,
        split.zero,
        at,
    )
    return Plan(
        movements=tuple(movements),
        objects=(
            Object("payment", invoice.id, target.owner, "paid", None, payment, (), 0),
            part_object(invoice.id, part),
        ),
        counts=sold(part, split.vat, split.zero),
        facts={"payment": b64(invoice.id), "value": str(split.gross), "vat": str(split.vat)},
    )


def _check_invoice(tx: Transaction, known: Known, at: int) -> None:
    """Whether the invoice is for this ledger, in time, and not paid. Raises Refusal."""
    invoice = embedded_of(tx, Invoice)
    not_after = invoice.body.not_after
    if invoice.body.ledger != tx.payload.ledger:
        raise Refusal(refused(Code.LEDGER_OTHER, KIND.name, member="invoice"))
    if not at <= not_after <= at + NOT_AFTER_AHEAD_MAX_MS:
        raise Refusal(refused(Code.REQUEST_EXPIRED, KIND.name, not_after=not_after, at=at))
    if known.object("payment", invoice.id) is not None:
        raise Refusal(refused(Code.REQUEST_PAID, KIND.name, request=b64(invoice.id)))


def _embeds(payload: Payload) -> tuple[tuple[type[Invoice], str], ...]:
    if not isinstance(payload, PayInvoice):
        raise AssertionError(f"{payload!r} has no invoice")
    return ((Invoice, payload.invoice),)


def _fresh(tx: Transaction) -> Need:
    return ("object", "payment", embedded_of(tx, Invoice).id)


KIND = Kind(PayInvoice, ANYONE, _plan, _needs, fresh=_fresh, embeds=_embeds, alone=True)
