"""The database of the sandbox's own store: tables, engine, and one transaction in it (design D8).

Which tables there are is told by those who keep something there (`tenants`, `records`,
`alias_records`). A second SQLite file, or the schema `sandbox` of the ledger's PostgreSQL database.
SQLite runs with a rollback journal, not WAL: several front ends write here, and the WAL-reset race
of SQLite before 3.51.3 needs a WAL.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    Integer,
    MetaData,
    Table,
    create_engine,
    delete,
    event,
    insert,
    literal,
    select,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError

from ledger.errors import StoreProblem

METADATA: Final = MetaData(schema="sandbox")
LONG: Final = BigInteger().with_variant(Integer(), "sqlite")
"""Times in ms."""


class Asking:
    """One transaction. A database that fails becomes StoreProblem, but not a broken unique key."""

    def __init__(self, engine: Engine) -> None:
        self._begun = engine.begin()

    def __enter__(self) -> Connection:
        try:
            return self._begun.__enter__()
        except SQLAlchemyError as error:
            raise StoreProblem(_cause(error)) from None

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        try:
            self._begun.__exit__(kind, error, trace)
        except SQLAlchemyError as failed:
            raise StoreProblem(_cause(failed)) from None
        if isinstance(error, DBAPIError) and not isinstance(error, IntegrityError):
            raise StoreProblem(_cause(error)) from None


class Tables:
    """What the stores that keep something here share: an engine that reads, and one that writes.
    Safe for threads. Every method is one transaction; raises StoreProblem."""

    def __init__(self, engine: Engine) -> None:
        self._engine: Final = engine
        self._writing: Final = engine.execution_options(immediate=True)

    def _one(self, query: Any) -> Any:
        with Asking(self._engine) as connection:
            return connection.execute(query).first()

    def _all(self, query: Any) -> Sequence[Any]:
        with Asking(self._engine) as connection:
            return connection.execute(query).all()

    def _do(self, statement: Any) -> int:
        """Write; how many rows it concerned."""
        with Asking(self._writing) as connection:
            return int(connection.execute(statement).rowcount)

    def _insert_once(self, table: Table, row: dict[str, Any]) -> None:
        """Insert a row; the first one under a key stays."""
        with suppress(IntegrityError):  # two front ends may be told at once
            self._do(insert(table).values(row))

    def _drop(self, table: Table, where: Any) -> int:
        """Delete these rows; where there are none, nothing is written. How many there were."""
        if self._one(select(literal(1)).select_from(table).where(where).limit(1)) is None:
            return 0
        return self._do(delete(table).where(where))


def _cause(error: SQLAlchemyError) -> str:
    return f"the sandbox's own store failed: {str(error).splitlines()[0]}"


def engine_of(url: str) -> Engine:
    """An engine for the store at a SQLAlchemy URL; with the option `immediate` it is for writing.
    Raises SQLAlchemyError."""
    if not re.match(r"sqlite(\+pysqlite)?:", url):
        return create_engine(url, pool_size=2, max_overflow=2, pool_pre_ping=True)
    engine = create_engine(
        url,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": 10},
        execution_options={"schema_translate_map": {"sandbox": None}},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA journal_mode=DELETE")
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA secure_delete=ON")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
