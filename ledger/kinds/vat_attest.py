"""vat_attest/1: the treasury attests what a taxpayer has filed, and whether it may claim excess
VAT back (exporters and their like).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Ms, Payload, Signer, Transaction
from ledger.core.vat import Taxpayer
from ledger.kinds.kind import Kind, id_of, payload_of, require


class AttestTaxpayer(Payload, frozen=True, forbid_unknown_fields=True, tag="vat_attest/1"):
    """`filed_until` (ms UTC) and `exporter` replace what was attested before."""

    taxpayer: Id
    exporter: bool
    filed_until: Ms


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "taxpayer", id_of(payload_of(tx, AttestTaxpayer).taxpayer))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, AttestTaxpayer)
    found = require(
        known.object("taxpayer", id_of(payload.taxpayer)),
        Code.VAT_UNREGISTERED,
        KIND.name,
        party=payload.taxpayer,
    )
    if found.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="taxpayer")
    if payload.filed_until > at:
        return refused(Code.DATES_CONFLICT, KIND.name, member="filed_until")
    body = structs.replace(
        body_of(found, Taxpayer), exporter=payload.exporter, filed_until=payload.filed_until
    )
    return Plan(objects=(structs.replace(found, body=body),))


KIND = Kind(AttestTaxpayer, frozenset({Role.TREASURY}), _plan, _needs)
