"""The sandbox under measurement: `tenge up` as shipped, in processes of its own."""

from __future__ import annotations

import os
import re
import secrets
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Final

import msgspec

from ledger.core.envelope import seal
from ledger.core.ids import b64
from ledger.keyring import Keyring
from ledger.keys import SigningKey
from ledger.kinds.transfer import Transfer
from sandbox_api.bench.load import LoadFailed, Place
from sandbox_api.keychest import persona_key

READY_S: Final = 60.0
"""How long `tenge up` may take to say that it is ready."""

END_S: Final = 30.0
"""How long it may take to end."""


class SaidPersona(msgspec.Struct, frozen=True):
    """A persona as `tenge up --json` tells it: accounts by asset."""

    name: str
    accounts: dict[str, str]


class Said(msgspec.Struct, frozen=True):
    """What `tenge up --json` says, as far as it is needed here."""

    url: str
    submit_url: str
    ledger: str
    zone: str
    secret_key: str
    personas: tuple[SaidPersona, ...]
    processes: dict[str, int]


class Sandbox:
    """`tenge up` on a data folder, and on a database where a URL is given. A context manager.

    It runs in a session of its own, so that Ctrl-C ends the measurement first, and that ends it.
    """

    def __init__(self, data: Path, db: str | None = None) -> None:
        self._data: Final = data
        command = [sys.executable, "-m", "sandbox_api", "up", "--json", "--port", "0"]
        command += ["--data", str(data)] + (["--db", db] if db else [])
        self.began: Final = time.perf_counter()
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
        )
        try:
            self.said: Final = self._wait_ready()
        except BaseException:
            self.stop()
            raise

    @property
    def http(self) -> Place:
        """Where the HTTP API is."""
        return Place.of(self.said.url, self.said.secret_key)

    @property
    def submit(self) -> Place:
        """Where the submit stream is."""
        return Place.of(self.said.submit_url, self.said.secret_key)

    def key_of(self, persona: str) -> SigningKey:
        """A persona's key, as `tenge keys show` prints it."""
        return persona_key(Keyring.open_or_create(self._data / "keyring"), persona)

    def account(self, persona: str, asset: str) -> str:
        """A persona's account."""
        found = next(one for one in self.said.personas if one.name == persona)
        return found.accounts[asset]

    def persona_payment(self) -> bytes:
        """A transfer from one persona to another, signed: what the first program would send."""
        key = self.key_of("aigerim")
        payload = Transfer(
            ledger=self.said.ledger,
            nonce=b64(secrets.token_bytes(16)),
            not_after=time.time_ns() // 1_000_000 + 600_000,
            from_=self.account("aigerim", "KZTD"),
            to=self.account("market", "KZTD"),
            amount="1.00",
        )
        payload_bytes = msgspec.json.encode(payload)
        return seal(payload_bytes, kid=key.kid, typ="tenge-tx", sign=key.sign).encode()

    def pss_mb(self) -> float | None:
        """Proportional set size of all its processes, MB of 10**6 bytes; None where the system does
        not tell."""
        try:
            kib = sum(_pss_kib(pid) for pid in _tree(self._process.pid))
        except OSError:
            return None
        return kib * 1024 / 1e6

    def stop(self) -> None:
        """End it, cleanly if it can be."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(END_S)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_ready(self) -> Said:
        line = _line(self._process.stdout)
        if not line:
            self._process.kill()
            why = b"" if self._process.stderr is None else self._process.stderr.read()
            raise LoadFailed(f"tenge up did not start: {why.decode().strip()[-600:]}")
        return msgspec.json.decode(line, type=Said)


def _line(pipe: IO[bytes] | None) -> bytes:
    """The first line that comes within `READY_S`, or nothing."""
    if pipe is None:
        return b""
    until = time.monotonic() + READY_S
    held = b""
    while not held.endswith(b"\n"):
        ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
        read = os.read(pipe.fileno(), 65_536) if ready else b""
        if not read:
            return b""
        held += read
    return held


def _tree(pid: int) -> list[int]:
    """This process and all below it (Linux)."""
    below: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        below += map(int, (task / "children").read_text().split())
    return [pid, *(one for child in below for one in _tree(child))]


def _pss_kib(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+) kB", rollup, re.MULTILINE)
    return int(found[1]) if found else 0
