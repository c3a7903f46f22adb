"""What drivers raise, turned into one sentence with what to do. The one place that reads codes.

SQLite names its codes (sqlite.org/rescode.html), PostgreSQL its SQLSTATEs (appendix A of its
manual). No text here shows a password.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from ledger.errors import StoreProblem
from ledger.store.base import BatchRefused

if TYPE_CHECKING:  # psycopg takes its time to import, and SQLite does not need it
    import psycopg

_SQLITE = {
    "SQLITE_NOTADB": "is not a SQLite database. Give the path of a ledger or of a new file.",
    "SQLITE_CORRUPT": "is damaged. Stop, copy it, and run `tenge verify` on the copy.",
    "SQLITE_BUSY": "is locked by another program. Close whatever else has it open and try again.",
    "SQLITE_LOCKED": "is locked by another program. Close whatever else has it open and try again.",
    "SQLITE_FULL": "does not fit on the disk any more. Free some space; nothing more is accepted"
    " until then.",
    "SQLITE_READONLY": "cannot be written. Check the file's permissions and that the disk is not"
    " mounted read-only.",
    "SQLITE_CANTOPEN": "cannot be opened. Check that its folder exists and that you may read and"
    " write there.",
    "SQLITE_PERM": "may not be opened by this user. Check the file's permissions.",
    "SQLITE_IOERR": "could not be read or written: the disk reports an error. Check the disk, then"
    " start again.",
    "SQLITE_PROTOCOL": "is locked in a way that SQLite cannot resolve. Is it on a network drive?"
    " Move it to a local disk.",
    "SQLITE_NOLFS": "is too large for this file system.",
}


OF_SQLITE = (sqlite3.Error, UnicodeDecodeError)
"""What sqlite3 raises over a file: the second where its own words quote damaged text."""


def of_sqlite(error: sqlite3.Error | OverflowError | UnicodeError, path: str) -> StoreProblem:
    """The problem that a sqlite3 error stands for, on the database file at `path`."""
    if isinstance(error, UnicodeError):
        damaged = _SQLITE["SQLITE_CORRUPT"]
        return StoreProblem(f"the database {path} {damaged} (its schema cannot be read)")
    if isinstance(error, OverflowError):
        return BatchRefused(f"a number does not fit into the database: {error}")
    if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError):
        return BatchRefused(f"the database refused a row: {error}")
    name = getattr(error, "sqlite_errorname", None) or ""
    while name:
        if name in _SQLITE:
            return StoreProblem(f"the database {path} {_SQLITE[name]} ({error})")
        name = name.rpartition("_")[0]
    return StoreProblem(f"the database {path} failed: {error}")


_POSTGRESQL = {
    "28P01": "the password is wrong. Put the right one into the address or into ~/.pgpass.",
    "28000": "this user may not log in. Check the user in the address and pg_hba.conf.",
    "3D000": "there is no such database. Make it first: createdb NAME.",
    "3F000": "the schema is missing. Make it first or correct the search path.",
    "42501": "this user may not do that. Grant it the right to create and write tables.",
    "25006": "the server is read-only: a standby, or set so. Give the address of the primary.",
    "42P01": "the ledger's tables are missing. Run `tenge up` once, or another release wrote them.",
    "55P03": "another node has held the ledger's head too long. Look for one that hangs.",
    "57014": "a statement took too long and was ended by the server.",
    "57P01": "the server is being shut down. Wait for it to come back.",
    "57P02": "the server crashed. Wait for it to come back.",
    "57P03": "the server is starting or stopping. Try again in a moment.",
    "57P05": "the server closed an idle connection.",
    "53300": "the server takes no more connections. Raise max_connections or stop some.",
    "53100": "the server's disk is full. Free some space; nothing more is accepted until then.",
    "53200": "the server is out of memory.",
    "58030": "the server's disk reports an error. Check it before going on.",
    "XX001": "the server reports damaged data. Stop and check its disk.",
    "XX002": "the server reports a damaged index. Stop and check its disk.",
}
_ON_CONNECTING = (
    ("password", "28P01"),
    ("pg_hba.conf", "28000"),
    ("role ", "28000"),
    ("database ", "3D000"),
    ("too many", "53300"),
    ("starting up", "57P03"),
    ("shutting down", "57P03"),
)
"""libpq gives no SQLSTATE before it is connected: words of the server's FATAL line, in English."""

_REFUSED_CLASSES = ("22", "23")
"""Data exceptions and integrity constraints: a row's fault, not the server's."""


def of_postgresql(error: psycopg.Error | OverflowError) -> StoreProblem:
    """The problem that a psycopg error stands for."""
    if isinstance(error, OverflowError):
        return BatchRefused(f"a number does not fit into the database: {error}")
    first = (str(error).strip().splitlines() or ["no text"])[0]
    state = error.sqlstate or _state_of(first)
    if state[:2] in _REFUSED_CLASSES:
        return BatchRefused(f"the database refused a row: {first}")
    if state in _POSTGRESQL:
        return StoreProblem(f"PostgreSQL: {_POSTGRESQL[state]} ({first})")
    if state:
        return StoreProblem(f"PostgreSQL failed with {state}: {first}")
    return StoreProblem(
        f"PostgreSQL cannot be reached: check host, port and that it runs. ({first})"
    )


def _state_of(text: str) -> str:
    """The SQLSTATE that a server meant which refused the connection, or ""."""
    _, fatal, said = text.partition("FATAL:")
    if fatal:
        for word, state in _ON_CONNECTING:
            if word in said:
                return state
    return ""
