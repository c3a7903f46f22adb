"""A PostgreSQL server of our own to measure on, where the programs are installed.

Stock settings, fsync on; in a folder of its own, on a loopback port, ended by its pid.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Final

import psycopg

PLACES: Final = ("usr/lib/postgresql/*/bin", "usr/pgsql-*/bin", "opt/homebrew/opt/postgresql*/bin")
"""Where packages put PostgreSQL's programs, beside the path."""

SUPERUSER: Final = "bench"
SYSTEM_USER: Final = "postgres"
"""Whom to become where we are root, whom PostgreSQL refuses."""

START_S: Final = 60.0


class PostgresMissing(Exception):
    """Why there is no PostgreSQL to measure on: one sentence."""


class Postgres:
    """A running server; use as a context manager. Raises PostgresMissing."""

    def __init__(self) -> None:
        programs = find()
        if programs is None:
            raise PostgresMissing("no PostgreSQL server is installed (apt-get install postgresql)")
        self._programs: Final = programs
        self._as: Final = _become()
        self._folder: Final = Path(tempfile.mkdtemp(prefix="tenge-bench-postgres-"))
        self._process: subprocess.Popen[bytes] | None = None
        self._port = 0
        self._databases = 0
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def new_database(self) -> str:
        """The URL of a new, empty database."""
        self._databases += 1
        name = f"bench{self._databases}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://{SUPERUSER}@127.0.0.1:{self._port}/{name}"

    def stop(self) -> None:
        """Shut down, and leave nothing."""
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)  # fast shutdown; setpriv became the server
            self._process.wait(START_S)
        shutil.rmtree(self._folder, ignore_errors=True)

    def __enter__(self) -> Postgres:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _start(self) -> None:
        if self._as:
            shutil.chown(self._folder, SYSTEM_USER)
        data = str(self._folder / "data")
        made = subprocess.run(  # noqa: S603 - programs found on this machine
            [*self._program("initdb"), "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8"],
            capture_output=True, text=True, cwd="/", check=False,
        )  # fmt: skip
        if made.returncode:
            raise PostgresMissing(f"initdb failed: {made.stderr.strip()[-300:]}")
        self._port = _free_port()
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    *self._program("postgres"), "-D", data, "-h", "127.0.0.1",
                    "-p", str(self._port), "-k", "",
                ],
                stdout=log, stderr=log, cwd="/", start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + START_S
        while True:
            try:
                psycopg.connect(self._dsn("postgres"), connect_timeout=2).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    why = (self._folder / "log").read_text()[-300:]
                    raise PostgresMissing(f"PostgreSQL did not start: {why}") from None
                time.sleep(0.05)

    def _program(self, name: str) -> list[str]:
        return [*self._as, str(self._programs / name)]

    def _dsn(self, database: str) -> str:
        return f"host=127.0.0.1 port={self._port} user={SUPERUSER} dbname={database}"


def find() -> Path | None:
    """The folder of the newest installed server's programs, or None."""
    found = [
        place for one in PLACES for place in Path("/").glob(one) if (place / "initdb").exists()
    ]
    on_path = shutil.which("initdb")
    if on_path:
        found.append(Path(on_path).resolve().parent)
    return max(found, default=None)


def size_of(url: str) -> int:
    """Bytes of all tables and indexes, rewritten without slack, of the database at `url`."""
    dsn = url.replace("postgresql+psycopg://", "postgresql://")
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("VACUUM FULL")
        found = connection.execute(
            "SELECT sum(pg_total_relation_size(oid)) FROM pg_class"
            " WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
        ).fetchone()
    return int(found[0]) if found else 0


def _become() -> list[str]:
    if os.geteuid() != 0:
        return []
    import pwd

    try:
        pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        raise PostgresMissing(f"root without a user {SYSTEM_USER} cannot start one") from None
    return ["setpriv", f"--reuid={SYSTEM_USER}", f"--regid={SYSTEM_USER}", "--clear-groups", "--"]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port
