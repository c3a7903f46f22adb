"""Holds over HTTP: what is reserved, for whom, what of it was taken, what became of the request."""

from __future__ import annotations

from typing import Any

from ledger.core.ids import b64
from ledger.core.transaction import Request
from ledger.kinds import read_statement
from sandbox_api.reading.known import id_bytes
from tests.api.sandbox import HOUR, Person, Sandbox, derived, on_both

pytestmark = on_both


def shop(sandbox: Sandbox, asset: str = "KZTD", name: str = "market") -> str:
    return sandbox.world.persona(name).account(asset)


def hold(sandbox: Sandbox, person: Person, amount: str = "100.00") -> str:
    jws = sandbox.sign(person.key, "hold/1", from_=person.accounts["KZTD"], to=shop(sandbox),
                       amount=amount, ends_at=sandbox.ledger.time() + HOUR)  # fmt: skip
    assert sandbox.submit(jws).status_code == 201
    return derived(jws, "hold")


def capture(sandbox: Sandbox, id: str, amount: str, by: str = "market", last: bool = False) -> Any:
    return sandbox.submit(sandbox.sign(by, "capture/1", hold=id, amount=amount, last=last))


def told(sandbox: Sandbox, id: str) -> dict[str, Any]:
    answer = sandbox.get(f"/v1/holds/{id}")
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def listed(sandbox: Sandbox, account: str, query: str = "") -> dict[str, Any]:
    found: dict[str, Any] = sandbox.get(f"/v1/accounts/{account}/holds{query}").json
    return found


def test_a_hold_is_told_as_it_shrinks(sandbox: Sandbox, person: Person) -> None:
    before = sandbox.ledger.time()
    id = hold(sandbox, person)

    found = told(sandbox, id)
    assert (found["from"], found["to"]) == (person.accounts["KZTD"], shop(sandbox))
    assert (found["asset"], found["amount"], found["captured"], found["left"]) == (
        "KZTD", "100.00", "0.00", "100.00",
    )  # fmt: skip
    assert (found["value"], found["payment"], found["status"]) == ("100.00", None, "open")
    assert before + HOUR <= found["ends_at"] <= sandbox.ledger.time() + HOUR

    part = capture(sandbox, id, "30.00")
    found = told(sandbox, id)
    assert (found["captured"], found["left"], found["status"]) == ("30.00", "70.00", "open")
    assert found["written"] == part.json["index"]
    capture(sandbox, id, "20.00", last=True)
    found = told(sandbox, id)
    assert (found["captured"], found["left"], found["status"]) == ("50.00", "0.00", "captured")
    assert found["ends_at"] is None
    assert sandbox.get(f"/v1/accounts/{id}").json["kind"] == "hold"


def test_open_holds_are_listed_for_both_sides_page_by_page(
    sandbox: Sandbox, person: Person
) -> None:
    ids = [hold(sandbox, person, f"{n}.00") for n in range(1, 6)]
    account = person.accounts["KZTD"]

    found = listed(sandbox, account)
    assert [one["id"] for one in found["holds"]] == sorted(ids, key=id_bytes)
    assert found["next"] is None
    first = listed(sandbox, account, "?limit=2")
    second = listed(sandbox, account, f"?limit=3&after={first['next']}")
    assert first["holds"] + second["holds"] == found["holds"]
    assert second["next"] is None
    assert {one["id"] for one in listed(sandbox, shop(sandbox))["holds"]} >= set(ids)

    for id in ids:
        assert sandbox.submit(sandbox.sign("market", "void/1", hold=id)).status_code == 201
    assert listed(sandbox, account) == {"holds": [], "next": None}
    assert not {one["id"] for one in listed(sandbox, shop(sandbox))["holds"]} & set(ids)


def test_over_capture_is_a_problem_that_says_what_is_left(sandbox: Sandbox, person: Person) -> None:
    id = hold(sandbox, person)

    answer = capture(sandbox, id, "100.01")

    assert (answer.status_code, answer.json["code"]) == (422, "CAPTURE_TOO_MUCH")
    assert answer.json["reasons"][0]["params"] == {"amount": "100.01", "left": "100.00"}
    assert told(sandbox, id)["left"] == "100.00"


def test_a_dry_run_of_a_hold_shows_every_rule_and_holds_nothing(
    sandbox: Sandbox, person: Person
) -> None:
    jws = sandbox.sign(person.key, "hold/1", from_=person.accounts["KZTD"], to=shop(sandbox),
                       amount="1.00", ends_at=sandbox.ledger.time() + HOUR)  # fmt: skip

    answer = sandbox.submit(jws, "?dry_run=true")

    assert answer.status_code == 200, answer.json
    assert listed(sandbox, person.accounts["KZTD"])["holds"] == []


def test_a_request_that_is_held_says_so_and_then_what_was_captured(
    sandbox: Sandbox, person: Person
) -> None:
    request = sandbox.request("cafe", "1290.00")
    sandbox.post("/v1/payment-requests", {"request": request}, key="publishable")
    path = f"/v1/payment-requests/{b64(read_statement(request, Request)[0].id)}"
    jws = sandbox.sign(person.key, "hold_request/1", from_=person.accounts["tUSDT"],
                       request=request, ends_at=sandbox.ledger.time() + HOUR)  # fmt: skip
    assert sandbox.submit(jws).status_code == 201
    id = derived(jws, "hold")

    found = sandbox.get(path).json
    assert (found["status"], found["payment"]) == ("held", None)
    assert told(sandbox, id)["value"] == "1290.00"
    assert told(sandbox, id)["payment"] == found["id"]

    first = capture(sandbox, id, "1.000000", "cafe").json
    capture(sandbox, id, "0.500000", "cafe", last=True)
    found = sandbox.get(path).json
    assert found["status"] == "paid"
    assert found["payment"] == {
        "index": first["index"], "at": first["at"], "id": first["id"], "asset": "tUSDT",
        "amount": "1.500000", "value": told_value(sandbox, id, "1.500000"), "vat": None,
    }  # fmt: skip


def told_value(sandbox: Sandbox, id: str, amount: str) -> str:
    """What a part of the hold is worth: its share of the whole, rounded down."""
    found = told(sandbox, id)
    units, whole, value = (
        int(text.replace(".", "")) for text in (amount, found["amount"], found["value"])
    )
    tiyn = units * value // whole
    return f"{tiyn // 100}.{tiyn % 100:02}"


def test_what_falls_through_at_the_till_is_void(sandbox: Sandbox, person: Person) -> None:
    request = sandbox.request("cafe", "10.00")
    sandbox.post("/v1/payment-requests", {"request": request}, key="publishable")
    jws = sandbox.sign(person.key, "hold_request/1", from_=person.accounts["KZTD"],
                       request=request, ends_at=sandbox.ledger.time() + HOUR)  # fmt: skip
    sandbox.submit(jws)
    sandbox.submit(sandbox.sign("cafe", "void/1", hold=derived(jws, "hold")))

    found = sandbox.get(f"/v1/payment-requests/{b64(read_statement(request, Request)[0].id)}").json

    assert (found["status"], found["payment"]) == ("void", None)


def test_what_is_no_hold_is_not_found(sandbox: Sandbox, person: Person) -> None:
    for path in (f"/v1/holds/{'A' * 22}", f"/v1/accounts/{'A' * 22}/holds",
                 f"/v1/holds/{person.accounts['KZTD']}"):  # fmt: skip
        answer = sandbox.get(path)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found"), path
