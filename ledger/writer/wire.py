"""What crosses the local socket between front ends and the writer: length-prefixed msgpack.

A connection opens with the 32 bytes of the run's secret. Then each side sends frames: four bytes of
length (little endian), one message. Answers come in the order of the asks of one connection.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.writer.answers import Answer, Offer

SOCKET_NAME = "writer.sock"
SECRET_NAME = "secret"  # the file's name, not a secret
SECRET_BYTES = 32
FRAME_MAX = 64 * 1024 * 1024
"""Bytes in a frame; a longer one closes the connection."""


class Ask(msgspec.Struct, array_like=True):
    """`verb`: submit (with offers), checkpoint, time, watch. `seq` comes back with the answer."""

    seq: int
    verb: str
    offers: list[Offer] = []


class Said(msgspec.Struct, array_like=True):
    """The answer to the ask `seq`: answers, or a text (checkpoint), or a number (time). `error` is
    why there is none. With `seq` 0 it is a notice to watchers: `number` events exist now."""

    seq: int
    answers: list[Answer] = []
    text: str = ""
    number: int = 0
    error: str = ""


_encode = msgspec.msgpack.Encoder().encode
decode_ask = msgspec.msgpack.Decoder(Ask).decode
decode_said = msgspec.msgpack.Decoder(Said).decode


def frame(message: Ask | Said) -> bytes:
    """The message with its length before it."""
    body = _encode(message)
    return len(body).to_bytes(4, "little") + body


class Frames:
    """Cuts a stream of bytes into messages."""

    def __init__(self) -> None:
        self._held = bytearray()

    def feed(self, received: bytes) -> Iterator[bytes]:
        """The messages that are whole now. Raises ValueError for a frame that is too long."""
        held = self._held
        held += received
        start = 0
        while len(held) - start >= 4:
            size = int.from_bytes(held[start : start + 4], "little")
            if size > FRAME_MAX:
                raise ValueError(f"a frame of {size} bytes")
            if len(held) - start - 4 < size:
                break
            yield bytes(held[start + 4 : start + 4 + size])
            start += 4 + size
        del held[:start]
