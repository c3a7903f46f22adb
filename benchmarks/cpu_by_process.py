"""Which process spends how much CPU on a transaction, for each way in: batches, singles, stream.

    python benchmarks/cpu_by_process.py [transfer|pay] [--many N] [--db URL]

CPU time is read from the kernel before and after each load (Linux), the load generator's own
included. Unlike a rate it hardly changes when something else runs on the machine, and the sum of a
line, over the number of cores, is the rate that the machine could reach.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from sandbox_api.bench.loads import Loads
from sandbox_api.bench.machine import Cores
from sandbox_api.bench.run import WARM_UP
from sandbox_api.bench.server import Sandbox

TICK_S = 1 / os.sysconf("SC_CLK_TCK")


def cpu_s(pid: int) -> float:
    """CPU seconds that a process has used so far, user and system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def show(name: str, many: int, pids: dict[str, int], load: Callable[[], object]) -> None:
    """Run a load and print the CPU it took, us a transaction, by process."""
    before = {who: cpu_s(pid) for who, pid in pids.items()}
    wall = time.perf_counter()
    load()
    wall = time.perf_counter() - wall
    each = {who: (cpu_s(pid) - before[who]) / many * 1e6 for who, pid in pids.items()}
    parts = ", ".join(f"{who} {us:.0f}" for who, us in each.items() if us >= 1)
    total = sum(each.values())
    print(
        f"{name}: {total:.0f} us CPU a transaction ({parts}); {1e6 / total:,.0f}/s a core;"
        f" {many / wall:,.0f}/s now, making of the traffic included"
    )


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", nargs="?", choices=["transfer", "pay"], default="transfer")
    parser.add_argument("--many", type=int, default=20_000)
    parser.add_argument("--db")
    given = parser.parse_args()
    many = given.many
    with (
        tempfile.TemporaryDirectory() as folder,
        Cores() as cores,
        Sandbox(Path(folder) / "data", given.db) as sandbox,
    ):
        loads = Loads(sandbox, given.kind, cores)
        loads.batches(WARM_UP)
        pids = {**sandbox.said.processes, "generator": os.getpid()}
        show("batches", many, pids, lambda: loads.batches(many))
        show("singles, 32 connections", many // 4, pids, lambda: loads.singles(many // 4))
        show("singles, one connection", many // 20, pids, lambda: loads.one_by_one(many // 20))
        show("stream", many // 2, pids, lambda: loads.streamed(many // 2))
        print(f"PSS of the servers: {sandbox.pss_mb():.0f} MB; log of {loads.size} entries")


if __name__ == "__main__":
    main()
