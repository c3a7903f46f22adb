"""What the HTTP API says of holds. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

import msgspec

from sandbox_api.wire import IdText, Index


class HoldBody(msgspec.Struct, frozen=True):
    """Money reserved on the account with the hold's own id: `amount` was held at first, `captured`
    of it was taken, `left` is there now. `from` and `to` are the wallets of payer and payee;
    `value` is what `amount` was worth in tenge when it was held, null where no rate says; `payment`
    is the payment that captures make where a till asked. `status`: `open`, `captured`, `void` or
    `expired`; `ends_at` (ms UTC) is null unless it is open. `written` is the entry that changed it
    last."""

    id: IdText
    from_: IdText = msgspec.field(name="from")
    to: IdText
    asset: str
    amount: str
    captured: str
    left: str
    value: str | None
    payment: IdText | None
    status: str
    ends_at: int | None
    written: Index


class HoldsBody(msgspec.Struct, frozen=True):
    """A page of an account's open holds; `next` is the next page's `after`, null at the end."""

    holds: tuple[HoldBody, ...]
    next: IdText | None
