"""The statements of the hot path, in bulk: each in the words of both databases.

SQLite runs a write once a row, or an INSERT for many rows at once, and reads keys from `VALUES`.
PostgreSQL takes a column a parameter, as arrays: one round trip whatever the number of rows. Its
reads are LATERAL with OFFSET 0: one look-up a key whatever the planner believes about a table that
was empty when it planned (it once chose the whole table, 500 times slower).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, SmallInteger, Table, Text
from sqlalchemy.types import TypeEngine

from ledger.store import schema
from ledger.store.rows import Row

_ARRAY_TYPES: tuple[tuple[type[TypeEngine[Any]], str], ...] = (
    (BigInteger, "int8"),
    (SmallInteger, "int2"),
    (Integer, "int4"),
    (Text, "text"),
    (LargeBinary, "bytea"),
)


_LARGEST = 2**63 - 1


class Statement:
    """One bulk write. `columns` is the order of a row's items, `types` what PostgreSQL calls them.

    `row` is the VALUES tuple of an INSERT; `sqlite_items` picks what SQLite's text takes of a row,
    where that is not all in order. `exact`: every row touches one row.
    """

    def __init__(
        self, table: Table, columns: Sequence[str], sqlite: str, postgresql: str, *, exact: bool
    ) -> None:
        self.table = table.name
        self.columns = tuple(columns)
        self.types = tuple(_array_type(table, column) for column in columns)
        self.row = "(" + ", ".join("?" * len(self.columns)) + ")"
        arrays = ", ".join(f"%b::{type_}[]" for type_ in self.types)
        self.sqlite = sqlite
        self.postgresql = postgresql.format(
            rows=f"unnest({arrays}) AS k ({', '.join(self.columns)})"
        )
        self.sqlite_items: Callable[[Row], Row] | None = None
        self.exact = exact


class Query:
    """One bulk read: `columns` of all rows of the ledger whose `key` columns equal a key's items.
    Parameters: the keys, then the ledger's number."""

    def __init__(self, table: Table, columns: Sequence[str], key: Sequence[str]) -> None:
        self.width = len(key)
        self.types = tuple(_array_type(table, column) for column in key)
        match = " AND ".join(f"{column} = k.column{n + 1}" for n, column in enumerate(key))
        names = ", ".join(columns)
        rows = f"SELECT {names} FROM {table.name} WHERE ledger = "  # noqa: S608 - our schema
        arrays = ", ".join(f"%b::{type_}[]" for type_ in self.types)
        aliases = ", ".join(f"column{n + 1}" for n in range(self.width))
        self.postgresql = (
            f"SELECT t.* FROM unnest({arrays}) AS k ({aliases})"  # noqa: S608
            f" CROSS JOIN LATERAL ({rows} %s AND {match} OFFSET 0) AS t"
        )
        self._sqlite = (
            f"SELECT {names} FROM {{keys}} CROSS JOIN {table.name} WHERE ledger = ? AND {match}"  # noqa: S608
        )

    @lru_cache(maxsize=256)  # noqa: B019 - queries live as long as the program
    def sqlite(self, keys: int) -> str:
        """The text for so many keys."""
        row = "(" + ",".join("?" * self.width) + ")"
        return self._sqlite.format(keys="(VALUES " + ",".join([row] * keys) + ") AS k")


def insert(table: Table, conflict: str = "", *, exact: bool = True) -> Statement:
    """INSERT of whole rows in the order of the table's columns."""
    columns = [column.name for column in table.columns]
    names = ", ".join(columns)
    into = f"INSERT INTO {table.name} ({names})"
    values = "VALUES (" + ", ".join("?" * len(columns)) + ")"
    return Statement(
        table,
        columns,
        f"{into} {values} {conflict}".rstrip(),
        f"{into} SELECT {names} FROM {{rows}} {conflict}".rstrip(),  # noqa: S608
        exact=exact,
    )


def upsert(
    table: Table, *, renew: Sequence[str] = (), add: Sequence[str] = (), there: bool = False
) -> Statement:
    """INSERT, or where the key is there: renew the columns in `renew` (where none is named, all
    beside the key) and add to those in `add`. No planner has a say: it always goes by the key.

    `there`: every row is known to be there; then SQLite takes an UPDATE, 1.7 times as fast."""
    key = [column.name for column in table.primary_key]
    names = [column.name for column in table.columns if column.name not in (*key, *add)]
    sets = [f"{name} = excluded.{name}" for name in renew or names]
    # A sum stops at the largest number (core.counters): SQLite would go on with a fraction.
    sets += [
        f"{name} = CASE WHEN excluded.{name} < 0 THEN {table.name}.{name} + excluded.{name}"
        f" WHEN {table.name}.{name} > {_LARGEST} - excluded.{name} THEN {_LARGEST}"
        f" ELSE {table.name}.{name} + excluded.{name} END"
        for name in add
    ]
    statement = insert(table, f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {', '.join(sets)}")
    if there:
        renewed = list(renew or names)
        sets = [f"{name} = ?" for name in renewed] + [f"{name} = {name} + ?" for name in add]
        match = " AND ".join(f"{name} = ?" for name in key)
        statement.sqlite = f"UPDATE {table.name} SET {', '.join(sets)} WHERE {match}"  # noqa: S608
        used = [statement.columns.index(name) for name in (*renewed, *add, *key)]
        statement.sqlite_items = itemgetter(*used)
    return statement


def delete(table: Table) -> Statement:
    """DELETE by the table's key, which is all of its columns. Not exact: what one batch puts and
    drops again was never there."""
    key = [column.name for column in table.primary_key]
    return Statement(
        table,
        key,
        f"DELETE FROM {table.name} WHERE "  # noqa: S608 - names of our schema
        + " AND ".join(f"{c} = ?" for c in key),
        f"DELETE FROM {table.name} WHERE ctid = ANY (ARRAY (SELECT t.row FROM {{rows}}"  # noqa: S608
        f" CROSS JOIN LATERAL (SELECT ctid AS row FROM {table.name} AS o WHERE "
        + " AND ".join(f"o.{c} = k.{c}" for c in key)
        + " OFFSET 0) AS t))",
        exact=False,
    )


def _array_type(table: Table, column: str) -> str:
    type_ = table.columns[column].type
    for ours, name in _ARRAY_TYPES:
        if isinstance(type_, ours):
            return name
    raise AssertionError(f"{table.name}.{column} has a type without an array: {type_!r}")


FIND = Query(schema.TX, ("not_after", "hash", "idx"), ("not_after", "hash"))
ACCOUNTS = Query(
    schema.ACCOUNT,
    ("number", "id", "owner", "asset", "kind", "mark", "status", "balance", "written"),
    ("id",),
)
OBJECTS = Query(
    schema.OBJECT,
    ("type", "key", "owner", "status", "due", "body", "lookups", "written"),
    ("type", "key"),
)
LOOKUPS = Query(schema.LOOKUP, ("type", "name", "value", "key"), ("type", "name", "value"))
COUNTERS = Query(
    schema.COUNTER,
    ("measure", "period", "subject", "part", "value"),
    ("measure", "period", "subject", "part"),
)
REPEATED = Query(schema.REFUSAL, ("not_after", "hash", "number"), ("not_after", "hash"))

ACCOUNTS_BY_NUMBER = Query(
    schema.ACCOUNT,
    ("number", "id", "owner", "asset", "kind", "mark", "status", "balance", "written"),
    ("number",),
)
REFUSALS = Query(
    schema.REFUSAL,
    ("number", "not_after", "hash", "size", "at", "jws", "reasons", "repeats"),
    ("number",),
)
REFUSAL_OF = Query(
    schema.REFUSAL,
    ("number", "not_after", "hash", "size", "at", "jws", "reasons", "repeats"),
    ("not_after", "hash"),
)

INSERT_ENTRY = insert(schema.ENTRY)
INSERT_TX = insert(schema.TX)
INSERT_POSTING = insert(schema.POSTING)
PUT_SPAN = insert(schema.POSTING_SPAN, "ON CONFLICT DO NOTHING", exact=False)
INSERT_ACCOUNT = insert(schema.ACCOUNT)
CHANGE_ACCOUNT = upsert(schema.ACCOUNT, renew=("balance", "status", "written"), there=True)
PUT_OBJECT = upsert(schema.OBJECT)
PUT_LOOKUP = insert(schema.LOOKUP, "ON CONFLICT DO NOTHING", exact=False)
DROP_LOOKUP = delete(schema.LOOKUP)
ADD_COUNTER = upsert(schema.COUNTER, add=("value",))
INSERT_REFUSAL = insert(schema.REFUSAL)
REPEAT_REFUSAL = upsert(schema.REFUSAL, renew=("size", "at", "jws", "reasons"), add=("repeats",))
INSERT_EVENT = insert(schema.EVENT)
INSERT_TILE = insert(schema.TILE)
PUT_HEAD = upsert(schema.HEAD, there=True)
