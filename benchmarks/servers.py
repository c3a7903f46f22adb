"""What decision 0004 measured: WSGI servers under load and against half-sent requests.

Needs `wrk` on the path, and gunicorn, granian and waitress beside what the sandbox itself needs:
`pip install gunicorn granian waitress && python benchmarks/servers.py [rounds]`. Every server runs
one bare Flask route in two processes. Figures are of this machine and this minute.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

APP = """
from flask import Flask, Response, request
app = Flask(__name__)
@app.post("/echo")
def echo():
    return Response(b'{"size": %d}' % len(request.get_data()), 201, mimetype="application/json")
"""
PYWSGI = """
import gevent.monkey; gevent.monkey.patch_all()
import os, socket, sys
import gevent
from gevent.pywsgi import WSGIServer
from app import app
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
os.fork()
gevent.reinit()
WSGIServer(listener, app, log=None).serve_forever()
"""
WAITRESS = """
import os, socket, sys
import waitress
from app import app
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=1024)
os.fork()
waitress.serve(app, sockets=[listener], threads=8, connection_limit=4000, asyncore_use_poll=True)
"""
WRK = """
wrk.method = "POST"
wrk.body = string.rep("a", 700)
wrk.headers["Content-Type"] = "application/jose"
wrk.headers["Authorization"] = "Bearer tpk_0123456789012345678901"
"""
HEAD = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 700\r\n"
HALF = {"heads": HEAD, "bodies": HEAD + b"\r\nhalf a body"}
HONEST = b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc"

COMMANDS: dict[str, Callable[[int], list[str]]] = {
    "gevent.pywsgi": lambda port: ["pywsgi.py", str(port)],
    "gunicorn gevent": lambda port: [
        *("-m", "gunicorn", "-k", "gevent", "-w", "2", "--log-level", "error"),
        *("-b", f"127.0.0.1:{port}", "app:app"),
    ],
    "granian": lambda port: [
        *("-m", "granian", "--interface", "wsgi", "--workers", "2", "--log-level", "error"),
        *("--no-access-log", "--host", "127.0.0.1", "--port", str(port), "app:app"),
    ],
    "waitress": lambda port: ["wait.py", str(port)],
}


def main(rounds: int) -> None:
    """Print one line a server and round; the first round also tries half-sent requests."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in {
            "app.py": APP, "pywsgi.py": PYWSGI, "wait.py": WAITRESS, "post.lua": WRK
        }.items():  # fmt: skip
            (folder / file).write_text(text)
        for round_ in range(rounds):
            for server, command in COMMANDS.items():
                measure(server, command, folder, slow_clients=round_ == 0)


def measure(
    server: str, command: Callable[[int], list[str]], folder: Path, *, slow_clients: bool
) -> None:
    """Start one server, load it, end it and what it started."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, *command(port)], cwd=folder, start_new_session=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(port)
        wrk(port, 8, 1, folder)
        print(
            server, "| 32:", wrk(port, 32, 4, folder), "| 1:", wrk(port, 1, 2, folder), flush=True
        )
        print(f"  PSS {sum(map(pss_kib, tree(process.pid))) // 1024} MB", flush=True)
        for what in HALF if slow_clients else ():
            for count in (20, 500):
                print(f"  {count} half {what}: {beside_slow(port, count, HALF[what])}", flush=True)
    finally:
        for pid in reversed(tree(process.pid)):
            os.kill(pid, signal.SIGKILL)
        process.wait()


def wrk(port: int, connections: int, seconds: int, folder: Path) -> str:
    """Requests a second and latencies as wrk tells them."""
    args = ["-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", "post.lua"]
    out = subprocess.run(
        ["wrk", *args, f"http://127.0.0.1:{port}/echo"],
        capture_output=True, text=True, cwd=folder, check=True,
    ).stdout  # fmt: skip
    found = re.findall(
        r"(?:Requests/sec:|50%(?= +[0-9])|99%|Non-2xx.*:|Socket errors:)\s+\S.*", out
    )
    return ", ".join(" ".join(item.split()) for item in found)


def beside_slow(port: int, count: int, half: bytes) -> str:
    """What an honest client sees while `count` half-sent requests stay open."""
    slow = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(count)]
    for connection in slow:
        connection.sendall(half)
    time.sleep(0.5)
    took: list[float] = []
    for _ in range(60):
        before = time.perf_counter()
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as honest:
                honest.sendall(HONEST)
                served = b" 201 " in honest.recv(200)
        except OSError:
            served = False
        if not served:
            return "the honest client was not served in 5 s"
        took.append((time.perf_counter() - before) * 1000)
    for connection in slow:
        connection.close()
    return f"honest p50 {sorted(took)[30]:.1f} ms, slowest {max(took):.1f} ms"


def free_port() -> int:
    """A port that was free."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def wait_for(port: int) -> None:
    """Return when something listens."""
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return


def tree(pid: int) -> list[int]:
    """A process and all below it."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(below for child in children for below in tree(int(child)))]


def pss_kib(pid: int) -> int:
    """Proportional set size of a process."""
    found = re.search(r"Pss:\s+(\d+)", Path(f"/proc/{pid}/smaps_rollup").read_text())
    return int(found[1]) if found else 0


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
