"""What drivers raise, turned into one sentence with what to do. The one place that reads codes.

SQLite names its codes (sqlite.org/rescode.html), PostgreSQL its SQLSTATEs (appendix A of its
manual). No text here shows a password.
"""

from __future__ import annotations

import sqlite3

from ledger.errors import StoreProblem
from ledger.store.base import BatchRefused

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


def of_sqlite(error: sqlite3.Error | OverflowError, path: str) -> StoreProblem:
    """The problem that a sqlite3 error stands for, on the database file at `path`."""
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_CONSTRAINT") or name in ("SQLITE_MISMATCH", "SQLITE_TOOBIG"):
        return BatchRefused(f"the database refused a row: {error}")
    if isinstance(error, OverflowError):
        return BatchRefused(f"a number does not fit into the database: {error}")
    while name:
        if name in _SQLITE:
            return StoreProblem(f"the database {path} {_SQLITE[name]} ({error})")
        name = name.rpartition("_")[0]
    return StoreProblem(f"the database {path} failed: {error}")
