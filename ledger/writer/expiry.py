"""The entries a ledger makes by itself: ending what is due, signed by the operator (D9)."""

from __future__ import annotations

from hashlib import sha256

import msgspec

from ledger.core.envelope import seal
from ledger.core.ids import b64
from ledger.core.transaction import NOT_AFTER_AHEAD_MAX_MS
from ledger.keys import SigningKey
from ledger.kinds.expire import Expire

_ENCODE = msgspec.json.Encoder().encode


def expire_transaction(
    ledger: str, operator: SigningKey, at: int, due: int, type_: str, key: bytes
) -> bytes:
    """The signed `expire/1` for one object. The same object and due time give the same nonce."""
    nonce = b64(sha256(f"{ledger} {due} {type_} ".encode() + key).digest()[:16])
    payload = _ENCODE(Expire(ledger, nonce, at + NOT_AFTER_AHEAD_MAX_MS, type_, b64(key), due))
    return seal(payload, kid=operator.kid, typ="tenge-tx", sign=operator.sign).encode()
