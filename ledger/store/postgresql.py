"""The distributed store: PostgreSQL, any number of nodes, each with a writer of its own.

The head row is the lock: taking it FOR UPDATE is the first statement of every write transaction, so
batches of one ledger follow each other whoever writes them, in READ COMMITTED, without a retry.
Every other row of the ledger is written by whoever holds its head.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import count
from typing import Any

import psycopg
from psycopg import pq

from ledger.errors import StoreProblem
from ledger.store import arrays, problems
from ledger.store.base import Batch, BatchRefused, Head, OutcomeUnknown, Points, no_points
from ledger.store.reads import Reads
from ledger.store.rows import Row
from ledger.store.schema import SPAN_BITS, STEP_MASK
from ledger.store.statements import Query, Statement
from ledger.store.writes import Writes

Connection = psycopg.Connection[Row]

OLDEST = 130_000
"""PostgreSQL 13: incremental sort keeps long statements short."""

STREAM_ROWS = 2_000
"""Rows fetched at once when a table is streamed."""

_STREAM = count()

CONNECT_S = 10
LOCK_MS = 15_000
"""How long to wait for another node's batch before saying so."""
STATEMENT_MS = 60_000
IDLE_IN_TRANSACTION_MS = 30_000
"""After this long without a word from a node, the server takes the head away from it."""

NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::int8"
_HEAD = f"""SELECT h.ledger, l.id, h.size, h.frontier, h.at, {NOW}, h.reference_version,
 h.accounts_opened, h.events, h.refusals
 FROM (SELECT * FROM head WHERE ledger = %s {{lock}}) AS h
 JOIN ledger AS l ON l.number = h.ledger"""  # noqa: S608 - constants
HEAD = _HEAD.format(lock="")
TAKE_HEAD = _HEAD.format(lock="FOR UPDATE")
"""The clock is read outside of the locked part: after the wait for the lock, not before it."""

_LEGS = """SELECT p.* FROM (SELECT span FROM posting_span
 WHERE ledger = %(ledger)s AND account = %(account)s AND span {0}= %(span)s
 ORDER BY span {1} LIMIT %(limit)s + 1) AS s CROSS JOIN LATERAL
 (SELECT span::int8 * 4096 + step AS idx, place, other, amount, balance FROM posting
 WHERE ledger = %(ledger)s AND span = s.span AND account = %(account)s
 AND step {0} CASE WHEN s.span = %(span)s THEN %(step)s ELSE {2} END
 ORDER BY step {1}, place {1} LIMIT %(limit)s) AS p
 ORDER BY p.idx {1}, p.place {1} LIMIT %(limit)s"""
_NEWEST = _LEGS.format("<", "DESC", STEP_MASK + 1)
_OLDEST = _LEGS.format(">", "ASC", -1)
_PRUNE = "DELETE FROM refusal WHERE ledger = %s AND number <= %s"
_CREATE = f"""WITH made AS (INSERT INTO ledger (id, created) VALUES (%s, {NOW})
 ON CONFLICT DO NOTHING RETURNING number) INSERT INTO head
 (ledger, size, frontier, at, reference_version, accounts_opened, events, refusals)
 SELECT number, 0, '', 0, 0, 0, 0, 0 FROM made"""  # noqa: S608 - constants

_SESSION = (
    f"SET lock_timeout = {LOCK_MS}",
    f"SET statement_timeout = {STATEMENT_MS}",
    f"SET idle_in_transaction_session_timeout = {IDLE_IN_TRANSACTION_MS}",
    # Nothing here reads a table as a whole: a plan that would is made from missing statistics.
    "SET enable_seqscan = off",
    "SET enable_hashjoin = off",
    "SET enable_mergejoin = off",
    "SET jit = off",
    # An acknowledged transaction is on disk, whatever the server's own setting says.
    "SELECT set_config('synchronous_commit', 'on', false)"
    " WHERE current_setting('synchronous_commit') IN ('off', 'local')",
)


class PostgresReads(Reads):
    """Reads of one ledger over a psycopg connection."""

    connection: Connection
    streams: list[psycopg.ServerCursor[Row]]  # open in the transaction of now

    def rows(self, sql: str, args: Sequence[Any] | Mapping[str, Any]) -> list[Row]:
        """All rows of one statement."""
        try:
            return self.connection.execute(_percent(sql), args, binary=True).fetchall()
        except psycopg.Error as error:
            raise problems.of_postgresql(error) from error

    def stream(self, sql: str, args: Sequence[Any]) -> Iterator[Row]:
        """The same in bounded memory, within a transaction."""
        cursor = self.connection.cursor(f"stream_{next(_STREAM)}", scrollable=False)
        self.streams.append(cursor)
        try:
            cursor.execute(_percent(sql), args, binary=True)
            while rows := cursor.fetchmany(STREAM_ROWS):
                yield from rows
        except psycopg.Error as error:
            raise problems.of_postgresql(error) from error
        finally:
            self._close_stream(cursor)

    def close_streams(self) -> None:
        """Close what is still open; the connection may soon be another reader's."""
        for cursor in list(self.streams):
            self._close_stream(cursor)

    def _close_stream(self, cursor: psycopg.ServerCursor[Row]) -> None:
        if cursor in self.streams:
            self.streams.remove(cursor)
            with suppress(psycopg.Error):
                cursor.close()

    def legs(self, account: int, bound: int, limit: int, *, newest: bool) -> list[Row]:
        """An account's postings; see `Reads`. At most `limit` spans of `limit` rows are read."""
        bounds = {"span": bound >> SPAN_BITS, "step": bound & STEP_MASK, "limit": limit}
        return self.rows(
            _NEWEST if newest else _OLDEST, {"ledger": self.ledger, "account": account, **bounds}
        )

    def joined(self, query: Query, keys: Sequence[Row]) -> list[Row]:
        """Rows of a bulk query for these keys (tuples, one item a column)."""
        if not keys:
            return []
        args: list[Any] = [
            arrays.pack(type_, column)
            for type_, column in zip(query.types, zip(*keys, strict=True), strict=True)
        ]
        args.append(self.ledger)
        return self.rows(query.postgresql, args)

    def structure(self) -> list[str]:
        """Nothing: PostgreSQL has its own programs for that (pg_amcheck)."""
        return []

    def head(self) -> Head:
        """The head, without taking it; `now` is the server's clock."""
        return self._head(HEAD)

    def _head(self, sql: str) -> Head:
        found = self.rows(sql, (self.ledger,))
        if not found:
            raise StoreProblem(
                f"the database has no head for ledger number {self.ledger}: it is damaged."
            )
        return Head(*found[0])


class PostgresStore(Writes, PostgresReads):
    """The writing store of one ledger in PostgreSQL. Used by one thread."""

    def __init__(self, server: Server, ledger: int, points: Points = no_points) -> None:
        super().__init__(ledger, points)
        self.server = server
        self.streams = []
        self._sent: list[tuple[psycopg.Cursor[Row], Statement, int]] = []

    @property
    def connection(self) -> Connection:  # type: ignore[override]
        """The server's one connection of this node's writer."""
        return self.server.connection

    def begin(self) -> Head:
        """Start the write transaction and take the head, waiting for whoever has it."""
        self.points("begin.before")
        try:
            with self.connection.pipeline():
                self.connection.execute("BEGIN")
                self.taken = self._head(TAKE_HEAD)
        except psycopg.Error as error:
            raise problems.of_postgresql(error) from error
        self.points("begin.after")
        return self.taken

    def write(self, batch: Batch) -> Head:
        """Write all rows of a batch and return the head as written. See `WritingStore`."""
        self._sent.clear()
        try:
            with self.connection.pipeline():
                head = self.write_rows(batch)
        except (psycopg.Error, OverflowError) as error:
            raise problems.of_postgresql(error) from error
        for cursor, statement, sent in self._sent:
            if statement.exact and cursor.rowcount != sent:
                raise BatchRefused(f"{cursor.rowcount} of {sent} rows of {statement.table}")
        return head

    def commit(self) -> None:
        """Make it durable, then hint to listeners. Raises OutcomeUnknown on any error."""
        self.points("commit.before")
        self.taken = None
        try:
            # NOTIFY inside the transaction would make all commits of the server queue up.
            done = self.connection.execute(f"COMMIT; NOTIFY {channel(self.ledger)}")
        except psycopg.Error as error:
            raise OutcomeUnknown(str(problems.of_postgresql(error))) from error
        if done.statusmessage != "COMMIT":
            raise OutcomeUnknown("the transaction had failed before: it was rolled back")
        self.points("commit.after")

    def rollback(self) -> None:
        """Drop the transaction; never raises."""
        self.forget()
        with suppress(psycopg.Error):
            if self.connection.info.transaction_status != pq.TransactionStatus.IDLE:
                self.connection.execute("ROLLBACK")

    def reopen(self) -> None:
        """Drop the connection and connect again, after an unknown outcome."""
        self.forget()
        self.server.reopen()

    def idle(self) -> None:
        """Nothing: PostgreSQL tidies up by itself."""

    def prune_refusals(self, keep: int) -> int:
        """Forget all but the `keep` newest refusals, in a commit of its own; how many went."""
        head = self.begin()
        try:
            went = self.connection.execute(_PRUNE, (self.ledger, head.refusals - keep)).rowcount
        except psycopg.Error as error:
            raise problems.of_postgresql(error) from error
        self.commit()
        return went

    def create_ledger(self, id: bytes) -> PostgresStore:
        """Make a ledger with this id unless it is there, durably, and return it as `on` does."""
        try:
            self.connection.execute(_CREATE, (id,))
        except psycopg.Error as error:
            raise problems.of_postgresql(error) from error
        return self.on(id)

    def on(self, id: bytes) -> PostgresStore:
        """The ledger with this id over the same connection; one transaction at a time in all."""
        number = self.number_of(id)
        if number is None:
            raise StoreProblem(f"the database holds no ledger {id.hex()}")
        return PostgresStore(self.server, number, self.points)

    def close(self) -> None:
        """Let go of the connection; never raises."""
        self.server.close()

    def run(self, statement: Statement, rows: Sequence[Row]) -> None:
        """Send a statement for all rows; what came of it is looked at when all are sent."""
        columns = [
            arrays.pack(type_, column)
            for type_, column in zip(statement.types, zip(*rows, strict=True), strict=True)
        ]
        cursor = self.connection.execute(statement.postgresql, columns, prepare=True)
        self._sent.append((cursor, statement, len(rows)))


class Server:
    """This writer's one connection to a PostgreSQL server."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self.connection = connect(conninfo)

    def reopen(self) -> None:
        """A fresh connection."""
        self.close()
        self.connection = connect(self._conninfo)

    def close(self) -> None:
        """Close the connection; never raises."""
        with suppress(psycopg.Error):
            self.connection.close()


class PostgresSource:
    """Read-only connections to a database, for a `ReadingStore`."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo

    def connect(self) -> Reads:
        """A read-only connection, bound to no ledger yet."""
        connection = connect(self._conninfo)
        reads = PostgresReader(connection)
        reads.rows("SELECT set_config('default_transaction_read_only', 'on', false)", ())
        return reads

    def begin(self, reads: Reads) -> None:
        """Start a snapshot."""
        try:
            _reader(reads).connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        except psycopg.Error as error:
            raise problems.of_postgresql(error) from error

    def end(self, reads: Reads) -> None:
        """End the snapshot."""
        _reader(reads).close_streams()
        with suppress(psycopg.Error):
            _reader(reads).connection.execute("ROLLBACK")

    def alive(self, reads: Reads) -> bool:
        """Whether the connection can be used again."""
        connection = _reader(reads).connection
        idle = pq.TransactionStatus.IDLE
        return not connection.closed and connection.info.transaction_status == idle

    def close(self, reads: Reads) -> None:
        """Close it; never raises."""
        with suppress(psycopg.Error):
            _reader(reads).connection.close()


class PostgresReader(PostgresReads):
    """Reads over one read-only connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.streams = []
        self.ledger = 0


def _reader(reads: Reads) -> PostgresReader:
    if not isinstance(reads, PostgresReader):
        raise AssertionError(f"not a reader of this source: {reads!r}")
    return reads


def connect(conninfo: str) -> Connection:
    """A connection set up for the hot path; StoreProblem where there is none to be had."""
    try:
        connection = psycopg.connect(
            conninfo,
            autocommit=True,
            connect_timeout=CONNECT_S,
            application_name="ledger",
            keepalives_idle=10,
            keepalives_interval=5,
            keepalives_count=3,
        )
    except psycopg.Error as error:
        raise problems.of_postgresql(error) from error
    try:
        if connection.info.server_version < OLDEST:
            raise StoreProblem(
                f"PostgreSQL {connection.info.server_version // 10_000} is too old: the ledger"
                " needs 13 or newer."
            )
        arrays.register(connection)
        for setting in _SESSION:
            connection.execute(setting)
    except psycopg.Error as error:
        connection.close()
        raise problems.of_postgresql(error) from error
    except BaseException:
        connection.close()
        raise
    return connection


def channel(ledger: int) -> str:
    """The channel on which a commit to a ledger is announced, as a hint."""
    return f"ledger_{ledger}"


@lru_cache(maxsize=256)
def _percent(sql: str) -> str:
    return sql.replace("?", "%s")
