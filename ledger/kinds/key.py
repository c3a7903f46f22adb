"""key/1: register one more key of a party (a second device). Signed by the party itself, or by the
bank or central bank that registered it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Kid, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, id_of, party_need, party_of, payload_of
from ledger.kinds.party import is_registered, key_needs, key_object


class RegisterKey(Payload, frozen=True, forbid_unknown_fields=True, tag="key/1"):
    """`key`: one more public key (base64url, 43 characters) of `party`."""

    party: Id
    key: Kid


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, RegisterKey)
    yield party_need(payload.party)
    yield from key_needs(payload.key)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, RegisterKey)
    owner = id_of(payload.party)
    party = party_of(known, owner, KIND.name)
    if signer.id != owner and party.registrar != b64(signer.id):
        return refused(Code.NO_AUTHORITY, KIND.name, member="party")
    if is_registered(known, payload.key):
        return refused(Code.ALREADY_REGISTERED, KIND.name, member="key")
    return Plan(objects=(key_object(payload.key, owner),))


KIND = Kind(
    RegisterKey,
    ANYONE,
    _plan,
    _needs,
    keys=lambda payload: (payload.key,) if isinstance(payload, RegisterKey) else (),
)
