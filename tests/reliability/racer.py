"""Front ends as processes of their own: each has a link, and submits when all are told to go.

Processes are dear to start, so one set of them serves a whole run of tests: `join` says whose
writers they race against from then on.
"""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from ledger.core.decision import Code
from ledger.errors import LedgerError
from ledger.writer.answers import Answer, Declined, Offer, Taken
from ledger.writer.link import Link

if TYPE_CHECKING:
    from tests.reliability.town import Site

_SPAWN = multiprocessing.get_context("spawn")
ROUND_S = 60.0
END_S = 20.0

FRONT_ENDS = 4
"""How many race."""


class Racers:
    """`FRONT_ENDS` processes. A context manager; `join` before the first race."""

    def __init__(self) -> None:
        self._folders: Sequence[Path] = ()
        self._pipes: list[Connection] = []
        self._processes: list[BaseProcess] = []
        self._unfinished = False  # a race broke off: these processes are of no use any more
        self._start()

    def _start(self) -> None:
        self._gate = _SPAWN.Barrier(FRONT_ENDS)
        for _ in range(FRONT_ENDS):
            ours, theirs = _SPAWN.Pipe()
            process = _SPAWN.Process(target=_race, args=(theirs, self._gate), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def join(self, folders: Sequence[Path]) -> None:
        """Link the processes, by turns, to the writers in these folders."""
        if self._unfinished:
            self._end()
            self._start()
        self._folders = [folders[n % len(folders)] for n in range(FRONT_ENDS)]

    def race(self, work: Sequence[Sequence[str]]) -> list[list[Answer | str]]:
        """Each process submits its transactions one after the other, all starting at once; answers,
        or the errors' texts."""
        self._unfinished = True
        for pipe, folder, jws in zip(self._pipes, self._folders, work, strict=True):
            pipe.send((folder, list(jws)))
        answers = []
        for pipe in self._pipes:
            if not pipe.poll(ROUND_S):
                raise AssertionError(f"a front end has not answered in {ROUND_S} s")
            answers.append(pipe.recv())
        self._unfinished = False
        return answers

    def __enter__(self) -> Racers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._end()

    def _end(self) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()
        self._pipes, self._processes, self._unfinished = [], [], False


def told(answers: list[list[Answer | str]]) -> list[Answer]:
    """All answers; none was an error."""
    found = [answer for each in answers for answer in each]
    assert all(isinstance(answer, Taken | Declined) for answer in found), found
    return [answer for answer in found if isinstance(answer, Taken | Declined)]


def one_of(answers: list[Answer], code: Code) -> Taken:
    """The one that won; all others were refused for this reason."""
    won = [answer for answer in answers if isinstance(answer, Taken)]
    lost = [answer for answer in answers if isinstance(answer, Declined)]
    assert len(won) == 1
    assert [[reason.code for reason in each.reasons] for each in lost] == [[code]] * len(lost)
    return won[0]


def codes(*answers: Answer | str) -> list[Code]:
    """Why these were refused, one after the other."""
    return [reason.code for one in answers if isinstance(one, Declined) for reason in one.reasons]


def over(site: Site, type: str, id: str, live: str = "open") -> Any:
    """The object once it is over: what is due ends by itself, without anybody asking."""
    until = time.monotonic() + END_S
    while (found := site.remembered(type, id)).status == live:
        assert time.monotonic() < until, "nobody ends what is due"
        time.sleep(0.005)
    return found


def _race(pipe: Connection, gate: Any) -> None:
    joined: Path | None = None
    link: Link | None = None
    try:
        while True:
            folder, jws = pipe.recv()
            if link is None or folder != joined:
                if link is not None:
                    link.close()
                joined, link = folder, Link(folder)
            link.time()  # connected before the start
            gate.wait(ROUND_S)
            answers: list[Answer | str] = []
            for each in jws:
                try:
                    answers += link.submit([Offer(each.encode(), False)])
                except LedgerError as error:
                    answers.append(str(error))
            pipe.send(answers)
    except EOFError:
        if link is not None:
            link.close()
