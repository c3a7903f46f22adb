"""The supervisor: starts the children, replaces one that died, ends them all.

It owns the listeners and nothing else: no thread, no event loop, no database connection, so that
children can be forked from it at any time. A death is noticed at once (a descriptor becomes
readable). More than `DEATHS_MAX` deaths within `DEATHS_WITHIN_S` end everything with a sentence.
"""

from __future__ import annotations

import multiprocessing
import selectors
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Final

from sandbox_api.config import CannotRun
from sandbox_api.processes.child import Child, Work, start

DEATHS_MAX: Final = 5
"""So many deaths are mended; one more within the time below and something is wrong for good."""

DEATHS_WITHIN_S: Final = 60.0

READY_WITHIN_S: Final = 30.0
"""How long the tree may take to start."""

STOP_WITHIN_S: Final = 4.0
"""How long children may take to finish what they began; then they are killed."""

_ENDING: Final = tuple(
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
)


@dataclass(slots=True)
class _Running:
    work: Work
    child: Child
    report: Connection
    ready: bool = False
    sentence: str = ""
    asked_to_stop: bool = False


class Supervisor:
    """Runs children in order. Use as a context manager: leaving it ends every child.

    Front ends are ended before what they lean on: in the reverse order of starting.
    """

    def __init__(self, listeners: Sequence[socket.socket], log: Path) -> None:
        self._listeners: Final = tuple(listeners)
        self._log: Final = log
        self._running: list[_Running] = []
        self._deaths: deque[float] = deque()
        self._selector: Final = selectors.DefaultSelector()
        self._wake_read, self._wake_write = socket.socketpair()
        for end in (self._wake_read, self._wake_write):
            end.setblocking(False)
        self._selector.register(self._wake_read, selectors.EVENT_READ)
        self.signal: int = 0
        """The signal that asked for the end, or 0."""

    def __enter__(self) -> Supervisor:
        self._handlers = {number: signal.signal(number, self._asked) for number in _ENDING}
        if sys.platform != "win32":
            signal.set_wakeup_fd(self._wake_write.fileno(), warn_on_full_buffer=False)
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if sys.platform != "win32":
            signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()

    def start(self, work: Work) -> None:
        """Start one more child."""
        self._start(work)

    def run_once(self, work: Work) -> str:
        """Run a child to its end before going on; what it said at last, or "" where a signal came.

        Raises CannotRun with its sentence where it failed.
        """
        self._start(work)
        while not self.signal:
            for ended in self._step(None):
                code = ended.child.exitcode()
                self._let_go(ended)
                if code != 0:
                    raise CannotRun(ended.sentence or self._crashed(ended, code))
                return ended.sentence
        return ""

    def wait_ready(self) -> None:
        """Return when every child works (or a signal came); raises CannotRun where one cannot."""
        until = time.monotonic() + READY_WITHIN_S
        while not self.signal:
            waiting = [running.work.name for running in self._running if not running.ready]
            if not waiting:
                return
            left = until - time.monotonic()
            if left <= 0:
                raise CannotRun(f"{_names(waiting)} did not start within {READY_WITHIN_S:.0f} s.")
            for ended in self._step(left):
                raise CannotRun(ended.sentence or self._crashed(ended, ended.child.exitcode()))

    def watch(self) -> None:
        """Replace what dies until a signal asks for the end; CannotRun when it dies too often."""
        while not self.signal:
            for ended in self._step(None):
                self._replace(ended)

    def stop(self) -> None:
        """End all children, the newest first, within `STOP_WITHIN_S`; kill what does not go."""
        until = time.monotonic() + STOP_WITHIN_S
        for running in reversed(self._running[1:]):
            self._ask_to_stop(running)
        self._wait_ended(keep=1, until=until - 1.0)
        for running in self._running:
            self._ask_to_stop(running)
        self._wait_ended(keep=0, until=until)
        for running in self._running:
            running.child.kill()
        self._wait_ended(keep=0, until=until + 1.0)

    def pids(self) -> dict[str, int]:
        """The children that run, by name."""
        return {running.work.name: running.child.pid for running in self._running}

    def _start(self, work: Work, place: int | None = None) -> None:
        here, there = multiprocessing.Pipe(duplex=False)
        child = start(work, there, self._log, lambda: self._forget(work, here))
        there.close()
        running = _Running(work, child, here)
        self._selector.register(child.sentinel, selectors.EVENT_READ, running)
        self._selector.register(here, selectors.EVENT_READ, running)
        self._running.insert(len(self._running) if place is None else place, running)

    def _forget(self, work: Work, here: Connection) -> None:
        """In a forked child: close what is the supervisor's or a sibling's."""
        here.close()
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()
        for running in self._running:
            running.report.close()
            running.child.close()
        for listener in self._listeners:
            if listener not in work.sockets:
                listener.close()

    def _step(self, timeout: float | None) -> list[_Running]:
        """Wait for something to happen; return the children that ended."""
        ended: list[_Running] = []
        for key, _ in self._selector.select(timeout):
            if key.data is None:
                with suppress(BlockingIOError):
                    self._wake_read.recv(1024)
                continue
            running: _Running = key.data
            self._hear(running)
            if running.child.exitcode() is not None and running not in ended:
                ended.append(running)
        return ended

    def _hear(self, running: _Running) -> None:
        try:
            while running.report.poll():
                what, sentence = running.report.recv()
                running.ready = running.ready or what == "ready"
                running.sentence = sentence or running.sentence
        except (EOFError, OSError):  # it ended; what it said was read before
            with suppress(KeyError, ValueError):
                self._selector.unregister(running.report)

    def _replace(self, ended: _Running) -> None:
        now = time.monotonic()
        self._deaths.append(now)
        while self._deaths[0] < now - DEATHS_WITHIN_S:
            self._deaths.popleft()
        place, code = self._running.index(ended), ended.child.exitcode()
        self._let_go(ended)
        if len(self._deaths) > DEATHS_MAX:
            raise CannotRun(
                f"{len(self._deaths)} processes died within a minute, so everything was stopped. "
                + (ended.sentence or self._crashed(ended, code))
            )
        self._start(ended.work, place)

    def _let_go(self, ended: _Running) -> None:
        self._running.remove(ended)
        for watched in (ended.child.sentinel, ended.report):
            with suppress(KeyError, ValueError):
                self._selector.unregister(watched)
        ended.report.close()
        ended.child.close()

    def _ask_to_stop(self, running: _Running) -> None:
        if not running.asked_to_stop:
            running.asked_to_stop = True
            running.child.terminate()

    def _wait_ended(self, keep: int, until: float) -> None:
        while len(self._running) > keep and (left := until - time.monotonic()) > 0:
            for ended in self._step(left):
                self._let_go(ended)

    def _crashed(self, ended: _Running, code: int | None) -> str:
        code = code or 0
        how = f"was ended by signal {-code}" if code < 0 else f"ended with code {code}"
        return f"The process {ended.work.name!r} {how}{self._last_words()}"

    def _last_words(self) -> str:
        """The log's last line, which of a traceback is the error itself, and where to read on."""
        with suppress(OSError):
            lines = self._log.read_text("utf-8", "replace").splitlines()
            if lines:
                return f" ({lines[-1]:.200}); {self._log} tells more."
        return "."

    def _asked(self, number: int, _: FrameType | None) -> None:
        self.signal = number


def _names(names: Sequence[str]) -> str:
    return ", ".join(repr(name) for name in names)
