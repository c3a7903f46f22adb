"""Purses and what was paid with them, as they are told. Found by look-up rows, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledger.core.amount import format_amount
from ledger.core.ids import b64, unb64
from ledger.core.needs import Need
from ledger.core.objects import Object, body_of
from ledger.core.offline import LOADED
from ledger.core.purse import Purse, Settled
from ledger.store.reader import Snapshot
from sandbox_api.reading.entries import Scales
from sandbox_api.reading.known import object_of, page_of
from sandbox_api.wire import Jwk
from sandbox_api.wire_purses import PurseBody, PursePaymentBody, PursePaymentsBody, PursesBody

PURSE: Final = "purse"
PAYMENT: Final = "purse_payment"
"""Types of objects."""

_LOADED: Final = b64(LOADED)


def purse(view: Snapshot, id: bytes) -> PurseBody | None:
    """A purse by its id, whatever became of it; None where there is none."""
    found = object_of(view, PURSE, id)
    return None if found is None else _purses(view, (found,))[0]


def purses_of(view: Snapshot, wallet: bytes, after: bytes, limit: int) -> PursesBody:
    """A page of the purses that are emptied into a wallet, closed or not."""
    found, next_ = page_of(view, PURSE, "account", wallet, after, limit)
    return PursesBody(_purses(view, found), next_)


def payment(view: Snapshot, id: bytes) -> PursePaymentBody | None:
    """A settled payment by its id; None where it was not brought in yet."""
    found = object_of(view, PAYMENT, id)
    return None if found is None else _payments(view, (found,))[0]


def payments_of(view: Snapshot, account: bytes, after: bytes, limit: int) -> PursePaymentsBody:
    """A page of the settled payments of a purse or to an account."""
    found, next_ = page_of(view, PAYMENT, "account", account, after, limit)
    return PursePaymentsBody(_payments(view, found), next_)


def _purses(view: Snapshot, found: Sequence[Object]) -> tuple[PurseBody, ...]:
    needs: list[Need] = [("account", one.key) for one in found]
    accounts, scales = view.load(needs), Scales(view)
    made: list[PurseBody] = []
    for one in found:
        body, account = body_of(one, Purse), accounts["account", one.key]
        scale = scales.of(account.asset)
        made.append(
            PurseBody(
                id=b64(one.key),
                status=one.status,
                owner=b64(one.owner),
                home=body.home,
                bank=body.bank,
                covers=body.covers,
                bearer=body.bearer,
                device=Jwk("OKP", "Ed25519", body.device),
                asset=account.asset,
                balance=format_amount(account.balance, scale),
                payment_max=format_amount(body.payment_max, scale),
                purse_max=format_amount(body.purse_max, scale),
                hops=body.hops,
                loaded=format_amount(body.loaded, scale),
                covered=format_amount(body.covered, scale),
                ends_at=body.ends_at,
                closes_at=one.due,
                written=one.written,
            )
        )
    return tuple(made)


def _payments(view: Snapshot, found: Sequence[Object]) -> tuple[PursePaymentBody, ...]:
    needs: list[Need] = [("account", unb64(body_of(one, Settled).purse, 16)) for one in found]
    accounts, scales = view.load(needs), Scales(view)
    made: list[PursePaymentBody] = []
    for one, need in zip(found, needs, strict=True):
        body, asset = body_of(one, Settled), accounts[need].asset
        scale = scales.of(asset)
        made.append(
            PursePaymentBody(
                id=b64(one.key),
                status=one.status,
                purse=body.purse,
                payee=body.payee,
                counter=body.counter,
                previous=body.previous,
                source=None if body.source == _LOADED else body.source,
                asset=asset,
                amount=format_amount(body.amount, scale),
                paid=format_amount(body.paid, scale),
                written=one.written,
            )
        )
    return tuple(made)
