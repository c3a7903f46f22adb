"""Entries and refusals as they are told: out of a leaf, or out of refused bytes and their reasons.

Shared by transactions, statements and the one sequence of events, over HTTP and over the stream.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, NamedTuple

import msgspec

from ledger.core.amount import format_amount
from ledger.core.asset import Asset
from ledger.core.ids import b64
from ledger.core.objects import body_of
from ledger.core.transaction import Request, Transaction
from ledger.kinds import KINDS, read
from ledger.log.leaf import Leaf, decode_leaf
from ledger.store.base import StoredRefusal
from ledger.store.reader import Snapshot
from sandbox_api.problems import ReasonBody, audible, reason_body
from sandbox_api.reading.known import decode_reasons, object_of
from sandbox_api.wire import PostingBody

_NEAR: Final = 64
"""Entries that lie no further apart are read in one go, with those between them."""


class Told(NamedTuple):
    """What there is to tell of any transaction, accepted or refused."""

    id: str
    kind: str
    signer: str
    payload: dict[str, Any]
    request: str | None


class Entry(msgspec.Struct, frozen=True):
    """An entry: what was signed, and what the ledger made of it."""

    index: int
    at: int
    told: Told
    postings: tuple[PostingBody, ...]
    facts: Mapping[str, Any]
    pack: str
    leaf: bytes


class Scales:
    """Fraction digits of assets, each read once."""

    def __init__(self, view: Snapshot) -> None:
        self._view: Final = view
        self._known: Final[dict[str, int]] = {}

    def of(self, asset: str) -> int:
        """Fraction digits of a registered asset."""
        scale = self._known.get(asset)
        if scale is None:
            found = object_of(self._view, "asset", asset.encode())
            if found is None:
                raise AssertionError(f"{asset} moves and is not registered")
            scale = self._known[asset] = body_of(found, Asset).scale
        return scale


def entry_of(scales: Scales, leaf: bytes) -> Entry:
    """An entry from its leaf."""
    line = decode_leaf(leaf)
    return Entry(
        index=line.index,
        at=line.at,
        told=told_of(line.tx.encode()),
        postings=_postings(scales, line),
        facts=line.facts,
        pack=line.pack,
        leaf=leaf,
    )


def entry_at(view: Snapshot, index: int) -> Entry:
    """The entry at an index that the log has."""
    return entries_at(view, (index,))[index]


def entries_at(view: Snapshot, indexes: Collection[int]) -> dict[int, Entry]:
    """The entries at these indexes, which the log has."""
    scales = Scales(view)
    found: dict[int, Entry] = {}
    for start, stop in _runs(sorted(indexes)):
        for index, leaf in enumerate(view.leaves(start, stop), start):
            if index in indexes:
                found[index] = entry_of(scales, leaf)
    return found


def told_of(jws: bytes) -> Told:
    """What a transaction's bytes say; they were read strictly before they were stored."""
    transaction = read(jws, checked=True)
    payload = msgspec.to_builtins(transaction.payload)
    return Told(
        id=str(transaction.id),
        kind=kind_of(transaction),
        signer=b64(transaction.kid),
        payload=payload,
        request=next(
            (b64(e.id) for e in transaction.embedded if isinstance(e.body, Request)), None
        ),
    )


def kind_of(transaction: Transaction) -> str:
    """The versioned name of a transaction's kind."""
    return KINDS[type(transaction.payload)].name


def reasons_of(refusal: StoredRefusal, lang: str) -> tuple[ReasonBody, ...]:
    """A stored refusal's reasons as everyone may read them."""
    reasons = audible(decode_reasons(refusal.refusal.reasons))
    return tuple(reason_body(reason, lang) for reason in reasons)


def _runs(indexes: list[int]) -> list[tuple[int, int]]:
    """Indexes in order as (start, stop) runs that hold them all."""
    runs: list[tuple[int, int]] = []
    for index in indexes:
        if runs and index - runs[-1][1] < _NEAR:
            runs[-1] = (runs[-1][0], index + 1)
        else:
            runs.append((index, index + 1))
    return runs


def _postings(scales: Scales, leaf: Leaf) -> tuple[PostingBody, ...]:
    return tuple(
        PostingBody(
            posting.debit,
            posting.credit,
            posting.asset,
            format_amount(int(posting.amount), scales.of(posting.asset)),
        )
        for posting in leaf.postings
    )
