"""PURE: waterfall and reverse waterfall, a stage of deciding between a kind's plan and the rules.

Where a pack limits holdings (`holding_max/1`) links work: tenge that comes in above a wallet's
limit goes on to the linked deposit, and a payment takes from the deposit what the wallet lacks, in
the same entry. It follows from the plan and the state alone, so any kind that moves tenge has it,
and the audit that re-applies entries finds the same. A reader must not assume that it always helps:
a deposit or a bank's wallet that is closed or too small leaves the plan as it was, for rules and
funds to refuse.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.account import AccountKind
from ledger.core.asset import AssetClass
from ledger.core.needs import Known, Need
from ledger.core.plan import CONVERSIONS, Movement, Plan
from ledger.kinds.conversion import link_needs, link_of, route_of
from ledger.rules.holding_max import Parameters, holdings, is_quiet
from ledger.rules.pack import Row, parameters_in

POSTINGS_MAX = 64
"""An entry has no more movements (`log.leaf`): what does not fit does not flow."""


def limits_in_force(rows: tuple[Row, ...]) -> Parameters | None:
    """The limits of holdings where the pack has them; the one look of a ledger that has none."""
    return parameters_in(rows, Parameters)


def flowing(plan: Plan, known: Known, rows: tuple[Row, ...]) -> Plan:
    """The plan with what flows from and to linked deposits."""
    if not plan.movements:
        return plan
    limits = limits_in_force(rows)
    if limits is None or is_quiet(plan.movements, limits):
        return plan
    before = _taken(plan.movements, known)
    movements = (*before, *plan.movements)
    after = _gone_on(movements, known, limits)
    if (not before and not after) or len(movements) + len(after) > POSTINGS_MAX:
        return plan
    return msgspec.structs.replace(plan, movements=(*movements, *after))


def needs(found: Iterator[Need], known: Known, rows: tuple[Row, ...]) -> Iterator[Need]:
    """These needs of a kind, and where limits are in force the links of its wallets. A prefetch."""
    if limits_in_force(rows) is None:
        yield from found
        return
    for need in found:
        yield need
        if need[0] == "account":
            account = known.values.get(need)
            if account is not None:
                yield from link_needs(known, account)


def _taken(movements: tuple[Movement, ...], known: Known) -> list[Movement]:
    """Reverse waterfall: what the paying wallets lack, from their deposits, or nothing."""
    made: list[Movement] = []
    drawn: dict[bytes, int] = {}
    for first, lack in _lacking(movements).values():
        link = link_of(known.object("link", first.source.id))
        route = None if link is None else route_of(known, first.source, link)
        if link is None or route is None or not link.reverse:
            continue
        givers = (route.deposit, route.settlement)
        if any(giver.balance - drawn.get(giver.id, 0) < lack for giver in givers):
            continue
        for giver in givers:
            drawn[giver.id] = drawn.get(giver.id, 0) + lack
        made += route.to_wallet(known, lack, "reverse_waterfall")
    return made


def _lacking(movements: tuple[Movement, ...]) -> dict[bytes, tuple[Movement, int]]:
    """By wallet: a movement out of it, and by how much it would fall below zero at the worst."""
    balances: dict[bytes, int] = {}
    found: dict[bytes, tuple[Movement, int]] = {}
    for movement in movements:
        source, target, amount = movement.source, movement.target, movement.amount
        left = balances.get(source.id, source.balance) - amount
        balances[source.id] = left
        balances[target.id] = balances.get(target.id, target.balance) + amount
        worst = found[source.id][1] if source.id in found else 0
        if -left > worst and _may_take(movement):
            found[source.id] = (movement, -left)
    return found


def _may_take(movement: Movement) -> bool:
    """Whether this pays out of a wallet of digital tenge. A conversion pays nobody; a forced debit
    and a seizure take from the wallet that is named, and no further."""
    return (
        movement.asset.class_ == AssetClass.DIGITAL_TENGE
        and movement.source.kind == AccountKind.WALLET
        and movement.target.kind != AccountKind.RESERVE
        and movement.purpose not in CONVERSIONS
        and movement.purpose != "forced_debit"
    )


def _gone_on(movements: tuple[Movement, ...], known: Known, limits: Parameters) -> list[Movement]:
    """Waterfall: what came in above the limits, on to the deposits."""
    made: list[Movement] = []
    issued: dict[str, int] = {}
    for holding in holdings(movements).values():
        movement = movements[holding.place]
        above = holding.after - limits.limit_for(movement.target_party)
        excess = min(above, holding.received)
        if excess <= 0:
            continue
        wallet = movement.target
        link = link_of(known.object("link", wallet.id))
        route = None if link is None else route_of(known, wallet, link)
        if route is None:
            continue
        of_asset = issued.get(route.deposit.asset, 0) + excess
        if route.can_issue(known, of_asset):
            issued[route.deposit.asset] = of_asset
            made += route.to_deposit(known, excess, "waterfall")
    return made
