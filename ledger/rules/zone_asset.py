"""zone_asset/1: the asset is on the deciding zone's own list."""

from __future__ import annotations

import msgspec

from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This rule has no parameters."""


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a tender in an asset that the zone does not list."""
    if (zone := case.terms) is None or case.movement.asset.code in zone.assets:
        return None
    return Finding(
        Code.ASSET_NOT_LISTED,
        {"asset": case.movement.asset.code, "zone": zone.name, "listed": list(zone.assets)},
    )


RULE = Rule("zone_asset/1", Parameters, check)
