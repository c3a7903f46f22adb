"""The load generator: prebuilt bytes over plain sockets, as little work an answer as can be.

It shares the machine with the servers it measures, so what it does while a clock runs is send,
receive, and find the end of an answer; answers are kept and read afterwards. The loop is closed: a
connection sends its next request when the last one was answered.
"""

from __future__ import annotations

import gc
import selectors
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, NamedTuple
from urllib.parse import urlsplit

import msgspec

RECEIVE_BYTES: Final = 262_144

PATIENCE_S: Final = 30.0
"""How long a server may say nothing before the measurement is given up."""


class LoadFailed(Exception):
    """The sandbox answered something else than was to be measured: a refusal, an error, nothing."""


class Place(NamedTuple):
    """Where to connect, and the API key to say."""

    host: str
    port: int
    key: str

    @classmethod
    def of(cls, url: str, key: str) -> Place:
        """The place that a URL names."""
        parts = urlsplit(url)
        return cls(parts.hostname or "127.0.0.1", parts.port or 80, key)


class Measured(NamedTuple):
    """What came of it: raw answers (head and body) in order of arrival, the seconds it took all in
    all, and of each request the seconds to its answer."""

    answers: list[bytes]
    seconds: float
    latencies: list[float]


class _Connection:
    """One keep-alive connection with at most one request under way."""

    def __init__(self, place: Place) -> None:
        self.socket: Final = socket.create_connection(place[:2], timeout=PATIENCE_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.began = 0.0
        self.unsent = memoryview(b"")
        self._received = bytearray()
        self._whole = 0  # length of the answer, once its head is there

    def begin(self, request: bytes) -> None:
        """Send a request, or as much of it as the socket takes now."""
        self.began = time.perf_counter()
        self.unsent = memoryview(request)
        self.send()

    def send(self) -> None:
        """Send more of the request."""
        try:
            self.unsent = self.unsent[self.socket.send(self.unsent) :]
        except BlockingIOError:
            return

    def receive(self) -> bytes | None:
        """The answer, once it is whole."""
        received = self.socket.recv(RECEIVE_BYTES)
        if not received:
            raise LoadFailed("the server closed a connection that was to be kept")
        held = self._received
        held += received
        if not self._whole:
            head = held.find(b"\r\n\r\n")
            if head < 0:
                return None
            self._whole = head + 4 + _content_length(held[:head])
        if len(held) < self._whole:
            return None
        answer = bytes(held)
        held.clear()
        self._whole = 0
        return answer


def request(place: Place, path: str, content_type: str, body: bytes) -> bytes:
    """A POST, ready to be sent."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {place.host}:{place.port}\r\n"
        f"Authorization: Bearer {place.key}\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def single(place: Place, line: bytes) -> bytes:
    """The request that submits one transaction."""
    return request(place, "/v1/transactions", "application/jose", line)


def batch(place: Place, lines: Sequence[bytes]) -> bytes:
    """The request that submits many, one a line."""
    body = b"\n".join(lines)
    return request(place, "/v1/transactions/batch", "application/x-ndjson", body)


def exchange(place: Place, requests: Sequence[bytes], connections: int) -> Measured:
    """Send all requests over so many connections and wait for all answers; raises LoadFailed."""
    queue = iter(requests)
    answers: list[bytes] = []
    latencies: list[float] = []
    opened = [_Connection(place) for _ in range(connections)]
    with selectors.DefaultSelector() as selector, _undisturbed():
        for connection in opened:
            connection.socket.setblocking(False)
            selector.register(connection.socket, selectors.EVENT_READ, connection)
        began = time.perf_counter()
        for connection in opened:
            _next(selector, connection, queue)
        while len(answers) < len(requests):
            ready = selector.select(PATIENCE_S)
            if not ready:
                raise LoadFailed(f"no answer in {PATIENCE_S:.0f} s")
            for key, events in ready:
                connection = key.data
                if events & selectors.EVENT_WRITE:
                    connection.send()
                    if not connection.unsent:
                        selector.modify(key.fileobj, selectors.EVENT_READ, connection)
                if events & selectors.EVENT_READ:
                    answer = connection.receive()
                    if answer is not None:
                        latencies.append(time.perf_counter() - connection.began)
                        answers.append(answer)
                        _next(selector, connection, queue)
        seconds = time.perf_counter() - began
    for connection in opened:
        connection.socket.close()
    return Measured(answers, seconds, latencies)


def one_by_one(place: Place, requests: Sequence[bytes]) -> Measured:
    """The same over one connection that blocks: the least that a client can cost."""
    answers: list[bytes] = []
    latencies: list[float] = []
    connection = _Connection(place)
    with connection.socket, _undisturbed():
        began = time.perf_counter()
        for one in requests:
            connection.begin(one)
            while connection.unsent:
                connection.send()
            while (answer := connection.receive()) is None:
                continue
            latencies.append(time.perf_counter() - connection.began)
            answers.append(answer)
        seconds = time.perf_counter() - began
    return Measured(answers, seconds, latencies)


def taken_singles(answers: Sequence[bytes]) -> int:
    """How many transactions were taken; raises LoadFailed unless every one was, as a new entry."""
    for answer in answers:
        if not answer.startswith(b"HTTP/1.1 201 ") or b'"index":' not in answer:
            raise LoadFailed(f"a transaction was not taken: {_shown(answer)}")
    return len(answers)


def taken_batches(answers: Sequence[bytes], lines: int) -> int:
    """The same for batches of so many lines in all: each line answers index and size."""
    taken = 0
    for answer in answers:
        if not answer.startswith(b"HTTP/1.1 200 "):
            raise LoadFailed(f"a batch was not taken: {_shown(answer)}")
        for line in answer.partition(b"\r\n\r\n")[2].splitlines():
            told = msgspec.json.decode(line)
            if "index" not in told or told["index"] >= told["size"]:
                raise LoadFailed(f"a line of a batch was not taken: {_shown(line)}")
            taken += 1
    if taken != lines:
        raise LoadFailed(f"{lines} lines were sent, {taken} answered")
    return taken


def _next(
    selector: selectors.BaseSelector, connection: _Connection, queue: Iterator[bytes]
) -> None:
    one = next(queue, None)
    if one is None:
        return
    connection.begin(one)
    if connection.unsent:
        events = selectors.EVENT_READ | selectors.EVENT_WRITE
        selector.modify(connection.socket, events, connection)


def _content_length(head: bytearray) -> int:
    for line in bytes(head).split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise LoadFailed(f"an answer without a length: {_shown(bytes(head))}")


def _shown(answer: bytes) -> str:
    return answer.rpartition(b"\r\n\r\n")[2][:600].decode("utf-8", "replace")


@contextmanager
def _undisturbed() -> Iterator[None]:
    """No garbage collection while a clock runs."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
