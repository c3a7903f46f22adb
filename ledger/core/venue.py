"""Venues: exchanges that a supervisor has licensed to change assets into tenge and back."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class VenueStatus(StrEnum):
    """Of a licence. A suspended one may be resumed; a revoked one is over for good."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class Venue(msgspec.Struct, frozen=True):
    """Body of an object of type `venue`; its key is the exchange's party id, its owner the
    supervisor that licensed it. `assets`: codes of those it may change; tenge needs no leave."""

    assets: tuple[str, ...]
