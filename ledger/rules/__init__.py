"""PURE: the table of rules. One module a rule; rules judge movements of whatever kind (D4)."""

from __future__ import annotations

from ledger.rules import (
    approvals,
    asks_open,
    cap_day,
    cap_payment,
    frozen_income,
    holding_max,
    kyc_tier,
    permit,
    purse,
    rate_fresh,
    recovery,
    tender_class,
    tender_never,
    vat,
    vat_claim,
    zone_asset,
    zone_caps,
    zone_dates,
    zone_hours,
    zone_place,
    zone_status,
)
from ledger.rules.rule import Rule

_MODULES = (
    tender_never, zone_place, zone_status, zone_dates, zone_hours, tender_class, zone_asset, permit,
    rate_fresh, kyc_tier, cap_payment, cap_day, zone_caps, approvals, recovery, holding_max,
    frozen_income, purse, asks_open, vat, vat_claim,
)  # fmt: skip

RULES: dict[str, Rule] = {module.RULE.name: module.RULE for module in _MODULES}
"""Every rule by its versioned name; a pack can name no other."""
