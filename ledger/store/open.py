"""From a URL to a store: `sqlite:///ledger.db` or `postgresql+psycopg://user@host/database`."""

from __future__ import annotations

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from ledger.errors import StoreProblem
from ledger.store import migrate as _migrate
from ledger.store.base import LedgerRow, Points, WritingStore, no_points
from ledger.store.sqlite import SqliteFile, SqliteStore

_FORMS = "Write sqlite:///path/to/ledger.db or postgresql+psycopg://user@host:5432/database."


def open_writing(
    url: str, ledger_id: bytes | None = None, points: Points = no_points
) -> WritingStore:
    """The writing store of a ledger; without an id, of the newest ledger that has an entry, else
    of the newest. Raises StoreProblem, also where the database is missing, older or not ours."""
    store = _connect(url, points)
    try:
        return store.on(ledger_id or _newest(store.ledgers(), url))
    except BaseException:
        store.close()
        raise


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
    """Bring a database to this version's tables: a missing or empty one is made, an older one
    upgraded, a newer or foreign one refused with StoreProblem. Nothing else may have it open."""
    parsed = parse(url)
    if is_sqlite(parsed):
        file = SqliteFile(path_of(parsed))
        try:
            _migrate.sqlite(file)
        finally:
            file.close()
    else:
        _migrate.postgresql(parsed)


def parse(url: str) -> URL:
    """The parts of a database URL; StoreProblem says how to write one."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise StoreProblem(f"this is not a database address: {url!r}. {_FORMS}") from None
    if parsed.drivername in ("postgresql", "postgres"):
        parsed = parsed.set(drivername="postgresql+psycopg")
    if parsed.drivername not in ("sqlite", "postgresql+psycopg"):
        raise StoreProblem(f"{parsed.drivername!r} is not a database we know. {_FORMS}")
    return parsed


def path_of(url: URL) -> str:
    """The file of a SQLite URL."""
    if url.host or not url.database or url.database == ":memory:":
        raise StoreProblem(
            "a ledger needs a file: write sqlite:///relative.db or sqlite:////absolute/path.db"
        )
    return url.database


def is_sqlite(url: URL) -> bool:
    """Whether this is the embedded database."""
    return url.drivername == "sqlite"


def conninfo_of(url: URL) -> str:
    """What libpq understands."""
    plain = url.set(drivername="postgresql")
    return plain.render_as_string(hide_password=False)


def _connect(url: str, points: Points) -> WritingStore:
    parsed = parse(url)
    if not is_sqlite(parsed):
        from ledger.store.postgresql import PostgresStore, Server

        return PostgresStore(Server(conninfo_of(parsed)), 0, points)
    file = SqliteFile(path_of(parsed))
    try:
        _migrate.check_sqlite(file)
    except BaseException:
        file.close()
        raise
    return SqliteStore(file, 0, points)


def _newest(ledgers: list[LedgerRow], url: str) -> bytes:
    if not ledgers:
        raise StoreProblem("this database holds no ledger yet; `tenge up` makes one.")
    return max(ledgers, key=lambda row: (row.size > 0, row.number)).id
