"""release/1: let locked money go to the payee. Between two parties the payer signs, between three
the arbiter; a hash lock opens to anyone who shows the secret, which stands in the entry for all to
read: so two ledgers' locks with one hash are released together.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated

from msgspec import Meta

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import decode_segment, unb64
from ledger.core.lock import HASH, THREE_PARTY, Lock
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.errors import Malformed
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of, receiving_account
from ledger.kinds.locked import (
    after,
    check_locked,
    check_unfrozen,
    lock_needs,
    named_lock,
    out_of,
)

Preimage = Annotated[str, Meta(min_length=2, max_length=86)]
"""1 to 64 bytes as base64url."""


class Release(Payload, frozen=True, forbid_unknown_fields=True, tag="release/1"):
    """`preimage`: the secret of a hash lock, null for all others."""

    lock: Id
    preimage: Preimage | None


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    return lock_needs(known, id_of(payload_of(tx, Release).lock))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Release)
    shown = None if payload.preimage is None else _bytes_of(payload.preimage)
    lock = named_lock(known, payload.lock, KIND.name)
    body = body_of(lock, Lock)
    if not _may_release(lock, signer):
        return refused(Code.NO_AUTHORITY, KIND.name, member="lock")
    check_locked(lock, at, KIND.name)
    if not _opens(body, shown):
        return refused(Code.PREIMAGE_WRONG, KIND.name, lock=payload.lock)
    check_unfrozen(lock, known, KIND.name)
    payee = receiving_account(known, id_of(body.payee), KIND.name, "to")
    return Plan(
        movements=out_of(lock, payee, "release", known),
        objects=(after(lock, "released", payload.preimage or ""),),
        statuses=((lock.key, "closed"),),
        facts={"lock": payload.lock},
    )


def _may_release(lock: Object, signer: Signer) -> bool:
    body = body_of(lock, Lock)
    if body.condition == HASH:
        return True
    if body.condition == THREE_PARTY:
        return signer.id == id_of(body.arbiter)
    return signer.id == lock.owner


def _opens(body: Lock, shown: bytes | None) -> bool:
    """A hash lock opens to its secret, any other to none at all: what is shown stays in the log."""
    if body.condition != HASH:
        return shown is None
    return shown is not None and sha256(shown).digest() == unb64(body.hash, 32)


def _bytes_of(preimage: str) -> bytes:
    try:
        return decode_segment(preimage.encode())
    except ValueError:
        raise Malformed(
            "id.base64", "write the preimage as canonical base64url", "preimage"
        ) from None


KIND = Kind(Release, ANYONE, _plan, _needs)
