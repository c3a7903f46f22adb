"""Transactions by their id, receipts, and the refusals."""

from __future__ import annotations

from ledger.core.ids import TransactionId
from ledger.store.base import StoredRefusal
from ledger.store.reader import Snapshot
from sandbox_api.reading.entries import entry_at, reasons_of, told_of
from sandbox_api.reading.log import receipt_text
from sandbox_api.wire import RefusalBody, RefusalsBody, TransactionOut


def transaction(view: Snapshot, text: str, lang: str) -> TransactionOut | None:
    """A transaction by its id: the entry, or else its last refusal, or None."""
    id = TransactionId.parse(text)
    index = view.find([id]).get(id)
    if index is None:
        refusal = view.refusal(id)
        return None if refusal is None else _refused(refusal, lang)
    entry = entry_at(view, index)
    return TransactionOut(
        id=entry.told.id,
        status="accepted",
        index=index,
        at=entry.at,
        kind=entry.told.kind,
        signer=entry.told.signer,
        payload=entry.told.payload,
        postings=entry.postings,
        facts=dict(entry.facts),
        pack=entry.pack,
        reasons=(),
        leaf=entry.leaf.decode(),
    )


def receipt(view: Snapshot, checkpoint: str, text: str) -> str | None:
    """The receipt of a transaction that the checkpoint counts, else None."""
    id = TransactionId.parse(text)
    index = view.find([id]).get(id)
    return None if index is None else receipt_text(view, checkpoint, index)


def refusals(view: Snapshot, before: int | None, limit: int, lang: str) -> RefusalsBody:
    """A page of refusals, newest first."""
    rows = view.refusals(before=before, limit=limit)
    bodies = tuple(_refusal(row, lang) for row in rows)
    full = len(rows) == limit and rows[-1].number > 1
    return RefusalsBody(bodies, rows[-1].number if full else None)


def _refused(refusal: StoredRefusal, lang: str) -> TransactionOut:
    told = told_of(refusal.refusal.jws)
    return TransactionOut(
        id=told.id,
        status="refused",
        index=None,
        at=refusal.refusal.at,
        kind=told.kind,
        signer=told.signer,
        payload=told.payload,
        postings=(),
        facts={},
        pack=None,
        reasons=reasons_of(refusal, lang),
        leaf=None,
    )


def _refusal(row: StoredRefusal, lang: str) -> RefusalBody:
    told = told_of(row.refusal.jws)
    return RefusalBody(
        number=row.number,
        id=told.id,
        kind=told.kind,
        signer=told.signer,
        at=row.refusal.at,
        size=row.refusal.size,
        repeats=row.repeats,
        reasons=reasons_of(row, lang),
    )
