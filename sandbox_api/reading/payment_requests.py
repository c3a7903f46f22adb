"""Payment requests: checked when they come in, told with what became of them (D11).

The request is kept in the sandbox's own store; whether it is paid is read from the ledger.
"""

from __future__ import annotations

from typing import Final

from ledger.core.amount import TENGE_SCALE, format_amount, parse_amount
from ledger.core.decision import Code, Reason
from ledger.core.ids import TransactionId, b64, unb64
from ledger.core.objects import Object, body_of
from ledger.core.payment import Payment
from ledger.core.transaction import NOT_AFTER_AHEAD_MAX_MS, Embedded, Request
from ledger.core.zone import Terminal
from ledger.errors import BadSignature, Malformed
from ledger.keys import verify
from ledger.kinds import read_statement
from ledger.kinds.till import check_lines
from ledger.store.base import StoredRefusal
from ledger.store.reader import Snapshot
from ledger.writer.answers import Declined
from sandbox_api.limits import REFUSALS_SCANNED_MAX, Recent
from sandbox_api.parts import Parts
from sandbox_api.problems import Refusal
from sandbox_api.reading.entries import Scales, entry_at, reasons_of, told_of
from sandbox_api.reading.known import account_of, object_of
from sandbox_api.reading.vat import vat_part_body
from sandbox_api.tenants import StoredRequest
from sandbox_api.wire import (
    LastRefusal,
    LineBody,
    PaymentBody,
    PaymentRequestBody,
    RequestMade,
    TenderBody,
)

REQUEST: Final = "request/1"
"""Name under which the checks here give their reasons."""

PAY: Final = "pay/1"
"""The kind that makes a payment."""

_requests: Recent[TransactionId, str] = Recent(4_096)
"""Which payment request a transaction is about ("" for none)."""


def take_request(parts: Parts, tenant: int, jws: str) -> RequestMade:
    """Check a till's request and keep it. Raises Malformed, BadSignature, or Refusal where the
    ledger would refuse every payment of it."""
    request, signature = read_statement(jws, Request)
    now = parts.door.time()
    with parts.reader.snapshot() as view:
        size = view.head().size
        terminal = object_of(view, "terminal", request.kid)
    reason = _fault(parts, request, terminal, now)
    if reason is not None or terminal is None:
        unknown = Reason(Code.TERMINAL_UNKNOWN, REQUEST)
        raise Refusal(Declined((reason or unknown,), now, size))
    public = unb64(body_of(terminal, Terminal).public, 32)
    if not verify(public, signature.signing_input, signature.signature):
        raise BadSignature("the signature does not fit the request and the till's key")
    stored = StoredRequest(request.id, tenant, request.kid, request.body.not_after, jws)
    parts.tenants.put_request(stored, now)
    return RequestMade(b64(request.id), link(parts, request.id), f"{path(request.id)}/qr.svg")


def request_body(parts: Parts, stored: StoredRequest, lang: str) -> PaymentRequestBody:
    """A request with what became of it: paid, held, void, expired or open; the newest refusal."""
    request, _ = read_statement(stored.jws, Request)
    body = request.body
    with parts.reader.snapshot() as view:
        terminal = object_of(view, "terminal", request.kid)
        paid = object_of(view, "payment", request.id)
        payment = None if paid is None else _payment(view, paid)
        refused = None if paid is not None else _last_refusal(view, b64(request.id))
    merchant = None if terminal is None else b64(terminal.owner)
    status = "open"
    if payment is not None:
        status = "paid"
    elif paid is not None:
        status = paid.status
    elif body.not_after < parts.door.time():
        status = "expired"
    return PaymentRequestBody(
        id=b64(request.id),
        request=stored.jws,
        terminal=b64(request.kid),
        merchant=merchant,
        merchant_name=title_of(parts, merchant),
        status=status,
        total=body.total,
        reference=body.reference,
        reusable=body.reusable,
        not_after=body.not_after,
        tenders=tuple(
            TenderBody(one.asset, one.account, one.amount, one.rate) for one in body.tenders
        ),
        lines=tuple(LineBody(line.code, line.amount) for line in body.lines),
        vat=body.vat,
        payment=payment,
        refusal=(
            None if refused is None else LastRefusal(refused.refusal.at, reasons_of(refused, lang))
        ),
        url=link(parts, request.id),
    )


def link(parts: Parts, id: bytes) -> str:
    """What the QR holds: where a wallet opens the request."""
    return f"{parts.origin}/p/{b64(id)}"


def path(id: bytes) -> str:
    """The request under this API."""
    return f"/v1/payment-requests/{b64(id)}"


def title_of(parts: Parts, party: str | None) -> str | None:
    """What people call a party of the sandbox's world; None for everyone else."""
    if parts.world is None or party is None:
        return None
    return next((one.title for one in parts.world.personas if one.party == party), None)


def _fault(
    parts: Parts, request: Embedded[Request], terminal: Object | None, now: int
) -> Reason | None:
    """Why no payment of this request could pass, whoever pays."""
    body = request.body
    if terminal is None:
        return Reason(Code.TERMINAL_UNKNOWN, REQUEST)
    if terminal.status != "active":
        return Reason(Code.TERMINAL_UNKNOWN, REQUEST, {"status": terminal.status})
    if body.ledger != parts.ledger:
        return Reason(Code.LEDGER_OTHER, REQUEST, {"ledger": parts.ledger})
    if not now <= body.not_after <= now + NOT_AFTER_AHEAD_MAX_MS:
        return Reason(Code.REQUEST_EXPIRED, REQUEST, {"not_after": body.not_after, "at": now})
    parse_amount(body.total, TENGE_SCALE)
    check_lines(body)
    assets = [tender.asset for tender in body.tenders]
    if len(set(assets)) != len(assets):
        raise Malformed("request.tenders", "offer each asset once", "tenders")
    return None


def _payment(view: Snapshot, paid: Object) -> PaymentBody | None:
    """How it was paid; of what is held, the captures so far and the entry of the first."""
    payment = body_of(paid, Payment)
    if not payment.amount:
        return None
    entry = entry_at(view, payment.index or paid.written)
    asset = _asset_of(view, payment)
    part = vat_part_body(view, paid.key)
    return PaymentBody(
        index=entry.index,
        at=entry.at,
        id=entry.told.id,
        asset=asset,
        amount=format_amount(payment.amount, Scales(view).of(asset)),
        value=format_amount(payment.value, TENGE_SCALE),
        vat=None if part is None else part.vat,
    )


def _asset_of(view: Snapshot, payment: Payment) -> str:
    """What the merchant was paid in: of a converted payment not what the payer spent."""
    payee = account_of(view, unb64(payment.payee, 16))
    if payee is None:
        raise AssertionError(f"a payment went to {payment.payee}, which is not there")
    return payee.asset


def _last_refusal(view: Snapshot, request: str) -> StoredRefusal | None:
    """The newest refused attempt to pay a request, among the newest refusals there are."""
    for row in view.refusals(limit=REFUSALS_SCANNED_MAX):
        about = _requests.get(row.refusal.transaction)
        if about is None:
            about = told_of(row.refusal.jws).request or ""
            _requests.put(row.refusal.transaction, about)
        if about == request:
            return row
    return None
