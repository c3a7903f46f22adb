"""defund/1: a client turns digital tenge back into deposit money. The tenge goes to the bank's own
wallet, and as much deposit is issued: one entry, two assets.
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


class Defund(Payload, frozen=True, forbid_unknown_fields=True, tag="defund/1"):
    """`amount` in tenge from the client's `wallet` to its `deposit`, by way of the bank's own tenge
    wallet `settlement`."""

    wallet: Id
    deposit: Id
    settlement: Id
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    return route_needs(known, payload_of(tx, Defund))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Defund)
    route = agreed_route(known, payload, signer, KIND.name, pays="wallet")
    amount = parse_amount(payload.amount, TENGE_SCALE)
    return Plan(movements=route.to_deposit(known, amount, "defund"))


KIND = Kind(Defund, ANYONE, _plan, _needs)
