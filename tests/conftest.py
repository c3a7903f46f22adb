"""Fixtures that every folder of tests shares: databases to test against.

`postgres_url` starts one PostgreSQL server for the whole run, in a folder of its own, on a loopback
port that was free, and ends it by its pid. It skips where no server is installed, except in CI.
`store_url` is a fresh, empty database: a SQLite file, then a PostgreSQL database.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql*/bin")
_SETTINGS = "shared_buffers=128MB\nmax_connections=60\nmax_wal_size=512MB\n"


class PostgresServer:
    """A PostgreSQL server of our own: made, started and stopped here."""

    def __init__(self, programs: Path, folder: Path, user: str | None) -> None:
        self.programs = programs
        self.folder = folder
        self.user = user  # whom to become where we are root: PostgreSQL refuses root
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Make the database files and start; returns when it answers."""
        data = self.folder / "data"
        self._run("initdb", "-D", str(data), "-U", "ledger", "-A", "trust", "-E", "UTF8", "-N")
        with open(data / "postgresql.conf", "a", encoding="utf-8") as settings:
            settings.write(_SETTINGS)
        self.port = _free_port()
        with open(self.folder / "log", "wb") as log:
            self._process = subprocess.Popen(
                [
                    *self._as_user(), str(self.programs / "postgres"), "-D", str(data),
                    "-h", "127.0.0.1", "-p", str(self.port), "-k", "",
                ],
                stdout=log, stderr=log, cwd="/",
            )  # fmt: skip
        until = time.monotonic() + 60
        while True:
            try:
                psycopg.connect(self._conninfo("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def fresh(self) -> str:
        """The URL of a new, empty database."""
        name = "t" + uuid.uuid4().hex[:12]
        with psycopg.connect(self._conninfo("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://ledger@127.0.0.1:{self.port}/{name}"

    def stop(self) -> None:
        """Immediate shutdown, by pid: what it holds is removed next, so none of it is written."""
        if self._process is not None:
            pid = int((self.folder / "data" / "postmaster.pid").read_text().split("\n")[0])
            os.kill(pid, signal.SIGQUIT)
            self._process.wait(60)

    def _conninfo(self, database: str) -> str:
        return f"host=127.0.0.1 port={self.port} user=ledger dbname={database}"

    def _run(self, program: str, *args: str) -> None:
        command = [*self._as_user(), str(self.programs / program), *args]
        done = subprocess.run(command, capture_output=True, text=True, cwd="/", check=False)
        if done.returncode:
            raise RuntimeError(f"{program} failed: {done.stderr}")

    def _as_user(self) -> list[str]:
        if self.user is None:
            return []
        return ["setpriv", f"--reuid={self.user}", f"--regid={self.user}", "--clear-groups", "--"]


def find_postgres() -> Path | None:
    """The folder of the newest installed server's programs, or None."""
    found = [p for place in _PLACES for p in Path("/").glob(place[1:]) if (p / "initdb").exists()]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    return max(found, default=None)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _missing(reason: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(f"{reason}; in CI it must be there")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """One PostgreSQL server for the run; `fresh()` gives the URL of a new database."""
    programs = find_postgres()
    if programs is None:
        _missing("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
        raise AssertionError
    user = None
    if os.geteuid() == 0:
        user = "postgres"
        try:
            pwd.getpwnam(user)
        except KeyError:
            _missing("running as root without a user `postgres` to run the server as")
    folder = Path(tempfile.mkdtemp(prefix="ledger-postgres-"))
    if user is not None:
        shutil.chown(folder, user)
    server = PostgresServer(programs, folder, user)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> str:
    """The URL of a fresh, empty PostgreSQL database."""
    return postgres.fresh()


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite file that is not there yet."""
    return f"sqlite:///{tmp_path / 'ledger.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, empty database of each kind."""
    url: str = request.getfixturevalue(
        "sqlite_url" if request.param == "sqlite" else "postgres_url"
    )
    return url
