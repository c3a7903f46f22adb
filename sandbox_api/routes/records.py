"""Records beside the log: put, read, export a person's whole file, delete after the term (D15)."""

from __future__ import annotations

from typing import Final, cast

from ledger.core.ids import b64, unb64
from ledger.store.reader import Snapshot
from sandbox_api.asked import IdPath
from sandbox_api.auth import Scope
from sandbox_api.limits import RETAINED_MAX_MS, TRANSACTION_BYTES_MAX
from sandbox_api.problems import Problem
from sandbox_api.reading.aliases import aliases_of
from sandbox_api.reading.keys import all_keys_of
from sandbox_api.reading.known import id_bytes, object_of
from sandbox_api.reading.money import accounts_of, party_body
from sandbox_api.records import Record, record_of
from sandbox_api.requests import Answer, Body, Call, Reply, Route, require
from sandbox_api.wire_aliases import AliasBody, Form, NamedBody
from sandbox_api.wire_keys import FileBody, RecordAsked, RecordBody, RecordDeleted, RecordKind


def put(call: Call) -> Reply:
    """Keep a record of a party's."""
    asked, now = call.body_as(RecordAsked), call.parts.door.time()
    if not now < asked.retain_until <= now + RETAINED_MAX_MS:
        raise Problem("record.term", "retain_until lies ahead, a hundred years at most",
                      where="retain_until")  # fmt: skip
    party = id_bytes(asked.party)
    with call.parts.reader.snapshot() as view:
        if object_of(view, "party", party) is None:
            raise Problem("record.party", where="party")
    made = record_of(
        call.tenant, party, asked.kind, id_bytes(asked.salt), asked.body, now, asked.retain_until
    )
    new = call.parts.tenants.records.put(made)
    if new is None:
        raise Problem("record.full")
    return Reply(_body(made if new else _found(call, made.id, now)), 201 if new else 200)


def one(call: Call) -> Reply:
    """A record with its body."""
    return Reply(_body(_found(call, id_bytes(call.path["id"]), call.parts.door.time())))


def remove(call: Call) -> Reply:
    """Delete a record whose term is over."""
    id = call.path["id"]
    if not call.parts.tenants.records.delete(call.tenant, id_bytes(id), call.parts.door.time()):
        raise Problem("record.retained")
    return Reply(RecordDeleted(id))


def file(call: Call) -> Reply:
    """A person's whole file: all that the sandbox has of a party."""
    id, at = id_bytes(call.path["id"]), call.parts.door.time()
    with call.parts.reader.snapshot() as view:
        party = require(object_of(view, "party", id), "party")
        keys, accounts = all_keys_of(view, id), accounts_of(view, id)
        bound = [alias.alias for one in accounts for alias in _aliases(view, one.id)]
    tenant, store = call.tenant, call.parts.tenants
    records = tuple(map(_body, store.records.of_party(tenant, id, at)))
    named = store.aliases.of_aliases(tenant, [unb64(alias, 32) for alias in bound])
    words = tuple(
        NamedBody(b64(one.commitment), cast(Form, one.form), one.word, one.name) for one in named
    )
    return Reply(FileBody(at, party_body(party), keys, accounts, records, words))


def _aliases(view: Snapshot, account: str) -> tuple[AliasBody, ...]:
    return aliases_of(view, id_bytes(account)).aliases


def _found(call: Call, id: bytes, now: int) -> Record:
    found = call.parts.tenants.records.one(call.tenant, id, now)
    if found is None:
        raise Problem("not_found", "no record has this id, or its term is over")
    return found


def _body(record: Record) -> RecordBody:
    return RecordBody(
        id=b64(record.id),
        party=b64(record.party),
        kind=cast(RecordKind, record.kind),
        salt=b64(record.salt),
        commitment=b64(record.commitment),
        body=record.body,
        created=record.created,
        retain_until=record.retain_until,
    )


_EXAMPLE: Final = {
    "party": "AAAAAAAAAAAAAAAAAAAAAA",
    "kind": "identity_proof",
    "salt": "AAAAAAAAAAAAAAAAAAAAAA",
    "body": "Synthetic: shown a passport that does not exist.",
    "retain_until": 1_900_000_000_000,
}

ROUTES: Final = (
    Route("POST", "/v1/records", "put_record", "Keep a record beside the log", put, Scope.RECORDS,
          {201: Answer(RecordBody, "Kept."), 200: Answer(RecordBody, "It was there already.")},
          body=Body(RecordAsked, limit=TRANSACTION_BYTES_MAX, example=_EXAMPLE),
          problems=("record.term", "record.party", "record.full", "door_shut"), group="Records"),
    Route("GET", "/v1/records/{id}", "record", "A record", one, Scope.RECORDS,
          {200: Answer(RecordBody, "With its body.")}, IdPath, problems=("not_found", "door_shut"),
          group="Records"),
    Route("DELETE", "/v1/records/{id}", "delete_record", "Delete a record after its term", remove,
          Scope.RECORDS, {200: Answer(RecordDeleted, "It is gone.")}, IdPath,
          problems=("record.retained", "door_shut"), group="Records"),
    Route("GET", "/v1/parties/{id}/file", "party_file", "A person's whole file", file,
          Scope.RECORDS, {200: Answer(FileBody, "All there is of a party.")}, IdPath,
          problems=("not_found", "door_shut"), group="Records"),
)  # fmt: skip
