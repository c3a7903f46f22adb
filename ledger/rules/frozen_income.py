"""frozen_income/1: what becomes of money that arrives for a frozen account.

It judges no movement: `freeze/1` reads it and fixes it on the freeze, so that a later pack changes
nothing for an account that is frozen already. Without a row in force money is accepted.
"""

from __future__ import annotations

import msgspec

from ledger.core.freeze import Policy
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`policy`: `accept` or `hold`."""

    policy: Policy


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Says nothing of movements."""
    return None


RULE = Rule("frozen_income/1", Parameters, check)
