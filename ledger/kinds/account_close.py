"""account_close/1: close an account for good. Its owner signs, or who registered the owner.

It must be empty, and nothing that could still pay into it or out of it may wait for it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.account import AccountKind
from ledger.core.amount import format_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, account_needs, asset_of, id_of, party_of, payload_of


class CloseAccount(Payload, frozen=True, forbid_unknown_fields=True, tag="account_close/1"):
    """`account`: its id."""

    account: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from account_needs(known, id_of(payload_of(tx, CloseAccount).account))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    id = id_of(payload_of(tx, CloseAccount).account)
    account = known.account(id)
    if account is None:
        return refused(Code.NO_AUTHORITY, KIND.name, member="account")
    registrar = party_of(known, account.owner, KIND.name).registrar
    if signer.id != account.owner and registrar != b64(signer.id):
        return refused(Code.NO_AUTHORITY, KIND.name, member="account")
    if account.kind != AccountKind.WALLET:
        return refused(Code.ACCOUNT_KIND, KIND.name, member="account", kind=account.kind.value)
    if account.status != "open":
        return refused(Code.ACCOUNT_NOT_OPEN, KIND.name, member="account", status=account.status)
    if account.balance:
        held = format_amount(account.balance, asset_of(known, account.asset, KIND.name).scale)
        return refused(Code.ACCOUNT_NOT_EMPTY, KIND.name, asset=account.asset, balance=held)
    return Plan(statuses=((id, "closed"),), facts={"account": b64(id)})


KIND = Kind(CloseAccount, ANYONE, _plan, _needs)
