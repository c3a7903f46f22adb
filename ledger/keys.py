"""Ed25519 keys (RFC 8032): ids, checking, making and signing. The one door to both libraries.

Beside keys it holds the two primitives that keep them: `wrap`/`unwrap` (AES-256-GCM) and
`derive_secret` (HKDF-SHA256), which `ledger.keyring` builds on.

libsodium (PyNaCl) verifies, everywhere and alone: two verifiers that differ on an edge case would
let one log be good here and bad there (D13). `cryptography` makes keys, signs, and reads and
writes JWK (RFC 8037) and PEM (PKCS 8). Signing is deterministic. A reader must not assume that a
signature is unique for its message: whoever holds the key can make others.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Final

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from nacl._sodium import ffi, lib  # type: ignore[import-not-found]

from ledger.core.ids import b64, thumbprint, unb64
from ledger.errors import Malformed

PUBLIC_KEY_BYTES: Final = 32
SEED_BYTES: Final = 32
SIGNATURE_BYTES: Final = 64
SECRET_BYTES: Final = 32
"""Key-encryption keys and derived secrets."""

_NONCE_BYTES: Final = 12

_NULL = ffi.NULL
_open = lib.crypto_sign_open
_is_valid_point = lib.crypto_core_ed25519_is_valid_point


def verify(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is good for `message` under `public_key`. Never raises on bytes.

    libsodium refuses S >= L, small-order and non-canonical keys and R. The GIL is released while
    it works, so threads verify in parallel. No copy comes back: both outputs are NULL.
    """
    if len(public_key) != PUBLIC_KEY_BYTES or len(signature) != SIGNATURE_BYTES:
        return False
    signed = signature + message
    return bool(_open(_NULL, _NULL, signed, len(signed), public_key) == 0)


def kid_of(public_key: bytes) -> str:
    """The key's id: its JWK thumbprint (RFC 7638, RFC 8037 appendix A.3), 43 characters."""
    return b64(thumbprint(public_key))


def check_public_key(raw: bytes) -> None:
    """Refuse a key that must not be registered; raises `Malformed` ("key.size", "key.point").

    Good is a canonically encoded point of the prime-order group. Under a small-order key one
    signature fits many messages, so its holder could deny what it signed.
    """
    if len(raw) != PUBLIC_KEY_BYTES:
        raise Malformed("key.size", f"an Ed25519 public key has 32 bytes, not {len(raw)}")
    if _is_valid_point(raw) != 1:
        raise Malformed("key.point", "these 32 bytes are no Ed25519 public key in canonical form")


def public_key_from_jwk(jwk: Mapping[str, object]) -> bytes:
    """The checked key of a public JWK: exactly kty, crv and x. Raises `Malformed` ("key.…")."""
    if "d" in jwk:
        raise Malformed("key.private", "send the public key only: drop the member d", "d")
    if set(jwk) != {"kty", "crv", "x"} or jwk["kty"] != "OKP" or jwk["crv"] != "Ed25519":
        raise Malformed("key.jwk", 'a key is {"kty":"OKP","crv":"Ed25519","x":…}, nothing else')
    raw = _member(jwk, "x")
    check_public_key(raw)
    return raw


def public_key_to_jwk(public_key: bytes) -> dict[str, str]:
    """The public JWK of a key."""
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(public_key)}


class SigningKey:
    """A private key. Its text forms are secrets; `repr` shows the id alone."""

    __slots__ = ("_private", "kid", "public_key")

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public_key: Final[bytes] = private.public_key().public_bytes_raw()
        self.kid: Final[str] = kid_of(self.public_key)

    def __repr__(self) -> str:
        return f"<SigningKey {self.kid}>"

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature; the same message always gives the same."""
        return self._private.sign(message)

    @classmethod
    def generate(cls) -> SigningKey:
        """A new key from the system's randomness."""
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def from_seed(cls, seed: bytes) -> SigningKey:
        """The key of a 32-byte seed (RFC 8032's private key)."""
        if len(seed) != SEED_BYTES:
            raise Malformed("key.seed", f"a seed has 32 bytes, not {len(seed)}")
        return cls(Ed25519PrivateKey.from_private_bytes(seed))

    @classmethod
    def from_jwk(cls, jwk: Mapping[str, object]) -> SigningKey:
        """The key of a private JWK (RFC 8037): kty, crv, x, d, where x must fit d."""
        if set(jwk) != {"kty", "crv", "x", "d"} or jwk["kty"] != "OKP" or jwk["crv"] != "Ed25519":
            raise Malformed("key.jwk", 'a private key is {"kty":"OKP","crv":"Ed25519","x":…,"d":…}')
        key = cls.from_seed(_member(jwk, "d"))
        if key.public_key != _member(jwk, "x"):
            raise Malformed("key.pair", "x is not the public key of d", "x")
        return key

    @classmethod
    def from_pem(cls, pem: bytes | str) -> SigningKey:
        """The key of an unencrypted PKCS 8 PEM, as `openssl genpkey -algorithm ed25519` writes."""
        try:
            text = pem.encode() if isinstance(pem, str) else pem
            private = load_pem_private_key(text, None)
        except (ValueError, TypeError, UnsupportedAlgorithm):
            raise Malformed("key.pem", "a PEM here is an unencrypted PKCS 8 private key") from None
        if not isinstance(private, Ed25519PrivateKey):
            raise Malformed("key.pem", "this PEM holds a key of another kind than Ed25519")
        return cls(private)

    @property
    def seed(self) -> bytes:
        """The 32-byte seed. Secret."""
        return self._private.private_bytes_raw()

    def to_jwk(self) -> dict[str, str]:
        """The private JWK. Secret."""
        return {**public_key_to_jwk(self.public_key), "d": b64(self.seed)}

    def to_jwk_text(self) -> str:
        """The private JWK as one line of JSON. Secret."""
        return json.dumps(self.to_jwk(), separators=(",", ":"))

    def to_pem(self) -> str:
        """The private key as PKCS 8 PEM, not encrypted. Secret."""
        form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self._private.private_bytes(*form).decode()


def wrap(secret: bytes, *, kek: bytes, context: bytes) -> bytes:
    """`secret` under the 32-byte key-encryption key: nonce, then AES-256-GCM's text and tag.

    `context` is authenticated, not stored: it says what the secret is for. The nonce is random,
    which is safe far beyond the number of times a keyring is written (NIST SP 800-38D: 2**32).
    """
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(kek).encrypt(nonce, secret, context)


def unwrap(wrapped: bytes, *, kek: bytes, context: bytes) -> bytes | None:
    """What `wrap` took; None where key, context or any bit differs."""
    if len(wrapped) <= _NONCE_BYTES:
        return None
    try:
        return AESGCM(kek).decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], context)
    except InvalidTag:
        return None


def derive_secret(root: bytes, *, context: bytes) -> bytes:
    """32 bytes that follow from `root` and `context` alone: HKDF-SHA256 (RFC 5869), no salt."""
    return HKDF(SHA256(), SECRET_BYTES, salt=None, info=context).derive(root)


def _member(jwk: Mapping[str, object], name: str) -> bytes:
    text = jwk[name]
    if not isinstance(text, str):
        raise Malformed("key.jwk", f"{name} is text: 43 characters of base64url", name)
    try:
        return unb64(text, 32)
    except Malformed as error:
        code = "key.size" if error.code == "id.size" else "key.base64"
        raise Malformed(code, str(error), name) from None
