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
from ledger.kinds.kind import ANYONE, Kind, account_needs, answers_for, asset_of, id_of, payload_of

IN_USE = (
    ("hold", "open"), ("lock", "open"), ("link", "deposit"), ("purse", "open"), ("mark", "budget"),
    ("taxpayer", "account"), ("taxpayer", "budget"), ("vat_claim", "to"),
)  # fmt: skip
"""Look-ups by account, as (type of object, name), of what must end before the account can."""


class CloseAccount(Payload, frozen=True, forbid_unknown_fields=True, tag="account_close/1"):
    """`account`: its id."""

    account: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    id = id_of(payload_of(tx, CloseAccount).account)
    yield from account_needs(known, id)
    yield ("object", "link", id)
    for type_, name in IN_USE:
        yield ("lookup", type_, name, id)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    id = id_of(payload_of(tx, CloseAccount).account)
    account = known.account(id)
    if account is None or not answers_for(known, account, signer):
        return refused(Code.NO_AUTHORITY, KIND.name, member="account")
    if account.kind != AccountKind.WALLET:
        return refused(Code.ACCOUNT_KIND, KIND.name, member="account", kind=account.kind.value)
    if account.status != "open":
        return refused(Code.ACCOUNT_NOT_OPEN, KIND.name, member="account", status=account.status)
    if account.balance:
        held = format_amount(account.balance, asset_of(known, account.asset, KIND.name).scale)
        return refused(Code.ACCOUNT_NOT_EMPTY, KIND.name, asset=account.asset, balance=held)
    if (waits := _in_use_by(known, id)) is not None:
        return refused(Code.ACCOUNT_IN_USE, KIND.name, by=waits)
    return Plan(statuses=((id, "closed"),), facts={"account": b64(id)})


def _in_use_by(known: Known, id: bytes) -> str | None:
    """The type of an object that could still move money here, or None."""
    link = known.object("link", id)
    if link is not None and link.status == "active":
        return "link"
    return next((type_ for type_, name in IN_USE if known.lookup(type_, name, id)), None)


KIND = Kind(CloseAccount, ANYONE, _plan, _needs)
