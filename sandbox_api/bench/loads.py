"""The loads of one row: each makes its traffic, sends it, counts what was taken, gives its figures.

Making and signing happens before a clock runs, reading the answers after it.
"""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Sequence
from typing import Any, Final

import msgspec

from sandbox_api.bench.load import (
    PATIENCE_S,
    batch,
    exchange,
    one_by_one,
    single,
    taken_batches,
    taken_singles,
)
from sandbox_api.bench.machine import LOT, Cores
from sandbox_api.bench.server import Sandbox
from sandbox_api.bench.stage import Builder, Institutions, Stage
from sandbox_api.bench.stream import Stream, frame, taken_streamed
from sandbox_api.bench.traffic import ASSET_OF, Kind, Lot, Spread

LINES: Final = 200
"""Transactions in a batch."""

BATCH_CONNECTIONS: Final = 4
SINGLE_CONNECTIONS: Final = 32

STAGE_LINES: Final = 500
"""Transactions in one request while the stage is set."""


class Loads:
    """Sends signed traffic of one kind to a running sandbox. `size`: of the log, as answered."""

    def __init__(self, sandbox: Sandbox, kind: Kind, cores: Cores, spread: Spread = "life") -> None:
        """Set the stage: payers and shops, through the API."""
        self._sandbox: Final = sandbox
        self._kind: Final[Kind] = kind
        self._spread: Final[Spread] = spread
        self._cores: Final = cores
        self._lots = 0
        self.size: int = self._get("/v1/sandbox")["size"]
        self._stage: Final = self._set_stage()

    def batches(self, many: int, *, hot: bool = False) -> float:
        """Entries a second in batches of `LINES` over `BATCH_CONNECTIONS`."""
        return many / self.send(self._signed(many, hot=hot))

    def mixed(self, many: int) -> float:
        """Entries a second in batches of many kinds; `many` is a multiple of their block."""
        return many / self.send(self._signed(many, kind="mixed"))

    def one_kind(self, kind: str, many: int) -> list[bytes]:
        """Transactions of one versioned kind, to be sent; what they follow on is sent first."""
        lines = self._signed(many, kind=kind)
        self.send(lines[:-many])
        return lines[-many:]

    def send(self, lines: list[bytes], connections: int = BATCH_CONNECTIONS) -> float:
        """Seconds until all these lines were taken in batches; in order over one connection."""
        if not lines:
            return 0.0
        place = self._sandbox.http
        requests = [batch(place, lines[at : at + LINES]) for at in range(0, len(lines), LINES)]
        measured = exchange(place, requests, connections)
        self.size += taken_batches(measured.answers, len(lines))
        return measured.seconds

    def singles(self, many: int) -> tuple[float, float]:
        """One transaction a request over `SINGLE_CONNECTIONS`: how many a second, p99 in ms."""
        place = self._sandbox.http
        requests = [single(place, line) for line in self._signed(many)]
        measured = exchange(place, requests, SINGLE_CONNECTIONS)
        self.size += taken_singles(measured.answers)
        return many / measured.seconds, percentile(measured.latencies, 99) * 1000

    def one_by_one(self, many: int) -> float:
        """One transaction a request over one connection: p50 in ms."""
        place = self._sandbox.http
        requests = [single(place, line) for line in self._signed(many)]
        measured = one_by_one(place, requests)
        self.size += taken_singles(measured.answers)
        return percentile(measured.latencies, 50) * 1000

    def streamed(self, many: int) -> float:
        """Transactions a second over one connection to the submit stream."""
        frames = [frame(line) for line in self._signed(many)]
        with Stream(self._sandbox.submit) as stream:
            measured = stream.exchange(frames)
        self.size += taken_streamed(measured.answers)
        return many / measured.seconds

    @staticmethod
    def now() -> int:
        """The sandbox's time, ms UTC."""
        return _now()

    def _signed(self, many: int, *, hot: bool = False, kind: str = "") -> list[bytes]:
        now = _now()
        lots = []
        for at in range(0, many, LOT):
            self._lots += 1
            many_here = min(LOT, many - at)
            lots.append(Lot(kind or self._kind, many_here, hot, self._lots, now, self._spread))
        return self._cores.sign(self._stage, lots)

    def _set_stage(self) -> Stage:
        sandbox, asset, place = self._sandbox, ASSET_OF[self._kind], self._sandbox.http
        institutions = Institutions(
            sandbox.key_of, sandbox.account("bank", asset), sandbox.said.zone
        )
        builder = Builder(sandbox.said.ledger, asset, institutions, _now())
        lines = list(builder.transactions())
        parts = [lines[at : at + STAGE_LINES] for at in range(0, len(lines), STAGE_LINES)]
        measured = exchange(place, [batch(place, part) for part in parts], 1)
        self.size += taken_batches(measured.answers, len(lines))
        if self._kind == "transfer":
            return builder.stage()
        rates = self._get("/v1/rates")["rates"]
        rate = next(row for row in rates if row["asset"] == asset)
        return builder.stage(rate["id"], rate["rate"])

    def _get(self, path: str) -> Any:
        said = self._sandbox.said
        asked = urllib.request.Request(  # noqa: S310 - our own server
            said.url + path, headers={"Authorization": f"Bearer {said.secret_key}"}
        )
        with urllib.request.urlopen(asked, timeout=PATIENCE_S) as answer:  # noqa: S310
            return msgspec.json.decode(answer.read())


def percentile(values: Sequence[float], percent: int) -> float:
    """The value that `percent` of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]


def _now() -> int:
    """A new sandbox keeps wall time, ms UTC."""
    return time.time_ns() // 1_000_000
