"""What is measured when the servers are down: the audit, the size, starting again."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ledger.audit import audit_database
from ledger.core.ids import ID_BYTES, unb64
from sandbox_api.bench.load import one_by_one, single, taken_singles
from sandbox_api.bench.server import Sandbox

TOLD_EVERY_S: Final = 0.5


class Unsound(Exception):
    """The audit after a load found damage, or entries that nobody was promised. Never expected."""


def audit_rate(
    url: str, ledger: str, size: int, progress: Callable[[int, int], None] = lambda done, all: None
) -> float:
    """Signatures a second of a whole audit; raises Unsound unless the log is sound and holds what
    was acknowledged, `size` entries, and nothing else. `progress`: (entries done, entries in all).
    """
    told = 0.0

    def tell(done: int, total: int) -> None:
        nonlocal told
        if time.monotonic() - told > TOLD_EVERY_S:
            told = time.monotonic()
            progress(done, total)

    verdict = audit_database(url, unb64(ledger, ID_BYTES), progress=tell)
    if not verdict.is_sound:
        raise Unsound(f"the audit found {verdict.findings[0]}")
    if verdict.size != size:
        raise Unsound(f"{size} entries were acknowledged, the log has {verdict.size}")
    rate: float = verdict.signatures / verdict.seconds
    return rate


def sqlite_bytes(file: Path, copy: Path) -> int:
    """Bytes of a SQLite database without slack: of a copy that VACUUM makes, WAL included."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
    try:
        connection.execute("VACUUM INTO ?", (str(copy),))
    finally:
        connection.close()
    size = copy.stat().st_size
    copy.unlink()
    return size


def first_payment(data: Path) -> float:
    """Seconds from calling `tenge up` on a data folder to its first accepted payment."""
    with Sandbox(data) as sandbox:
        request = single(sandbox.http, sandbox.persona_payment())
        measured = one_by_one(sandbox.http, [request])
        seconds = time.perf_counter() - sandbox.began
        taken_singles(measured.answers)
        return seconds
