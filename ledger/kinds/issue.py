"""issue/1: bring new money into being. Only the asset's issuer signs: for digital tenge that is the
central bank, and it issues to banks and the treasury alone (two tiers).
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core import counters
from ledger.core.amount import parse_amount
from ledger.core.asset import AssetClass
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.kind import (
    Kind,
    account_needs,
    asset_of,
    id_of,
    issue_account,
    movement_between,
    payload_of,
    receiving_account,
)

FIRST_TIER = frozenset({Role.BANK, Role.TREASURY})
"""Who may receive digital tenge from the central bank itself."""


class Issue(Payload, frozen=True, forbid_unknown_fields=True, tag="issue/1"):
    """`amount` in the asset of the account `to`."""

    to: Id
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    to = id_of(payload_of(tx, Issue).to)
    yield from issue_needs(known, to)
    account = known.values.get(("account", to))
    if account is not None:
        yield ("counter", counters.ISSUED, 0, account.asset.encode(), "")


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Issue)
    target = receiving_account(known, id_of(payload.to), KIND.name, "to")
    asset = asset_of(known, target.asset, KIND.name)
    if asset.issuer != b64(signer.id):
        return refused(Code.NOT_ISSUER, KIND.name, asset=asset.code)
    source = issue_account(known, asset)
    amount = parse_amount(payload.amount, asset.scale)
    movement = movement_between(known, source, target, amount, "issue")
    if asset.class_ == AssetClass.DIGITAL_TENGE and movement.target_party.role not in FIRST_TIER:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="to")
    return Plan(movements=(movement,))


def issue_needs(known: Known, id: bytes) -> Iterator[Need]:
    """Needs of a movement between this account and the issue account of its asset."""
    yield from account_needs(known, id)
    account = known.values.get(("account", id))
    asset = account and known.values.get(("object", "asset", account.asset.encode()))
    if asset:
        yield from account_needs(known, id_of(asset.body.issue_account))


KIND = Kind(
    Issue,
    frozenset({Role.CENTRAL_BANK, Role.BANK, Role.ISSUER, Role.EXCHANGE}),
    _plan,
    _needs,
)
