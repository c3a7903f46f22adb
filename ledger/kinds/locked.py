"""Locks as the kinds that end or change them see them: which, whose, locked still, what to move.

Shared by `lock/1`, `release/1`, `cancel/1`, `extend/1`; no kind itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.account import Account
from ledger.core.decision import Code, refused
from ledger.core.lock import Lock
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.plan import Movement
from ledger.kinds.kind import (
    Refusal,
    account_needs,
    arrival,
    id_of,
    movement_between,
    named_account,
    require,
)

AHEAD_MAX_MS = 366 * 86_400_000
"""A lock ends at most 366 days from the moment that its end is set."""


def lock_needs(known: Known, id: bytes) -> Iterator[Need]:
    """Needs of ending the lock with this id: itself, its money, both sides' accounts."""
    need: Need = ("object", "lock", id)
    yield need
    lock: Object | None = known.values.get(need)
    if lock is not None:
        body = body_of(lock, Lock)
        yield from account_needs(known, id, id_of(body.payer), id_of(body.payee))


def named_lock(known: Known, id: str, kind: str) -> Object:
    """The lock of this id, or LOCK_UNKNOWN."""
    return require(known.object("lock", id_of(id)), Code.LOCK_UNKNOWN, kind, lock=id)


def check_locked(lock: Object, at: int, kind: str) -> None:
    """STATUS_CONFLICT where the lock has ended; at its very end it has."""
    if lock.due is None or lock.due <= at:
        raise Refusal(refused(Code.STATUS_CONFLICT, kind, status=lock.status))


def payee_of(lock: Object, known: Known) -> Account:
    """The account that the money is for, as it is now."""
    return named_account(known, id_of(body_of(lock, Lock).payee))


def payer_of(lock: Object, known: Known) -> Account:
    """Where the money goes back to: the account that it came from, as it is now, or where that is
    frozen and what arrives is held, the held account beside it."""
    return arrival(known, named_account(known, id_of(body_of(lock, Lock).payer)))


def out_of(lock: Object, target: Account, purpose: str, known: Known) -> tuple[Movement, ...]:
    """All that the lock holds, to `target`; nothing where nothing is left."""
    source = named_account(known, lock.key)
    if not source.balance:
        return ()
    return (movement_between(known, source, target, source.balance, purpose),)


def check_unfrozen(lock: Object, known: Known, kind: str) -> None:
    """ACCOUNT_NOT_OPEN where the account that holds the money is not open."""
    status = named_account(known, lock.key).status
    if status != "open":
        raise Refusal(refused(Code.ACCOUNT_NOT_OPEN, kind, member="lock", status=status))


def after(lock: Object, status: str, preimage: str = "") -> Object:
    """The lock as it has ended: no end is due any more, and it is open to nobody."""
    rows = tuple(row for row in lock.lookups if row[0] != "open")
    body = structs.replace(body_of(lock, Lock), preimage=preimage)
    return structs.replace(lock, status=status, due=None, lookups=rows, body=body)
