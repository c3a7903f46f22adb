"""The HTTP application: one Flask app made from the table of routes (design D1, D6, D8, D12).

`create_app` wires parts to routes; every request walks the same way: name and origin, API key and
scope, path, query, body, a place among the requests in flight, the route, the answer. Whatever goes
wrong on that way becomes a problem (RFC 9457), whatever Flask itself refuses too: never HTML, never
a traceback. Bounds are in `limits`; deadlines for slow senders are the server's.
"""

from __future__ import annotations

import logging
import secrets
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any, Final

import flask
import msgspec
from flask import Flask, Request, Response
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.routing import BaseConverter

from ledger.errors import LedgerError
from sandbox_api import openapi
from sandbox_api.auth import Doorkeeper, Keys, need
from sandbox_api.limits import IN_FLIGHT_MAX, Gate
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

_log = logging.getLogger("sandbox_api")
_encode = msgspec.json.Encoder().encode


def create_app(parts: Parts) -> Flask:
    """The application of one front-end process. It keeps no state between requests but caches."""
    app = Flask("sandbox_api", static_folder=None)
    app.url_map.merge_slashes = False
    app.url_map.converters["rest"] = _Rest
    walk = _Walk(parts)
    for route in ROUTES:
        app.add_url_rule(
            _flask_path(route.path),
            endpoint=route.name,
            view_func=partial(walk.through, route, Reader(route)),
            methods=[route.method],
            provide_automatic_options=False,
        )
    app.register_error_handler(HTTPException, walk.refused_by_flask)
    return app


def document() -> bytes:
    """The OpenAPI document of all routes, JSON."""
    return openapi.document(ROUTES, version=API_VERSION)


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
        self._run: Final = secrets.token_urlsafe(6)
        self._count: Final = count(1)

    def through(self, route: Route, reader: Reader, /, **path: str) -> Response:
        """Answer one request to one route."""
        request = flask.request._get_current_object()  # type: ignore[attr-defined]
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
            return self.refused_by_flask(error)
        except Exception:
            _log.exception("%s %s", request.method, request.path)
            return self._problem(request, Problem("internal"))

    def refused_by_flask(self, error: HTTPException) -> Response:
        """What Flask and Werkzeug refuse by themselves, as problems."""
        request = flask.request._get_current_object()  # type: ignore[attr-defined]
        if isinstance(error, RequestEntityTooLarge):
            return self._problem(request, Problem("body.size"))
        if isinstance(error, MethodNotAllowed):
            response = self._problem(request, Problem("route.method"))
            response.headers["Allow"] = ", ".join(sorted(error.valid_methods or ()))
            return response
        if error.code == 404:
            return self._problem(request, Problem("route.unknown"))
        if error.code is not None and error.code >= 500:
            _log.error("%s %s: %r", request.method, request.path, error)
            return self._problem(request, Problem("internal"))
        return self._problem(request, Problem("request.malformed"))

    def _reply(self, route: Route, reader: Reader, request: Request, path: dict[str, str]) -> Reply:
        environ = request.environ
        self._doorkeeper.check(environ.get("HTTP_HOST", ""), environ.get("HTTP_ORIGIN"))
        access, token = None, ""
        if not isinstance(route.scope, Open):
            authorization = environ.get("HTTP_AUTHORIZATION")
            access = self._keys.access(authorization)
            need(access, route.scope)
            token = (authorization or "").partition(" ")[2].strip()
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
        with self._gate.place():
            return route.run(call)

    def _body(self, route: Route, reader: Reader, request: Request) -> tuple[Any, str]:
        if route.body is None:
            return None, ""
        environ = request.environ
        media = reader.media(
            environ.get("CONTENT_TYPE", ""), environ.get("HTTP_CONTENT_ENCODING", "")
        )
        request.max_content_length = route.body.limit
        return reader.body(request.get_data(cache=False), media), media

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
