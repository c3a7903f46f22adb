"""A party's keys and recoveries. Revoking, recovering, vetoing are transactions."""

from __future__ import annotations

from typing import Final

from ledger.core.ids import unb64
from ledger.store.reader import Snapshot
from sandbox_api.asked import AfterIdQuery, AfterKidQuery, IdPath
from sandbox_api.auth import Scope
from sandbox_api.problems import Problem
from sandbox_api.reading import keys
from sandbox_api.reading.known import id_bytes, object_of
from sandbox_api.requests import Answer, Call, Reply, Route
from sandbox_api.wire_keys import KeysBody, RecoveriesBody, RecoveryBody


def party_keys(call: Call) -> Reply:
    """A party's keys, with their status."""
    party, query = id_bytes(call.path["id"]), call.query_as(AfterKidQuery)
    after = b"" if query.after is None else unb64(query.after, 32)
    with call.parts.reader.snapshot() as view:
        _check_party(view, party)
        return Reply(keys.keys_of(view, party, after, query.limit))


def party_recoveries(call: Call) -> Reply:
    """A party's recoveries, open or over."""
    party, query = id_bytes(call.path["id"]), call.query_as(AfterIdQuery)
    after = b"" if query.after is None else id_bytes(query.after)
    with call.parts.reader.snapshot() as view:
        _check_party(view, party)
        return Reply(keys.recoveries_of(view, party, after, query.limit))


def recovery(call: Call) -> Reply:
    """A recovery, open or over."""
    with call.parts.reader.snapshot() as view:
        found = keys.recovery(view, id_bytes(call.path["id"]))
    if found is None:
        raise Problem("not_found", "this ledger knows no such recovery")
    return Reply(found)


def _check_party(view: Snapshot, party: bytes) -> None:
    if object_of(view, "party", party) is None:
        raise Problem("not_found", "this ledger knows no such party")


_NONE: Final = ("not_found",)

ROUTES: Final = (
    Route("GET", "/v1/parties/{id}/keys", "party_keys", "A party's keys", party_keys, Scope.READ,
          {200: Answer(KeysBody, "A page.")}, IdPath, AfterKidQuery, problems=_NONE, group="Keys"),
    Route("GET", "/v1/parties/{id}/recoveries", "party_recoveries", "A party's recoveries",
          party_recoveries, Scope.READ, {200: Answer(RecoveriesBody, "A page.")}, IdPath,
          AfterIdQuery, problems=_NONE, group="Keys"),
    Route("GET", "/v1/recoveries/{id}", "recovery", "A recovery", recovery, Scope.READ,
          {200: Answer(RecoveryBody, "What it would change, and when.")}, IdPath, problems=_NONE,
          group="Keys"),
)  # fmt: skip
