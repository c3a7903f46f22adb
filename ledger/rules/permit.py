"""permit/1: the merchant holds a valid permit for the deciding zone."""

from __future__ import annotations

import msgspec

from ledger.core.decision import Code
from ledger.core.objects import body_of
from ledger.core.zone import Permit
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """This rule has no parameters."""


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a merchant without a permit, or with one that is revoked, run out or not begun."""
    if (zone := case.terms) is None:
        return None
    if case.permit is None:
        return Finding(Code.PERMIT_MISSING, {"zone": zone.name})
    permit = body_of(case.permit, Permit)
    if case.permit.status == "active" and permit.valid_from <= case.at < permit.valid_until:
        return None
    return Finding(
        Code.PERMIT_NOT_VALID,
        {
            "zone": zone.name,
            "status": case.permit.status,
            "valid_from": permit.valid_from,
            "valid_until": permit.valid_until,
        },
    )


RULE = Rule("permit/1", Parameters, check)
