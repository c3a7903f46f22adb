"""Bank money over HTTP: links, limits of holdings, and what flows, in both databases."""

from __future__ import annotations

import re
from typing import Any

from tests.api.sandbox import Person, Sandbox, derived, on_both

pytestmark = on_both

DEPOSIT = "dTEST"


def linked(sandbox: Sandbox) -> Person:
    """Someone whose wallet is linked to a deposit of 1,000.00."""
    bank = sandbox.world.persona("bank")
    codes = {row["code"] for row in sandbox.get("/v1/assets").json["assets"]}
    if DEPOSIT not in codes:
        done(sandbox, "central-bank", "asset/1", code=DEPOSIT, asset_class="deposit", scale=2,
             issuer=bank.party)  # fmt: skip
    person = sandbox.joined()
    jws = done(sandbox, "bank", "account/1", owner=person.party, asset=DEPOSIT)
    person.accounts[DEPOSIT] = derived(jws, "account")
    sandbox.by_two("bank", "issue/1", to=person.accounts[DEPOSIT], amount="1000.00")
    done(sandbox, "bank", "link/1", wallet=person.accounts["KZTD"], reverse=True,
         deposit=person.accounts[DEPOSIT], settlement=bank.account("KZTD"))  # fmt: skip
    return person


def done(sandbox: Sandbox, by: Any, kind: str, **members: Any) -> str:
    jws = sandbox.sign(by, kind, **members)
    answer = sandbox.submit(jws)
    assert answer.status_code == 201, answer.json
    return jws


def link_of(sandbox: Sandbox, person: Person) -> Any:
    return sandbox.get(f"/v1/accounts/{person.accounts['KZTD']}/link").json


def test_a_link_is_told_by_its_wallet_and_its_party(sandbox: Sandbox) -> None:
    person = linked(sandbox)
    bank = sandbox.world.persona("bank")

    told = link_of(sandbox, person)

    assert told == {
        "wallet": person.accounts["KZTD"], "deposit": person.accounts[DEPOSIT],
        "settlement": bank.account("KZTD"), "bank": bank.party, "asset": DEPOSIT, "reverse": True,
        "status": "active", "sweep_at": None, "written": told["written"],
    }  # fmt: skip
    assert sandbox.get(f"/v1/parties/{person.party}/links").json == {"links": [told]}
    done(sandbox, "bank", "unlink/1", wallet=person.accounts["KZTD"])
    assert link_of(sandbox, person)["status"] == "unlinked"


def test_who_has_no_link_hears_so(sandbox: Sandbox) -> None:
    person = sandbox.joined()

    answer = sandbox.get(f"/v1/accounts/{person.accounts['KZTD']}/link")

    assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert sandbox.get(f"/v1/parties/{person.party}/links").json == {"links": []}
    assert sandbox.get(f"/v1/parties/{'A' * 22}/links").status_code == 404


def test_a_sweep_says_when_it_comes(sandbox: Sandbox) -> None:
    market = sandbox.world.persona("market")
    bank = sandbox.world.persona("bank")
    linked(sandbox)  # the asset is there
    jws = done(sandbox, "bank", "account/1", owner=market.party, asset=DEPOSIT)
    done(sandbox, "bank", "link/1", wallet=market.account("KZTD"), reverse=False,
         deposit=derived(jws, "account"), settlement=bank.account("KZTD"))  # fmt: skip
    done(sandbox, "market", "sweep/1", wallet=market.account("KZTD"), on=True)

    told = sandbox.get(f"/v1/accounts/{market.account('KZTD')}/link").json

    now = sandbox.ledger.time()
    assert now < told["sweep_at"] <= now + 86_400_000
    assert (told["sweep_at"] + 5 * 3_600_000) % 86_400_000 == 0
    done(sandbox, "bank", "unlink/1", wallet=market.account("KZTD"))


def test_a_wallet_says_how_much_it_may_hold(sandbox: Sandbox) -> None:
    person = sandbox.joined()

    told = sandbox.get(f"/v1/accounts/{person.accounts['KZTD']}/holding").json
    crypto = sandbox.get(f"/v1/accounts/{person.accounts['tUSDT']}/holding").json
    bank = sandbox.world.persona("bank").account("KZTD")

    assert (told["balance"], told["limit"]) == ("50000.00", "10000000000.00")
    assert told["left"] == "9999950000.00"
    assert (crypto["limit"], crypto["left"]) == (None, None)
    assert sandbox.get(f"/v1/accounts/{bank}/holding").json["limit"] is None
    assert sandbox.get(f"/v1/accounts/{'A' * 22}/holding").status_code == 404


def test_a_dry_run_shows_what_will_flow(sandbox: Sandbox) -> None:
    rules = sandbox.get("/v1/packs/current").json["text"]
    payee, payer = linked(sandbox), sandbox.joined()
    limits = ", ".join(['"50010.00"'] * 4)
    tight = re.sub(r"person = \[.*\]", f"person = [{limits}]", rules)
    sandbox.by_two("central-bank", "pack/1", text=tight)
    try:
        jws = sandbox.transfer(payer, payee.accounts["KZTD"], "30.00")
        shown = sandbox.submit(jws, "?dry_run=true").json
        assert [row["amount"] for row in shown["postings"]] == ["30.00", "20.00", "20.00"]
        assert sandbox.submit(jws).status_code == 201

        refused = sandbox.submit(sandbox.transfer(payee, payer.accounts["KZTD"], "40.01")).json
        assert refused["code"] == "HOLDING_MAX"
        assert refused["reasons"][0]["params"]["left"] == "40.00"
    finally:
        sandbox.by_two("central-bank", "pack/1", text=rules)

    balance = sandbox.get(f"/v1/accounts/{payee.accounts[DEPOSIT]}/balance").json["balance"]
    assert balance == "1020.00"
