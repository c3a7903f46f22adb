"""API keys, scopes, host names and origins: who may call what (S1, S2, S8)."""

from __future__ import annotations

from typing import Any

import pytest

from sandbox_api.auth import (
    CACHED_S,
    SCOPES,
    Access,
    Doorkeeper,
    KeyKind,
    Keys,
    Scope,
    StoredKey,
    digest_of,
    is_key,
    new_key,
)
from sandbox_api.problems import Problem
from sandbox_api.requests import Open, Route
from sandbox_api.routes.table import ROUTES
from tests.api.sandbox import Sandbox

GUARDED = [route for route in ROUTES if not isinstance(route.scope, Open)]
IDS = {
    "id": "A" * 22,
    "kid": "A" * 43,
    "alias": "A" * 43,
    "digest": "A" * 43,
    "path": "entries/000.p/1",
}


def filled(route: Route) -> str:
    """The route's path with an id of the right form in it."""
    ids = IDS | ({"id": f"1.{'A' * 43}"} if "transactions" in route.path else {})
    ids |= {"id": f"1.{'A' * 43}"} if "receipts" in route.path else {}
    return route.path.format(**ids)


def call(sandbox: Sandbox, route: Route, key: str | None) -> Any:
    headers = {} if key is None else {"Authorization": key}
    return sandbox.client.open(filled(route), method=route.method, headers=headers)


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
@pytest.mark.parametrize(
    ("authorization", "code"),
    [
        pytest.param(None, "auth.missing", id="no key"),
        pytest.param("", "auth.missing", id="an empty header"),
        pytest.param("Bearer", "auth.unknown", id="no key behind Bearer"),
        pytest.param("Basic dHNrOng=", "auth.missing", id="another scheme"),
        pytest.param("Bearer tsk_short", "auth.unknown", id="a key too short"),
        pytest.param(f"Bearer tsk_{'A' * 32}", "auth.unknown", id="a key nobody has"),
        pytest.param(f"Bearer tsk_{'A' * 5000}", "auth.unknown", id="a key of 5,000 letters"),
        pytest.param("Bearer tsk_' OR 1=1 --aaaaaaaaaaaaaaaaa", "auth.unknown", id="SQL"),
    ],
)
def test_no_route_answers_without_a_known_key(
    sandbox: Sandbox, route: Route, authorization: str | None, code: str
) -> None:
    answer = call(sandbox, route, authorization)

    assert (answer.status_code, answer.json["code"]) == (401, code)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("route", GUARDED, ids=lambda route: f"{route.method} {route.path}")
def test_a_publishable_key_opens_what_its_scopes_say(sandbox: Sandbox, route: Route) -> None:
    answer = call(sandbox, route, f"Bearer {sandbox.publishable}")

    refused = answer.status_code == 403 and answer.json["code"] == "auth.scope"
    tile_of_entries = route.name == "tile"
    assert refused == (route.scope not in SCOPES[KeyKind.PUBLISHABLE] or tile_of_entries)


@pytest.mark.parametrize("scope", list(Scope))
def test_a_key_without_scopes_opens_nothing(sandbox: Sandbox, scope: Scope) -> None:
    key = new_key(KeyKind.SECRET)
    sandbox.tenants.put_key(sandbox.tenant.number, key, scopes=())

    for route in GUARDED:
        if route.scope is scope:
            answer = call(sandbox, route, f"Bearer {key}")
            assert (answer.status_code, answer.json["code"]) == (403, "auth.scope")


def test_a_publishable_key_can_be_given_no_more_than_its_kind_allows(sandbox: Sandbox) -> None:
    key = new_key(KeyKind.PUBLISHABLE)

    sandbox.tenants.put_key(sandbox.tenant.number, key, scopes=list(Scope))

    assert sandbox.get("/v1/refusals", key=key).status_code == 403


def test_another_tenants_payment_requests_are_not_there(sandbox: Sandbox) -> None:
    made = sandbox.post("/v1/payment-requests", {"request": sandbox.request("market", "7.00")})
    other = sandbox.tenants.put_tenant("another", bytes(16))
    key = sandbox.tenants.make_key(other.number, KeyKind.SECRET)

    answer = sandbox.get(f"/v1/payment-requests/{made.json['id']}", key=key)

    assert answer.status_code == 404


def test_keys_are_stored_as_hashes_alone(sandbox: Sandbox, tmp_path_factory: Any) -> None:
    stored = sandbox.tenants.find_key(digest_of(sandbox.secret))

    assert stored is not None
    assert stored.digest == digest_of(sandbox.secret)
    file = sandbox.folder / "sandbox.db"
    assert sandbox.secret.encode() not in file.read_bytes()
    assert sandbox.secret[4:].encode() not in file.read_bytes()


def test_new_keys_have_the_documented_form_and_differ() -> None:
    keys = {new_key(kind) for kind in KeyKind for _ in range(1_000)}

    assert len(keys) == 2_000
    assert all(is_key(key) and len(key) == 36 for key in keys)


class _Clock:
    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        return self.at


def test_a_key_that_is_taken_back_is_forgotten_within_seconds() -> None:
    key, clock, looked = new_key(KeyKind.SECRET), _Clock(), []
    stored: dict[bytes, StoredKey] = {
        digest_of(key): StoredKey(digest_of(key), 1, frozenset({Scope.READ}))
    }

    def find(digest: bytes) -> StoredKey | None:
        looked.append(digest)
        return stored.get(digest)

    keys = Keys(find, clock)
    assert keys.of(key) == keys.of(key) == Access(1, frozenset({Scope.READ}))
    assert len(looked) == 1
    stored.clear()
    clock.at += CACHED_S

    with pytest.raises(Problem) as refused:
        keys.of(key)

    assert refused.value.code == "auth.unknown"


def test_a_store_that_answers_another_keys_row_opens_nothing() -> None:
    other = StoredKey(digest_of("tsk_other"), 1, frozenset(Scope))
    keys = Keys(lambda digest: other)

    with pytest.raises(Problem):
        keys.of(new_key(KeyKind.SECRET))


def test_a_thousand_wrong_keys_leave_the_right_one_good(sandbox: Sandbox) -> None:
    statuses = {
        sandbox.get("/v1/assets", key=f"tsk_{number:032}").status_code for number in range(1_000)
    }

    assert statuses == {401}
    assert sandbox.get("/v1/assets").status_code == 200


GOOD = ("localhost", "localhost:8080", "LOCALHOST:1", "127.0.0.1:8080", "[::1]:8080", "[::1]")
BAD = ("", "evil.example", "localhost.evil.example", "localhost:8080@evil.example", "127.0.0.1.",
       "evil.example:8080", "localhost:abc", "localhost:99999999", "[::1", "::1", "0.0.0.0:8080",
       "localhost/x", "localhost?x", "localhost#x", " localhost", "127.1",
       "2130706433")  # fmt: skip


@pytest.fixture
def doorkeeper() -> Doorkeeper:
    return Doorkeeper(["127.0.0.1", "localhost", "[::1]"])


@pytest.mark.parametrize("host", GOOD)
def test_the_server_answers_to_its_own_names(doorkeeper: Doorkeeper, host: str) -> None:
    doorkeeper.check(host, None)
    doorkeeper.check(host, f"http://{host}")


@pytest.mark.parametrize("host", BAD)
def test_the_server_answers_to_no_other_name(doorkeeper: Doorkeeper, host: str) -> None:
    for _ in range(2):
        with pytest.raises(Problem) as refused:
            doorkeeper.check(host, None)
        assert refused.value.code == "host.unknown"


@pytest.mark.parametrize(
    "origin",
    ["null", "", "http://evil.example", "http://localhost", "http://localhost:8081",
     "http://localhost:8080.evil.example", "file://", "https://", "ftp://localhost:8080",
     "localhost:8080"],
)  # fmt: skip
def test_a_foreign_page_may_not_call(doorkeeper: Doorkeeper, origin: str) -> None:
    with pytest.raises(Problem) as refused:
        doorkeeper.check("localhost:8080", origin)

    assert refused.value.code == "origin.cross"


@pytest.mark.parametrize("path", ["/v1/assets", "/nope", "/docs", "/v1/log/checkpoint"])
def test_every_answer_carries_the_headers(sandbox: Sandbox, path: str) -> None:
    answer = sandbox.get(path)

    assert answer.headers["Tenge-Ledger"] == sandbox.ledger.id
    assert int(answer.headers["Tenge-Time"]) > 1_600_000_000_000
    assert answer.headers["Tenge-Request"]
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "unsafe-eval" not in answer.headers["Content-Security-Policy"]
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    names = {name.lower() for name, _ in answer.headers}
    assert not [name for name in names if name.startswith("access-control")]
    assert "Set-Cookie" not in answer.headers
    assert int(answer.headers["Content-Length"]) == len(answer.get_data())


def test_a_foreign_host_is_sent_away_over_http(sandbox: Sandbox) -> None:
    answer = sandbox.get("/v1/assets", Host="evil.example")

    assert (answer.status_code, answer.json["code"]) == (421, "host.unknown")


def test_a_foreign_origin_is_sent_away_over_http(sandbox: Sandbox) -> None:
    answer = sandbox.get("/v1/assets", Origin="http://evil.example")

    assert (answer.status_code, answer.json["code"]) == (403, "origin.cross")
