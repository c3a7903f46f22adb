"""One row from start to audit: servers up, a stage set, load after load, servers down.

Every transaction that was acknowledged is counted, and the audit afterwards must find exactly so
many entries and nothing wrong: a figure of a ledger that is not sound is no figure.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from sandbox_api.bench import postgres
from sandbox_api.bench.aftermath import audit_rate, first_payment, sqlite_bytes
from sandbox_api.bench.loads import LINES, SINGLE_CONNECTIONS, Loads
from sandbox_api.bench.machine import Cores, fsync_rate
from sandbox_api.bench.row import VOID_SHARE, Result, Row, Store
from sandbox_api.bench.server import Sandbox
from sandbox_api.bench.traffic import SIGNATURES, Kind, Spread
from sandbox_api.config import OWN_DATABASE

WARM_UP: Final = 1_600
"""Transactions in batches that are sent first and count in no figure."""

ROUNDS: Final = 3
"""Rounds of uniform and hot batches in turn, so that both see the same machine."""

ROUND_ENTRIES: Final = 40_000
"""Entries in one round where a row is to have so many in all."""

LIMIT_S: Final = 1.5
LIMIT_S_MIN: Final = 0.3
FSYNC_S: Final = 0.5


class Effort(msgspec.Struct, frozen=True):
    """How much to measure: `seconds` for each load, and `entries` in uniform batches where it is to
    be so many rather than so long. `spread` of the time until transactions become void."""

    seconds: float = 4.0
    entries: int | None = None
    spread: Spread = "life"


Tell = Callable[[str, float], None]
"""Told what is being done now, and what share of the row is done."""


def measure(
    store: Store, kind: Kind, cores: Cores, effort: Effort, database: str | None, tell: Tell
) -> Result:
    """Measure one row. `database` is the URL of a new PostgreSQL database, None for SQLite.

    Raises LoadFailed, Unsound, OSError.
    """
    with tempfile.TemporaryDirectory(prefix="tenge-bench-") as folder:
        return _Measurement(Path(folder), store, kind, cores, effort, database, tell).run()


class _Measurement:
    """One row on its way."""

    def __init__(
        self, folder: Path, store: Store, kind: Kind, cores: Cores, effort: Effort,
        database: str | None, tell: Tell,
    ) -> None:  # fmt: skip
        self._folder: Final = folder
        self._data: Final = folder / "data"
        self._store: Final[Store] = store
        self._kind: Final[Kind] = kind
        self._cores: Final = cores
        self._effort: Final = effort
        self._database: Final = database
        self._tell: Final = tell
        self._notes: list[str] = []
        self._figures: dict[str, float | None] = {}

    def run(self) -> Result:
        """Measure everything there is to a row."""
        self._say("what the machine can do", 0)
        limit_s = min(LIMIT_S, max(LIMIT_S_MIN, self._effort.seconds))
        before = self._cores.verify_limit(limit_s)
        self._figures["fsync_per_s"] = fsync_rate(self._folder, FSYNC_S)
        self._say("servers and stage", 0.05)
        with Sandbox(self._data, self._database) as sandbox:
            loads = Loads(sandbox, self._kind, self._cores, self._effort.spread)
            staged, staged_bytes = loads.size, self._bytes()
            self._load(loads)
            self._figures["server_pss_mb"] = sandbox.pss_mb()
        after = self._cores.verify_limit(limit_s)
        self._say("the audit", 0.8)
        self._figures["audit_per_s"] = audit_rate(
            self._url, sandbox.said.ledger, loads.size,
            lambda done, total: self._say(
                f"the audit, {done:,} of {total:,} entries", 0.8 + 0.15 * done / total
            ),
        )  # fmt: skip
        self._say("the size", 0.95)
        grown = self._bytes() - staged_bytes
        self._figures["bytes_per_entry"] = grown / (loads.size - staged)
        if self._effort.entries is not None and self._database is None:
            self._say("starting again", 0.97)
            self._compare_starts(loads.size)
        return self._result(before, after)

    def _load(self, loads: Loads) -> None:
        """All loads, each warmed up by a shorter one of its kind, which also says how long it must
        be."""
        seconds, figures = self._effort.seconds, self._figures
        self._batches(loads, loads.batches(WARM_UP))
        self._say("single, 32 connections", 0.5)
        warm, _ = loads.singles(10 * SINGLE_CONNECTIONS)
        figures["single_per_s"], figures["single_p99_ms"] = loads.singles(
            max(10 * SINGLE_CONNECTIONS, int(warm * seconds))
        )
        self._say("single, one connection", 0.6)
        warm_ms = loads.one_by_one(50)
        figures["single_p50_ms"] = loads.one_by_one(max(50, int(seconds * 500 / warm_ms)))
        self._say("the stream", 0.65)
        warm = loads.streamed(1_000)
        figures["stream_per_s"] = loads.streamed(max(1_000, int(warm * seconds)))

    def _batches(self, loads: Loads, warm: float) -> None:
        """Rounds of uniform batches, and of hot ones between the first of them."""
        entries = self._effort.entries
        if entries is None:
            rounds, each = ROUNDS, _whole(warm * self._effort.seconds / ROUNDS)
        else:
            rounds, each = max(1, entries // ROUND_ENTRIES), _whole(min(entries, ROUND_ENTRIES))
        rates: list[float] = []
        hot_rates: list[float] = []
        for number in range(rounds):
            self._say(f"batches, round {number + 1} of {rounds}", 0.1 + 0.4 * number / rounds)
            rates.append(loads.batches(each))
            if number < ROUNDS:
                hot_rates.append(loads.batches(each, hot=True))
        self._figures["batch_per_s"] = _mean_rate(rates)
        self._figures["hot_batch_per_s"] = _mean_rate(hot_rates)
        if rounds > ROUNDS:
            self._notes.append(
                f"{self._what}: {rates[0]:,.0f} entries a second in the first {each:,},"
                f" {rates[-1]:,.0f} in the last {each:,} of {rounds * each:,}."
            )

    def _result(self, before: float, after: float) -> Result:
        void = abs(before - after) > VOID_SHARE * max(before, after)
        if void:
            self._notes.append(
                f"{self._what} is void: {before:,.0f} signatures a second before, {after:,.0f}"
                " after. Something else runs on this machine."
            )
        limit = (before + after) / 2
        checked = (self._figures["batch_per_s"] or 0.0) * SIGNATURES[self._kind]
        figures = self._figures | {"verify_limit_per_s": limit, "batch_ratio": checked / limit}
        rounded = {
            name: None if value is None else round(value, 3) for name, value in figures.items()
        }
        return Result(Row(self._store, self._kind, **rounded), tuple(self._notes), void)

    def _bytes(self) -> int:
        """Bytes of the database as it is now, without slack."""
        if self._database is not None:
            return postgres.size_of(self._database)
        return sqlite_bytes(self._data / OWN_DATABASE, self._folder / "copy.db")

    def _compare_starts(self, size: int) -> None:
        empty = self._folder / "empty"
        with Sandbox(empty):
            pass  # the first start alone makes a world
        of_empty, of_full = first_payment(empty), first_payment(self._data)
        self._notes.append(
            f"From tenge up to its first accepted payment: {of_empty:.2f} s on an empty ledger,"
            f" {of_full:.2f} s on {size:,} entries."
        )

    @property
    def _url(self) -> str:
        return self._database or f"sqlite:///{self._data / OWN_DATABASE}"

    @property
    def _what(self) -> str:
        return f"{self._kind} on {self._store}"

    def _say(self, what: str, share: float) -> None:
        self._tell(f"{self._what}: {what}", share)


def _whole(entries: float) -> int:
    """So many, or a few more, in whole batches; at least one round of all connections."""
    return max(4, -(-int(entries) // LINES)) * LINES


def _mean_rate(rates: list[float]) -> float:
    """The rate of rounds of equal length, all in all."""
    return len(rates) / sum(1 / rate for rate in rates)
