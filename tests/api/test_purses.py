"""Purses over HTTP: made by the demo bank, certified, noticed; what the ledger tells of them."""

from __future__ import annotations

import secrets
from typing import Any

from ledger.core import offline
from ledger.core.ids import b64, decode_segment, unb64
from ledger.keys import SigningKey, verify
from sandbox_api.purse import Purse
from tests.api.sandbox import Person, Sandbox, jwk_of, on_both

pytestmark = on_both


def told(sandbox: Sandbox, path: str, status: int = 200, **query: Any) -> dict[str, Any]:
    answer = sandbox.get(path, **query)
    assert answer.status_code == status, answer.json
    found: dict[str, Any] = answer.json
    return found


def done(sandbox: Sandbox, person: Person, kind: str, **members: Any) -> dict[str, Any]:
    answer = sandbox.submit(sandbox.sign(person.key, kind, **members))
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def form(sandbox: Sandbox, path: str) -> bytes:
    return decode_segment(told(sandbox, path, key="publishable")["form"].encode())


def a_purse(sandbox: Sandbox, person: Person, load: str = "") -> Purse:
    """A person's purse on a new device, with so much on it."""
    key = SigningKey.from_seed(secrets.token_bytes(32))
    home = person.accounts["KZTD"]
    answer = sandbox.post(
        "/v1/sandbox/purses", {"jwk": jwk_of(key), "home": home}, key="publishable"
    )
    assert answer.status_code == 201, answer.json
    made = Purse.make(
        key, ledger=sandbox.ledger.id, home=home,
        central_bank=sandbox.key_of("central-bank").public_key,
    )  # fmt: skip
    if load:
        done(sandbox, person, "purse_load/1", from_=home, purse=made.id, amount=load)
    refresh(sandbox, made)
    return made


def refresh(sandbox: Sandbox, purse: Purse) -> None:
    purse.take_notice(form(sandbox, "/v1/offline-notice"))
    purse.take_certificate(form(sandbox, f"/v1/purses/{purse.id}/certificate"))


def test_a_purse_is_told_whole(sandbox: Sandbox, person: Person) -> None:
    device = a_purse(sandbox, person, "500.00")
    bank = sandbox.world.persona("bank")

    found = told(sandbox, f"/v1/purses/{device.id}")

    assert found.pop("closes_at") > found.pop("ends_at") > sandbox.ledger.time()
    assert found.pop("written") > 0
    assert found.pop("device")["crv"] == "Ed25519"
    assert found == {
        "id": device.id, "status": "open", "owner": person.party, "home": person.accounts["KZTD"],
        "bank": bank.party, "covers": bank.account("KZTD"), "bearer": "issuing_bank",
        "asset": "KZTD", "balance": "500.00", "payment_max": "20000.00", "purse_max": "50000.00",
        "hops": 3, "loaded": "500.00", "covered": "0.00",
    }  # fmt: skip
    listed = told(sandbox, f"/v1/accounts/{person.accounts['KZTD']}/purses")
    assert ([one["id"] for one in listed["purses"]], listed["next"]) == ([device.id], None)
    account = told(sandbox, f"/v1/accounts/{device.id}")
    assert (account["kind"], account["balance"]) == ("purse", "500.00")


def test_the_same_device_asks_twice(sandbox: Sandbox, person: Person) -> None:
    key = SigningKey.from_seed(secrets.token_bytes(32))
    body = {"jwk": jwk_of(key), "home": person.accounts["KZTD"]}

    first = sandbox.post("/v1/sandbox/purses", body, key="publishable")
    second = sandbox.post("/v1/sandbox/purses", body, key="publishable")

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json


def test_the_bank_makes_no_purse_for_others(sandbox: Sandbox, person: Person) -> None:
    exchange = sandbox.world.persona("exchange").account("KZTD")
    body = {"jwk": jwk_of(SigningKey.generate()), "home": exchange}

    answer = sandbox.post("/v1/sandbox/purses", body, key="publishable")

    assert (answer.status_code, answer.json["code"]) == (403, "NO_AUTHORITY")
    crypto = body | {"home": person.accounts["tUSDT"]}
    answer = sandbox.post("/v1/sandbox/purses", crypto, key="publishable")
    assert answer.json["code"] == "OFFLINE_NOT_ADMITTED"


def test_what_devices_are_told_is_signed_and_true(sandbox: Sandbox, person: Person) -> None:
    device = a_purse(sandbox, person, "500.00")

    spoken = told(sandbox, f"/v1/purses/{device.id}/certificate", key="publishable")
    ledger, certificate = offline.read_certificate(decode_segment(spoken["form"].encode()))
    notice = offline.read_notice(form(sandbox, "/v1/offline-notice"))

    assert offline.from_text(spoken["text"]) == decode_segment(spoken["form"].encode())
    bank = unb64(spoken["signer"]["x"], 32)
    assert verify(bank, certificate.signed(ledger), certificate.signature)
    assert (b64(ledger), certificate.loaded, certificate.hops) == (sandbox.ledger.id, 500_00, 3)
    assert verify(sandbox.key_of("central-bank").public_key, notice.signed(), notice.signature)
    assert bank in notice.banks


def test_nobody_gets_papers_for_what_is_no_open_purse(sandbox: Sandbox, person: Person) -> None:
    told(sandbox, f"/v1/purses/{person.party}", 404)
    told(sandbox, f"/v1/purses/{person.party}/certificate", 404)
    told(sandbox, f"/v1/accounts/{person.party}/purses", 404)
    told(sandbox, f"/v1/offline-payments/{'A' * 43}", 404)


def test_a_payment_made_offline_comes_in(sandbox: Sandbox, person: Person) -> None:
    payee = sandbox.joined()
    hers, his = a_purse(sandbox, person, "500.00"), a_purse(sandbox, payee)
    now = sandbox.ledger.time()
    (code,) = hers.pay(his.address("120.00"), at=now)
    taken = his.receive(code, at=now)
    told(sandbox, f"/v1/offline-payments/{taken.id}", 404)

    receipt = done(sandbox, payee, "purse_deposit/1", chain=b64(offline.from_text(code)))

    found = told(sandbox, f"/v1/offline-payments/{taken.id}")
    assert found == {
        "id": taken.id, "status": "paid", "purse": hers.id, "payee": his.id, "counter": 1,
        "previous": "A" * 43, "source": None, "asset": "KZTD", "amount": "120.00",
        "paid": "120.00", "written": receipt["index"],
    }  # fmt: skip
    for id in (hers.id, his.id):
        page = told(sandbox, f"/v1/accounts/{id}/offline-payments")
        assert page == {"payments": [found], "next": None}
    (chain,) = his.empty(now)
    done(sandbox, payee, "purse_unload/1", chain=chain)
    rows = told(sandbox, f"/v1/accounts/{his.id}/offline-payments?limit=1")
    rest = told(sandbox, f"/v1/accounts/{his.id}/offline-payments?limit=1&after={rows['next']}")
    unload = next(row for row in (*rows["payments"], *rest["payments"]) if row["purse"] == his.id)
    assert (unload["source"], unload["payee"]) == (taken.id, payee.accounts["KZTD"])
    assert rest["next"] is None


def test_a_purse_that_cheated_is_in_the_notice(sandbox: Sandbox, person: Person) -> None:
    payee, shop = sandbox.joined(), sandbox.joined()
    hers, his, till = (
        a_purse(sandbox, one, load) for one, load in ((person, "50.00"), (payee, ""), (shop, ""))
    )
    twin, now = Purse(hers.to_bytes()), sandbox.ledger.time()
    codes = hers.pay(his.address("50.00"), at=now) + twin.pay(till.address("50.00"), at=now)
    for code in codes:
        done(sandbox, payee, "purse_deposit/1", chain=b64(offline.from_text(code)))

    notice = offline.read_notice(form(sandbox, "/v1/offline-notice"))

    assert unb64(hers.id, 16) in notice.frozen
    found = told(sandbox, f"/v1/purses/{hers.id}")
    assert (found["status"], found["covered"]) == ("frozen", "50.00")
    told(sandbox, f"/v1/purses/{hers.id}/certificate", 404)


def test_a_badly_signed_payment_is_no_transaction(sandbox: Sandbox, person: Person) -> None:
    """Nor is it on a dry run."""
    hers, payee = a_purse(sandbox, person, "50.00"), sandbox.joined()
    (code,) = hers.pay(a_purse(sandbox, payee).address("5.00"), at=sandbox.ledger.time())
    form = bytearray(offline.from_text(code))
    form[-1] ^= 1
    jws = sandbox.sign(payee.key, "purse_deposit/1", chain=b64(bytes(form)))

    for query in ("", "?dry_run=true"):
        answer = sandbox.submit(jws, query)
        assert (answer.status_code, answer.json["code"]) == (401, "bad_signature")
