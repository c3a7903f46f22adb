"""What this machine can do by itself: signatures checked a second, fsyncs a second.

Every other figure is read beside these two: the first is the limit of whoever checks every
signature, the second says what a durable commit costs here.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Final

from ledger.keys import SigningKey, verify
from sandbox_api.bench.lots import signed
from sandbox_api.bench.stage import Stage
from sandbox_api.bench.traffic import Lot

MESSAGE_BYTES: Final = 200
"""Length of the messages whose signatures are checked."""

BLOCK_BYTES: Final = 4_096
"""Written before each fsync, at the end of a file that grows, as a log does."""

LOT: Final = 2_000
"""Transactions that one process signs at a time."""


class Cores:
    """One process a core: they measure the limit, and sign traffic before a clock runs.

    While servers are measured they sleep. Use as a context manager.
    """

    def __init__(self) -> None:
        self.count: Final = os.cpu_count() or 1
        self._pool = ProcessPoolExecutor(self.count, get_context("spawn"))
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as they inherit: Ctrl-C is ours
        try:
            started = [self._pool.submit(_verify_for, 0.01) for _ in range(self.count)]
        finally:
            signal.signal(signal.SIGINT, before)
        for one in started:
            one.result()

    def verify_limit(self, seconds: float) -> float:
        """Signatures a second that libsodium checks on all cores at once."""
        counts = [self._pool.submit(_verify_for, seconds) for _ in range(self.count)]
        return sum(count.result() for count in counts)

    def sign(self, stage: Stage, lots: Sequence[Lot]) -> list[bytes]:
        """The transactions of these lots, in order."""
        made = [self._pool.submit(signed, stage, lot) for lot in lots]
        return [line for lot in made for line in lot.result()]

    def __enter__(self) -> Cores:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)


def fsync_rate(folder: Path, seconds: float) -> float:
    """Appends of `BLOCK_BYTES`, each made durable, a second, in a file in `folder`."""
    block = b"\0" * BLOCK_BYTES
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            file.write(block)
            os.fsync(file.fileno())
            count += 1
        return count / (time.perf_counter() - began)


def _verify_for(seconds: float) -> float:
    """Signatures a second that this process checks meanwhile."""
    key = SigningKey.from_seed(bytes(32))
    messages = [number.to_bytes(2, "big") * (MESSAGE_BYTES // 2) for number in range(64)]
    pairs = [(message, key.sign(message)) for message in messages]
    count, began = 0, time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        for message, signature in pairs:
            if not verify(key.public_key, message, signature):
                raise AssertionError("libsodium refuses a good signature")
        count += len(pairs)
    return count / spent
