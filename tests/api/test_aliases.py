"""Aliases over HTTP: resolved by whole words, few a minute, with nothing to learn from a miss."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from sqlalchemy import event

from ledger.core.alias import commitment_of
from ledger.core.ids import b64
from ledger.store.reader import Snapshot
from sandbox_api.auth import KeyKind
from sandbox_api.limits import RESOLUTIONS_A_MINUTE_MAX
from sandbox_api.reading.aliases import masked
from tests.api.sandbox import Person, Sandbox, derived, on_both

pytestmark = on_both

_free = itertools.count(0)


@pytest.fixture
def key(sandbox: Sandbox) -> str:
    """A publishable key with a budget of its own."""
    return sandbox.tenants.make_key(sandbox.tenant.number, KeyKind.PUBLISHABLE)


def a_number() -> str:
    return f"+7700000{next(_free):04}"


def named(sandbox: Sandbox, **body: Any) -> dict[str, Any]:
    answer = sandbox.post("/v1/aliases", {"name": "Aigerim Testova"} | body)
    assert answer.status_code == 201, answer.json
    found: dict[str, Any] = answer.json
    return found


def bind(
    sandbox: Sandbox, person: Person, made: dict[str, Any], *, by: Any = "bank", account: str = ""
) -> None:
    account = account or person.accounts["KZTD"]
    jws = sandbox.sign(by, "alias/1", alias=made["alias"], account=account,
                       form=made["form"], ends_at=None)  # fmt: skip
    answer = sandbox.submit(jws)
    assert answer.status_code == 201, answer.json


def resolved(sandbox: Sandbox, word: str, key: str) -> dict[str, Any]:
    answer = sandbox.post("/v1/aliases/resolve", {"word": word}, key=key)
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


MISS = dict.fromkeys(("alias", "form", "name", "account", "asset")) | {"found": False}


def test_a_number_resolves_to_a_masked_name_and_the_account(
    sandbox: Sandbox, person: Person, key: str
) -> None:
    made = named(sandbox, form="phone", word=a_number())
    assert resolved(sandbox, made["word"], key) == MISS
    bind(sandbox, person, made)

    assert resolved(sandbox, made["word"], key) == {
        "found": True, "alias": made["alias"], "form": "phone", "name": "Aigerim T.",
        "account": person.accounts["KZTD"], "asset": "KZTD",
    }  # fmt: skip


def test_the_record_explains_the_commitment_and_the_log_does_not(
    sandbox: Sandbox, person: Person
) -> None:
    made = named(sandbox, form="phone", word=a_number())
    bind(sandbox, person, made)

    kept = sandbox.tenants.aliases.of_word(sandbox.tenant.number, made["word"])

    assert kept is not None
    assert b64(commitment_of(kept.salt, "phone", made["word"])) == made["alias"]
    assert "Testova" not in kept.name
    told = sandbox.get(f"/v1/aliases/{made['alias']}").text
    assert made["word"] not in told
    assert kept.name not in told


@pytest.mark.parametrize("form", ["random", "one_time"])
def test_words_are_drawn_and_bound_by_the_owner(
    sandbox: Sandbox, person: Person, key: str, form: str
) -> None:
    made = named(sandbox, form=form)
    bind(sandbox, person, made, by=person.key)

    assert resolved(sandbox, made["word"], key)["account"] == person.accounts["KZTD"]
    assert named(sandbox, form=form)["word"] != made["word"]


def test_a_one_time_alias_resolves_until_it_is_paid(
    sandbox: Sandbox, person: Person, key: str
) -> None:
    payer = sandbox.joined()
    made = named(sandbox, form="one_time")
    bind(sandbox, person, made, by=person.key)
    found = resolved(sandbox, made["word"], key)
    assert found == resolved(sandbox, made["word"], key)

    statuses = []
    for _ in range(2):
        jws = sandbox.sign(payer.key, "alias_pay/1", from_=payer.accounts["KZTD"],
                           alias=found["alias"], amount="12.00")  # fmt: skip
        statuses.append(sandbox.submit(jws).status_code)

    assert statuses == [201, 409]
    assert resolved(sandbox, made["word"], key) == MISS
    assert sandbox.get(f"/v1/aliases/{made['alias']}").json["status"] == "spent"


def test_a_number_that_changes_hands_is_bound_under_a_new_salt(
    sandbox: Sandbox, person: Person, key: str
) -> None:
    word = a_number()
    first = named(sandbox, form="phone", word=word)
    bind(sandbox, person, first)
    taken = sandbox.post("/v1/aliases", {"form": "phone", "word": word, "name": "Daniyar"})
    assert (taken.status_code, taken.json["code"]) == (409, "alias.taken")
    drop = sandbox.sign(person.key, "alias_drop/1", alias=first["alias"])
    assert sandbox.submit(drop).status_code == 201
    assert resolved(sandbox, word, key) == MISS

    heir = sandbox.joined()
    second = named(sandbox, form="phone", word=word, name="Daniyar")
    bind(sandbox, heir, second)

    assert second["alias"] != first["alias"]
    found = resolved(sandbox, word, key)
    assert (found["account"], found["name"]) == (heir.accounts["KZTD"], "D…")


def test_a_number_cannot_be_bound_as_a_word_that_nobody_checks(
    sandbox: Sandbox, person: Person, key: str
) -> None:
    """Who sees the commitment of somebody's number first could bind it as `random` to an account of
    their own, and be paid under the other's name."""
    word, thief = a_number(), sandbox.joined()
    first = named(sandbox, form="phone", word=word)
    bind(sandbox, thief, first | {"form": "random"}, by=thief.key)

    assert resolved(sandbox, word, key) == MISS

    second = named(sandbox, form="phone", word=word)
    bind(sandbox, person, second)
    assert resolved(sandbox, word, key)["account"] == person.accounts["KZTD"]


def test_a_closed_account_is_nobodys_under_its_words(
    sandbox: Sandbox, person: Person, key: str
) -> None:
    jws = sandbox.sign("bank", "account/1", owner=person.party, asset="KZTD")
    assert sandbox.submit(jws).status_code == 201
    account = derived(jws, "account")
    made = named(sandbox, form="phone", word=a_number())
    bind(sandbox, person, made, account=account)
    assert resolved(sandbox, made["word"], key)["account"] == account

    closing = sandbox.sign(person.key, "account_close/1", account=account)
    assert sandbox.submit(closing).status_code == 201

    assert resolved(sandbox, made["word"], key) == MISS
    bind(sandbox, person, named(sandbox, form="phone", word=made["word"]))
    assert resolved(sandbox, made["word"], key)["account"] == person.accounts["KZTD"]


def test_a_forgotten_word_resolves_no_more(sandbox: Sandbox, person: Person, key: str) -> None:
    made = named(sandbox, form="phone", word=a_number())
    bind(sandbox, person, made)

    def forget(with_key: str) -> Any:
        headers = {"Authorization": f"Bearer {with_key}"}
        return sandbox.client.delete(f"/v1/aliases/{made['alias']}", headers=headers)

    assert forget(key).status_code == 403
    assert forget(sandbox.secret).json == {"alias": made["alias"], "forgotten": True}
    assert forget(sandbox.secret).json == {"alias": made["alias"], "forgotten": False}
    assert resolved(sandbox, made["word"], key) == MISS


def test_an_account_lists_its_aliases_without_words(sandbox: Sandbox, person: Person) -> None:
    made = [named(sandbox, form="phone", word=a_number()) for _ in range(2)]
    for one in made:
        bind(sandbox, person, one)

    answer = sandbox.get(f"/v1/accounts/{person.accounts['KZTD']}/aliases", key="publishable")

    assert {one["alias"] for one in answer.json["aliases"]} == {one["alias"] for one in made}
    assert not any(one["word"] in answer.text for one in made)


# Nobody finds out by asking who has a number ------------------------------------------------------


def test_a_key_resolves_so_many_words_a_minute(sandbox: Sandbox, key: str) -> None:
    """One minute may end meanwhile, not two."""
    answers = []
    for _ in range(2 * RESOLUTIONS_A_MINUTE_MAX + 1):
        answers.append(sandbox.post("/v1/aliases/resolve", {"word": "+77000009999"}, key=key))
        if answers[-1].status_code != 200:
            break

    last = answers[-1]
    assert (last.status_code, last.json["code"]) == (429, "alias.budget")
    assert 1 <= int(last.headers["Retry-After"]) <= 60
    assert len(answers) > RESOLUTIONS_A_MINUTE_MAX
    other = sandbox.tenants.make_key(sandbox.tenant.number, KeyKind.PUBLISHABLE)
    assert resolved(sandbox, "+77000009999", other) == MISS


def test_the_budget_is_counted_by_minute_and_key(sandbox: Sandbox) -> None:
    count = sandbox.tenants.aliases.count
    mine, yours = b"m" * 32, b"y" * 32

    assert [count(mine, 7), count(mine, 7), count(yours, 7), count(mine, 8), count(mine, 8)] == [
        1, 2, 1, 1, 2,
    ]  # fmt: skip


@pytest.mark.parametrize("why", ["never there", "not bound", "dropped"])
def test_a_miss_looks_and_works_like_a_hit(
    sandbox: Sandbox, person: Person, key: str, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same members, the same statements in the sandbox's store, the same reads of the ledger,
    whether a word is somebody's or not, and whyever it is not."""
    hit, miss = (named(sandbox, form="phone", word=a_number()) for _ in range(2))
    bind(sandbox, person, hit)
    if why == "dropped":
        bind(sandbox, person, miss)
        drop = sandbox.sign("bank", "alias_drop/1", alias=miss["alias"])
        assert sandbox.submit(drop).status_code == 201
    words = {"hit": hit["word"], "miss": a_number() if why == "never there" else miss["word"]}
    resolved(sandbox, words["hit"], key)
    done: list[Any] = []
    load = Snapshot.load

    def noted(self: Snapshot, needs: Any) -> Any:
        asked = list(needs)
        done.append([need[:2] if need[0] == "object" else need[:1] for need in asked])
        return load(self, asked)

    def said(connection: Any, cursor: Any, statement: str, *rest: Any) -> None:
        done.append(statement)

    monkeypatch.setattr(Snapshot, "load", noted)
    event.listen(sandbox.tenants._engine, "before_cursor_execute", said)
    work, shapes = {}, {}
    try:
        for name, word in words.items():
            done.clear()
            shapes[name] = list(resolved(sandbox, word, key))
            work[name] = list(done)
    finally:
        event.remove(sandbox.tenants._engine, "before_cursor_execute", said)

    assert work["hit"] == work["miss"]
    assert len(work["hit"]) >= 4
    assert shapes["hit"] == shapes["miss"]


@pytest.mark.parametrize("cut", [slice(0, -1), slice(0, 8), slice(1, None)])
def test_a_part_of_a_word_is_another_word(
    sandbox: Sandbox, person: Person, key: str, cut: slice
) -> None:
    made = named(sandbox, form="phone", word=a_number())
    bind(sandbox, person, made)

    assert resolved(sandbox, made["word"][cut], key) == MISS


@pytest.mark.parametrize("word", ["+7700000%", "%", "+77000000_01", "", "ab", "a" * 33, "a\n", 7])
def test_what_is_no_word_is_not_looked_for(sandbox: Sandbox, key: str, word: Any) -> None:
    answer = sandbox.post("/v1/aliases/resolve", {"word": word}, key=key)

    if word == "+77000000_01":  # a word as another: nothing is a pattern here
        assert answer.json == MISS
    else:
        assert answer.status_code == 400


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        pytest.param({"form": "phone", "word": "+77011234567"}, 422, "alias.word", id="a real one"),
        pytest.param({"form": "phone", "word": "+770000000"}, 422, "alias.word", id="too short"),
        pytest.param({"form": "phone"}, 422, "alias.word", id="no number"),
        pytest.param({"form": "random", "word": "mine"}, 422, "alias.word", id="chosen, not drawn"),
        pytest.param({"form": "bank", "word": "+77000000001"}, 422, "alias.word", id="of no bank"),
        pytest.param({"form": "email", "word": "a.b"}, 400, "body.member", id="unknown form"),
        pytest.param({"form": "random", "name": "1337"}, 400, "body.member", id="no name"),
        pytest.param({"form": "random", "name": "A\nB"}, 400, "body.member", id="two lines"),
    ],
)
def test_a_record_must_be_synthetic_and_well_formed(
    sandbox: Sandbox, body: dict[str, Any], status: int, code: str
) -> None:
    answer = sandbox.post("/v1/aliases", {"name": "Aigerim Testova"} | body)

    assert (answer.status_code, answer.json["code"]) == (status, code)


def test_a_publishable_key_keeps_no_records(sandbox: Sandbox, key: str) -> None:
    body = {"form": "random", "name": "Aigerim Testova"}

    assert sandbox.post("/v1/aliases", body, key=key).status_code == 403


def test_a_bank_word_is_paid_by_the_same_banks_clients(
    sandbox: Sandbox, person: Person, key: str
) -> None:
    made = named(sandbox, form="bank", word=f"baker-{next(_free)}")
    bind(sandbox, person, made)
    payer = sandbox.joined()

    jws = sandbox.sign(payer.key, "alias_pay/1", from_=payer.accounts["KZTD"],
                       alias=made["alias"], amount="1.00")  # fmt: skip

    assert sandbox.submit(jws).status_code == 201
    assert derived(jws, "x")  # the payment names the alias alone
    assert person.accounts["KZTD"] not in jws


@pytest.mark.parametrize(
    ("name", "seen"),
    [("Aigerim Testova", "Aigerim T."), ("Aigerim", "A…"), ("Айгерім Бақытқызы Сынақова",
     "Айгерім Б. С."), ("  Ann   Lee ", "Ann L.")],
)  # fmt: skip
def test_a_payer_sees_the_first_name_and_initials(sandbox: Sandbox, name: str, seen: str) -> None:
    made = named(sandbox, form="random", name=name.strip())

    assert made["name"] == masked(name) == seen
