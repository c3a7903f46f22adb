"""Bringing a database to this version's tables, and refusing one that is not ours."""

from __future__ import annotations

from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import StaticPool

from ledger.errors import StoreProblem
from ledger.store.schema import METADATA
from ledger.store.sqlite import SqliteFile


def sqlite(file: SqliteFile) -> None:
    """Make the tables in a file."""
    engine = create_engine("sqlite://", creator=lambda: file.connection, poolclass=StaticPool)
    with engine.begin() as connection:
        METADATA.create_all(connection)


def check_sqlite(file: SqliteFile) -> None:
    """StoreProblem unless the file has our tables."""
    try:
        file.connection.execute("SELECT 1 FROM head").fetchall()
    except Exception:
        raise StoreProblem(f"{file.path} has no ledger tables yet") from None


def postgresql(url: URL) -> None:
    """Make the tables in a database."""
    engine = create_engine(url)
    with engine.begin() as connection:
        METADATA.create_all(connection)
    engine.dispose()
