"""forced_debit/1: pay a creditor from a debtor's account by a court's order, frozen or not.

Tenge only; crypto is seized (`seize/1`). The debtor signs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.account import Account, AccountKind
from ledger.core.amount import parse_amount
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Code, Refused, refused
from ledger.core.freeze import FROZEN
from ledger.core.needs import Known, Need
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Label, Payload, Signer, Transaction
from ledger.kinds.kind import (
    Kind,
    Refusal,
    account_needs,
    asset_of,
    id_of,
    movement_between,
    payload_of,
    receiving_account,
)


class ForcedDebit(Payload, frozen=True, forbid_unknown_fields=True, tag="forced_debit/1"):
    """`from`: a wallet, or what is held beside a frozen one; `to`: the creditor's account, of
    another party. `amount` in the asset of both. `order`: the order's reference."""

    from_: Id = msgspec.field(name="from")
    to: Id
    amount: AmountText
    order: Label


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, ForcedDebit)
    yield from account_needs(known, id_of(payload.from_), id_of(payload.to))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, ForcedDebit)
    source = debtors_account(known, id_of(payload.from_), KIND.name)
    asset = asset_of(known, source.asset, KIND.name)
    if asset.class_ not in TENGE_CLASSES:
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=asset.code)
    target = receiving_account(known, id_of(payload.to), KIND.name, "to")
    if target.owner == source.owner:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="to")
    amount = parse_amount(payload.amount, asset.scale)
    return Plan(movements=(movement_between(known, source, target, amount, "forced_debit"),))


def debtors_account(known: Known, id: bytes, kind: str) -> Account:
    """The account that an order reaches: a wallet, open or frozen, or what is held beside one.
    ACCOUNT_UNKNOWN, ACCOUNT_KIND (what is reserved for somebody else), ACCOUNT_NOT_OPEN."""
    account = known.account(id)
    if account is None:
        raise Refusal(refused(Code.ACCOUNT_UNKNOWN, kind, member="from"))
    if account.kind not in (AccountKind.WALLET, AccountKind.HELD):
        raise Refusal(refused(Code.ACCOUNT_KIND, kind, member="from", kind=account.kind.value))
    if account.status not in ("open", FROZEN):
        raise Refusal(refused(Code.ACCOUNT_NOT_OPEN, kind, member="from", status=account.status))
    return account


KIND = Kind(ForcedDebit, frozenset({Role.SUPERVISOR}), _plan, _needs)
