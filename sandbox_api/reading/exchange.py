"""Venues and used quotes as anyone may read them: found by a look-up row and by their ids."""

from __future__ import annotations

from ledger.core.ids import b64
from ledger.core.objects import Object, body_of
from ledger.core.quote import Quote, UsedQuote
from ledger.core.venue import Venue
from ledger.kinds import read_statement
from ledger.store.reader import Snapshot
from sandbox_api.parts import Parts
from sandbox_api.reading.known import object_of, page_of
from sandbox_api.reading.payment_requests import title_of
from sandbox_api.wire_exchange import QuoteBody, QuoteMade, QuoteSideBody, VenueBody, VenuesBody


def venues(parts: Parts, view: Snapshot, after: bytes, limit: int) -> VenuesBody:
    """A page of all venues that were ever licensed."""
    page, more = page_of(view, "venue", "all", b"", after, limit)
    return VenuesBody(tuple(_venue(parts, one) for one in page), more)


def quote_made(jws: str, venue: str) -> QuoteMade:
    """A quote that was signed just now, as its taker sees it."""
    quote, _ = read_statement(jws, Quote)
    body = quote.body
    return QuoteMade(
        id=b64(quote.id),
        quote=jws,
        venue=venue,
        sell=QuoteSideBody(body.gets.asset, body.gets.amount),
        buy=QuoteSideBody(body.gives.asset, body.gives.amount),
        taker=body.taker,
        not_after=body.not_after,
    )


def quote_body(view: Snapshot, id: bytes, at: int) -> QuoteBody:
    """A quote by its id, at `at` (ms UTC). Its first six bytes are its `not_after`."""
    not_after = int.from_bytes(id[:6], "big")
    used = object_of(view, "quote", id)
    if used is None:
        status = "open" if at <= not_after else "expired"
        return QuoteBody(b64(id), status, not_after, None, None, None)
    taker = body_of(used, UsedQuote).taker
    return QuoteBody(b64(id), used.status, not_after, b64(used.owner), taker, used.written)


def _venue(parts: Parts, found: Object) -> VenueBody:
    id = b64(found.key)
    return VenueBody(
        venue=id,
        name=title_of(parts, id),
        assets=body_of(found, Venue).assets,
        status=found.status,
        supervisor=b64(found.owner),
        written=found.written,
    )
