"""Digital VAT over HTTP: a taxpayer's books, claims, the VAT in a payment and in a request."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.core.envelope import seal
from ledger.core.ids import b64
from ledger.core.vat import Invoice
from ledger.keys import SigningKey
from ledger.kinds import read_statement
from tests.api.sandbox import Person, Sandbox, derived, id_of, jwk_of, key_of, on_both

pytestmark = on_both


def done(sandbox: Sandbox, by: Any, kind: str, **members: Any) -> str:
    jws = sandbox.sign(by, kind, **members)
    answer = sandbox.submit(jws)
    assert answer.status_code == 201, answer.json
    return jws


def told(sandbox: Sandbox, path: str) -> dict[str, Any]:
    answer = sandbox.get(path)
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def an_invoice(sandbox: Sandbox, seller: str, *lines: tuple[str, str]) -> str:
    key = key_of(seller)
    said = [{"category": category, "amount": amount} for category, amount in lines]
    account = sandbox.world.persona(seller).account("KZTD")
    payload = sandbox.payload("invoice/1", account=account, reference="I-1", lines=said)
    return seal(payload, kid=key.kid, typ="tenge-request", sign=key.sign)


def payment_of(invoice: str) -> str:
    return b64(read_statement(invoice, Invoice)[0].id)


def taxpayer(sandbox: Sandbox, name: str) -> dict[str, Any]:
    """The named shop as a taxpayer, registered if it is not yet."""
    party = sandbox.world.persona(name).party
    if sandbox.get(f"/v1/taxpayers/{party}").status_code == 404:
        budget = sandbox.world.persona("treasury").account("KZTD")
        done(sandbox, "treasury", "vat_register/1", taxpayer=party, budget=budget)
    return told(sandbox, f"/v1/taxpayers/{party}")


@pytest.fixture(autouse=True)
def _registered(sandbox: Sandbox) -> None:
    for name in ("market", "cafe"):
        taxpayer(sandbox, name)


def tiyn(text: str) -> int:
    return int(text.replace(".", ""))


def moved(before: dict[str, Any], after: dict[str, Any]) -> dict[str, int]:
    """By how much a taxpayer's books moved; and that they balance."""
    names = ("output", "input", "paid", "balance", "credit")
    books = {name: tiyn(after[name]) for name in names}
    assert books["output"] - books["input"] == books["paid"] + books["balance"] - books["credit"]
    return {name: tiyn(after[name]) - tiyn(before[name]) for name in names}


def test_a_taxpayers_books_balance(sandbox: Sandbox, person: Person) -> None:
    before = taxpayer(sandbox, "market")
    invoice = an_invoice(sandbox, "market", ("standard", "1160.00"), ("zero", "100.00"))
    mine = person.accounts["KZTD"]
    jws = done(sandbox, person.key, "invoice_pay/1", from_=mine, from_vat=None, invoice=invoice)
    done(sandbox, "market", "vat_pay/1", from_=before["account"], amount="60.00")

    after = taxpayer(sandbox, "market")
    assert moved(before, after) == {
        "output": 160_00, "input": 0, "paid": 60_00, "balance": 100_00, "credit": 0
    }  # fmt: skip
    assert tiyn(after["zero_rated"]) - tiyn(before["zero_rated"]) == 100_00
    treasury = sandbox.world.persona("treasury")
    assert (after["budget"], after["registered_by"]) == (treasury.account("KZTD"), treasury.party)
    assert told(sandbox, f"/v1/accounts/{after['account']}")["mark"] == "vat"
    assert told(sandbox, f"/v1/transactions/{id_of(jws)}")["facts"]["vat"] == "16000"
    part = told(sandbox, f"/v1/payments/{payment_of(invoice)}/vat")
    assert (part["vat"], part["back"], part["zero_rated"], part["status"]) == (
        "160.00", "0.00", "100.00", "paid"
    )  # fmt: skip
    assert (part["buyer"], part["deductible"], part["from_vat"]) == (person.party, False, None)


def test_a_claim_is_told_while_it_waits_and_when_it_is_denied(sandbox: Sandbox) -> None:
    cafe = sandbox.world.persona("cafe")
    bank = sandbox.world.persona("bank").account("KZTD")
    done(sandbox, "bank", "transfer/1", from_=bank, to=cafe.account("KZTD"), amount="500.00")
    invoice = an_invoice(sandbox, "market", ("standard", "116.00"))
    done(sandbox, "cafe", "invoice_pay/1", from_=cafe.account("KZTD"), from_vat=None,
         invoice=invoice)  # fmt: skip
    sold = an_invoice(sandbox, "cafe", ("zero", "1000.00"))
    done(sandbox, "bank", "invoice_pay/1", from_=bank, from_vat=None, invoice=sold)
    now = sandbox.ledger.time()
    for name in ("market", "cafe"):
        done(sandbox, "treasury", "vat_attest/1", exporter=name == "cafe", filed_until=now,
             taxpayer=sandbox.world.persona(name).party)  # fmt: skip

    jws = done(sandbox, "cafe", "vat_claim/1", payments=[payment_of(invoice)],
               to=cafe.account("KZTD"))  # fmt: skip

    id = derived(jws, "claim")
    found = told(sandbox, f"/v1/vat-claims/{id}")
    assert (found["amount"], found["status"], found["payments"]) == (
        "16.00", "open", [payment_of(invoice)]
    )  # fmt: skip
    assert found["due"] > sandbox.ledger.time()
    assert found in told(sandbox, f"/v1/taxpayers/{cafe.party}/claims")["claims"]
    after = taxpayer(sandbox, "cafe")
    assert (after["exporter"], after["filed_until"]) == (True, now)
    done(sandbox, "treasury", "vat_deny/1", claim=id, order="D-1")
    found = told(sandbox, f"/v1/vat-claims/{id}")
    assert (found["status"], found["due"]) == ("denied", None)
    assert told(sandbox, f"/v1/payments/{payment_of(invoice)}/vat")["status"] == "paid"
    moved(after, taxpayer(sandbox, "cafe"))


def test_a_request_says_what_vat_it_puts_apart(sandbox: Sandbox, person: Person) -> None:
    request = sandbox.request("market", "116.00", vat="standard")
    made = sandbox.post("/v1/payment-requests", {"request": request})
    assert made.status_code == 201, made.json
    assert sandbox.submit(sandbox.pay(person, "KZTD", request)).status_code == 201

    found = told(sandbox, f"/v1/payment-requests/{made.json['id']}")

    assert found["vat"] == "standard"
    assert found["payment"]["vat"] == "16.00"


@pytest.mark.parametrize(
    "path", ["/v1/taxpayers/{}", "/v1/taxpayers/{}/claims", "/v1/vat-claims/{}",
             "/v1/payments/{}/vat"]
)  # fmt: skip
def test_what_is_not_there_is_not_found(sandbox: Sandbox, person: Person, path: str) -> None:
    assert sandbox.get(path.format(person.party)).status_code == 404


def test_a_till_asks_for_ordinary_money_and_not_for_vat(sandbox: Sandbox) -> None:
    """A VAT account is in tenge too; a device that took it for its own could not be paid."""
    key = SigningKey.generate()
    enrolled = sandbox.post("/v1/sandbox/tills", {"jwk": jwk_of(key), "till": "cafe"}).json

    accounts = [row["id"] for row in enrolled["accounts"]]
    assert sandbox.world.persona("cafe").account("KZTD") in accounts
    assert taxpayer(sandbox, "cafe")["account"] not in accounts
