"""tier/1: attest another KYC tier of a party. Signed by whoever registered it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.party import Party, Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import Kind, id_of, party_need, payload_of, require


class AttestTier(Payload, frozen=True, forbid_unknown_fields=True, tag="tier/1"):
    """`tier` 0..3 replaces the party's own."""

    party: Id
    tier: Annotated[int, Meta(ge=0, le=3)]


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield party_need(payload_of(tx, AttestTier).party)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, AttestTier)
    object_ = require(known.object("party", id_of(payload.party)), Code.PARTY_UNKNOWN, KIND.name)
    party = object_.body
    if not isinstance(party, Party) or party.registrar != b64(signer.id):
        return refused(Code.NO_AUTHORITY, KIND.name, member="party")
    body = structs.replace(party, tier=payload.tier)
    return Plan(objects=(structs.replace(object_, body=body),))


KIND = Kind(AttestTier, frozenset({Role.CENTRAL_BANK, Role.BANK}), _plan, _needs)
