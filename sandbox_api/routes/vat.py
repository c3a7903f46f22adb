"""Digital VAT: a taxpayer's books, its claims, the VAT in a payment. Registering, paying and
claiming are transactions."""

from __future__ import annotations

from typing import Final

from sandbox_api.asked import AfterIdQuery, IdPath
from sandbox_api.auth import Scope
from sandbox_api.reading import vat
from sandbox_api.reading.known import id_bytes, object_of
from sandbox_api.requests import Answer, Call, Reply, Route, require
from sandbox_api.wire_vat import ClaimBody, ClaimsBody, TaxpayerBody, VatPartBody


def taxpayer(call: Call) -> Reply:
    """A taxpayer and its books."""
    with call.parts.reader.snapshot() as view:
        return Reply(require(vat.taxpayer_body(view, id_bytes(call.path["id"])), "taxpayer"))


def taxpayer_claims(call: Call) -> Reply:
    """What a taxpayer claimed."""
    id, query = id_bytes(call.path["id"]), call.query_as(AfterIdQuery)
    with call.parts.reader.snapshot() as view:
        require(object_of(view, "taxpayer", id), "taxpayer")
        return Reply(vat.claims_of(view, id, query.after_key, query.limit))


def vat_claim(call: Call) -> Reply:
    """A claim, whatever became of it."""
    with call.parts.reader.snapshot() as view:
        found = require(object_of(view, "vat_claim", id_bytes(call.path["id"])), "vat_claim")
        return Reply(vat.claim_body(found))


def payment_vat(call: Call) -> Reply:
    """The VAT in a payment."""
    with call.parts.reader.snapshot() as view:
        return Reply(require(vat.vat_part_body(view, id_bytes(call.path["id"])), "payment"))


_NONE: Final = ("not_found",)

ROUTES: Final = (
    Route("GET", "/v1/taxpayers/{id}", "taxpayer", "A taxpayer and its books", taxpayer, Scope.READ,
          {200: Answer(TaxpayerBody, "Output - input = paid + balance - credit.")}, IdPath,
          problems=_NONE, group="VAT"),
    Route("GET", "/v1/taxpayers/{id}/claims", "taxpayer_claims", "What a taxpayer claimed",
          taxpayer_claims, Scope.READ, {200: Answer(ClaimsBody, "A page.")}, IdPath, AfterIdQuery,
          problems=_NONE, group="VAT"),
    Route("GET", "/v1/vat-claims/{id}", "vat_claim", "A claim of VAT", vat_claim, Scope.READ,
          {200: Answer(ClaimBody, "Open, denied or paid.")}, IdPath, problems=_NONE, group="VAT"),
    Route("GET", "/v1/payments/{id}/vat", "payment_vat", "The VAT in a payment", payment_vat,
          Scope.READ, {200: Answer(VatPartBody, "What was put apart, and given back.")}, IdPath,
          problems=_NONE, group="VAT"),
)  # fmt: skip
