"""Frozen accounts, and the central bank's reserve of what was seized, now and at any past entry."""

from __future__ import annotations

from ledger.core.account import Account
from ledger.core.amount import format_amount
from ledger.core.freeze import FROZEN, Freeze, Policy, Reserve
from ledger.core.ids import b64
from ledger.core.objects import body_of
from ledger.store.reader import Snapshot
from sandbox_api.limits import LISTED_MAX
from sandbox_api.reading.entries import Scales
from sandbox_api.reading.known import account_of, id_bytes, object_of
from sandbox_api.wire_freeze import FreezeBody, ReserveBody, SeizedBody


def freeze_body(view: Snapshot, account: Account) -> FreezeBody | None:
    """The freeze on an account, None where it is not frozen."""
    found = object_of(view, "freeze", account.id) if account.status == FROZEN else None
    if found is None:
        return None
    body = body_of(found, Freeze)
    held = body.held if body.policy is Policy.HOLD else None
    return FreezeBody(body.order, body.policy.value, held, b64(found.owner), found.written)


def reserve(view: Snapshot, index: int | None) -> ReserveBody:
    """What the reserve holds just after an entry, the newest by default, in order of asset. An
    asset that was first seized later stands there with nothing."""
    size, scales = view.head().size, Scales(view)
    newest = index is None or index >= size - 1
    rows = []
    for found in view.objects("reserve", limit=LISTED_MAX):
        id = body_of(found, Reserve).account
        account = account_of(view, id_bytes(id))
        if account is None:
            raise AssertionError(f"the reserve names account {id}, which is not there")
        units = account.balance
        if index is not None and not newest:
            units = view.balance_at(account.number, index)
        amount = format_amount(units, scales.of(account.asset))
        rows.append(SeizedBody(account.asset, id, amount))
    return ReserveBody(size if newest or index is None else index + 1, tuple(rows))
