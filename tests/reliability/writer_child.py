"""A writer process for tests: `python -m tests.reliability.writer_child URL KEYRING FOLDER ID`.

What `tenge up` runs, without its supervisor. Further words `NAME=NUMBER` set limits of
`ledger.writer.process`, so that a test can reach them with less; `FILES=NUMBER` is the system's own
limit on open files.
"""

from __future__ import annotations

import os
import resource
import sys
from pathlib import Path

import structlog

from ledger.core.ids import unb64
from ledger.keyring import Keyring
from ledger.ledger import Ledger
from ledger.writer import process

PID_NAME = "pid"


def main(url: str, keyring: str, folder: str, id: str, *limits: str) -> None:
    """Serve until SIGTERM."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    for limit in limits:
        name, _, number = limit.partition("=")
        if name == "FILES":
            resource.setrlimit(resource.RLIMIT_NOFILE, (int(number), int(number)))
        else:
            getattr(process, name)  # there must be such a limit
            setattr(process, name, int(number))
    (Path(folder) / PID_NAME).write_text(str(os.getpid()))
    process.run(Ledger.open(url, Keyring.open_or_create(keyring), unb64(id, 16)), Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
