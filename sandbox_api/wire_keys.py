"""What the HTTP API says of keys, recoveries and records. Conventions are those of
`sandbox_api.wire`.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from sandbox_api.limits import RECORD_CHARS_MAX
from sandbox_api.wire import (
    AccountBody,
    DigestText,
    IdText,
    Index,
    Jwk,
    KeyBody,
    KidText,
    PartyBody,
)
from sandbox_api.wire_aliases import NamedBody

RecordKind = Literal["identity_proof", "document"]


class KeysBody(msgspec.Struct, frozen=True):
    """A page of a party's keys, in use or not; `next` is the next page's `after`, null at the
    end. `status` of a key: `active`, `pending` (it waits for its recovery) or `revoked`."""

    keys: tuple[KeyBody, ...]
    next: KidText | None


class RecoveryBody(msgspec.Struct, frozen=True):
    """A recovery: `kid` and `jwk` are the new key's, `revokes` the kids that end with it, `proof`
    the commitment to the record of the identity proof. `status`: `open`, `done` or `vetoed`;
    `due` (ms UTC), when the new key comes into use, is null unless it is open. `written` is the
    entry that changed it last."""

    id: IdText
    party: IdText
    status: str
    kid: KidText
    jwk: Jwk
    revokes: tuple[KidText, ...]
    proof: DigestText
    registrar: IdText
    started_at: int
    due: int | None
    written: Index


class RecoveriesBody(msgspec.Struct, frozen=True):
    """A page of a party's recoveries, oldest first; `next` is the next page's `after`."""

    recoveries: tuple[RecoveryBody, ...]
    next: IdText | None


class RecordAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A record to keep. `salt`: 16 random bytes; `retain_until` (ms UTC): its term."""

    party: IdText
    kind: RecordKind
    salt: IdText
    body: Annotated[
        str,
        Meta(min_length=1, max_length=RECORD_CHARS_MAX, description="Synthetic data only."),
    ]
    retain_until: Annotated[int, Meta(gt=0, lt=1 << 48)]


class RecordBody(msgspec.Struct, frozen=True):
    """A record beside the log. `commitment`: SHA-256 of salt and body, what the log may hold."""

    id: IdText
    party: IdText
    kind: RecordKind
    salt: IdText
    commitment: DigestText
    body: str
    created: int
    retain_until: int


class RecordDeleted(msgspec.Struct, frozen=True):
    """The record with this id is gone."""

    id: IdText


class FileBody(msgspec.Struct, frozen=True):
    """All that this sandbox has of a party, at `at` (ms UTC): what the ledger says, and the records
    beside it: documents with their bodies, the words of its aliases."""

    at: int
    party: PartyBody
    keys: tuple[KeyBody, ...]
    accounts: tuple[AccountBody, ...]
    records: tuple[RecordBody, ...]
    aliases: tuple[NamedBody, ...]
