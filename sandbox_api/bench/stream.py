"""The submit stream under load: prebuilt WebSocket frames over a plain socket (RFC 6455).

A client's frames are masked; with a mask of zeros the bytes stay as they are, so whole frames can
be made beforehand. As many transactions as the server's window are under way at any time.
"""

from __future__ import annotations

import base64
import secrets
import socket
import time
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from sandbox_api.bench.load import PATIENCE_S, RECEIVE_BYTES, LoadFailed, Measured, Place

_TEXT: Final = 0x1
_CLOSE: Final = 0x8
_PING: Final = 0x9
_PONG: Final = 0xA
_FINAL: Final = 0x80
_MASKED: Final = 0x80
_NO_MASK: Final = bytes(4)


def frame(payload: bytes, opcode: int = _TEXT) -> bytes:
    """A client's frame."""
    size = len(payload)
    if size < 126:
        head = bytes((_FINAL | opcode, _MASKED | size))
    elif size < 1 << 16:
        head = bytes((_FINAL | opcode, _MASKED | 126)) + size.to_bytes(2, "big")
    else:
        head = bytes((_FINAL | opcode, _MASKED | 127)) + size.to_bytes(8, "big")
    return head + _NO_MASK + payload


class Stream:
    """One connection to the submit stream, opened and greeted. Use as a context manager."""

    def __init__(self, place: Place) -> None:
        self._socket: Final = socket.create_connection(place[:2], timeout=PATIENCE_S)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._held = bytearray()
        self._open(place)
        self._socket.sendall(frame(msgspec.json.encode({"key": place.key})))
        hello = next(self._wait())
        try:
            self._window = int(msgspec.json.decode(hello)["hello"]["window"])
        except KeyError:
            raise LoadFailed(f"the stream did not greet: {hello[:300]!r}") from None

    def exchange(self, frames: Sequence[bytes]) -> Measured:
        """Send all frames, never more unanswered than the window; answers in order."""
        answers: list[bytes] = []
        sent = 0
        began = time.perf_counter()
        while len(answers) < len(frames):
            room = min(self._window - (sent - len(answers)), len(frames) - sent)
            if room:
                self._socket.sendall(b"".join(frames[sent : sent + room]))
                sent += room
            answers += self._wait()
        return Measured(answers, time.perf_counter() - began, [])

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def _open(self, place: Place) -> None:
        nonce = base64.b64encode(secrets.token_bytes(16)).decode()
        self._socket.sendall(
            (
                f"GET /v1/submit HTTP/1.1\r\nHost: {place.host}:{place.port}\r\n"
                "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {nonce}\r\n\r\n"
            ).encode()
        )
        while b"\r\n\r\n" not in self._held:
            self._receive()
        head, _, rest = bytes(self._held).partition(b"\r\n\r\n")
        if b" 101 " not in head.partition(b"\r\n")[0]:
            raise LoadFailed(f"the stream did not open: {head[:300]!r}")
        self._held = bytearray(rest)

    def _wait(self) -> Iterator[bytes]:
        """The messages that are there, at least one."""
        while True:
            messages = list(self._messages())
            if messages:
                return iter(messages)
            self._receive()

    def _receive(self) -> None:
        received = self._socket.recv(RECEIVE_BYTES)
        if not received:
            raise LoadFailed("the stream ended")
        self._held += received

    def _messages(self) -> Iterator[bytes]:
        """Cut what was received into messages; pings are answered."""
        held, at = self._held, 0
        while len(held) - at >= 2:
            opcode, size, start = held[at] & 0x0F, held[at + 1], at + 2
            if size >= 126:
                start += 2 if size == 126 else 8
                size = int.from_bytes(held[at + 2 : start], "big")
            if len(held) < start + size:
                break
            payload = bytes(held[start : start + size])
            at = start + size
            if opcode == _CLOSE:
                raise LoadFailed(f"the stream was closed: {payload[2:].decode()}")
            if opcode == _PING:
                self._socket.sendall(frame(payload, _PONG))
            elif opcode == _TEXT:
                yield payload
        del held[:at]


def taken_streamed(answers: Sequence[bytes]) -> int:
    """How many transactions were taken; raises LoadFailed unless every one was."""
    for answer in answers:
        told = msgspec.json.decode(answer)
        if "index" not in told or told["index"] >= told["size"]:
            raise LoadFailed(f"a transaction was not taken: {answer[:600].decode()}")
    return len(answers)
