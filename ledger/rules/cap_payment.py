"""cap_payment/1: one direct crypto payment is worth at most so much in tenge."""

from __future__ import annotations

import msgspec

from ledger.core.amount import TENGE_SCALE, format_amount, parse_amount
from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value_max`: tenge, as "200000.00"; the cap itself is inside."""

    value_max: str

    def __post_init__(self) -> None:
        parse_amount(self.value_max, TENGE_SCALE, zero=True)


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a payment worth more. What has no value in tenge is refused by other rules."""
    movement = case.movement
    if not case.tender or movement.purpose == "refund" or movement.value is None:
        return None
    if movement.value <= parse_amount(parameters.value_max, TENGE_SCALE, zero=True):
        return None
    return Finding(
        Code.CAP_PAYMENT,
        {"value": format_amount(movement.value, TENGE_SCALE), "limit": parameters.value_max},
    )


RULE = Rule("cap_payment/1", Parameters, check)
