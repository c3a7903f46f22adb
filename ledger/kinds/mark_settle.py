"""mark_settle/1: pay ordinary tenge for marked money that a payee may only give back (`on_final` is
`return`): the marked goes to the budget, as much leaves it. One entry, signed by the mark's owner.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.amount import parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.mark import RETURN
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    account_needs,
    asset_of,
    id_of,
    movement_between,
    open_account,
    own_account,
    payload_of,
    receiving_account,
    require,
)
from ledger.kinds.marked import marked_account, marked_needs, marked_of, policy_in

SETTLE = "mark_settle"
"""Purpose of both movements."""


class SettleMarked(Payload, frozen=True, forbid_unknown_fields=True, tag="mark_settle/1"):
    """`amount` on a supplier's marked account `from` is paid for, to its ordinary `to`."""

    from_: Id = msgspec.field(name="from")
    to: Id
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, SettleMarked)
    yield from marked_needs(known, id_of(payload.from_))
    yield from account_needs(known, id_of(payload.to))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, SettleMarked)
    marked = marked_account(known, id_of(payload.from_), KIND.name, "from")
    mark = require(known.object("mark", id_of(marked.mark)), Code.MARK_UNKNOWN, KIND.name)
    if mark.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="from")
    policy = policy_in(mark)
    if policy.on_final != RETURN or not marked_of(known, marked).supplier:
        return refused(Code.STATUS_CONFLICT, KIND.name, status=policy.on_final)
    source = open_account(known, marked.id, KIND.name, "from")
    budget = own_account(known, id_of(policy.budget), signer, KIND.name)
    target = receiving_account(known, id_of(payload.to), KIND.name, "to")
    if target.owner != source.owner:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="to")
    amount = parse_amount(payload.amount, asset_of(known, source.asset, KIND.name).scale)
    return Plan(
        movements=(
            movement_between(known, source, budget, amount, SETTLE),
            movement_between(known, budget, target, amount, SETTLE),
        ),
        facts={"mark": b64(mark.key)},
    )


KIND = Kind(SettleMarked, ANYONE, _plan, _needs)
