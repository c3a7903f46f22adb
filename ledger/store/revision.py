"""Bringing a database to this release's tables, and refusing one that is not ours.

A database is at a revision (`migrations/versions`), named in the table `ledger_version`. An empty
one gets all steps, an older one those it lacks, in one transaction; a newer or foreign one is
refused. Alembic is imported only where there is something to do.
"""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, create_engine, event, inspect, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool, StaticPool

from ledger.errors import StoreProblem
from ledger.store import problems
from ledger.store.reads import Reads
from ledger.store.sqlite import SqliteFile

REVISION = "0003"
"""The newest step in `migrations/versions`."""

KNOWN = ("0001", "0002", "0003")
"""All steps, oldest first."""

VERSION_TABLE = "ledger_version"

_VERSION = f"SELECT version_num FROM {VERSION_TABLE}"  # noqa: S608 - a constant
_OURS = frozenset({"ledger", "head", "entry", "tx", "account", "posting", "object", "counter"})
_ADVISORY_LOCK = 0x7E_4E_9E  # any number, the same for every node


def sqlite(file: SqliteFile) -> None:
    """Make or upgrade the tables in a file."""
    engine = create_engine("sqlite://", creator=lambda: file.connection, poolclass=StaticPool)
    # sqlite3 starts no transaction before DDL by itself; a half-made database must not be.
    event.listen(engine, "begin", lambda begun: begun.exec_driver_sql("BEGIN IMMEDIATE"))
    try:
        with engine.begin() as connection:
            _bring_up(connection, file.path, alone=True)
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error):
            raise problems.of_sqlite(error.orig, file.path) from error
        raise


def postgresql(url: URL) -> None:
    """Make or upgrade the tables in a database; nodes that start together take turns."""
    import psycopg

    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.execute(
                text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _ADVISORY_LOCK}
            )
            _bring_up(connection, "this PostgreSQL database", alone=False)
    except DBAPIError as error:
        if isinstance(error.orig, psycopg.Error):
            raise problems.of_postgresql(error.orig) from error
        raise


def refuse_foreign(path: str, name: str) -> None:
    """StoreProblem where a SQLite file at rest holds somebody else's tables: it is only read here,
    while opening it as ours would change its journal mode. `name` is for people."""
    wal = path + "-wal"
    if not os.path.isfile(path) or (os.path.exists(wal) and os.path.getsize(wal)):
        return
    uri = Path(path).absolute().as_uri() + "?mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(uri, uri=True)) as connection:
            found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")
            tables = {name for (name,) in found}
    except sqlite3.Error:
        return  # what is wrong with it is said by whoever opens it
    if tables and VERSION_TABLE not in tables:
        raise _foreign(name)


def check(reads: Reads, name: str) -> None:
    """StoreProblem unless the database is at this release's revision. `name` is for people."""
    try:
        found = reads.rows(_VERSION, ())
    except StoreProblem as problem:
        if _is_missing_table(problem.__cause__):
            raise StoreProblem(
                f"{name} holds no ledger tables yet; `tenge up` makes them."
            ) from None
        raise
    version = found[0][0] if found else ""
    if version in KNOWN and version != REVISION:
        raise StoreProblem(
            f"{name} was written by an older release (tables {version}, this program uses"
            f" {REVISION}); `tenge up` upgrades it. Copy it first."
        )
    if version != REVISION:
        raise _newer(name, version)


def _bring_up(connection: Connection, name: str, *, alone: bool) -> None:
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        version = connection.execute(text(_VERSION)).scalar() or ""
        if version == REVISION:
            return
        if version not in KNOWN:
            raise _newer(name, version)
    elif tables if alone else tables & _OURS:
        raise _foreign(name)
    _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "ledger.store:migrations")
    config.attributes["connection"] = connection
    config.attributes["version_table"] = VERSION_TABLE
    command.upgrade(config, REVISION)


def _newer(name: str, version: str) -> StoreProblem:
    return StoreProblem(
        f"{name} was written by a newer release (tables {version!r}, this program knows"
        f" {REVISION}). Install that release."
    )


def _foreign(name: str) -> StoreProblem:
    return StoreProblem(
        f"{name} holds other tables and is not a ledger. Give another file or database."
    )


def _is_missing_table(cause: BaseException | None) -> bool:
    return "no such table" in str(cause) or getattr(cause, "sqlstate", "") == "42P01"
