"""Typed payloads, signed: what the sandbox's own institutions write, and the ids it creates."""

from __future__ import annotations

from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from ledger.core.envelope import seal
from ledger.core.ids import TransactionId, b64, derive_key
from ledger.core.transaction import Payload
from ledger.keys import SigningKey

_encode = msgspec.json.Encoder().encode


class Sealed(NamedTuple):
    """A signed transaction: its compact JWS and its id."""

    jws: bytes
    id: TransactionId

    def creates(self, label: str) -> bytes:
        """The key (16 bytes) of what it creates under a label: "party", "account", "zone", …"""
        return derive_key(self.id, label)

    def creates_id(self, label: str) -> str:
        """The same as text."""
        return b64(self.creates(label))


def sealed(
    key: SigningKey,
    kind: type[Payload],
    /,
    *,
    ledger: str,
    nonce: bytes,
    not_after: int,
    **members: Any,
) -> Sealed:
    """Sign a transaction of this kind; `nonce` is 16 bytes, `not_after` ms UTC of sandbox time."""
    payload = _encode(kind(ledger=ledger, nonce=b64(nonce), not_after=not_after, **members))
    jws = seal(payload, kid=key.kid, typ="tenge-tx", sign=key.sign).encode()
    return Sealed(jws, TransactionId(not_after, sha256(payload).digest()))
