"""The HTTP application: one Flask app made from the table of routes (design D1, D6, D8, D12).

`create_app` wires parts to routes; every request walks the same way: name and origin, API key and
scope, path, query, body, a place among the requests in flight, the route, the answer. Whatever goes
wrong on that way becomes a problem (RFC 9457), whatever Flask itself refuses too: never HTML, never
a traceback. Bounds are in `limits`; deadlines for slow senders are the server's.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import flask
import msgspec
from flask import Flask, Request, Response
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from ledger.errors import LedgerError
from sandbox_api import openapi
from sandbox_api.auth import Doorkeeper, Keys, need
from sandbox_api.limits import IN_FLIGHT_MAX, LARGE_BODIES_MAX, TRANSACTION_BYTES_MAX, Gate
from sandbox_api.parking import Parking
from sandbox_api.parts import Parts
from sandbox_api.problems import (
    PROBLEM_JSON,
    Problem,
    ProblemBody,
    Refusal,
    problem_of,
    problem_of_error,
    problem_of_refusal,
)
from sandbox_api.requests import Call, Open, Reader, Reply, Route
from sandbox_api.routes.table import ROUTES

LANGUAGES: Final = ("en", "ru", "kk")
"""Languages of sentences; the first where nothing is asked for."""

API_VERSION: Final = "0.1.0"

SECURITY_HEADERS: Final = (
    ("X-Content-Type-Options", "nosniff"),
    ("X-Frame-Options", "DENY"),
    ("Referrer-Policy", "no-referrer"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    (
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
        " img-src 'self' data:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none';"
        " form-action 'none'",
    ),
)
"""On every answer. No CORS header is among them: pages of other sites may not read answers."""

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

_LENGTH_DIGITS_MAX: Final = 12
_METHODS: Final = {
    route.path: {one.method for one in ROUTES if one.path == route.path} for route in ROUTES
}
_NO_PATH: Final[Mapping[str, str]] = {}
_log = logging.getLogger("sandbox_api")
_encode = msgspec.json.Encoder().encode


def create_app(parts: Parts) -> Flask:
    """The application of one front-end process. It keeps no state between requests but caches."""
    app = _App("sandbox_api", static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.converters["rest"] = _Rest
    walk = _Walk(parts)
    for route in ROUTES:
        reader = Reader(route)
        app.add_url_rule(
            _flask_path(route.path),
            endpoint=route.name,
            view_func=partial(_view, walk, route, reader),
            methods=[route.method],
            provide_automatic_options=False,
        )
        if route.dear:
            app.dear[route.method, route.path] = partial(walk.through, route, reader)
    app.register_error_handler(HTTPException, lambda error: walk.refused(_request(), error))
    return app


def document() -> bytes:
    """The OpenAPI document of all routes, JSON."""
    return openapi.document(ROUTES, version=API_VERSION)


class _App(Flask):
    """Flask, but for the dear routes, which go without its contexts: those cost a single
    transaction more than its own reading does (docs/decisions/0003-openapi.md)."""

    dear: dict[tuple[str, str], Callable[[Request], Response]]

    def __init__(self, name: str, static_folder: None) -> None:
        super().__init__(name, static_folder=static_folder)
        self.dear = {}

    def wsgi_app(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        answer = self.dear.get((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
        if answer is None:
            return super().wsgi_app(environ, start_response)
        return answer(self.request_class(environ))(environ, start_response)


class _Answer(Response):
    """An answer whose headers are complete and our own: Werkzeug would check each of them twice,
    which costs more than reading a transaction."""

    def __init__(self, content: bytes, status: int, headers: list[tuple[str, str]]) -> None:
        own = Headers()
        own._list = headers
        super().__init__(content, status, own)

    def get_wsgi_headers(self, environ: Any) -> Headers:
        return self.headers


class _Rest(BaseConverter):
    """The rest of a path, slashes included, as it was sent."""

    regex = ".+"
    part_isolating = False


class _Walk:
    """The way of every request, with what one process keeps for it."""

    def __init__(self, parts: Parts) -> None:
        self._parts: Final = parts
        self._doorkeeper: Final = Doorkeeper(parts.hosts)
        self._keys: Final = Keys(parts.tenants.find_key)
        self._parking: Final = Parking(lambda: parts.reader.head().events)
        self._gate: Final = Gate(IN_FLIGHT_MAX, "this process has its hands full")
        self._large: Final = Gate(LARGE_BODIES_MAX, "too many long bodies are being read")
        self._run: Final = secrets.token_urlsafe(6)
        self._count: Final = count(1)

    def through(
        self, route: Route, reader: Reader, request: Request, path: Mapping[str, str] = _NO_PATH
    ) -> Response:
        """Answer one request to one route."""
        try:
            reply = self._reply(route, reader, request, path)
            content = reply.body if isinstance(reply.body, bytes) else _encode(reply.body)
            return self._response(content, reply.status, reply.media, reply.cache)
        except Problem as problem:
            return self._problem(request, problem)
        except Refusal as refusal:
            lang = language(request)
            body = problem_of_refusal(refusal.declined, lang, id=refusal.id)
            return self._refused(request, body)
        except LedgerError as error:
            if error.code in ("store_problem", "log_damaged"):
                _log.error("%s %s: %s", request.method, request.path, error)
            return self._problem(request, problem_of_error(error))
        except HTTPException as error:
            return self.refused(request, error)
        except Exception:
            _log.exception("%s %s", request.method, request.path)
            return self._problem(request, Problem("internal"))

    def refused(self, request: Request, error: HTTPException) -> Response:
        """What Flask and Werkzeug refuse by themselves, as problems."""
        if isinstance(error, RequestEntityTooLarge):
            return self._problem(request, Problem("body.size"))
        if isinstance(error, MethodNotAllowed):
            response = self._problem(request, Problem("route.method"))
            methods = _METHODS.get(request.path) or error.valid_methods or ()
            response.headers["Allow"] = ", ".join(sorted(methods))
            return response
        if error.code == 404:
            return self._problem(request, Problem("route.unknown"))
        if error.code is not None and error.code >= 500:
            _log.error("%s %s: %r", request.method, request.path, error)
            return self._problem(request, Problem("internal"))
        return self._problem(request, Problem("request.malformed"))

    def _reply(
        self, route: Route, reader: Reader, request: Request, path: Mapping[str, str]
    ) -> Reply:
        environ = request.environ
        self._doorkeeper.check(environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN"))
        access, token = None, ""
        if not isinstance(route.scope, Open):
            authorization = environ.get("HTTP_AUTHORIZATION")
            access = self._keys.access(authorization)
            need(access, route.scope)
            token = (authorization or "").partition(" ")[2].strip()
        if path:
            reader.check_path(path)
        asked = request.args if environ.get("QUERY_STRING") else None
        query = reader.query(() if asked is None else asked.lists())
        if asked is not None and "lang" in asked and asked["lang"] not in LANGUAGES:
            raise Problem("request.query", "lang is kk, ru or en", where="lang")
        body, media = self._body(route, reader, request)
        call = Call(
            parts=self._parts,
            parking=self._parking,
            access=access,
            token=token,
            path=path,
            query=query,
            body=body,
            media=media,
            languages=partial(language, request),
        )
        if route.parked:
            return route.run(call)
        self._gate.enter()
        try:
            return route.run(call)
        finally:
            self._gate.leave()

    def _body(self, route: Route, reader: Reader, request: Request) -> tuple[Any, str]:
        if route.body is None:
            return None, ""
        environ = request.environ
        media = reader.media(
            environ.get("CONTENT_TYPE", ""), environ.get("HTTP_CONTENT_ENCODING", "")
        )
        digits = environ.get("CONTENT_LENGTH") or "0"
        if "HTTP_TRANSFER_ENCODING" in environ or not digits.isascii() or not digits.isdigit():
            raise Problem("body.length")
        if len(digits) > _LENGTH_DIGITS_MAX or (length := int(digits)) > route.body.limit:
            raise Problem("body.size", f"a body here has at most {route.body.limit} bytes")
        if length <= TRANSACTION_BYTES_MAX:
            return reader.body(_read(environ, length), media), media
        with self._large.place():
            return reader.body(_read(environ, length), media), media

    def _problem(self, request: Request, problem: Problem) -> Response:
        body = problem_of(problem.code, problem.detail, language(request), where=problem.where)
        response = self._refused(request, body)
        if body.status in (429, 503):
            response.headers["Retry-After"] = str(max(problem.retry_after_s, 1))
        if body.status == 401:
            response.headers["WWW-Authenticate"] = "Bearer"
        return response

    def _refused(self, request: Request, body: ProblemBody) -> Response:
        request_id = self._next_id()
        full = msgspec.structs.replace(body, instance=request.path, request_id=request_id)
        return self._response(_encode(full), body.status, PROBLEM_JSON, request_id=request_id)

    def _response(
        self,
        content: bytes,
        status: int,
        media: str,
        cache: str = "no-store",
        request_id: str = "",
    ) -> Response:
        headers = [
            ("Content-Type", media),
            ("Content-Length", str(len(content))),
            ("Tenge-Ledger", self._parts.ledger),
            ("Tenge-Request", request_id or self._next_id()),
            ("Cache-Control", cache),
            *SECURITY_HEADERS,
        ]
        with suppress(LedgerError):  # the answer is good without; whoever signs asks again
            headers.append(("Tenge-Time", str(self._parts.door.time())))
        return _Answer(content, status, headers)

    def _next_id(self) -> str:
        return f"{self._run}-{next(self._count):x}"


def _read(environ: WSGIEnvironment, length: int) -> bytes:
    """The body, which has `length` bytes; raises Problem where the sender went away or lied."""
    try:
        raw: bytes = environ["wsgi.input"].read(length)
    except OSError:
        raw = b""
    if len(raw) != length:
        raise Problem("request.malformed", "the body ended early")
    return raw


def _view(walk: _Walk, route: Route, reader: Reader, /, **path: str) -> Response:
    request = _request()
    if path and request.path in _METHODS:
        # A fixed path that a variable matched too: `GET /v1/transactions/batch` names no id.
        return walk.refused(request, MethodNotAllowed())
    return walk.through(route, reader, request, path)


def _request() -> Request:
    """The request itself, out of Flask's context."""
    current: Request = flask.request._get_current_object()  # type: ignore[attr-defined]
    return current


def language(request: Request) -> str:
    """The language asked for by `?lang=` or else by Accept-Language; English where neither fits."""
    asked = request.args.get("lang", "")
    if asked in LANGUAGES:
        return asked
    if "HTTP_ACCEPT_LANGUAGE" not in request.environ:
        return LANGUAGES[0]
    return request.accept_languages.best_match(LANGUAGES) or LANGUAGES[0]


def _flask_path(path: str) -> str:
    """OpenAPI's `{name}` as Flask's `<name>`; a variable `path` takes the rest."""
    return path.replace("{path}", "<rest:path>").replace("{", "<").replace("}", ">")
