"""The document, its offline reference page, and whether this process is well. No key is needed."""

from __future__ import annotations

import mimetypes
from functools import cache
from importlib.resources import files
from typing import Final

import msgspec

from sandbox_api.asked import RestPath
from sandbox_api.problems import Problem
from sandbox_api.requests import JSON, Answer, Call, Open, Reply, Route
from sandbox_api.sentences import LANGUAGES, catalogue_json
from sandbox_api.wire import HealthBody

HTML: Final = "text/html; charset=utf-8"
_SHORT: Final = "public, max-age=300"
_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": JSON,
    ".svg": "image/svg+xml",
    ".html": HTML,
    ".txt": "text/plain; charset=utf-8",
}
_CATALOGUES: Final = {f"i18n/{lang}.json": lang for lang in LANGUAGES}
_ROOT: Final = files("sandbox_api") / "static"


def openapi_document(call: Call) -> Reply:
    """The OpenAPI document of this very process."""
    return Reply(_document(), cache=_SHORT)


def reference(call: Call) -> Reply:
    """The reference page: Swagger UI out of the package, nothing from elsewhere."""
    return Reply(_file("docs/index.html"), media=HTML, cache=_SHORT)


def reference_file(call: Call) -> Reply:
    """A file of the reference page."""
    return _static(f"docs/{call.path['path']}")


def static_file(call: Call) -> Reply:
    """A file of the browser's modules, or the words of a language: `i18n/<lang>.json`."""
    path = call.path["path"]
    if path in _CATALOGUES:
        return Reply(_catalogue(_CATALOGUES[path]), media=JSON, cache=_SHORT)
    return _static(path)


def health(call: Call) -> Reply:
    """Whether this process answers and can read the ledger."""
    return Reply(HealthBody("ok", call.parts.reader.head().size))


def _static(path: str) -> Reply:
    parts = path.split("/")
    if not all(part and not part.startswith(".") and "\\" not in part for part in parts):
        raise Problem("not_found")
    suffix = path[path.rfind(".") :]
    media = _TYPES.get(suffix) or mimetypes.guess_type(path)[0] or "application/octet-stream"
    return Reply(_file(path), media=media, cache=_SHORT)


@cache
def _document() -> bytes:
    from sandbox_api.app import document  # the table of routes is complete only then

    return document()


@cache
def _catalogue(lang: str) -> bytes:
    return msgspec.json.encode(catalogue_json(lang))


@cache
def _file(path: str) -> bytes:
    """A packaged file; bounded, since only what the package holds is ever kept."""
    found = _ROOT
    for part in path.split("/"):
        found = found / part
    if not found.is_file():
        raise Problem("not_found", "the package holds no such file")
    return found.read_bytes()


ROUTES: Final = (
    Route(
        "GET", "/openapi.json", "openapi", "This document",
        openapi_document, Open.TO_ALL, {200: Answer(JSON, "OpenAPI 3.1.")},
        group="Documentation",
    ),
    Route(
        "GET", "/docs", "reference", "The reference page, offline",
        reference, Open.TO_ALL, {200: Answer(HTML, "A page.")}, group="Documentation",
    ),
    Route(
        "GET", "/docs/{path}", "reference_file", "A file of the reference page",
        reference_file, Open.TO_ALL, {200: Answer("application/octet-stream", "Its bytes.")},
        path_type=RestPath, problems=("not_found",), group="Documentation",
    ),
    Route(
        "GET", "/static/{path}", "static_file", "A file of the browser's modules",
        static_file, Open.TO_ALL, {200: Answer("application/octet-stream", "Its bytes.")},
        path_type=RestPath, problems=("not_found",), group="Documentation",
    ),
    Route(
        "GET", "/healthz", "health", "Whether this process is well",
        health, Open.TO_ALL, {200: Answer(HealthBody, "It answers and reads the ledger.")},
        problems=("store_problem",), group="Documentation",
    ),
)  # fmt: skip
