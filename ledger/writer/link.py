"""A front end's link to the writer process: the `Door` over a local socket.

`Link` is for threads and greenlets (one connection, pipelined: many may wait at once), `AsyncLink`
for asyncio. A link that breaks after an offer was sent cannot know what became of it: it raises
DoorShut, and the same bytes may be offered again, which the transaction's id makes safe.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import threading
import time
from pathlib import Path

from ledger.errors import DoorShut, LedgerError, Overloaded
from ledger.writer.answers import Answer, Offer
from ledger.writer.wire import SECRET_NAME, SOCKET_NAME, Ask, Frames, Said, decode_said, frame

WINDOW_MAX = 8_000
"""Offers of one front end that may be unanswered; one more is Overloaded."""

ANSWER_S = 30.0
"""How long an answer is waited for."""

CONNECT_S = 5.0
"""How long a link tries to reach a writer that is being replaced."""

RECEIVE_BYTES = 1 << 20


WATCH = Ask(0, "watch")


class _Waiting:
    """One ask whose answer is awaited."""

    __slots__ = ("done", "said")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.said: Said | None = None


class Link:
    """The writer, reached over the socket in `folder`. Safe for threads and greenlets."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None  # under the lock
        self._waiting: dict[int, _Waiting] = {}  # under the lock
        self._seq = itertools.count(1)
        self._window = threading.Lock()
        self._unanswered = 0  # under the window's lock
        self._events = 0
        self._watches = False  # under the lock
        self._heads = threading.Condition()
        self._closed = False

    def submit(self, offers: list[Offer]) -> list[Answer]:
        """Answers in the order of the offers, once durable. Raises DoorShut, Overloaded."""
        if not offers:
            return []
        with self._window:
            if self._unanswered + len(offers) > WINDOW_MAX:
                raise Overloaded(
                    f"{self._unanswered} transactions wait already; try again in a second"
                )
            self._unanswered += len(offers)
        try:
            return self._ask("submit", offers).answers
        finally:
            with self._window:
                self._unanswered -= len(offers)

    def checkpoint(self) -> str:
        """The signed checkpoint of the durable head."""
        return self._ask("checkpoint").text

    def time(self) -> int:
        """The sandbox's time, ms UTC."""
        return self._ask("time").number

    def wait_for_events(self, after: int, timeout_s: float) -> int:
        """The number of events, once it is over `after` or the time is up. Never raises."""
        with contextlib.suppress(LedgerError):
            self._connected()
            self._watch()
        with self._heads:
            self._heads.wait_for(lambda: self._events > after, timeout_s)
            return self._events

    def close(self) -> None:
        """Let go of the connection."""
        self._closed = True
        with self._lock:
            self._disconnect()

    def _ask(self, verb: str, offers: list[Offer] | None = None) -> Said:
        waiting = _Waiting()
        seq = next(self._seq)
        message = frame(Ask(seq, verb, offers or []))
        self._connected()
        with self._lock:
            if self._socket is None:
                raise DoorShut("the writer is away; try the same bytes again")
            self._waiting[seq] = waiting
            try:
                self._socket.sendall(message)
            except OSError:
                self._disconnect()
        if not waiting.done.wait(ANSWER_S):
            with self._lock:
                self._waiting.pop(seq, None)
            raise DoorShut(f"the writer has not answered in {ANSWER_S:.0f} s")
        if waiting.said is None:
            raise DoorShut("the writer went away before it answered; try the same bytes again")
        if waiting.said.error:
            raise DoorShut(waiting.said.error)
        return waiting.said

    def _watch(self) -> None:
        """Ask to be told of events, once: telling costs a wake-up for every commit."""
        with self._lock:
            if not self._watches and self._socket is not None:
                self._watches = True
                try:
                    self._socket.sendall(frame(WATCH))
                except OSError:
                    self._disconnect()

    def _greeting(self) -> bytes:
        return frame(WATCH) if self._watches else b""

    def _connected(self) -> None:
        """Connect where there is no connection, waiting for a writer that is being replaced."""
        if self._socket is not None:
            return
        until = time.monotonic() + CONNECT_S
        while True:
            with self._lock:
                if self._closed:
                    raise DoorShut("this link is closed")
                if self._socket is not None:
                    return
                try:
                    self._connect()
                    return
                except OSError as error:
                    if time.monotonic() > until:
                        raise DoorShut(f"the writer cannot be reached: {error}") from error
            time.sleep(0.05)

    def _connect(self) -> None:
        """Under the lock."""
        opened = socket.socket(socket.AF_UNIX)
        opened.settimeout(ANSWER_S)
        try:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, RECEIVE_BYTES)
            opened.connect(str(self._folder / SOCKET_NAME))
            opened.sendall((self._folder / SECRET_NAME).read_bytes() + self._greeting())
        except OSError:
            opened.close()
            raise
        self._socket = opened
        threading.Thread(
            target=self._receive, args=(opened,), name="writer-link", daemon=True
        ).start()

    def _receive(self, connected: socket.socket) -> None:
        """The reader's own thread: hands each answer to whoever waits for it."""
        frames = Frames()
        with contextlib.suppress(OSError, ValueError):
            while received := _arrived(connected):
                for message in frames.feed(received):
                    self._hand(decode_said(message))
        with self._lock:
            if self._socket is connected:
                self._disconnect()

    def _hand(self, said: Said) -> None:
        if said.seq == 0:
            with self._heads:
                self._events = max(self._events, said.number)
                self._heads.notify_all()
            return
        with self._lock:
            waiting = self._waiting.pop(said.seq, None)
        if waiting is not None:
            waiting.said = said
            waiting.done.set()

    def _disconnect(self) -> None:
        """Under the lock. Whoever waits hears that nothing is known."""
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None
        for waiting in self._waiting.values():
            waiting.done.set()
        self._waiting.clear()


def _arrived(connected: socket.socket) -> bytes:
    """The next bytes, however long nobody says anything; the socket's timeout is for sending."""
    while True:
        try:
            return connected.recv(RECEIVE_BYTES)
        except TimeoutError:
            continue


class AsyncLink:
    """The same link for asyncio. Used by one event loop."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.Task[None] | None = None
        self._connecting = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Said]] = {}
        self._seq = itertools.count(1)
        self._unanswered = 0
        self._events = 0
        self._watches = False
        self._moved = asyncio.Event()

    async def submit(self, offers: list[Offer]) -> list[Answer]:
        """Answers in the order of the offers, once durable. Raises DoorShut, Overloaded."""
        if not offers:
            return []
        if self._unanswered + len(offers) > WINDOW_MAX:
            raise Overloaded(f"{self._unanswered} transactions wait already; try again in a second")
        self._unanswered += len(offers)
        try:
            return (await self._ask("submit", offers)).answers
        finally:
            self._unanswered -= len(offers)

    async def checkpoint(self) -> str:
        """The signed checkpoint of the durable head."""
        return (await self._ask("checkpoint")).text

    async def time(self) -> int:
        """The sandbox's time, ms UTC."""
        return (await self._ask("time")).number

    async def wait_for_events(self, after: int, timeout_s: float) -> int:
        """The number of events, once it is over `after` or the time is up. Never raises."""
        with contextlib.suppress(LedgerError):
            writer = await self._connected()
            if not self._watches:
                self._watches = True
                writer.write(frame(WATCH))
        until = time.monotonic() + timeout_s
        while self._events <= after and (left := until - time.monotonic()) > 0:
            moved = self._moved
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(moved.wait(), left)
        return self._events

    async def close(self) -> None:
        """Let go of the connection."""
        self._disconnect()
        if self._reader is not None:
            self._reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._reader

    async def _ask(self, verb: str, offers: list[Offer] | None = None) -> Said:
        writer = await self._connected()
        seq = next(self._seq)
        answer: asyncio.Future[Said] = asyncio.get_running_loop().create_future()
        self._waiting[seq] = answer
        writer.write(frame(Ask(seq, verb, offers or [])))
        try:
            said = await asyncio.wait_for(answer, ANSWER_S)
        except TimeoutError:
            self._waiting.pop(seq, None)
            raise DoorShut(f"the writer has not answered in {ANSWER_S:.0f} s") from None
        if said.error:
            raise DoorShut(said.error)
        return said

    async def _connected(self) -> asyncio.StreamWriter:
        if self._writer is not None:
            return self._writer
        async with self._connecting:
            until = time.monotonic() + CONNECT_S
            while self._writer is None:
                try:
                    reader, writer = await asyncio.open_unix_connection(
                        self._folder / SOCKET_NAME, limit=RECEIVE_BYTES
                    )
                except OSError as error:
                    if time.monotonic() > until:
                        raise DoorShut(f"the writer cannot be reached: {error}") from error
                    await asyncio.sleep(0.05)
                    continue
                greeting = frame(WATCH) if self._watches else b""
                writer.write((self._folder / SECRET_NAME).read_bytes() + greeting)
                self._writer = writer
                self._reader = asyncio.create_task(self._receive(reader, writer))
            return self._writer

    async def _receive(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        frames = Frames()
        with contextlib.suppress(OSError, ValueError):
            while received := await reader.read(RECEIVE_BYTES):
                for message in frames.feed(received):
                    self._hand(decode_said(message))
        if self._writer is writer:
            self._disconnect()

    def _hand(self, said: Said) -> None:
        if said.seq == 0:
            self._events = max(self._events, said.number)
            self._moved.set()
            self._moved = asyncio.Event()
            return
        answer = self._waiting.pop(said.seq, None)
        if answer is not None and not answer.done():
            answer.set_result(said)

    def _disconnect(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(
                    DoorShut("the writer went away before it answered; try the same bytes again")
                )
        self._waiting.clear()
