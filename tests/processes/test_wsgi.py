"""The deadlines of the HTTP server, with short ones, and a bare application behind it."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest

SERVER = """
import gevent.monkey; gevent.monkey.patch_all()
import socket, sys
import gevent, signal
from sandbox_api.processes import wsgi
wsgi.IDLE_S, wsgi.REQUEST_S = 1.0, 0.6
def app(environ, start):
    body = environ["wsgi.input"].read()
    if environ["PATH_INFO"] == "/slow":
        gevent.sleep(0.5)
    if environ["PATH_INFO"] == "/large":
        start("200 OK", [("Content-Length", "8000000")]); return [b"x" * 8_000_000]
    start("200 OK", [("Content-Length", str(len(body)))]); return [body]
listener = socket.create_server(("127.0.0.1", 0)); listener.setblocking(False)
server = wsgi.Server(listener, app)
gevent.signal_handler(signal.SIGTERM, lambda: gevent.spawn(server.finish, 2.0))
print(listener.getsockname()[1], flush=True)
server.serve_forever()
"""


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    process = subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE)
    assert process.stdout is not None
    yield int(process.stdout.readline())
    process.terminate()
    process.communicate(timeout=5)
    assert process.returncode == 0


def closed_after(link: socket.socket) -> float:
    """Seconds until the server hangs up; it says nothing first."""
    begun = time.monotonic()
    link.settimeout(5)
    with suppress(ConnectionResetError):
        assert link.recv(100) == b""
    return time.monotonic() - begun


@pytest.mark.parametrize(
    ("sent", "low", "high"),
    [
        pytest.param(b"", 0.9, 2.0, id="nothing, until idle for too long"),
        pytest.param(b"GET / HT", 0.5, 1.5, id="half a request line"),
        pytest.param(b"GET / HTTP/1.1\r\nHost: x\r\n", 0.5, 1.5, id="half a head"),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf",
            0.5,
            1.5,
            id="half a body",
        ),
        pytest.param(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nha",
            0.5,
            1.5,
            id="half a chunk",
        ),
    ],
)
def test_who_is_too_slow_is_closed_upon(port: int, sent: bytes, low: float, high: float) -> None:
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.sendall(sent)

        assert low < closed_after(link) < high


def test_a_trickle_does_not_keep_a_request_alive(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as link:
        link.settimeout(0.05)
        begun = time.monotonic()

        while _takes_one_more_byte(link):
            assert time.monotonic() - begun < 2


def _takes_one_more_byte(link: socket.socket) -> bool:
    try:
        link.sendall(b"X")
        return link.recv(1) != b""
    except TimeoutError:
        return True
    except OSError:
        return False


def test_an_answer_may_take_longer_than_a_request(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        for _ in range(3):
            link.sendall(b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok")
            answer = link.recv(1000)

            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
            assert answer.endswith(b"\r\n\r\nok")


def test_a_client_that_asks_first_is_told_to_go_on(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n"
        )
        assert link.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        link.sendall(b"ok")

        assert link.recv(1000).endswith(b"\r\n\r\nok")


def test_a_long_answer_arrives_whole(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.sendall(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        received = 0
        while piece := link.recv(1 << 20):
            received += len(piece)

    assert received > 8_000_000


def test_chunks_reach_the_application_as_one_body(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as link:
        link.sendall(
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
        )

        assert link.recv(1000).endswith(b"\r\n\r\nabcde")
