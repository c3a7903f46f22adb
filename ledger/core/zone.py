"""Testing zones, permits and terminals: where crypto may be a tender, and at whose till.

Coordinates are integers of 1e-7 degree, (longitude, latitude), WGS 84. Times are ms UTC; opening
hours are minutes of the local day by the UTC offset of the pack in force. Zones are data drawn by
a supervisor's signed transaction; every polygon the sandbox ships is illustrative, not official.
"""

from __future__ import annotations

import msgspec

from ledger.core.geometry import Point, Polygon


class Hours(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Open on `weekday` (Monday is 0) from minute `opens` up to, not including, `closes`."""

    weekday: int
    opens: int
    closes: int


class Zone(msgspec.Struct, frozen=True, omit_defaults=True):
    """Body of an object of type `zone`. Status: `active`, `suspended`, `ended`.

    `area`: its shape; the border belongs to the zone. `assets`: codes admitted.
    `hours`: empty means always open. Caps in tiyn of value; None leaves the pack's own cap alone.
    `area2` is twice the area: the smaller of two overlapping zones is the more specific.
    """

    name: str
    area: Polygon
    area2: int
    assets: tuple[str, ...]
    opens_at: int
    ends_at: int | None = None
    hours: tuple[Hours, ...] = ()
    cap_payment: int | None = None
    cap_day: int | None = None


class Permit(msgspec.Struct, frozen=True):
    """Body of an object of type `permit`, owned by the merchant. Status: `active`, `revoked`,
    `expired`. `zone` is the zone's key, base64url."""

    zone: str
    valid_from: int
    valid_until: int


class Terminal(msgspec.Struct, frozen=True):
    """Body of an object of type `terminal`, owned by the merchant; its key is the 32 bytes of the
    JWK thumbprint of the till's public key. The registered place binds, never a phone's."""

    public: str
    place: Point
