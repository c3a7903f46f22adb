"""cap_day/1: a party's direct crypto payments of one local day are worth at most so much in tenge,
all assets together, this one counted in."""

from __future__ import annotations

import msgspec

from ledger.core import counters
from ledger.core.amount import TENGE_SCALE, format_amount, parse_amount
from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`value_max`: tenge a local day, as "500000.00"; the cap itself is inside."""

    value_max: str

    def __post_init__(self) -> None:
        parse_amount(self.value_max, TENGE_SCALE, zero=True)


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse what would go over the day's cap; says what is left."""
    movement = case.movement
    if not case.tender or movement.purpose == "refund" or movement.value is None:
        return None
    day = counters.local_day(case.at)
    spent = case.known.counter(counters.TENDER_DAY, day, movement.source.owner, "")
    limit = parse_amount(parameters.value_max, TENGE_SCALE, zero=True)
    if spent + movement.value <= limit:
        return None
    return Finding(
        Code.CAP_DAY,
        {
            "value": format_amount(movement.value, TENGE_SCALE),
            "limit": parameters.value_max,
            "left": format_amount(max(0, limit - spent), TENGE_SCALE),
        },
    )


RULE = Rule("cap_day/1", Parameters, check)
