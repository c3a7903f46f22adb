"""Front ends as processes of their own: each has a link, and submits when all are told to go."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import TracebackType
from typing import Any

from ledger.core.decision import Code
from ledger.errors import LedgerError
from ledger.writer.answers import Answer, Declined, Offer, Taken
from ledger.writer.link import Link

_SPAWN = multiprocessing.get_context("spawn")
ROUND_S = 60.0

FRONT_ENDS = 4
"""How many the fixture `racers` has."""


class Racers:
    """One process for each folder in `folders`, linked to the writer there. A context manager."""

    def __init__(self, folders: Sequence[Path]) -> None:
        self._gate = _SPAWN.Barrier(len(folders))
        self._pipes: list[Connection] = []
        self._processes: list[BaseProcess] = []
        for folder in folders:
            ours, theirs = _SPAWN.Pipe()
            process = _SPAWN.Process(target=_race, args=(folder, theirs, self._gate), daemon=True)
            process.start()
            theirs.close()
            self._pipes.append(ours)
            self._processes.append(process)

    def race(self, work: Sequence[Sequence[str]]) -> list[list[Answer | str]]:
        """Each process submits its transactions one after the other, all starting at once; answers,
        or the errors' texts."""
        for pipe, jws in zip(self._pipes, work, strict=True):
            pipe.send(list(jws))
        answers = []
        for pipe in self._pipes:
            if not pipe.poll(ROUND_S):
                raise AssertionError(f"a front end has not answered in {ROUND_S} s")
            answers.append(pipe.recv())
        return answers

    def pids(self) -> list[int]:
        """The processes' pids."""
        return [process.pid or 0 for process in self._processes]

    def __enter__(self) -> Racers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        for pipe in self._pipes:
            pipe.close()
        for process in self._processes:
            process.join(5)
            if process.is_alive():
                process.kill()
                process.join()


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


def _race(folder: Path, pipe: Connection, gate: Any) -> None:
    link = Link(folder)
    try:
        while True:
            jws = pipe.recv()
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
        link.close()
