"""Reading for front ends and audits: committed rows only, never in the writer's way.

`ReadingStore` lends connections to as many threads as ask; `snapshot()` gives one moment's view
over several reads. SQLite is opened `mode=ro`: such a connection cannot checkpoint and cannot make
the writer wait, but while a snapshot is held the WAL cannot start over, so hold none for long.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from ledger.core.account import Account, AccountKind
from ledger.core.ids import TransactionId
from ledger.core.needs import Need
from ledger.core.objects import Object
from ledger.core.state import Posted
from ledger.errors import StoreProblem
from ledger.store import statements as st
from ledger.store.base import (
    CounterRow,
    EventKind,
    EventRow,
    Head,
    LedgerRow,
    LookupRow,
    PostingRow,
    RefusalRow,
    StatementRow,
    StoredObject,
    StoredRefusal,
    TileRow,
)
from ledger.store.leaves import unpack_leaf
from ledger.store.reads import Reads
from ledger.store.rows import Row, account_of, object_of
from ledger.store.schema import SPAN_BITS, STEP_MASK

P = ParamSpec("P")
R = TypeVar("R")

IDLE_CONNECTIONS_MAX = 8
"""Connections kept open for the next reader; more are opened when more read at once."""

FIRST, LAST = -1, 2**62
"""Bounds below and above every entry."""

_ACCOUNT = "SELECT number, id, owner, asset, kind, mark, status, balance, written FROM account"
_OBJECT = "SELECT type, key, owner, status, due, body, lookups, written FROM object"
_LOOKED_UP = """SELECT key FROM lookup WHERE ledger = ? AND type = ? AND name = ? AND value = ?
 AND key > ? ORDER BY key LIMIT ?"""
_REFUSAL = "SELECT number, not_after, hash, size, at, jws, reasons, repeats FROM refusal"
_EVENTS = """SELECT seq, kind, ref, run FROM event WHERE ledger = ? AND seq >= coalesce(
 (SELECT max(seq) FROM event WHERE ledger = ? AND seq <= ?), 0) ORDER BY seq LIMIT ?"""


class Snapshot:
    """One moment's view of one ledger. Used by one thread at a time."""

    def __init__(self, reads: Reads) -> None:
        self._reads = reads

    # What the writer reads too.

    def head(self) -> Head:
        """The end of the ledger as last committed."""
        return self._reads.head()

    def find(self, ids: Sequence[TransactionId]) -> dict[TransactionId, int]:
        """Index of the entry for each transaction that is in the ledger."""
        return self._reads.find(ids)

    def load(self, needs: Iterable[Need]) -> dict[Need, Any]:
        """Values of needs, one query a table; absent: None, () or 0."""
        return self._reads.load(needs)

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """Leaf bytes of entries start up to, not including, stop."""
        return self._reads.leaves(start, stop)

    def leaf(self, index: int) -> bytes | None:
        """The leaf of one entry, or None."""
        found = self._reads.leaves(index, index + 1)
        return found[0] if found else None

    def tile(self, level: int, number: int) -> bytes | None:
        """A full hash tile, or None."""
        return self._reads.tile(level, number)

    def ledgers(self) -> list[LedgerRow]:
        """All ledgers of the database, oldest first."""
        return self._reads.ledgers()

    # Accounts and money.

    def account_by_number(self, number: int) -> Account | None:
        """The account with this number, or None."""
        return self.accounts_by_number((number,)).get(number)

    def accounts_by_number(self, numbers: Iterable[int]) -> dict[int, Account]:
        """Accounts by their numbers; missing ones are left out."""
        rows = self._reads.joined(st.ACCOUNTS_BY_NUMBER, [(number,) for number in numbers])
        return {row[0]: account_of(row) for row in rows}

    def accounts_of(self, owner: bytes) -> list[Account]:
        """All accounts of a party, of every kind and however many, by kind in order of opening."""
        sql = f"{_ACCOUNT} WHERE ledger = ? AND owner = ? ORDER BY kind, number"
        rows = self._rows(sql, owner)
        return [account_of(row) for row in rows]

    def accounts_of_kind(
        self, owner: bytes, kind: AccountKind, *, after: int = -1, limit: int = 100
    ) -> list[Account]:
        """A party's accounts of one kind numbered above `after`, in order of opening. Reads no more
        rows than it gives."""
        sql = f"""{_ACCOUNT} WHERE ledger = ? AND owner = ? AND kind = ? AND number > ?
 ORDER BY number LIMIT ?"""
        return [account_of(row) for row in self._rows(sql, owner, kind.value, after, limit)]

    def accounts_with(self, mark: str, *, after: int = -1, limit: int = 100) -> list[Account]:
        """Accounts of every kind that bear a mark, numbered above `after`, in order of opening.
        Reads no more rows than it gives."""
        sql = f"""{_ACCOUNT} WHERE ledger = ? AND mark = ? AND mark <> '' AND number > ?
 ORDER BY number LIMIT ?"""
        return [account_of(row) for row in self._rows(sql, mark, after, limit)]

    def accounts(self, after: int = -1, limit: int = 100) -> list[Account]:
        """Accounts numbered above `after`, in order of opening."""
        sql = f"{_ACCOUNT} WHERE ledger = ? AND number > ? ORDER BY number LIMIT ?"
        return [account_of(row) for row in self._rows(sql, after, limit)]

    def statement(
        self, account: int, *, before: int | None = None, after: int | None = None, limit: int = 100
    ) -> list[StatementRow]:
        """Postings of the account with this number: newest first below entry `before` (None: from
        the newest on), or with `after` oldest first above that entry (-1: from the first on).

        Entries are never cut in two: a page may be longer than `limit` by the rest of its last
        entry, so the last row's index is the next page's `before` or `after`.
        """
        newest = after is None
        if newest:
            bound = LAST if before is None else before
        else:
            bound = FIRST if after is None else after
        rows = self._reads.legs(account, bound, limit, newest=newest)
        if len(rows) == limit:
            last = rows[-1][0]
            rows = [row for row in rows if row[0] != last] + self._legs_of(account, last, newest)
        return [StatementRow(*row) for row in rows]

    def balance_at(self, account: int, index: int) -> int:
        """Balance after entry `index` of the account with this number; 0 before its first."""
        rows = self._reads.legs(account, index + 1, 1, newest=True)
        return rows[0][4] if rows else 0

    def balances(self) -> dict[str, tuple[int, int]]:
        """By asset: the sum over all accounts but the issue accounts, and the sum over those. The
        two sum to zero. Reads every account."""
        found: dict[str, list[int]] = {}
        sql = (
            "SELECT asset, kind = 'issue', sum(balance) FROM account WHERE ledger = ? GROUP BY 1, 2"
        )
        for asset, issue, total in self._rows(sql):
            found.setdefault(asset, [0, 0])[bool(issue)] = int(total)
        return {asset: (held, issued) for asset, (held, issued) in sorted(found.items())}

    def balances_at(self, index: int, moved_max: int) -> dict[str, int] | None:
        """By asset: the sum over all accounts but the issue accounts just after entry `index`.

        Reads every account, and looks up the posting rows of those that moved since: None where
        there are more than `moved_max` of them.
        """
        moved = self._rows(
            "SELECT number, asset FROM account WHERE ledger = ? AND written > ? AND kind <> 'issue'"
            " LIMIT ?",
            index,
            moved_max + 1,
        )
        if len(moved) > moved_max:
            return None
        rested = (
            "SELECT asset, sum(balance) FROM account WHERE ledger = ? AND written <= ?"
            " AND kind <> 'issue' GROUP BY asset"
        )
        found = {asset: int(total) for asset, total in self._rows(rested, index)}
        for number, asset in moved:
            found[asset] = found.get(asset, 0) + self.balance_at(number, index)
        return found

    # Objects.

    def objects(
        self,
        type: str,
        *,
        owner: bytes | None = None,
        status: str | None = None,
        after_key: bytes = b"",
        limit: int = 100,
    ) -> list[Object]:
        """Objects of a type in order of key, above `after_key`; only an owner's, only of a status.
        Owner and status are looked for among the rows read: a look-up row serves where there are
        many."""
        sql = f"{_OBJECT} WHERE ledger = ? AND type = ?"
        args: list[Any] = [type]
        if owner is not None:
            sql, args = sql + " AND owner = ?", [*args, owner]
        if status is not None:
            sql, args = sql + " AND status = ?", [*args, status]
        if after_key:
            sql, args = sql + " AND key > ?", [*args, after_key]
        rows = self._rows(sql + " ORDER BY key LIMIT ?", *args, limit)
        return [object_of(row) for row in rows]

    def looked_up(
        self, type: str, name: str, value: bytes, *, after_key: bytes = b"", limit: int = 100
    ) -> list[Object]:
        """Objects to which look-up rows of this name and value lead, in order of key, above
        `after_key`. Reads no more rows than it gives."""
        found = self._rows(_LOOKED_UP, type, name, value, after_key, limit)
        needs: list[Need] = [("object", type, key) for (key,) in found]
        objects = self.load(needs)
        return [objects[need] for need in needs]

    # Events and refusals.

    def events(self, after: int = 0, limit: int = 100) -> list[EventRow]:
        """Events numbered above `after`, in order."""
        runs = self._reads.rows(
            _EVENTS, (self._reads.ledger, self._reads.ledger, after + 1, limit + 1)
        )
        found: list[EventRow] = []
        for run in runs:
            for event in _expand(run):
                if event.seq > after:
                    found.append(event)
                    if len(found) == limit:
                        return found
        return found

    def refusals(
        self, *, after: int | None = None, before: int | None = None, limit: int = 100
    ) -> list[StoredRefusal]:
        """Refusals newest first below number `before`, or with `after` oldest first above it."""
        if after is not None:
            sql = f"{_REFUSAL} WHERE ledger = ? AND number > ? ORDER BY number LIMIT ?"
            return [_refusal(row) for row in self._rows(sql, after, limit)]
        sql = f"{_REFUSAL} WHERE ledger = ? AND number < ? ORDER BY number DESC LIMIT ?"
        return [_refusal(row) for row in self._rows(sql, LAST if before is None else before, limit)]

    def refusal(self, transaction: TransactionId) -> StoredRefusal | None:
        """The refusal of a transaction, or None: never refused, or pruned."""
        rows = self._reads.joined(st.REFUSAL_OF, [transaction])
        return _refusal(rows[0]) if rows else None

    def refusals_by_number(self, numbers: Iterable[int]) -> dict[int, StoredRefusal]:
        """Refusals by their numbers; pruned ones are left out."""
        rows = self._reads.joined(st.REFUSALS, [(number,) for number in numbers])
        return {row[0]: _refusal(row) for row in rows}

    # Whole tables, for the audit: nothing is decoded that damage could make unreadable.

    def all_leaves(self, start: int = 0, stop: int = LAST) -> Iterator[tuple[int, bytes]]:
        """(index, leaf) from `start` up to, not including, `stop`, gaps and all."""
        sql = "SELECT idx, leaf FROM entry WHERE ledger = ? AND idx >= ? AND idx < ? ORDER BY idx"
        for index, kept in self._stream(sql, start, stop):
            yield index, unpack_leaf(kept)

    def all_entries(self) -> Iterator[tuple[int, bytes, int]]:
        """(index, leaf, check) of every entry row, those beyond the head too."""
        sql = "SELECT idx, leaf, leaf_check FROM entry WHERE ledger = ? ORDER BY idx"
        for index, kept, check in self._stream(sql):
            yield index, unpack_leaf(kept), check

    def all_transactions(self) -> Iterator[tuple[TransactionId, int]]:
        """(id, index) in order of id."""
        sql = "SELECT not_after, hash, idx FROM tx WHERE ledger = ? ORDER BY not_after, hash"
        for not_after, digest, index in self._stream(sql):
            yield TransactionId(not_after, digest), index

    def all_transactions_by_entry(self) -> Iterator[tuple[int, TransactionId]]:
        """(index, id) in order of index. The database sorts them all for that."""
        sql = "SELECT idx, not_after, hash FROM tx WHERE ledger = ? ORDER BY idx, not_after, hash"
        for index, not_after, digest in self._stream(sql):
            yield index, TransactionId(not_after, digest)

    def all_accounts(self) -> Iterator[Account]:
        """Accounts in order of number."""
        for row in self._stream(f"{_ACCOUNT} WHERE ledger = ? ORDER BY number"):
            yield account_of(row)

    def all_postings(self) -> Iterator[PostingRow]:
        """Postings in order of entry and place."""
        next_span = "SELECT min(span) FROM posting WHERE ledger = ? AND span > ?"
        legs = """SELECT step, place, account, other, amount, balance FROM posting
 WHERE ledger = ? AND span = ? ORDER BY step, place"""
        span = FIRST
        while (span := self._rows(next_span, span)[0][0]) is not None:
            start = span << SPAN_BITS
            for step, place, account, other, amount, balance in self._rows(legs, span):
                yield PostingRow(start + step, place, Posted(account, other, amount, balance))

    def misplaced_postings(self) -> Iterator[tuple[int, int, int]]:
        """(index, place, span) of postings whose step leads out of their span."""
        sql = """SELECT step, place, span FROM posting WHERE ledger = ? AND step NOT BETWEEN 0 AND ?
 ORDER BY span, step, place"""
        for step, place, span in self._stream(sql, STEP_MASK):
            yield (span << SPAN_BITS) + step, place, span

    def all_posting_spans(self) -> Iterator[tuple[int, int]]:
        """(account number, span): an account has postings among the 4,096 entries of that span."""
        return self._stream(
            "SELECT account, span FROM posting_span WHERE ledger = ? ORDER BY account, span"
        )

    def all_objects(self) -> Iterator[StoredObject]:
        """Objects in order of type and key, as stored."""
        for row in self._stream(f"{_OBJECT} WHERE ledger = ? ORDER BY type, key"):
            yield StoredObject(*row)

    def all_lookups(self) -> Iterator[LookupRow]:
        """Look-ups in order of type, name, value and key."""
        sql = """SELECT type, name, value, key FROM lookup WHERE ledger = ?
 ORDER BY type, name, value, key"""
        for row in self._stream(sql):
            yield LookupRow(*row)

    def all_counters(self) -> Iterator[CounterRow]:
        """Counters in order of period, measure, subject and part."""
        sql = """SELECT measure, period, subject, part, value FROM counter WHERE ledger = ?
 ORDER BY period, measure, subject, part"""
        for row in self._stream(sql):
            yield CounterRow(*row)

    def all_events(self) -> Iterator[EventRow]:
        """Events in order."""
        sql = "SELECT seq, kind, ref, run FROM event WHERE ledger = ? ORDER BY seq"
        for run in self._stream(sql):
            yield from _expand(run)

    def all_event_runs(self) -> Iterator[tuple[int, int, int, int]]:
        """(seq, kind, ref, run) of every event row, in order of seq."""
        return self._stream("SELECT seq, kind, ref, run FROM event WHERE ledger = ? ORDER BY seq")

    def all_refusals(self) -> Iterator[StoredRefusal]:
        """Refusals in order of number."""
        for row in self._stream(f"{_REFUSAL} WHERE ledger = ? ORDER BY number"):
            yield _refusal(row)

    def refusals_of_no_ledger(self) -> Iterator[int]:
        """Numbers of refusals that belong to none of the ledgers in this database."""
        sql = "SELECT number FROM refusal WHERE ledger NOT IN (SELECT number FROM ledger)"
        for (number,) in self._reads.stream(sql, ()):
            yield number

    def all_tiles(self) -> Iterator[TileRow]:
        """Full hash tiles in order of level and number."""
        sql = "SELECT level, number, hashes FROM tile WHERE ledger = ? ORDER BY level, number"
        for row in self._stream(sql):
            yield TileRow(*row)

    def structure(self) -> list[str]:
        """What the database finds wrong with its own file (SQLite: integrity_check); [] is sound.
        PostgreSQL has its own programs for that (pg_amcheck)."""
        return self._reads.structure()

    def _legs_of(self, account: int, index: int, newest: bool) -> list[Row]:
        """All legs of one entry on an account."""
        bound = index + 1 if newest else index - 1
        legs = self._reads.legs(account, bound, 2 * 64, newest=newest)
        return [leg for leg in legs if leg[0] == index]

    def _rows(self, sql: str, *args: Any) -> list[Row]:
        return self._reads.rows(sql, (self._reads.ledger, *args))

    def _stream(self, sql: str, *args: Any) -> Iterator[Row]:
        return self._reads.stream(sql, (self._reads.ledger, *args))


def _expand(run: Row) -> Iterator[EventRow]:
    """The events of one stored run."""
    seq, kind, ref, length = run
    known = EventKind(kind) if kind in (1, 2) else kind
    for step in range(length):
        yield EventRow(seq + step, known, ref + step)


def _refusal(row: Row) -> StoredRefusal:
    number, not_after, digest, size, at, jws, reasons, repeats = row
    refusal = RefusalRow(TransactionId(not_after, digest), size, at, jws, reasons)
    return StoredRefusal(number, refusal, repeats)


class Source(Protocol):
    """Where connections for reading come from: one of the two databases."""

    def connect(self) -> Reads:
        """A new connection, bound to no ledger (number 0)."""

    def begin(self, reads: Reads) -> None:
        """Start a snapshot on it."""

    def end(self, reads: Reads) -> None:
        """End the snapshot."""

    def alive(self, reads: Reads) -> bool:
        """Whether the connection can be used again."""

    def close(self, reads: Reads) -> None:
        """Close it; never raises."""


def _once(
    method: Callable[Concatenate[Snapshot, P], R],
) -> Callable[Concatenate[ReadingStore, P], R]:
    """The same read on a connection of its own, without a snapshot around it."""

    @wraps(method)
    def read(self: ReadingStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        with self.lent() as reads:
            return method(Snapshot(reads), *args, **kwargs)

    return read


def _streamed(
    method: Callable[Concatenate[Snapshot, P], Iterator[R]],
) -> Callable[Concatenate[ReadingStore, P], Iterator[R]]:
    """The same iteration within a snapshot that lasts until it ends."""

    @wraps(method)
    def read(self: ReadingStore, /, *args: P.args, **kwargs: P.kwargs) -> Iterator[R]:
        with self.snapshot() as snapshot:
            yield from method(snapshot, *args, **kwargs)

    return read


class ReadingStore:
    """Reads of one ledger for any number of threads. Every read of `Snapshot` is here too, each at
    a moment of its own; use `snapshot()` where several must agree."""

    def __init__(self, source: Source, choose: Callable[[list[LedgerRow]], LedgerRow]) -> None:
        self._source = source
        self._choose = choose
        self._ledger: LedgerRow | None = None
        self._idle: deque[Reads] = deque()  # shared by all threads; append and pop are atomic
        self._pid = os.getpid()
        with self.lent():
            pass

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One moment's view over several reads."""
        with self.lent() as reads:
            self._source.begin(reads)
            try:
                yield Snapshot(reads)
            finally:
                self._source.end(reads)

    @contextmanager
    def lent(self) -> Iterator[Reads]:
        """A connection of one's own for a while; for this package."""
        reads = self._take()
        try:
            yield reads
        except StoreProblem:
            self._source.close(reads)
            self._drop_idle()  # whatever ended this connection ended the others too
            raise
        finally:
            if self._source.alive(reads) and len(self._idle) < IDLE_CONNECTIONS_MAX:
                self._idle.append(reads)
            else:
                self._source.close(reads)

    @property
    def id(self) -> bytes:
        """The id of the ledger that is read."""
        if self._ledger is None:
            raise AssertionError("a ledger is chosen when the store is opened")
        return self._ledger.id

    def close(self) -> None:
        """Close the connections that nobody has; never raises."""
        self._drop_idle()

    head = _once(Snapshot.head)
    find = _once(Snapshot.find)
    load = _once(Snapshot.load)
    leaves = _once(Snapshot.leaves)
    leaf = _once(Snapshot.leaf)
    tile = _once(Snapshot.tile)
    ledgers = _once(Snapshot.ledgers)
    account_by_number = _once(Snapshot.account_by_number)
    accounts_by_number = _once(Snapshot.accounts_by_number)
    accounts_of = _once(Snapshot.accounts_of)
    accounts_of_kind = _once(Snapshot.accounts_of_kind)
    accounts_with = _once(Snapshot.accounts_with)
    accounts = _once(Snapshot.accounts)
    statement = _once(Snapshot.statement)
    balance_at = _once(Snapshot.balance_at)
    balances = _once(Snapshot.balances)
    objects = _once(Snapshot.objects)
    events = _once(Snapshot.events)
    refusals = _once(Snapshot.refusals)
    refusal = _once(Snapshot.refusal)
    refusals_by_number = _once(Snapshot.refusals_by_number)
    structure = _once(Snapshot.structure)
    all_leaves = _streamed(Snapshot.all_leaves)
    all_entries = _streamed(Snapshot.all_entries)
    all_transactions = _streamed(Snapshot.all_transactions)
    all_transactions_by_entry = _streamed(Snapshot.all_transactions_by_entry)
    misplaced_postings = _streamed(Snapshot.misplaced_postings)
    all_event_runs = _streamed(Snapshot.all_event_runs)
    all_accounts = _streamed(Snapshot.all_accounts)
    all_postings = _streamed(Snapshot.all_postings)
    all_posting_spans = _streamed(Snapshot.all_posting_spans)
    all_objects = _streamed(Snapshot.all_objects)
    all_lookups = _streamed(Snapshot.all_lookups)
    all_counters = _streamed(Snapshot.all_counters)
    all_events = _streamed(Snapshot.all_events)
    all_refusals = _streamed(Snapshot.all_refusals)
    refusals_of_no_ledger = _streamed(Snapshot.refusals_of_no_ledger)
    all_tiles = _streamed(Snapshot.all_tiles)

    def _take(self) -> Reads:
        if os.getpid() != self._pid:  # after a fork: those connections are the parent's
            self._idle, self._pid = deque(), os.getpid()
        try:
            return self._idle.pop()
        except IndexError:
            reads = self._source.connect()
        try:
            if self._ledger is None:
                self._ledger = self._choose(reads.ledgers())
            reads.ledger = self._ledger.number
        except BaseException:
            self._source.close(reads)
            raise
        return reads

    def _drop_idle(self) -> None:
        while self._idle:
            try:
                self._source.close(self._idle.pop())
            except IndexError:
                return
