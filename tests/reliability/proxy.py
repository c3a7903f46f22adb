"""A TCP proxy before PostgreSQL that loses what it is told to: a COMMIT, or its answer."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from enum import StrEnum

READ_BYTES = 1 << 16


class Loss(StrEnum):
    """What is lost next, once: then both ends of that connection are closed."""

    NOTHING = "nothing"
    QUESTION = "the COMMIT on its way there"
    ANSWER = "the answer to the COMMIT"
    HALF = "half of the answer to the COMMIT"
    BATCH = "the rows on their way there"


class Proxy:
    """Listens on `port` and speaks to `target`. `lose` says what is lost next; `lost` counts."""

    def __init__(self, target: tuple[str, int]) -> None:
        self.lose = Loss.NOTHING
        self.lost = 0
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        """Cut everything off."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            far = socket.create_connection(self._target)
            self._sockets += (near, far)
            thread = threading.Thread(target=self._carry, args=(near, far), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _carry(self, near: socket.socket, far: socket.socket) -> None:
        swallow = Loss.NOTHING
        with near, far, selectors.DefaultSelector() as selector, contextlib.suppress(OSError):
            selector.register(near, selectors.EVENT_READ, far)
            selector.register(far, selectors.EVENT_READ, near)
            while True:
                for key, _ in selector.select():
                    received = key.fileobj.recv(READ_BYTES)  # type: ignore[union-attr]
                    if not received:
                        return
                    if key.fileobj is near:
                        swallow = self._meets(received) or swallow
                        if swallow in (Loss.QUESTION, Loss.BATCH):
                            return
                    elif swallow in (Loss.ANSWER, Loss.HALF):
                        if swallow == Loss.HALF:
                            near.sendall(received[: len(received) // 2])
                        return
                    key.data.sendall(received)

    def _meets(self, question: bytes) -> Loss | None:
        """What is to be lost, now that this is asked."""
        loss = self.lose
        wanted = b"transfer/1" if loss == Loss.BATCH else b"COMMIT"  # the leaf holds the payload
        if loss == Loss.NOTHING or wanted not in question:
            return None
        self.lose = Loss.NOTHING
        self.lost += 1
        return loss
