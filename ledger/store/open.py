"""From a URL to a store: `sqlite:///ledger.db` or `postgresql+psycopg://user@host/database`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ledger.errors import StoreProblem
from ledger.store import revision
from ledger.store.base import LedgerRow, Points, WritingStore, no_points
from ledger.store.reader import ReadingStore, Source
from ledger.store.sqlite import SqliteFile, SqliteSource, SqliteStore

if TYPE_CHECKING:  # psycopg takes its time to import, and SQLite does not need it
    from ledger.store.postgresql import PostgresStore

_FORMS = "Write sqlite:///path/to/ledger.db or postgresql+psycopg://user@host:5432/database."


def open_writing(
    url: str, ledger_id: bytes | None = None, points: Points = no_points
) -> WritingStore:
    """The writing store of a ledger; without an id, of the newest ledger that has an entry, else
    of the newest. Raises StoreProblem, also where the database is missing, older or not ours."""
    store = _connect(url, points)
    try:
        revision.check(store, name_of(parse(url)))
        return store.on(_choose(ledger_id, store.ledgers()).id)
    except BaseException:
        store.close()
        raise


def open_reading(url: str, ledger_id: bytes | None = None) -> ReadingStore:
    """Reads of a ledger, chosen as by `open_writing`. Raises StoreProblem."""
    parsed = parse(url)
    source: Source
    if is_sqlite(parsed):
        source = SqliteSource(path_of(parsed))
    else:
        from ledger.store.postgresql import PostgresSource

        source = PostgresSource(conninfo_of(parsed))
    reads = source.connect()
    try:
        revision.check(reads, name_of(parsed))
    finally:
        source.close(reads)
    return ReadingStore(source, partial(_choose, ledger_id))


def create_ledger(url: str, ledger_id: bytes) -> None:
    """Make a ledger of size 0 with this id, unless it is there, after bringing the database up to
    date. Raises StoreProblem."""
    migrate(url)
    store = _connect(url, no_points)
    try:
        store.create_ledger(ledger_id)
    finally:
        store.close()


def migrate(url: str) -> None:
    """Bring a database to this release's tables: a missing or empty one is made, an older one
    upgraded, a newer or foreign one refused with StoreProblem. Stop all writers first."""
    parsed = parse(url)
    if not is_sqlite(parsed):
        revision.postgresql(parsed)
        return
    file = _file(parsed)
    try:
        revision.sqlite(file)
    finally:
        file.close()


def parse(url: str) -> URL:
    """The parts of a database URL; StoreProblem says how to write one."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise StoreProblem(f"this is not a database address: {_safe(url)!r}. {_FORMS}") from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise StoreProblem(f"{parsed.drivername!r} is not a database we know. {_FORMS}")
    if parsed.drivername != "sqlite" and not parsed.database:
        raise StoreProblem(f"the address names no database. {_FORMS}")
    return parsed


def is_sqlite(url: URL) -> bool:
    """Whether this is the embedded database."""
    return url.drivername == "sqlite"


def path_of(url: URL) -> str:
    """The file of a SQLite URL."""
    if url.host or not url.database or url.database == ":memory:":
        raise StoreProblem(
            "a ledger needs a file: write sqlite:///relative.db or sqlite:////absolute/path.db"
        )
    return url.database


def conninfo_of(url: URL) -> str:
    """A PostgreSQL URL as libpq understands it, password and all."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def name_of(url: URL) -> str:
    """The database as one names it to people, without its password."""
    if is_sqlite(url):
        return f"the database {path_of(url)}"
    return f"the database {url.database} at {url.host or 'the local socket'}"


def _connect(url: str, points: Points) -> SqliteStore | PostgresStore:
    parsed = parse(url)
    if is_sqlite(parsed):
        return SqliteStore(_file(parsed), 0, points)
    from ledger.store.postgresql import PostgresStore, Server

    return PostgresStore(Server(conninfo_of(parsed)), 0, points)


def _file(url: URL) -> SqliteFile:
    """The file of a SQLite URL, opened for writing; a foreign one is not touched."""
    path = path_of(url)
    revision.refuse_foreign(path, name_of(url))
    return SqliteFile(path)


def _choose(ledger_id: bytes | None, ledgers: list[LedgerRow]) -> LedgerRow:
    if ledger_id is not None:
        for row in ledgers:
            if row.id == ledger_id:
                return row
        raise StoreProblem(f"this database holds no ledger {ledger_id.hex()}")
    if not ledgers:
        raise StoreProblem("this database holds no ledger yet; `tenge up` makes one.")
    return max(ledgers, key=lambda row: (row.size > 0, row.number))


def _safe(url: str) -> str:
    """A URL that cannot be read, without what may be a password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://…{rest.rpartition('@')[2]}" if "@" in rest else url
