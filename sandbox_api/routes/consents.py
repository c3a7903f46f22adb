"""What services may do with accounts. Giving, using and revoking a consent are transactions."""

from __future__ import annotations

from typing import Final

from sandbox_api.asked import AfterIdQuery, IdPath
from sandbox_api.auth import Scope
from sandbox_api.reading import consents
from sandbox_api.reading.known import account_of, id_bytes, object_of
from sandbox_api.requests import Answer, Call, Reply, Route, require
from sandbox_api.wire_consents import ConsentBody, ConsentsBody


def consent(call: Call) -> Reply:
    """A consent, in force or not."""
    at = call.parts.door.time()
    with call.parts.reader.snapshot() as view:
        found = consents.consent(view, id_bytes(call.path["id"]), at)
    return Reply(require(found, "consent"))


def account_consents(call: Call) -> Reply:
    """What services may do with an account."""
    id, at = id_bytes(call.path["id"]), call.parts.door.time()
    query = call.query_as(AfterIdQuery)
    with call.parts.reader.snapshot() as view:
        require(account_of(view, id), "account")
        page = consents.consents(view, "account", id, query.after_key, query.limit, at)
    return Reply(page)


def service_consents(call: Call) -> Reply:
    """What a party may do with other people's accounts."""
    id, at = id_bytes(call.path["id"]), call.parts.door.time()
    query = call.query_as(AfterIdQuery)
    with call.parts.reader.snapshot() as view:
        require(object_of(view, "party", id), "party")
        page = consents.consents(view, "service", id, query.after_key, query.limit, at)
    return Reply(page)


_PROBLEMS: Final = ("not_found", "door_shut")

ROUTES: Final = (
    Route("GET", "/v1/consents/{id}", "consent", "A consent", consent, Scope.READ,
          {200: Answer(ConsentBody, "Its terms, and what is left today.")}, IdPath,
          problems=_PROBLEMS, group="Consents"),
    Route("GET", "/v1/accounts/{id}/consents", "account_consents", "An account's consents",
          account_consents, Scope.READ, {200: Answer(ConsentsBody, "A page.")}, IdPath,
          AfterIdQuery, problems=_PROBLEMS, group="Consents"),
    Route("GET", "/v1/parties/{id}/consents", "service_consents", "The consents of a service",
          service_consents, Scope.READ, {200: Answer(ConsentsBody, "A page.")}, IdPath,
          AfterIdQuery, problems=_PROBLEMS, group="Consents"),
)  # fmt: skip
