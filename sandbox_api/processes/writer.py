"""The writer's process: the one that writes to the ledger (`ledger.writer.process`), as a child."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

from ledger.core.ids import ID_BYTES, unb64
from ledger.keyring import Keyring
from ledger.ledger import Ledger
from ledger.writer.process import WriterProcess
from sandbox_api.config import Config


def main(config: Config, say: Callable[[str, str], None]) -> None:
    """Write until SIGTERM; what has arrived by then is finished first."""
    keyring = Keyring.open_or_create(config.keyring)
    with Ledger.open(config.url, keyring, unb64(config.ledger, ID_BYTES)) as ledger:
        process = WriterProcess(ledger, Path(config.run))
        signal.signal(signal.SIGTERM, lambda *_: process.stop())
        say("ready", "")
        process.serve()
