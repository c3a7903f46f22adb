"""The OpenAPI document: valid, complete, true of the server, shown offline (S9, C6)."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from openapi_spec_validator import validate

from ledger.core.decision import Code
from sandbox_api.app import document
from sandbox_api.auth import Scope
from sandbox_api.problems import PROBLEM_JSON
from sandbox_api.requests import Open
from sandbox_api.routes.table import ROUTES
from tests.api.sandbox import Sandbox

DOCUMENT: dict[str, Any] = json.loads(document())

# Swagger UI 5.35.0 as published in the package swagger-ui-dist: copied, never changed.
VENDORED = {
    "swagger-ui-bundle.js": "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    "swagger-ui.css": "5ed08757e53da3e026d6cbecc61fe5d43585c9560b302d534ad56692519a273d",
}


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            yield path, method.upper(), operation


def resolved(reference: str) -> Any:
    found: Any = DOCUMENT
    for part in reference.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"] == "3.1.0"

    validate(DOCUMENT)


def test_the_server_serves_this_document_to_anyone(sandbox: Sandbox) -> None:
    answer = sandbox.get("/openapi.json", key=None)

    assert answer.content_type == "application/json"
    assert answer.json == DOCUMENT


def test_every_reference_and_discriminator_resolves() -> None:
    for node in nodes(DOCUMENT):
        if isinstance(node.get("$ref"), str):
            assert resolved(node["$ref"]) is not None
        mapping = node.get("discriminator", {}).get("mapping", {}) if "anyOf" in node else {}
        for target in mapping.values():
            assert resolved(target)["type"] == "object"


def test_routes_in_the_code_are_routes_in_the_document(sandbox: Sandbox) -> None:
    served = {
        (method, re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in sandbox.app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert served == {(method, path) for path, method, _ in operations()}
    assert len(ROUTES) == len(served)


def test_every_operation_says_who_it_is_for_and_what_goes_wrong() -> None:
    names = [operation["operationId"] for _, _, operation in operations()]
    assert len(set(names)) == len(names)
    by_name = {route.name: route for route in ROUTES}
    for path, _, operation in operations():
        route = by_name[operation["operationId"]]
        if isinstance(route.scope, Open):
            assert operation["security"] == []
        else:
            assert "security" not in operation
            assert f"`{route.scope.value}`" in operation["description"]
            assert {"401", "403"} <= operation["responses"].keys(), path
        assert operation["summary"]
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == [PROBLEM_JSON]
            else:
                assert {"Tenge-Ledger", "Tenge-Time", "Tenge-Request"} <= answer["headers"].keys()


def test_every_scope_is_asked_for_somewhere() -> None:
    asked = {route.scope for route in ROUTES if isinstance(route.scope, Scope)}

    assert asked | {Scope.LOG_READ} == set(Scope)  # log:read widens two routes


def test_path_variables_are_declared() -> None:
    for path, _, operation in operations():
        declared = {row["name"] for row in operation["parameters"] if row.get("in") == "path"}
        assert declared == set(re.findall(r"{(\w+)}", path))


def test_examples_are_what_the_decoders_take() -> None:
    for route in ROUTES:
        if route.body is None or route.body.type is None:
            continue
        assert route.body.example is not None, route.path
        msgspec.convert(route.body.example, route.body.type)


def test_no_schema_is_left_without_words() -> None:
    for name, schema in DOCUMENT["components"]["schemas"].items():
        assert schema.get("description"), name


def test_refusals_are_named_where_they_can_come() -> None:
    submit = DOCUMENT["paths"]["/v1/transactions"]["post"]["responses"]

    assert {"401", "403", "409", "422"} <= submit.keys()
    assert "refusal codes" in submit["422"]["description"]
    assert len(Code) > 50


@pytest.mark.parametrize(("name", "digest"), VENDORED.items())
def test_the_reference_page_is_ours_alone(sandbox: Sandbox, name: str, digest: str) -> None:
    page = sandbox.get("/docs", key=None)
    file = sandbox.get(f"/docs/{name}", key=None)

    text = page.get_data(as_text=True)
    assert page.content_type.startswith("text/html")
    assert f"/docs/{name}" in text
    assert not re.findall(r"https?://", text)
    assert "<script>" not in text
    assert hashlib.sha256(file.get_data()).hexdigest() == digest
    assert file.content_type.split(";")[0] in ("text/javascript", "text/css")


def test_licences_lie_beside_the_copies(sandbox: Sandbox) -> None:
    licence = sandbox.get("/docs/swagger-ui-LICENSE.txt", key=None).get_data(as_text=True)

    assert "Apache License" in licence
