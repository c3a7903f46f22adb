"""Money that is locked for somebody until a condition is met or its time is over."""

from __future__ import annotations

import msgspec

TWO_PARTY, THREE_PARTY, HASH = "two_party", "three_party", "hash"
"""Conditions: the payer lets go, an arbiter decides, or whoever shows the secret."""


class Lock(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `lock`, owned by the payer; the account with the same key holds the
    money while it is locked.

    `payer`, `payee`: account ids as text. `amount`: minor units that were locked, which never
    changes (what is there is the account's balance). `ends_at`: ms UTC; at that moment the lock has
    ended. `arbiter`: a party id, "" but for three parties. `hash`: SHA-256 as text, "" but for hash
    locks; `preimage`: what was shown for it, as text, "" before. Status: `locked`, `released` (to
    the payee), `cancelled` or `expired` (back to the payer).
    """

    payer: str
    payee: str
    amount: int
    ends_at: int
    condition: str
    arbiter: str = ""
    hash: str = ""
    preimage: str = ""
