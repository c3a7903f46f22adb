"""Venues, quotes and what takes them over HTTP, in both databases."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.core.amount import format_amount, parse_amount
from ledger.core.quote import Quote
from ledger.kinds import read_statement
from sandbox_api.custody_protocol import Wanted
from sandbox_api.demo_exchange import QUOTE_MS, DemoExchange
from sandbox_api.prices import BuiltIn
from tests.api.sandbox import Person, Sandbox, key_of, on_both

pytestmark = on_both


def quoted(sandbox: Sandbox, **wanted: Any) -> Any:
    answer = sandbox.post("/v1/quotes", wanted)
    assert answer.status_code == 201, answer.json
    return answer.json


def taken(sandbox: Sandbox, person: Person, quote: Any) -> Any:
    return sandbox.submit(sandbox.sign(
        person.key, "exchange/1", quote=quote["quote"],
        from_=person.accounts[quote["sell"]["asset"]], to=person.accounts[quote["buy"]["asset"]],
    ))  # fmt: skip


def balance(sandbox: Sandbox, account: str) -> str:
    text: str = sandbox.get(f"/v1/accounts/{account}").json["balance"]
    return text


def licensed(sandbox: Sandbox, status: str) -> None:
    exchange = sandbox.world.persona("exchange")
    answer = sandbox.submit(sandbox.sign(
        "supervisor", "venue/1", venue=exchange.party, assets=["tUSDT", "tBTC", "tETH"],
        status=status,
    ))  # fmt: skip
    assert answer.status_code == 201, answer.json


def test_the_exchange_is_a_licensed_venue(sandbox: Sandbox) -> None:
    exchange, supervisor = sandbox.world.persona("exchange"), sandbox.world.persona("supervisor")

    told = sandbox.get("/v1/venues").json

    assert told["next"] is None
    (venue,) = told["venues"]
    assert venue | {"written": 0} == {
        "venue": exchange.party, "name": exchange.title, "assets": ["tUSDT", "tBTC", "tETH"],
        "status": "active", "supervisor": supervisor.party, "written": 0,
    }  # fmt: skip


def test_a_quote_is_made_taken_and_then_used(sandbox: Sandbox, person: Person) -> None:
    quote = quoted(sandbox, sell="tUSDT", buy="KZTD", sell_amount="2.000000", taker=person.party)
    assert quote["sell"] == {"asset": "tUSDT", "amount": "2.000000"}
    assert quote["venue"] == sandbox.world.persona("exchange").party
    before = sandbox.get(f"/v1/quotes/{quote['id']}").json
    assert (before["status"], before["taker"]) == ("open", None)

    answer = taken(sandbox, person, quote)

    assert answer.status_code == 201, answer.json
    assert sandbox.get(f"/v1/quotes/{quote['id']}").json == {
        "id": quote["id"], "status": "used", "not_after": quote["not_after"],
        "maker": quote["venue"], "taker": person.party, "used_at": answer.json["index"],
    }  # fmt: skip
    assert balance(sandbox, person.accounts["tUSDT"]) == "98.000000"
    got = parse_amount(quote["buy"]["amount"], 2)
    assert balance(sandbox, person.accounts["KZTD"]) == format_amount(5_000_000 + got, 2)
    again = taken(sandbox, person, quote)
    assert (again.status_code, again.json["code"]) == (409, "QUOTE_USED")


def test_the_shop_gets_tenge_and_the_request_says_so(sandbox: Sandbox, person: Person) -> None:
    request = sandbox.request("market", "1290.00")
    made = sandbox.post("/v1/payment-requests", {"request": request}).json
    quote = quoted(sandbox, sell="tUSDT", buy="KZTD", buy_amount="1290.00")
    assert quote["buy"] == {"asset": "KZTD", "amount": "1290.00"}

    answer = sandbox.submit(sandbox.sign(
        person.key, "convert_pay/1", from_=person.accounts["tUSDT"], request=request,
        quote=quote["quote"],
    ))  # fmt: skip

    assert answer.status_code == 201, answer.json
    told = sandbox.get(f"/v1/payment-requests/{made['id']}").json
    assert told["status"] == "paid"
    assert told["payment"] | {"at": 0, "id": ""} == {
        "index": answer.json["index"], "at": 0, "id": "", "asset": "KZTD", "amount": "1290.00",
        "value": "1290.00", "vat": None,
    }  # fmt: skip


def test_a_suspended_venue_still_signs_and_nobody_can_take_it(
    sandbox: Sandbox, person: Person
) -> None:
    licensed(sandbox, "suspended")
    try:
        quote = quoted(sandbox, sell="KZTD", buy="tUSDT", buy_amount="1.000000")

        answer = taken(sandbox, person, quote)

        assert (answer.status_code, answer.json["code"]) == (403, "VENUE_NOT_ACTIVE")
        assert sandbox.get("/v1/venues").json["venues"][0]["status"] == "suspended"
    finally:
        licensed(sandbox, "active")


def test_nobody_hears_what_the_exchange_holds(sandbox: Sandbox, person: Person) -> None:
    quote = quoted(sandbox, sell="tUSDT", buy="KZTD", buy_amount="999999999999.00")

    answer = taken(sandbox, person, quote)

    reasons = {reason["code"]: reason["params"] for reason in answer.json["reasons"]}
    assert reasons.keys() == {"HOLDING_MAX", "INVENTORY", "FUNDS"}
    assert reasons["INVENTORY"] == {"asset": "KZTD", "amount": "999999999999.00"}
    assert reasons["FUNDS"]["available"] == "100.000000"


def test_a_quote_runs_out_on_the_sandboxs_clock(sandbox: Sandbox, person: Person) -> None:
    key = key_of("exchange")
    at = sandbox.ledger.time() - QUOTE_MS - 1_000
    wanted = Wanted("tUSDT", "KZTD", "1.000000", None, None)
    jws = DemoExchange(sandbox.world, key, BuiltIn()).quote(wanted, at)
    quote, _ = read_statement(jws, Quote)

    answer = taken(sandbox, person, {"quote": jws, "sell": {"asset": "tUSDT"},
                                     "buy": {"asset": "KZTD"}})  # fmt: skip

    assert (answer.status_code, answer.json["code"]) == (409, "QUOTE_EXPIRED")
    assert quote.body.not_after == at + QUOTE_MS


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        pytest.param({"sell": "tUSDT", "buy": "tUSDT", "buy_amount": "1.000000"}, "quote.pair",
                     id="one asset"),
        pytest.param({"sell": "tNONE", "buy": "KZTD", "buy_amount": "1.00"}, "quote.pair",
                     id="no asset"),
        pytest.param({"sell": "tUSDT", "buy": "KZTD"}, "quote.amount", id="no amount"),
        pytest.param({"sell": "tUSDT", "buy": "KZTD", "buy_amount": "1.00",
                      "sell_amount": "1.000000"}, "quote.amount", id="two amounts"),
        pytest.param({"sell": "tUSDT", "buy": "KZTD", "buy_amount": "1"}, "amount.form",
                     id="another form"),
        pytest.param({"sell": "tUSDT", "buy": "KZTD", "buy_amount": "0.00"}, "amount.zero",
                     id="nothing"),
        pytest.param({"sell": "tUSDT", "buy": "tBTC", "sell_amount": "0.000001"}, "amount.zero",
                     id="too little"),
        pytest.param({"sell": "KZTD", "buy": "tBTC", "buy_amount": "90000000000.00000000"},
                     "amount.range", id="too much"),
    ],
)  # fmt: skip
def test_what_is_not_quoted(sandbox: Sandbox, wanted: dict[str, str], code: str) -> None:
    answer = sandbox.post("/v1/quotes", wanted)

    assert (answer.status_code, answer.json["code"]) == (400, code)
