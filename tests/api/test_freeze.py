"""Orders over HTTP: what an account says of its freeze, what the reserve holds and held."""

from __future__ import annotations

from typing import Any

from tests.api.sandbox import Person, Sandbox, jwk_of, on_both

pytestmark = on_both

ORDER = "order 2-1174-2030"


def ordered(sandbox: Sandbox, kind: str, /, **members: Any) -> dict[str, Any]:
    """What two officers do; the receipt."""
    officer = "central-bank" if kind == "dispose/1" else "supervisor"
    id = sandbox.propose(officer, kind, order=ORDER, **members)
    answer = sandbox.submit(sandbox.sign(f"{officer}-2", "approve/1", proposal=id))
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def account(sandbox: Sandbox, id: str) -> dict[str, Any]:
    found: dict[str, Any] = sandbox.get(f"/v1/accounts/{id}").json
    return found


def reserve(sandbox: Sandbox, query: str = "") -> dict[str, str]:
    answer = sandbox.get(f"/v1/reserve{query}")
    assert answer.status_code == 200, answer.json
    return {row["asset"]: row["amount"] for row in answer.json["holdings"]}


def sent(sandbox: Sandbox, person: Person, to: str, asset: str, amount: str) -> Any:
    jws = sandbox.sign(person.key, "transfer/1", from_=person.accounts[asset], to=to, amount=amount)
    return sandbox.submit(jws)


def test_an_account_tells_its_freeze(sandbox: Sandbox) -> None:
    debtor, friend = sandbox.joined(), sandbox.joined()
    id = debtor.accounts["KZTD"]
    assert account(sandbox, id)["freeze"] is None

    done = ordered(sandbox, "freeze/1", account=id)

    told = account(sandbox, id)
    held = told["freeze"].pop("held")
    assert told["status"] == "frozen"
    assert told["freeze"] == {
        "order": ORDER, "policy": "hold", "index": done["index"],
        "by": sandbox.world.persona("supervisor").party,
    }  # fmt: skip
    refusal = sent(sandbox, debtor, friend.accounts["KZTD"], "KZTD", "1.00")
    assert (refusal.status_code, refusal.json["code"]) == (409, "ACCOUNT_FROZEN")
    assert sent(sandbox, friend, id, "KZTD", "7.00").status_code == 201
    beside = account(sandbox, held)
    assert (beside["kind"], beside["owner"], beside["balance"]) == ("held", told["owner"], "7.00")
    path = f"/v1/parties/{told['owner']}/accounts"
    rows = [row for kind in ("wallet", "held")
            for row in sandbox.get(f"{path}?kind={kind}").json["accounts"]]  # fmt: skip
    assert [row["freeze"] is not None for row in rows if row["id"] in (id, held)] == [True, False]

    ordered(sandbox, "unfreeze/1", account=id)
    told = account(sandbox, id)
    assert (told["status"], told["freeze"], told["balance"]) == ("open", None, "50007.00")


def test_one_officer_freezes_nobody_and_lets_nobody_go(sandbox: Sandbox) -> None:
    id = sandbox.joined().accounts["KZTD"]

    answer = sandbox.submit(sandbox.sign("supervisor", "freeze/1", account=id, order=ORDER))

    assert (answer.status_code, answer.json["code"]) == (403, "APPROVALS_MISSING")
    assert account(sandbox, id)["status"] == "open"

    ordered(sandbox, "freeze/1", account=id)
    answer = sandbox.submit(sandbox.sign("supervisor", "unfreeze/1", account=id, order=ORDER))

    assert (answer.status_code, answer.json["code"]) == (403, "APPROVALS_MISSING")
    assert account(sandbox, id)["status"] == "frozen"


def test_who_joins_again_is_given_wallets_only(sandbox: Sandbox) -> None:
    debtor = sandbox.joined()
    ordered(sandbox, "freeze/1", account=debtor.accounts["KZTD"])

    path = f"/v1/parties/{debtor.party}/accounts"
    beside = sandbox.get(f"{path}?kind=held").json["accounts"]
    wallets = sandbox.get(path).json["accounts"]
    assert [row["kind"] for row in (*beside, *wallets)] == ["held", "wallet", "wallet"]
    again = sandbox.post("/v1/sandbox/onboard", {"jwk": jwk_of(debtor.key)}).json
    assert {row["asset"]: row["id"] for row in again["accounts"]} == debtor.accounts


def test_the_reserve_is_told_as_of_any_entry(sandbox: Sandbox) -> None:
    debtor = sandbox.joined()
    before = reserve(sandbox)
    supply = sandbox.get("/v1/supply").json["assets"]
    first = ordered(sandbox, "seize/1", from_=debtor.accounts["tUSDT"], amount="60.000000")
    to = sandbox.world.persona("exchange").account("tUSDT")
    second = ordered(sandbox, "dispose/1", to=to, amount="20.000000")

    def units(holdings: dict[str, str]) -> int:
        return int(holdings.get("tUSDT", "0.000000").replace(".", ""))

    start = units(before)
    assert units(reserve(sandbox)) == start + 40_000_000
    for index, expected in ((first["index"] - 1, 0), (first["index"], 60), (second["index"], 40)):
        held = reserve(sandbox, f"?index={index}")
        assert units(held) == start + expected * 1_000_000
    assert sandbox.get(f"/v1/reserve?index={first['index']}").json["size"] == first["index"] + 1
    assert units(reserve(sandbox, "?index=0")) == 0
    at = sandbox.get(f"/v1/transactions/{second['id']}").json["at"]
    assert units(reserve(sandbox, f"?at={at}")) == start + 40_000_000
    for query, where in ((f"index=0&at={at}", "at"), ("at=1", "at")):
        problem = sandbox.get(f"/v1/reserve?{query}")
        assert (problem.status_code, problem.json["where"]) == (400, where), query
    assert sandbox.get("/v1/supply").json["assets"] == supply
    (row,) = [r for r in sandbox.get("/v1/reserve").json["holdings"] if r["asset"] == "tUSDT"]
    told = account(sandbox, row["account"])
    assert told["kind"] == "reserve"
    assert told["owner"] == sandbox.world.persona("central-bank").party


def test_a_query_of_the_reserve_is_read_strictly(sandbox: Sandbox) -> None:
    for query in ("?index=-1", "?index=x", "?at=x", "?at=3", "?index=1&index=2"):
        assert sandbox.get(f"/v1/reserve{query}").status_code == 400, query
    assert sandbox.get("/v1/reserve", key=None).status_code == 401
