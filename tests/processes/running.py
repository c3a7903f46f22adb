"""A real `tenge up` in a process of its own, started and ended by the test that wants it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import psutil

from sandbox_api.client import SandboxClient

START_S = 30.0
END_S = 5.0


PROGRAM = (sys.executable, "-m", "sandbox_api")


def command(*args: str) -> list[str]:
    """The command line of `tenge` with this Python."""
    return [*PROGRAM, *args]


class Running:
    """One running sandbox. `facts` is what `tenge up --json` said."""

    def __init__(
        self, *args: str, env: dict[str, str] | None = None, program: Sequence[str] = PROGRAM
    ) -> None:
        self.process = subprocess.Popen(
            [*program, "up", "--port", "0", "--json", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, **(env or {})},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"no banner: {self.process.communicate()[1].decode()}")
        self.facts: dict[str, Any] = json.loads(line)

    def client(self, *, secret: bool = False, lang: str = "en") -> SandboxClient:
        """A new client of it."""
        key = self.facts["secret_key" if secret else "publishable_key"]
        return SandboxClient(self.facts["url"], key, lang=lang)

    def children(self) -> dict[str, int]:
        """Its processes now, by name."""
        found = {}
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(OSError), open(f"/proc/{child.pid}/comm") as comm:
                found[comm.read().strip().removeprefix("tenge ")] = child.pid
        return found

    def kill(self) -> None:
        """End the supervisor at once, as the system does when memory is short."""
        self.process.kill()
        self.process.communicate()

    def end(self, number: int = signal.SIGINT) -> tuple[int, str]:
        """Ask it to end; its exit code and what it wrote to stderr. Fails after `END_S`."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        try:
            _, error = self.process.communicate(timeout=END_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        return self.process.returncode, error.decode()


def lives(pid: int) -> bool:
    """Whether a process runs; one that has ended and that nobody has asked about does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def until(true: Callable[[], bool], seconds: float, what: str) -> float:
    """Wait for something that will become true; how long it took. Fails after `seconds`."""
    begun = time.monotonic()
    while not true():
        if time.monotonic() - begun > seconds:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(0.005)
    return time.monotonic() - begun
