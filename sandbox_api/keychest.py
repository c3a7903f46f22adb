"""What the sandbox keeps in the keyring, by name: the personas' root and the API keys of `up`."""

from __future__ import annotations

from typing import Final

from ledger.core.ids import b64
from ledger.keyring import Keyring, derive_seed
from ledger.keys import SECRET_BYTES, SigningKey, derive_secret
from sandbox_api.auth import KeyKind

PERSONAS_ROOT: Final = "personas"
"""The secret from which every persona's key follows."""

_KEY_BYTES: Final = 24
"""Random bytes in an API key (`sandbox_api.auth`)."""


def fix_personas(keyring: Keyring, seed: str) -> None:
    """Make the personas' keys follow from `seed`, which is thereby as public as they are.

    Raises StoreProblem where they follow from another secret already.
    """
    root = derive_secret(seed.encode().ljust(SECRET_BYTES, b"\0"), context=b"tenge-seed/1")
    keyring.put(PERSONAS_ROOT, root)


def persona_key(keyring: Keyring, name: str) -> SigningKey:
    """The key of the persona, or of the seeded till, of that short name."""
    root = keyring.secret(PERSONAS_ROOT, create=True)
    return SigningKey.from_seed(derive_seed(root, name))


def api_key(keyring: Keyring, kind: KeyKind) -> str:
    """The API key of that kind that `tenge up` prints, the same at every start. Secret if it is."""
    secret = keyring.secret(f"api-key/{kind.value}", create=True)
    return f"{kind.value}_{b64(secret[:_KEY_BYTES])}"
