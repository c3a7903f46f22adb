"""The OpenAPI 3.1 document, written from the table of routes and the types that decode and encode.

Nothing here is said twice: paths, types, scopes and problem codes come from `Route`s, schemas from
msgspec, statuses of codes from `problems`. docs/decisions/0003-openapi.md says why no framework
does it. A reader must not assume that the document binds the server: the decoders do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from ledger.core.decision import Code
from sandbox_api.auth import Scope
from sandbox_api.problems import PROBLEM_JSON, ProblemBody, kind_of, statuses
from sandbox_api.requests import JSON, Answer, Body, Open, Route

VERSION: Final = "3.1.0"
_REF: Final = "#/components/schemas/{name}"
_LANG: Final = {
    "name": "lang",
    "in": "query",
    "description": "Language of sentences; goes before Accept-Language.",
    "schema": {"type": "string", "enum": ["kk", "ru", "en"]},
}
_HEADERS: Final = {
    "Tenge-Ledger": ("The ledger's id, 22 characters.", {"type": "string"}),
    "Tenge-Time": ("The sandbox's time, ms UTC: sign from it.", {"type": "integer"}),
    "Tenge-Request": ("Id of this request, for questions about it.", {"type": "string"}),
}
_EVERYWHERE: Final = ("host.unknown", "origin.cross", "request.query", "overloaded", "internal")
_WITH_KEY: Final = ("auth.missing", "auth.unknown")
_WITH_BODY: Final = (
    "body.length",
    "body.size",
    "body.type",
    "body.encoding",
    "body.empty",
    "body.member",
)

Json = dict[str, Any]


def document(routes: Sequence[Route], *, version: str) -> bytes:
    """The document as JSON bytes."""
    types = _types(routes)
    refs, schemas = msgspec.json.schema_components(types, ref_template=_REF)
    schema_of = dict(zip(types, refs, strict=True))
    paths: Json = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(
            route, schema_of, schemas
        )
    found: Json = {
        "openapi": VERSION,
        "info": {
            "title": "Tenge sandbox",
            "version": version,
            "summary": "A sandbox for digital tenge and CryptoCity payments. No real money.",
            "description": (
                "Not official: a simulation with synthetic data. Rules marked HYPOTHETICAL are"
                " nobody's law. Errors are RFC 9457 problems; amounts are decimal strings; times"
                " are ms UTC; ids are base64url without padding."
            ),
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name} for name in dict.fromkeys(route.group for route in routes)],
        "security": [{"key": []}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "parameters": {"lang": _LANG},
            "headers": {
                name: {"description": text, "schema": schema}
                for name, (text, schema) in _HEADERS.items()
            },
            "securitySchemes": {
                "key": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "An API key: tsk_… (secret) or tpk_… (publishable).",
                }
            },
        },
    }
    return msgspec.json.encode(found)


def _operation(route: Route, schema_of: dict[Any, Json], schemas: Json) -> Json:
    operation: Json = {
        "operationId": route.name,
        "summary": route.summary,
        "tags": [route.group],
        "parameters": [
            *_parameters(route.path_type, "path", schemas),
            *_parameters(route.query, "query", schemas),
            {"$ref": "#/components/parameters/lang"},
        ],
        "responses": {
            str(status): _answer(answer, schema_of) for status, answer in route.answers.items()
        }
        | _problems(route, schema_of),
    }
    if isinstance(route.scope, Open):
        operation["security"] = []
    else:
        operation["description"] = f"Needs the scope `{route.scope.value}`."
    if route.body is not None:
        operation["requestBody"] = _request_body(route.body, schema_of)
    return operation


def _answer(answer: Answer, schema_of: dict[Any, Json]) -> Json:
    media: Json
    if isinstance(answer.type, str):
        text = answer.type.partition(";")[0]
        schema: Json = {"type": "object" if text == JSON else "string"}
        media = {text: {"schema": schema}}
    else:
        refs = [schema_of[one] for one in _structs(answer)]
        media = {JSON: {"schema": refs[0] if len(refs) == 1 else {"anyOf": refs}}}
    if answer.example is not None:
        next(iter(media.values()))["example"] = answer.example
    headers = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
    return {"description": answer.text, "headers": headers, "content": media}


def _problems(route: Route, schema_of: dict[Any, Json]) -> Json:
    codes = [*route.problems, *_EVERYWHERE]
    if isinstance(route.scope, Scope):
        codes += _WITH_KEY
        codes.append("auth.scope")
    if route.body is not None:
        codes += _WITH_BODY
    if route.path_type is not None:
        codes.append("request.path")
    if route.refusals:
        codes += Code
    found: Json = {}
    for status, of_status in statuses(tuple(dict.fromkeys(codes))).items():
        refusals = [code for code in of_status if code in Code.__members__]
        own = [code for code in of_status if code not in Code.__members__]
        named = ", ".join(own + (["refusal codes"] if refusals else []))
        code = of_status[0]
        found[str(status)] = {
            "description": f"{kind_of(code).title} ({named})",
            "content": {PROBLEM_JSON: {"schema": schema_of[ProblemBody]}},
        }
        if status in (429, 503):
            found[str(status)]["headers"] = {
                "Retry-After": {"description": "Seconds.", "schema": {"type": "integer"}}
            }
    return found


def _request_body(body: Body, schema_of: dict[Any, Json]) -> Json:
    content: Json = {}
    for media, example in body.raw.items():
        content[media] = {"schema": {"type": "string"}, "example": example}
    if body.type is not None:
        content[JSON] = {"schema": schema_of[body.type]}
        if body.example is not None:
            content[JSON]["example"] = body.example
    return {"required": True, "content": content}


def _parameters(type_: type[msgspec.Struct] | None, where: str, schemas: Json) -> list[Json]:
    """The members of a Struct as parameters; its schema is no component of its own."""
    if type_ is None:
        return []
    _, parts = msgspec.json.schema_components([type_], ref_template=_REF)
    mine = parts.pop(type_.__name__)
    schemas.update(parts)
    required = mine.get("required", [])
    return [
        {"name": name, "in": where, "required": name in required or where == "path"}
        | _described(schema)
        for name, schema in mine["properties"].items()
    ]


def _described(schema: Json) -> Json:
    """A parameter's schema, its description and default where OpenAPI wants them."""
    schema = {name: value for name, value in schema.items() if value is not None}
    found: Json = {"schema": schema}
    if "description" in schema:
        found["description"] = schema.pop("description")
    return found


def _structs(answer: Answer) -> tuple[type[msgspec.Struct], ...]:
    if isinstance(answer.type, str):
        return ()
    return answer.type if isinstance(answer.type, tuple) else (answer.type,)


def _types(routes: Iterable[Route]) -> list[Any]:
    found: dict[Any, None] = {ProblemBody: None}
    for route in routes:
        for answer in route.answers.values():
            found.update(dict.fromkeys(_structs(answer)))
        if route.body is not None and route.body.type is not None:
            found[route.body.type] = None
    return list(found)
