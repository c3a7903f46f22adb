"""A batch in the making: accepted transactions become entries, refused ones rows beside the log.

It applies each accepted plan to the writer's state at once, so the next transaction of the batch is
decided on what came before; nothing is durable until the store has committed what `close` returns.
"""

from __future__ import annotations

from functools import lru_cache

import msgspec

from ledger.core.decision import Refused
from ledger.core.ids import TransactionId, b64
from ledger.core.state import State
from ledger.core.transaction import Transaction
from ledger.decide import Accepted
from ledger.log.leaf import Leaf, LeafPosting, write_leaf
from ledger.log.merkle import decode_frontier, encode_frontier, extend, leaf_hash
from ledger.store.base import Batch, EntryRow, Head, PostingRow, RefusalRow, TileRow, check_of

_text = lru_cache(maxsize=1 << 16)(b64)
"""Accounts' ids as text, remembered: the same accounts move again and again."""

_ENCODE_REASONS = msgspec.json.Encoder().encode


class OpenBatch:
    """Entries and refusals decided at `at` on top of `head`, not yet written."""

    def __init__(self, state: State, head: Head, at: int) -> None:
        self.head = head
        self.at = at
        self.indexes: dict[TransactionId, int] = {}  # accepted in this batch
        self._state = state
        self._entries: list[EntryRow] = []
        self._postings: list[PostingRow] = []
        self._refusals: list[RefusalRow] = []
        self._hashes: list[bytes] = []

    @property
    def size(self) -> int:
        """Size of the log with this batch."""
        return self.head.size + len(self._entries)

    @property
    def hashes(self) -> list[bytes]:
        """Leaf hashes of this batch's entries, in order."""
        return self._hashes

    def leaf(self, index: int) -> bytes:
        """Leaf of an entry of this batch."""
        return self._entries[index - self.head.size].leaf

    def is_empty(self) -> bool:
        """Whether there is nothing to write."""
        return not self._entries and not self._refusals

    def accept(self, tx: Transaction, accepted: Accepted) -> int:
        """Make the transaction the next entry and apply it; the entry's index.

        Raises NeedMissing with nothing changed where applying needs something not loaded, Malformed
        where it would not fit into a leaf.
        """
        index, plan = self.size, accepted.plan
        leaf = write_leaf(
            Leaf(
                1,
                index,
                self.at,
                accepted.pack,
                tx.jws.decode(),
                tuple(
                    LeafPosting(
                        _text(movement.source.id),
                        _text(movement.target.id),
                        movement.asset.code,
                        str(movement.amount),
                    )
                    for movement in plan.movements
                ),
                plan.facts,
            )
        )
        posted = self._state.apply(plan, index, self.at)
        hashed = leaf_hash(leaf)
        self._entries.append(EntryRow(index, tx.id, leaf, check_of(hashed), tx.envelopes))
        self._hashes.append(hashed)
        self._postings += [PostingRow(index, place, leg) for place, leg in enumerate(posted)]
        self.indexes[tx.id] = index
        return index

    def refuse(self, tx: Transaction, refusal: Refused) -> None:
        """Keep the refusal as a row; ledger state never depends on it (D6)."""
        reasons = _ENCODE_REASONS(refusal.reasons)
        self._refusals.append(RefusalRow(tx.id, self.size, self.at, tx.jws, reasons))

    def close(self, tiles: list[TileRow]) -> Batch:
        """The rows to write; takes the changes out of the state."""
        head = self.head
        frontier = decode_frontier(head.size, head.frontier)
        changes = self._state.take_changes()
        after = msgspec.structs.replace(
            head,
            size=self.size,
            frontier=encode_frontier(extend(head.size, frontier, self._hashes)),
            at=self.at if self._entries else head.at,
            reference_version=head.reference_version + changes.reference,
            accounts_opened=self._state.accounts_opened,
        )
        return Batch(after, self._entries, self._postings, changes, self._refusals, tiles)
