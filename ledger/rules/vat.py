"""vat/1: rates of VAT by category, dated as every row of a pack is. It judges no movement: the
kinds that split VAT off read it.

Rates of 12 % to the end of 2025 and 16 % from 2026 are law (research source K30). Rounding is half
up to the tiyn, line by line (`core.vat.vat_in`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`rates`: whole percent by category."""

    rates: dict[str, Annotated[int, Meta(ge=0, le=100)]]


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Says nothing of movements."""
    return None


RULE = Rule("vat/1", Parameters, check)
