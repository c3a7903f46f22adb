"""Requests to pay over HTTP: who is asked for what, the answer, and plain ones that a transfer
quotes.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.sandbox import HOUR, Person, Sandbox, derived, on_both

pytestmark = on_both


def get(sandbox: Sandbox, path: str) -> dict[str, Any]:
    answer = sandbox.get(path, key="publishable")
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def ask(sandbox: Sandbox, payee: Person, asked: Person, **members: Any) -> str:
    """A signed request for 12.50; its id."""
    made = {
        "to": payee.accounts["KZTD"], "amount": "12.50", "reference": "INV-1",
        "ends_at": sandbox.ledger.time() + HOUR, "from_": asked.accounts["KZTD"],
    } | members  # fmt: skip
    jws = sandbox.sign(payee.key, "ask/1", **made)
    answer = sandbox.submit(jws)
    assert answer.status_code == 201, answer.json
    return derived(jws, "ask")


def plain(sandbox: Sandbox, payee: Person, **members: Any) -> Any:
    made = {
        "to": payee.accounts["KZTD"], "amount": "12.50", "reference": "INV-1",
        "ends_at": sandbox.ledger.time() + HOUR,
    } | members  # fmt: skip
    return sandbox.post("/v1/plain-asks", made, key="publishable")


def quote(sandbox: Sandbox, payer: Person, told: dict[str, Any], **members: Any) -> Any:
    made = {"nonce": told["id"], "from_": payer.accounts["KZTD"], "to": told["to"],
            "amount": told["amount"]} | members  # fmt: skip
    return sandbox.submit(sandbox.sign(payer.key, "transfer/1", **made))


def test_an_ask_is_told_while_it_waits(sandbox: Sandbox, person: Person) -> None:
    payee = sandbox.joined()
    id = ask(sandbox, payee, person)

    told = get(sandbox, f"/v1/asks/{id}")

    assert told["ends_at"] > sandbox.ledger.time()
    assert told == {
        "id": id, "payee": payee.party, "payer": person.party, "to": payee.accounts["KZTD"],
        "from": person.accounts["KZTD"], "asset": "KZTD", "amount": "12.50", "reference": "INV-1",
        "status": "open", "ends_at": told["ends_at"], "paid_by": None, "refunded": "0.00",
        "refunded_tenge": "0.00", "written": told["written"],
    }  # fmt: skip
    assert told in get(sandbox, f"/v1/parties/{person.party}/asks")["asks"]
    assert get(sandbox, f"/v1/parties/{payee.party}/asks?side=payee")["asks"] == [told]
    assert get(sandbox, f"/v1/parties/{payee.party}/asks")["asks"] == []


def test_an_ask_that_is_paid_says_how_and_what_was_given_back(
    sandbox: Sandbox, person: Person
) -> None:
    payee = sandbox.joined()
    id = ask(sandbox, payee, person, from_=None, payer=person.party)
    jws = sandbox.sign(person.key, "ask_pay/1", ask=id, from_=person.accounts["KZTD"])
    paid = sandbox.submit(jws).json
    back = sandbox.sign(payee.key, "refund/1", payment=id, from_=payee.accounts["KZTD"],
                        to=person.accounts["KZTD"], amount="2.50")  # fmt: skip
    assert sandbox.submit(back).status_code == 201

    told = get(sandbox, f"/v1/asks/{id}")

    assert (told["status"], told["ends_at"], told["from"]) == ("paid", None, None)
    assert (told["written"], told["paid_by"]) == (paid["index"], person.accounts["KZTD"])
    assert (told["refunded"], told["refunded_tenge"]) == ("2.50", "0.00")
    assert all(one["id"] != id for one in get(sandbox, f"/v1/parties/{person.party}/asks")["asks"])
    assert get(sandbox, f"/v1/parties/{payee.party}/asks?side=payee")["asks"] == [told]


def test_pages_hold_every_ask_once(sandbox: Sandbox, person: Person) -> None:
    payee = sandbox.joined()
    made = [ask(sandbox, payee, person, amount=f"{n}.00") for n in range(1, 6)]
    path, found = f"/v1/parties/{payee.party}/asks?side=payee&limit=2", []
    page = get(sandbox, path)
    while True:
        assert len(page["asks"]) <= 2
        found += [one["id"] for one in page["asks"]]
        if page["next"] is None:
            break
        page = get(sandbox, f"{path}&after={page['next']}")

    assert sorted(found) == sorted(made)


def test_who_reads_events_of_an_account_hears_that_it_is_asked(
    sandbox: Sandbox, person: Person
) -> None:
    payee = sandbox.joined()
    after = sandbox.get("/v1/events").json["next"]
    id = ask(sandbox, payee, person)
    ask(sandbox, payee, sandbox.joined())

    path = f"/v1/events?after={after}&account={person.accounts['KZTD']}"
    heard = get(sandbox, path)["events"]

    assert [(one["kind"], one["facts"]) for one in heard] == [("ask/1", {"ask": id})]


def test_a_plain_ask_is_paid_by_the_transfer_that_quotes_it(
    sandbox: Sandbox, person: Person
) -> None:
    payee = sandbox.joined()
    answer = plain(sandbox, payee)
    told = answer.json
    assert (answer.status_code, told["status"], told["payment"]) == (201, "open", None)
    path = f"/v1/plain-asks/{told['id']}"
    for members in ({"nonce": "another-nonce-000"}, {"amount": "12.49"}):
        assert quote(sandbox, person, told, **members).status_code == 201
    assert get(sandbox, path)["status"] == "open"

    paid = quote(sandbox, person, told).json
    second = quote(sandbox, person, told, from_=person.accounts["KZTD"], ahead=HOUR // 2)

    assert second.status_code == 201
    found = get(sandbox, path)
    assert found["status"] == "paid"
    assert (found["payment"]["index"], found["payment"]["id"]) == (paid["index"], paid["id"])
    assert get(sandbox, path) == found, "the first counts, however often it is asked"


def test_a_plain_ask_ends_and_may_still_be_paid_late(sandbox: Sandbox, person: Person) -> None:
    payee = sandbox.joined()
    told = plain(sandbox, payee, ends_at=sandbox.ledger.time() + 250).json
    path = f"/v1/plain-asks/{told['id']}"
    while sandbox.ledger.time() < told["ends_at"]:
        assert get(sandbox, path)["payment"] is None
    assert get(sandbox, path)["status"] == "expired"

    paid = quote(sandbox, person, told).json

    found = get(sandbox, path)
    assert (found["status"], found["payment"]["index"]) == ("paid", paid["index"])
    assert found["payment"]["at"] > found["ends_at"]


def test_a_payment_is_found_behind_many_others(
    sandbox: Sandbox, person: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look goes over so many rows and remembers how far; the next goes on from there."""
    monkeypatch.setattr("sandbox_api.reading.asks.PAGE_ROWS_MAX", 2)
    monkeypatch.setattr("sandbox_api.reading.asks.PLAIN_ASK_ROWS_MAX", 4)
    payee = sandbox.joined()
    told = plain(sandbox, payee).json
    for n in range(9):
        nonce = f"another-nonce-{n:03}"
        assert quote(sandbox, person, told, nonce=nonce).status_code == 201
    paid = quote(sandbox, person, told).json
    path = f"/v1/plain-asks/{told['id']}"

    looks = [get(sandbox, path) for _ in range(3)]

    assert [look["status"] for look in looks] == ["open", "open", "paid"]
    assert told["size"] < looks[0]["size"] < looks[1]["size"] <= paid["index"]
    assert looks[2]["payment"]["index"] == paid["index"]


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"to": "A" * 22}, "ACCOUNT_UNKNOWN"),
        ({"amount": "12.5"}, "amount.form"),
        ({"amount": "0.00"}, "amount.zero"),
        ({"ends_at": 1}, "DATES_CONFLICT"),
        ({"ends_at": 1 << 47}, "DATES_CONFLICT"),
        ({"reference": "Айгүл"}, "body.member"),
        ({"reference": "INV-1\n"}, "body.member"),
        ({"reference": ""}, "body.member"),
        ({"reference": "A" * 65}, "body.member"),
        ({"amount": 12}, "body.member"),
        ({"note": "tea"}, "body.member"),
    ],
)
def test_a_plain_ask_that_nobody_could_pay_is_not_kept(
    sandbox: Sandbox, person: Person, members: dict[str, Any], code: str
) -> None:
    answer = plain(sandbox, person, **members)

    assert answer.json["code"] == code
    assert answer.status_code >= 400


def test_unknown_ids_are_not_found(sandbox: Sandbox, person: Person) -> None:
    for path in (
        f"/v1/asks/{person.party}", f"/v1/plain-asks/{person.party}",
        f"/v1/parties/{'A' * 22}/asks",
    ):  # fmt: skip
        answer = sandbox.get(path)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    for query in ("side=both", "limit=0", "limit=201", "after=x", "before=1"):
        assert sandbox.get(f"/v1/parties/{person.party}/asks?{query}").status_code == 400


def test_a_payee_asks_one_payer_for_only_so_much_at_once(sandbox: Sandbox) -> None:
    payee, payer = sandbox.joined(), sandbox.joined()
    ids = [ask(sandbox, payee, payer) for _ in range(100)]
    made = {"to": payee.accounts["KZTD"], "amount": "1.00", "reference": "INV-101",
            "ends_at": sandbox.ledger.time() + HOUR, "payer": payer.party}  # fmt: skip

    refused = sandbox.submit(sandbox.sign(payee.key, "ask/1", **made))

    assert (refused.status_code, refused.json["code"]) == (403, "ASKS_OPEN_MAX")
    assert refused.json["reasons"][0]["params"] == {"limit": 100, "open": 100}
    assert "100" in refused.json["reasons"][0]["sentence"]
    taken_back = sandbox.sign(payee.key, "ask_withdraw/1", ask=ids[0])
    assert sandbox.submit(taken_back).status_code == 201
    assert sandbox.submit(sandbox.sign(payee.key, "ask/1", **made)).status_code == 201
