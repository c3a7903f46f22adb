"""vat_claim/1: how long the budget has before excess VAT is given back. Sources differ (10 to 15
days, N9; 5 business days, N14), so it is a parameter. It judges no movement.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.rules.rule import Case, Finding, Rule

WAITING_S = 15 * 86_400
"""How long a claim waits where the pack does not say, seconds."""


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`waiting_s`: from the claim's entry to the refund, seconds."""

    waiting_s: Annotated[int, Meta(ge=60, le=366 * 86_400)]


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Says nothing of movements."""
    return None


RULE = Rule("vat_claim/1", Parameters, check)
