"""vat_register/1: a taxpayer takes part in digital VAT. The treasury signs, and opens its VAT
account; `vat_attest/1` tells later what it has filed and whether it may claim excess back.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.account import AccountKind
from ledger.core.asset import AssetClass
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Opening, Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.core.vat import VAT, Taxpayer
from ledger.kinds.kind import (
    Kind,
    account_needs,
    asset_of,
    id_of,
    own_account,
    party_need,
    party_of,
    payload_of,
)

TAXPAYERS = frozenset({Role.MERCHANT, Role.BANK, Role.EXCHANGE, Role.ISSUER})
"""Who may be registered."""


class RegisterTaxpayer(Payload, frozen=True, forbid_unknown_fields=True, tag="vat_register/1"):
    """`budget`: the treasury's account that VAT is paid to. The VAT account's id is derived under
    "account"."""

    taxpayer: Id
    budget: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, RegisterTaxpayer)
    yield party_need(payload.taxpayer)
    yield ("object", "taxpayer", id_of(payload.taxpayer))
    yield from account_needs(known, id_of(payload.budget))
    yield ("account", derive_key(tx.id, "account"))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, RegisterTaxpayer)
    taxpayer = id_of(payload.taxpayer)
    if party_of(known, taxpayer, KIND.name).role not in TAXPAYERS:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="taxpayer")
    budget = own_account(known, id_of(payload.budget), signer, KIND.name)
    asset = asset_of(known, budget.asset, KIND.name)
    if asset.class_ != AssetClass.DIGITAL_TENGE:
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=asset.code)
    if budget.mark:
        return refused(Code.ACCOUNT_KIND, KIND.name, member="budget", kind=budget.kind.value)
    if known.object("taxpayer", taxpayer) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name, member="taxpayer")
    id = derive_key(tx.id, "account")
    if known.account(id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    body = Taxpayer(b64(id), payload.budget, exporter=False, filed_until=0)
    lookups = (("account", id), ("budget", budget.id))
    return Plan(
        openings=(Opening(id, taxpayer, budget.asset, AccountKind.WALLET, VAT),),
        objects=(Object("taxpayer", taxpayer, signer.id, "active", None, body, lookups, 0),),
        facts={"account": b64(id)},
    )


KIND = Kind(RegisterTaxpayer, frozenset({Role.TREASURY}), _plan, _needs)
