"""Requests to pay: signed ones, which are answered by transactions, and plain ones, which are only
a record that a transfer may quote.
"""

from __future__ import annotations

import secrets
from typing import Final

from sandbox_api.asked import IdPath
from sandbox_api.auth import Scope
from sandbox_api.problems import Problem
from sandbox_api.reading import asks
from sandbox_api.reading.known import id_bytes, object_of
from sandbox_api.requests import Answer, Body, Call, Reply, Route, require
from sandbox_api.wire_asks import AskBody, AsksBody, AsksQuery, PlainAskBody, PlainAskMade


def party_asks(call: Call) -> Reply:
    """What a party is asked to pay, or what it asks others for."""
    party, query = id_bytes(call.path["id"]), call.query_as(AsksQuery)
    with call.parts.reader.snapshot() as view:
        require(object_of(view, "party", party), "party")
        return Reply(asks.asks_of(view, party, query.side, query.after_key, query.limit))


def ask(call: Call) -> Reply:
    """A signed request, open or not."""
    with call.parts.reader.snapshot() as view:
        found = asks.ask_body(view, id_bytes(call.path["id"]))
    return Reply(require(found, "request to pay"))


def make_plain(call: Call) -> Reply:
    """Keep a plain request under a new id that nobody can guess."""
    asked = call.body_as(PlainAskMade)
    return Reply(asks.take_plain(call.parts, call.tenant, secrets.token_bytes(16), asked), 201)


def plain(call: Call) -> Reply:
    """A plain request with what became of it."""
    found = call.parts.tenants.plain_ask(call.tenant, id_bytes(call.path["id"]))
    if found is None:
        raise Problem("not_found", "no plain request has this id, or it is long over")
    return Reply(asks.plain_body(call.parts, found))


ROUTES: Final = (
    Route("GET", "/v1/parties/{id}/asks", "party_asks", "A party's requests to pay", party_asks,
          Scope.READ, {200: Answer(AsksBody, "A page.")}, IdPath, AsksQuery,
          problems=("not_found",), group="Asks"),
    Route("GET", "/v1/asks/{id}", "ask", "A request to pay", ask, Scope.READ,
          {200: Answer(AskBody, "Who asks whom for what, and the answer.")}, IdPath,
          problems=("not_found",), group="Asks"),
    Route("POST", "/v1/plain-asks", "make_plain_ask", "Ask without a signature", make_plain,
          Scope.SUBMIT, {201: Answer(PlainAskBody, "Kept; a transfer quotes its id.")},
          body=Body(PlainAskMade, example={
              "to": "AAAAAAAAAAAAAAAAAAAAAA", "amount": "1290.00", "reference": "INV-17",
              "ends_at": 1_790_000_000_000,
          }),
          problems=("amount.form", "amount.zero", "amount.range", "ACCOUNT_UNKNOWN",
                    "ACCOUNT_KIND", "ACCOUNT_NOT_OPEN", "DATES_CONFLICT", "door_shut"),
          group="Asks"),
    Route("GET", "/v1/plain-asks/{id}", "plain_ask", "A plain request and its outcome", plain,
          Scope.READ, {200: Answer(PlainAskBody, "As far as the ledger was read.")}, IdPath,
          problems=("not_found", "door_shut"), group="Asks"),
)  # fmt: skip
