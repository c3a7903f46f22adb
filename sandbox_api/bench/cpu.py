"""What server processes use: CPU an entry, read from the system (Linux)."""

from __future__ import annotations

import os
from pathlib import Path

from sandbox_api.bench.loads import Loads


def cpu_us(loads: Loads, pids: tuple[int, ...], lines: list[bytes]) -> float | None:
    """us of CPU of all these processes for an entry, in batches of these lines; None where the
    system does not tell."""
    before = _cpu_s(pids)
    loads.send(lines)
    after = _cpu_s(pids)
    return (
        None if before is None or after is None else round((after - before) / len(lines) * 1e6, 1)
    )


def _cpu_s(pids: tuple[int, ...]) -> float | None:
    """CPU seconds that these processes have used, user and system."""
    try:
        rows = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in pids]
    except OSError:
        return None
    return sum(int(row[11]) + int(row[12]) for row in rows) / os.sysconf("SC_CLK_TCK")
