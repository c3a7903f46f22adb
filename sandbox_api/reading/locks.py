"""Locks as they are told: one, all of an account, all that one secret opens.

They are found by look-up rows, page by page; nothing is scanned. One whose time is over stands here
as locked until the writer's next batch ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from ledger.core.amount import format_amount
from ledger.core.ids import b64
from ledger.core.lock import Lock
from ledger.core.needs import Need
from ledger.core.objects import Object, body_of
from ledger.store.reader import Snapshot
from sandbox_api.reading.entries import Scales
from sandbox_api.reading.known import object_of, page_of
from sandbox_api.wire_locks import LockBody, LocksBody

LOCK: Final = "lock"
"""The type of object."""


def lock(view: Snapshot, id: bytes) -> LockBody | None:
    """A lock by its id, whatever became of it; None where there is none."""
    found = object_of(view, LOCK, id)
    return None if found is None else _bodies(view, (found,))[0]


def locks_of(view: Snapshot, account: bytes, after: bytes, limit: int) -> LocksBody:
    """A page of the locks by or for an account, ended or not."""
    return _page(view, "account", account, after, limit)


def locks_under(view: Snapshot, digest: bytes, after: bytes, limit: int) -> LocksBody:
    """A page of the locks that bytes with this SHA-256 open or opened."""
    return _page(view, "hash", digest, after, limit)


def _page(view: Snapshot, name: str, value: bytes, after: bytes, limit: int) -> LocksBody:
    page, more = page_of(view, LOCK, name, value, after, limit)
    return LocksBody(_bodies(view, page), more)


def _bodies(view: Snapshot, found: Sequence[Object]) -> tuple[LockBody, ...]:
    needs: list[Need] = [("account", one.key) for one in found]
    held, scales = view.load(needs), Scales(view)
    return tuple(_body(one, held["account", one.key], scales) for one in found)


def _body(found: Object, held: Any, scales: Scales) -> LockBody:
    body = body_of(found, Lock)
    return LockBody(
        id=b64(found.key),
        status=found.status,
        payer=body.payer,
        payee=body.payee,
        asset=held.asset,
        amount=format_amount(body.amount, scales.of(held.asset)),
        ends_at=body.ends_at,
        condition=body.condition,
        arbiter=body.arbiter or None,
        hash=body.hash or None,
        preimage=body.preimage or None,
        written=found.written,
    )
