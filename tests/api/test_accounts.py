"""A party's accounts over HTTP: by kind, page by page, whatever stands beside them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.sandbox import HOUR, Person, Sandbox, derived, on_both

pytestmark = on_both


def listed(sandbox: Sandbox, party: str, query: str = "") -> dict[str, Any]:
    answer = sandbox.get(f"/v1/parties/{party}/accounts{query}")
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def ids_of(page: dict[str, Any]) -> list[str]:
    return [row["id"] for row in page["accounts"]]


def held(sandbox: Sandbox, person: Person, many: int, payee: Person | None = None) -> list[str]:
    """The accounts of so many holds for somebody."""
    to = (payee or sandbox.joined()).accounts["KZTD"]
    signed = [sandbox.sign(person.key, "hold/1", from_=person.accounts["KZTD"], to=to,
                           amount="1.00", ends_at=sandbox.ledger.time() + HOUR)
              for _ in range(many)]  # fmt: skip
    for jws in signed:
        assert sandbox.submit(jws).status_code == 201
    return [derived(jws, "hold") for jws in signed]


def test_wallets_are_listed_and_not_what_is_held(sandbox: Sandbox) -> None:
    person = sandbox.joined()
    holds = held(sandbox, person, 60)
    later = sandbox.sign("bank", "account/1", owner=person.party, asset="KZTD")
    assert sandbox.submit(later).status_code == 201

    page = listed(sandbox, person.party)

    assert ids_of(page) == [*person.accounts.values(), derived(later, "account")]
    assert {row["kind"] for row in page["accounts"]} == {"wallet"}
    assert {row["mark"] for row in page["accounts"]} == {None}
    assert page["next"] is None
    assert ids_of(listed(sandbox, person.party, "?kind=hold&limit=200")) == holds
    assert listed(sandbox, person.party, "?kind=lock") == {"accounts": [], "next": None}


def test_pages_are_in_order_of_opening_and_leave_out_nothing(sandbox: Sandbox) -> None:
    person = sandbox.joined()
    payee = sandbox.joined()
    holds = held(sandbox, person, 7, payee)
    void = sandbox.sign(payee.key, "void/1", hold=holds[2])
    assert sandbox.submit(void).status_code == 201

    found: list[str] = []
    after = ""
    for many in (3, 3, 1):
        page = listed(sandbox, person.party, f"?kind=hold&limit=3{after}")
        assert len(page["accounts"]) == many
        found += ids_of(page)
        after = f"&after={page['next']}"

    assert page["next"] is None
    assert found == holds
    rows = listed(sandbox, person.party, "?kind=hold")["accounts"]
    assert [row["status"] for row in rows] == ["open"] * 2 + ["closed"] + ["open"] * 4
    assert len(listed(sandbox, person.party, "?kind=hold&limit=7")["accounts"]) == 7
    assert listed(sandbox, person.party, "?kind=hold&limit=7")["next"] is None


def test_a_page_goes_on_after_an_account_of_any_kind(sandbox: Sandbox) -> None:
    person = sandbox.joined()
    (hold,) = held(sandbox, person, 1)
    first, last = person.accounts.values()

    assert ids_of(listed(sandbox, person.party, f"?after={first}")) == [last]
    assert ids_of(listed(sandbox, person.party, f"?after={hold}")) == []


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        pytest.param("?kind=drawer", 400, "request.query", id="a kind that is none"),
        pytest.param("?kind=", 400, "request.query", id="no kind"),
        pytest.param("?kind=hold&kind=lock", 400, "request.query", id="two kinds"),
        pytest.param("?limit=0", 400, "request.query", id="an empty page"),
        pytest.param("?limit=201", 400, "request.query", id="a page too long"),
        pytest.param("?after=5", 400, "request.query", id="a cursor that is no id"),
        pytest.param(f"?after={'A' * 22}", 404, "not_found", id="a cursor nobody opened"),
        pytest.param("?status=open", 400, "request.query", id="a filter that is none"),
    ],
)
def test_what_cannot_be_listed_is_a_problem(
    sandbox: Sandbox, person: Person, query: str, status: int, code: str
) -> None:
    answer = sandbox.get(f"/v1/parties/{person.party}/accounts{query}")

    assert (answer.status_code, answer.json["code"]) == (status, code)
