"""zone_place/1: crypto is a tender only at a registered till that stands inside a testing zone.

The till's registered place binds; where the payer says to be does not matter, and a movement that
no till asked for happens outside every zone.
"""

from __future__ import annotations

import msgspec

from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This rule has no parameters."""


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a tender outside every zone, or at a till that is not in use."""
    if not case.tender:
        return None
    place, asset = case.movement.place, case.movement.asset.code
    if place is None or case.zone is None:
        return Finding(Code.ZONE_OUTSIDE, {"asset": asset})
    if place.status != "active":
        return Finding(Code.TERMINAL_UNKNOWN, {"status": place.status})
    return None


RULE = Rule("zone_place/1", Parameters, check)
