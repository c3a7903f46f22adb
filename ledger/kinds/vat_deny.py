"""vat_deny/1: the treasury denies a claim before it is due. The payments may be claimed again."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Label, Payload, Signer, Transaction
from ledger.kinds.claims import claim_needs, denied
from ledger.kinds.kind import Kind, id_of, payload_of, require


class DenyClaim(Payload, frozen=True, forbid_unknown_fields=True, tag="vat_deny/1"):
    """`order`: reference of the decision."""

    claim: Id
    order: Label


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    need: Need = ("object", "vat_claim", id_of(payload_of(tx, DenyClaim).claim))
    yield need
    claim = known.values.get(need)
    if claim is not None:
        yield from claim_needs(claim, known)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, DenyClaim)
    found = require(
        known.object("vat_claim", id_of(payload.claim)),
        Code.CLAIM_UNKNOWN,
        KIND.name,
        claim=payload.claim,
    )
    taxpayer = known.object("taxpayer", found.owner)
    if taxpayer is None or taxpayer.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="claim")
    if found.status != "open":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=found.status)
    return denied(found, known)


KIND = Kind(DenyClaim, frozenset({Role.TREASURY}), _plan, _needs)
