"""The log on its way through an audit: leaves in order through the replay, chunks through the pool.

The replay stops at the first entry that does not follow from those before it; hashing goes on, so
that damage before that entry, which the replay took for another truth, is named all the same.
"""

from __future__ import annotations

import base64
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice

from ledger.audit.budgets import check_budgets
from ledger.audit.replay import Replay, Stopped
from ledger.audit.tree import TreeCheck
from ledger.audit.verdict import Finding, Part, Verdict, first_of
from ledger.audit.walks import PostingsWalk, TransactionsWalk
from ledger.checking import Checked, Checking, Chunk
from ledger.log.merkle import root

CHUNK = 512
"""Entries handed to a worker at once."""

POOL_MIN = 2_048
"""A shorter log is checked in this process: starting others would take longer."""

Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""

Row = tuple[int, bytes, int]
"""An entry's index, leaf and check."""


class LogAudit:
    """One audit: the replay, the tree, and what was found so far."""

    def __init__(self, *, decides: bool, workers: int | None, progress: Progress) -> None:
        self.ledger = ""
        self.findings: list[Finding] = []
        self.replay = Replay(decides=decides)
        self.tree = TreeCheck(None, 0)
        self._decides = decides
        self._workers = workers
        self._progress = progress
        self._started = time.monotonic()
        self._signatures = 0
        self._supply: dict[str, int] = {}
        self._checks: deque[list[int]] = deque()  # of the chunks on their way

    def run(
        self,
        rows: Iterator[Row],
        size: int,
        postings: PostingsWalk | None = None,
        transactions: TransactionsWalk | None = None,
    ) -> bool:
        """Replay and check all entries; whether the replay came to the end. `size` is what the head
        says: whether there are as many is for the caller to judge."""
        replay, whole = self.replay, True
        with Checking(1 if size < POOL_MIN else self._workers) as checking:
            while chunk := list(islice(rows, CHUNK)):
                first, publics = replay.size, {}
                start = chunk[0][0]
                try:
                    for _, line, _ in chunk if whole else ():
                        replayed = replay.step(line)
                        publics.update(replayed.publics)
                        if postings is not None and transactions is not None:
                            postings.entry(replay.size - 1, replayed.posted)
                            transactions.entry(replay.size - 1, replayed.tx.id)
                except Stopped as stopped:
                    self.findings.append(stopped.finding)
                    whole = False
                lines = [line for _, line, _ in chunk]
                self._checks.append([check for _, _, check in chunk])
                for checked in checking.submit(Chunk(start, lines, publics, replay.size - first)):
                    self._take(checked)
                self._progress(start + len(lines), size)
            for checked in checking.rest():
                self._take(checked)
        if whole:
            self._supply, wrong = replay.supply()
            self.findings += wrong
            self.findings += check_budgets(replay.state.values)
        return whole

    def verdict(self) -> Verdict:
        """What was found, first entry first."""
        tree = self.tree
        return Verdict(
            self.ledger,
            tree.size,
            base64.b64encode(root(tree.size, tree.frontier)).decode(),
            self._signatures,
            self._decides,
            time.monotonic() - self._started,
            self._supply,
            tuple(first_of(self.findings)),
        )

    def _take(self, checked: Checked) -> None:
        faults = [Finding(Part.LEAF, text, index) for index, text in checked.unreadable]
        faults += [Finding(Part.SIGNATURE, text, index) for index, text in checked.unsigned]
        if faults:
            self.findings[:] = first_of(self.findings + faults)
        self._signatures += checked.signatures
        self.tree.take(checked.hashes, self._checks.popleft())
