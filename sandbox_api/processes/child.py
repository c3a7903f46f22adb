"""One child process: how it starts, and what it does before its own work.

On Linux a child is forked from the supervisor's loaded memory, which costs milliseconds and shares
its pages; elsewhere it is spawned. The supervisor has no threads, no event loop and no database
connection, so nothing half-done is inherited; every descriptor that a child does not need is closed
in it. A child never outlives the supervisor: the kernel kills it (Linux), or a thread that
watches for the supervisor's end does.
"""

from __future__ import annotations

import ctypes
import logging
import multiprocessing
import multiprocessing.connection
import multiprocessing.process
import os
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

import structlog

from ledger.errors import LedgerError
from ledger.keyring import KEK_VARIABLE
from sandbox_api.config import CannotRun

FORKS: Final = sys.platform == "linux"

EXIT_SAID: Final = 3
"""Exit code of a child that said in a sentence why it cannot go on."""

Say = Callable[[str, str], None]
"""How a child reports: ("ready", "") once it works, or ("failed", a sentence)."""


NICER: Final = 5
"""By how much processes that give way are nicer. Everybody waits for the one writer: where front
ends had as much of the CPU, a sixth of it lay idle while they waited (benchmarks/README.md)."""


@dataclass(frozen=True, slots=True)
class Work:
    """What one child is for. `main(*args, say)` runs until SIGTERM; it must be importable by name.

    `sockets` are listeners it needs, already among `args`. `secrets`: whether it may read the
    keyring, so that it keeps the environment's key-encryption key; front ends do not.
    `gives_way`: whether the others go first where all want the CPU at once (Unix).
    """

    name: str
    main: Callable[..., None]
    args: tuple[Any, ...]
    sockets: Sequence[socket.socket] = field(default=())
    secrets: bool = False
    gives_way: bool = False


class Child(Protocol):
    """A started process, whichever way."""

    pid: int
    sentinel: int

    def exitcode(self) -> int | None:
        """None while it lives; minus the signal that ended it, else its exit code."""

    def terminate(self) -> None:
        """Ask it to finish."""

    def kill(self) -> None:
        """End it at once."""

    def close(self) -> None:
        """Let go of what was kept about it, after its end."""


def start(work: Work, report: Connection, log: Path, forget: Callable[[], None]) -> Child:
    """Start a child. `report` is where it says things; `forget` closes, in a forked child, all the
    supervisor's descriptors but `work.sockets` and `report`."""
    if FORKS:
        return _Forked(work, report, log, forget)
    return _Spawned(work, report, log)


class _Forked:
    """A child forked from this process."""

    def __init__(
        self, work: Work, report: Connection, log: Path, forget: Callable[[], None]
    ) -> None:
        supervisor = os.getpid()
        sys.stdout.flush()
        sys.stderr.flush()
        pid = os.fork()
        if pid == 0:
            try:
                _forget_signals()  # first: the supervisor's handlers would swallow them here
                forget()
                _die_with(supervisor)
                _run(work, report, log)
            finally:
                os._exit(1)  # reached only where the run itself failed to exit
        self.pid = pid
        self.sentinel = os.pidfd_open(pid)
        self._code: int | None = None

    def exitcode(self) -> int | None:
        if self._code is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._code = os.waitstatus_to_exitcode(status)
        return self._code

    def terminate(self) -> None:
        self._signal(signal.SIGTERM)

    def kill(self) -> None:
        self._signal(signal.SIGKILL)

    def close(self) -> None:
        os.close(self.sentinel)

    def _signal(self, number: int) -> None:
        if self.exitcode() is None:
            os.kill(self.pid, number)


class _Spawned:
    """A child started afresh, where forking is not safe or not there."""

    def __init__(self, work: Work, report: Connection, log: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self._process = context.Process(target=_run_spawned, args=(work, report, log))
        self._process.start()
        self.pid = self._process.pid or 0
        self.sentinel = int(self._process.sentinel)

    def exitcode(self) -> int | None:
        return self._process.exitcode

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def close(self) -> None:
        self._process.join()
        self._process.close()


def _run_spawned(work: Work, report: Connection, log: Path) -> NoReturn:
    """What a spawned child runs first."""
    parent = multiprocessing.process.parent_process()
    if parent is None:
        raise AssertionError("a spawned child has a parent")

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="watch the supervisor", daemon=True).start()
    _run(work, report, log)


def _run(work: Work, report: Connection, log: Path) -> NoReturn:
    """Do the work, tell how it ended, exit without unwinding what belongs to the supervisor."""
    _settle(work, log)
    code = 0

    def say(what: str, sentence: str) -> None:
        with suppress(OSError):  # the supervisor is gone, and so are we in a moment
            report.send((what, sentence))

    try:
        work.main(*work.args, say)
    except (LedgerError, CannotRun) as error:
        say("failed", str(error))
        code = EXIT_SAID
    except KeyboardInterrupt:
        pass
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 1
    except BaseException:
        print(f"--- {work.name}", file=sys.stderr)
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _settle(work: Work, log: Path) -> None:
    """Signals, standard streams, name, environment: nothing of the supervisor's terminal is left.

    Ctrl-C reaches the whole foreground group; the supervisor alone decides what it means.
    """
    _forget_signals()
    if not work.secrets:
        os.environ.pop(KEK_VARIABLE, None)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    out = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    _log_in_lines()
    if work.gives_way and hasattr(os, "nice"):
        os.nice(NICER)
    if FORKS:
        _prctl(_PR_SET_NAME, f"tenge {work.name}"[:15].encode())


def _log_in_lines() -> None:
    """What the process has to say goes to its stderr, one line a thing, warnings and worse."""
    logging.basicConfig(
        level=logging.WARNING, format="%(asctime)s %(name)s %(message)s", force=True
    )
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.LogfmtRenderer(),
        ],
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


_PR_SET_PDEATHSIG: Final = 1
_PR_SET_NAME: Final = 15


def _die_with(supervisor: int) -> None:
    """Be killed when the supervisor ends; checked once more for an end that came before."""
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != supervisor:
        os._exit(1)


def _prctl(option: int, value: int | bytes) -> None:
    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
