"""The engine of the one writer: offers in, one commit, answers out (design D8).

Whatever is ready is one batch. The engine takes the ledger's head, loads in bulk what the batch
needs, first ends what is due, decides in order, applies in memory, writes all in one commit, and
only then answers. It has no threads and no sockets: `writer.process` and `Ledger` drive it.

What the commit's outcome is unknown of is looked up again under a fresh head; a batch that fails
by itself is replayed in halves, so one bad transaction never fails its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import structlog

from ledger.core.decision import Code, refused
from ledger.core.ids import b64
from ledger.core.needs import NeedMissing
from ledger.core.objects import REFERENCE_TYPES, Clock
from ledger.core.state import State
from ledger.core.transaction import Transaction
from ledger.decide import LEDGER, Accepted, decide, needs
from ledger.errors import BadSignature, Malformed, StoreProblem
from ledger.keys import SigningKey
from ledger.kinds import KINDS, read
from ledger.log.leaf import decode_leaf
from ledger.log.merkle import decode_frontier, leaf_hash, root
from ledger.log.tiles import TILE_WIDTH, Edge, Tile, edge_of, grow, partial_tile
from ledger.store.base import BatchRefused, Head, TileRow, WritingStore
from ledger.writer.answers import Answer, Busy, Declined, Offer, Taken, Unread
from ledger.writer.batch import OpenBatch
from ledger.writer.expiry import expire_transaction
from ledger.writer.reading import check_signatures, read_offer, signature_needs

ROUNDS_MAX = 4
"""Rounds of bulk loading before a batch; what is still missing then is loaded one by one."""

DUE_MAX = 500
"""Objects ended in one commit; where more are due, several commits end them first."""

VALUES_MAX = 300_000
"""Cached values; the cache is dropped as a whole when a commit leaves more."""

REFUSALS_MAX = 100_000
"""Refusals kept; older ones are forgotten a tenth at a time."""

Reading = tuple[Transaction, bool] | Unread
"""A transaction with whether its signatures were verified, or why it cannot be read."""

log = structlog.get_logger()


class Engine:
    """Decides and commits batches for one ledger. Used by one thread at a time.

    `id` is the ledger's; `operator` signs the entries that the ledger makes by itself.
    """

    def __init__(self, store: WritingStore, id: bytes, operator: SigningKey) -> None:
        self._store = store
        self._ledger = b64(id)
        self._operator = operator
        self._state = State()
        self._head: Head | None = None  # as last seen committed
        self._edge: Edge | None = None  # of the log at that head; None: to be read back
        self._pruned_at = 0  # refusals there were when they were last pruned
        self._decided_at = 0  # time of the last batch that left a row, an entry's or a refusal's
        self._broken = False  # the connection is to be reopened first

    def take(self, offers: Sequence[Offer]) -> list[Answer]:
        """Decide and commit these offers as one batch; answers in their order.

        Never raises for what an offer holds. What a failing store leaves undone answers `Busy`.
        """
        readings = [_reading(offer) for offer in offers]
        try:
            return self._take_or_replay(readings)
        except BaseException:  # interrupted half way
            self._fail()
            raise

    def tick(self, *, busy: bool = False) -> None:
        """End what is due though nobody asks; the store tidies up unless it is `busy`. Raises
        StoreProblem."""
        with self._failing():
            self._take_all([])
            self._prune()
            if not busy:
                self._store.idle()

    def head(self) -> Head:
        """The head as the database holds it now, read back. Raises StoreProblem."""
        with self._failing():
            head = self._begin()
            self._store.rollback()
            return head

    def time(self) -> int:
        """The sandbox's time, ms UTC. Raises StoreProblem."""
        with self._failing():
            at = self._time(self._begin())
            self._store.rollback()
            return at

    @property
    def events_seen(self) -> int:
        """How many events there were when the head was last taken or written."""
        return 0 if self._head is None else self._head.events

    # One batch -------------------------------------------------------------------------------

    def _take_or_replay(self, readings: Sequence[Reading], *, again: bool = True) -> list[Answer]:
        """Answers of one batch, whatever comes of it: no outcome is guessed, no neighbour suffers.

        A store that failed is asked once more; what it had kept answers its first receipt. Where
        the batch itself fails, each half is one of its own, down to the transaction at fault.
        """
        try:
            return self._take_all(readings)
        except Exception as error:
            log.warning("batch_failed", error=repr(error), offers=len(readings))
            self._fail()
            failed = error
        if isinstance(failed, StoreProblem) and not isinstance(failed, BatchRefused):
            if again:
                return self._take_or_replay(readings, again=False)
            busy = Busy(f"the store failed, nothing is known to have happened: {failed}")
            return [busy] * len(readings)
        if len(readings) < 2:
            return [_FAULT] * len(readings)
        half = len(readings) // 2
        return self._take_or_replay(readings[:half]) + self._take_or_replay(readings[half:])

    def _take_all(self, readings: Sequence[Reading]) -> list[Answer]:
        """End what is due in as many commits as it takes, then decide and commit the offers."""
        while True:
            head = self._begin()
            batch = OpenBatch(self._state, head, self._time(head))
            due = self._store.due(batch.at, DUE_MAX) if head.size else []
            self._expire(batch, due)
            if len(due) < DUE_MAX:
                answers = self._decide_all(readings, batch)
                self._commit(batch)
                return answers
            self._commit(batch)

    def _decide_all(self, readings: Sequence[Reading], batch: OpenBatch) -> list[Answer]:
        """Answers as they will be once the batch is durable."""
        transactions = [reading[0] for reading in readings if isinstance(reading, tuple)]
        known = self._store.find([tx.id for tx in transactions]) if transactions else {}
        cold = [tx for tx in transactions if tx.id not in known]
        self._load_fresh(cold)
        drafts: list[Answer | int] = []
        for reading in readings:
            if isinstance(reading, Unread):
                drafts.append(reading)
                continue
            tx, verified = reading
            before = known.get(tx.id, batch.indexes.get(tx.id))
            if before is not None:
                drafts.append(self._again(tx, verified, before, batch))
            else:
                drafts.append(self._decide_one(tx, verified, batch, cold))
        size = batch.size
        return [_finished(draft, batch.at, size) for draft in drafts]

    def _decide_one(
        self, tx: Transaction, verified: bool, batch: OpenBatch, cold: list[Transaction]
    ) -> Answer | int:
        """The new entry's index, or another answer.

        Where the cache does not hold what is read, everything that the transactions in `cold` need
        is loaded at once, and `cold` is emptied; what is missing even then is loaded by itself.
        """
        while True:
            try:
                if not verified:
                    for need in signature_needs(tx):
                        self._require(need)
                    check_signatures(tx, self._state)
                decision = decide(tx, self._state, batch.at, self._ledger)
                if isinstance(decision, Accepted):
                    return batch.accept(tx, decision)
            except NeedMissing as missing:
                if cold:
                    self._load(cold, batch.at)
                    cold.clear()
                self._require(missing.need)
            except Malformed as error:
                return Unread(error.code, str(error), error.where)
            except BadSignature as error:
                return Unread(error.code, str(error))
            else:
                batch.refuse(tx, decision)
                return Declined(decision.reasons, batch.at, batch.size)

    def _expire(self, batch: OpenBatch, due: Sequence[tuple[int, str, bytes]]) -> None:
        """End what is due, in its order; what that reads is loaded in bulk."""
        ending = [
            read(expire_transaction(self._ledger, self._operator, batch.at, *one)) for one in due
        ]
        cold = list(ending)
        for tx, (due_at, type_, key) in zip(ending, due, strict=True):
            ended = self._decide_one(tx, True, batch, cold)
            if not isinstance(ended, int):
                raise AssertionError(f"{type_} {key.hex()}, due {due_at}, was not ended: {ended}")

    def _commit(self, batch: OpenBatch) -> None:
        """Write and commit; after this the head and the cache are those of the database."""
        if batch.is_empty():
            self._store.rollback()
            return
        edge, tiles = self._grow(batch)
        rows = batch.close(tiles)
        head = self._store.write(rows)
        self._store.commit()
        self._head, self._edge, self._decided_at = head, edge, batch.at
        for need in rows.changes.objects:
            if need[1] not in REFERENCE_TYPES:
                del self._state.values[need]  # a payment is seldom read again

    def _grow(self, batch: OpenBatch) -> tuple[Edge | None, list[TileRow]]:
        """The log's edge after this batch, and the tiles that it fills.

        The edge is read back only where a tile fills: another node's entries may stand in it.
        """
        size = batch.head.size
        fills = size // TILE_WIDTH != batch.size // TILE_WIDTH
        if self._edge is None and not fills:
            return None, []
        edge = self._read_edge(size) if self._edge is None else self._edge
        edge, filled = grow(size, edge, batch.hashes)
        return edge, [TileRow(tile.level, tile.index, hashes) for tile, hashes in filled]

    def _read_edge(self, size: int) -> Edge:
        def leaf_hashes(start: int, stop: int) -> list[bytes]:
            return [leaf_hash(leaf) for leaf in self._store.leaves(start, stop)]

        def full_tile(tile: Tile) -> bytes:
            hashes = self._store.tile(tile.level, tile.index)
            if hashes is None:
                raise StoreProblem(f"the log's {tile.path} is missing: run tenge verify")
            return hashes

        return edge_of(size, lambda tile: partial_tile(tile, leaf_hashes, full_tile))

    # What is known -----------------------------------------------------------------------------

    def _prune(self) -> None:
        """Keep the newest refusals only: rows beside the log, on which nothing depends (D6)."""
        refusals = 0 if self._head is None else self._head.refusals
        if refusals - self._pruned_at >= REFUSALS_MAX // 10:
            self._store.prune_refusals(REFUSALS_MAX)
            self._pruned_at = refusals

    def _begin(self) -> Head:
        """Take the head; forget what another node may have changed since the last one."""
        if self._broken:
            self._store.reopen()
            self._broken = False
        head = self._store.begin()
        last = self._head
        if last is None or last.size != head.size:
            self._edge = None
            self._forget(
                keep_reference=last is not None and last.reference_version == head.reference_version
            )
        elif len(self._state.values) > VALUES_MAX:
            self._forget(keep_reference=False)
        self._state.accounts_opened = head.accounts_opened
        self._head = head
        return head

    def _time(self, head: Head) -> int:
        """The batch's one time: the sandbox's clock, never before the last entry (D9), nor before
        the last refusal: whoever heard that a transaction has expired may sign another."""
        if head.size == 0:
            return head.now
        self._require(("object", "clock", b""))
        clock = self._state.body("clock", b"", Clock)
        if clock is None:
            raise AssertionError("a ledger without a clock")
        now = head.now + clock.offset if clock.frozen_at is None else clock.frozen_at
        return max(now, head.at, self._decided_at)

    def _load_fresh(self, transactions: list[Transaction]) -> None:
        """Look up at once what these transactions would make: as a rule it is not there yet."""
        values = self._state.values
        fresh = [
            need
            for tx in transactions
            if (of := KINDS[type(tx.payload)].fresh) and (need := of(tx)) not in values
        ]
        if fresh:
            self._state.admit(self._store.load(fresh))

    def _load(self, transactions: list[Transaction], at: int) -> None:
        """Load in bulk what these decisions are known to need, one query a table a round."""
        values = self._state.values
        waiting = transactions
        for _ in range(ROUNDS_MAX):
            missing = set()
            again = []
            for tx in waiting:
                try:
                    absent = [need for need in needs(tx, self._state, at) if need not in values]
                except Malformed:
                    continue  # deciding will say so
                if absent:
                    missing.update(absent)
                    again.append(tx)
            if not missing:
                return
            self._state.admit(self._store.load(missing))
            waiting = again

    def _require(self, need: tuple[object, ...]) -> None:
        if need not in self._state.values:
            self._state.admit(self._store.load([need]))

    def _again(self, tx: Transaction, verified: bool, index: int, batch: OpenBatch) -> Answer:
        """The first receipt once more. It is for the key that signed the entry: the same payload
        under another key, or under a signature that does not fit, gets none."""
        mine = index >= batch.head.size
        leaf = decode_leaf(batch.leaf(index) if mine else self._store.leaves(index, index + 1)[0])
        if leaf.tx.encode() != tx.jws:
            try:
                if not verified:
                    for need in signature_needs(tx):
                        self._require(need)
                    check_signatures(tx, self._state)
            except BadSignature as error:
                return Unread(error.code, str(error))
            if read(leaf.tx.encode(), checked=True).kid != tx.kid:
                taken = refused(Code.ALREADY_REGISTERED, LEDGER, transaction=str(tx.id))
                return Declined(taken.reasons, batch.at, batch.size)
        return Taken(index, leaf.at, 0, repeated=True)

    def _forget(self, *, keep_reference: bool) -> None:
        """Drop the cache: all of it, or all but what the reference version vouches for."""
        state, self._state = self._state, State()
        if keep_reference:
            self._state.values = {
                need: value
                for need, value in state.values.items()
                if need[0] in ("object", "lookup") and need[1] in REFERENCE_TYPES
            }

    # When something failed ---------------------------------------------------------------------

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Whatever goes wrong within, nothing known before is trusted. Raises StoreProblem."""
        try:
            yield
        except BaseException as error:
            self._fail()
            if isinstance(error, Exception):
                raise StoreProblem(f"the store failed: {error}") from error
            raise

    def _fail(self) -> None:
        """After any error nothing in memory is trusted, the connection neither."""
        self._store.rollback()
        self._head, self._edge, self._broken = None, None, True
        self._forget(keep_reference=False)


def checkpoint_root(head: Head) -> bytes:
    """Root of the log at this head."""
    return root(head.size, decode_frontier(head.size, head.frontier))


_FAULT = Unread("internal_error", "this transaction cannot be decided; the fault is ours")


def _reading(offer: Offer) -> Reading:
    try:
        tx = read_offer(offer)
    except Exception as error:
        log.error("offer_unread", error=repr(error))
        return _FAULT
    return tx if isinstance(tx, Unread) else (tx, offer.verified)


def _finished(draft: Answer | int, at: int, size: int) -> Answer:
    if isinstance(draft, int):
        return Taken(draft, at, size)
    if isinstance(draft, Taken):
        return Taken(draft.index, draft.at, size, draft.repeated)
    return draft
