"""recovery/1: how long the owner of an account has to veto a recovery.

It judges no movement: `recover/1` asks it. Where no pack in force names it, `WAITING_S` holds.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.rules.rule import Case, Finding, Rule

WAITING_S = 72 * 3_600
"""How long a recovery waits where the pack does not say, seconds."""


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`waiting_s`: from the recovery's entry to the new key, seconds: a minute to ninety days."""

    waiting_s: Annotated[int, Meta(ge=60, le=90 * 86_400)]


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Says nothing of movements."""
    return None


RULE = Rule("recovery/1", Parameters, check)
