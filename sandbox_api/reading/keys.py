"""A party's keys and recoveries as they are told: found by look-up rows, page by page.

A recovery whose time has come stands here as open until the writer's next batch ends it.
"""

from __future__ import annotations

from typing import Final

from ledger.core.ids import b64, thumbprint, unb64
from ledger.core.objects import Object, body_of
from ledger.core.party import Key
from ledger.core.recovery import Recovery
from ledger.store.reader import Snapshot
from sandbox_api.limits import LISTED_MAX
from sandbox_api.reading.known import object_of, page_of
from sandbox_api.wire import Jwk, KeyBody
from sandbox_api.wire_keys import KeysBody, RecoveriesBody, RecoveryBody

RECOVERY: Final = "recovery"
"""The type of object."""


def keys_of(view: Snapshot, party: bytes, after: bytes, limit: int) -> KeysBody:
    """A page of a party's keys, in order of kid."""
    page, more = page_of(view, "key", "party", party, after, limit)
    return KeysBody(tuple(map(_key, page)), more)


def all_keys_of(view: Snapshot, party: bytes) -> tuple[KeyBody, ...]:
    """All of a party's keys, in order of kid."""
    found: list[Object] = []
    after = b""
    while page := view.looked_up("key", "party", party, after_key=after, limit=LISTED_MAX):
        found += page
        after = page[-1].key
    return tuple(map(_key, found))


def recovery(view: Snapshot, id: bytes) -> RecoveryBody | None:
    """A recovery by its id, whatever became of it; None where there is none."""
    found = object_of(view, RECOVERY, id)
    return None if found is None else _recovery(found)


def recoveries_of(view: Snapshot, party: bytes, after: bytes, limit: int) -> RecoveriesBody:
    """A page of a party's recoveries, in order of id: that of their `not_after`."""
    page, more = page_of(view, RECOVERY, "party", party, after, limit)
    return RecoveriesBody(tuple(map(_recovery, page)), more)


def _key(found: Object) -> KeyBody:
    jwk = Jwk("OKP", "Ed25519", body_of(found, Key).public)
    return KeyBody(b64(found.key), jwk, "party", b64(found.owner), found.status)


def _recovery(found: Object) -> RecoveryBody:
    body = body_of(found, Recovery)
    return RecoveryBody(
        id=b64(found.key),
        party=b64(found.owner),
        status=found.status,
        kid=b64(thumbprint(unb64(body.key, 32))),
        jwk=Jwk("OKP", "Ed25519", body.key),
        revokes=body.revokes,
        proof=body.proof,
        registrar=body.registrar,
        started_at=body.started_at,
        due=found.due,
        written=found.written,
    )
