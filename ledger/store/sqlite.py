"""The embedded store: one SQLite file, one process, one connection that writes and checkpoints.

WAL with synchronous=FULL: COMMIT returns after the WAL is on disk. Nobody else ever opens the file
for writing (`lock.py`), because SQLite before 3.51.3 can lose commits when two connections
checkpoint (design D8); readers open it `mode=ro` (`reader.py`).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

from ledger.core.ids import TransactionId
from ledger.errors import StoreProblem
from ledger.store import problems
from ledger.store.base import (
    Batch,
    BatchRefused,
    EventKind,
    Head,
    OutcomeUnknown,
    Points,
    RefusalRow,
    no_points,
)
from ledger.store.lock import FileLock
from ledger.store.reads import HEAD_COLUMNS, KEY_TYPES, REPEATED, Reads
from ledger.store.rows import Row, account_row, object_row

OLDEST = (3, 37, 0)
"""STRICT tables exist since SQLite 3.37."""

PAGE_BYTES = 4096
CHECKPOINT_PAGES = 4_000
"""A commit that leaves more pages than this in the WAL checkpoints it."""

KEYS_A_QUERY = 512
"""Most keys in one bulk read; padded with NULL to a power of two, so that few texts are cached."""

HEAD = f"""SELECT {HEAD_COLUMNS.format(now="?")} FROM head AS h
 JOIN ledger AS l ON l.number = h.ledger WHERE h.ledger = ?"""

INSERT_ENTRY = "INSERT INTO entry (ledger, idx, leaf) VALUES (?, ?, ?)"
INSERT_TX = "INSERT INTO tx (ledger, not_after, hash, idx) VALUES (?, ?, ?, ?)"
INSERT_POSTING = """INSERT INTO posting (ledger, account, idx, place, other, amount, balance)
 VALUES (?, ?, ?, ?, ?, ?, ?)"""
INSERT_ACCOUNT = """INSERT INTO account
 (ledger, id, number, owner, asset, kind, mark, status, balance, written)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"""
UPDATE_ACCOUNT = """UPDATE account SET balance = ?, status = ?, written = ?
 WHERE ledger = ? AND id = ?"""
PUT_OBJECT = """INSERT INTO object
 (ledger, type, key, owner, status, due, body, lookups, written)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (ledger, type, key) DO UPDATE SET
 owner = excluded.owner, status = excluded.status, due = excluded.due, body = excluded.body,
 lookups = excluded.lookups, written = excluded.written"""
PUT_LOOKUP = """INSERT INTO lookup (ledger, type, name, value, key) VALUES (?, ?, ?, ?, ?)
 ON CONFLICT DO NOTHING"""
DROP_LOOKUP = """DELETE FROM lookup
 WHERE ledger = ? AND type = ? AND name = ? AND value = ? AND key = ?"""
ADD_COUNTER = """INSERT INTO counter (ledger, measure, period, subject, part, value)
 VALUES (?, ?, ?, ?, ?, ?)
 ON CONFLICT (ledger, period, measure, subject, part) DO UPDATE SET value = value + excluded.value
"""
INSERT_REFUSAL = """INSERT INTO refusal
 (ledger, number, not_after, hash, size, at, jws, reasons, repeats)
 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
REPEAT_REFUSAL = """UPDATE refusal SET size = ?, at = ?, jws = ?, reasons = ?,
 repeats = repeats + ? WHERE ledger = ? AND number = ?"""
PRUNE = "DELETE FROM refusal WHERE ledger = ? AND number < ?"
INSERT_HEAD = """INSERT INTO head (ledger, size, frontier, at, reference_version, accounts_opened,
 events, refusals) VALUES (?, 0, x'', 0, 0, 0, 0, 0)"""
INSERT_EVENT = "INSERT INTO event (ledger, seq, kind, ref, run) VALUES (?, ?, ?, ?, ?)"
INSERT_TILE = "INSERT INTO tile (ledger, level, number, hashes) VALUES (?, ?, ?, ?)"
UPDATE_HEAD = """UPDATE head SET size = ?, frontier = ?, at = ?, reference_version = ?,
 accounts_opened = ?, events = ?, refusals = ? WHERE ledger = ? AND size = ?"""


class SqliteReads(Reads):
    """Reads of one ledger over a sqlite3 connection."""

    path: str
    connection: sqlite3.Connection

    def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """All rows of one statement."""
        try:
            return self.connection.execute(sql, args).fetchall()
        except sqlite3.Error as error:
            raise problems.of_sqlite(error, self.path) from error

    def joined(self, sql: str, keys: Sequence[Row]) -> list[Row]:
        """Rows of a bulk query for these keys (tuples, one item a column)."""
        found: list[Row] = []
        width = len(KEY_TYPES[sql])
        for start in range(0, len(keys), KEYS_A_QUERY):
            chunk = keys[start : start + KEYS_A_QUERY]
            room = 1 << (len(chunk) - 1).bit_length()
            args: list[Any] = [item for key in chunk for item in key]
            args += [None] * (width * (room - len(chunk)))
            args.append(self.ledger)
            found += self.rows(_keyed(sql, width, room), args)
        return found

    def head(self) -> Head:
        """The head, without taking it; `now` is this machine's clock."""
        found = self.rows(HEAD, (now_ms(), self.ledger))
        if not found:
            raise StoreProblem(f"the database {self.path} holds no ledger number {self.ledger}")
        return Head(*found[0])


class SqliteStore(SqliteReads):
    """The writing store of one ledger in a SQLite file; all ledgers of a file share a `SqliteFile`.
    Used by one thread."""

    def __init__(self, file: SqliteFile, ledger: int, points: Points = no_points) -> None:
        self.file = file
        self.path = file.path
        self.ledger = ledger
        self.points = points
        self._head: Head | None = None

    @property
    def connection(self) -> sqlite3.Connection:  # type: ignore[override]
        """The file's one connection."""
        return self.file.connection

    def begin(self) -> Head:
        """Start the write transaction and take the head."""
        self.points("begin.before")
        self._do("BEGIN IMMEDIATE")
        self._head = self.head()
        self.points("begin.after")
        return self._head

    def write(self, batch: Batch) -> Head:
        """Write all rows of a batch and return the head as written. See `WritingStore`."""
        before = self._head
        if before is None:
            raise AssertionError("write comes after begin")
        ledger, changes, head = self.ledger, batch.changes, batch.head
        opened = before.accounts_opened
        try:
            self._many(
                "entry",
                INSERT_ENTRY,
                [(ledger, index, leaf) for index, _, leaf in batch.entries],
            )
            self._many(
                "tx",
                INSERT_TX,
                [(ledger, tx[0], tx[1], index) for index, tx, _ in batch.entries],
            )
            self._many(
                "posting",
                INSERT_POSTING,
                [
                    (ledger, leg[0], index, place, leg[1], leg[2], leg[3])
                    for index, place, leg in batch.postings
                ],
            )
            accounts = changes.accounts.values()
            self.points("account.before")
            self._insert(
                INSERT_ACCOUNT, [account_row(ledger, a) for a in accounts if a.number >= opened]
            )
            self._insert(
                UPDATE_ACCOUNT,
                [
                    (a.balance, a.status, a.written, ledger, a.id)
                    for a in accounts
                    if a.number < opened
                ],
            )
            self.points("account.after")
            self._many(
                "object", PUT_OBJECT, [object_row(ledger, o) for o in changes.objects.values()]
            )
            self._write_lookups(batch)
            self._many(
                "counter",
                ADD_COUNTER,
                [
                    (ledger, measure, period, subject, part, by)
                    for (_, measure, period, subject, part), by in changes.counters.items()
                ],
            )
            refused = self._write_refusals(batch.refusals, before.refusals)
            events = self._write_events(before, len(batch.entries), refused)
            self._many(
                "tile",
                INSERT_TILE,
                [(ledger, level, number, hashes) for level, number, hashes in batch.tiles],
            )
            refusals = before.refusals + refused
            self._many(
                "head",
                UPDATE_HEAD,
                [
                    (
                        head.size, head.frontier, head.at, head.reference_version,
                        head.accounts_opened, events, refusals, ledger, before.size,
                    )
                ],
            )  # fmt: skip
        except (sqlite3.Error, OverflowError) as error:
            raise problems.of_sqlite(error, self.path) from error
        return Head(
            ledger, before.id, head.size, head.frontier, head.at, before.now,
            head.reference_version, head.accounts_opened, events, refusals,
        )  # fmt: skip

    def commit(self) -> None:
        """Make it durable. Raises OutcomeUnknown on any error."""
        self.points("commit.before")
        self._head = None
        try:
            self.connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise OutcomeUnknown(str(problems.of_sqlite(error, self.path))) from error
        self.points("commit.after")

    def rollback(self) -> None:
        """Drop the transaction; never raises."""
        self._head = None
        with suppress(sqlite3.Error):
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def reopen(self) -> None:
        """Drop the connection and connect again, after an unknown outcome."""
        self._head = None
        self.file.reopen()

    def idle(self) -> None:
        """Move the WAL into the database while nobody waits; readers are not disturbed."""
        self.file.checkpoint()

    def prune_refusals(self, keep: int) -> int:
        """Forget all but the `keep` newest refusals, in a commit of its own; how many went."""
        head = self.begin()
        try:
            went = self.connection.execute(PRUNE, (self.ledger, head.refusals - keep)).rowcount
        except sqlite3.Error as error:
            raise problems.of_sqlite(error, self.path) from error
        self.commit()
        return went

    def create_ledger(self, id: bytes) -> SqliteStore:
        """Make a ledger with this id unless it is there, durably, and return it as `on` does."""
        self._do("BEGIN IMMEDIATE")
        try:
            if self._number(id) is None:
                run = self.connection.execute
                run("INSERT INTO ledger (id, created) VALUES (?, ?)", (id, now_ms()))
                run(INSERT_HEAD, (self._number(id),))
        except sqlite3.Error as error:
            self.rollback()
            raise problems.of_sqlite(error, self.path) from error
        self.commit()
        return self.on(id)

    def on(self, id: bytes) -> SqliteStore:
        """The ledger with this id over the same connection; one transaction at a time in all."""
        number = self._number(id)
        if number is None:
            raise StoreProblem(f"the database {self.path} holds no ledger {id.hex()}")
        return SqliteStore(self.file, number, self.points)

    def close(self) -> None:
        """Let go of connection and file; never raises."""
        self.file.close()

    def _number(self, id: bytes) -> int | None:
        found = self.rows("SELECT number FROM ledger WHERE id = ?", (id,))
        return found[0][0] if found else None

    def _write_lookups(self, batch: Batch) -> None:
        put, drop = [], []
        for (_, type_, name, value), keys in batch.changes.lookups.items():
            for key, present in keys.items():
                (put if present else drop).append((self.ledger, type_, name, value, key))
        self.points("lookup.before")
        self._insert(PUT_LOOKUP, put)
        if drop:
            self.connection.executemany(DROP_LOOKUP, drop)
        self.points("lookup.after")

    def _write_refusals(self, refusals: list[RefusalRow], number: int) -> int:
        """Insert new refusals from `number` on and renew repeated ones; how many were new."""
        self.points("refusal.before")
        new, repeated = (), ()
        if refusals:
            known = {
                TransactionId(not_after, digest): known
                for not_after, digest, known in self.joined(
                    REPEATED, [row.transaction for row in refusals]
                )
            }
            new, repeated = sort_refusals(self.ledger, refusals, known, number)
            self._insert(INSERT_REFUSAL, new)
            self._insert(REPEAT_REFUSAL, repeated)
        self.points("refusal.after")
        return len(new)

    def _write_events(self, before: Head, entries: int, refused: int) -> int:
        """Number this batch's events; the next free number."""
        seq = before.events
        rows = []
        if entries:
            rows.append((self.ledger, seq, int(EventKind.ENTRY), before.size, entries))
        if refused:
            rows.append(
                (self.ledger, seq + entries, int(EventKind.REFUSAL), before.refusals, refused)
            )
        self._many("event", INSERT_EVENT, rows)
        return seq + entries + refused

    def _many(self, step: str, sql: str, rows: Sequence[Row]) -> None:
        self.points(step + ".before")
        self._insert(sql, rows)
        self.points(step + ".after")

    def _insert(self, sql: str, rows: Sequence[Row]) -> None:
        """Run a statement for every row; each must touch one row, except where it may find it."""
        if rows:
            done = self.connection.executemany(sql, rows).rowcount
            if done != len(rows) and sql is not PUT_LOOKUP:
                raise BatchRefused(f"{done} of {len(rows)} rows were there to write: {sql[:40]}")

    def _do(self, sql: str) -> None:
        try:
            self.connection.execute(sql)
        except sqlite3.Error as error:
            raise problems.of_sqlite(error, self.path) from error


class SqliteFile:
    """The one writing connection of a file, and the lock that makes it the one."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._lock = FileLock(path)
        try:
            self.connection = connect(path)
        except BaseException:
            self._lock.release()
            raise

    def reopen(self) -> None:
        """A fresh connection; the lock is kept throughout."""
        with suppress(sqlite3.Error):
            self.connection.close()
        self.connection = connect(self.path)

    def checkpoint(self) -> None:
        """Copy what the WAL holds into the file, as far as readers let it."""
        try:
            self.connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            raise problems.of_sqlite(error, self.path) from error

    def close(self) -> None:
        """Close the connection, then give up the lock."""
        with suppress(sqlite3.Error):
            self.connection.close()
        self._lock.release()


def connect(path: str) -> sqlite3.Connection:
    """The writing connection of a file; makes the file where it is missing."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise StoreProblem(
            f"SQLite {sqlite3.sqlite_version} is too old: the ledger needs 3.37 or newer. Use a"
            " newer Python, or give a PostgreSQL address with --db."
        )
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise StoreProblem(f"there is no folder {folder} for the database; make it first.")
    try:
        connection = sqlite3.connect(
            path,
            timeout=5,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
        for pragma in (
            f"page_size={PAGE_BYTES}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
            "temp_store=MEMORY",
            "cache_size=-65536",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
        return connection
    except sqlite3.Error as error:
        raise problems.of_sqlite(error, path) from error


def now_ms() -> int:
    """This machine's clock: what stands for a database's clock in an embedded one, ms UTC."""
    return time.time_ns() // 1_000_000


def sort_refusals(
    ledger: int, refusals: Sequence[RefusalRow], known: dict[TransactionId, int], number: int
) -> tuple[list[Row], list[Row]]:
    """Rows to insert, numbered from `number`, and rows to renew with how many repeats to add. A
    transaction refused twice in one batch is one row."""
    last: dict[TransactionId, RefusalRow] = {}
    times: dict[TransactionId, int] = {}
    for row in refusals:
        last[row.transaction] = row
        times[row.transaction] = times.get(row.transaction, 0) + 1
    new: list[Row] = []
    repeated: list[Row] = []
    for tx, row in last.items():
        body = (row.size, row.at, row.jws, row.reasons)
        if tx in known:
            repeated.append((*body, times[tx], ledger, known[tx]))
        else:
            new.append((ledger, number + len(new), *tx, *body, times[tx] - 1))
    return new, repeated


@lru_cache(maxsize=256)
def _keyed(sql: str, width: int, room: int) -> str:
    row = "(" + ",".join("?" * width) + ")"
    return sql.format(keys="(VALUES " + ",".join([row] * room) + ") AS k")
