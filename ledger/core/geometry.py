"""Zones' shapes: polygons of whole numbers, and whether a point lies in one (D3).

Pure and exact: a point is (longitude, latitude) in whole units of 1e-7 degree (about a centimetre,
WGS 84), everything is decided by the sign of an integer cross product. Edges are straight lines
in these two numbers, as in GeoJSON (RFC 7946 part 3.1.1), which the API's edge turns into this
form and back. A ring is written *open*: its first vertex is not repeated at the end; either
direction will do. A reader must not assume that a zone may cross the 180th meridian: it cannot.

The border belongs to the zone, and so does a hole's border; strictly inside a hole is outside.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple, TypeAlias

import msgspec

from ledger.errors import Malformed

Point: TypeAlias = tuple[int, int]
"""(longitude, latitude) in units of 1e-7 degree."""

Ring: TypeAlias = tuple[Point, ...]

DEGREE: Final = 10_000_000
LON_LIMIT: Final = 180 * DEGREE
LAT_LIMIT: Final = 90 * DEGREE

VERTICES_MAX: Final = 1_000
"""Vertices in a polygon, all rings together."""

CELL: Final = DEGREE // 10
"""Side of a cell of the coarse grid by which zones near a point are found: 0.1 degree."""

CELLS_MAX: Final = 256
"""Cells that a polygon's bounding box may touch: about 1.6 by 1.6 degrees."""


class Polygon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An outer ring and the holes in it. Reading one says nothing of its sense: see `validate`."""

    outer: Ring
    holes: tuple[Ring, ...] = ()


class Bounds(NamedTuple):
    """The smallest box round a polygon, borders included, in units of 1e-7 degree."""

    west: int
    south: int
    east: int
    north: int


def validate(polygon: Polygon) -> None:
    """Refuse a polygon that does not mean one area; raises `Malformed` with a "zone.…" code.

    Its rings must be simple (no ring meets itself) and may not touch one another; every hole lies
    in the outer ring and in no other hole. Time grows with the pairs of edges whose boxes overlap:
    at most about a second at 1,000 vertices.
    """
    rings = (polygon.outer, *polygon.holes)
    if sum(map(len, rings)) > VERTICES_MAX:
        raise Malformed("zone.vertices", f"draw a zone with at most {VERTICES_MAX} vertices")
    for ring in rings:
        _check_ring(ring)
    _check_edges(rings)
    for index, hole in enumerate(polygon.holes):
        # Rings do not meet here any more, so one vertex tells where the whole ring lies.
        if _place(polygon.outer, hole[0]) < 0:
            raise Malformed("zone.hole", f"hole {index} does not lie in the outer ring")
        for other, ring in enumerate(polygon.holes):
            if other != index and _place(ring, hole[0]) > 0:
                raise Malformed("zone.hole", f"hole {index} lies in hole {other}")


def contains(polygon: Polygon, point: Point) -> bool:
    """Whether `point` lies in the polygon; its border belongs to it, a hole's border too."""
    return _place(polygon.outer, point) >= 0 and all(
        _place(hole, point) <= 0 for hole in polygon.holes
    )


def area2(polygon: Polygon) -> int:
    """Twice the area, holes taken off, in square units of 1e-7 degree: less is more specific."""
    return abs(_ring_area2(polygon.outer)) - sum(abs(_ring_area2(hole)) for hole in polygon.holes)


def bounds(polygon: Polygon) -> Bounds:
    """The box round the outer ring."""
    lons, lats = zip(*polygon.outer, strict=True)
    return Bounds(min(lons), min(lats), max(lons), max(lats))


def cells(polygon: Polygon) -> tuple[str, ...]:
    """Names of the cells that the polygon's bounding box touches, west to east, south to north.

    Whatever point the polygon contains, `cell_of` that point is among them. Raises
    `Malformed("zone.cells")` where there are more than `CELLS_MAX`.
    """
    box = bounds(polygon)
    lons = range(box.west // CELL, box.east // CELL + 1)
    lats = range(box.south // CELL, box.north // CELL + 1)
    if len(lons) * len(lats) > CELLS_MAX:
        raise Malformed(
            "zone.cells",
            f"draw smaller zones: this one's box touches {len(lons) * len(lats)} cells of 0.1"
            f" degree, at most {CELLS_MAX} may",
        )
    return tuple(f"{lon}:{lat}" for lon in lons for lat in lats)


def cell_of(point: Point) -> str:
    """Name of the cell that `point` lies in: the numbers of tenths of degrees, rounded down."""
    lon, lat = point
    return f"{lon // CELL}:{lat // CELL}"


def check_point(point: Point) -> None:
    """Refuse a point off the globe; raises `Malformed("zone.coordinate")`."""
    lon, lat = point
    if not (-LON_LIMIT <= lon <= LON_LIMIT and -LAT_LIMIT <= lat <= LAT_LIMIT):
        raise Malformed(
            "zone.coordinate",
            f"[{lon}, {lat}]: write longitude (180 degrees at most), then latitude (90 degrees"
            " at most), in units of 1e-7 degree",
        )


def _check_ring(ring: Ring) -> None:
    for point in ring:
        check_point(point)
    if len(ring) > 1 and ring[0] == ring[-1]:
        raise Malformed("zone.ring", "write a ring open: do not repeat its first vertex at the end")
    if len(ring) < 3 or len(set(ring)) != len(ring):
        raise Malformed("zone.ring", "a ring has three vertices or more, each of them once")
    if _ring_area2(ring) == 0:
        raise Malformed("zone.area", "this ring encloses nothing")


class _Edge(NamedTuple):
    """An edge with its box first, so that edges sort by their western end."""

    west: int
    east: int
    south: int
    north: int
    start: Point
    end: Point
    ring: int
    place: int


def _check_edges(rings: tuple[Ring, ...]) -> None:
    """Refuse edges that meet elsewhere than where neighbours should: a sweep from west to east."""
    near: list[_Edge] = []  # edges that reach as far east as the sweep has come
    for edge in sorted(_edges(rings)):
        west, _, south, north = edge[:4]
        near = [other for other in near if other.east >= west]
        for other in near:
            if other.south <= north and other.north >= south:
                _check_pair(edge, other, len(rings[edge.ring]))
        near.append(edge)


def _edges(rings: tuple[Ring, ...]) -> Iterator[_Edge]:
    for number, ring in enumerate(rings):
        for index, start in enumerate(ring):
            end = ring[index + 1 - len(ring)]
            (west, east), (south, north) = sorted((start[0], end[0])), sorted((start[1], end[1]))
            yield _Edge(west, east, south, north, start, end, number, index)


def _check_pair(one: _Edge, two: _Edge, size: int) -> None:
    """Refuse two edges, whose boxes overlap, of rings of which the first has `size` vertices."""
    if one.ring != two.ring:
        if _meet(one.start, one.end, two.start, two.end):
            raise Malformed("zone.hole", f"two rings meet near {list(two.start)}")
    elif (two.place - one.place) % size == 1:
        _check_corner(one.start, one.end, two.end)
    elif (one.place - two.place) % size == 1:
        _check_corner(two.start, two.end, one.end)
    elif _meet(one.start, one.end, two.start, two.end):
        raise Malformed("zone.crossing", f"the ring meets itself near {list(two.start)}")


def _check_corner(before: Point, corner: Point, after: Point) -> None:
    """Refuse a corner whose second edge runs back over its first."""
    ahead = (after[0] - corner[0]) * (corner[0] - before[0]) + (after[1] - corner[1]) * (
        corner[1] - before[1]
    )
    if ahead < 0 and _cross(before, corner, after) == 0:
        raise Malformed("zone.crossing", f"the ring turns back on itself at {list(corner)}")


def _meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    """Whether the segments ab and cd, whose boxes overlap, have a point in common.

    Where boxes overlap, it is enough that neither segment lies strictly on one side of the
    other's line; that holds for segments on one line too.
    """
    side_c, side_d = _cross(a, b, c), _cross(a, b, d)
    if (side_c > 0 and side_d > 0) or (side_c < 0 and side_d < 0):
        return False
    side_a, side_b = _cross(c, d, a), _cross(c, d, b)
    return not ((side_a > 0 and side_b > 0) or (side_a < 0 and side_b < 0))


def _cross(a: Point, b: Point, c: Point) -> int:
    """Above zero where `c` lies left of the line from `a` to `b`, zero on it, below right of it."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _place(ring: Ring, point: Point) -> int:
    """1 where `point` lies inside the ring, 0 on it, -1 outside: a ray to the east, by parity."""
    lon, lat = point
    inside = False
    start_lon, start_lat = ring[-1]
    for end_lon, end_lat in ring:
        if end_lat == lat and end_lon == lon:
            return 0
        if (start_lat > lat) != (end_lat > lat):
            side = (end_lon - start_lon) * (lat - start_lat) - (end_lat - start_lat) * (
                lon - start_lon
            )
            if side == 0:
                return 0
            if (side > 0) == (end_lat > start_lat):
                inside = not inside
        elif start_lat == end_lat == lat and (start_lon > lon) != (end_lon > lon):
            return 0
        start_lon, start_lat = end_lon, end_lat
    return 1 if inside else -1


def _ring_area2(ring: Ring) -> int:
    """Twice the signed area (the shoelace sum), above zero where the ring runs anticlockwise."""
    total = 0
    lon, lat = ring[-1]
    for next_lon, next_lat in ring:
        total += lon * next_lat - next_lon * lat
        lon, lat = next_lon, next_lat
    return total
