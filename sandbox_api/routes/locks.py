"""What is locked, for whom, on which condition. Locking, releasing, cancelling are transactions."""

from __future__ import annotations

from typing import Final

from ledger.core.ids import unb64
from sandbox_api.asked import AfterIdQuery, HashQuery, IdPath
from sandbox_api.auth import Scope
from sandbox_api.reading import locks
from sandbox_api.reading.known import account_of, id_bytes
from sandbox_api.requests import Answer, Call, Reply, Route, require
from sandbox_api.wire_locks import LockBody, LocksBody


def lock(call: Call) -> Reply:
    """A lock, ended or not."""
    with call.parts.reader.snapshot() as view:
        return Reply(require(locks.lock(view, id_bytes(call.path["id"])), "lock"))


def account_locks(call: Call) -> Reply:
    """Locks by or for an account."""
    account, query = id_bytes(call.path["id"]), call.query_as(AfterIdQuery)
    with call.parts.reader.snapshot() as view:
        require(account_of(view, account), "account")
        return Reply(locks.locks_of(view, account, query.after_key, query.limit))


def hash_locks(call: Call) -> Reply:
    """Locks that one secret opens."""
    query = call.query_as(HashQuery)
    with call.parts.reader.snapshot() as view:
        digest = unb64(query.hash, 32)
        return Reply(locks.locks_under(view, digest, query.after_key, query.limit))


_NONE: Final = ("not_found",)

ROUTES: Final = (
    Route("GET", "/v1/locks/{id}", "lock", "A lock", lock, Scope.READ,
          {200: Answer(LockBody, "Its condition, and what became of it.")}, IdPath,
          problems=_NONE, group="Locks"),
    Route("GET", "/v1/accounts/{id}/locks", "account_locks", "Locks by or for an account",
          account_locks, Scope.READ, {200: Answer(LocksBody, "A page.")}, IdPath, AfterIdQuery,
          problems=_NONE, group="Locks"),
    Route("GET", "/v1/locks", "hash_locks", "Locks under one hash", hash_locks, Scope.READ,
          {200: Answer(LocksBody, "A page.")}, query=HashQuery, group="Locks"),
)  # fmt: skip
