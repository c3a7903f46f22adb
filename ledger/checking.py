"""The dear part of an audit, on all cores: strict reading, leaf hashes, signatures.

Chunks of leaves go to worker processes with the public keys their signers had; what comes back are
hashes and faults. The order of chunks does not matter here; the replay has its own. The module
stands outside of `ledger.audit` because a worker imports it, and should import little else.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from types import TracebackType
from typing import NamedTuple

from ledger.errors import Malformed
from ledger.keys import verify
from ledger.kinds import read
from ledger.log.leaf import decode_leaf
from ledger.log.merkle import leaf_hash

AHEAD_PER_WORKER = 4
"""Chunks that may wait for each worker."""


class Chunk(NamedTuple):
    """Leaves from entry `start` on, and the public keys of all who signed in them, by kid. Only the
    first `replayed` are read and verified; of the rest the hashes are wanted."""

    start: int
    lines: list[bytes]
    publics: dict[bytes, bytes]
    replayed: int


class Checked(NamedTuple):
    """A chunk as checked: leaf hashes in order, how many signatures, and faults (index, why)."""

    start: int
    hashes: list[bytes]
    signatures: int
    unreadable: list[tuple[int, str]]
    unsigned: list[tuple[int, str]]


def check(chunk: Chunk) -> Checked:
    """Read strictly and verify every signature of a chunk."""
    unreadable: list[tuple[int, str]] = []
    unsigned: list[tuple[int, str]] = []
    signatures = 0
    for index, line in enumerate(chunk.lines[: chunk.replayed], chunk.start):
        try:
            tx = read(decode_leaf(line).tx.encode())
        except Malformed as error:
            unreadable.append((index, str(error)))
            continue
        for signed in tx.envelopes:
            signatures += 1
            public = chunk.publics.get(signed.kid)
            if public is None or not verify(public, signed.signing_input, signed.signature):
                unsigned.append((index, "a signature does not fit the bytes and the key"))
        for proof in tx.proofs:
            signatures += 1
            if not verify(*proof):
                unsigned.append((index, "a signature made offline does not fit its device"))
    hashes = list(map(leaf_hash, chunk.lines))
    return Checked(chunk.start, hashes, signatures, unreadable, unsigned)


class Checking:
    """A pool that checks chunks and gives them back in order; `workers` 1 is this process."""

    def __init__(self, workers: int | None = None) -> None:
        self._workers = workers or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None
        self._waiting: deque[Future[Checked]] = deque()

    def __enter__(self) -> Checking:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, chunk: Chunk) -> Iterator[Checked]:
        """Hand a chunk over; yields those that are done, in order, waiting where too many wait."""
        if self._workers == 1:
            yield check(chunk)
            return
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self._workers, mp_context=context, initializer=_ignore_ctrl_c
            )
        with _ctrl_c_waits():
            self._waiting.append(self._pool.submit(check, chunk))
        while self._waiting and (
            self._waiting[0].done() or len(self._waiting) > AHEAD_PER_WORKER * self._workers
        ):
            yield self._waiting.popleft().result()

    def rest(self) -> Iterator[Checked]:
        """All that is still being checked, in order."""
        while self._waiting:
            yield self._waiting.popleft().result()


def _ignore_ctrl_c() -> None:
    """A terminal sends it to all of a job's processes; the one that asked ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def _ctrl_c_waits() -> Iterator[None]:
    """Block SIGINT while workers may be started: they inherit that, so not even their imports are
    interrupted. Where a system has no signal masks this does nothing."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
