"""What the HTTP API says of requests to pay. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ledger.core.transaction import Label
from sandbox_api.asked import AfterIdQuery
from sandbox_api.wire import IdText, Index, Size, TransactionText


class AskBody(msgspec.Struct, frozen=True):
    """A payee's signed request. `payee` and `payer` are parties; `to` is the account to be paid,
    `from` the account that was asked, null where the party was. `status`: `open`, `paid`,
    `declined`, `withdrawn` or `expired`; `ends_at` (ms UTC) is null unless it is open. `paid_by`:
    the account that paid, or null; `refunded` what of it was given back in its asset, and
    `refunded_tenge` in tenge. `written` is the entry that changed it last: of one that is paid, the
    entry that paid it."""

    id: IdText
    payee: IdText
    payer: IdText
    to: IdText
    from_: IdText | None = msgspec.field(name="from")
    asset: str
    amount: str
    reference: str
    status: str
    ends_at: int | None
    paid_by: IdText | None
    refunded: str
    refunded_tenge: str
    written: Index


class AsksBody(msgspec.Struct, frozen=True):
    """A page of a party's requests; `next` is the next page's `after`, null at the end."""

    asks: tuple[AskBody, ...]
    next: IdText | None


class AsksQuery(AfterIdQuery, frozen=True, forbid_unknown_fields=True):
    """Whose requests: those that wait for the party to pay, or all that it made."""

    side: Annotated[
        Literal["payer", "payee"],
        Meta(description="payer: open ones it is asked to pay; payee: all its own."),
    ] = "payer"


class PlainAskMade(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a plain request asks: `amount` of the asset of the account `to`, until `ends_at`."""

    to: IdText
    amount: Annotated[str, Meta(min_length=1, max_length=21)]
    reference: Label
    ends_at: Annotated[int, Meta(gt=0, lt=1 << 48, description="ms UTC, 90 days ahead at most.")]


class PlainPayment(msgspec.Struct, frozen=True):
    """The entry that pays a plain request: the first one that quotes it."""

    index: Index
    at: int
    id: TransactionText


class PlainAskBody(msgspec.Struct, frozen=True):
    """A plain request: nobody signed it, and whoever knows its id may pay it. `status`: `open`,
    `paid` or `expired`, as far as the first `size` entries of the ledger tell: a payment is an
    entry that brings exactly `amount` to `to` with the request's id as its nonce."""

    id: IdText
    to: IdText
    asset: str
    amount: str
    reference: str
    ends_at: int
    status: str
    payment: PlainPayment | None
    size: Size
