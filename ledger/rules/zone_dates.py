"""zone_dates/1: the deciding zone has begun and has not ended; its last instant is not inside."""

from __future__ import annotations

import msgspec

from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This rule has no parameters."""


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a tender before the zone's first instant or from its end on."""
    if case.zone is None or (zone := case.terms) is None:
        return None
    if case.at < zone.opens_at:
        return Finding(Code.ZONE_NOT_YET, {"zone": zone.name, "opens_at": zone.opens_at})
    if zone.ends_at is not None and (case.at >= zone.ends_at or case.zone.status == "ended"):
        return Finding(Code.ZONE_ENDED, {"zone": zone.name, "ends_at": zone.ends_at})
    return None


RULE = Rule("zone_dates/1", Parameters, check)
