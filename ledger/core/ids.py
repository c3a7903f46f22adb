"""Names of things: base64url text of bytes, transaction ids, object keys, ledger ids (D2).

Pure. Every name has exactly one spelling: unpadded base64url (RFC 4648 part 5) whose unused last
bits are zero. A reader must not assume that an id comes from a signature: it is the hash of the
signed payload bytes, because signatures are not unique for whoever holds the key.
"""

from __future__ import annotations

import binascii
import re
from hashlib import sha256
from typing import NamedTuple

from ledger.errors import Malformed

ID_BYTES = 16
"""Length of object keys and ledger ids; 22 characters as text."""

NOT_AFTER_LIMIT = 1 << 48
"""`not_after` is milliseconds since 1970 UTC, above 0 and below this (it fits in six bytes)."""

_TO_URL = bytes.maketrans(b"+/", b"-_")
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
# Characters outside the alphabet (`=`, `+`, `/`, newline, …) become NUL, which strict mode refuses.
_FROM_URL = bytes(b if b in _ALPHABET else 0 for b in range(256)).translate(
    bytes.maketrans(b"-_", b"+/")
)
_PADDING = (b"", None, b"==", b"=")
# What may stand last, by length modulo 4, so that the unused bits are zero.
_LAST = (
    frozenset(_ALPHABET),
    frozenset(b""),
    frozenset(_ALPHABET[::16]),
    frozenset(_ALPHABET[::4]),
)
_TRANSACTION_ID = re.compile(r"([1-9][0-9]{0,14})\.([A-Za-z0-9_-]{43})")


class TransactionId(NamedTuple):
    """The id of a transaction: unique for the ledger's life, and ordered by time.

    `not_after` is the payload's own, in ms since 1970 UTC; `digest` the SHA-256 of the payload.
    """

    not_after: int
    digest: bytes

    def __str__(self) -> str:
        return f"{self.not_after}.{b64(self.digest)}"

    @classmethod
    def parse(cls, text: str) -> TransactionId:
        """Read the text form; raises `Malformed("id.transaction")` on any other spelling."""
        found = _TRANSACTION_ID.fullmatch(text)
        if found is None or int(found[1]) >= NOT_AFTER_LIMIT:
            raise Malformed(
                "id.transaction",
                "a transaction id is not_after in ms, a dot, and 43 characters of base64url",
            )
        return cls(int(found[1]), unb64(found[2], 32))


def derive_key(tx: TransactionId, label: str) -> bytes:
    """Key of the object that `tx` creates under `label` ("party", "account", "zone", …).

    Six bytes of `not_after`, then ten of SHA-256(digest + label): whoever signs "register, open,
    pay" knows the keys before the ledger has seen them, and indexes stay ordered by time.
    """
    return tx.not_after.to_bytes(6, "big") + sha256(tx.digest + label.encode()).digest()[:10]


def thumbprint(public_key: bytes) -> bytes:
    """The 32 bytes of an Ed25519 key's kid: its JWK thumbprint (RFC 7638, RFC 8037 A.3)."""
    return sha256(f'{{"crv":"Ed25519","kty":"OKP","x":"{b64(public_key)}"}}'.encode()).digest()


def ledger_id(genesis_payload: bytes) -> bytes:
    """The ledger's id: the first 16 bytes of SHA-256 of its genesis payload."""
    return sha256(genesis_payload).digest()[:ID_BYTES]


def b64(data: bytes) -> str:
    """`data` as canonical unpadded base64url."""
    return encode_segment(data).decode()


def unb64(text: str, size: int) -> bytes:
    """The `size` bytes that `text` spells; raises `Malformed` ("id.base64", "id.size")."""
    try:
        data = decode_segment(text.encode("ascii"))
    except ValueError:
        raise Malformed("id.base64", "write bytes as canonical base64url without padding") from None
    if len(data) != size:
        raise Malformed("id.size", f"{size} bytes are asked here, this text holds {len(data)}")
    return data


def encode_segment(data: bytes) -> bytes:
    """`data` as canonical unpadded base64url, in ASCII bytes."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=")


def decode_segment(segment: bytes) -> bytes:
    """The bytes that `segment` spells; `ValueError` unless `encode_segment` gives it back exactly.

    Equal to "decode, re-encode, compare" and half as dear; the tests hold the two against each
    other.
    """
    rest = len(segment) & 3
    padding = _PADDING[rest]
    if padding is None or (rest and segment[-1] not in _LAST[rest]):
        raise ValueError("not canonical base64url")
    return binascii.a2b_base64(segment.translate(_FROM_URL) + padding, strict_mode=True)
