"""The embedded store: one SQLite file, one process, one connection that writes and checkpoints.

WAL with synchronous=FULL: COMMIT returns after the WAL is on disk. Nobody else ever opens the file
for writing (`lock.py`), because SQLite before 3.51.3 can lose commits when two connections
checkpoint (design D8); readers open it `mode=ro` (`reader.py`).
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any

from ledger.errors import StoreProblem
from ledger.store import problems
from ledger.store.base import Batch, BatchRefused, Head, OutcomeUnknown, Points, no_points
from ledger.store.lock import FileLock
from ledger.store.reads import HEAD, Reads
from ledger.store.rows import Row
from ledger.store.schema import SPAN_BITS, STEP_MASK
from ledger.store.statements import Query, Statement
from ledger.store.writes import Writes

OLDEST = (3, 37, 0)
"""STRICT tables exist since SQLite 3.37."""

PAGE_BYTES = 4096
CHECKPOINT_PAGES = 16_000
"""A commit that leaves more pages than this in the WAL checkpoints it: some 64 MB. The more a
checkpoint has before it, the more of it are the same pages, or neighbours; but a WAL that still
grows is dearer than one that is written over. When nobody asks, it is emptied anyway."""

WAL_KEPT_BYTES = 16 * 1024 * 1024
WAL_KEPT_S = 30.0
"""A WAL file larger than this is given back to the system when nobody wrote for so long; sooner,
the next burst would pay for it: what is appended costs more than what is written over."""

CACHE_KIB = 65_536
BUSY_MS = 5_000
"""How long to wait for a program that ignores our lock file, such as a shell on the database."""

ROWS_A_STATEMENT = 20
"""Rows that one INSERT takes at once where there are as many: a fifth to a third faster."""

STREAM_ROWS = 1_000
"""Rows fetched at once when a table is streamed."""

KEYS_A_QUERY = 512
"""Most keys in one bulk read; padded with NULL to a power of two, so that few texts are cached."""

_LEGS = """SELECT p.span * 4096 + p.step, p.place, p.other, p.amount, p.balance
 FROM posting_span AS s CROSS JOIN posting AS p
 WHERE s.ledger = ?1 AND s.account = ?2 AND s.span {0}= ?3
 AND p.ledger = s.ledger AND p.span = s.span AND p.account = s.account
 AND p.step {0} CASE WHEN s.span = ?3 THEN ?4 ELSE {2} END
 ORDER BY s.span {1}, p.step {1}, p.place {1} LIMIT ?5"""
_NEWEST = _LEGS.format("<", "DESC", STEP_MASK + 1)
_OLDEST = _LEGS.format(">", "ASC", -1)
_PRUNE = "DELETE FROM refusal WHERE ledger = ? AND number <= ?"
_INSERT_LEDGER = "INSERT INTO ledger (id, created) VALUES (?, ?)"
_INSERT_HEAD = """INSERT INTO head (ledger, size, frontier, at, reference_version, accounts_opened,
 events, refusals) SELECT number, 0, x'', 0, 0, 0, 0, 0 FROM ledger WHERE id = ?"""


class SqliteReads(Reads):
    """Reads of one ledger over a sqlite3 connection."""

    path: str
    connection: sqlite3.Connection

    def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """All rows of one statement."""
        try:
            return self.connection.execute(sql, args).fetchall()
        except problems.OF_SQLITE as error:
            raise problems.of_sqlite(error, self.path) from error

    def stream(self, sql: str, args: Sequence[Any]) -> Iterator[Row]:
        """The same in bounded memory."""
        cursor = None
        try:
            cursor = self.connection.execute(sql, args)
            while rows := cursor.fetchmany(STREAM_ROWS):
                yield from rows
        except problems.OF_SQLITE as error:
            raise problems.of_sqlite(error, self.path) from error
        finally:
            with suppress(sqlite3.Error):
                if cursor is not None:
                    cursor.close()

    def legs(self, account: int, bound: int, limit: int, *, newest: bool) -> list[Row]:
        """An account's postings; see `Reads`. The loops are nested in the order they are written,
        so both indexes are walked in order and no further than `limit`."""
        args = (self.ledger, account, bound >> SPAN_BITS, bound & STEP_MASK, limit)
        return self.rows(_NEWEST if newest else _OLDEST, args)

    def joined(self, query: Query, keys: Sequence[Row]) -> list[Row]:
        """Rows of a bulk query for these keys (tuples, one item a column)."""
        found: list[Row] = []
        for start in range(0, len(keys), KEYS_A_QUERY):
            chunk = keys[start : start + KEYS_A_QUERY]
            room = 1 << (len(chunk) - 1).bit_length()
            args: list[Any] = list(chain.from_iterable(chunk))
            args += [None] * (query.width * (room - len(chunk)))
            args.append(self.ledger)
            found += self.rows(query.sqlite(room), args)
        return found

    def structure(self) -> list[str]:
        """What SQLite finds wrong with its file; [] is sound. Reads the whole file."""
        found = [str(row[0]) for row in self.rows("PRAGMA integrity_check(100)", ())]
        return [] if found == ["ok"] else found

    def head(self) -> Head:
        """The head, without taking it; `now` is this machine's clock."""
        found = self.rows(HEAD, (now_ms(), self.ledger))
        if not found:
            lost = f"has no head for ledger number {self.ledger}: it is damaged."
            raise StoreProblem(f"the database {self.path} {lost}")
        return Head(*found[0])


class SqliteStore(Writes, SqliteReads):
    """The writing store of one ledger in a SQLite file; all ledgers of a file share a `SqliteFile`.
    Used by one thread."""

    def __init__(self, file: SqliteFile, ledger: int, points: Points = no_points) -> None:
        super().__init__(ledger, points)
        self.file = file
        self.path = file.path
        self._changes_seen = -1  # `total_changes` of the connection, and when it last moved
        self._changed_at = 0.0

    @property
    def connection(self) -> sqlite3.Connection:  # type: ignore[override]
        """The file's one connection."""
        return self.file.connection

    def begin(self) -> Head:
        """Start the write transaction and take the head."""
        self.points("begin.before")
        self._execute("BEGIN IMMEDIATE")
        self.taken = self.head()
        self.points("begin.after")
        return self.taken

    def write(self, batch: Batch) -> Head:
        """Write all rows of a batch and return the head as written. See `WritingStore`."""
        try:
            return self.write_rows(batch)
        except (sqlite3.Error, OverflowError) as error:
            raise problems.of_sqlite(error, self.path) from error

    def commit(self) -> None:
        """Make it durable. Raises OutcomeUnknown on any error."""
        self.points("commit.before")
        self.taken = None
        try:
            self.connection.execute("COMMIT")
        except problems.OF_SQLITE as error:
            self.file.doubts = True
            raise OutcomeUnknown(str(problems.of_sqlite(error, self.path))) from error
        self.points("commit.after")

    def rollback(self) -> None:
        """Drop the transaction; never raises."""
        self.forget()
        with suppress(sqlite3.Error):
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")

    def reopen(self) -> None:
        """Drop the connection and connect again, after an unknown outcome."""
        self.forget()
        self.file.reopen()

    def idle(self) -> None:
        """Move the WAL into the database while nobody waits; readers are not disturbed."""
        self._execute("PRAGMA wal_checkpoint(PASSIVE)")
        now, changes = time.monotonic(), self.connection.total_changes
        if changes != self._changes_seen:
            self._changes_seen, self._changed_at = changes, now
        with suppress(OSError):
            large = os.path.getsize(self.path + "-wal") > WAL_KEPT_BYTES
            if large and now - self._changed_at >= WAL_KEPT_S:
                self._shrink()

    def _shrink(self) -> None:
        """Cut the WAL file off, unless somebody reads from it: then another time."""
        self._execute("PRAGMA busy_timeout = 0")
        try:
            self._execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            self._execute(f"PRAGMA busy_timeout = {BUSY_MS}")

    def prune_refusals(self, keep: int) -> int:
        """Forget all but the `keep` newest refusals, in a commit of its own; how many went."""
        head = self.begin()
        went = self._execute(_PRUNE, (self.ledger, head.refusals - keep))
        self.commit()
        return went

    def create_ledger(self, id: bytes) -> SqliteStore:
        """Make a ledger with this id unless it is there, durably, and return it as `on` does."""
        self._execute("BEGIN IMMEDIATE")
        try:
            if self.number_of(id) is None:
                self._execute(_INSERT_LEDGER, (id, now_ms()))
                self._execute(_INSERT_HEAD, (id,))
        except BaseException:
            self.rollback()
            raise
        self.commit()
        return self.on(id)

    def on(self, id: bytes) -> SqliteStore:
        """The ledger with this id over the same connection; one transaction at a time in all."""
        number = self.number_of(id)
        if number is None:
            raise StoreProblem(f"the database {self.path} holds no ledger {id.hex()}")
        return SqliteStore(self.file, number, self.points)

    def close(self) -> None:
        """Let go of connection and file; never raises."""
        self.file.close()

    def run(self, statement: Statement, rows: Sequence[Row]) -> None:
        """Run a statement for all rows; BatchRefused where an exact one misses a row."""
        if statement.sqlite_items is not None:
            rows = list(map(statement.sqlite_items, rows))
        done = start = 0
        if len(rows) >= ROWS_A_STATEMENT and statement.row in statement.sqlite:
            wide = _widened(statement)
            while start + ROWS_A_STATEMENT <= len(rows):
                chunk = rows[start : start + ROWS_A_STATEMENT]
                args = list(chain.from_iterable(chunk))
                done += self.connection.execute(wide, args).rowcount
                start += ROWS_A_STATEMENT
        if start < len(rows):
            done += self.connection.executemany(statement.sqlite, rows[start:]).rowcount
        if statement.exact and done != len(rows):
            raise BatchRefused(f"{done} of {len(rows)} rows of {statement.table} were there")

    def _execute(self, sql: str, args: Row = ()) -> int:
        """Run one statement to its end; how many rows it touched."""
        try:
            cursor = self.connection.execute(sql, args)
            cursor.fetchall()
            return cursor.rowcount
        except problems.OF_SQLITE as error:
            raise problems.of_sqlite(error, self.path) from error


class SqliteFile:
    """The one writing connection of a file, and the lock that makes it the one."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.doubts = False  # a COMMIT failed: what the WAL holds may not be on the disk
        check_library()
        check_folder(path)
        self._lock = FileLock(path)
        try:
            _sync_wal(path)
            self.connection = _connect(path)
        except BaseException:
            self._lock.release()
            raise

    def reopen(self) -> None:
        """A fresh connection; the lock is kept throughout.

        After a failed COMMIT, all that the WAL holds is first written into the database and synced
        there: syncing the WAL once more would prove nothing, as the system forgets a failed write.
        """
        with suppress(sqlite3.Error):
            self.connection.close()
        self.connection = _connect(self.path)
        if self.doubts:
            _settle(self.connection, self.path)
            self.doubts = False

    def close(self) -> None:
        """Close the connection, then give up the lock."""
        with suppress(sqlite3.Error):
            self.connection.close()
        self._lock.release()


class SqliteSource:
    """Read-only connections to a file, for a `ReadingStore`."""

    def __init__(self, path: str) -> None:
        check_library()
        check_folder(path)
        if not os.path.exists(path):
            raise StoreProblem(f"there is no database {path} yet; `tenge up` makes one.")
        self.path = path

    def connect(self) -> Reads:
        """A connection that can neither write nor checkpoint, bound to no ledger yet."""
        try:
            connection = sqlite3.connect(
                _read_only(self.path),
                uri=True,
                timeout=BUSY_MS / 1000,
                isolation_level=None,
                check_same_thread=False,
                cached_statements=256,
            )
            # Damage must be read to be named: text that is not UTF-8 is shown, not refused.
            connection.text_factory = _lenient
            reads = SqliteReader(self.path, connection)
            reads.rows("SELECT count(*) FROM sqlite_schema", ())
        except problems.OF_SQLITE as error:
            raise problems.of_sqlite(error, self.path) from error
        return reads

    def begin(self, reads: Reads) -> None:
        """Start a snapshot: it is fixed by the first read, which is made here."""
        reads.rows("BEGIN", ())
        reads.rows("SELECT count(*) FROM ledger", ())

    def end(self, reads: Reads) -> None:
        """End the snapshot."""
        with suppress(sqlite3.Error):
            _reader(reads).connection.execute("ROLLBACK")

    def alive(self, reads: Reads) -> bool:
        """Whether the connection can be used again."""
        return not _reader(reads).closed

    def close(self, reads: Reads) -> None:
        """Close it; never raises."""
        _reader(reads).closed = True
        with suppress(sqlite3.Error):
            _reader(reads).connection.close()


class SqliteReader(SqliteReads):
    """Reads over one read-only connection."""

    def __init__(self, path: str, connection: sqlite3.Connection) -> None:
        self.path = path
        self.connection = connection
        self.ledger = 0
        self.closed = False


def _reader(reads: Reads) -> SqliteReader:
    if not isinstance(reads, SqliteReader):
        raise AssertionError(f"not a reader of this source: {reads!r}")
    return reads


def _read_only(path: str) -> str:
    """The file as a URI. Where nobody can write beside it and no WAL waits, it cannot change."""
    uri = Path(path).absolute().as_uri() + "?mode=ro"
    fixed = not os.access(os.path.dirname(os.path.abspath(path)), os.W_OK)
    wal = path + "-wal"
    if fixed and (not os.path.exists(wal) or os.path.getsize(wal) == 0):
        uri += "&immutable=1"
    return uri


def _lenient(raw: bytes) -> str:
    return raw.decode("utf-8", "backslashreplace")


def check_library() -> None:
    """StoreProblem where this Python's SQLite is too old."""
    if sqlite3.sqlite_version_info < OLDEST:
        raise StoreProblem(
            f"SQLite {sqlite3.sqlite_version} is too old: the ledger needs 3.37 or newer. Use a"
            " newer Python, or give a PostgreSQL address with --db."
        )


def check_folder(path: str) -> None:
    """StoreProblem where a database can not lie at `path`."""
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise StoreProblem(f"there is no folder {folder} for the database; make it first.")
    if os.path.isdir(path):
        raise StoreProblem(f"{path} is a folder; give the path of a file in it.")


def now_ms() -> int:
    """This machine's clock: what stands for a database's clock in an embedded one, ms UTC."""
    return time.time_ns() // 1_000_000


def _connect(path: str) -> sqlite3.Connection:
    """The writing connection of a file; makes the file where it is missing."""
    try:
        connection = sqlite3.connect(
            path,
            timeout=BUSY_MS / 1000,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=256,
        )
    except problems.OF_SQLITE as error:
        raise problems.of_sqlite(error, path) from error
    try:
        for pragma in (
            f"page_size={PAGE_BYTES}",
            "journal_mode=WAL",
            "synchronous=FULL",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
            "temp_store=MEMORY",
            f"cache_size=-{CACHE_KIB}",
        ):
            connection.execute(f"PRAGMA {pragma}").fetchall()
    except problems.OF_SQLITE as error:
        connection.close()
        raise problems.of_sqlite(error, path) from error
    return connection


def _sync_wal(path: str) -> None:
    """Put on the disk what a killed writer may have left in the WAL, before anyone hears of it."""
    try:
        with open(path + "-wal", "r+b") as wal:
            os.fsync(wal.fileno())
    except FileNotFoundError:
        return
    except OSError as error:
        raise StoreProblem(
            f"the database {path} cannot be synced ({error.strerror}). Check the disk, then start"
            " again."
        ) from error


def _settle(connection: sqlite3.Connection, path: str) -> None:
    """Empty the WAL into the database. StoreProblem while a reader needs it."""
    try:
        busy = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    except problems.OF_SQLITE as error:
        raise problems.of_sqlite(error, path) from error
    if busy:
        raise StoreProblem(
            f"the database {path} is being read for so long that it cannot recover from a failed"
            " write. Wait for the reader, or end it."
        )


@lru_cache(maxsize=64)
def _widened(statement: Statement) -> str:
    """The INSERT of one row as an INSERT of ROWS_A_STATEMENT rows."""
    return statement.sqlite.replace(statement.row, ", ".join([statement.row] * ROWS_A_STATEMENT), 1)
