"""A call between two processes of one node over a local socket: one question, one answer, msgpack.

The socket stands in the run's folder (mode 0700) and opens with the run's secret, as the writer's
does (`ledger.writer.wire`). For seldom calls: a connection is made for each.
"""

from __future__ import annotations

import hmac
import socket
import socketserver
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from ledger.errors import DoorShut, LedgerError, Malformed
from ledger.writer.wire import SECRET_BYTES, SECRET_NAME

MESSAGE_MAX: Final = 1 << 20
"""Bytes in a question or an answer."""

ANSWER_S: Final = 10.0
"""How long an answer is waited for, and how long a caller may take to ask."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


class _Reply(msgspec.Struct, array_like=True):
    """`answer`, or why there is none: code, sentence, member."""

    answer: Any = None
    code: str = ""
    message: str = ""
    where: str = ""


_decode_reply = msgspec.msgpack.Decoder(_Reply).decode


def call(folder: Path, name: str, question: list[Any]) -> Any:
    """Ask the process that listens as `name`; raises DoorShut where it is away, and Malformed as
    the other side raised it."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(ANSWER_S)
            link.connect(str(folder / name))
            link.sendall((folder / SECRET_NAME).read_bytes() + _framed(_encode(question)))
            reply = _decode_reply(_receive(link))
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        raise DoorShut(f"the process behind {name} does not answer: {error}") from error
    if reply.code == DoorShut.code:
        raise DoorShut(reply.message)
    if reply.code:
        raise Malformed(reply.code, reply.message, reply.where)
    return reply.answer


class Listener(socketserver.ThreadingUnixStreamServer):
    """Answers questions with `answer`, a thread each. Its LedgerErrors reach the caller."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, folder: Path, name: str, answer: Callable[[list[Any]], Any]) -> None:
        path = folder / name
        path.unlink(missing_ok=True)
        self.secret: Final = (folder / SECRET_NAME).read_bytes()
        self.answer: Final = answer
        super().__init__(str(path), _Asked)
        path.chmod(0o600)


class _Asked(socketserver.BaseRequestHandler):
    """One question."""

    server: Listener

    def handle(self) -> None:
        """Check the secret, answer, hang up."""
        link: socket.socket = self.request
        link.settimeout(ANSWER_S)
        try:
            if not hmac.compare_digest(_exactly(link, SECRET_BYTES), self.server.secret):
                return
            link.sendall(_framed(_encode(self._reply(_decode(_receive(link))))))
        except (OSError, EOFError, msgspec.MsgspecError):
            return  # whoever asked went away, or is none of ours

    def _reply(self, question: list[Any]) -> _Reply:
        try:
            return _Reply(self.server.answer(question))
        except Malformed as error:
            return _Reply(None, error.code, str(error), error.where)
        except LedgerError as error:
            return _Reply(None, DoorShut.code, str(error))


def _framed(body: bytes) -> bytes:
    return len(body).to_bytes(4, "little") + body


def _receive(link: socket.socket) -> bytes:
    size = int.from_bytes(_exactly(link, 4), "little")
    if size > MESSAGE_MAX:
        raise EOFError(f"a message of {size} bytes")
    return _exactly(link, size)


def _exactly(link: socket.socket, size: int) -> bytes:
    held = bytearray()
    while len(held) < size:
        received = link.recv(min(size - len(held), 65_536))
        if not received:
            raise EOFError("hung up")
        held += received
    return bytes(held)
