"""Payment requests: asked by a till, opened by a wallet, told with what became of them."""

from __future__ import annotations

import time
import xml.etree.ElementTree as ET
from typing import Any

import pytest

from ledger.core.envelope import seal
from ledger.core.ids import b64
from ledger.core.transaction import Request
from ledger.keys import SigningKey
from ledger.kinds import read_statement
from tests.api.sandbox import Person, Sandbox, jwk_of, on_both

pytestmark = on_both


def asked(sandbox: Sandbox, request: str) -> dict[str, Any]:
    answer = sandbox.post("/v1/payment-requests", {"request": request}, key="publishable")
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def told(sandbox: Sandbox, id: str, lang: str = "en") -> dict[str, Any]:
    found: dict[str, Any] = sandbox.get(
        f"/v1/payment-requests/{id}?lang={lang}", key="publishable"
    ).json
    return found


def test_a_request_gets_the_id_that_its_bytes_give_it(sandbox: Sandbox) -> None:
    request = sandbox.request("market", "1290.00")

    made = asked(sandbox, request)

    assert made["id"] == b64(read_statement(request, Request)[0].id)
    assert made["url"] == f"http://localhost:8080/p/{made['id']}"
    found = told(sandbox, made["id"])
    assert (found["status"], found["request"], found["total"]) == ("open", request, "1290.00")
    assert found["terminal"] == sandbox.world.till("market").kid
    assert found["merchant"] == sandbox.world.persona("market").party
    assert [tender["asset"] for tender in found["tenders"]] == ["KZTD", "tUSDT"]


def test_the_same_request_twice_is_one(sandbox: Sandbox) -> None:
    request = sandbox.request("market", "1290.00")

    assert asked(sandbox, request) == asked(sandbox, request)


def test_a_paid_request_says_how(sandbox: Sandbox, person: Person) -> None:
    made = asked(sandbox, request := sandbox.request("cafe", "1290.00"))
    paid = sandbox.submit(sandbox.pay(person, "tUSDT", request)).json

    found = told(sandbox, made["id"])

    tender = found["tenders"][1]
    assert found["status"] == "paid"
    assert found["payment"]["index"] == paid["index"]
    assert found["payment"]["id"] == paid["id"]
    assert (found["payment"]["asset"], found["payment"]["amount"]) == ("tUSDT", tender["amount"])
    assert found["payment"]["value"] == "1290.00"


def test_a_refunded_request_still_says_how_it_was_paid(sandbox: Sandbox, person: Person) -> None:
    made = asked(sandbox, request := sandbox.request("market", "90.00"))
    paid = sandbox.submit(sandbox.pay(person, "KZTD", request)).json
    for amount in ("30.00", "20.00"):
        refund = sandbox.sign(
            "market", "refund/1", payment=made["id"],
            from_=sandbox.world.persona("market").account("KZTD"),
            to=person.accounts["KZTD"], amount=amount,
        )  # fmt: skip
        assert sandbox.submit(refund).status_code == 201

    found = told(sandbox, made["id"])

    assert found["status"] == "paid"
    assert found["payment"]["index"] == paid["index"]
    assert found["payment"]["amount"] == "90.00"


def test_a_refused_attempt_is_told_with_its_reasons(sandbox: Sandbox, person: Person) -> None:
    made = asked(sandbox, request := sandbox.request("market", "1290.00"))
    sandbox.submit(sandbox.pay(person, "tUSDT", request))

    found = told(sandbox, made["id"], "ru")

    assert found["status"] == "open"
    assert [reason["code"] for reason in found["refusal"]["reasons"]] == ["ZONE_OUTSIDE"]
    assert "тенге" in found["refusal"]["reasons"][0]["sentence"]
    sandbox.submit(sandbox.pay(person, "KZTD", request))
    assert told(sandbox, made["id"])["refusal"] is None


def test_a_refusal_of_another_request_is_not_told(sandbox: Sandbox, person: Person) -> None:
    made = asked(sandbox, sandbox.request("market", "1290.00"))
    sandbox.submit(sandbox.pay(person, "tUSDT", sandbox.request("market", "1300.00")))

    assert told(sandbox, made["id"])["refusal"] is None


def test_a_request_that_ran_out_is_expired(sandbox: Sandbox) -> None:
    made = asked(sandbox, sandbox.request("market", "5.00", ahead=120))
    not_after = told(sandbox, made["id"])["not_after"]
    while sandbox.ledger.time() <= not_after:
        time.sleep(0.01)

    assert told(sandbox, made["id"])["status"] == "expired"


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        pytest.param({"ledger": "A" * 22}, 422, "LEDGER_OTHER", id="of another ledger"),
        pytest.param({"ahead": -1_000}, 409, "REQUEST_EXPIRED", id="over already"),
        pytest.param({"ahead": 90_000_000}, 409, "REQUEST_EXPIRED", id="more than a day ahead"),
        pytest.param({"total": "0.00"}, 400, "amount.zero", id="of nothing"),
        pytest.param({"total": "1e3"}, 400, "amount.form", id="of an odd amount"),
        pytest.param({"tenders": []}, 400, "payload.member", id="without a tender"),
        pytest.param({"reference": "x" * 65}, 400, "payload.member", id="with a long reference"),
        pytest.param({"tip": "1.00"}, 400, "payload.member", id="with a member too many"),
    ],
)
def test_a_request_nobody_could_pay_is_refused(
    sandbox: Sandbox, change: dict[str, Any], status: int, code: str
) -> None:
    request = sandbox.request("market", "5.00", **change)

    answer = sandbox.post("/v1/payment-requests", {"request": request})

    assert (answer.status_code, answer.json["code"]) == (status, code), answer.json


def test_one_asset_is_offered_once(sandbox: Sandbox) -> None:
    account = sandbox.world.persona("market").account("KZTD")
    tender = {"asset": "KZTD", "account": account, "amount": "5.00"}
    request = sandbox.request("market", "5.00", tenders=[tender, tender])

    answer = sandbox.post("/v1/payment-requests", {"request": request})

    assert (answer.status_code, answer.json["code"]) == (400, "request.tenders")


def test_a_request_by_a_key_that_is_no_till_is_refused(sandbox: Sandbox, person: Person) -> None:
    payload = sandbox.payload(
        "request/1", total="5.00", reference="", reusable=False,
        tenders=[{"asset": "KZTD", "account": person.accounts["KZTD"], "amount": "5.00"}],
    )  # fmt: skip
    request = seal(payload, kid=person.key.kid, typ="tenge-request", sign=person.key.sign)

    answer = sandbox.post("/v1/payment-requests", {"request": request})

    assert (answer.status_code, answer.json["code"]) == (403, "TERMINAL_UNKNOWN")


def test_a_forged_request_is_refused(sandbox: Sandbox) -> None:
    good = sandbox.request("market", "5.00")
    forged = ".".join([*good.split(".")[:2], sandbox.request("market", "6.00").split(".")[2]])

    answer = sandbox.post("/v1/payment-requests", {"request": forged})

    assert (answer.status_code, answer.json["code"]) == (401, "bad_signature")


def test_the_qr_needs_no_key_and_holds_the_link(sandbox: Sandbox) -> None:
    made = asked(sandbox, sandbox.request("market", "5.00"))

    answer = sandbox.get(made["qr"], key=None)

    assert (answer.status_code, answer.content_type) == (200, "image/svg+xml")
    picture = ET.fromstring(answer.get_data())
    assert picture.tag == "{http://www.w3.org/2000/svg}svg"
    # Version 4 (33 modules) with a border of 4 on each side: small enough for a phone's camera.
    assert picture.attrib["viewBox"] == f"0 0 {(33 + 8) * 8} {(33 + 8) * 8}"
    other = sandbox.get(f"/v1/payment-requests/{'A' * 22}/qr.svg", key=None)
    assert other.get_data() != answer.get_data()


def test_a_device_becomes_a_till_and_asks_for_money(sandbox: Sandbox, person: Person) -> None:
    key = SigningKey.generate()
    enrolled = sandbox.post(
        "/v1/sandbox/tills", {"jwk": jwk_of(key), "till": "cafe"}, key="publishable"
    )
    again = sandbox.post("/v1/sandbox/tills", {"jwk": jwk_of(key), "till": "cafe"})
    elsewhere = sandbox.post("/v1/sandbox/tills", {"jwk": jwk_of(key), "till": "market"})

    assert (enrolled.status_code, again.status_code) == (201, 200)
    assert enrolled.json == again.json
    assert (elsewhere.status_code, elsewhere.json["code"]) == (409, "ALREADY_REGISTERED")
    account = {row["asset"]: row["id"] for row in enrolled.json["accounts"]}["KZTD"]
    payload = sandbox.payload(
        "request/1", total="5.00", reference="", reusable=False,
        tenders=[{"asset": "KZTD", "account": account, "amount": "5.00"}],
    )  # fmt: skip
    request = seal(payload, kid=key.kid, typ="tenge-request", sign=key.sign)
    made = asked(sandbox, request)
    assert sandbox.submit(sandbox.pay(person, "KZTD", request)).status_code == 201
    assert told(sandbox, made["id"])["status"] == "paid"
