"""Marks over HTTP: the policy, accounts, budgets now and then, the way of the money and its
picture."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from ledger.keys import SigningKey
from tests.api.sandbox import HOUR, Person, Sandbox, derived, jwk_of, on_both

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


def a_mark(sandbox: Sandbox, by: Any, budget: str, **changes: Any) -> str:
    members = {
        "budget": budget, "contract": "C-7", "budget_line": "112-015", "on_final": "unmark",
        "valid_until": sandbox.ledger.time() + 20 * HOUR, "payees": [], "roles": [],
        "categories": ["GROCERY"], "goods": [], "payee_max": None, "conditions": [],
    }  # fmt: skip
    return derived(done(sandbox, by, "mark/1", **members | changes), "mark")


def an_account(sandbox: Sandbox, by: Any, mark: str, owner: str, *, supplier: bool = False) -> str:
    jws = done(sandbox, by, "mark_account/1", mark=mark, owner=owner, supplier=supplier)
    return derived(jws, "account")


def a_programme(sandbox: Sandbox, person: Person) -> tuple[str, str, str]:
    """1,000.00 to a holder, 400.00 of it to the person as a supplier, 150.00 of that spent."""
    treasury = sandbox.world.persona("treasury")
    budget, holder = treasury.account("KZTD"), sandbox.joined()
    mark = a_mark(sandbox, "treasury", budget)
    voucher = an_account(sandbox, "treasury", mark, holder.party)
    supply = an_account(sandbox, "treasury", mark, person.party, supplier=True)
    done(sandbox, "treasury", "allocate/1", from_=budget, to=voucher, amount="1000.00")
    done(sandbox, holder.key, "transfer/1", from_=voucher, to=supply, amount="400.00")
    shop = sandbox.world.persona("market").account("KZTD")
    done(sandbox, person.key, "transfer/1", from_=supply, to=shop, amount="150.00")
    return mark, voucher, supply


def test_a_mark_is_told_as_it_was_signed(sandbox: Sandbox, person: Person) -> None:
    treasury = sandbox.world.persona("treasury")
    tied = [{"oracle": person.party, "event": "meal served"}]
    mark = a_mark(sandbox, "treasury", treasury.account("KZTD"), payee_max="50.00",
                  conditions=tied, roles=["merchant"], goods=["FOOD"])  # fmt: skip

    found = told(sandbox, f"/v1/marks/{mark}")

    assert found.pop("valid_until") > sandbox.ledger.time()
    assert found.pop("written") > 0
    assert found == {
        "id": mark, "owner": treasury.party, "status": "active", "parents": [], "asset": "KZTD",
        "budget": treasury.account("KZTD"), "contract": "C-7", "budget_line": "112-015",
        "on_final": "unmark", "payees": [], "roles": ["merchant"], "categories": ["GROCERY"],
        "goods": ["FOOD"], "payee_max": "50.00", "conditions": tied,
    }  # fmt: skip
    listed = told(sandbox, f"/v1/parties/{treasury.party}/marks?limit=200")["marks"]
    assert mark in {row["id"] for row in listed}
    for path in ("", "/accounts", "/budget", "/trace", "/trace.svg"):
        assert sandbox.get(f"/v1/marks/{'A' * 22}{path}").status_code == 404


def test_accounts_with_a_mark_come_in_pages(sandbox: Sandbox, person: Person) -> None:
    mark, voucher, supply = a_programme(sandbox, person)

    first = told(sandbox, f"/v1/marks/{mark}/accounts?limit=1")
    second = told(sandbox, f"/v1/marks/{mark}/accounts?limit=1&after={first['next']}")

    rows = first["accounts"] + second["accounts"]
    assert [row["id"] for row in rows] == [voucher, supply]
    assert {row["mark"] for row in rows} == {mark}
    assert second["next"] is None


def test_a_budget_is_whole_at_every_entry(sandbox: Sandbox, person: Person) -> None:
    mark, _, supply = a_programme(sandbox, person)
    now = told(sandbox, f"/v1/marks/{mark}/budget")
    child = a_mark(sandbox, person.key, supply, valid_until=sandbox.ledger.time() + HOUR)
    below = an_account(sandbox, person.key, child, person.party)
    done(sandbox, person.key, "allocate/1", from_=supply, to=below, amount="100.00")

    later = told(sandbox, f"/v1/marks/{mark}/budget")
    before = told(sandbox, f"/v1/marks/{mark}/budget?index={now['size'] - 1}")
    first = told(sandbox, f"/v1/marks/{mark}/budget?index=0")

    sums = ("allocated", "paid", "held", "returned")
    assert [now[name] for name in sums] == ["1000.00", "150.00", "850.00", "0.00"]
    assert [before[name] for name in sums] == [now[name] for name in sums]
    assert [later[name] for name in sums] == [now[name] for name in sums]
    assert [first[name] for name in sums] == ["0.00"] * 4
    assert [(row["mark"], row["parent"], row["below"]) for row in later["marks"]] == [
        (mark, None, "100.00"), (child, mark, "0.00"),
    ]  # fmt: skip
    assert told(sandbox, f"/v1/marks/{child}")["parents"] == [mark]
    line = told(sandbox, "/v1/budget-lines?line=112-015&limit=200")["budgets"]
    assert {mark, child} <= {row["mark"] for row in line}


def test_the_way_of_the_money_is_told_and_drawn(sandbox: Sandbox, person: Person) -> None:
    mark, voucher, supply = a_programme(sandbox, person)

    steps = told(sandbox, f"/v1/marks/{mark}/trace")["steps"]
    picture = sandbox.get(f"/v1/marks/{mark}/trace.svg")

    assert [(row["step"], row["amount"]) for row in steps] == [
        ("allocated", "1000.00"), ("passed", "400.00"), ("paid", "150.00"),
    ]  # fmt: skip
    assert [(row["from_account"], row["to_account"]) for row in steps[:2]] == [
        (sandbox.world.persona("treasury").account("KZTD"), voucher), (voucher, supply),
    ]  # fmt: skip
    assert (picture.status_code, picture.mimetype) == (200, "image/svg+xml")
    drawn = ElementTree.fromstring(picture.data)
    texts = [
        "".join(one.itertext())
        for one in drawn.iter()
        if one.tag.endswith(("text", "desc", "title"))
    ]
    assert "Demo Treasury (invented)" in texts
    assert "Dastarkhan Market, Almaty (invented)" in texts
    assert "Allocated 1000.00, paid 150.00, held 850.00, returned 0.00 KZTD." in texts
    widths = [float(w) for w in re.findall(r'stroke-width="([\d.]+)"', picture.text)]
    assert widths == sorted(widths, reverse=True)
    assert [round(w / widths[0], 2) for w in widths] == [1.0, 0.4, 0.15]


def test_a_requests_lines_are_told_and_must_be_its_total(sandbox: Sandbox) -> None:
    lines = [{"code": "FOOD", "amount": "7.00"}, {"code": "OTHER", "amount": "3.00"}]
    made = sandbox.post("/v1/payment-requests",
                        {"request": sandbox.request("market", "10.00", lines=lines)})  # fmt: skip
    assert made.status_code == 201, made.json
    assert told(sandbox, f"/v1/payment-requests/{made.json['id']}")["lines"] == lines

    wrong = sandbox.post("/v1/payment-requests",
                         {"request": sandbox.request("market", "10.01", lines=lines)})  # fmt: skip

    assert (wrong.status_code, wrong.json["code"]) == (400, "request.lines")


def test_who_joins_again_is_not_given_a_marked_account_to_pay_from(
    sandbox: Sandbox, person: Person
) -> None:
    """Nor does a till ask for money on one: it would be refused to everybody."""
    treasury, market = sandbox.world.persona("treasury"), sandbox.world.persona("market")
    for party in (person.party, market.party):
        mark = a_mark(sandbox, "treasury", treasury.account("KZTD"))
        an_account(sandbox, "treasury", mark, party, supplier=True)
    till = {"jwk": jwk_of(SigningKey.generate()), "till": "market"}

    again = sandbox.post("/v1/sandbox/onboard", {"jwk": jwk_of(person.key)})
    enrolled = sandbox.post("/v1/sandbox/tills", till)

    assert (again.status_code, enrolled.status_code) == (200, 201)
    assert {row["id"] for row in again.json["accounts"]} == set(person.accounts.values())
    rows = sandbox.get(f"/v1/parties/{market.party}/accounts?limit=100").json["accounts"]
    ordinary = {row["id"] for row in rows if not row["mark"]}
    assert {one.id for one in market.accounts} <= ordinary < {row["id"] for row in rows}
    assert {row["id"] for row in enrolled.json["accounts"]} == ordinary
