"""The table of routes: all that this server answers to, in the document's order."""

from __future__ import annotations

from typing import Final

from sandbox_api.requests import Route
from sandbox_api.routes import (
    aliases,
    asks,
    consents,
    documentation,
    events,
    exchange,
    freeze,
    holds,
    joining,
    keys,
    links,
    locks,
    log,
    marks,
    money,
    payment_requests,
    proposals,
    purses,
    records,
    transactions,
    vat,
    zones,
)

ROUTES: Final[tuple[Route, ...]] = (
    *transactions.ROUTES,
    *joining.ROUTES,
    *money.ROUTES,
    *zones.ROUTES,
    *consents.ROUTES,
    *aliases.ROUTES,
    *payment_requests.ROUTES,
    *exchange.ROUTES,
    *holds.ROUTES,
    *freeze.ROUTES,
    *locks.ROUTES,
    *purses.ROUTES,
    *marks.ROUTES,
    *vat.ROUTES,
    *proposals.ROUTES,
    *links.ROUTES,
    *keys.ROUTES,
    *records.ROUTES,
    *asks.ROUTES,
    *events.ROUTES,
    *log.ROUTES,
    *documentation.ROUTES,
)
"""Every route once."""
