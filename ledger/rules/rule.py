"""What a rule is, and the case it judges: one movement with its context.

A rule is one module: its parameters and one pure check. The framework (`ledger.decide`) runs every
rule of the pack in force over every movement of every kind; a rule that does not concern a case
returns None. Cases are built here, so that all rules see the same zone, permit and rate.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from ledger.core import counters
from ledger.core.account import RESERVED, Account, AccountKind
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Audience, Code, Params
from ledger.core.geometry import Point, Polygon, cell_of, contains
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of, payee_of
from ledger.core.party import Role
from ledger.core.plan import Movement
from ledger.core.zone import Permit, Zone

SELLS_TO = frozenset({Role.EXCHANGE, Role.ISSUER})
"""Roles to which a merchant may move the crypto it took, anywhere: selling it is no payment."""


class Finding(msgspec.Struct, frozen=True):
    """What a rule found wrong: a code and what would make it pass."""

    code: Code
    params: Params = {}
    audience: Audience = Audience.PARTIES


class Holding(msgspec.Struct, frozen=True):
    """What a plan makes of a limited wallet. `place`: the last movement that reaches it; `before`
    and `after`: its balance, without what returns to its owner; `received`: what comes from others
    than its bank. Minor units."""

    place: int
    before: int
    after: int
    received: int


class Case(msgspec.Struct, frozen=True):
    """One movement in its context.

    `tender`: it is a direct payment in something other than tenge, which zones bind. `zone` is the
    deciding zone of the place: the most specific (smallest) active one that contains it, else the
    most specific of the others, else None. `permit` is the merchant's permit there: one that is
    valid now before any other, then the one that reaches furthest; `rate` the rate object used;
    `terms` the deciding zone's body.
    `holding` is set on the last movement that reaches a limited wallet, where limits are in force.
    """

    movement: Movement
    known: Known
    at: int
    tender: bool
    zone: Object | None = None
    terms: Zone | None = None
    permit: Object | None = None
    rate: Object | None = None
    holding: Holding | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule: its versioned name, the type of its parameters, and its check."""

    name: str
    parameters: type[msgspec.Struct]
    check: Callable[[Case, Any], Finding | None]


def is_tender(movement: Movement) -> bool:
    """Whether this movement pays directly in something other than tenge.

    Whatever reaches a merchant's account does, by whichever kind and from whomever; so does what a
    merchant gives away, but for selling it; so does whatever a terminal asked for. What is seized
    pays nobody.
    """
    if movement.asset.class_ in TENGE_CLASSES or movement.target.kind == AccountKind.RESERVE:
        return False
    if movement.place is not None or movement.target_party.role == Role.MERCHANT:
        return True
    return (
        movement.source_party.role == Role.MERCHANT and movement.target_party.role not in SELLS_TO
    )


def case_of(movement: Movement, known: Known, at: int) -> Case:
    """The movement with the zone, permit and rate that rules judge it by."""
    if not is_tender(movement) or was_judged(movement, known):
        return Case(movement, known, at, tender=False)
    place = movement.place
    if place is None:
        return Case(movement, known, at, tender=True)
    zone = deciding_zone(place.point, known, at)
    permit = None if zone is None else _permit(place.merchant, zone.key, known, at)
    rate = None if place.rate is None else known.object("rate", place.rate)
    terms = None if zone is None else body_of(zone, Zone)
    return Case(movement, known, at, True, zone, terms, permit, rate)


def was_judged(movement: Movement, known: Known) -> bool:
    """Whether this movement only ends what was judged before: reserved money goes to the payee that
    its object names, or what was reserved or held goes back to its owner."""
    source, owner = movement.source, movement.target.owner
    if source.kind not in RESERVED and source.kind != AccountKind.HELD:
        return False
    if owner == source.owner:
        return True
    reserved = known.object(source.kind.value, source.id)
    payee = None if reserved is None else known.account(payee_of(reserved))
    return payee is not None and owner == payee.owner


def deciding_zone(point: Point, known: Known, at: int) -> Object | None:
    """The zone that decides at a point: the smallest active one that contains it, else the smallest
    of those that are not active; ties go to the lower key."""
    found = None
    for key in known.lookup("zone", "cell", cell_of(point).encode()):
        zone = known.object("zone", key)
        if zone is None or not _contains(zone, point):
            continue
        rank = (not is_active(zone, at), body_of(zone, Zone).area2, zone.key)
        if found is None or rank < found[0]:
            found = (rank, zone)
    return None if found is None else found[1]


def is_active(zone: Object, at: int) -> bool:
    """Whether a zone is neither suspended nor ended, and `at` lies in its dates."""
    terms = body_of(zone, Zone)
    ends = terms.ends_at
    return zone.status == "active" and terms.opens_at <= at and (ends is None or at < ends)


def case_needs(
    known: Known, source: Account, target: Account, point: Point | None, merchant: bytes, at: int
) -> Iterator[Need]:
    """What rules read of a movement in a crypto asset: zones, permits, counters. A prefetch."""
    if point is None:
        return
    cell: Need = ("lookup", "zone", "cell", cell_of(point).encode())
    yield cell
    day = counters.local_day(at)
    yield ("counter", counters.TENDER_DAY, day, source.owner, "")
    for key in known.values.get(cell, ()):
        yield ("object", "zone", key)
        yield ("counter", counters.ZONE_DAY, day, key, "")
        permits: Need = ("lookup", "permit", "merchant", merchant + key)
        yield permits
        for permit in known.values.get(permits, ()):
            yield ("object", "permit", permit)


def _permit(merchant: bytes, zone: bytes, known: Known, at: int) -> Object | None:
    found: Object | None = None
    for key in known.lookup("permit", "merchant", merchant + zone):
        permit = known.object("permit", key)
        if permit is not None and (found is None or _rank(permit, at) > _rank(found, at)):
            found = permit
    return found


def _rank(permit: Object, at: int) -> tuple[bool, bool, int, bytes]:
    terms = body_of(permit, Permit)
    active = permit.status == "active"
    return active and terms.valid_from <= at, active, terms.valid_until, permit.key


_CONTAINS_MAX = 4_096
_contains_memo: dict[tuple[Polygon, Point], bool] = {}


def _contains(zone: Object, point: Point) -> bool:
    """Containment, remembered by shape and point: a till does not move."""
    area = body_of(zone, Zone).area
    memo = (area, point)
    found = _contains_memo.get(memo)
    if found is None:
        found = contains(area, point)
        if len(_contains_memo) >= _CONTAINS_MAX:
            _contains_memo.clear()
        _contains_memo[memo] = found
    return found
