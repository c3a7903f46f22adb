"""Zones' polygons: which are refused, and what lies in them; shapely is the oracle."""

from __future__ import annotations

import math
import time

import pytest
import shapely
from hypothesis import assume, event, example, given, settings
from hypothesis import strategies as st

from ledger.core.geometry import (
    CELL,
    LAT_LIMIT,
    LON_LIMIT,
    VERTICES_MAX,
    Point,
    Polygon,
    Ring,
    area2,
    bounds,
    cell_of,
    cells,
    contains,
    validate,
)
from ledger.errors import Malformed

# A square of 10 by 10 with a hole of 2 by 2; units do not matter to the shape.
SQUARE: Ring = ((0, 0), (10, 0), (10, 10), (0, 10))
HOLE: Ring = ((4, 4), (6, 4), (6, 6), (4, 6))
DOUGHNUT = Polygon(SQUARE, (HOLE,))


def fault_of(polygon: Polygon) -> str | None:
    try:
        validate(polygon)
    except Malformed as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    ("polygon", "code"),
    [
        pytest.param(Polygon(SQUARE), None, id="a square"),
        pytest.param(Polygon(SQUARE[::-1]), None, id="a square drawn clockwise"),
        pytest.param(Polygon(((0, 0), (1, 0), (0, 1))), None, id="the smallest triangle"),
        pytest.param(DOUGHNUT, None, id="a hole"),
        pytest.param(Polygon(SQUARE, (HOLE[::-1],)), None, id="a hole drawn clockwise"),
        pytest.param(
            Polygon(SQUARE, (((1, 1), (2, 1), (1, 2)), ((7, 7), (8, 7), (7, 8)))), None,
            id="two holes",
        ),
        pytest.param(Polygon(((0, 0), (5, 0), (10, 0), (10, 10))), None, id="a vertex on a side"),
        pytest.param(Polygon((*SQUARE, (0, 0))), "zone.ring", id="closed, as in GeoJSON"),
        pytest.param(Polygon(SQUARE, ((*HOLE, (4, 4)),)), "zone.ring", id="a closed hole"),
        pytest.param(Polygon(()), "zone.ring", id="nothing"),
        pytest.param(Polygon(((0, 0),)), "zone.ring", id="a point"),
        pytest.param(Polygon(((0, 0), (1, 0))), "zone.ring", id="a line"),
        pytest.param(Polygon(SQUARE, ((),)), "zone.ring", id="an empty hole"),
        pytest.param(
            Polygon(((0, 0), (0, 0), (10, 0), (0, 10))), "zone.ring", id="a vertex twice in a row"
        ),
        pytest.param(
            Polygon(((0, 0), (4, 4), (8, 0), (8, 8), (4, 4), (0, 8))), "zone.ring",
            id="a ring that touches itself at a vertex",
        ),
        pytest.param(Polygon(((0, 0), (5, 5), (10, 10))), "zone.area", id="flat"),
        pytest.param(
            Polygon(((0, 0), (10, 10), (10, 0), (0, 10))), "zone.area",
            id="a bow tie of equal wings",
        ),
        pytest.param(
            Polygon(((0, 0), (10, 10), (10, 0), (0, 8))), "zone.crossing", id="a bow tie"
        ),
        pytest.param(
            Polygon(((0, 0), (10, 0), (10, 10), (5, 0), (0, 10))), "zone.crossing",
            id="a vertex touches a side",
        ),
        pytest.param(
            Polygon(((0, 0), (10, 0), (4, 0), (4, 9))), "zone.crossing", id="a spike along a side"
        ),
        pytest.param(
            Polygon(((0, 0), (10, 0), (10, 10), (15, 10), (5, 10), (0, 10))), "zone.crossing",
            id="a spike outward",
        ),
        pytest.param(
            Polygon(SQUARE, (((20, 20), (21, 20), (20, 21)),)), "zone.hole", id="a hole outside"
        ),
        pytest.param(
            Polygon(HOLE, (SQUARE,)), "zone.hole", id="a hole round the outer ring"
        ),
        pytest.param(Polygon(SQUARE, (SQUARE,)), "zone.hole", id="a hole that is the outer ring"),
        pytest.param(
            Polygon(SQUARE, (((5, 5), (15, 5), (5, 6)),)), "zone.hole", id="a hole over the border"
        ),
        pytest.param(
            Polygon(SQUARE, (((0, 5), (2, 4), (2, 6)),)), "zone.hole", id="a hole at the border"
        ),
        pytest.param(
            Polygon(SQUARE, (((1, 1), (9, 1), (9, 9), (1, 9)), HOLE)), "zone.hole",
            id="a hole in a hole",
        ),
        pytest.param(Polygon(SQUARE, (HOLE, HOLE)), "zone.hole", id="a hole twice"),
        pytest.param(
            Polygon(((LON_LIMIT, 0), (LON_LIMIT - 5, 0), (LON_LIMIT, LAT_LIMIT))), None,
            id="as far as the globe goes",
        ),
        pytest.param(
            Polygon(((LON_LIMIT + 1, 0), (0, 0), (0, 5))), "zone.coordinate", id="too far east"
        ),
        pytest.param(
            Polygon(((0, -LAT_LIMIT - 1), (5, 0), (0, 5))), "zone.coordinate", id="too far south"
        ),
        pytest.param(
            Polygon(tuple((i, i * i) for i in range(VERTICES_MAX))), None, id="1,000 vertices"
        ),
        pytest.param(
            Polygon(tuple((i, i * i) for i in range(VERTICES_MAX + 1))), "zone.vertices",
            id="1,001 vertices",
        ),
        pytest.param(
            Polygon(
                ((-50_000, -50_000), (50_000, -50_000), (50_000, 50_000), (-50_000, 50_000)),
                tuple(
                    ((x, 0), (x + 1, 0), (x, 1)) for x in range(-1_000, 1_000, 6)
                ),
            ),
            "zone.vertices",
            id="1,006 vertices, most of them in holes",
        ),
    ],
)  # fmt: skip
def test_only_a_polygon_that_means_one_area_is_taken(polygon: Polygon, code: str | None) -> None:
    assert fault_of(polygon) == code


@pytest.mark.parametrize(
    ("point", "expected"),
    [
        pytest.param((1, 1), True, id="inside"),
        pytest.param((11, 5), False, id="east"),
        pytest.param((-1, 5), False, id="west"),
        pytest.param((5, 11), False, id="north"),
        pytest.param((5, -1), False, id="south"),
        pytest.param((-1, 0), False, id="west, level with a side"),
        pytest.param((11, 10), False, id="east, level with a side"),
        pytest.param((0, 0), True, id="on a vertex"),
        pytest.param((10, 10), True, id="on the far vertex"),
        pytest.param((0, 5), True, id="on the western border"),
        pytest.param((10, 5), True, id="on the eastern border"),
        pytest.param((5, 0), True, id="on the southern border"),
        pytest.param((5, 10), True, id="on the northern border"),
        pytest.param((5, 5), False, id="in the hole"),
        pytest.param((4, 5), True, id="on the hole's border"),
        pytest.param((6, 6), True, id="on the hole's vertex"),
        pytest.param((1, 4), True, id="inside, level with the hole's side"),
        pytest.param((7, 5), True, id="behind the hole"),
    ],
)
def test_the_border_belongs_to_the_zone_and_a_hole_does_not(point: Point, expected: bool) -> None:
    assert contains(DOUGHNUT, point) is expected


def test_a_centimetre_decides_at_full_scale() -> None:
    slanted = Polygon(
        ((769_000_000, 432_000_000), (769_999_999, 432_333_333), (769_000_000, 433_000_000))
    )

    on_the_edge = (769_000_000 + 3 * 111_111_111 // 333_333_333, 432_000_000)
    assert not contains(slanted, on_the_edge)
    assert contains(slanted, (769_500_000, 432_166_667))
    assert not contains(slanted, (769_500_000, 432_166_666))


def test_the_area_of_holes_is_taken_off() -> None:
    assert area2(Polygon(SQUARE)) == 200
    assert area2(DOUGHNUT) == area2(Polygon(SQUARE[::-1], (HOLE[::-1],))) == 192


def test_a_polygon_touches_the_cells_of_its_box() -> None:
    west = 769 * CELL
    zone = Polygon(((west, 433 * CELL - 1), (west + CELL, 432 * CELL), (west + 5, 433 * CELL)))

    assert bounds(zone) == (west, 432 * CELL, west + CELL, 433 * CELL)
    assert cells(zone) == ("769:432", "769:433", "770:432", "770:433")
    assert cell_of((-1, -CELL)) == "-1:-1"


def test_a_polygon_over_too_many_cells_is_refused() -> None:
    just = Polygon(((0, 0), (16 * CELL - 1, 0), (0, 16 * CELL - 1)))
    over = Polygon(((0, 0), (16 * CELL, 0), (0, 16 * CELL - 1)))

    assert len(cells(just)) == 256
    with pytest.raises(Malformed) as refusal:
        cells(over)
    assert refusal.value.code == "zone.cells"


small = st.tuples(st.integers(0, 12), st.integers(0, 12))
city = st.tuples(st.integers(768_000_000, 772_000_000), st.integers(431_000_000, 434_000_000))


def a_ring(points: st.SearchStrategy[Point], most: int = 8) -> st.SearchStrategy[Ring]:
    return st.lists(points, min_size=3, max_size=most, unique=True).map(tuple)


def going_round(ring: Ring) -> Ring:
    """The same vertices in the order of their angle seen from their middle: seldom invalid."""
    lon, lat = (sum(axis) / len(ring) for axis in zip(*ring, strict=True))
    return tuple(sorted(ring, key=lambda point: math.atan2(point[1] - lat, point[0] - lon)))


middle = st.tuples(st.integers(3, 9), st.integers(3, 9))
a_round_ring = a_ring(small, 10).map(going_round)
a_wide_ring = st.just(((0, 0), (12, 0), (12, 12), (0, 12))) | a_round_ring
a_small_hole = a_ring(middle, 4).map(going_round)


@settings(max_examples=400)
@given(a_ring(small))
@example(((0, 0), (4, 0), (2, 0), (2, 4)))
@example(((0, 0), (2, 2), (4, 0), (2, 4)))
def test_a_ring_is_refused_exactly_where_shapely_calls_it_invalid(ring: Ring) -> None:
    assert (fault_of(Polygon(ring)) is None) == shapely.Polygon(ring).is_valid


@settings(max_examples=400)
@given(a_wide_ring, st.lists(a_small_hole, max_size=2).map(tuple))
def test_holes_are_taken_exactly_where_rings_are_nested_and_never_touch(
    outer: Ring, holes: tuple[Ring, ...]
) -> None:
    rings = [shapely.Polygon(ring) for ring in (outer, *holes)]
    assume(all(ring.is_valid for ring in rings))
    whole, *cut = rings
    sound = all(whole.contains_properly(hole) for hole in cut) and not (
        len(cut) == 2 and cut[0].intersects(cut[1])
    )

    event(f"{len(holes)} holes, sound: {sound}")
    assert (fault_of(Polygon(outer, holes)) is None) == sound


@settings(max_examples=400)
@given(st.sampled_from([small, city]), st.data())
def test_containment_agrees_with_shapely(
    points: st.SearchStrategy[Point], data: st.DataObject
) -> None:
    ring = data.draw(a_ring(points).map(going_round))
    zone = Polygon(ring)
    assume(fault_of(zone) is None)
    # Half of the points are made from the ring itself, where mistakes live.
    if data.draw(st.booleans()):
        corner, level = data.draw(st.sampled_from(ring)), data.draw(st.sampled_from(ring))
        point = (corner[0], level[1])
    else:
        point = data.draw(points)

    # Seen from the point, coordinates are below 2**26: their products are exact in doubles.
    oracle = shapely.Polygon([(lon - point[0], lat - point[1]) for lon, lat in ring])

    assert contains(zone, point) is bool(oracle.covers(shapely.Point(0, 0)))


@settings(max_examples=400)
@given(a_round_ring, a_small_hole, small)
def test_containment_with_a_hole_agrees_with_shapely(outer: Ring, hole: Ring, point: Point) -> None:
    assume(fault_of(Polygon(outer)) is None)
    assume(fault_of(Polygon(hole)) is None)
    whole, cut, where = shapely.Polygon(outer), shapely.Polygon(hole), shapely.Point(point)

    # shapely's `contains` leaves the border out, its `covers` takes it in.
    assert contains(Polygon(outer, (hole,)), point) is (
        whole.covers(where) and not cut.contains(where)
    )


@given(a_round_ring)
def test_area_agrees_with_shapely(ring: Ring) -> None:
    zone = Polygon(ring)
    assume(fault_of(zone) is None)

    assert area2(zone) == 2 * shapely.Polygon(ring).area


@given(a_ring(city, 5).map(going_round), city)
def test_a_contained_point_lies_in_one_of_the_cells(ring: Ring, point: Point) -> None:
    zone = Polygon(ring)
    assume(fault_of(zone) is None)
    try:
        touched = cells(zone)
    except Malformed:
        assume(False)

    for inside in (*ring, point):
        if contains(zone, inside):
            assert cell_of(inside) in touched


def a_saw(teeth: int) -> Polygon:
    """Long, close, parallel teeth: the boxes of nearly all pairs of edges overlap, none meet."""
    reach = 3_000_000
    edges = [((i * 800, 0), (i * 800 + reach, reach)) for i in range(teeth)]
    last = reach + teeth * 800
    return Polygon((*(point for edge in edges for point in edge), (last, reach), (last, -100)))


@pytest.mark.parametrize(
    "polygon",
    [
        pytest.param(
            Polygon(
                tuple(
                    (
                        770_000_000 + round(3e6 * math.cos(2 * math.pi * i / VERTICES_MAX)),
                        432_000_000 + round(3e6 * math.sin(2 * math.pi * i / VERTICES_MAX)),
                    )
                    for i in range(VERTICES_MAX)
                )
            ),
            id="a circle",
        ),
        pytest.param(a_saw(499), id="a saw"),
    ],
)
def test_a_thousand_vertices_are_checked_in_bounded_time(polygon: Polygon) -> None:
    start = time.process_time()

    validate(polygon)

    assert len(polygon.outer) == VERTICES_MAX
    assert time.process_time() - start < 3  # 0.01 s and 0.4 s here; the bound is for slow machines
