"""Two pairs of eyes over HTTP: what waits, who agreed, how many must, what became of it."""

from __future__ import annotations

import time
from typing import Any

import msgspec
import pytest

from ledger.core.ids import b64
from sandbox_api.limits import PAGE_BYTES_MAX
from sandbox_api.reading.known import id_bytes
from tests.api.sandbox import HOUR, Person, Sandbox, derived, id_of, key_of, on_both

pytestmark = on_both


def bank_account(sandbox: Sandbox) -> str:
    return sandbox.world.persona("bank").account("KZTD")


def listed(sandbox: Sandbox, party: str, query: str = "") -> dict[str, Any]:
    answer = sandbox.get(f"/v1/parties/{party}/proposals{query}")
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def second_key(sandbox: Sandbox, person: Person) -> str:
    """A second device of a person; the name of its key."""
    name = f"phone {person.party[-6:]}"
    jws = sandbox.sign(person.key, "key/1", party=person.party, key=b64(key_of(name).public_key))
    assert sandbox.submit(jws).status_code == 201
    return name


def gift(sandbox: Sandbox, person: Person, amount: str = "1.00") -> dict[str, Any]:
    to = sandbox.world.persona("aigerim").account("KZTD")
    return {"from_": person.accounts["KZTD"], "to": to, "amount": amount}


def test_the_first_officer_alone_is_refused(sandbox: Sandbox) -> None:
    for kind, members in (
        ("issue/1", {"to": bank_account(sandbox), "amount": "1.00"}),
        ("redeem/1", {"from_": bank_account(sandbox), "amount": "1.00"}),
        ("pack/1", {"text": 'format = 1\nname = "mine"\n'}),
    ):
        answer = sandbox.submit(sandbox.sign("central-bank", kind, **members))

        assert (answer.status_code, answer.json["code"]) == (403, "APPROVALS_MISSING"), kind
        assert answer.json["reasons"][0]["params"] == {"kind": kind, "needed": 2}


def test_a_proposal_is_told_while_it_waits(sandbox: Sandbox) -> None:
    officer = sandbox.key_of("central-bank")
    before = sandbox.ledger.time()
    id = sandbox.propose(officer, "issue/1", to=bank_account(sandbox), amount="7.00")

    told = sandbox.get(f"/v1/proposals/{id}").json

    party = sandbox.world.persona("central-bank").party
    assert told["party"] == party
    assert (told["kind"], told["status"], told["agreed"], told["needed"]) == (
        "issue/1", "open", 1, 2,
    )  # fmt: skip
    assert told["approvals"] == [officer.kid]
    assert told["payload"]["amount"] == "7.00"
    assert told["payload"]["kind"] == "issue/1"
    assert before + HOUR <= told["ends_at"] <= sandbox.ledger.time() + HOUR
    assert sandbox.get(f"/v1/transactions/{told['transaction']}").json["index"] == told["written"]
    assert told in listed(sandbox, party)["proposals"]
    sandbox.submit(sandbox.sign(officer, "withdraw/1", proposal=id))


def test_the_second_officer_does_it_and_it_waits_no_more(sandbox: Sandbox) -> None:
    party = sandbox.world.persona("central-bank").party
    id = sandbox.propose("central-bank", "issue/1", to=bank_account(sandbox), amount="7.00")

    done = sandbox.submit(sandbox.sign("central-bank-2", "approve/1", proposal=id)).json

    told = sandbox.get(f"/v1/proposals/{id}").json
    assert (told["status"], told["ends_at"], told["agreed"]) == ("done", None, 2)
    assert told["written"] == done["index"]
    assert told["approvals"] == [key_of("central-bank").kid, key_of("central-bank-2").kid]
    assert all(one["id"] != id for one in listed(sandbox, party)["proposals"])
    entry = sandbox.get(f"/v1/transactions/{done['id']}").json
    assert [(leg["credit"], leg["amount"]) for leg in entry["postings"]] == [
        (bank_account(sandbox), "7.00")
    ]


def test_what_is_withdrawn_waits_no_more(sandbox: Sandbox, person: Person) -> None:
    id = sandbox.propose(person.key, "transfer/1", **gift(sandbox, person))
    sandbox.submit(sandbox.sign(person.key, "withdraw/1", proposal=id))

    assert sandbox.get(f"/v1/proposals/{id}").json["status"] == "withdrawn"
    assert listed(sandbox, person.party) == {"proposals": [], "next": None}


def test_what_has_ended_is_approved_no_more(sandbox: Sandbox, person: Person) -> None:
    phone = second_key(sandbox, person)
    id = sandbox.propose(person.key, "transfer/1", ahead=1_000, **gift(sandbox, person))
    ends_at = sandbox.get(f"/v1/proposals/{id}").json["ends_at"]
    while sandbox.ledger.time() < ends_at:
        time.sleep(0.02)

    refused = sandbox.submit(sandbox.sign(phone, "approve/1", proposal=id))

    assert refused.json["reasons"][0]["params"] == {"status": "expired"}
    assert sandbox.get(f"/v1/proposals/{id}").json["status"] == "expired"
    assert listed(sandbox, person.party) == {"proposals": [], "next": None}


def test_a_kind_that_the_pack_does_not_name_needs_two_once_it_is_proposed(
    sandbox: Sandbox, person: Person
) -> None:
    phone = second_key(sandbox, person)
    id = sandbox.propose(person.key, "transfer/1", **gift(sandbox, person))
    assert sandbox.get(f"/v1/proposals/{id}").json["needed"] == 2

    again = sandbox.submit(sandbox.sign(person.key, "approve/1", proposal=id))
    assert again.json["code"] == "APPROVED_ALREADY"
    assert sandbox.submit(sandbox.sign(phone, "approve/1", proposal=id)).status_code == 201


def test_a_refused_approval_leaves_it_as_it_was(sandbox: Sandbox, person: Person) -> None:
    phone = second_key(sandbox, person)
    id = sandbox.propose(person.key, "transfer/1", **gift(sandbox, person, "60000.00"))
    before = sandbox.get(f"/v1/proposals/{id}").json

    refused = sandbox.submit(sandbox.sign(phone, "approve/1", proposal=id))

    assert refused.json["code"] == "FUNDS"
    assert sandbox.get(f"/v1/proposals/{id}").json == before


def test_pages_hold_every_open_proposal_once(sandbox: Sandbox, person: Person) -> None:
    made = [
        sandbox.propose(person.key, "transfer/1", **gift(sandbox, person, f"{n}.00"))
        for n in range(1, 6)
    ]
    found: list[str] = []
    page = listed(sandbox, person.party, "?limit=2")
    while True:
        assert len(page["proposals"]) <= 2
        found += [one["id"] for one in page["proposals"]]
        if page["next"] is None:
            break
        page = listed(sandbox, person.party, f"?limit=2&after={page['next']}")

    assert sorted(found) == sorted(made)
    assert len(found) == len(set(found))


@pytest.mark.parametrize("limit", [200, 7, 1])
def test_a_page_of_long_payloads_ends_early_and_loses_none(sandbox: Sandbox, limit: int) -> None:
    officer, party = "central-bank", sandbox.world.persona("central-bank").party
    text = 'format = 1\nname = "long"\n' + f"# {'x' * 30_000}\n"
    made = [sandbox.propose(officer, "pack/1", text=f"{text}# {n}\n") for n in range(10)]

    pages = [listed(sandbox, party, f"?limit={limit}")]
    while pages[-1]["next"] is not None:
        pages.append(listed(sandbox, party, f"?limit={limit}&after={pages[-1]['next']}"))
    for id in made:
        assert sandbox.submit(sandbox.sign(officer, "withdraw/1", proposal=id)).status_code == 201

    found = [one["id"] for page in pages for one in page["proposals"]]
    assert found == sorted(set(found), key=id_bytes)
    assert set(found) >= set(made)
    sizes = [len(msgspec.json.encode(page)) for page in pages]
    assert max(sizes) < PAGE_BYTES_MAX + limit * 1_024
    assert max(len(page["proposals"]) for page in pages) == min(limit, 8)
    assert all(page["proposals"] for page in pages)


def test_what_an_institution_has_in_mind_is_not_for_those_whom_it_concerns(
    sandbox: Sandbox, person: Person
) -> None:
    """A freeze that waits for its second officer would warn the debtor."""
    officer = sandbox.key_of("supervisor")
    id = sandbox.propose(
        officer, "freeze/1", account=person.accounts["KZTD"], order="order 1"
    )  # fmt: skip
    supervisor = sandbox.world.persona("supervisor").party
    own = sandbox.propose(person.key, "transfer/1", **gift(sandbox, person))

    of_all = sandbox.get(f"/v1/parties/{supervisor}/proposals", key="publishable")
    one = sandbox.get(f"/v1/proposals/{id}", key="publishable")
    nothing = sandbox.get(f"/v1/proposals/{'A' * 22}", key="publishable")

    assert (of_all.status_code, of_all.json["code"]) == (403, "auth.scope")
    assert (one.status_code, one.json["hint"]) == (404, nothing.json["hint"])
    assert sandbox.get(f"/v1/proposals/{own}", key="publishable").status_code == 200
    assert [row["id"] for row in listed(sandbox, supervisor)["proposals"]] == [id]
    sandbox.submit(sandbox.sign(officer, "withdraw/1", proposal=id))


def test_nobody_else_s_proposals_are_listed(sandbox: Sandbox, person: Person) -> None:
    sandbox.propose("bank", "tier/1", party=person.party, tier=1)

    assert listed(sandbox, person.party)["proposals"] == []


def test_unknown_ids_are_not_found(sandbox: Sandbox, person: Person) -> None:
    for path in (f"/v1/proposals/{person.party}", f"/v1/parties/{'A' * 22}/proposals"):
        answer = sandbox.get(path)
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    for query in ("limit=0", "limit=201", "after=x", "before=1"):
        assert sandbox.get(f"/v1/parties/{person.party}/proposals?{query}").status_code == 400


def test_institutions_have_a_second_officer(sandbox: Sandbox) -> None:
    told = {one["name"]: one for one in sandbox.get("/v1/sandbox").json["personas"]}

    for name in ("central-bank", "supervisor", "bank", "exchange"):
        (officer,) = told[name]["officers"]
        key = sandbox.get(f"/v1/keys/{key_of(officer).kid}").json
        assert (officer, key["owner"], key["status"]) == (
            f"{name}-2",
            told[name]["party"],
            "active",
        )
    assert told["aigerim"]["officers"] == []


def test_what_was_proposed_is_known_by_its_transaction(sandbox: Sandbox, person: Person) -> None:
    """The id follows from the signed bytes, so a client knows it before the ledger does."""
    jws = sandbox.sign(
        person.key, "propose/1", ends_at=sandbox.ledger.time() + HOUR,
        payload=sandbox.payload("transfer/1", **gift(sandbox, person)).decode(),
    )  # fmt: skip
    sandbox.submit(jws)

    told = sandbox.get(f"/v1/proposals/{derived(jws, 'proposal')}").json
    assert told["transaction"] == id_of(jws)
