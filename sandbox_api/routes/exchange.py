"""Venues, and quotes of the demo exchange. Taking a quote is a transaction.

Custody signs as the demo exchange, at a price that it asks for itself; nothing is kept here.
"""

from __future__ import annotations

from typing import Final

from sandbox_api.asked import AfterIdQuery, IdPath
from sandbox_api.auth import Scope
from sandbox_api.custody_protocol import Wanted
from sandbox_api.problems import Problem
from sandbox_api.reading import exchange
from sandbox_api.reading.known import id_bytes
from sandbox_api.requests import Answer, Body, Call, Reply, Route
from sandbox_api.wire_exchange import QuoteBody, QuoteMade, QuoteWanted, VenuesBody


def venues(call: Call) -> Reply:
    """Exchanges with a licence, suspended and revoked ones too."""
    query = call.query_as(AfterIdQuery)
    with call.parts.reader.snapshot() as view:
        return Reply(exchange.venues(call.parts, view, query.after_key, query.limit))


def make_quote(call: Call) -> Reply:
    """A price of the demo exchange, signed."""
    parts, asked = call.parts, call.body_as(QuoteWanted)
    if parts.world is None:
        raise Problem("not_found", "this sandbox has no exchange of its own")
    wanted = Wanted(asked.sell, asked.buy, asked.sell_amount, asked.buy_amount, asked.taker)
    jws = parts.custody.quote(call.token, wanted, parts.door.time())
    return Reply(exchange.quote_made(jws, parts.world.persona("exchange").party), 201)


def quote(call: Call) -> Reply:
    """Whether a quote is used."""
    at = call.parts.door.time()
    with call.parts.reader.snapshot() as view:
        return Reply(exchange.quote_body(view, id_bytes(call.path["id"]), at))


ROUTES: Final = (
    Route("GET", "/v1/venues", "venues", "Licensed exchanges", venues, Scope.READ,
          {200: Answer(VenuesBody, "A page.")}, query=AfterIdQuery, group="Exchange"),
    Route("POST", "/v1/quotes", "make_quote", "A price of the demo exchange", make_quote,
          Scope.SUBMIT, {201: Answer(QuoteMade, "Signed; taken once, within a minute.")},
          body=Body(QuoteWanted, example={
              "sell": "tUSDT", "buy": "KZTD", "buy_amount": "1290.00",
          }),
          problems=("quote.pair", "quote.amount", "amount.form", "amount.zero", "amount.range",
                    "not_found", "price_source", "door_shut"),
          group="Exchange"),
    Route("GET", "/v1/quotes/{id}", "quote", "Whether a quote is used", quote, Scope.READ,
          {200: Answer(QuoteBody, "Used, open or expired.")}, IdPath, problems=("door_shut",),
          group="Exchange"),
)  # fmt: skip
