"""Requests to pay as they are told. Signed ones are objects of the ledger, found by look-up rows.

Plain ones are records of the sandbox's own store; whether one is paid is read from the ledger, by
going over the payee's statement from where the last reading stopped. What was found is remembered
with the record: it is a note of where to look, never a second truth.
"""

from __future__ import annotations

from typing import Final

from ledger.core.account import Account, AccountKind
from ledger.core.amount import TENGE_SCALE, format_amount, parse_amount
from ledger.core.ask import Ask
from ledger.core.decision import Code, Reason
from ledger.core.ids import b64, unb64
from ledger.core.objects import Object, body_of
from ledger.core.payment import Payment
from ledger.kinds.ask import OPEN_MAX_MS
from ledger.store.reader import Snapshot
from ledger.writer.answers import Declined
from sandbox_api.limits import PAGE_ROWS_MAX, PLAIN_ASK_ROWS_MAX
from sandbox_api.parts import Parts
from sandbox_api.problems import Refusal
from sandbox_api.reading.entries import Scales, entries_at, entry_at
from sandbox_api.reading.known import account_of, id_bytes, object_of, page_of
from sandbox_api.tenants import StoredPlainAsk
from sandbox_api.wire_asks import AskBody, AsksBody, PlainAskBody, PlainAskMade, PlainPayment

PLAIN: Final = "plain_ask/1"
"""Name under which the checks of plain requests give their reasons."""


def ask_body(view: Snapshot, id: bytes) -> AskBody | None:
    """A signed request by its id, whatever became of it; None where there is none."""
    found = object_of(view, "ask", id)
    return None if found is None else _body(view, Scales(view), found)


def asks_of(view: Snapshot, party: bytes, side: str, after: bytes, limit: int) -> AsksBody:
    """A page of what a party is asked for (`payer`) or of all it asked for (`payee`)."""
    page, more = page_of(view, "ask", side, party, after, limit)
    scales = Scales(view)
    return AsksBody(tuple(_body(view, scales, one) for one in page), more)


def take_plain(parts: Parts, tenant: int, id: bytes, asked: PlainAskMade) -> PlainAskBody:
    """Keep a plain request; raises Refusal where no transfer could ever pay it, Malformed."""
    now = parts.door.time()
    with parts.reader.snapshot() as view:
        account, size = account_of(view, id_bytes(asked.to)), view.head().size
        reason = _fault(account, asked, now)
        if reason is not None or account is None:
            unknown = Reason(Code.ACCOUNT_UNKNOWN, PLAIN, {"member": "to"})
            raise Refusal(Declined((reason or unknown,), now, size))
        amount = parse_amount(asked.amount, Scales(view).of(account.asset))
    stored = StoredPlainAsk(
        id, tenant, account.id, amount, asked.reference, asked.ends_at, size, None
    )
    parts.tenants.put_plain_ask(stored, now)
    return plain_body(parts, stored)


def plain_body(parts: Parts, stored: StoredPlainAsk) -> PlainAskBody:
    """A plain request with what the ledger says of it by now."""
    with parts.reader.snapshot() as view:
        account, size = account_of(view, stored.account), view.head().size
        if account is None:
            raise AssertionError(f"account {b64(stored.account)} was there and is not")
        paid, read = stored.paid, stored.read
        if paid is None:
            paid, read = _payment_of(view, account, stored, size)
        entry = None if paid is None else entry_at(view, paid)
        scale = Scales(view).of(account.asset)
    if (paid, read) != (stored.paid, stored.read):
        parts.tenants.note_plain_ask(stored.id, read, paid)
    status = "open" if parts.door.time() < stored.ends_at else "expired"
    return PlainAskBody(
        id=b64(stored.id),
        to=b64(stored.account),
        asset=account.asset,
        amount=format_amount(stored.amount, scale),
        reference=stored.reference,
        ends_at=stored.ends_at,
        status=status if entry is None else "paid",
        payment=None if entry is None else PlainPayment(entry.index, entry.at, entry.told.id),
        size=read,
    )


def _fault(account: Account | None, asked: PlainAskMade, now: int) -> Reason | None:
    """Why nobody could pay it."""
    if account is None:
        return Reason(Code.ACCOUNT_UNKNOWN, PLAIN, {"member": "to"})
    if account.kind != AccountKind.WALLET:
        return Reason(Code.ACCOUNT_KIND, PLAIN, {"member": "to", "kind": account.kind.value})
    if account.status != "open":
        return Reason(Code.ACCOUNT_NOT_OPEN, PLAIN, {"member": "to", "status": account.status})
    if not now < asked.ends_at <= now + OPEN_MAX_MS:
        return Reason(Code.DATES_CONFLICT, PLAIN, {"member": "ends_at"})
    return None


def _payment_of(
    view: Snapshot, account: Account, stored: StoredPlainAsk, size: int
) -> tuple[int | None, int]:
    """The first entry that pays a plain request, or None, and how many entries that takes in. Goes
    over a bounded part of the payee's statement: the next reading goes on from there."""
    wanted, read, walked = b64(stored.id), stored.read, 0
    while walked < PLAIN_ASK_ROWS_MAX:
        legs = view.statement(account.number, after=read - 1, limit=PAGE_ROWS_MAX)
        candidates = {leg.index for leg in legs if leg.amount == stored.amount}
        for index, entry in sorted(entries_at(view, candidates).items()):
            if entry.told.payload["nonce"] == wanted:
                return index, index + 1
        if len(legs) < PAGE_ROWS_MAX:
            return None, size
        walked += len(legs)
        read = legs[-1].index + 1
    return None, read


def _body(view: Snapshot, scales: Scales, found: Object) -> AskBody:
    ask = body_of(found, Ask)
    account = account_of(view, unb64(ask.payee, 16))
    if account is None:
        raise AssertionError(f"ask {b64(found.key)} names an account that is not there")
    scale = scales.of(account.asset)
    back = back_tenge = 0
    payment = object_of(view, "payment", found.key) if found.status == "paid" else None
    if payment is not None:
        paid = body_of(payment, Payment)
        back, back_tenge = paid.refunded, paid.refunded_tenge
    return AskBody(
        id=b64(found.key),
        payee=b64(found.owner),
        payer=ask.payer,
        to=ask.payee,
        from_=ask.account or None,
        asset=account.asset,
        amount=format_amount(ask.amount, scale),
        reference=ask.reference,
        status=found.status,
        ends_at=found.due,
        paid_by=ask.paid_by or None,
        refunded=format_amount(back, scale),
        refunded_tenge=format_amount(back_tenge, TENGE_SCALE),
        written=found.written,
    )
