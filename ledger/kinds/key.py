"""key/1: register one more key of a party (a second device). Only a key of the party itself signs:
its bank gave it the first one (`party/1`), and gives another by `recover/1` alone, which waits and
can be vetoed.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Kid, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of
from ledger.kinds.party import is_registered, key_needs, key_object


class RegisterKey(Payload, frozen=True, forbid_unknown_fields=True, tag="key/1"):
    """`key`: one more public key (base64url, 43 characters) of `party`."""

    party: Id
    key: Kid


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from key_needs(payload_of(tx, RegisterKey).key)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, RegisterKey)
    owner = id_of(payload.party)
    if signer.id != owner:
        return refused(Code.NO_AUTHORITY, KIND.name, member="party")
    if is_registered(known, payload.key):
        return refused(Code.ALREADY_REGISTERED, KIND.name, member="key")
    return Plan(objects=(key_object(payload.key, owner),))


def _only_key(signer: Signer, known: Known) -> bool:
    """Whether the party never had another key than the one that signs."""
    return known.lookup("key", "party", signer.id) == (signer.kid,)


KIND = Kind(
    RegisterKey,
    ANYONE,
    _plan,
    _needs,
    lone=_only_key,
    keys=lambda payload: (payload.key,) if isinstance(payload, RegisterKey) else (),
)
