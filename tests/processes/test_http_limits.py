"""What a client may do to the HTTP server: slow, half, huge and ambiguous requests (S4, S8)."""

from __future__ import annotations

import socket
import time
from contextlib import ExitStack
from pathlib import Path

import psutil
import pytest

from tests.processes.running import Running

HONEST = 60
HONEST_P99_S = 0.5


def connect(sandbox: Running) -> socket.socket:
    port = int(sandbox.facts["url"].rpartition(":")[2])
    return socket.create_connection(("127.0.0.1", port), timeout=10)


def exchange(sandbox: Running, request: bytes) -> bytes:
    """Send bytes, read until the server hangs up."""
    with connect(sandbox) as link:
        link.sendall(request)
        answer = b""
        while received := link.recv(65_536):
            answer += received
        return answer


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


def get(sandbox: Running, *lines: str, path: str = "/v1/zones") -> bytes:
    key = sandbox.facts["publishable_key"]
    head = [f"GET {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {key}", *lines]
    return ("\r\n".join(head) + "\r\n\r\n").encode()


# S4: resource use ----------------------------------------------------------------------------


@pytest.mark.parametrize("count", [20, 500])
@pytest.mark.parametrize(
    "half",
    [
        pytest.param(b"POST /v1/transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nX-", id="heads"),
        pytest.param(
            b"POST /v1/transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 700\r\n"
            b"Content-Type: application/jose\r\n\r\nhalf",
            id="bodies",
        ),
    ],
)
def test_half_sent_requests_do_not_starve_an_honest_client(
    sandbox: Running, count: int, half: bytes
) -> None:
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(connect(sandbox)).sendall(half)

        took = sorted(_honest(sandbox) for _ in range(HONEST))

    print(f"{count} half-sent: p50 {took[HONEST // 2] * 1000:.1f} ms, p99 {took[-1] * 1000:.1f} ms")
    assert took[-1] < HONEST_P99_S


def test_two_thousand_open_connections_do_not_starve_an_honest_client(sandbox: Running) -> None:
    with ExitStack() as stack:
        for _ in range(2000):
            stack.enter_context(connect(sandbox))

        took = sorted(_honest(sandbox) for _ in range(HONEST))

    assert took[-1] < HONEST_P99_S


def _honest(sandbox: Running) -> float:
    before = time.perf_counter()
    answer = exchange(sandbox, get(sandbox, "Connection: close"))
    assert status(answer) == 200
    return time.perf_counter() - before


@pytest.mark.parametrize(
    ("path", "length", "limit"),
    [
        pytest.param("/v1/transactions", 10**9, 413, id="a gigabyte announced"),
        pytest.param("/v1/transactions", 60_000, 413, id="just over one transaction"),
        pytest.param("/v1/transactions/batch", 9 * 2**20, 413, id="just over one batch"),
    ],
)
def test_a_body_that_is_announced_too_long_is_refused_unread(
    sandbox: Running, path: str, length: int, limit: int
) -> None:
    before = time.perf_counter()
    answer = exchange(
        sandbox, f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n".encode()
    )

    assert status(answer) == limit
    assert b"application/problem+json" in answer
    assert b'"code":"body.size"' in answer
    assert time.perf_counter() - before < 2


def test_chunks_are_bounded_like_any_body(sandbox: Running) -> None:
    with connect(sandbox) as link:
        link.sendall(
            b"POST /v1/transactions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        chunk = b"8000\r\n" + b"a" * 0x8000 + b"\r\n"
        link.sendall(chunk * 4)

        assert link.recv(20).startswith(b"HTTP/1.1 413 ")


def test_a_compressed_body_is_not_unpacked(sandbox: Running) -> None:
    key = sandbox.facts["publishable_key"]
    answer = exchange(
        sandbox,
        f"POST /v1/transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {key}\r\n"
        "Content-Type: application/jose\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n"
        "Connection: close\r\n\r\nzzzz".encode(),
    )

    assert status(answer) == 415


# Heads that two servers could read in two ways -------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        pytest.param(["Content-Length: 0", "Content-Length: 5"], 400, id="two lengths"),
        pytest.param(
            ["Content-Length: 5", "Transfer-Encoding: chunked"], 400, id="length and chunks"
        ),
        pytest.param(["Transfer-Encoding: gzip, chunked"], 400, id="another coding"),
        pytest.param(["Content-Length: +5"], 400, id="a signed length"),
        pytest.param(["Content-Length: -1"], 400, id="a negative length"),
        pytest.param(["X : y"], 400, id="a space before the colon"),
        pytest.param([" folded"], 400, id="a folded line"),
        pytest.param(["no colon"], 400, id="a line without colon"),
        pytest.param(["X: a\0b"], 400, id="NUL in a value"),
        pytest.param(["Host: other"], 400, id="two hosts"),
        pytest.param(["X: " + "y" * 40_000], 431, id="a line of 40 KB"),
        pytest.param(["X: " + "y" * 1_000] * 50, 431, id="50 KB in all"),
        pytest.param([f"X{n}: y" for n in range(100)], 431, id="a hundred lines"),
        pytest.param(["X-Some: thing", "X-Some: thing"], 200, id="repeated and harmless"),
    ],
)
def test_heads_are_read_strictly(sandbox: Running, lines: list[str], expected: int) -> None:
    answer = exchange(sandbox, get(sandbox, *lines, "Connection: close"))

    assert status(answer) == expected
    if expected != 200:
        assert b"application/problem+json" in answer


@pytest.mark.parametrize(
    "first",
    [
        pytest.param(b"GET / HTTP/3.0\r\n\r\n", id="another version"),
        pytest.param(b"NONSENSE\r\n\r\n", id="no request line"),
        pytest.param(b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", id="TLS on a plain port"),
        pytest.param(b"GET /" + b"a" * 10_000 + b" HTTP/1.1\r\n\r\n", id="an endless path"),
    ],
)
def test_what_is_no_request_is_answered_with_4xx_and_closed(sandbox: Running, first: bytes) -> None:
    answer = exchange(sandbox, first)

    assert 400 <= status(answer) < 500


def test_requests_may_be_pipelined_on_one_connection(sandbox: Running) -> None:
    answer = exchange(sandbox, get(sandbox) * 3 + get(sandbox, "Connection: close"))

    assert answer.count(b"HTTP/1.1 200 ") == 4


# S8: misconfiguration --------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/", "/v1/zones", "/v1/nothing", "/nothing", "/wallet"])
def test_answers_tell_browsers_to_be_careful_and_nothing_of_the_server(
    sandbox: Running, path: str
) -> None:
    head = exchange(sandbox, get(sandbox, "Connection: close", path=path)).partition(b"\r\n\r\n")[0]

    assert b"X-Content-Type-Options: nosniff" in head
    assert b"Content-Security-Policy: " in head
    assert b"Access-Control-Allow-Origin" not in head
    assert b"Server:" not in head
    assert b"gevent" not in head.lower()


def test_it_listens_on_loopback_alone(sandbox: Running) -> None:
    hosts = {
        connection.laddr.ip
        for pid in sandbox.children().values()
        for connection in psutil.Process(pid).net_connections("tcp")
        if connection.status == psutil.CONN_LISTEN
    }

    assert hosts == {"127.0.0.1"}


def test_local_sockets_and_files_are_their_owner_s_alone(tmp_path: Path) -> None:
    running = Running("--data", str(tmp_path / "data"))
    try:
        folder = tmp_path / "data"
        modes = {path.name: path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())}
    finally:
        running.end()

    assert modes["data"] == 0
    assert not [name for name, mode in modes.items() if mode and name != "world.json"]
