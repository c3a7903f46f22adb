"""What one commit writes, in order: the same for both databases; they differ in `run` alone."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from ledger.core.ids import TransactionId
from ledger.store import statements as st
from ledger.store.base import Batch, EventKind, Head, Points, PostingRow, RefusalRow, no_points
from ledger.store.leaves import pack_leaf
from ledger.store.reads import Reads
from ledger.store.rows import Row, account_row, object_row
from ledger.store.schema import SPAN_BITS, STEP_MASK

SPANS_REMEMBERED = 100_000
"""So many (account, span) pairs are known to be written already; then the memory starts anew."""


class Writes(Reads):
    """Writing one ledger's batches within the transaction that `begin` opened."""

    def __init__(self, ledger: int, points: Points = no_points) -> None:
        self.ledger = ledger
        self.points = points
        self.taken: Head | None = None  # the head of the open transaction
        self._spans: set[Row] = set()  # rows known to be in posting_span

    @abstractmethod
    def run(self, statement: st.Statement, rows: Sequence[Row]) -> None:
        """Run a statement for all rows; BatchRefused where an exact one misses a row."""

    def forget(self) -> None:
        """The open transaction is gone, and what was remembered of it."""
        self.taken = None
        self._spans.clear()

    def write_rows(self, batch: Batch) -> Head:
        """All rows of a batch, step by step; the head as written."""
        before = self.taken
        if before is None:
            raise AssertionError("write comes after begin")
        ledger, changes = self.ledger, batch.changes
        new_refusals, repeated = self._sort_refusals(batch.refusals, before.refusals + 1)

        entries = batch.entries
        kept = [(ledger, e.index, pack_leaf(e.leaf, e.envelopes), e.check) for e in entries]
        self._step("entry", (st.INSERT_ENTRY, kept))
        self._step("tx", (st.INSERT_TX, [(ledger, tx[0], tx[1], i) for i, tx, *_ in entries]))
        self._write_postings(batch.postings)
        opened = before.accounts_opened
        accounts = [account_row(ledger, account) for account in changes.accounts.values()]
        self._step(
            "account",
            (st.INSERT_ACCOUNT, [row for row in accounts if row[1] >= opened]),
            (st.CHANGE_ACCOUNT, [row for row in accounts if row[1] < opened]),
        )
        self._step(
            "object", (st.PUT_OBJECT, [object_row(ledger, o) for o in changes.objects.values()])
        )
        self._write_lookups(batch)
        self._step(
            "counter",
            (
                st.ADD_COUNTER,
                [
                    (ledger, period, measure, subject, part, by)
                    for (_, measure, period, subject, part), by in changes.counters.items()
                ],
            ),
        )
        self._step("refusal", (st.INSERT_REFUSAL, new_refusals), (st.REPEAT_REFUSAL, repeated))
        self._write_events(before, len(batch.entries), len(new_refusals))
        self._step("tile", (st.INSERT_TILE, [(ledger, *tile) for tile in batch.tiles]))
        return self._write_head(batch, before, len(new_refusals))

    def _write_postings(self, postings: Sequence[PostingRow]) -> None:
        ledger = self.ledger
        rows = [
            (ledger, index >> SPAN_BITS, leg[0], index & STEP_MASK, place, leg[1], leg[2], leg[3])
            for index, place, leg in postings
        ]
        rows.sort()
        spans = {(ledger, account, span) for _, span, account, *_ in rows} - self._spans
        self._step("posting", (st.INSERT_POSTING, rows), (st.PUT_SPAN, sorted(spans)))
        if len(self._spans) > SPANS_REMEMBERED:
            self._spans.clear()
        self._spans |= spans

    def _write_lookups(self, batch: Batch) -> None:
        put: list[Row] = []
        drop: list[Row] = []
        for (_, type_, name, value), keys in batch.changes.lookups.items():
            for key, present in keys.items():
                (put if present else drop).append((self.ledger, type_, name, value, key))
        self._step("lookup", (st.PUT_LOOKUP, put), (st.DROP_LOOKUP, drop))

    def _sort_refusals(
        self, refusals: Sequence[RefusalRow], number: int
    ) -> tuple[list[Row], list[Row]]:
        """Rows to insert, numbered from `number`, and rows to renew with how many repeats to add.
        A transaction refused twice in one batch is one row."""
        new: list[Row] = []
        repeated: list[Row] = []
        if not refusals:
            return new, repeated
        last: dict[TransactionId, RefusalRow] = {}
        times: dict[TransactionId, int] = {}
        for row in refusals:
            last[row.transaction] = row
            times[row.transaction] = times.get(row.transaction, 0) + 1
        known = {
            TransactionId(not_after, digest): of_old
            for not_after, digest, of_old in self.joined(st.REPEATED, list(last))
        }
        for tx, row in last.items():
            body = (row.size, row.at, row.jws, row.reasons)
            if tx in known:
                repeated.append((self.ledger, known[tx], *tx, *body, times[tx]))
            else:
                new.append((self.ledger, number + len(new), *tx, *body, times[tx] - 1))
        return new, repeated

    def _write_events(self, before: Head, entries: int, refused: int) -> None:
        seq, rows = before.events + 1, []
        if entries:
            rows.append((self.ledger, seq, int(EventKind.ENTRY), before.size, entries))
        if refused:
            kind = int(EventKind.REFUSAL)
            rows.append((self.ledger, seq + entries, kind, before.refusals + 1, refused))
        self._step("event", (st.INSERT_EVENT, rows))

    def _write_head(self, batch: Batch, before: Head, refused: int) -> Head:
        head = batch.head
        if head.size != before.size + len(batch.entries):
            raise AssertionError(
                f"{len(batch.entries)} entries after {before.size} do not make {head.size}"
            )
        events = before.events + len(batch.entries) + refused
        refusals = before.refusals + refused
        row = (
            self.ledger, head.size, head.frontier, head.at, head.reference_version,
            head.accounts_opened, events, refusals,
        )  # fmt: skip
        self._step("head", (st.PUT_HEAD, [row]))
        return Head(
            self.ledger, before.id, head.size, head.frontier, head.at, before.now,
            head.reference_version, head.accounts_opened, events, refusals,
        )  # fmt: skip

    def _step(self, name: str, *parts: tuple[st.Statement, Sequence[Row]]) -> None:
        self.points(name + ".before")
        for statement, rows in parts:
            if rows:
                self.run(statement, sorted(rows))  # a key beside the last one is found at once
        self.points(name + ".after")
