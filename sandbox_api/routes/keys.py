"""A party's keys and recoveries. Revoking, recovering, vetoing are transactions."""

from __future__ import annotations

from typing import Final

from sandbox_api.asked import AfterIdQuery, AfterKidQuery, IdPath
from sandbox_api.auth import Scope
from sandbox_api.reading import keys
from sandbox_api.reading.known import id_bytes, object_of
from sandbox_api.requests import Answer, Call, Reply, Route, require
from sandbox_api.wire_keys import KeysBody, RecoveriesBody, RecoveryBody


def party_keys(call: Call) -> Reply:
    """A party's keys, with their status."""
    party, query = id_bytes(call.path["id"]), call.query_as(AfterKidQuery)
    with call.parts.reader.snapshot() as view:
        require(object_of(view, "party", party), "party")
        return Reply(keys.keys_of(view, party, query.after_key, query.limit))


def party_recoveries(call: Call) -> Reply:
    """A party's recoveries, open or over."""
    party, query = id_bytes(call.path["id"]), call.query_as(AfterIdQuery)
    with call.parts.reader.snapshot() as view:
        require(object_of(view, "party", party), "party")
        return Reply(keys.recoveries_of(view, party, query.after_key, query.limit))


def recovery(call: Call) -> Reply:
    """A recovery, open or over."""
    with call.parts.reader.snapshot() as view:
        return Reply(require(keys.recovery(view, id_bytes(call.path["id"])), "recovery"))


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
