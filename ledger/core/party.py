"""Parties and their keys: who acts on the ledger.

A party is pseudonymous: a role, a tier attested by whoever registered it, and keys. Names never
stand here (design D15). Both are objects of the state; their bodies are defined here.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Role(StrEnum):
    """What a party may be. A role says which kinds it may sign, never whose money it moves."""

    CENTRAL_BANK = "central_bank"
    OPERATOR = "operator"
    TREASURY = "treasury"
    SUPERVISOR = "supervisor"
    BANK = "bank"
    EXCHANGE = "exchange"
    ISSUER = "issuer"
    MERCHANT = "merchant"
    PERSON = "person"


class Party(msgspec.Struct, frozen=True):
    """Body of an object of type `party`; its key is 16 bytes derived from the registration.

    `tier` is the KYC tier 0..3 as attested by `registrar` (a party key, base64url).
    """

    role: Role
    tier: int
    registrar: str


class Key(msgspec.Struct, frozen=True):
    """Body of an object of type `key`; its key is the 32 bytes of the JWK thumbprint.

    `public` is the raw Ed25519 public key, base64url without padding (the JWK member `x`).
    """

    public: str
