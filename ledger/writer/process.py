"""The writer as a process: one thread, one database connection, any number of local connections.

Whatever has arrived on all connections is the next batch; while a batch commits, the next one
gathers in the sockets. Connections are unix sockets in a folder of mode 0700, opened with the run's
secret. A front end that stops reading is cut off, so it cannot hold up the others.
"""

from __future__ import annotations

import gc
import hmac
import os
import selectors
import signal
import socket
import time
from pathlib import Path

import structlog

from ledger.errors import LedgerError, StoreProblem
from ledger.ledger import BATCH_MAX, Ledger
from ledger.writer.answers import Answer, Busy, Offer
from ledger.writer.wire import (
    SECRET_BYTES,
    SECRET_NAME,
    SOCKET_NAME,
    Ask,
    Frames,
    Said,
    decode_ask,
    frame,
)

TICK_S = 0.25
"""How often what is due is ended and other nodes' entries are noticed though nobody asks."""

BUSY_OFFERS = 100
"""The store tidies up where no more than this came between two ticks."""

RECEIVE_BYTES = 1 << 20
OUTGOING_MAX = 64 * 1024 * 1024
"""Bytes that may wait for one front end; one that lets more pile up is cut off."""

CONNECTIONS_MAX = 256

FINISH_S = 2.0
"""How long a stopping writer goes on handing over the answers that wait."""

log = structlog.get_logger()


class WriterProcess:
    """Serves one ledger on a socket in `folder` until `stop` is called (from a signal)."""

    def __init__(self, ledger: Ledger, folder: Path) -> None:
        self._ledger = ledger
        self._secret = (folder / SECRET_NAME).read_bytes()
        if len(self._secret) != SECRET_BYTES:
            raise StoreProblem(f"{folder / SECRET_NAME} does not hold {SECRET_BYTES} bytes")
        self._selector = selectors.DefaultSelector()
        self._listener = _listen(folder / SOCKET_NAME)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._wake, wake = os.pipe()
        os.set_blocking(wake, False)
        self._wake_end = wake
        self._selector.register(self._wake, selectors.EVENT_READ)
        self._connections: set[_Connection] = set()
        self._announced = -1
        self._stopping = False

    def stop(self) -> None:
        """Finish what has arrived and return from `serve`. Safe in a signal handler."""
        self._stopping = True
        os.write(self._wake_end, b".")

    def serve(self) -> None:
        """The loop."""
        ticked, offers = time.monotonic(), 0
        while not self._stopping:
            asks = self._receive(TICK_S)
            if asks:
                self._answer(asks)
                offers += sum(len(ask.offers) for _, ask in asks)
            if time.monotonic() - ticked >= TICK_S:
                self._tick(busy=offers > BUSY_OFFERS)
                ticked, offers = time.monotonic(), 0
            self._announce()
        self._finish()

    def _finish(self) -> None:
        """Answer what has arrived by now, and hand over the answers."""
        self._rest()
        self._listener.close()
        self._answer(self._receive(0))
        until = time.monotonic() + FINISH_S
        while time.monotonic() < until and any(each.waits for each in self._connections):
            self._receive(TICK_S)
        for connection in tuple(self._connections):
            self._drop(connection)

    def _receive(self, timeout_s: float) -> list[tuple[_Connection, Ask]]:
        """Everything that has arrived, waiting for the first of it."""
        asks: list[tuple[_Connection, Ask]] = []
        for key, mask in self._selector.select(timeout_s):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fileobj == self._wake:
                os.read(self._wake, 64)
            else:
                connection: _Connection = key.data
                try:
                    if mask & selectors.EVENT_WRITE:
                        connection.flush()
                        self._mind(connection)
                    if mask & selectors.EVENT_READ:
                        asks += ((connection, ask) for ask in connection.receive(self._secret))
                except (OSError, ValueError, EOFError) as error:
                    log.debug("front_end_gone", error=repr(error))
                    self._drop(connection)
        return asks

    def _answer(self, asks: list[tuple[_Connection, Ask]]) -> None:
        """Answer in order; neighbouring submits share commits of at most BATCH_MAX offers."""
        group: list[tuple[_Connection, Ask]] = []
        count = 0
        for connection, ask in asks:
            if ask.verb == "submit":
                if group and count + len(ask.offers) > BATCH_MAX:
                    self._submit(group)
                    group, count = [], 0
                group.append((connection, ask))
                count += len(ask.offers)
            else:
                self._say(connection, self._reply(connection, ask))
        if group:
            self._submit(group)

    def _submit(self, group: list[tuple[_Connection, Ask]]) -> None:
        offers: list[Offer] = [offer for _, ask in group for offer in ask.offers]
        answers: list[Answer]
        try:
            answers = self._ledger.take(offers)
        except Exception as error:  # the engine answers for everything; this is a bug, not a door
            log.error("engine_failed", error=repr(error))
            answers = [Busy("the writer failed; try the same bytes again")] * len(offers)
        start = 0
        for connection, ask in group:
            end = start + len(ask.offers)
            self._say(connection, Said(ask.seq, answers[start:end]))
            start = end

    def _reply(self, connection: _Connection, ask: Ask) -> Said:
        try:
            if ask.verb == "checkpoint":
                return Said(ask.seq, text=self._ledger.checkpoint())
            if ask.verb == "time":
                return Said(ask.seq, number=self._ledger.time())
            if ask.verb == "watch":
                connection.watches = True
                return Said(ask.seq, number=self._ledger.events())
        except LedgerError as error:
            return Said(ask.seq, error=str(error))
        return Said(ask.seq, error=f"no verb {ask.verb!r:.40}")

    def _tick(self, *, busy: bool) -> None:
        if self._listener not in self._selector.get_map():
            self._selector.register(self._listener, selectors.EVENT_READ)
        try:
            self._ledger.tick(busy=busy)
        except StoreProblem as error:
            log.warning("tick_failed", error=str(error))

    def _announce(self) -> None:
        """Tell watchers how many events there are, when that has changed."""
        events = self._ledger.events_seen
        if events != self._announced:
            self._announced = events
            for connection in tuple(self._connections):
                if connection.watches:
                    self._say(connection, Said(0, number=events))

    def _say(self, connection: _Connection, said: Said) -> None:
        if connection in self._connections:
            try:
                connection.send(frame(said))
            except OSError:
                self._drop(connection)
                return
            if connection.waits > OUTGOING_MAX:
                log.warning("front_end_stalled", bytes=connection.waits)
                self._drop(connection)
                return
            self._mind(connection)

    def _mind(self, connection: _Connection) -> None:
        """Wake for what it sends, and for room to send only while something waits."""
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if connection.waits else 0)
        if self._selector.get_key(connection.socket).events != wanted:
            self._selector.modify(connection.socket, wanted, connection)

    def _rest(self) -> None:
        """Take no new connections until the next tick."""
        if self._listener in self._selector.get_map():
            self._selector.unregister(self._listener)

    def _accept(self) -> None:
        try:
            accepted, _ = self._listener.accept()
        except OSError as error:  # gone again, or there are no file descriptors left
            log.warning("front_end_not_accepted", error=str(error))
            self._rest()
            return
        if len(self._connections) >= CONNECTIONS_MAX:
            accepted.close()
            return
        connection = _Connection(accepted)
        self._connections.add(connection)
        self._selector.register(accepted, selectors.EVENT_READ, connection)

    def _drop(self, connection: _Connection) -> None:
        if connection in self._connections:
            self._connections.discard(connection)
            self._selector.unregister(connection.socket)
            connection.socket.close()


class _Connection:
    """One front end's connection. Until the secret has come, nothing it sends is read as an ask."""

    def __init__(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, RECEIVE_BYTES)
        self.socket = accepted
        self.watches = False
        self._frames = Frames()
        self._greeting: bytearray | None = bytearray()
        self._outgoing = bytearray()

    def receive(self, secret: bytes) -> list[Ask]:
        """Asks that are whole now. Raises EOFError at the end, ValueError for a stranger."""
        received = self.socket.recv(RECEIVE_BYTES)
        if not received:
            raise EOFError
        if self._greeting is not None:
            self._greeting += received
            if len(self._greeting) < SECRET_BYTES:
                return []
            if not hmac.compare_digest(bytes(self._greeting[:SECRET_BYTES]), secret):
                raise ValueError("a wrong secret")
            received, self._greeting = bytes(self._greeting[SECRET_BYTES:]), None
        try:
            return [decode_ask(message) for message in self._frames.feed(received)]
        except Exception as error:
            raise ValueError(f"not an ask: {error}") from error

    @property
    def waits(self) -> int:
        """How many bytes wait to be sent."""
        return len(self._outgoing)

    def send(self, message: bytes) -> None:
        """Send what can be sent now."""
        self._outgoing += message
        self.flush()

    def flush(self) -> None:
        """Send what waits, as far as the front end takes it."""
        while self._outgoing:
            try:
                sent = self.socket.send(self._outgoing)
            except BlockingIOError:
                return
            del self._outgoing[:sent]


GARBAGE_THRESHOLDS = (100_000, 20, 20)
"""Values are freed by reference counts; looking for cycles as often as Python does by itself cost
a fifth of the writer's time (benchmarks/README.md)."""


def run(ledger: Ledger, folder: Path) -> None:
    """Serve until SIGTERM or SIGINT; what has arrived is finished first."""
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    process = WriterProcess(ledger, folder)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: process.stop())
    try:
        process.serve()
    finally:
        ledger.close()


def _listen(path: Path) -> socket.socket:
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen(128)
    listener.setblocking(False)
    return listener
