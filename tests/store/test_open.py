"""Every way in which a database cannot be had ends in one sentence with what to do."""

from __future__ import annotations

import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import traceback
from contextlib import closing

import psycopg
import pytest

from ledger.errors import StoreProblem
from ledger.store import create_ledger, migrate, open_reading, open_writing, problems
from ledger.store import sqlite as sqlite_store
from ledger.store.revision import REVISION
from ledger.store.schema import METADATA

SENTENCE = re.compile(r"[^\n]{20,400}")


def refusal_of(action, *args):
    """The text of the StoreProblem that an action must end in; one line, no secret."""
    with pytest.raises(StoreProblem) as caught:
        action(*args)
    text = str(caught.value)
    assert SENTENCE.fullmatch(text), text
    assert "secret" not in text
    return text


@pytest.mark.parametrize(
    ("url", "says"),
    [
        pytest.param("ledger.db", "write sqlite:///", id="a bare path"),
        pytest.param("", "write sqlite:///", id="nothing"),
        pytest.param("sqlite://", "a ledger needs a file", id="no file"),
        pytest.param("sqlite:///:memory:", "a ledger needs a file", id="memory"),
        pytest.param("sqlite://ledger.db", "a ledger needs a file", id="two slashes"),
        pytest.param("mysql://u:secret@h/d", "is not a database we know", id="another database"),
        pytest.param("postgresql://u:secret@h", "names no database", id="no database"),
        pytest.param("postgresql://u:secret@h:port/d", "not a database address", id="bad port"),
        pytest.param("sqlite:////no/such/folder/x.db", "there is no folder", id="no folder"),
        pytest.param("sqlite:////", "is a folder", id="a folder"),
    ],
)
@pytest.mark.parametrize("action", [migrate, open_writing, open_reading])
def test_a_wrong_address_is_explained(action, url, says):
    assert says.lower() in refusal_of(action, url).lower()


def test_a_database_that_is_missing_is_not_made_by_looking(tmp_path):
    path = tmp_path / "ledger.db"

    assert "there is no database" in refusal_of(open_reading, f"sqlite:///{path}")

    assert not path.exists()


def test_an_empty_database_has_no_tables_yet(store_url):
    if store_url.startswith("sqlite"):
        sqlite3.connect(store_url.removeprefix("sqlite:///")).execute("VACUUM").connection.close()

    assert "holds no ledger tables yet" in refusal_of(open_writing, store_url)
    assert "holds no ledger tables yet" in refusal_of(open_reading, store_url)

    migrate(store_url)
    assert "holds no ledger yet" in refusal_of(open_writing, store_url)
    assert "holds no ledger yet" in refusal_of(open_reading, store_url)


def test_an_unknown_ledger_is_named(store_url, made):
    create_ledger(store_url, made.ledger)

    for action in (open_writing, open_reading):
        assert b"no such ledger!!".hex() in refusal_of(action, store_url, b"no such ledger!!")


def test_a_file_that_is_not_a_database_is_left_alone(tmp_path):
    path = tmp_path / "notes.txt"
    path.write_text("dear diary " * 500)

    for action in (migrate, open_writing, open_reading):
        assert "is not a SQLite database" in refusal_of(action, f"sqlite:///{path}")

    assert path.read_text() == "dear diary " * 500


def test_someone_elses_tables_are_left_alone(store_url):
    execute(store_url, "CREATE TABLE account (a INTEGER)")

    assert "not a ledger" in refusal_of(migrate, store_url)
    says = "not a ledger" if store_url.startswith("sqlite") else "holds no ledger tables"
    assert says in refusal_of(open_writing, store_url)

    assert tables(store_url) == {"account"}


def test_a_newer_database_is_refused(store_url, made):
    create_ledger(store_url, made.ledger)
    execute(store_url, "UPDATE ledger_version SET version_num = '9999'")

    for action in (migrate, open_writing, open_reading):
        assert "newer release" in refusal_of(action, store_url)


def test_migrating_twice_is_migrating_once(store_url):
    migrate(store_url)
    before = tables(store_url)

    migrate(store_url)

    assert tables(store_url) == before == {*METADATA.tables, "ledger_version"}


def test_a_migration_that_fails_leaves_nothing(sqlite_url, monkeypatch):
    monkeypatch.setattr("ledger.store.revision.REVISION", "no such step")

    with pytest.raises(Exception, match="no such step"):
        migrate(sqlite_url)

    assert tables(sqlite_url) == set()


def test_the_steps_lead_to_the_tables_of_this_release(store_url):
    """What `migrations/` made and what `schema.py` says are the same database."""
    from sqlalchemy import create_engine

    migrate(store_url)
    fresh = make_fresh(store_url)
    engine = create_engine(fresh)
    METADATA.create_all(engine)
    engine.dispose()

    assert definitions(store_url) - {"ledger_version"} == definitions(fresh)


def make_fresh(url):
    """Another database of the same kind."""
    if url.startswith("sqlite"):
        return url + ".fresh"
    server, _, name = url.rpartition("/")
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}_fresh")
    return f"{server}/{name}_fresh"


def definitions(url):
    """Everything the database itself knows of its tables, as text."""
    if url.startswith("sqlite"):
        rows = execute(
            url, "SELECT name, sql FROM sqlite_schema WHERE tbl_name <> 'ledger_version'"
        )
        return {(name, " ".join((sql or "").split())) for name, sql in rows}
    columns = execute(
        url,
        "SELECT table_name, column_name, ordinal_position, data_type, is_nullable, column_default,"
        " collation_name FROM information_schema.columns"
        " WHERE table_schema = 'public' AND table_name <> 'ledger_version'",
    )
    indexes = execute(
        url,
        "SELECT tablename, indexname, indexdef FROM pg_indexes"
        " WHERE schemaname = 'public' AND tablename <> 'ledger_version'",
    )
    checks = execute(
        url,
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint"
        " WHERE connamespace = 'public'::regnamespace"
        " AND conrelid::regclass::text <> 'ledger_version'",
    )
    room = execute(
        url, "SELECT relname, reloptions::text FROM pg_class WHERE reloptions IS NOT NULL"
    )
    return {*columns, *indexes, *checks, *room}


def test_two_writers_on_one_file_cannot_be(sqlite_url, made, tmp_path):
    create_ledger(sqlite_url, made.ledger)
    store = open_writing(sqlite_url)
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "ledger.db")

    for url in (sqlite_url, f"sqlite:///{link}"):
        text = refusal_of(open_writing, url)
        assert "already open for writing by this process" in text
    other = subprocess.run(
        [sys.executable, "-c", OPEN, sqlite_url], capture_output=True, text=True, check=True
    )
    assert f"already open for writing by process {os.getpid()}" in other.stdout

    store.close()
    open_writing(sqlite_url).close()


OPEN = """
import sys
from ledger.errors import StoreProblem
from ledger.store import open_writing
try:
    open_writing(sys.argv[1])
except StoreProblem as problem:
    print(problem)
"""


def test_a_file_that_another_program_locks_is_named(sqlite_url, made, monkeypatch):
    monkeypatch.setattr(sqlite_store, "BUSY_MS", 50)
    create_ledger(sqlite_url, made.ledger)
    store = open_writing(sqlite_url)
    shell = sqlite3.connect(sqlite_url.removeprefix("sqlite:///"), isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")

    assert "is locked by another program" in refusal_of(store.begin)

    shell.execute("ROLLBACK")
    shell.close()
    assert store.begin().size == 0
    store.close()


@pytest.mark.skipif(not os.path.exists("/proc/self/mounts"), reason="needs a read-only mount")
def test_a_read_only_disk_can_be_read_and_not_written(tmp_path, made):
    disk = tmp_path / "disk"
    disk.mkdir()
    url = f"sqlite:///{disk / 'ledger.db'}"
    create_ledger(url, made.ledger)
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "--bind", "-o", "ro", str(disk), str(disk)], capture_output=True, check=False
    )
    if not mounted or mounted.returncode:
        pytest.skip("may not mount here")
    try:
        assert "cannot be written" in refusal_of(open_writing, url)
        reader = open_reading(url)
        assert reader.head().size == 0
        reader.close()
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_an_old_sqlite_is_refused(sqlite_url, monkeypatch):
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 36, 0))

    assert "too old" in refusal_of(migrate, sqlite_url)


def test_a_postgresql_that_is_not_there_is_explained():
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        url = f"postgresql://u:secret@127.0.0.1:{port}/ledger"
        for action in (migrate, open_writing, open_reading):
            assert "cannot be reached" in refusal_of(action, url)


def test_a_host_that_is_not_there_is_explained():
    url = "postgresql://u:secret@no-such-host.invalid/ledger"
    for action in (migrate, open_writing, open_reading):
        assert "cannot be reached" in refusal_of(action, url)


def test_a_postgresql_database_or_user_that_is_not_there_is_named(postgres_url):
    server, _, name = postgres_url.rpartition("/")
    for action in (migrate, open_writing, open_reading):
        assert "no such database" in refusal_of(action, f"{server}/nothing")
        nobody = postgres_url.replace("//ledger@", "//nobody:secret@")
        assert "may not log in" in refusal_of(action, nobody), name


def test_a_wrong_password_is_said_without_showing_it():
    error = psycopg.OperationalError('FATAL:  password authentication failed for user "u"')

    assert "password is wrong" in str(problems.of_postgresql(error))


def test_every_sqlite_code_has_one_sentence(tmp_path):
    """Codes that cannot be brought about at will here."""
    for name in ("SQLITE_FULL", "SQLITE_IOERR_FSYNC", "SQLITE_CORRUPT_INDEX", "SQLITE_CANTOPEN"):
        error = sqlite3.OperationalError("text of the driver")
        error.sqlite_errorname = name
        text = str(problems.of_sqlite(error, "ledger.db"))
        assert text.startswith("the database ledger.db ")
        assert " failed: " not in text, name


def test_no_error_shows_a_traceback_of_the_driver_only(tmp_path):
    """The cause is kept for the log file, behind our sentence."""
    path = tmp_path / "x.db"
    path.write_bytes(b"not a database" * 100)
    try:
        open_reading(f"sqlite:///{path}")
    except StoreProblem:
        text = traceback.format_exc()
    assert "sqlite3.DatabaseError" in text
    assert text.strip().splitlines()[-1].startswith("ledger.errors.StoreProblem")


def execute(url, sql):
    """Run a statement past the store; its rows."""
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        rows = connection.execute(sql).fetchall()
        connection.commit()
        connection.close()
        return rows
    with psycopg.connect(url.replace("+psycopg", "")) as connection:
        cursor = connection.execute(sql)
        return cursor.fetchall() if cursor.description else []


def tables(url):
    """Names of the tables in a database."""
    sql = (
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
        if url.startswith("sqlite")
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    return {row[0] for row in execute(url, sql)}


def test_the_revision_is_the_newest_step():
    from importlib import resources

    steps = resources.files("ledger.store.migrations") / "versions"
    names = sorted(p.name for p in steps.iterdir() if p.name.startswith("s0"))

    assert names[-1].startswith(f"s{REVISION}_")


@pytest.mark.parametrize("opened", [open_writing, migrate], ids=["open_writing", "migrate"])
def test_a_foreign_file_is_refused_and_not_touched(tmp_path, opened):
    path = tmp_path / "recipes.db"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipe (name TEXT)")
        connection.commit()
    before = path.read_bytes()

    with pytest.raises(StoreProblem, match="other tables"):
        opened(f"sqlite:///{path}")

    assert path.read_bytes() == before
    assert sorted(one.name for one in tmp_path.iterdir()) == ["recipes.db"]


def test_an_older_database_gets_the_steps_that_it_lacks(store_url, made):
    create_ledger(store_url, made.ledger)
    now = index_of_accounts(store_url)
    for statement in (
        "DROP INDEX account_mark",
        "DROP INDEX account_owner",
        "CREATE INDEX account_owner ON account (ledger, owner, number)",
        "UPDATE ledger_version SET version_num = '0001'",
    ):
        execute(store_url, statement)
    assert index_of_accounts(store_url) != now

    for action in (open_writing, open_reading):
        assert "older release" in refusal_of(action, store_url)
    migrate(store_url)

    assert index_of_accounts(store_url) == now
    open_reading(store_url).close()


def index_of_accounts(url):
    """Columns of the index by owner."""
    sql = (
        "SELECT sql FROM sqlite_schema WHERE name = 'account_owner'"
        if url.startswith("sqlite")
        else "SELECT indexdef FROM pg_indexes WHERE indexname = 'account_owner'"
    )
    ((text,),) = execute(url, sql)
    return re.search(r"\(.*\)", text).group()
