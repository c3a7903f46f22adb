"""The reads of the hot path, on the driver's own connection: the same SQL text for both databases.

What comes in bulk is a `Query` (`statements.py`); the rest is here. Parameters are written `?`; the
dialect translates.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ledger.core.ids import TransactionId
from ledger.core.needs import Need
from ledger.store.base import Head, LedgerRow
from ledger.store.leaves import unpack_leaf
from ledger.store.rows import Row, account_of, object_of
from ledger.store.statements import ACCOUNTS, COUNTERS, FIND, LOOKUPS, OBJECTS, Query

LEAVES = "SELECT leaf FROM entry WHERE ledger = ? AND idx >= ? AND idx < ? ORDER BY idx"
TILE = "SELECT hashes FROM tile WHERE ledger = ? AND level = ? AND number = ?"
DUE = """SELECT due, type, key FROM object WHERE ledger = ? AND due <= ?
 ORDER BY due, type, key LIMIT ?"""
LEDGERS = """SELECT l.number, l.id, l.created, coalesce(h.size, 0) FROM ledger AS l
 LEFT JOIN head AS h ON h.ledger = l.number ORDER BY l.number"""
HEAD = """SELECT h.ledger, l.id, h.size, h.frontier, h.at, ?, h.reference_version,
 h.accounts_opened, h.events, h.refusals
 FROM head AS h JOIN ledger AS l ON l.number = h.ledger WHERE h.ledger = ?"""
NUMBER = "SELECT number FROM ledger WHERE id = ?"


class Reads(ABC):
    """Reads of one ledger within whatever transaction the connection is in."""

    ledger: int

    @abstractmethod
    def rows(self, sql: str, args: Sequence[Any]) -> list[Row]:
        """All rows of one statement."""

    @abstractmethod
    def joined(self, query: Query, keys: Sequence[Row]) -> list[Row]:
        """Rows of a bulk query for these keys (tuples, one item a column)."""

    @abstractmethod
    def stream(self, sql: str, args: Sequence[Any]) -> Iterator[Row]:
        """The same in bounded memory; in PostgreSQL only within a transaction."""

    @abstractmethod
    def legs(self, account: int, bound: int, limit: int, *, newest: bool) -> list[Row]:
        """(idx, place, other, amount, balance) of an account: below entry `bound` newest first, or
        above it oldest first."""

    @abstractmethod
    def structure(self) -> list[str]:
        """What the database itself finds wrong with its files; [] is sound."""

    @abstractmethod
    def head(self) -> Head:
        """The head, without taking it."""

    def find(self, ids: Sequence[TransactionId]) -> dict[TransactionId, int]:
        """Index of the entry for each transaction that is already in the ledger."""
        return {
            TransactionId(not_after, digest): index
            for not_after, digest, index in self.joined(FIND, ids)
        }

    def load(self, needs: Iterable[Need]) -> dict[Need, Any]:
        """Values of needs, one query a table; absent: None, () or 0."""
        accounts, objects, lookups, counters = [], [], [], []
        found: dict[Need, Any] = {}
        for need in needs:
            table = need[0]
            if table == "account":
                found[need] = None
                accounts.append(need[1:])
            elif table == "counter":
                found[need] = 0
                counters.append(need[1:])
            elif table == "object":
                found[need] = None
                objects.append(need[1:])
            elif table == "lookup":
                found[need] = ()
                lookups.append(need[1:])
            else:
                raise AssertionError(f"no table holds {need!r}")
        if accounts:
            for row in self.joined(ACCOUNTS, accounts):
                account = account_of(row)
                found["account", account.id] = account
        if objects:
            for row in self.joined(OBJECTS, objects):
                found["object", row[0], row[1]] = object_of(row)
        if lookups:
            self._load_lookups(lookups, found)
        if counters:
            for measure, period, subject, part, value in self.joined(COUNTERS, counters):
                found["counter", measure, period, subject, part] = value
        return found

    def _load_lookups(self, wanted: Sequence[Row], found: dict[Need, Any]) -> None:
        keys: dict[Need, list[bytes]] = {}
        for type_, name, value, key in self.joined(LOOKUPS, wanted):
            keys.setdefault(("lookup", type_, name, value), []).append(key)
        for need, values in keys.items():
            found[need] = tuple(sorted(values))

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """Leaf bytes of entries start up to, not including, stop."""
        return [unpack_leaf(kept) for (kept,) in self.rows(LEAVES, (self.ledger, start, stop))]

    def tile(self, level: int, number: int) -> bytes | None:
        """A full hash tile, or None."""
        found = self.rows(TILE, (self.ledger, level, number))
        return found[0][0] if found else None

    def due(self, at: int, limit: int) -> list[tuple[int, str, bytes]]:
        """(due, type, key) of objects due at or before `at`, in this order."""
        return [(due, type_, key) for due, type_, key in self.rows(DUE, (self.ledger, at, limit))]

    def ledgers(self) -> list[LedgerRow]:
        """All ledgers of the database, oldest first."""
        return [LedgerRow(*row) for row in self.rows(LEDGERS, ())]

    def number_of(self, id: bytes) -> int | None:
        """The local number of the ledger with this id, or None."""
        found = self.rows(NUMBER, (id,))
        return found[0][0] if found else None
