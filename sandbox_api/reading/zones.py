"""Zones, tills and what is accepted where: the rules in force, run over an imagined payment.

A badge must say beforehand what a payment would hear (D11). So a payment of one minor unit that
nobody made, by a payer of the highest tier, is judged by the rules of the pack, asset by asset.
What depends on who pays and how much (tier, caps) is left to the payment itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

from ledger.core.account import Account, AccountKind
from ledger.core.amount import TENGE_SCALE, format_amount
from ledger.core.asset import TENGE_CLASSES, Asset
from ledger.core.decision import Code, Reason, in_precedence
from ledger.core.geometry import DEGREE, Point, Polygon, Ring, area2, cell_of, contains
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.party import Party, Role
from ledger.core.plan import Movement, Place
from ledger.core.zone import Terminal, Zone
from ledger.decide import LEDGER, judge
from ledger.rules.pack import pack_in_force
from ledger.rules.rule import case_of, deciding_zone
from ledger.store.reader import Snapshot
from sandbox_api.problems import audible, reason_body
from sandbox_api.reading.known import id_text, object_of, read_with
from sandbox_api.wire import Accepts, LocateBody, PlaceBody, TerminalBody, ZoneBody

_NOBODY: Final = bytes(16)
_NO_TILL: Final = bytes(32)
_PAYER: Final = Party(Role.PERSON, 3, "")
_MERCHANT: Final = Party(Role.MERCHANT, 3, "")
_OF_THE_PAYER: Final = frozenset(
    {Code.KYC_TIER, Code.CAP_PAYMENT, Code.CAP_DAY, Code.ZONE_CAP_PAYMENT, Code.ZONE_CAP_DAY}
)
_OF_THE_MERCHANT: Final = frozenset({Code.PERMIT_MISSING, Code.PERMIT_NOT_VALID})


def zone_body(zone: Object) -> ZoneBody:
    """A zone as it is sent."""
    terms = body_of(zone, Zone)
    return ZoneBody(
        id=id_text(zone.key),
        name=terms.name,
        status=zone.status,
        supervisor=id_text(zone.owner),
        assets=terms.assets,
        opens_at=terms.opens_at,
        ends_at=terms.ends_at,
        hours=tuple((row.weekday, row.opens, row.closes) for row in terms.hours),
        cap_payment=_tenge(terms.cap_payment),
        cap_day=_tenge(terms.cap_day),
        geometry=geojson(terms.area),
    )


def geojson(area: Polygon) -> dict[str, object]:
    """A polygon as GeoJSON (RFC 7946): closed rings, outer anticlockwise, holes clockwise."""
    rings = [_closed(area.outer, anticlockwise=True)]
    rings += [_closed(hole, anticlockwise=False) for hole in area.holes]
    return {"type": "Polygon", "coordinates": rings}


def place_body(point: Point) -> PlaceBody:
    """A point in decimal degrees, exactly."""
    lon, lat = point
    return PlaceBody(lat=_degrees(lat), lon=_degrees(lon))


def point_of(lat: str, lon: str) -> Point:
    """A point from decimal degrees with at most 7 digits after the point, exactly."""
    return _units(lon), _units(lat)


def locate(
    view: Snapshot, assets: Sequence[Object], point: Point, at: int, lang: str
) -> LocateBody:
    """The zones at a point, and what a till with a permit could accept there at `at`."""

    def zones_at(known: Known) -> tuple[Object | None, tuple[Object, ...]]:
        keys = known.lookup("zone", "cell", cell_of(point).encode())
        found = [zone for key in keys if (zone := known.object("zone", key)) is not None]
        inside = tuple(zone for zone in found if contains(body_of(zone, Zone).area, point))
        return deciding_zone(point, known, at), inside

    decides, inside = read_with(view, zones_at)
    place = Place(_NO_TILL, "active", _NOBODY, point, None)
    accepts = _accepts(view, assets, place, at, lang, _OF_THE_PAYER | _OF_THE_MERCHANT)
    smallest_first = sorted(inside, key=lambda zone: (area2(body_of(zone, Zone).area), zone.key))
    return LocateBody(
        zone=None if decides is None else id_text(decides.key),
        zones=tuple(id_text(zone.key) for zone in smallest_first),
        accepts=accepts,
    )


def terminal_body(
    view: Snapshot,
    terminal: Object,
    assets: Sequence[Object],
    name: str | None,
    at: int,
    lang: str,
) -> TerminalBody:
    """A till with what it may accept at `at`: its badge."""
    point = body_of(terminal, Terminal).place
    place = Place(terminal.key, terminal.status, terminal.owner, point, None)
    zone = read_with(view, lambda known: deciding_zone(point, known, at))
    return TerminalBody(
        kid=b64(terminal.key),
        merchant=id_text(terminal.owner),
        name=name,
        status=terminal.status,
        place=place_body(point),
        zone=None if zone is None else id_text(zone.key),
        accepts=_accepts(view, assets, place, at, lang, _OF_THE_PAYER),
    )


def _accepts(
    view: Snapshot,
    assets: Iterable[Object],
    place: Place,
    at: int,
    lang: str,
    left_out: frozenset[Code],
) -> tuple[Accepts, ...]:
    found = []
    for object_ in assets:
        asset = body_of(object_, Asset)
        reasons = tuple(
            reason
            for reason in read_with(view, partial(_judge, asset=asset, place=place, at=at))
            if reason.code not in left_out
        )
        bodies = tuple(reason_body(reason, lang) for reason in audible(reasons))
        found.append(Accepts(asset.code, asset.class_, not bodies, bodies))
    return tuple(found)


def _judge(known: Known, asset: Asset, place: Place, at: int) -> tuple[Reason, ...]:
    """What the rules in force say to a payment of one minor unit at `place`."""
    rows = pack_in_force(known).in_force(at)
    if not rows:
        return (Reason(Code.PACK_EMPTY, LEDGER),)
    rate = None
    if asset.class_ not in TENGE_CLASSES:
        current: Need = ("lookup", "rate", "current", asset.code.encode())
        rate = next(iter(known.get(current)), None)
    movement = Movement(
        source=_account(asset, 0),
        source_party=_PAYER,
        target=_account(asset, 1),
        target_party=_MERCHANT,
        asset=asset,
        amount=1,
        purpose="pay",
        value=1,
        place=Place(place.terminal, place.status, place.merchant, place.point, rate),
    )
    return in_precedence(list(judge(case_of(movement, known, at), rows)))


def _account(asset: Asset, number: int) -> Account:
    """An account that nobody has, for a payment that nobody made."""
    owner = bytes(15) + bytes([number])
    return Account(number, owner, owner, asset.code, AccountKind.WALLET, "", "open", 1, 0)


def zone_of(view: Snapshot, id: bytes) -> Object | None:
    """A zone by its id."""
    return object_of(view, "zone", id)


def _closed(ring: Ring, *, anticlockwise: bool) -> list[tuple[float, float]]:
    if (_turn(ring) > 0) != anticlockwise:
        ring = ring[::-1]
    return [(lon / DEGREE, lat / DEGREE) for lon, lat in (*ring, ring[0])]


def _turn(ring: Ring) -> int:
    """Twice the signed area: above zero where the ring runs anticlockwise."""
    pairs = zip(ring, (*ring[1:], ring[0]), strict=True)
    return sum(lon * next_lat - next_lon * lat for (lon, lat), (next_lon, next_lat) in pairs)


def _tenge(tiyn: int | None) -> str | None:
    return None if tiyn is None else format_amount(tiyn, TENGE_SCALE)


def _degrees(units: int) -> str:
    sign = "-" if units < 0 else ""
    whole, part = divmod(abs(units), DEGREE)
    return f"{sign}{whole}.{part:07}"


def _units(degrees: str) -> int:
    sign = -1 if degrees.startswith("-") else 1
    whole, _, part = degrees.lstrip("-").partition(".")
    return sign * (int(whole) * DEGREE + int(part.ljust(7, "0")))
