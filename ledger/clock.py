"""The one place that reads this machine's clock for the ledger. Sandbox time is the database's."""

from __future__ import annotations

import time


def system_ms() -> int:
    """Wall time of this machine, ms UTC."""
    return time.time_ns() // 1_000_000
