"""Where crypto is good: zones, what holds at a point, a till's badge."""

from __future__ import annotations

from typing import Final

from ledger.core.geometry import check_point
from ledger.core.ids import b64, unb64
from ledger.errors import Malformed
from sandbox_api.asked import IdPath, KidPath, PointQuery
from sandbox_api.auth import Scope
from sandbox_api.limits import LISTED_MAX
from sandbox_api.problems import Problem
from sandbox_api.reading.known import id_bytes, object_of
from sandbox_api.reading.money import asset_objects
from sandbox_api.reading.payment_requests import title_of
from sandbox_api.reading.zones import locate, point_of, terminal_body, zone_body
from sandbox_api.requests import Answer, Call, Reply, Route
from sandbox_api.wire import LocateBody, TerminalBody, ZoneBody, ZonesBody


def zones(call: Call) -> Reply:
    """All testing zones, whatever their status."""
    with call.parts.reader.snapshot() as view:
        found = view.objects("zone", limit=LISTED_MAX)
    return Reply(ZonesBody(tuple(zone_body(zone) for zone in found)))


def zone(call: Call) -> Reply:
    """A testing zone with its shape."""
    with call.parts.reader.snapshot() as view:
        found = object_of(view, "zone", id_bytes(call.path["id"]))
    if found is None:
        raise Problem("not_found", "this ledger knows no such zone")
    return Reply(zone_body(found))


def at_point(call: Call) -> Reply:
    """What holds at a point of the map now."""
    query = call.query_as(PointQuery)
    point = point_of(query.lat, query.lon)
    try:
        check_point(point)
    except Malformed as error:
        raise Problem("request.query", str(error), where="lat") from None
    at = call.parts.door.time()
    with call.parts.reader.snapshot() as view:
        return Reply(locate(view, asset_objects(view), point, at, call.lang))


def terminal(call: Call) -> Reply:
    """A till, and what it may accept now."""
    at = call.parts.door.time()
    with call.parts.reader.snapshot() as view:
        found = object_of(view, "terminal", unb64(call.path["kid"], 32))
        if found is None:
            raise Problem("not_found", "this ledger knows no such till")
        return Reply(
            terminal_body(
                view, found, asset_objects(view), _title(call, found.owner), at, call.lang
            )
        )


def _title(call: Call, party: bytes) -> str | None:
    return title_of(call.parts, b64(party))


ROUTES: Final = (
    Route("GET", "/v1/zones", "zones", "All testing zones", zones, Scope.READ,
          {200: Answer(ZonesBody, "With their shapes.")}, group="Zones"),
    Route("GET", "/v1/zones/locate", "locate", "What holds at a point", at_point, Scope.READ,
          {200: Answer(LocateBody, "The deciding zone and what is accepted.")}, query=PointQuery,
          problems=("door_shut",), group="Zones"),
    Route("GET", "/v1/zones/{id}", "zone", "A testing zone", zone, Scope.READ,
          {200: Answer(ZoneBody, "With its shape.")}, IdPath, problems=("not_found",),
          group="Zones"),
    Route("GET", "/v1/terminals/{kid}", "terminal", "A till and what it accepts now", terminal,
          Scope.READ, {200: Answer(TerminalBody, "Its badge.")}, KidPath,
          problems=("not_found", "door_shut"), group="Zones"),
)  # fmt: skip
