"""What the HTTP API says of venues and quotes. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from sandbox_api.wire import IdText, Index

_Asset = Annotated[str, Meta(min_length=1, max_length=16)]
_Amount = Annotated[str, Meta(min_length=1, max_length=21)]


class VenueBody(msgspec.Struct, frozen=True):
    """A licensed exchange: what people call it (null where the sandbox does not know), the assets
    it may change, `status` (`active`, `suspended`, `revoked`), the supervisor that licensed it, and
    the entry that changed the licence last."""

    venue: IdText
    name: str | None
    assets: tuple[str, ...]
    status: str
    supervisor: IdText
    written: Index


class VenuesBody(msgspec.Struct, frozen=True):
    """A page of venues; `next` is the next page's `after`, null at the end."""

    venues: tuple[VenueBody, ...]
    next: IdText | None


class QuoteWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A price that is asked of the demo exchange: what the taker sells and buys, and exactly one of
    the amounts. `taker`: the party that alone may take the quote; anyone where it is left out."""

    sell: _Asset
    buy: _Asset
    sell_amount: _Amount | None = None
    buy_amount: _Amount | None = None
    taker: IdText | None = None


class QuoteSideBody(msgspec.Struct, frozen=True):
    """One side of a quote, as the taker sees it."""

    asset: str
    amount: str


class QuoteMade(msgspec.Struct, frozen=True):
    """A signed quote. `quote` is the JWS to embed; `sell` is what its taker pays, `buy` what it
    gets; good once, until `not_after` (ms UTC of the sandbox's time)."""

    id: IdText
    quote: str
    venue: IdText
    sell: QuoteSideBody
    buy: QuoteSideBody
    taker: IdText | None
    not_after: int


class QuoteBody(msgspec.Struct, frozen=True):
    """What the ledger knows of a quote by its id. `status`: `used`, or else `open` until
    `not_after` (ms UTC) and `expired` then; the ledger hears of a quote when it is used, so `open`
    does not say that anybody signed one. Of a used one: `maker` and `taker` (parties), and the
    entry `used_at`."""

    id: IdText
    status: str
    not_after: int
    maker: IdText | None
    taker: IdText | None
    used_at: Index | None
