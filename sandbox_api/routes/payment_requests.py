"""Payment requests: a till asks for money, a wallet opens the link that the QR holds."""

from __future__ import annotations

import io
from typing import Final

import segno

from sandbox_api.asked import IdPath, RequestBody
from sandbox_api.auth import Scope
from sandbox_api.limits import TRANSACTION_BYTES_MAX
from sandbox_api.problems import Problem
from sandbox_api.reading.known import id_bytes
from sandbox_api.reading.payment_requests import link, request_body, take_request
from sandbox_api.requests import SVG, Answer, Body, Call, Open, Reply, Route
from sandbox_api.tenants import StoredRequest
from sandbox_api.wire import PaymentRequestBody, RequestMade

QR_SCALE: Final = 8
"""Units of the picture's own size for one module."""
QR_BORDER: Final = 4
"""Light modules round the code, as ISO/IEC 18004 asks."""


def make(call: Call) -> Reply:
    """Take a till's signed request and give it a link."""
    made = take_request(call.parts, call.tenant, call.body_as(RequestBody).request)
    return Reply(made, 201)


def one(call: Call) -> Reply:
    """A request with what became of it."""
    return Reply(request_body(call.parts, _stored(call), call.lang))


def qr(call: Call) -> Reply:
    """The request's link as a QR code. It needs no key: it shows the link that is asked for."""
    code = segno.make_qr(link(call.parts, id_bytes(call.path["id"])), error="m")
    picture = io.BytesIO()
    code.save(
        picture, kind="svg", scale=QR_SCALE, border=QR_BORDER, light="#fff", xmldecl=False,
        svgns=True, omitsize=True,
    )  # fmt: skip
    return Reply(picture.getvalue(), media=SVG, cache="public, max-age=86400")


def _stored(call: Call) -> StoredRequest:
    found = call.parts.tenants.request(call.tenant, id_bytes(call.path["id"]))
    if found is None:
        raise Problem("not_found", "no payment request has this id, or it is long over")
    return found


ROUTES: Final = (
    Route(
        "POST", "/v1/payment-requests", "make_payment_request", "Ask for money",
        make, Scope.SUBMIT, {201: Answer(RequestMade, "Kept; wallets can open its link.")},
        body=Body(RequestBody, limit=TRANSACTION_BYTES_MAX, example={"request": "eyJ…"}),
        problems=("bad_signature", "envelope.base64", "TERMINAL_UNKNOWN", "REQUEST_EXPIRED",
                  "LEDGER_OTHER", "door_shut"),
        group="Payment requests",
    ),
    Route(
        "GET", "/v1/payment-requests/{id}", "payment_request", "A request and its outcome",
        one, Scope.READ, {200: Answer(PaymentRequestBody, "As things stand now.")},
        path_type=IdPath, problems=("not_found", "door_shut"), group="Payment requests",
    ),
    Route(
        "GET", "/v1/payment-requests/{id}/qr.svg", "payment_request_qr", "Its QR code",
        qr, Open.TO_ALL, {200: Answer(SVG, "A picture.")},
        path_type=IdPath, group="Payment requests",
    ),
)  # fmt: skip
