"""Consents over HTTP: what a service may do with an account, what is left today, what ended it."""

from __future__ import annotations

from typing import Any

from tests.api.sandbox import HOUR, Person, Sandbox, derived, on_both

pytestmark = on_both
DAY = 24 * HOUR


def service(sandbox: Sandbox) -> str:
    return sandbox.world.persona("cafe").party


def give(sandbox: Sandbox, person: Person, **changes: Any) -> str:
    members = {
        "account": person.accounts["KZTD"], "service": service(sandbox), "scopes": ["pay_merchant"],
        "cap_payment": "1000.00", "cap_day": "1500.00", "ends_at": sandbox.ledger.time() + DAY,
    } | changes  # fmt: skip
    jws = sandbox.sign(person.key, "consent/1", **members)
    answer = sandbox.submit(jws)
    assert answer.status_code == 201, answer.json
    return derived(jws, "consent")


def pay(sandbox: Sandbox, id: str, amount: str) -> Any:
    to = sandbox.world.persona("cafe").account("KZTD")
    return sandbox.submit(sandbox.sign("cafe", "consent_pay/1", consent=id, to=to, amount=amount))


def test_a_consent_is_told_with_what_is_left_today(sandbox: Sandbox, person: Person) -> None:
    ends_at = sandbox.ledger.time() + DAY
    id = give(sandbox, person, ends_at=ends_at)
    assert pay(sandbox, id, "600.00").status_code == 201

    told = sandbox.get(f"/v1/consents/{id}", key="publishable").json

    assert told == {
        "id": id, "account": person.accounts["KZTD"], "owner": person.party,
        "service": service(sandbox), "scopes": ["pay_merchant"], "asset": "KZTD",
        "cap_payment": "1000.00", "cap_day": "1500.00", "left_today": "900.00",
        "status": "active", "ends_at": ends_at,
    }  # fmt: skip


def test_revocation_acts_at_once(sandbox: Sandbox, person: Person) -> None:
    id = give(sandbox, person)
    revoke = sandbox.sign(person.key, "consent_revoke/1", consent=id)

    assert sandbox.submit(revoke).status_code == 201
    answer = pay(sandbox, id, "1.00")

    assert (answer.status_code, answer.json["code"]) == (409, "CONSENT_NOT_ACTIVE")
    told = sandbox.get(f"/v1/consents/{id}").json
    assert (told["status"], told["ends_at"]) == ("revoked", None)


def test_within_one_batch_the_lines_order_decides(sandbox: Sandbox, person: Person) -> None:
    id = give(sandbox, person)
    to = sandbox.world.persona("cafe").account("KZTD")
    before, after = (
        sandbox.sign("cafe", "consent_pay/1", consent=id, to=to, amount="1.00") for _ in range(2)
    )
    revoke = sandbox.sign(person.key, "consent_revoke/1", consent=id)

    answer = sandbox.post("/v1/transactions/batch", raw="\n".join((before, revoke, after)),
                          media="application/x-ndjson")  # fmt: skip

    lines = answer.text.splitlines()
    assert ['"index"' in line for line in lines] == [True, True, False]
    assert '"CONSENT_NOT_ACTIVE"' in lines[2]


def test_refusals_name_the_cap(sandbox: Sandbox, person: Person) -> None:
    id = give(sandbox, person)

    for amount, code in (("1000.01", "CONSENT_CAP_PAYMENT"), ("600.00", None), ("900.01", None)):
        answer = pay(sandbox, id, amount)
        if code is not None:
            assert (answer.status_code, answer.json["code"]) == (403, code)
            assert "1,000" in answer.json["detail"]
    answer = pay(sandbox, id, "901.00")
    assert (answer.status_code, answer.json["code"]) == (403, "CONSENT_CAP_DAY")


def test_pages_by_account_and_by_service_hold_each_consent_once(
    sandbox: Sandbox, person: Person
) -> None:
    ids = sorted(give(sandbox, person) for _ in range(3))

    for path in (f"/v1/accounts/{person.accounts['KZTD']}", f"/v1/parties/{service(sandbox)}"):
        found: list[str] = []
        query = "?limit=2"
        while query:
            page = sandbox.get(f"{path}/consents{query}").json
            found += [one["id"] for one in page["consents"]]
            query = page["next"] and f"?limit=2&after={page['next']}"
        assert len(found) == len(set(found))
        assert set(ids) <= set(found)
    assert sandbox.get(f"/v1/parties/{person.party}/consents").json["consents"] == []


def test_what_nobody_knows_is_not_found(sandbox: Sandbox) -> None:
    for path in ("consents/{}", "accounts/{}/consents", "parties/{}/consents"):
        assert sandbox.get(f"/v1/{path.format('A' * 22)}").status_code == 404
