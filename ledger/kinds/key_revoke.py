"""key_revoke/1: end a key. Any key in use of the party signs, or the bank or central bank that
registered it: a lost phone is blocked by whichever of them hears of it first.

What the key has signed and what has not yet arrived is refused from this entry on.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, unb64
from ledger.core.needs import Known, Need
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Kid, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, party_of, payload_of


class RevokeKey(Payload, frozen=True, forbid_unknown_fields=True, tag="key_revoke/1"):
    """`kid`: the key's id (base64url, 43 characters)."""

    kid: Kid


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    kid = unb64(payload_of(tx, RevokeKey).kid, 32)
    need: Need = ("object", "key", kid)
    yield need
    key = known.values.get(need)
    if key is None:
        return
    yield ("object", "party", key.owner)
    if kid == tx.kid:
        listed: Need = ("lookup", "key", "party", key.owner)
        yield listed
        for other in known.values.get(listed, ())[:2]:
            yield ("object", "key", other)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    kid = unb64(payload_of(tx, RevokeKey).kid, 32)
    key = known.object("key", kid)
    if key is None:
        return refused(Code.NO_AUTHORITY, KIND.name, member="kid")
    party = party_of(known, key.owner, KIND.name)
    if signer.id != key.owner and party.registrar != b64(signer.id):
        return refused(Code.NO_AUTHORITY, KIND.name, member="kid")
    if party.role == Role.OPERATOR:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="kid")
    if key.status != "active":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=key.status)
    if kid == signer.kid and not _has_another(known, key.owner, kid):
        return refused(Code.KEY_LAST, KIND.name, kid=b64(kid))
    return Plan(objects=(structs.replace(key, status="revoked"),), facts={"party": b64(key.owner)})


def _has_another(known: Known, owner: bytes, kid: bytes) -> bool:
    """Whether the party has a key in use beside this one."""
    for other in known.lookup("key", "party", owner):
        key = None if other == kid else known.object("key", other)
        if key is not None and key.status == "active":
            return True
    return False


KIND = Kind(RevokeKey, ANYONE, _plan, _needs)
