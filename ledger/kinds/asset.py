"""asset/1: register an asset and the one party that issues it.

Digital tenge, deposits and cash are registered by the central bank; digital tenge is issued by the
central bank alone. Crypto classes and tokens are listed by a supervisor.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ledger.core.account import AccountKind
from ledger.core.asset import TENGE_CLASSES, Asset, AssetClass
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Opening, Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import Kind, id_of, party_need, party_of, payload_of

AssetCode = Annotated[
    str, Meta(min_length=2, max_length=12, pattern=r"^[A-Za-z][A-Za-z0-9]+$(?!\n)")
]

ISSUERS = frozenset({Role.CENTRAL_BANK, Role.BANK, Role.EXCHANGE, Role.ISSUER})
"""Roles that an issuer may have."""


class RegisterAsset(Payload, frozen=True, forbid_unknown_fields=True, tag="asset/1"):
    """`scale`: fraction digits, 0..8 (2 where counted in tenge). `asset_class`: core.asset."""

    code: AssetCode
    asset_class: AssetClass
    scale: Annotated[int, Meta(ge=0, le=8)]
    issuer: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, RegisterAsset)
    yield ("object", "asset", payload.code.encode())
    yield party_need(payload.issuer)
    yield ("account", derive_key(tx.id, "issue"))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, RegisterAsset)
    issuer = id_of(payload.issuer)
    party = party_of(known, issuer, KIND.name)
    in_tenge = payload.asset_class in TENGE_CLASSES
    if in_tenge != (signer.party.role == Role.CENTRAL_BANK):
        return refused(Code.ROLE_NOT_ADMITTED, KIND.name, role=signer.party.role.value)
    if payload.asset_class == AssetClass.DIGITAL_TENGE and party.role != Role.CENTRAL_BANK:
        return refused(Code.NOT_ISSUER, KIND.name, asset=payload.code)
    if party.role not in ISSUERS:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="issuer")
    if in_tenge and payload.scale != 2:
        return refused(Code.AMOUNT_FORM, KIND.name, member="scale", expected=2)
    if known.object("asset", payload.code.encode()) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name, asset=payload.code)
    account = derive_key(tx.id, "issue")
    body = Asset(payload.code, payload.asset_class, payload.scale, payload.issuer, b64(account))
    return Plan(
        openings=(Opening(account, issuer, payload.code, AccountKind.ISSUE),),
        objects=(Object("asset", payload.code.encode(), issuer, "active", None, body, (), 0),),
    )


KIND = Kind(RegisterAsset, frozenset({Role.CENTRAL_BANK, Role.SUPERVISOR}), _plan, _needs)
