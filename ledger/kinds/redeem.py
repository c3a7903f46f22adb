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
    answers_for,
    asset_of,
    id_of,
    issue_account,
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
    id = id_of(payload.from_)
    account = known.account(id)
    if account is None or not answers_for(known, account, signer):
        return refused(Code.NO_AUTHORITY, KIND.name, member="from")
    asset = asset_of(known, account.asset, KIND.name)
    if asset.issuer != b64(signer.id):
        return refused(Code.NOT_ISSUER, KIND.name, asset=asset.code)
    source = open_account(known, id, KIND.name, "from")
    amount = parse_amount(payload.amount, asset.scale)
    target = issue_account(known, asset)
    return Plan(movements=(movement_between(known, source, target, amount, "redeem"),))


KIND = Kind(
    Redeem,
    frozenset({Role.CENTRAL_BANK, Role.BANK, Role.ISSUER, Role.EXCHANGE}),
    _plan,
    _needs,
)
