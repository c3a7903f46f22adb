"""categories/1: attest what a merchant sells, for marks that admit payees by it. Its registrar
signs: the bank that keeps its accounts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.mark import Categories
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import GoodsCode, Id, Payload, Signer, Transaction
from ledger.kinds.kind import Kind, id_of, party_need, party_of, payload_of


class AttestCategories(Payload, frozen=True, forbid_unknown_fields=True, tag="categories/1"):
    """`codes` replace those that were attested before; none takes them away."""

    merchant: Id
    codes: Annotated[tuple[GoodsCode, ...], Meta(max_length=16)]


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, AttestCategories)
    yield party_need(payload.merchant)
    yield ("object", "categories", id_of(payload.merchant))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, AttestCategories)
    merchant = id_of(payload.merchant)
    party = party_of(known, merchant, KIND.name)
    if party.registrar != b64(signer.id):
        return refused(Code.NO_AUTHORITY, KIND.name, member="merchant")
    if party.role != Role.MERCHANT:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="merchant")
    body = Categories(payload.codes)
    return Plan(objects=(Object("categories", merchant, signer.id, "current", None, body, (), 0),))


KIND = Kind(AttestCategories, frozenset({Role.BANK}), _plan, _needs)
