"""gevent's WSGI server with the limits and deadlines that it has none of.

A connection that begins nothing ends after `IDLE_S`; a request must be there, whole, `REQUEST_S`
after its first byte. Its body is read before the app is called, so a slow client never holds a
place in it. Whoever is too slow is closed upon without an answer: it is still
talking. Heads are read strictly: what two servers could read in two ways is refused. An answer
leaves in one write.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress
from io import BytesIO
from typing import Any, Final

import gevent
from gevent.pywsgi import WSGIHandler, WSGIServer

from sandbox_api.limits import BATCH_BYTES_MAX, TRANSACTION_BYTES_MAX

IDLE_S: Final = 60.0
"""How long a connection may stay open without beginning a request."""

REQUEST_S: Final = 20.0
"""How long a request, head and body, may take from its first byte to its last."""

HEAD_BYTES_MAX: Final = 32 * 1024
"""Bytes in the head of a request, its first line not counted (8 KB at most)."""

HEADERS_MAX: Final = 64
"""Lines in the head of a request."""

LONG_BODY_PATH: Final = "/v1/transactions/batch"
"""The one path whose body may have `BATCH_BYTES_MAX`; everywhere else it is a transaction's."""

LINGER_S: Final = 1.0
"""How long an early answer waits for a client that is still sending, so that it can be read."""


class Server(WSGIServer):
    """The server of one process on a listener that several share."""

    def __init__(self, listener: socket.socket, application: Any, **options: Any) -> None:
        super().__init__(listener, application, log=None, handler_class=_Conversation, **options)
        self.answering = 0  # requests that were read and not yet answered

    def finish(self, seconds: float) -> None:
        """Take no more connections, answer what was begun within so long, hang up on the rest."""
        self.close()
        with _patience(seconds):
            while self.answering:
                gevent.sleep(0.01)
        self.stop(timeout=0)


class _Early(Exception):
    """An answer that the app is not asked for; the connection ends with it."""

    def __init__(self, status: str, code: str, detail: str) -> None:
        super().__init__(detail)
        number, _, title = status.partition(" ")
        body = (
            f'{{"type":"urn:tenge-sandbox:problem:{code}","title":"{title}","status":{number},'
            f'"code":"{code}","detail":"{detail}","retryable":false}}'
        ).encode()
        self.answer: Final = (
            f"HTTP/1.1 {status}\r\nContent-Type: application/problem+json\r\n"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        ).encode() + body


_BAD_HEAD: Final = ("400 Bad Request", "request.malformed")


_Base: Any = WSGIHandler  # its stubs know other types than it has


class _Conversation(_Base):  # type: ignore[misc]
    """One connection."""

    _deadline: gevent.Timeout | None = None

    def MessageClass(self, rfile: Any, *_: Any) -> _Head:
        return _Head(rfile)

    def handle(self) -> None:
        try:
            super().handle()
        except gevent.Timeout:
            self._close()

    def handle_one_request(self) -> Any:
        try:
            return super().handle_one_request()
        except _Early as early:
            return self._answer_early(early)
        finally:
            self._in_time()

    def read_requestline(self) -> str:
        self._deadline = None
        with suppress(OSError):  # nobody there any more, or idle for too long
            self.socket.settimeout(IDLE_S)
            if not self.rfile.peek(1):
                return ""
            self.socket.settimeout(None)
            self._deadline = gevent.Timeout.start_new(REQUEST_S)
            return str(super().read_requestline())
        return ""

    def handle_one_response(self) -> None:
        self.server.answering += 1
        try:
            super().handle_one_response()
        finally:
            self.server.answering -= 1

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        body = self._body(environ)
        self._in_time()
        environ["CONTENT_LENGTH"] = str(len(body))
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        whole = _Body(body)
        environ["wsgi.input"], self.wsgi_input = whole, whole
        return environ

    def _in_time(self) -> None:
        """The request is there: its deadline is met."""
        if self._deadline is not None:
            self._deadline.close()
            self._deadline = None

    def _body(self, environ: dict[str, Any]) -> bytes:
        stream: Any = self.wsgi_input
        most = (
            BATCH_BYTES_MAX
            if environ["PATH_INFO"] == LONG_BODY_PATH
            else TRANSACTION_BYTES_MAX + 1024
        )
        if (self.content_length or 0) <= most:
            try:
                body: bytes = stream.read(most + 1)
            except OSError as error:  # it went away, or its chunks cannot be read
                raise _Early(*_BAD_HEAD, "the body ended early or its chunks are broken") from error
            if len(body) <= most:
                return body
        raise _Early("413 Content Too Large", "body.size", f"a body here has at most {most} bytes")

    def _headers(self) -> Iterator[tuple[str, str]]:
        for name, value in self.headers.lines:
            if name not in ("content-type", "content-length") and "_" not in name:
                yield "HTTP_" + name.replace("-", "_").upper(), value

    def _handle_client_error(self, ex: BaseException) -> Any:
        if isinstance(ex, _Early):
            return self._answer_early(ex)
        return self._answer_early(_Early(*_BAD_HEAD, "the head of the request cannot be read"))

    def _sendall(self, data: bytes) -> None:
        """Send at once what fits, which is nearly always all of it."""
        sent = self.socket.send(data)
        if sent < len(data):
            self.socket.sendall(data[sent:])
        self.response_length += len(data)

    def log_request(self) -> None:
        """Nothing is logged of a request, so nothing is made up for it."""

    def _write_with_headers(self, data: bytes) -> None:
        """Head and first piece of the body in one write."""
        self.headers_sent = True
        self.finalize_headers()
        lines = [b"HTTP/1.1 " + self.status]
        lines += [name + b": " + value for name, value in self.response_headers]
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        if self.response_use_chunked:
            self._sendall(head)
            self._write(data)
        else:
            self._sendall(head + data)

    def _answer_early(self, early: _Early) -> None:
        """Send the answer, then read on for a moment: closing upon unread bytes resets the
        connection, and the client would never see why."""
        self.close_connection = True
        with suppress(OSError), _patience(LINGER_S):
            self.socket.sendall(early.answer)
            self.socket.shutdown(socket.SHUT_WR)
            while self.socket.recv(65_536):
                pass

    def _close(self) -> None:
        with suppress(OSError, AttributeError):
            self.socket.close()


def _patience(seconds: float) -> gevent.Timeout:
    """A deadline that ends its block and says nothing."""
    return gevent.Timeout(seconds, False)  # type: ignore[arg-type]


class _Body(BytesIO):
    """A body that was read whole."""

    def _discard(self) -> None:
        """Nothing is left of it on the connection."""


_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_ONCE = frozenset({"host", "content-length", "transfer-encoding", "content-type", "authorization"})


class _Head:
    """The header lines of one request, as pywsgi asks for them. Raises _Early on what is not plain.

    Strict where smuggling lives: no folded lines, no space before the colon, one Content-Length or
    one `Transfer-Encoding: chunked` and never both.
    """

    status = ""

    def __init__(self, rfile: Any) -> None:
        self.lines: list[tuple[str, str]] = []
        self._values: dict[str, str] = {}
        left = HEAD_BYTES_MAX
        while True:
            raw: bytes = rfile.readline(left + 1)
            left -= len(raw)
            if left < 0 or len(self.lines) > HEADERS_MAX:
                raise _Early(
                    "431 Request Header Fields Too Large", "request.malformed",
                    f"a head has at most {HEADERS_MAX} lines and {HEAD_BYTES_MAX} bytes",
                )  # fmt: skip
            if raw in (b"\r\n", b"\n"):
                break
            self._add(raw)
        length, coding = self._values.get("content-length"), self._values.get("transfer-encoding")
        if length is not None and (
            coding is not None or not length.isascii() or not length.isdigit()
        ):
            raise _Early(*_BAD_HEAD, "say once how long the body is")
        if coding is not None and coding.lower() != "chunked":
            raise _Early(*_BAD_HEAD, "the only transfer encoding read here is chunked")

    def _add(self, raw: bytes) -> None:
        if not raw.endswith(b"\n"):
            raise _Early(*_BAD_HEAD, "the head of the request ended early")
        name, colon, value = raw.decode("latin-1").partition(":")
        name, value = name.lower(), value.strip(" \t\r\n")
        if not colon or _NAME.fullmatch(name) is None or "\r" in value or "\0" in value:
            raise _Early(*_BAD_HEAD, "a line of the head is not of the form Name: value")
        if name in self._values:
            if name in _ONCE:
                raise _Early(*_BAD_HEAD, f"send the header {name} once")
        else:
            self._values[name] = value
        self.lines.append((name, value))

    def get(self, name: str, default: str | None = None) -> str | None:
        """The first value under a name."""
        return self._values.get(name.lower(), default)

    getheader = get

    @property
    def typeheader(self) -> str | None:
        """Content-Type."""
        return self._values.get("content-type")

    def __delitem__(self, name: str) -> None:
        del self._values[name]
