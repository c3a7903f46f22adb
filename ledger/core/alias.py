"""Aliases: names under which an account can be paid, bound to it by a commitment.

The log holds SHA-256 of salt, form and word (`commitment_of`) and never the word itself: a phone
number or a name is a record beside the log (design D15), kept and forgotten by whoever took it.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

PHONE = "phone"
"""Form: a telephone number, which a bank has checked."""
RANDOM = "random"
"""Form: a word drawn at random."""
ONE_TIME = "one_time"
"""Form: such a word, spent by its first payment."""
BANK = "bank"
"""Form: a word that clients of the payee's own bank can pay to."""

SALT_BYTES = 16
"""Random bytes in a commitment: a number has too few digits to be hidden by a hash alone."""


class Alias(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `alias`; its key is the commitment (32 bytes), its owner the
    account's. `account`: the id in base64url. Status: `active`, `dropped`, `spent`, `expired`; its
    due time, if any, is when it expires. Look-up: `account`, while it is active."""

    account: str
    form: str


def commitment_of(salt: bytes, form: str, word: str) -> bytes:
    """The 32 bytes that stand for a word in the log. Lengths are part of what is hashed, so that no
    two triples are one."""
    parts = (salt, form.encode(), word.encode())
    return sha256(b"".join(len(part).to_bytes(2, "big") + part for part in parts)).digest()
