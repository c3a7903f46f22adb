"""mark_return/1: give marked money back to its budget. Whoever holds it signs; what nobody has
earned yet (it lies with no supplier) the mark's owner may take back as well.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.amount import parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    arrival,
    asset_of,
    id_of,
    movement_between,
    open_account,
    payload_of,
    require,
)
from ledger.kinds.marked import budget_of, marked_needs, marked_of, policy_in


class ReturnMarked(Payload, frozen=True, forbid_unknown_fields=True, tag="mark_return/1"):
    """`amount` from the marked account `from` to its mark's budget."""

    from_: Id = msgspec.field(name="from")
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from marked_needs(known, id_of(payload_of(tx, ReturnMarked).from_))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, ReturnMarked)
    id = id_of(payload.from_)
    account = known.account(id)
    if account is None or known.object("marked", id) is None:
        return refused(Code.NO_AUTHORITY, KIND.name, member="from")
    mark = require(known.object("mark", id_of(account.mark)), Code.MARK_UNKNOWN, KIND.name)
    unearned = mark.owner == signer.id and not marked_of(known, account).supplier
    if account.owner != signer.id and not unearned:
        return refused(Code.NO_AUTHORITY, KIND.name, member="from")
    source = open_account(known, id, KIND.name, "from")
    target = arrival(known, budget_of(known, policy_in(mark)))
    amount = parse_amount(payload.amount, asset_of(known, source.asset, KIND.name).scale)
    movement = movement_between(known, source, target, amount, "mark_return")
    return Plan(movements=(movement,), facts={"mark": b64(mark.key)})


KIND = Kind(ReturnMarked, ANYONE, _plan, _needs)
