"""kyc_tier/1: who pays directly in crypto has at least this KYC tier, as its bank attested it."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`tier_min`: 0..3."""

    tier_min: Annotated[int, Meta(ge=0, le=3)]


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a payer below the tier; a merchant that refunds is not a payer."""
    payer = case.movement.source_party
    if not case.tender or case.movement.purpose == "refund" or payer.tier >= parameters.tier_min:
        return None
    return Finding(Code.KYC_TIER, {"tier": payer.tier, "tier_min": parameters.tier_min})


RULE = Rule("kyc_tier/1", Parameters, check)
