"""A sandbox of one's own to demonstrate with: started, killed, brought back, its clock moved.

It is `tenge up` as shipped, on a loopback port that it keeps over a restart. Processes are
ended by their ids. The clock is moved by a signed `clock/1` of the operator, whose key is in the
data folder: through the door while the server runs, in this process while it does not.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Final

import msgspec

from ledger.core.envelope import seal
from ledger.core.ids import b64
from ledger.errors import StoreProblem
from ledger.keyring import Keyring
from ledger.ledger import OPERATOR_KEY, Ledger
from ledger.store.lock import FileLock
from ledger.writer.answers import Offer, Taken
from sandbox_api.client import SandboxClient, Wallet
from sandbox_api.config import OWN_DATABASE, CannotRun
from sandbox_api.ledger_place import place_of

_AHEAD_MS: Final = 60_000

_KILL: Final = getattr(signal, "SIGKILL", signal.SIGTERM)  # Windows ends a process at once by it

_PORTS: Final = range(20_000, 32_000)
"""Below those that systems give to outgoing connections: while the server is away, a client that
asks for it again and again must not be given its very port to ask from."""


class Said(msgspec.Struct, frozen=True):
    """What `tenge up --json` says, as far as it is needed here."""

    url: str
    ledger: str
    publishable_key: str
    processes: dict[str, int]


class OwnSandbox:
    """One sandbox in a data folder of its own. A context manager: at its end nothing runs."""

    def __init__(self, folder: Path) -> None:
        self.folder: Final = folder
        self._process: subprocess.Popen[bytes] | None = None
        self._port: Final = _free_port()
        self.said: Said = self.start()

    def start(self) -> Said:
        """Start the server, the first time or again at the same address."""
        command = [sys.executable, "-m", "sandbox_api", "up", "--json", "--workers", "1"]
        command += ["--port", str(self._port), "--data", str(self.folder)]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own
        line = self._process.stdout.readline() if self._process.stdout else b""
        if not line:
            self.kill()
            raise CannotRun("A sandbox of the corridor's own did not start; try `tenge up`.")
        self.said = msgspec.json.decode(line, type=Said)
        return self.said

    def kill(self) -> None:
        """End every process of it at once, as a power cut does; returns when all are gone."""
        if self._process is None:
            return
        self._process.kill()
        for pid in self.said.processes.values():
            with suppress(ProcessLookupError):
                os.kill(pid, _KILL)
        self._process.communicate()
        self._process = None
        for name in ("sandbox", OWN_DATABASE):
            self._wait_until_free(str(self.folder / name))

    def end(self) -> None:
        """Ask it to end, and wait until it has."""
        if self._process is not None:
            self._process.terminate()
            self._process.communicate()
            self._process = None

    def client(self) -> SandboxClient:
        """A new client of it."""
        return SandboxClient(self.said.url, self.said.publishable_key)

    def freeze_clock(self, at: int) -> None:
        """Let the sandbox's time be `at` (ms UTC, not before its present) from now on."""
        keyring = Keyring.open_or_create(self.folder / "keyring")
        key = keyring.key(OPERATOR_KEY)
        if self._process is not None:
            client = self.client()
            Wallet(client, key).send("clock/1", offset=0, frozen_at=at)
            while client.get("/sandbox")["time"] < at:
                pass  # a front end's time is up to 0.2 s old
            return
        place = place_of(self.folder, None)
        with Ledger.open(place.url, keyring, place.id) as ledger:
            payload = {
                "kind": "clock/1", "ledger": ledger.id, "nonce": b64(secrets.token_bytes(16)),
                "not_after": ledger.time() + _AHEAD_MS, "offset": 0, "frozen_at": at,
            }  # fmt: skip
            jws = seal(msgspec.json.encode(payload), kid=key.kid, typ="tenge-tx", sign=key.sign)
            answer = ledger.submit([Offer(jws.encode(), False)])[0]
        if not isinstance(answer, Taken):
            raise CannotRun(f"The clock cannot be set to {at}: {answer}")

    def _wait_until_free(self, path: str) -> None:
        """The system gives a killed process's lock back when that process has really ended."""
        while True:
            with suppress(StoreProblem):
                FileLock(path).release()
                return
            time.sleep(0.005)

    def __enter__(self) -> OwnSandbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.end()


def _free_port() -> int:
    while True:
        port = secrets.choice(_PORTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
