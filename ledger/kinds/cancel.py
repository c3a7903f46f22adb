"""cancel/1: give locked money back before its time. The payee signs, or between three parties the
arbiter; never the payer, whom the lock binds until its end.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.lock import THREE_PARTY, Lock
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of
from ledger.kinds.locked import (
    after,
    check_locked,
    check_unfrozen,
    lock_needs,
    named_lock,
    out_of,
    payee_of,
    payer_of,
)


class Cancel(Payload, frozen=True, forbid_unknown_fields=True, tag="cancel/1"):
    """`lock`: its id."""

    lock: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    return lock_needs(known, id_of(payload_of(tx, Cancel).lock))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Cancel)
    lock = named_lock(known, payload.lock, KIND.name)
    if not _may_cancel(lock, signer, known):
        return refused(Code.NO_AUTHORITY, KIND.name, member="lock")
    check_locked(lock, at, KIND.name)
    check_unfrozen(lock, known, KIND.name)
    return Plan(
        movements=out_of(lock, payer_of(lock, known), "cancel", known),
        objects=(after(lock, "cancelled"),),
        statuses=((lock.key, "closed"),),
        facts={"lock": payload.lock},
    )


def _may_cancel(lock: Object, signer: Signer, known: Known) -> bool:
    body = body_of(lock, Lock)
    if body.condition == THREE_PARTY and signer.id == id_of(body.arbiter):
        return True
    return signer.id == payee_of(lock, known).owner


KIND = Kind(Cancel, ANYONE, _plan, _needs)
