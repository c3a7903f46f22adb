"""A node for tests: one writer process on a ledger, started, reached and ended by its pid."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from ledger.errors import LedgerError
from ledger.writer.link import Link
from ledger.writer.wire import SECRET_BYTES, SECRET_NAME
from tests.reliability.writer_child import PID_NAME

ROOT = Path(__file__).parents[2]
START_S = 30.0
STOP_S = 20.0


class Node:
    """One node's writer. `wrap` stands before its command line, `env` adds to its environment."""

    def __init__(
        self,
        url: str,
        keyring: Path,
        ledger: str,
        *,
        wrap: Sequence[str] = (),
        env: Mapping[str, str] | None = None,
        limits: Sequence[str] = (),
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="node-"))  # short: a socket's path is limited
        secret = self.folder / SECRET_NAME
        secret.touch(0o600)
        secret.write_bytes(secrets.token_bytes(SECRET_BYTES))
        self._command = [
            sys.executable, "-m", "tests.reliability.writer_child", url, str(keyring),
            str(self.folder), ledger, *limits,
        ]  # fmt: skip
        self._wrap = tuple(wrap)
        self._env = dict(env or {})
        self._links: list[Link] = []
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wrap: Sequence[str] | None = None) -> Node:
        """Start the process; `reached` waits for it."""
        self.pid_file.unlink(missing_ok=True)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [*(self._wrap if wrap is None else wrap), *self._command],
                stdout=log, stderr=log, cwd=ROOT, env={**os.environ, **self._env},
            )  # fmt: skip
        return self

    def link(self) -> Link:
        """A new link, as a front end's; closed with the node."""
        link = Link(self.folder)
        self._links.append(link)
        return link

    def reached(self) -> Node:
        """Wait until the writer answers."""
        link, until = Link(self.folder), time.monotonic() + START_S
        try:
            while True:
                try:
                    link.time()
                    return self
                except LedgerError:
                    if self.process is None or self.process.poll() is not None:
                        raise AssertionError(f"the writer ended: {self.log()}") from None
                    if time.monotonic() > until:
                        raise
        finally:
            link.close()

    @property
    def pid_file(self) -> Path:
        """Where the writer itself has written its pid."""
        return self.folder / PID_NAME

    @property
    def pid(self) -> int:
        """The writer's own pid, also where it runs under another program."""
        return int(self.pid_file.read_text())

    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def signal(self, number: int) -> None:
        """Send a signal to the writer itself."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL, whatever it is doing."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; its exit code."""
        return self._end(signal.SIGTERM)

    def log(self) -> str:
        """What it wrote to its standard error."""
        return (self.folder / "log").read_text()

    def close(self) -> None:
        """End the process, if it lives, and remove its folder."""
        for link in self._links:
            link.close()
        if self.is_alive():
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end(self, number: int) -> int:
        if self.process is None:
            raise AssertionError("this node was never started")
        if self.process.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid if self.pid_file.exists() else self.process.pid, number)
        try:
            return self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
