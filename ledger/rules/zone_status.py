"""zone_status/1: the deciding zone is active: neither suspended by its supervisor nor ended."""

from __future__ import annotations

import msgspec

from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This rule has no parameters."""


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a tender in a zone that is suspended; an ended one is `zone_dates`' business."""
    if case.zone is None or case.terms is None or case.zone.status in ("active", "ended"):
        return None
    return Finding(Code.ZONE_NOT_ACTIVE, {"zone": case.terms.name, "status": case.zone.status})


RULE = Rule("zone_status/1", Parameters, check)
