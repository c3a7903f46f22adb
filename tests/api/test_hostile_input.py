"""Hostile input: whatever is sent, the answer is a problem with a stable code (S3, C5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from werkzeug.test import TestResponse

from ledger.core.envelope import seal
from ledger.core.ids import encode_segment
from tests.api.sandbox import Person, Sandbox, jwk_of

JOSE, JSON, NDJSON = "application/jose", "application/json", "application/x-ndjson"
A = "A" * 22
ID = "AaIDjn8A26Tfr9ieGEZ5zQ"
KID = "A" * 43
HERE = str(Path(__file__).parents[2])


def assert_problem(answer: TestResponse, status: int, code: str) -> None:
    assert answer.content_type == "application/problem+json", answer.get_data()
    body = json.loads(answer.get_data())
    assert (answer.status_code, body["code"]) == (status, code), body
    assert body["status"] == status
    assert {"type", "title", "detail", "instance", "request_id", "retryable"} <= body.keys()
    assert body["request_id"] == answer.headers["Tenge-Request"]
    text = answer.get_data(as_text=True)
    assert "Traceback" not in text
    assert "<html" not in text.lower()
    assert HERE not in text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        pytest.param("GET", "/nope", 404, "route.unknown", id="no such path"),
        pytest.param("GET", "/v1", 404, "route.unknown", id="the root of the API"),
        pytest.param("GET", "/v1/assets/", 404, "route.unknown", id="a slash too many"),
        pytest.param("GET", "//v1/assets", 404, "route.unknown", id="a slash before"),
        pytest.param("GET", "/v1//assets", 404, "route.unknown", id="a slash within"),
        pytest.param("GET", "/V1/assets", 404, "route.unknown", id="another case"),
        pytest.param("GET", "/v1/assets%00", 404, "route.unknown", id="a NUL in the path"),
        pytest.param("GET", "/v1/transactions", 405, "route.method", id="reading where one writes"),
        pytest.param("GET", "/v1/transactions/batch", 405, "route.method", id="no such id"),
        pytest.param("DELETE", "/v1/assets", 405, "route.method", id="deleting"),
        pytest.param("OPTIONS", "/v1/assets", 405, "route.method", id="options"),
        pytest.param("TRACE", "/v1/assets", 405, "route.method", id="trace"),
        pytest.param("GET", "/v1/accounts/x", 404, "request.path", id="an id too short"),
        pytest.param("GET", f"/v1/accounts/{'A' * 21}B", 404, "request.path", id="unused bits set"),
        pytest.param("GET", f"/v1/accounts/{'A' * 21}=", 404, "request.path", id="padding"),
        pytest.param("GET", f"/v1/accounts/{'А' * 22}", 404, "request.path", id="Cyrillic A"),
        pytest.param("GET", f"/v1/accounts/{A}%0A", 404, "request.path", id="a newline behind"),
        pytest.param("GET", f"/v1/accounts/{A * 900}", 404, "request.path", id="an id of 20 kB"),
        pytest.param("GET", f"/v1/accounts/{A}", 404, "not_found", id="an account nobody opened"),
        pytest.param("GET", f"/v1/parties/{A}", 404, "not_found", id="a party nobody registered"),
        pytest.param("GET", f"/v1/parties/{A}/accounts", 404, "not_found", id="accounts of nobody"),
        pytest.param("GET", f"/v1/keys/{KID}", 404, "not_found", id="a key nobody registered"),
        pytest.param("GET", f"/v1/terminals/{KID}", 404, "not_found", id="a till nobody certified"),
        pytest.param("GET", f"/v1/zones/{A}", 404, "not_found", id="a zone nobody drew"),
        pytest.param("GET", f"/v1/packs/{KID}", 404, "not_found", id="a pack never in force"),
        pytest.param("GET", "/v1/transactions/x", 404, "request.path", id="no transaction id"),
        pytest.param("GET", f"/v1/transactions/0.{KID}", 404, "request.path", id="time zero"),
        pytest.param("GET", f"/v1/transactions/1.{KID}", 404, "not_found", id="never met"),
        pytest.param("GET", f"/v1/transactions/999999999999999.{KID}", 400, "id.transaction",
                     id="a time past the year 10889"),
        pytest.param("GET", f"/v1/receipts/1.{KID}", 404, "not_found", id="a receipt for nothing"),
        pytest.param("GET", f"/v1/payment-requests/{A}", 404, "not_found", id="no such request"),
        pytest.param("GET", f"/v1/accounts/{ID}/balance?index=-1", 400, "request.query",
                     id="an index below zero"),
        pytest.param("GET", f"/v1/accounts/{ID}/balance?index=1.5", 400, "request.query",
                     id="half an index"),
        pytest.param("GET", f"/v1/accounts/{ID}/balance?index={10**30}", 400, "request.query",
                     id="an index past everything"),
        pytest.param("GET", f"/v1/accounts/{ID}/balance?index={'9' * 5000}", 400, "request.query",
                     id="an index of 5,000 digits"),
        pytest.param("GET", f"/v1/accounts/{ID}/balance?index=1&index=2", 400, "request.query",
                     id="a parameter twice"),
        pytest.param("GET", f"/v1/accounts/{ID}/balance?indx=1", 400, "request.query",
                     id="an unknown parameter"),
        pytest.param("GET", f"/v1/accounts/{ID}/statement?limit=0", 400, "request.query",
                     id="a page of nothing"),
        pytest.param("GET", f"/v1/accounts/{ID}/statement?limit=1000000000", 400, "request.query",
                     id="a page of 10^9"),
        pytest.param("GET", f"/v1/accounts/{ID}/statement?before=1&after=1", 400, "request.query",
                     id="both directions"),
        pytest.param("GET", "/v1/assets?x=1", 400, "request.query", id="no query is read"),
        pytest.param("GET", "/v1/assets?lang=de", 400, "request.query", id="a language not spoken"),
        pytest.param("GET", "/v1/zones/locate", 400, "request.query", id="no point"),
        pytest.param("GET", "/v1/zones/locate?lat=91&lon=0", 400, "request.query", id="off globe"),
        pytest.param("GET", "/v1/zones/locate?lat=4e1&lon=0", 400, "request.query", id="exponent"),
        pytest.param("GET", "/v1/zones/locate?lat=nan&lon=0", 400, "request.query", id="no number"),
        pytest.param("GET", "/v1/zones/locate?lat=1.00000001&lon=0", 400, "request.query",
                     id="eight digits of a degree"),
        pytest.param("GET", "/v1/zones/locate?lat=٤٣&lon=0", 400, "request.query",
                     id="Arabic digits"),
        pytest.param("GET", "/v1/refusals?limit=201", 400, "request.query", id="a page too large"),
        pytest.param("GET", "/v1/events?wait=26", 400, "request.query", id="a wait too long"),
        pytest.param("GET", f"/v1/events?after=0&{'&'.join(['account=' + A] * 33)}", 400,
                     "request.query", id="33 accounts"),
        pytest.param("GET", "/v1/events?account=x", 400, "request.query", id="a filter not an id"),
        pytest.param("GET", "/v1/log/proof/inclusion", 400, "request.query", id="no index"),
        pytest.param("GET", "/v1/log/proof/inclusion?index=5&size=5", 400, "proof_out_of_range",
                     id="a leaf past the tree"),
        pytest.param("GET", "/v1/log/proof/inclusion?index=0&size=99999999", 400,
                     "proof_out_of_range", id="a tree not grown"),
        pytest.param("GET", "/v1/log/proof/consistency?from=9&to=5", 400, "proof_out_of_range",
                     id="a tree that shrinks"),
        pytest.param("GET", "/v1/log/tile/0/999", 404, "not_found", id="a tile not there yet"),
        pytest.param("GET", "/v1/log/tile/0/0", 404, "not_found", id="a tile's path misspelt"),
        pytest.param("GET", "/v1/log/tile/99/000", 404, "not_found", id="a level no tree has"),
        pytest.param("GET", "/v1/log/tile/../../etc/passwd", 404, "not_found", id="up the tree"),
        pytest.param("GET", "/docs/../app.py", 404, "not_found", id="out of the folder"),
        pytest.param("GET", "/static/..%2F..%2Fapp.py", 404, "not_found", id="escaped dots"),
        pytest.param("GET", "/static/.hidden", 404, "not_found", id="a hidden file"),
        pytest.param("GET", "/docs/none.js", 404, "not_found", id="a file not in the package"),
    ],
)  # fmt: skip
def test_what_is_asked_wrongly_is_a_problem(
    sandbox: Sandbox, method: str, path: str, status: int, code: str
) -> None:
    answer = sandbox.client.open(
        path, method=method, headers={"Authorization": f"Bearer {sandbox.secret}"}
    )

    assert_problem(answer, status, code)


ONBOARD, SUBMIT, BATCH = "/v1/sandbox/onboard", "/v1/transactions", "/v1/transactions/batch"
JWK = b'{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}'
B64 = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHUR"


@pytest.mark.parametrize(
    ("path", "media", "raw", "status", "code"),
    [
        pytest.param(ONBOARD, JSON, b"", 400, "body.empty", id="no body"),
        pytest.param(ONBOARD, JSON, b"{", 400, "body.json", id="half a JSON"),
        pytest.param(ONBOARD, JSON, b"null", 400, "body.member", id="null"),
        pytest.param(ONBOARD, JSON, b"[]", 400, "body.member", id="a list"),
        pytest.param(ONBOARD, JSON, b"NaN", 400, "body.json", id="NaN"),
        pytest.param(ONBOARD, JSON, b"\xef\xbb\xbf{}", 400, "body.json", id="a byte order mark"),
        pytest.param(ONBOARD, JSON, b'{"jwk":"\xff"}', 400, "body.utf8", id="not UTF-8"),
        pytest.param(ONBOARD, JSON, b"[" * 4000, 400, "body.depth", id="4,000 brackets"),
        pytest.param(ONBOARD, JSON, b'{"jwk":' * 500, 400, "body.depth", id="500 objects"),
        pytest.param(ONBOARD, JSON, b"{}", 400, "body.member", id="nothing in it"),
        pytest.param(ONBOARD, JSON, b'{"jwk":' + JWK + b',"tier":3}', 400, "body.member",
                     id="a member of ours (mass assignment)"),
        pytest.param(ONBOARD, JSON, b'{"jwk":' + JWK + b',"jwk":' + JWK + b"}", 400,
                     "body.repeated", id="a member twice"),
        pytest.param(ONBOARD, JSON, b'{"jwk":' + JWK + b"} x", 400, "body.json", id="more behind"),
        pytest.param(ONBOARD, JSON, b'{"jwk":{"kty":"OKP","crv":"Ed25519","x":1}}', 400,
                     "body.member", id="a number for a key"),
        pytest.param(ONBOARD, JSON, b'{"jwk":' + JWK[:-1] + b',"d":"x"}}', 400, "body.member",
                     id="a private key"),
        pytest.param(ONBOARD, JSON, b'{"jwk":{"kty":"RSA","crv":"Ed25519","x":"AAAA"}}', 400,
                     "key.jwk", id="an RSA key"),
        pytest.param(ONBOARD, JSON, b'{"jwk":{"kty":"OKP","crv":"Ed25519","x":"AAAA"}}', 400,
                     "key.size", id="three bytes of a key"),
        pytest.param(ONBOARD, JSON, f'{{"jwk":{{"kty":"OKP","crv":"Ed25519","x":"{"A" * 43}"}}}}',
                     400, "key.point", id="the zero key"),
        pytest.param(ONBOARD, JSON, f'{{"jwk":{{"kty":"OKP","crv":"Ed25519","x":"{B64}p"}}}}',
                     400, "key.base64", id="another spelling of a key"),
        pytest.param(ONBOARD, "text/plain", JWK, 415, "body.type", id="text"),
        pytest.param(ONBOARD, "application/x-www-form-urlencoded", b"a=b", 415, "body.type",
                     id="a form"),
        pytest.param(ONBOARD, "multipart/form-data; boundary=x", b"--x--", 415, "body.type",
                     id="a form with files"),
        pytest.param(ONBOARD, "", b"{}", 415, "body.type", id="no content type"),
        pytest.param(ONBOARD, "application/json; charset=utf-16", b"{}", 415, "body.type",
                     id="UTF-16"),
        pytest.param(ONBOARD, JOSE, b"a.b.c", 415, "body.type", id="a JWS where JSON is read"),
        pytest.param(ONBOARD, JSON, b" " * 4_097, 413, "body.size", id="a byte too much"),
        pytest.param("/v1/sandbox/tills", JSON, b'{"jwk":' + JWK + b',"till":"bank"}', 404,
                     "till.unknown", id="a till nobody has"),
        pytest.param("/v1/sandbox/tills", JSON, b'{"jwk":' + JWK + b',"till":""}', 400,
                     "body.member", id="a till without a name"),
        pytest.param(SUBMIT, JOSE, b"", 400, "body.empty", id="no transaction"),
        pytest.param(SUBMIT, JOSE, b"a.b", 400, "envelope.segments", id="two segments"),
        pytest.param(SUBMIT, JOSE, b"a.b.c.d", 400, "envelope.segments", id="four segments"),
        pytest.param(SUBMIT, JOSE, b"...", 400, "envelope.segments", id="dots"),
        pytest.param(SUBMIT, JOSE, b"\x00.\x00.\x00", 400, "envelope.base64", id="NUL bytes"),
        pytest.param(SUBMIT, JOSE, b"\xff" * 300, 400, "envelope.segments", id="noise"),
        pytest.param(SUBMIT, JOSE, b"A." + b"A" * 54_000 + b".A", 400, "payload.size",
                     id="a payload too long"),
        pytest.param(SUBMIT, JOSE, b"A" * (56 * 1024 + 1), 413, "body.size", id="a byte over"),
        pytest.param(SUBMIT, NDJSON, b"a.b.c", 415, "body.type", id="lines where one is read"),
        pytest.param(SUBMIT, JSON, b'{"transaction":5}', 400, "body.member", id="a number"),
        pytest.param(SUBMIT, JSON, '{"transaction":"é.b.c"}'.encode(), 400, "envelope.base64",
                     id="letters beyond ASCII"),
        pytest.param(BATCH, NDJSON, b"\n" * 1_001, 413, "batch.lines", id="1,001 lines"),
        pytest.param(BATCH, NDJSON, b"", 400, "body.empty", id="no line"),
        pytest.param(BATCH, JSON, b"[]", 415, "body.type", id="JSON where lines are read"),
        pytest.param(BATCH, NDJSON, b"A" * (8 * 1024 * 1024 + 1), 413, "body.size", id="8 MB + 1"),
        pytest.param("/v1/payment-requests", JSON, b'{"request":"a.b.c"}', 400,
                     "envelope.base64", id="a request that is none"),
        pytest.param("/v1/payment-requests", JOSE, b"a.b.c", 415, "body.type",
                     id="a request as bytes"),
    ],
)  # fmt: skip
def test_what_is_sent_wrongly_is_a_problem(
    sandbox: Sandbox, path: str, media: str, raw: bytes, status: int, code: str
) -> None:
    size = sandbox.reader.head().size

    answer = sandbox.post(path, raw=raw, media=media)

    assert_problem(answer, status, code)
    assert sandbox.reader.head().size == size


def test_a_compressed_body_is_not_unpacked(sandbox: Sandbox) -> None:
    answer = sandbox.post(SUBMIT, raw=b"\x1f\x8b" + bytes(100), media=JOSE, Content_Encoding="gzip")

    assert_problem(answer, 415, "body.encoding")


@pytest.mark.parametrize(
    ("length", "status", "code"),
    [
        pytest.param("", 400, "body.empty", id="none"),
        pytest.param("-1", 411, "body.length", id="below zero"),
        pytest.param("1e3", 411, "body.length", id="an exponent"),
        pytest.param("٣", 411, "body.length", id="Arabic digits"),
        pytest.param("99999999", 413, "body.size", id="too much"),
        pytest.param("0" * 13 + "9999999", 413, "body.size", id="zeroes before too much"),
        pytest.param("9" * 5_000, 413, "body.size", id="5,000 digits"),
        pytest.param("50", 400, "request.malformed", id="more than comes"),
    ],
)
def test_an_odd_content_length_is_a_problem(
    sandbox: Sandbox, length: str, status: int, code: str
) -> None:
    answer = sandbox.client.post(
        SUBMIT,
        data=b"a.b.c",
        headers={"Authorization": f"Bearer {sandbox.secret}"},
        content_type=JOSE,
        environ_overrides={"CONTENT_LENGTH": length},
    )

    assert_problem(answer, status, code)


AMOUNTS = [
    pytest.param("0.00", "amount.zero", id="zero"),
    pytest.param("-1.00", "amount.form", id="below zero"),
    pytest.param("+1.00", "amount.form", id="a sign"),
    pytest.param("1.0", "amount.form", id="a digit too few"),
    pytest.param("1.000", "amount.form", id="a digit too many"),
    pytest.param("1", "amount.form", id="no fraction"),
    pytest.param("1e3", "amount.form", id="an exponent"),
    pytest.param("01.00", "amount.form", id="a leading zero"),
    pytest.param("1,00", "amount.form", id="a comma"),
    pytest.param(" 1.00", "amount.form", id="a space"),
    pytest.param("１.00", "amount.form", id="a full-width digit"),
    pytest.param("92233720368547758.08", "amount.range", id="2**63 tiyn"),
    pytest.param("184467440737095516.16", "amount.range", id="2**64 tiyn"),
    pytest.param("92233720368547758.07", "BALANCE_RANGE", id="2**63 - 1 tiyn, which none can hold"),
    pytest.param("92233000000000000.00", "FUNDS", id="more than anyone has"),
    pytest.param(1, "payload.member", id="a number"),
    pytest.param(True, "payload.member", id="true"),
    pytest.param(None, "payload.member", id="null"),
    pytest.param("", "payload.member", id="nothing"),
]


@pytest.mark.parametrize(("amount", "code"), AMOUNTS)
def test_an_odd_amount_is_refused_and_moves_nothing(
    sandbox: Sandbox, person: Person, amount: Any, code: str
) -> None:
    jws = sandbox.transfer(person, sandbox.world.persona("bank").account("KZTD"), amount)
    size = sandbox.reader.head().size

    answer = sandbox.submit(jws)

    told = {answer.json["code"], *(one["code"] for one in answer.json.get("reasons", []))}
    assert code in told, answer.json
    assert answer.status_code in (400, 403, 422)
    assert sandbox.reader.head().size == size


def test_a_body_in_chunks_is_not_read(sandbox: Sandbox) -> None:
    answer = sandbox.post(SUBMIT, raw=b"a.b.c", media=JOSE, Transfer_Encoding="chunked")

    assert_problem(answer, 411, "body.length")


def _bent(sandbox: Sandbox, person: Person, change: Any) -> str:
    members = msgspec.json.decode(sandbox.payload("transfer/1", from_=A, to=A, amount="1.00"))
    payload = change(members)
    raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
    return seal(raw, kid=person.key.kid, typ="tenge-tx", sign=person.key.sign)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(lambda m: m | {"role": "bank"}, "payload.member", id="a member too many"),
        pytest.param(lambda m: {k: m[k] for k in m if k != "nonce"}, "payload.member",
                     id="a member too few"),
        pytest.param(lambda m: m | {"kind": "mint/1"}, "payload.member", id="an unknown kind"),
        pytest.param(lambda m: m | {"not_after": "1"}, "payload.member", id="a time as text"),
        pytest.param(lambda m: m | {"not_after": 1}, "EXPIRED", id="a time long past"),
        pytest.param(lambda m: m | {"not_after": m["not_after"] + 10**9}, "NOT_AFTER_TOO_FAR",
                     id="a time too far"),
        pytest.param(lambda m: m | {"ledger": A}, "LEDGER_OTHER", id="another ledger"),
        pytest.param(lambda m: m | {"from": "x"}, "payload.member", id="an id too short"),
        pytest.param(lambda m: m | {"from": "é" * 22}, "id.base64", id="an id in other letters"),
        pytest.param(lambda m: msgspec.json.encode(m)[:-1] + b',"kind":"transfer/1"}',
                     "payload.repeated", id="a kind twice"),
        pytest.param(lambda m: msgspec.json.encode(m)[:-1] + b',"amount":"9.00"}',
                     "payload.repeated", id="an amount twice"),
        pytest.param(lambda m: b'\xef\xbb\xbf' + msgspec.json.encode(m), "payload.json",
                     id="a byte order mark"),
        pytest.param(lambda m: b"", "envelope.segments", id="no payload"),
        pytest.param(lambda m: b"[" * 5000, "payload.depth", id="5,000 brackets"),
        pytest.param(lambda m: m | {"nonce": "\u0000" * 16}, "payload.nul", id="NUL in a nonce"),
    ],
)  # fmt: skip
def test_a_well_signed_but_odd_payload_is_refused(
    sandbox: Sandbox, person: Person, change: Any, code: str
) -> None:
    answer = sandbox.submit(_bent(sandbox, person, change))

    assert answer.json["code"] == code, answer.json
    assert answer.status_code in (400, 409, 422)


def test_a_signature_of_another_kind_is_refused(sandbox: Sandbox, person: Person) -> None:
    request = sandbox.request("market", "5.00")

    answer = sandbox.submit(request)

    assert_problem(answer, 400, "envelope.typ")


@pytest.mark.parametrize("place", ["header", "payload", "signature"])
def test_one_changed_bit_is_refused(sandbox: Sandbox, person: Person, place: str) -> None:
    jws = sandbox.transfer(person, sandbox.world.persona("aigerim").account("KZTD"))
    parts = dict(zip(("header", "payload", "signature"), jws.split("."), strict=True))
    other = sandbox.transfer(person, sandbox.world.persona("aigerim").account("KZTD"), "2.00")
    strange = dict(zip(("header", "payload", "signature"), other.split("."), strict=True))
    strange["header"] = encode_segment(
        f'{{"alg":"Ed25519","kid":"{person.key.kid}","typ":"tenge-tx"}}'.encode()
    ).decode()
    parts[place] = strange[place]

    answer = sandbox.submit(".".join(parts.values()))

    assert_problem(answer, 401, "bad_signature")


def test_a_bad_request_signature_inside_a_pay_is_refused(sandbox: Sandbox, person: Person) -> None:
    request = sandbox.request("market", "5.00")
    forged = ".".join([*request.split(".")[:2], sandbox.request("market", "6.00").split(".")[2]])

    answer = sandbox.submit(sandbox.pay(person, "KZTD", forged))

    assert_problem(answer, 401, "bad_signature")
    assert answer.json["where"] == "request"


def test_a_batch_of_noise_answers_every_line(sandbox: Sandbox, person: Person) -> None:
    good = sandbox.transfer(person, sandbox.world.persona("aigerim").account("KZTD"))
    lines = [b"", b"a.b.c", b"\xff\xfe", good.encode(), b"{}", b"null", good.encode()]

    answer = sandbox.post(BATCH, raw=b"\n".join(lines), media=NDJSON)

    found = [json.loads(line) for line in answer.get_data().splitlines()]
    assert answer.status_code == 200
    assert ["problem" in line for line in found] == [True, True, True, False, True, True, False]
    assert found[3]["index"] == found[6]["index"]


def test_the_onboarded_key_is_nobodys_twice(sandbox: Sandbox, person: Person) -> None:
    again = sandbox.post(ONBOARD, {"jwk": jwk_of(person.key)}, key="publishable")

    assert again.status_code == 200
    assert again.json["party"] == person.party
