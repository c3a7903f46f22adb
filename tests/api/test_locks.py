"""Locks over HTTP: one, an account's, those under a hash; what became of them; pages."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

from ledger.core.ids import b64
from tests.api.sandbox import HOUR, Person, Sandbox, derived, on_both

pytestmark = on_both

TWO = {"type": "two_party"}


def lock(sandbox: Sandbox, payer: Person, payee: Person, condition: dict[str, str],
         amount: str = "5.00", asset: str = "KZTD") -> str:  # fmt: skip
    jws = sandbox.sign(
        payer.key, "lock/1", from_=payer.accounts[asset], to=payee.accounts[asset], amount=amount,
        ends_at=sandbox.ledger.time() + HOUR, condition=condition,
    )  # fmt: skip
    answer = sandbox.submit(jws)
    assert answer.status_code == 201, answer.json
    return derived(jws, "lock")


def submitted(sandbox: Sandbox, person: Person, kind: str, **members: Any) -> dict[str, Any]:
    answer = sandbox.submit(sandbox.sign(person.key, kind, **members))
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def told(sandbox: Sandbox, path: str) -> dict[str, Any]:
    answer = sandbox.get(path)
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_a_lock_is_told_whole(sandbox: Sandbox, person: Person) -> None:
    payee, judge = sandbox.joined(), sandbox.joined()
    before = sandbox.ledger.time()
    id = lock(sandbox, person, payee, {"type": "three_party", "arbiter": judge.party})

    found = told(sandbox, f"/v1/locks/{id}")

    assert before + HOUR <= found.pop("ends_at") <= sandbox.ledger.time() + HOUR
    assert found.pop("written") == told(sandbox, f"/v1/accounts/{id}")["size"] - 1
    assert found == {
        "id": id, "status": "locked", "payer": person.accounts["KZTD"],
        "payee": payee.accounts["KZTD"], "asset": "KZTD", "amount": "5.00",
        "condition": "three_party", "arbiter": judge.party, "hash": None, "preimage": None,
    }  # fmt: skip
    account = told(sandbox, f"/v1/accounts/{id}")
    assert (account["kind"], account["balance"], account["owner"]) == (
        "lock", "5.00", person.party,
    )  # fmt: skip


def test_what_became_of_a_lock_is_told(sandbox: Sandbox, person: Person) -> None:
    payee = sandbox.joined()
    secret = person.party.encode()
    digest = b64(sha256(secret).digest())
    id = lock(sandbox, person, payee, {"type": "hash", "hash": digest})

    done = submitted(sandbox, payee, "release/1", lock=id, preimage=b64(secret))

    found = told(sandbox, f"/v1/locks/{id}")
    assert (found["status"], found["hash"], found["preimage"]) == ("released", digest, b64(secret))
    assert (found["amount"], found["written"]) == ("5.00", done["index"])
    assert told(sandbox, f"/v1/accounts/{id}/balance")["balance"] == "0.00"
    assert told(sandbox, f"/v1/transactions/{done['id']}")["facts"] == {"lock": id}


def test_an_accounts_locks_are_told_from_both_sides_page_by_page(
    sandbox: Sandbox, person: Person
) -> None:
    payee = sandbox.joined()
    ids = sorted(lock(sandbox, person, payee, TWO, f"{n}.00") for n in range(1, 6))
    submitted(sandbox, payee, "cancel/1", lock=ids[0])

    for side in (person, payee):
        path, found = f"/v1/accounts/{side.accounts['KZTD']}/locks?limit=2", []
        page = told(sandbox, path)
        while page["next"] is not None:
            found += page["locks"]
            assert len(page["locks"]) == 2
            page = told(sandbox, f"{path}&after={page['next']}")
        found += page["locks"]
        assert sorted(row["id"] for row in found) == ids
        status = {row["id"]: row["status"] for row in found}
        assert status == {id: "cancelled" if id == ids[0] else "locked" for id in ids}
    assert told(sandbox, f"/v1/accounts/{payee.accounts['tUSDT']}/locks")["locks"] == []


def test_locks_under_a_hash_are_found_by_it(sandbox: Sandbox, person: Person) -> None:
    payee = sandbox.joined()
    digest = b64(sha256(payee.party.encode()).digest())
    condition = {"type": "hash", "hash": digest}
    ids = {
        lock(sandbox, person, payee, condition),
        lock(sandbox, payee, person, condition, "3.000000", "tUSDT"),
    }

    found = told(sandbox, f"/v1/locks?hash={digest}")

    assert {row["id"] for row in found["locks"]} == ids
    assert {row["amount"] for row in found["locks"]} == {"5.00", "3.000000"}
    assert told(sandbox, f"/v1/locks?hash={b64(bytes(32))}") == {"locks": [], "next": None}


def test_what_is_not_there_is_not_found(sandbox: Sandbox, person: Person) -> None:
    nobody = "A" * 22
    for path, status in (
        (f"/v1/locks/{nobody}", 404),
        (f"/v1/accounts/{nobody}/locks", 404),
        ("/v1/locks/short", 404),
        ("/v1/locks", 400),
        ("/v1/locks?hash=short", 400),
        (f"/v1/accounts/{person.accounts['KZTD']}/locks?limit=0", 400),
    ):
        assert sandbox.get(path).status_code == status, path


def test_a_dry_run_shows_where_the_money_would_stand(sandbox: Sandbox, person: Person) -> None:
    payee = sandbox.joined()
    jws = sandbox.sign(
        person.key, "lock/1", from_=person.accounts["KZTD"], to=payee.accounts["KZTD"],
        amount="5.00", ends_at=sandbox.ledger.time() + HOUR, condition=TWO,
    )  # fmt: skip

    found = sandbox.submit(jws, "?dry_run=true").json

    assert found["accepted"]
    assert {row["account"]: row["balance"] for row in found["balances"]} == {
        person.accounts["KZTD"]: "49995.00", derived(jws, "lock"): "5.00",
    }  # fmt: skip
