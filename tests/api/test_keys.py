"""Keys, recoveries and closed accounts over HTTP."""

from __future__ import annotations

from typing import Any

from ledger.core.ids import b64, unb64
from ledger.keys import SigningKey
from sandbox_api.records import commitment_of
from tests.api.sandbox import Person, Sandbox, derived, jwk_of, key_of, on_both

pytestmark = on_both

PROOF = b64(commitment_of(bytes(16), "an identity proof"))


def fresh(person: Person, name: str) -> SigningKey:
    """A key that no other test has."""
    return key_of(f"{name} {person.party[-8:]}")


def done(sandbox: Sandbox, by: SigningKey | str, kind: str, **members: Any) -> str:
    jws = sandbox.sign(by, kind, **members)
    answer = sandbox.submit(jws)
    assert answer.status_code == 201, answer.json
    return jws


def add_key(sandbox: Sandbox, person: Person, name: str) -> SigningKey:
    key = fresh(person, name)
    done(sandbox, person.key, "key/1", party=person.party, key=b64(key.public_key))
    return key


def recover(sandbox: Sandbox, person: Person, name: str) -> str:
    public = b64(fresh(person, name).public_key)
    jws = done(sandbox, "bank", "recover/1", party=person.party, key=public, proof=PROOF,
               revokes=[person.key.kid])  # fmt: skip
    return derived(jws, "recovery")


def test_keys_are_listed_with_their_status(sandbox: Sandbox, person: Person) -> None:
    tablet = add_key(sandbox, person, "tablet")
    done(sandbox, person.key, "key_revoke/1", kid=tablet.kid)
    recover(sandbox, person, "new phone")

    told = sandbox.get(f"/v1/parties/{person.party}/keys").json

    assert told["next"] is None
    assert {row["kid"]: row["status"] for row in told["keys"]} == {
        person.key.kid: "active",
        tablet.kid: "revoked",
        fresh(person, "new phone").kid: "pending",
    }
    order = [unb64(row["kid"], 32) for row in told["keys"]]
    assert order == sorted(order)
    own = next(row for row in told["keys"] if row["kid"] == person.key.kid)
    assert (own["jwk"], own["of"], own["owner"]) == (jwk_of(person.key), "party", person.party)


def test_keys_come_in_pages(sandbox: Sandbox, person: Person) -> None:
    kids = {person.key.kid} | {add_key(sandbox, person, f"device {n}").kid for n in range(4)}
    path, seen = f"/v1/parties/{person.party}/keys?limit=2", list[str]()
    after = ""
    while True:
        page = sandbox.get(path + after).json
        assert len(page["keys"]) <= 2
        seen += [row["kid"] for row in page["keys"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"

    assert len(seen) == len(set(seen))
    assert set(seen) == kids


def test_a_revoked_key_is_refused_over_http_too(sandbox: Sandbox, person: Person) -> None:
    tablet = add_key(sandbox, person, "tablet")
    to = sandbox.world.persona("aigerim").account("KZTD")
    late = sandbox.sign(tablet, "transfer/1", from_=person.accounts["KZTD"], to=to, amount="1.00")
    done(sandbox, person.key, "key_revoke/1", kid=tablet.kid)

    answer = sandbox.submit(late)

    assert (answer.status_code, answer.json["code"]) == (403, "KEY_NOT_ACTIVE")
    assert answer.json["reasons"][0]["params"] == {"kid": tablet.kid, "status": "revoked"}


def test_a_recovery_is_told_while_it_waits_and_after(sandbox: Sandbox, person: Person) -> None:
    id = recover(sandbox, person, "new phone")

    told = sandbox.get(f"/v1/recoveries/{id}").json

    new = fresh(person, "new phone")
    assert (told["party"], told["status"], told["proof"]) == (person.party, "open", PROOF)
    assert (told["kid"], told["jwk"]) == (new.kid, jwk_of(new))
    assert told["revokes"] == [person.key.kid]
    assert told["registrar"] == sandbox.world.persona("bank").party
    assert told["due"] - told["started_at"] == 72 * 3_600_000  # the shipped pack's waiting time
    assert sandbox.get(f"/v1/parties/{person.party}/recoveries").json == {
        "recoveries": [told],
        "next": None,
    }
    veto = done(sandbox, person.key, "recover_veto/1", recovery=id)
    after = sandbox.get(f"/v1/recoveries/{id}").json
    assert (after["status"], after["due"]) == ("vetoed", None)
    assert after["written"] > told["written"]
    assert sandbox.submit(veto).json["repeated"] is True


def test_a_dry_run_of_a_recovery_writes_nothing(sandbox: Sandbox, person: Person) -> None:
    public = b64(fresh(person, "never").public_key)
    jws = sandbox.sign("bank", "recover/1", party=person.party, key=public, proof=PROOF, revokes=[])

    told = sandbox.submit(jws, "?dry_run=true").json

    assert told["accepted"] is True
    assert told["facts"]["recovery"] == derived(jws, "recovery")
    assert sandbox.get(f"/v1/recoveries/{derived(jws, 'recovery')}").status_code == 404


def test_a_closed_account_says_so(sandbox: Sandbox, person: Person) -> None:
    opened = done(sandbox, "bank", "account/1", owner=person.party, asset="KZTD")
    account = derived(opened, "account")
    done(sandbox, "bank", "account_close/1", account=account)

    assert sandbox.get(f"/v1/accounts/{account}").json["status"] == "closed"
    again = sandbox.submit(sandbox.sign(person.key, "account_close/1", account=account))
    assert (again.status_code, again.json["code"]) == (409, "ACCOUNT_NOT_OPEN")
    full = sandbox.submit(
        sandbox.sign(person.key, "account_close/1", account=person.accounts["KZTD"])
    )
    assert (full.status_code, full.json["code"]) == (409, "ACCOUNT_NOT_EMPTY")


def test_of_a_party_that_nobody_knows_there_is_nothing(sandbox: Sandbox) -> None:
    for path in ("keys", "recoveries", "file"):
        answer = sandbox.get(f"/v1/parties/{'A' * 22}/{path}")
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
