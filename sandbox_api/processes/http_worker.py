"""One HTTP front end: gevent's WSGI server on a listener of its own, or waitress (decision 4).

It serves the API (`sandbox_api.app`) and, at the same origin, the pages that are registered under
the entry point group `tenge.pages`: this package never imports a shop. What a client may keep open
is bounded here and in `sandbox_api.processes.wsgi`; `sandbox_api.limits` is the app's.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import warnings
from collections.abc import Callable, Iterable
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any, Final

from sandbox_api.config import Config
from sandbox_api.limits import BATCH_BYTES_MAX

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PAGES_GROUP: Final = "tenge.pages"
"""Entry points of this group name functions: `Config` to a WSGI application that serves pages."""

CONNECTIONS_MAX: Final = 2_000
"""Open connections, a process; further ones wait to be accepted."""

HEAD_BYTES_MAX: Final = 32 * 1024
"""Bytes in the head of a request under waitress."""

WAITRESS_S: Final = 60
"""How long a connection may say nothing under waitress."""

FINISH_S: Final = 2.0
"""How long begun requests may take once the process is asked to end."""


def main(config: Config, listener: socket.socket, say: Callable[[str, str], None]) -> None:
    """Serve HTTP until SIGTERM."""
    if sys.platform == "win32":
        _serve_waitress(config, listener, say)
    else:
        _serve_gevent(config, listener, say)


def application(config: Config) -> WSGIApplication:
    """The API, with the pages behind it: what the API has no path for, pages may have."""
    from sandbox_api.app import create_app
    from sandbox_api.processes.doors import open_parts
    from sandbox_api.records import Sweeping

    parts = open_parts(config)
    Sweeping(parts.tenants.records, parts.door.time).start()
    api: WSGIApplication = create_app(parts)
    pages = [point.load()(config) for point in entry_points(group=PAGES_GROUP)]
    return _Mounted(api, pages[0]) if pages else api


class _Mounted:
    """Two applications at one origin, told apart by the first part of the path."""

    API: Final = ("/v1/", "/docs", "/openapi.json", "/static/", "/healthz")

    def __init__(self, api: WSGIApplication, pages: WSGIApplication) -> None:
        self._api: Final = api
        self._pages: Final = pages

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        to = self._api if path.startswith(self.API) or path == "/v1" else self._pages
        return to(environ, start)


def _serve_gevent(config: Config, listener: socket.socket, say: Callable[[str, str], None]) -> None:
    from gevent import monkey

    with warnings.catch_warnings():
        # The process was forked from loaded memory, so `ssl` was imported before; no front end
        # speaks TLS, and `ssl` is left as it is.
        warnings.simplefilter("ignore", monkey.MonkeyPatchWarning)
        monkey.patch_all(ssl=False, subprocess=False, signal=False)
    import gevent
    from gevent.event import Event
    from gevent.pool import Pool

    from sandbox_api.processes.wsgi import Server

    _allow_open_files()
    server = Server(listener, application(config), spawn=Pool(CONNECTIONS_MAX))
    # Where processes share a listener (ports.py), one that takes a hundred starves the others.
    server.max_accept = 1
    ended = Event()
    gevent.signal_handler(signal.SIGTERM, ended.set)
    server.start()
    say("ready", "")
    ended.wait()
    server.finish(FINISH_S)


def _allow_open_files() -> None:
    """A connection is a descriptor: ask for as many as the system lets us have."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = CONNECTIONS_MAX + 256
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard), hard))


def _serve_waitress(
    config: Config, listener: socket.socket, say: Callable[[str, str], None]
) -> None:
    import waitress  # type: ignore[import-untyped]

    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    server: Any = waitress.create_server(
        application(config),
        sockets=[listener],
        threads=8,
        connection_limit=CONNECTIONS_MAX,
        channel_timeout=WAITRESS_S,
        max_request_header_size=HEAD_BYTES_MAX,
        max_request_body_size=BATCH_BYTES_MAX,
        ident=None,
    )
    say("ready", "")
    server.run()
