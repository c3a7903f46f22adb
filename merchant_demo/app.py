"""The pages of the demonstration as a Flask application: shells that browser modules fill.

A shell carries no money, no names and no words but the title: what a page shows comes from the API
and from the catalogue (`/static/i18n/<lang>.json`), both of which the sandbox serves on the same
origin, as it does `/static/client` and `/static/vendor`. Pages run under a strict
Content-Security-Policy and load nothing from any other origin.
"""

from __future__ import annotations

import base64
import hashlib
import json
import mimetypes
from typing import Final, Protocol
from urllib.parse import urlsplit

from flask import Flask, Response, abort, render_template, request

LANGUAGES: Final = ("kk", "ru", "en")
"""Languages of the pages; the first where a browser asks for none of them."""

TILLS: Final = ("market", "cafe")
"""The tills the demo bank certifies: a supermarket in Almaty, a café in the Alatau zone."""

IMPORT_MAP: Final = json.dumps(
    {
        "imports": {
            "preact": "/static/vendor/preact/preact.js",
            "preact/hooks": "/static/vendor/preact/hooks.js",
            "htm": "/static/vendor/htm/htm.js",
        }
    }
)
"""Where the bare names in vendored modules lead; the policy admits this one inline script."""

ID_CHARACTERS: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
"""Letters of a payment request's id (base64url)."""


class Sandbox(Protocol):
    """What the pages must know of their sandbox, which serves its API at the same origin."""

    @property
    def publishable_key(self) -> str:
        """A `tpk_…` key; whoever opens a page can read it."""

    @property
    def stream_url(self) -> str:
        """WebSocket of the events; browsers put their page's host for a loopback one."""


def create_app(sandbox: Sandbox) -> Flask:
    """The demonstration's WSGI application: `/`, `/till/<name>`, `/wallet`, `/wallet/send`,
    `/wallet/offline` with the worker that keeps it, `/p/<id>`, `/demo/*`.

    Its own files stand under `/demo`, so that `/static` stays the sandbox's.
    """
    mimetypes.add_type("text/javascript", ".js")  # Windows takes this from its registry
    app = Flask(__name__, static_url_path="/demo", static_folder="static")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True

    def shell(page: str, script: str, style: str = "", **facts: str) -> str:
        known = {
            "page": page,
            "key": sandbox.publishable_key,
            "stream": sandbox.stream_url,
            "languages": LANGUAGES,
            **facts,
        }
        lang = request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]
        return render_template(
            "shell.html", config=json.dumps(known), lang=lang, script=script, style=style,
            imports=IMPORT_MAP,
        )  # fmt: skip

    @app.get("/")
    def start() -> str:
        return shell("start", "start.js")

    @app.get("/till/<name>")
    def till(name: str) -> str:
        if name not in TILLS:
            abort(404)
        return shell("till", "till.js", till=name)

    @app.get("/wallet")
    def wallet() -> str:
        return shell("wallet", "wallet.js")

    @app.get("/wallet/send")
    def send() -> str:
        return shell("send", "people.js")

    @app.get("/wallet/offline")
    def offline() -> str:
        return shell("offline", "offline.js", style="offline.css")

    @app.get("/wallet/offline.worker.js")
    def worker() -> Response:
        return app.send_static_file("offline.worker.js")  # a worker may keep what its path covers

    @app.get("/p/<id>")
    def pay(id: str) -> str:
        if len(id) != 22 or not ID_CHARACTERS.issuperset(id):
            abort(404)
        return shell("pay", "paying.js", request=id)

    @app.errorhandler(404)
    def nothing(error: Exception) -> tuple[str, int]:
        return shell("lost", "lost.js"), 404

    @app.after_request
    def guard(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = _policy(sandbox.stream_url)
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        if response.mimetype == "text/html":
            response.headers["Cache-Control"] = "no-store"
        return response

    return app


def _policy(stream_url: str) -> str:
    """The Content-Security-Policy of every page, for the host it is opened under."""
    stream = urlsplit(stream_url)
    host = urlsplit(request.host_url).hostname or "127.0.0.1"
    if ":" in host:
        host = f"[{host}]"
    names = {host, stream.hostname}
    streams = {f"{scheme}://{name}:{stream.port}" for scheme in ("ws", "wss") for name in names}
    digest = base64.b64encode(hashlib.sha256(IMPORT_MAP.encode()).digest()).decode()
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src 'self' 'sha256-{digest}'",
            "style-src 'self'",
            "img-src 'self'",
            f"connect-src 'self' {' '.join(sorted(streams))}",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )
