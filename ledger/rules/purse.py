"""purse/1: what purses for offline payments may be, and who bears a loss.

The kinds of purses ask it; without a row in force none is made or loaded. What it says of bearer
and caps is fixed on a purse when it is made: payees rely on it with no network. Whatever a pack
says, nothing but digital tenge is ever on a purse.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.core.account import AccountKind
from ledger.core.amount import TENGE_SCALE, parse_amount
from ledger.core.asset import AssetClass
from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Bearer(StrEnum):
    """Who bears what an overspent source cannot pay."""

    ISSUING_BANK = "issuing_bank"
    PAYEE = "payee"


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most that a purse may hold and a payment may be (tenge, as "50000.00"), how many payments
    may lie between load and deposit, how long a purse may pay and how long after that what it paid
    may still come in (seconds). `marked`: whether marked money may be loaded, which keeps its
    mark."""

    purse_max: str
    payment_max: str
    hops_max: Annotated[int, Meta(ge=1, le=3)]
    term_max_s: Annotated[int, Meta(ge=60, le=366 * 86_400)]
    grace_s: Annotated[int, Meta(ge=60, le=366 * 86_400)]
    bearer: Bearer
    marked: bool = False

    def __post_init__(self) -> None:
        for text in (self.purse_max, self.payment_max):
            parse_amount(text, TENGE_SCALE)


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse whatever is no digital tenge on its way onto a purse."""
    movement = case.movement
    if movement.target.kind != AccountKind.PURSE:
        return None
    if movement.asset.class_ == AssetClass.DIGITAL_TENGE:
        return None
    return Finding(Code.OFFLINE_NOT_ADMITTED, {"asset": movement.asset.code})


RULE = Rule("purse/1", Parameters, check)
"""The rule that the kinds of purses ask."""
