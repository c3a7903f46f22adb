"""zone_caps/1: the deciding zone's own caps: on one payment, and on all of a local day in it.

This payment is counted in.
"""

from __future__ import annotations

import msgspec

from ledger.core import counters
from ledger.core.amount import TENGE_SCALE, format_amount
from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This rule has no parameters."""


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a payment over the zone's cap on one, then one over what the day has left."""
    movement = case.movement
    if case.zone is None or (zone := case.terms) is None or movement.value is None:
        return None
    if movement.purpose == "refund":
        return None
    value = format_amount(movement.value, TENGE_SCALE)
    if zone.cap_payment is not None and movement.value > zone.cap_payment:
        limit = format_amount(zone.cap_payment, TENGE_SCALE)
        return Finding(Code.ZONE_CAP_PAYMENT, {"zone": zone.name, "value": value, "limit": limit})
    if zone.cap_day is None:
        return None
    day = counters.local_day(case.at)
    spent = case.known.counter(counters.ZONE_DAY, day, case.zone.key, "")
    if spent + movement.value <= zone.cap_day:
        return None
    return Finding(
        Code.ZONE_CAP_DAY,
        {
            "zone": zone.name,
            "value": value,
            "limit": format_amount(zone.cap_day, TENGE_SCALE),
            "left": format_amount(max(0, zone.cap_day - spent), TENGE_SCALE),
        },
    )


RULE = Rule("zone_caps/1", Parameters, check)
