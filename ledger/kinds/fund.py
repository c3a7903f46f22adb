"""fund/1: a client turns deposit money into digital tenge, at par and at once. The deposit is
redeemed, and as much tenge comes from the bank's own wallet: one entry, two assets.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.amount import TENGE_SCALE, parse_amount
from ledger.core.decision import Refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.conversion import agreed_route, route_needs
from ledger.kinds.kind import ANYONE, Kind, payload_of


class Fund(Payload, frozen=True, forbid_unknown_fields=True, tag="fund/1"):
    """`amount` in tenge from the client's `deposit` to its `wallet`, by way of the bank's own tenge
    wallet `settlement`."""

    deposit: Id
    wallet: Id
    settlement: Id
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    return route_needs(known, payload_of(tx, Fund))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Fund)
    route = agreed_route(known, payload, signer, KIND.name, pays="deposit")
    amount = parse_amount(payload.amount, TENGE_SCALE)
    return Plan(movements=route.to_wallet(known, amount, "fund"))


KIND = Kind(Fund, ANYONE, _plan, _needs)
