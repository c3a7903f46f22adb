"""Offline purses: what the ledger has of them, and what the demo institutions say to devices.

Making, loading, depositing, unloading are transactions. Custody signs certificates and the notice
over what it reads of the ledger itself.
"""

from __future__ import annotations

from typing import Final

from ledger.core.ids import b64, unb64
from ledger.core.offline import purse_id, to_text
from ledger.errors import Malformed
from sandbox_api.asked import (
    AfterDigestQuery,
    AfterIdQuery,
    IdPath,
    PaymentPath,
    PurseBodyAsked,
)
from sandbox_api.auth import Scope
from sandbox_api.parts import Parts
from sandbox_api.problems import Problem, Refusal
from sandbox_api.reading import purses
from sandbox_api.reading.known import account_of, id_bytes
from sandbox_api.requests import Answer, Body, Call, Reply, Route, require
from sandbox_api.routes.joining import JWK, public_key_of, submit_signed
from sandbox_api.wire import Jwk
from sandbox_api.wire_purses import (
    PurseBody,
    PursePaymentBody,
    PursePaymentsBody,
    PursesBody,
    SpokenBody,
)


def purse(call: Call) -> Reply:
    """A purse, closed or not."""
    with call.parts.reader.snapshot() as view:
        return Reply(require(purses.purse(view, id_bytes(call.path["id"])), "purse"))


def account_purses(call: Call) -> Reply:
    """Purses that are emptied into a wallet."""
    account, query = id_bytes(call.path["id"]), call.query_as(AfterIdQuery)
    with call.parts.reader.snapshot() as view:
        require(account_of(view, account), "account")
        return Reply(purses.purses_of(view, account, query.after_key, query.limit))


def account_payments(call: Call) -> Reply:
    """Settled payments of a purse, or to an account."""
    account, query = id_bytes(call.path["id"]), call.query_as(AfterDigestQuery)
    with call.parts.reader.snapshot() as view:
        require(account_of(view, account), "account")
        return Reply(purses.payments_of(view, account, query.after_key, query.limit))


def payment(call: Call) -> Reply:
    """A settled payment."""
    with call.parts.reader.snapshot() as view:
        found = purses.payment(view, unb64(call.path["id"], 32))
    return Reply(require(found, "settled payment"))


def certificate(call: Call) -> Reply:
    """The demo bank's certificate of a purse as it is now."""
    parts = call.parts
    try:
        form = parts.custody.certificate(call.token, id_bytes(call.path["id"]))
    except Malformed as error:
        raise Problem("not_found", str(error)) from None
    return Reply(_spoken(parts, form, "bank"))


def notice(call: Call) -> Reply:
    """The demo central bank's notice as of now."""
    parts = call.parts
    return Reply(
        _spoken(parts, parts.custody.notice(call.token, parts.door.time()), "central-bank")
    )


def open_purse(call: Call) -> Reply:
    """Have the demo bank certify this device as a purse of one of its clients."""
    parts, body = call.parts, call.body_as(PurseBodyAsked)
    public_key = public_key_of(body.jwk)
    id = purse_id(public_key)
    known = _purse(parts, id)
    if known is not None:
        return Reply(known)
    home = id_bytes(body.home)
    signed = parts.custody.open_purse(call.token, public_key, home, parts.door.time())
    declined = submit_signed(parts, signed)
    made = _purse(parts, id)
    if made is None:
        raise Refusal(declined) if declined else Problem("internal")
    return Reply(made, 201)


def _purse(parts: Parts, id: bytes) -> PurseBody | None:
    with parts.reader.snapshot() as view:
        return purses.purse(view, id)


def _spoken(parts: Parts, form: bytes, persona: str) -> SpokenBody:
    """A form with the key of the persona that signed it."""
    world = parts.world
    if world is None:
        raise Problem("not_found", "this sandbox has no institutions of its own")
    kid = world.persona(persona).kid
    public = require(parts.front.known(unb64(kid, 32)), "key")
    return SpokenBody(b64(form), to_text(form), Jwk("OKP", "Ed25519", b64(public)), kid)


_NONE: Final = ("not_found",)
_GROUP: Final = "Purses"

ROUTES: Final = (
    Route("GET", "/v1/purses/{id}", "purse", "A purse", purse, Scope.READ,
          {200: Answer(PurseBody, "Its terms, what is on it, what became of it.")}, IdPath,
          problems=_NONE, group=_GROUP),
    Route("GET", "/v1/accounts/{id}/purses", "account_purses", "Purses of a wallet",
          account_purses, Scope.READ, {200: Answer(PursesBody, "A page.")}, IdPath, AfterIdQuery,
          problems=_NONE, group=_GROUP),
    Route("GET", "/v1/accounts/{id}/offline-payments", "account_offline_payments",
          "Settled payments of a purse or to an account", account_payments, Scope.READ,
          {200: Answer(PursePaymentsBody, "A page.")}, IdPath, AfterDigestQuery,
          problems=_NONE, group=_GROUP),
    Route("GET", "/v1/offline-payments/{id}", "offline_payment", "A settled offline payment",
          payment, Scope.READ, {200: Answer(PursePaymentBody, "What the payee got.")},
          PaymentPath, problems=_NONE, group=_GROUP),
    Route("GET", "/v1/purses/{id}/certificate", "purse_certificate", "A purse's certificate",
          certificate, Scope.JOIN, {200: Answer(SpokenBody, "Signed by the demo bank.")}, IdPath,
          problems=(*_NONE, "door_shut"), group=_GROUP),
    Route("GET", "/v1/offline-notice", "offline_notice", "The notice to devices", notice,
          Scope.JOIN, {200: Answer(SpokenBody, "Signed by the demo central bank.")},
          problems=(*_NONE, "door_shut"), group=_GROUP),
    Route("POST", "/v1/sandbox/purses", "open_purse", "Make this device a purse", open_purse,
          Scope.JOIN,
          {
              201: Answer(PurseBody, "Certified by the demo bank."),
              200: Answer(PurseBody, "This device was a purse already."),
          },
          body=Body(PurseBodyAsked, example={"jwk": JWK, "home": "A" * 22}),
          problems=("key.point", "door_shut"), refusals=True, group=_GROUP),
)  # fmt: skip
