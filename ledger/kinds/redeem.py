"""redeem/1: take money out of being. Only the asset's issuer signs, and only against an account of
its own or of a party it registered: the central bank redeems from banks, never from people.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.amount import parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.issue import issue_needs
from ledger.kinds.kind import (
    Kind,
    asset_of,
    id_of,
    movement_between,
    open_account,
    payload_of,
)


class Redeem(Payload, frozen=True, forbid_unknown_fields=True, tag="redeem/1"):
    """`amount` in the asset of the account `from`."""

    from_: Id = msgspec.field(name="from")
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from issue_needs(known, id_of(payload_of(tx, Redeem).from_))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Redeem)
    source = open_account(known, id_of(payload.from_), KIND.name, "from")
    asset = asset_of(known, source.asset, KIND.name)
    if asset.issuer != b64(signer.id):
        return refused(Code.NOT_ISSUER, KIND.name, asset=asset.code)
    target = open_account(known, id_of(asset.issue_account), KIND.name, "issue_account")
    amount = parse_amount(payload.amount, asset.scale)
    movement = movement_between(known, source, target, amount, "redeem")
    if source.owner != signer.id and movement.source_party.registrar != b64(signer.id):
        return refused(Code.NO_AUTHORITY, KIND.name, member="from")
    return Plan(movements=(movement,))


KIND = Kind(Redeem, frozenset({Role.CENTRAL_BANK, Role.ISSUER, Role.EXCHANGE}), _plan, _needs)
