"""mark_account/1: open an account that bears a mark, for whom the programme admits. The mark's
owner signs. What is left on it when the mark ends returns to the budget by itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.account import Account, AccountKind
from ledger.core.decision import Code, Refused, refused
from ledger.core.freeze import FROZEN
from ledger.core.ids import b64, derive_key
from ledger.core.mark import Marked
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Movement, Opening, Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    DueKind,
    Kind,
    arrival,
    id_of,
    movement_between,
    named_account,
    party_need,
    party_of,
    payload_of,
)
from ledger.kinds.marked import budget_of, marked_needs, named_mark, policy_in, policy_of


class OpenMarked(Payload, frozen=True, forbid_unknown_fields=True, tag="mark_account/1"):
    """An account of `owner` with `mark`; its id is derived under "account". `supplier`: others who
    hold the mark may pay it."""

    mark: Id
    owner: Id
    supplier: bool


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, OpenMarked)
    yield ("object", "mark", id_of(payload.mark))
    yield party_need(payload.owner)
    yield ("account", derive_key(tx.id, "account"))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, OpenMarked)
    mark = named_mark(known, payload.mark, at, KIND.name)
    if mark.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="mark")
    owner = id_of(payload.owner)
    if party_of(known, owner, KIND.name).role == Role.OPERATOR:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="owner")
    policy = policy_in(mark)
    id = derive_key(tx.id, "account")
    if known.account(id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    opening = Opening(id, owner, policy.asset, AccountKind.WALLET, payload.mark)
    body = Marked(payload.mark, payload.supplier)
    lookups = tuple(sorted((("mark", mark.key), ("owner", owner))))
    marked = Object("marked", id, owner, "open", policy.valid_until, body, lookups, 0)
    return Plan(openings=(opening,), objects=(marked,), facts={"account": b64(id)})


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """What is left, and what was held for it while it was frozen, returns to the budget."""
    account = named_account(known, object_.key)
    budget = arrival(known, budget_of(known, policy_of(known, account.mark)))
    accounts = [account, *_held_beside(known, account)]
    closed = Object("marked", object_.key, object_.owner, "closed", None, object_.body,
                    object_.lookups, 0)  # fmt: skip
    return Plan(
        movements=tuple(_returned(known, each, budget) for each in accounts if each.balance),
        objects=(closed,),
        statuses=tuple((each.id, "closed") for each in accounts if each.status != "closed"),
    )


def _held_beside(known: Known, account: Account) -> tuple[Account, ...]:
    """The account that what arrived for a frozen one waits on."""
    beside = arrival(known, account) if account.status == FROZEN else account
    return () if beside.id == account.id else (beside,)


def _returned(known: Known, account: Account, budget: Account) -> Movement:
    return movement_between(known, account, budget, account.balance, "expire")


def _due_needs(object_: Object, known: Known) -> Iterator[Need]:
    yield from marked_needs(known, object_.key)


DUE = DueKind("marked", _ended, _due_needs)
KIND = Kind(OpenMarked, ANYONE, _plan, _needs)
