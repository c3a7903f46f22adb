"""dispose/1: let go of what was seized: from the reserve to the wallet of an exchange or issuer.

Signed by the central bank, whose reserve it is. That two of its keys agree is the pack's to ask
(`approvals/1`). To sell is no payment; to anybody but an exchange or issuer it is not disposed of.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.amount import parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Label, Payload, Signer, Transaction
from ledger.kinds.kind import (
    Kind,
    account_needs,
    asset_of,
    id_of,
    movement_between,
    party_of,
    payload_of,
    receiving_account,
    require,
)
from ledger.kinds.seize import reserve_needs, reserve_of
from ledger.rules.rule import SELLS_TO


class Dispose(Payload, frozen=True, forbid_unknown_fields=True, tag="dispose/1"):
    """`to`: whose asset says which reserve it comes from. `amount` in that asset. `order`:
    reference of the decision."""

    to: Id
    amount: AmountText
    order: Label


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    id = id_of(payload_of(tx, Dispose).to)
    yield from account_needs(known, id)
    account = known.values.get(("account", id))
    if account is not None:
        yield from reserve_needs(known, account.asset)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Dispose)
    target = receiving_account(known, id_of(payload.to), KIND.name, "to")
    if party_of(known, target.owner, KIND.name).role not in SELLS_TO:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="to")
    asset = asset_of(known, target.asset, KIND.name)
    source = require(
        reserve_of(known, asset.code),
        Code.ACCOUNT_UNKNOWN,
        KIND.name,
        member="reserve",
        asset=asset.code,
    )
    amount = parse_amount(payload.amount, asset.scale)
    return Plan(
        movements=(movement_between(known, source, target, amount, "dispose"),),
        facts={"reserve": b64(source.id)},
    )


KIND = Kind(Dispose, frozenset({Role.CENTRAL_BANK}), _plan, _needs)
