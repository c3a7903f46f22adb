"""party/1: register a party with its first key. Two tiers: the central bank registers institutions,
banks register their clients. `tier` is the KYC tier the registrar attests, 0..3.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key, thumbprint, unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Key, Party, Role
from ledger.core.plan import Plan
from ledger.core.transaction import Kid, Payload, Signer, Transaction
from ledger.kinds.kind import Kind, payload_of

MAY_REGISTER: dict[Role, frozenset[Role]] = {
    Role.CENTRAL_BANK: frozenset(
        {Role.TREASURY, Role.SUPERVISOR, Role.BANK, Role.EXCHANGE, Role.ISSUER}
    ),
    Role.BANK: frozenset({Role.MERCHANT, Role.PERSON}),
}
"""Registrar's role to the roles it may register."""


class RegisterParty(Payload, frozen=True, forbid_unknown_fields=True, tag="party/1"):
    """`key`: the party's first public key (base64url, 43 characters)."""

    role: Role
    tier: Annotated[int, Meta(ge=0, le=3)]
    key: Kid


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "party", derive_key(tx.id, "party"))
    yield from key_needs(payload_of(tx, RegisterParty).key)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, RegisterParty)
    if payload.role not in MAY_REGISTER[signer.party.role]:
        return refused(Code.ROLE_NOT_ADMITTED, KIND.name, role=payload.role.value)
    if is_registered(known, payload.key):
        return refused(Code.ALREADY_REGISTERED, KIND.name, member="key")
    id = derive_key(tx.id, "party")
    party = Party(payload.role, payload.tier, b64(signer.id))
    return Plan(
        objects=(
            Object("party", id, signer.id, "active", None, party, (), 0),
            key_object(payload.key, id),
        )
    )


def key_needs(public: str) -> Iterator[Need]:
    """Needs of registering a public key: no till and no party may have it already."""
    kid = thumbprint(unb64(public, 32))
    yield ("object", "key", kid)
    yield ("object", "terminal", kid)


def is_registered(known: Known, public: str) -> bool:
    """Whether this public key is some party's or some till's already."""
    kid = thumbprint(unb64(public, 32))
    return known.object("key", kid) is not None or known.object("terminal", kid) is not None


def key_object(public: str, owner: bytes) -> Object:
    """The key as the ledger remembers it."""
    return Object(
        "key", thumbprint(unb64(public, 32)), owner, "active", None, Key(public),
        (("party", owner),), 0,
    )  # fmt: skip


KIND = Kind(
    RegisterParty,
    frozenset(MAY_REGISTER),
    _plan,
    _needs,
    keys=lambda payload: (payload.key,) if isinstance(payload, RegisterParty) else (),
)
