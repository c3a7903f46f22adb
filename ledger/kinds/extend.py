"""extend/1: let a lock end later. The payer, whose money waits, signs; never an earlier end.

Nobody keeps money out of an order's reach in this way: while the payer's account is frozen, the
end stands.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.lock import Lock
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Ms, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, id_of, named_account, open_account, payload_of
from ledger.kinds.locked import AHEAD_MAX_MS, check_locked, lock_needs, named_lock
from ledger.kinds.marked import check_ends


class Extend(Payload, frozen=True, forbid_unknown_fields=True, tag="extend/1"):
    """`ends_at`: later than the lock's own (ms UTC)."""

    lock: Id
    ends_at: Ms


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from lock_needs(known, id_of(payload_of(tx, Extend).lock))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Extend)
    lock = named_lock(known, payload.lock, KIND.name)
    if signer.id != lock.owner:
        return refused(Code.NO_AUTHORITY, KIND.name, member="lock")
    check_locked(lock, at, KIND.name)
    body = body_of(lock, Lock)
    open_account(known, id_of(body.payer), KIND.name, "from")
    if not body.ends_at < payload.ends_at <= at + AHEAD_MAX_MS:
        return refused(Code.DATES_CONFLICT, KIND.name, member="ends_at")
    check_ends(known, named_account(known, lock.key), payload.ends_at, KIND.name)
    later = structs.replace(body, ends_at=payload.ends_at)
    return Plan(
        objects=(structs.replace(lock, due=payload.ends_at, body=later),),
        facts={"lock": payload.lock},
    )


KIND = Kind(Extend, ANYONE, _plan, _needs)
