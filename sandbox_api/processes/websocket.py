"""What the two WebSocket processes share: who may open a connection, its first message, its end.

A connection is opened by a name that this server has, from our own pages or from no page at all
(design D12), says its API key in its first message and never in a URL, and is told why it ends: a
`{"problem": …}` message, then the close.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import msgspec
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response

from ledger.errors import LedgerError
from sandbox_api.config import Config
from sandbox_api.problems import Problem, problem_of, problem_of_error

T = TypeVar("T")

CONNECTIONS_MAX: Final = 1_000
"""Open connections, a process."""

FIRST_S: Final = 10.0
"""How long a connection may take to say its key."""

STALL_S: Final = 20.0
"""How long one message may wait for a reader to take it."""

FINISH_S: Final = 1.5
"""How long connections may take to end once the process is asked to."""

CLOSE_POLICY: Final = 1008
CLOSE_LATER: Final = 1013
"""WebSocket close codes (RFC 6455, IANA): against the rules; try again later."""

_encode = msgspec.json.Encoder().encode


class Ended(Exception):
    """Ends a connection with a problem that its client is told."""

    def __init__(self, problem: Problem, lang: str = "en", close: int = CLOSE_POLICY) -> None:
        super().__init__(str(problem))
        self.problem: Final = problem
        self.lang: Final = lang
        self.close: Final = close


async def run(
    config: Config,
    listener: socket.socket,
    path: str,
    talk: Callable[[ServerConnection], Awaitable[None]],
    say: Callable[[str, str], None],
    *,
    message_bytes_max: int,
    messages_queued_max: int = 16,
) -> None:
    """Serve connections at `path` with `talk` until SIGTERM."""
    logging.getLogger("websockets").setLevel(logging.CRITICAL)  # clients come and go
    doorman = _Doorman(config, path)

    async def handle(connection: ServerConnection) -> None:
        try:
            await talk(connection)
        except Ended as ended:
            await _tell(connection, ended)
        except LedgerError as error:
            await _tell(connection, Ended(problem_of_error(error), close=CLOSE_LATER))
        except ConnectionClosed:
            pass

    server = await serve(
        handle,
        sock=listener,
        process_request=doorman.check,
        compression=None,
        max_size=message_bytes_max,
        max_queue=messages_queued_max,
        open_timeout=FIRST_S,
        ping_interval=20,
        ping_timeout=20,
        close_timeout=1,
        server_header=None,
    )
    doorman.server = server
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    say("ready", "")
    await ended.wait()
    server.close(close_connections=True)
    with suppress(TimeoutError):
        await asyncio.wait_for(server.wait_closed(), FINISH_S)


async def first_message(connection: ServerConnection, type_: type[T]) -> T:
    """The message that opens the talk; raises Ended where it is late or of another form."""
    try:
        raw = await asyncio.wait_for(connection.recv(decode=False), FIRST_S)
    except TimeoutError:
        raise Ended(Problem("auth.missing", f"say your API key within {FIRST_S:.0f} s")) from None
    return read_message(raw, type_)


def read_message(raw: bytes | str, type_: type[T]) -> T:
    """A message as JSON of a type; raises Ended where it is not."""
    try:
        return msgspec.json.decode(raw, type=type_)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Ended(Problem("request.malformed", f"a message cannot be read: {error}")) from None


async def send(connection: ServerConnection, message: bytes) -> None:
    """Send one message as text; raises Ended where its reader does not take it."""
    try:
        async with asyncio.timeout(STALL_S):
            await connection.send(message, text=True)
    except TimeoutError:
        raise Ended(
            Problem("overloaded", "messages were not taken in time"), close=CLOSE_LATER
        ) from None


async def send_all(connection: ServerConnection, messages: Sequence[bytes]) -> None:
    """Send messages in order, in one write but for the last, which waits as `send` does."""
    if len(messages) > 1:
        frames = [Frame(Opcode.TEXT, message).serialize(mask=False) for message in messages[:-1]]
        connection.transport.write(b"".join(frames))
    await send(connection, messages[-1])


def encoded(value: Any) -> bytes:
    """A value as one JSON message."""
    return _encode(value)


async def _tell(connection: ServerConnection, ended: Ended) -> None:
    """Say why, then close; whoever does not listen is closed upon."""
    problem = ended.problem
    body = problem_of(problem.code, problem.detail, ended.lang, where=problem.where)
    try:
        async with asyncio.timeout(1.0):
            await connection.send(_encode({"problem": body}), text=True)
            await connection.close(ended.close, problem.code)
    except (TimeoutError, ConnectionClosed):
        connection.transport.abort()


class _Doorman:
    """Answers an opening handshake with a refusal, or lets it pass."""

    def __init__(self, config: Config, path: str) -> None:
        self._path: Final = path
        self._hosts: Final = config.hosts
        self._origins: Final = {f"http://{host}:{config.port}" for host in config.hosts}
        self.server: Server | None = None

    def check(self, connection: ServerConnection, request: Request) -> Response | None:
        """None to go on."""
        if request.path.partition("?")[0] != self._path:
            return connection.respond(HTTPStatus.NOT_FOUND, f"Connect to {self._path}\n")
        if _name(request.headers.get("Host", "")) not in self._hosts:
            return connection.respond(HTTPStatus.MISDIRECTED_REQUEST, "Not a name of mine.\n")
        origin = request.headers.get("Origin")
        if origin is not None and origin.lower() not in self._origins:
            return connection.respond(HTTPStatus.FORBIDDEN, "Pages of other sites may not.\n")
        if self.server is not None and len(self.server.connections) >= CONNECTIONS_MAX:
            return connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, "Too many connections.\n")
        return None


def _name(host: str) -> str:
    """The name in a Host header, brackets of IPv6 kept."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
    return f"[{name}]" if ":" in name else name
