"""One byte of a database changed, of whatever row and column, and which entry that should name."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Table

from ledger.audit.replay import Replay
from ledger.store import SPAN_BITS
from ledger.store.schema import METADATA
from tests.audit.everything import Everything
from tests.scale import rounds

Row = dict[str, Any]


class Damage:
    """A copy of the database, and the hand that changes it."""

    def __init__(self, everything: Everything, path: Path) -> None:
        self.path = everything.copy(path)
        self.url = f"sqlite:///{path}"
        self._connection = sqlite3.connect(self.path, isolation_level=None)
        self._connection.execute("PRAGMA ignore_check_constraints = ON")
        self._connection.execute("PRAGMA journal_mode = OFF").fetchall()

    def __enter__(self) -> Damage:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def rows(self, table: Table) -> list[Row]:
        names = [column.name for column in table.columns]
        order = ", ".join(column.name for column in table.primary_key)
        found = self._connection.execute(
            f"SELECT {', '.join(names)} FROM {table.name} ORDER BY {order}"
        )
        return [dict(zip(names, row, strict=True)) for row in found]

    def change(self, table: Table, row: Row, column: str, value: Any) -> bool:
        """Set one column of one row; False where that would take another row's place."""
        where, key = _where(table, row)
        sql = f"UPDATE OR IGNORE {table.name} SET {column} = ? WHERE {where}"
        return self._connection.execute(sql, (value, *key)).rowcount == 1

    def delete(self, table: Table, row: Row) -> None:
        where, key = _where(table, row)
        assert self._connection.execute(f"DELETE FROM {table.name} WHERE {where}", key).rowcount

    def insert(self, table: Table, row: Row) -> None:
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self._connection.execute(
            f"INSERT INTO {table.name} ({names}) VALUES ({marks})", tuple(row.values())
        )

    def run(self, sql: str) -> None:
        self._connection.execute(sql)


def _where(table: Table, row: Row) -> tuple[str, tuple[Any, ...]]:
    key = [column.name for column in table.primary_key]
    return " AND ".join(f"{name} = ?" for name in key), tuple(row[name] for name in key)


def table(name: str) -> Table:
    return METADATA.tables[name]


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]] | None:
    """All that a database says; None where it cannot be read."""
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    connection.text_factory = bytes
    try:
        return {
            name: sorted(connection.execute(f"SELECT * FROM {name}").fetchall(), key=repr)
            for name in (*METADATA.tables, "ledger_version")
        }
    except sqlite3.Error:
        return None
    finally:
        connection.close()


def one_byte(value: Any, drawn: random.Random) -> Any:
    """The value with one byte of it changed; it stays of its type."""
    if isinstance(value, bytes):
        if not value:
            return b"\0"
        at = drawn.randrange(len(value))
        changed = value[at] ^ drawn.randint(1, 255)
        return value[:at] + bytes([changed]) + value[at + 1 :]
    if isinstance(value, str):
        if not value:
            return "x"
        at = drawn.randrange(len(value))
        other = drawn.choice([c for c in "abcxyz019._-" if c != value[at]])
        return value[:at] + other + value[at + 1 :]
    if value is None:
        return drawn.randrange(1 << 40)
    raw = bytearray(value.to_bytes(8, "big", signed=True))
    raw[drawn.choice((1, 5, 6, 7, 7, 7))] ^= drawn.randint(1, 255)
    return int.from_bytes(raw, "big", signed=True)


class Expected:
    """Which entry last wrote each row, told from the log by other means than the audit's."""

    def __init__(self, everything: Everything, rows: dict[str, list[Row]]) -> None:
        self._rows = rows
        self.size = everything.size
        self._counters = _counters_written(everything)
        self._spans: dict[tuple[int, int], int] = {}
        for row in rows["posting"]:
            index, key = (row["span"] << SPAN_BITS) + row["step"], (row["account"], row["span"])
            self._spans[key] = min(index, self._spans.get(key, index))

    def entries(self, name: str, row: Row, column: str) -> set[int | None]:
        """What the first finding may name when this row is damaged or gone."""
        if name in ("account", "object"):
            return {row["written"]}
        if name == "entry":
            return {row["idx"]}
        if name == "tx":
            return {row["idx"]}
        if name == "posting":
            return {(row["span"] << SPAN_BITS) + row["step"]}
        if name == "posting_span":
            return {self._spans[row["account"], row["span"]]}
        if name == "lookup":
            return {
                object_["written"]
                for object_ in self._rows["object"]
                if (object_["type"], object_["key"]) == (row["type"], row["key"])
            }
        if name == "counter":
            key = (row["measure"], row["period"], row["subject"], row["part"])
            return set(range(self._counters[key], self.size))  # later ones may have added 0
        if name == "tile":
            return {row["number"] * 256}
        if name == "event":
            return self._event(row)
        if name == "head":
            return {None if column == "ledger" else self.size - 1}
        return {None}

    def _event(self, row: Row) -> set[int | None]:
        if row["kind"] == 1:
            return set(range(row["ref"], row["ref"] + row["run"]))
        told = [r for r in self._rows["event"] if r["kind"] == 1 and r["seq"] > row["seq"]]
        return {None, self.size - 1, *(r["ref"] for r in told[:1])}


def _counters_written(everything: Everything) -> dict[tuple[Any, ...], int]:
    """The last entry after which each counter was another than before, or new."""
    replay = Replay(decides=False)
    written: dict[tuple[Any, ...], int] = {}
    before: dict[tuple[Any, ...], int] = {}
    for index, leaf in enumerate(everything.leaves):
        replay.step(leaf)
        values = replay.state.values
        after = {need[1:]: value for need, value in values.items() if need[0] == "counter"}
        for need, value in after.items():
            if before.get(need) != value:
                written[need] = index
        before = after
    return written


def seeds(count: int) -> Iterator[tuple[int, random.Random]]:
    """Seeds and what is drawn from them: `count` at scale 1."""
    for seed in range(rounds(count)):
        yield seed, random.Random(seed)
