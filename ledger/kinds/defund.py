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
from ledger.kinds.conversion import agreed_route, client_account, route_needs
from ledger.kinds.kind import ANYONE, Kind, id_of, open_account, payload_of


class Defund(Payload, frozen=True, forbid_unknown_fields=True, tag="defund/1"):
    """`amount` in tenge from the client's `wallet` to its `deposit`, by way of the bank's own tenge
    wallet `settlement`."""

    wallet: Id
    deposit: Id
    settlement: Id
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, Defund)
    ids = (payload.wallet, payload.deposit, payload.settlement)
    yield from route_needs(known, *map(id_of, ids))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Defund)
    wallet = client_account(known, id_of(payload.wallet), signer, KIND.name, "wallet")
    deposit = open_account(known, id_of(payload.deposit), KIND.name, "deposit")
    route = agreed_route(known, wallet, deposit, payload.settlement, signer, KIND.name)
    if isinstance(route, Refused):
        return route
    amount = parse_amount(payload.amount, TENGE_SCALE)
    return Plan(movements=route.to_deposit(known, amount, "defund"))


KIND = Kind(Defund, ANYONE, _plan, _needs)
