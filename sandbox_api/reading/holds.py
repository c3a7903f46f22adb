"""Holds as they are told: what is reserved, for whom, how much of it was taken.

An account's open holds are found by a look-up row, page by page; nothing is scanned. One whose time
is over stands here until the writer's next batch ends it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ledger.core.amount import TENGE_SCALE, format_amount
from ledger.core.hold import Hold
from ledger.core.ids import b64
from ledger.core.needs import Need
from ledger.core.objects import Object, body_of
from ledger.kinds.hold import OPEN
from ledger.store.reader import Snapshot
from sandbox_api.reading.entries import Scales
from sandbox_api.reading.known import object_of, page_of
from sandbox_api.wire_holds import HoldBody, HoldsBody

HOLD: Final = "hold"
"""The type of object."""


def hold(view: Snapshot, id: bytes) -> HoldBody | None:
    """A hold by its id, whatever became of it; None where there is none."""
    found = object_of(view, HOLD, id)
    return None if found is None else _bodies(view, (found,))[0]


def open_holds(view: Snapshot, account: bytes, after: bytes, limit: int) -> HoldsBody:
    """A page of the open holds from and for an account, oldest `not_after` first."""
    page, more = page_of(view, HOLD, OPEN, account, after, limit)
    return HoldsBody(_bodies(view, page), more)


def _bodies(view: Snapshot, found: Sequence[Object]) -> tuple[HoldBody, ...]:
    needs: list[Need] = [("account", one.key) for one in found]
    accounts, scales = view.load(needs), Scales(view)
    bodies = []
    for one, need in zip(found, needs, strict=True):
        body, account = body_of(one, Hold), accounts[need]
        scale = scales.of(account.asset)
        bodies.append(
            HoldBody(
                id=b64(one.key),
                from_=body.payer,
                to=body.payee,
                asset=account.asset,
                amount=format_amount(body.amount, scale),
                captured=format_amount(body.captured, scale),
                left=format_amount(account.balance, scale),
                value=None if body.value is None else format_amount(body.value, TENGE_SCALE),
                payment=body.payment,
                status=one.status,
                ends_at=one.due,
                written=one.written,
            )
        )
    return tuple(bodies)
