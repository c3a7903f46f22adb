"""holding_max/1: a person's or merchant's digital tenge wallet holds at most so much, by KYC tier.

What is judged is the wallet after all movements of the transaction, the waterfall's too
(`ledger.waterfall`): where the wallet is linked to a deposit, nothing is left above the limit. A
wallet that stands above a new limit may keep what it holds, and pay. What comes back to its owner
from a hold, a lock or a frozen account's held money is not counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

from ledger.core.account import RESERVED, AccountKind
from ledger.core.amount import TENGE_SCALE, format_amount, parse_amount
from ledger.core.asset import AssetClass
from ledger.core.decision import Code
from ledger.core.party import Party, Role
from ledger.core.plan import CONVERSIONS, Movement
from ledger.rules.rule import Case, Finding, Holding, Rule

LIMITED = frozenset({Role.PERSON, Role.MERCHANT})
"""Whose wallets are limited; institutions hold what they hold."""


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Tenge by tier 0 to 3, as "100000.00"; the limit itself is inside."""

    person: tuple[str, str, str, str]
    merchant: tuple[str, str, str, str]

    def __post_init__(self) -> None:
        for text in (*self.person, *self.merchant):
            parse_amount(text, TENGE_SCALE, zero=True)

    def text_for(self, party: Party) -> str:
        """The limit of a party's wallet as the pack writes it."""
        by_tier = self.merchant if party.role == Role.MERCHANT else self.person
        return by_tier[party.tier]

    def limit_for(self, party: Party) -> int:
        """The same in tiyn."""
        return _tiyn(self.text_for(party))


@lru_cache(maxsize=64)
def _tiyn(text: str) -> int:
    return parse_amount(text, TENGE_SCALE, zero=True)


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse what would leave more on the wallet than its limit; says how much still fits."""
    holding = case.holding
    if holding is None:
        return None
    party = case.movement.target_party
    limit = parameters.limit_for(party)
    if holding.after <= max(limit, holding.before):
        return None
    return Finding(
        Code.HOLDING_MAX,
        {
            "asset": case.movement.asset.code,
            "limit": parameters.text_for(party),
            "left": format_amount(max(0, limit - holding.before), TENGE_SCALE),
        },
    )


def holdings(movements: Sequence[Movement]) -> dict[bytes, Holding]:
    """By account: what these movements, one after the other, make of each limited wallet that they
    reach."""
    balances: dict[bytes, int] = {}
    returned: dict[bytes, int] = {}
    received: dict[bytes, int] = {}
    reached: dict[bytes, tuple[int, Movement]] = {}
    for place, movement in enumerate(movements):
        source, target, amount = movement.source, movement.target, movement.amount
        balances[source.id] = balances.get(source.id, source.balance) - amount
        balances[target.id] = balances.get(target.id, target.balance) + amount
        if not is_limited(movement):
            continue
        reached[target.id] = (place, movement)
        if returns(movement):
            returned[target.id] = returned.get(target.id, 0) + amount
        elif movement.purpose not in CONVERSIONS:
            received[target.id] = received.get(target.id, 0) + amount
    return {
        id: Holding(
            place,
            movement.target.balance,
            balances[id] - returned.get(id, 0),
            received.get(id, 0),
        )
        for id, (place, movement) in reached.items()
    }


def is_quiet(movements: Sequence[Movement], parameters: Parameters) -> bool:
    """Whether this is one movement that its source can pay and that stays within the limit: most
    payments, told apart at once."""
    if len(movements) != 1:
        return False
    (movement,) = movements
    source, target, amount = movement.source, movement.target, movement.amount
    if amount > source.balance:
        return False
    return not is_limited(movement) or (
        target.balance + amount <= parameters.limit_for(movement.target_party)
    )


def is_limited(movement: Movement) -> bool:
    """Whether money reaches a wallet that has a limit."""
    return (
        movement.asset.class_ == AssetClass.DIGITAL_TENGE
        and movement.target.kind == AccountKind.WALLET
        and movement.target_party.role in LIMITED
    )


def returns(movement: Movement) -> bool:
    """Whether what was reserved or held goes back to its owner."""
    source = movement.source
    reserved = source.kind in RESERVED or source.kind == AccountKind.HELD
    return reserved and source.owner == movement.target.owner


RULE = Rule("holding_max/1", Parameters, check)
