"""recover/1: the bank that registered a party gives it a new key after an identity proof.

It does so after a waiting time (rule `recovery/1`), in which any key in use of the party may veto
(`recover_veto/1`). The new public key is registered at once, `pending`: nobody else can take it
while it waits. When its time comes, `expire/1` puts it in use and ends the keys that are named.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key, thumbprint, unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.recovery import Recovery
from ledger.core.transaction import Id, Kid, Payload, Signer, Transaction
from ledger.errors import Malformed
from ledger.kinds.kind import DueKind, Kind, Refusal, id_of, party_need, party_of, payload_of
from ledger.kinds.party import is_registered, key_needs, key_object
from ledger.rules import recovery
from ledger.rules.pack import pack_in_force, parameters_in

REVOKED_MAX = 16
"""Keys that one recovery ends; what a party has beyond them is ended by `key_revoke/1`."""


class Recover(Payload, frozen=True, forbid_unknown_fields=True, tag="recover/1"):
    """`key`: the new public key of `party`. `revokes`: kids of the keys that end with it; none
    where they were revoked before. `proof`: SHA-256 of salt and record of the identity proof."""

    party: Id
    key: Kid
    revokes: Annotated[tuple[Kid, ...], Meta(max_length=REVOKED_MAX)]
    proof: Kid


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, Recover)
    yield party_need(payload.party)
    yield ("lookup", "recovery", "open", id_of(payload.party))
    yield ("object", "recovery", derive_key(tx.id, "recovery"))
    yield from key_needs(payload.key)
    for kid in payload.revokes:
        yield ("object", "key", unb64(kid, 32))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Recover)
    unb64(payload.proof, 32)
    owner = id_of(payload.party)
    party = party_of(known, owner, KIND.name)
    if party.registrar != b64(signer.id):
        return refused(Code.NO_AUTHORITY, KIND.name, member="party")
    if owner == signer.id or party.role == Role.OPERATOR:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="party")
    if is_registered(known, payload.key):
        return refused(Code.ALREADY_REGISTERED, KIND.name, member="key")
    if known.lookup("recovery", "open", owner):
        return refused(Code.STATUS_CONFLICT, KIND.name, status="open")
    _check_revoked(known, payload.revokes, owner)
    id = derive_key(tx.id, "recovery")
    due = at + _waiting_ms(known, at)
    body = Recovery(payload.key, payload.revokes, payload.proof, b64(signer.id), at)
    lookups = (("party", owner), ("open", owner))
    return Plan(
        objects=(
            Object("recovery", id, owner, "open", due, body, lookups, 0),
            structs.replace(key_object(payload.key, owner), status="pending"),
        ),
        facts={"recovery": b64(id), "due": due},
    )


def _check_revoked(known: Known, kids: tuple[str, ...], owner: bytes) -> None:
    """Each named once, of this party and in use; the first that is not is told."""
    if len(set(kids)) < len(kids):
        raise Malformed("recovery.revokes", "name each key once", "revokes")
    for kid in kids:
        key = known.object("key", unb64(kid, 32))
        if key is None or key.owner != owner:
            raise Refusal(refused(Code.NO_AUTHORITY, KIND.name, member="revokes"))
        if key.status != "active":
            raise Refusal(refused(Code.STATUS_CONFLICT, KIND.name, status=key.status))


def _waiting_ms(known: Known, at: int) -> int:
    """How long the pack in force has a recovery wait."""
    parameters = parameters_in(pack_in_force(known).in_force(at), recovery.Parameters)
    return (recovery.WAITING_S if parameters is None else parameters.waiting_s) * 1000


def after_recovery(object_: Object, status: str) -> Object:
    """The recovery when it is over: open no more, and due no more."""
    lookups = (("party", object_.owner),)
    return structs.replace(object_, status=status, due=None, lookups=lookups)


def pending_key(known: Known, body: Recovery) -> Object:
    """The new key, which waits."""
    key = known.object("key", thumbprint(unb64(body.key, 32)))
    if key is None or key.status != "pending":
        raise AssertionError(f"the key {body.key} of an open recovery is not pending")
    return key


def recovery_needs(object_: Object) -> Iterator[Need]:
    """Needs of ending a recovery: its keys."""
    body = body_of(object_, Recovery)
    yield ("object", "key", thumbprint(unb64(body.key, 32)))
    for kid in body.revokes:
        yield ("object", "key", unb64(kid, 32))


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The new key is in use, and the named ones are no more."""
    body = body_of(object_, Recovery)
    new = structs.replace(pending_key(known, body), status="active")
    named = [known.object("key", unb64(kid, 32)) for kid in body.revokes]
    old = (
        structs.replace(key, status="revoked")
        for key in named
        if key is not None and key.status == "active"
    )
    return Plan(objects=(after_recovery(object_, "done"), new, *old))


DUE = DueKind("recovery", _ended, lambda object_, known: recovery_needs(object_))
KIND = Kind(
    Recover,
    frozenset({Role.CENTRAL_BANK, Role.BANK}),
    _plan,
    _needs,
    keys=lambda payload: (payload.key,) if isinstance(payload, Recover) else (),
)
