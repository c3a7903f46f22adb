"""allocate/1: put money from a mark's budget on an account that bears the mark. The mark's owner
signs; this is the only way in which money takes on a mark.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.amount import parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    asset_of,
    id_of,
    movement_between,
    own_account,
    payload_of,
    receiving_account,
)
from ledger.kinds.marked import marked_account, marked_needs, named_mark, policy_in

ALLOCATE = "allocate"
"""Purpose of the movement."""


class Allocate(Payload, frozen=True, forbid_unknown_fields=True, tag="allocate/1"):
    """`amount` from the budget of the mark that `to` bears."""

    from_: Id = msgspec.field(name="from")
    to: Id
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, Allocate)
    yield from marked_needs(known, id_of(payload.from_))
    yield from marked_needs(known, id_of(payload.to))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Allocate)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    marked = marked_account(known, id_of(payload.to), KIND.name, "to")
    mark = named_mark(known, marked.mark, at, KIND.name)
    if mark.owner != signer.id or policy_in(mark).budget != payload.from_:
        return refused(Code.NO_AUTHORITY, KIND.name, member="to")
    target = receiving_account(known, marked.id, KIND.name, "to")
    amount = parse_amount(payload.amount, asset_of(known, source.asset, KIND.name).scale)
    movement = movement_between(known, source, target, amount, ALLOCATE)
    return Plan(movements=(movement,), facts={"mark": marked.mark})


KIND = Kind(Allocate, ANYONE, _plan, _needs)
