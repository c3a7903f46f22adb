"""unfreeze/1: lift a freeze, signed by whoever froze the account. What was held comes to it."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.freeze import FROZEN, Freeze
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.party import Role
from ledger.core.plan import Movement, Plan
from ledger.core.transaction import Id, Label, Payload, Signer, Transaction
from ledger.kinds.kind import (
    Kind,
    account_needs,
    id_of,
    movement_between,
    named_account,
    payload_of,
    wallet,
)


class UnfreezeAccount(Payload, frozen=True, forbid_unknown_fields=True, tag="unfreeze/1"):
    """`order`: reference of the order that lifts the freeze."""

    account: Id
    order: Label


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from account_needs(known, id_of(payload_of(tx, UnfreezeAccount).account))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    account = wallet(known, id_of(payload_of(tx, UnfreezeAccount).account), KIND.name, "account")
    if account.status != FROZEN:
        return refused(Code.STATUS_CONFLICT, KIND.name, status=account.status)
    freeze = known.object("freeze", account.id)
    if freeze is None:
        raise AssertionError(f"account {account.id.hex()} is frozen by nobody")
    if freeze.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="account")
    movements: tuple[Movement, ...] = ()
    held_id = body_of(freeze, Freeze).held
    if held_id is not None and (held := named_account(known, id_of(held_id))).balance:
        movements = (movement_between(known, held, account, held.balance, "unfreeze"),)
    return Plan(
        movements=movements,
        objects=(structs.replace(freeze, status="lifted"),),
        statuses=((account.id, "open"),),
    )


KIND = Kind(UnfreezeAccount, frozenset({Role.SUPERVISOR}), _plan, _needs)
