"""transfer/1: move money from one's own account to another account of the same asset."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.decision import Refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    account_needs,
    amount_in,
    id_of,
    movement_between,
    own_account,
    payload_of,
    receiving_account,
)


class Transfer(Payload, frozen=True, forbid_unknown_fields=True, tag="transfer/1"):
    """`amount` in the asset of both accounts."""

    from_: Id = msgspec.field(name="from")
    to: Id
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, Transfer)
    yield from account_needs(known, id_of(payload.from_), id_of(payload.to))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Transfer)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    target = receiving_account(known, id_of(payload.to), KIND.name, "to")
    amount = amount_in(known, source, payload.amount, KIND.name)
    return Plan(movements=(movement_between(known, source, target, amount, "transfer"),))


KIND = Kind(Transfer, ANYONE, _plan, _needs)
