"""A front end that asks as fast as it can and reads what it is told, until it is killed."""

from __future__ import annotations

import socket
import sys
import threading
from pathlib import Path

from ledger.writer.wire import SECRET_NAME, SOCKET_NAME, Ask, frame


def main(folder: Path) -> None:
    """Say "go" once connected, then ask without end."""
    noisy = socket.socket(socket.AF_UNIX)
    noisy.connect(str(folder / SOCKET_NAME))
    noisy.sendall((folder / SECRET_NAME).read_bytes())
    threading.Thread(target=_read, args=(noisy,), daemon=True).start()
    print("go", flush=True)
    while True:
        noisy.sendall(frame(Ask(1, "no such verb")) * 500)


def _read(noisy: socket.socket) -> None:
    while noisy.recv(1 << 20):
        pass


if __name__ == "__main__":
    main(Path(sys.argv[1]))
