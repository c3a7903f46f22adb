"""The listening sockets: bound by the supervisor before any child starts, so that a taken port is
one sentence at once, port 0 works, and a replaced child finds its port still open.
"""

from __future__ import annotations

import errno
import ipaddress
import socket
import sys
from dataclasses import dataclass
from typing import Final

from sandbox_api.config import CannotRun

BACKLOG: Final = 1024
"""Connections that wait to be accepted, a socket."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The listeners of one node, bound to one host: one for each HTTP worker, stream, submit."""

    http: tuple[socket.socket, ...]
    stream: socket.socket
    submit: socket.socket

    def all(self) -> tuple[socket.socket, ...]:
        """Every listener."""
        return (*self.http, self.stream, self.submit)

    def close(self) -> None:
        """Let go of all of them in this process."""
        for listener in self.all():
            listener.close()


def bind(host: str, port: int, workers: int) -> Ports:
    """Bind `port` for HTTP and the next two for stream and submit; raises CannotRun.

    0 means any free ports. Only the first is asked for by name, so a neighbour that is taken gives
    way to a free port: `GET /v1/sandbox` and the banner tell which.
    """
    http = _listen_for_each(host, port, workers)
    try:
        return Ports(http, _near(host, port, 1), _near(host, port, 2))
    except BaseException:
        for listener in http:
            listener.close()
        raise


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach `host`."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def port_of(listener: socket.socket) -> int:
    """The port that a listener got."""
    port: int = listener.getsockname()[1]
    return port


def _listen_for_each(host: str, port: int, workers: int) -> tuple[socket.socket, ...]:
    """A listener for each worker on one port, among which Linux spreads connections; on one shared
    listener they pile up: of 32 opened at once, all went to one of two workers in 8 of 15 tries.

    The port is taken alone first, so that a second sandbox is refused it and not let in beside.
    """
    alone = _listen(host, port)
    if workers == 1 or sys.platform != "linux":
        return (alone,) * workers
    got = port_of(alone)
    alone.close()
    return tuple(_listen(host, got, beside=True) for _ in range(workers))


def _near(host: str, port: int, step: int) -> socket.socket:
    if 0 < port <= 65_535 - step:
        try:
            return _listen(host, port + step)
        except CannotRun:
            pass
    return _listen(host, 0)


def _listen(host: str, port: int, *, beside: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server(
            (host, port), family=family, backlog=BACKLOG, reuse_port=beside
        )
    except (OSError, OverflowError) as error:
        raise CannotRun(_why(host, port, error)) from None
    # Where several processes wait on one listener, whoever comes second must not wait in accept.
    listener.setblocking(False)
    # Accepted sockets inherit it; without it an answer waits 44 ms for a delayed ACK (decision 4).
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _why(host: str, port: int, error: Exception) -> str:
    code = error.errno if isinstance(error, OSError) else None
    if code == errno.EADDRINUSE:
        return f"Port {port} on {host} is taken by another program: choose another with --port."
    if code == errno.EACCES:
        return f"Port {port} needs special rights: choose one above 1023 with --port."
    if isinstance(error, OverflowError):
        return f"{port} is no port: choose one from 1 to 65535, or 0 for a free one, with --port."
    return f"{host} is no address of this machine: choose another with --host."
