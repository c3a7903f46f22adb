"""The workload `mixed`: plain and mixed batches in turn, then the CPU that each kind costs.

Both are held against each other in signatures a second on the same servers, so the machine's speed
does not matter. The CPU of a kind is what all processes of `tenge up` used while batches of it
alone were taken, over their number; it is read from the system (Linux) and includes signatures.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.table import Table

from sandbox_api.bench.aftermath import audit_rate
from sandbox_api.bench.cpu import cpu_us
from sandbox_api.bench.loads import Loads
from sandbox_api.bench.machine import LOT, Cores
from sandbox_api.bench.mixed_traffic import BLOCK, SHARES, SIGNATURES_A_BLOCK
from sandbox_api.bench.row import Store
from sandbox_api.bench.run import WARM_UP, Effort, Tell
from sandbox_api.bench.server import Sandbox
from sandbox_api.bench.traffic import SIGNATURES
from sandbox_api.config import OWN_DATABASE

SHARE_FLOOR: Final = 0.6
"""Least that the mixed rate may be of the plain one."""

ROUNDS: Final = 3
CPU_LINES: Final = LOT
"""Lines of one kind whose CPU is read."""


class Mixed(msgspec.Struct, frozen=True):
    """What was measured on one store: signatures a second in plain batches (`pay`) and in mixed
    ones, the second over the first, and us of CPU an entry of each kind, null where the system does
    not tell."""

    store: Store
    workload: str
    plain_signatures_per_s: float
    mixed_signatures_per_s: float
    share: float
    cpu_us: dict[str, float | None]
    audit_per_s: float


def measure_mixed(
    store: Store, cores: Cores, effort: Effort, database: str | None, tell: Tell
) -> Mixed:
    """Measure it on one store. Raises LoadFailed, Unsound, OSError."""
    with tempfile.TemporaryDirectory(prefix="tenge-bench-") as folder:
        data = Path(folder) / "data"
        with Sandbox(data, database) as sandbox:
            tell(f"mixed on {store}: the stage", 0.05)
            loads = Loads(sandbox, "pay", cores, effort.spread)
            plain, mixed = _rates(loads, effort, lambda share: tell(f"mixed on {store}", share))
            tell(f"mixed on {store}: the CPU of each kind", 0.6)
            pids = tuple(sandbox.said.processes.values())
            cpu = {kind: cpu_us(loads, pids, loads.one_kind(kind, CPU_LINES)) for kind in SHARES}
        tell(f"mixed on {store}: the audit", 0.8)
        url = database or f"sqlite:///{data / OWN_DATABASE}"
        audited = audit_rate(url, sandbox.said.ledger, loads.size)
    return Mixed(
        store, "mixed", round(plain, 1), round(mixed, 1), round(mixed / plain, 3), cpu,
        round(audited, 1),
    )  # fmt: skip


def show(rows: Iterable[Mixed], console: Console) -> None:
    """Print the rates, and the CPU of each kind."""
    for row in rows:
        met = "met" if row.share >= SHARE_FLOOR else "NOT met"
        console.print(
            f"{row.store}: {row.mixed_signatures_per_s:,.0f} signatures a second mixed,"
            f" {row.plain_signatures_per_s:,.0f} plain: {row.share:.2f} (floor {SHARE_FLOOR},"
            f" {met}); audited at {row.audit_per_s:,.0f}."
        )
        table = Table("kind", "us of CPU an entry")
        for kind, us in row.cpu_us.items():
            table.add_row(kind, "-" if us is None else f"{us:.0f}")
        console.print(table)


def _rates(loads: Loads, effort: Effort, tell: Callable[[float], None]) -> tuple[float, float]:
    """Signatures a second, plain and mixed, in rounds by turns; each is warmed up first."""
    warm = loads.batches(WARM_UP)
    loads.mixed(WARM_UP // BLOCK * BLOCK)
    each = max(4 * BLOCK, int(warm * effort.seconds / ROUNDS) // BLOCK * BLOCK)
    plain: list[float] = []
    mixed: list[float] = []
    for number in range(ROUNDS):
        tell(0.1 + 0.5 * number / ROUNDS)
        plain.append(loads.batches(each) * SIGNATURES["pay"])
        mixed.append(loads.mixed(each) * SIGNATURES_A_BLOCK / BLOCK)
    return _mean(plain), _mean(mixed)


def _mean(rates: list[float]) -> float:
    """The rate of rounds of equal length, all in all."""
    return len(rates) / sum(1 / rate for rate in rates)
