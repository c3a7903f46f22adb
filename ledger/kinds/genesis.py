"""genesis/1: how a ledger begins. Entry 0, signed by the central bank's first key.

The ledger's id is the first 16 bytes of SHA-256 of this payload, so the payload cannot name it:
its `ledger` is empty. `salt` holds 16 random bytes, so no two ledgers share an id.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Clock, Genesis, Object
from ledger.core.party import Party, Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Kid, Label, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, payload_of
from ledger.kinds.party import key_needs, key_object


class GenesisPayload(Payload, frozen=True, forbid_unknown_fields=True, tag="genesis/1"):
    """`central_bank`, `operator`: public keys (base64url, 43). `log_key`: the log's public key."""

    name: Label
    salt: Id
    central_bank: Kid
    operator: Kid
    log_key: Kid


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "genesis", b"")
    yield ("object", "clock", b"")
    for label in ("central_bank", "operator"):
        yield ("object", "party", derive_key(tx.id, label))
    for public in _keys(tx.payload)[:2]:
        yield from key_needs(public)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, GenesisPayload)
    if known.object("genesis", b"") is not None or payload.ledger:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    if payload.central_bank == payload.operator:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    central_bank, operator = derive_key(tx.id, "central_bank"), derive_key(tx.id, "operator")
    return Plan(
        objects=(
            Object(
                "genesis", b"", central_bank, "active", None,
                Genesis(payload.name, b64(central_bank), b64(operator), payload.log_key, at), (), 0,
            ),
            Object("clock", b"", operator, "active", None, Clock(0, None), (), 0),
            *_party(central_bank, central_bank, Role.CENTRAL_BANK, payload.central_bank),
            *_party(operator, central_bank, Role.OPERATOR, payload.operator),
        )
    )  # fmt: skip


def _party(id: bytes, registrar: bytes, role: Role, public: str) -> tuple[Object, Object]:
    return (
        Object("party", id, registrar, "active", None, Party(role, 3, b64(registrar)), (), 0),
        key_object(public, id),
    )


def _keys(payload: Payload) -> tuple[str, ...]:
    if not isinstance(payload, GenesisPayload):
        return ()
    return (payload.central_bank, payload.operator, payload.log_key)


KIND = Kind(GenesisPayload, ANYONE, _plan, _needs, _keys, without_pack=True, alone=True)
