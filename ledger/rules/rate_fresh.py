"""rate_fresh/1: a crypto payment names a rate, and the rate is fresh.

A refund needs none: its value was fixed when it was paid.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.core.decision import Code
from ledger.core.objects import body_of
from ledger.core.payment import Rate
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`age_max_s`: a used rate is at most so many seconds old, a year at most."""

    age_max_s: Annotated[int, Meta(gt=0, le=366 * 86_400)]


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a payment without a rate or with one too old; the oldest admitted age is inside."""
    if not case.tender or case.movement.place is None or case.movement.purpose == "refund":
        return None
    asset = case.movement.asset.code
    if case.rate is None:
        return Finding(Code.RATE_MISSING, {"asset": asset})
    rate = body_of(case.rate, Rate)
    fresh_until = rate.at + parameters.age_max_s * 1000
    if case.at <= fresh_until:
        return None
    return Finding(Code.RATE_STALE, {"asset": asset, "fresh_until": fresh_until})


RULE = Rule("rate_fresh/1", Parameters, check)
