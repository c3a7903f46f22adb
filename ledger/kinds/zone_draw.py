"""zone_draw/1: draw a testing zone. Signed by a supervisor, who alone may change, suspend or resume
it afterwards. What is admitted inside is data here; what that means is the rules' business.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.core.amount import TENGE_SCALE, parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.geometry import Polygon, area2, cells, validate
from ledger.core.ids import derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Lookup, Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Label, Ms, Payload, Signer, Transaction
from ledger.core.zone import Hours, Zone
from ledger.errors import Malformed
from ledger.kinds.asset import AssetCode
from ledger.kinds.kind import DueKind, Kind, payload_of

MINUTES_OF_DAY = 1440


class ZoneTerms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a zone is: name, shape, assets, dates (ms UTC), opening hours (empty: always open), caps
    in tenge (null: the pack's own alone)."""

    name: Label
    area: Polygon
    assets: Annotated[tuple[AssetCode, ...], Meta(max_length=32)]
    opens_at: Ms
    ends_at: Ms | None
    hours: Annotated[tuple[Hours, ...], Meta(max_length=21)]
    cap_payment: AmountText | None
    cap_day: AmountText | None


class DrawZone(Payload, frozen=True, forbid_unknown_fields=True, tag="zone_draw/1"):
    """The zone's id is derived from this transaction, label "zone"."""

    terms: ZoneTerms


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "zone", derive_key(tx.id, "zone"))
    for code in payload_of(tx, DrawZone).terms.assets:
        yield ("object", "asset", code.encode())


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    id = derive_key(tx.id, "zone")
    if known.object("zone", id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    terms = payload_of(tx, DrawZone).terms
    drawn = zone_object(terms, id, signer.id, "active", known, at, KIND.name)
    return drawn if isinstance(drawn, Refused) else Plan(objects=(drawn,))


def zone_object(
    terms: ZoneTerms, id: bytes, owner: bytes, status: str, known: Known, at: int, kind: str
) -> Object | Refused:
    """The zone these terms draw, with its shape checked and its look-up cells."""
    validate(terms.area)
    _check_hours(terms.hours)
    if terms.ends_at is not None and terms.ends_at <= max(terms.opens_at, at):
        return refused(Code.DATES_CONFLICT, kind, member="ends_at")
    for code in terms.assets:
        if known.object("asset", code.encode()) is None:
            return refused(Code.ASSET_UNKNOWN, kind, asset=code)
    zone = Zone(
        name=terms.name,
        area=terms.area,
        area2=area2(terms.area),
        assets=terms.assets,
        opens_at=terms.opens_at,
        ends_at=terms.ends_at,
        hours=terms.hours,
        cap_payment=_cap(terms.cap_payment),
        cap_day=_cap(terms.cap_day),
    )
    return Object("zone", id, owner, status, terms.ends_at, zone, zone_lookups(zone), 0)


def zone_lookups(zone: Zone) -> tuple[Lookup, ...]:
    """Look-up rows by which the zones near a point are found."""
    return tuple(("cell", cell.encode()) for cell in cells(zone.area))


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The zone after its last day. It stays findable, so a refusal can still name it."""
    return Plan(objects=(msgspec.structs.replace(object_, status="ended", due=None),))


DUE = DueKind("zone", _ended)


def _cap(text: str | None) -> int | None:
    return None if text is None else parse_amount(text, TENGE_SCALE, zero=True)


def _check_hours(hours: tuple[Hours, ...]) -> None:
    for row in hours:
        if not (0 <= row.weekday <= 6 and 0 <= row.opens < row.closes <= MINUTES_OF_DAY):
            raise Malformed(
                "zone.hours",
                "hours are [weekday 0-6 from Monday, opening minute, closing minute <= 1440];"
                " write hours past midnight as two rows",
                "terms.hours",
            )


KIND = Kind(DrawZone, frozenset({Role.SUPERVISOR}), _plan, _needs, large=True)
