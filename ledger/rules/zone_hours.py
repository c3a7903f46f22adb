"""zone_hours/1: the deciding zone is open at this minute of the local week.

Local time is the pack's UTC offset (dated data: no time zone library in pure code). The opening
minute is inside, the closing minute is not. A zone without hours is always open.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.core.counters import DAY_MS
from ledger.core.decision import Code
from ledger.core.zone import Hours
from ledger.rules.rule import Case, Finding, Rule

MINUTE_MS = 60_000
DAYS_AHEAD = 8


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`utc_offset_minutes`: local time minus UTC."""

    utc_offset_minutes: Annotated[int, Meta(ge=-840, le=840)]


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a tender outside the opening hours; says when the zone opens next."""
    if (zone := case.terms) is None or not zone.hours:
        return None
    offset = parameters.utc_offset_minutes * MINUTE_MS
    if is_open(zone.hours, case.at, offset):
        return None
    opens = next_opening(zone.hours, case.at, offset)
    return Finding(Code.ZONE_CLOSED, {"zone": zone.name, "opens_at": opens})


def is_open(hours: tuple[Hours, ...], at: int, offset: int) -> bool:
    """Whether `at` (ms UTC) lies in these hours; `offset` in ms."""
    day, within = divmod(at + offset, DAY_MS)
    minute, weekday = within // MINUTE_MS, (day + 3) % 7  # 1 January 1970 was a Thursday
    return any(row.weekday == weekday and row.opens <= minute < row.closes for row in hours)


def next_opening(hours: tuple[Hours, ...], at: int, offset: int) -> int:
    """The next instant (ms UTC) at which one of these hours begins; `hours` is not empty."""
    today = (at + offset) // DAY_MS
    starts = (
        (today + ahead) * DAY_MS + row.opens * MINUTE_MS - offset
        for ahead in range(DAYS_AHEAD)
        for row in hours
        if row.weekday == (today + ahead + 3) % 7
    )
    return min(start for start in starts if start > at)


RULE = Rule("zone_hours/1", Parameters, check)
