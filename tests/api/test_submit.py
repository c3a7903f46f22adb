"""Submitting over HTTP: one, many, dry; what comes back and what the ledger then holds."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.core.ids import b64
from ledger.errors import DoorShut, Overloaded, StoreProblem
from ledger.keys import SigningKey
from ledger.writer.answers import Answer, Busy, Offer
from sandbox_api.app import create_app
from tests.api.sandbox import Person, Sandbox, derived, id_of


def aigerim(sandbox: Sandbox, asset: str = "KZTD") -> str:
    return sandbox.world.persona("aigerim").account(asset)


def balance(sandbox: Sandbox, account: str) -> str:
    found: str = sandbox.get(f"/v1/accounts/{account}").json["balance"]
    return found


def test_an_accepted_transaction_answers_with_its_place(sandbox: Sandbox, person: Person) -> None:
    jws = sandbox.transfer(person, aigerim(sandbox))

    answer = sandbox.submit(jws, key="publishable")

    assert answer.status_code == 201
    body = answer.json
    assert body["id"] == id_of(jws)
    assert body["size"] == body["index"] + 1
    assert body["repeated"] is False
    assert balance(sandbox, person.accounts["KZTD"]) == "49999.00"


def test_the_same_bytes_again_answer_with_the_first_receipt(
    sandbox: Sandbox, person: Person
) -> None:
    jws = sandbox.transfer(person, aigerim(sandbox))
    first = sandbox.submit(jws)

    again = sandbox.post("/v1/transactions", {"transaction": jws})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json["index"] == first.json["index"]
    assert again.json["repeated"] is True
    assert balance(sandbox, person.accounts["KZTD"]) == "49999.00"


@pytest.mark.parametrize(
    ("lang", "words"),
    [
        pytest.param("kk", "теңге", id="Kazakh"),
        pytest.param("ru", "тенге", id="Russian"),
        pytest.param("en", "tenge", id="English"),
    ],
)
def test_crypto_outside_the_zone_is_refused_in_the_asked_language(
    sandbox: Sandbox, person: Person, lang: str, words: str
) -> None:
    pay = sandbox.pay(person, "tUSDT", sandbox.request("market", "1290.00"))

    answer = sandbox.submit(pay, Accept_Language=f"{lang}, de;q=0.5")

    assert (answer.status_code, answer.json["code"]) == (403, "ZONE_OUTSIDE")
    assert answer.json["reasons"][0]["basis"] == {"status": "LAW", "source": "K2"}
    assert words in answer.json["detail"]
    assert balance(sandbox, person.accounts["tUSDT"]) == "100.000000"


def test_crypto_inside_the_zone_passes(sandbox: Sandbox, person: Person) -> None:
    request = sandbox.request("cafe", "1290.00")

    answer = sandbox.submit(sandbox.pay(person, "tUSDT", request))

    assert answer.status_code == 201
    entry = sandbox.get(f"/v1/transactions/{answer.json['id']}").json
    assert entry["facts"]["zone"] == sandbox.world.zone
    assert [row["asset"] for row in entry["postings"]] == ["tUSDT"]


def test_a_plain_transfer_goes_round_no_rule(sandbox: Sandbox, person: Person) -> None:
    market = sandbox.world.persona("market").account("tUSDT")

    answer = sandbox.submit(sandbox.transfer(person, market, "1.000000", "tUSDT"))

    assert (answer.status_code, answer.json["code"]) == (403, "ZONE_OUTSIDE")


def test_all_reasons_are_told_in_order(sandbox: Sandbox, person: Person) -> None:
    pay = sandbox.pay(person, "tUSDT", sandbox.request("market", "600000.00"))

    answer = sandbox.submit(pay)

    codes = [reason["code"] for reason in answer.json["reasons"]]
    assert codes[0] == answer.json["code"] == "ZONE_OUTSIDE"
    assert codes[-1] == "FUNDS"
    assert len(codes) > 2


def test_an_unknown_key_is_refused_by_name(sandbox: Sandbox) -> None:
    stranger = SigningKey.from_seed(bytes(32))
    jws = sandbox.sign(stranger, "transfer/1", from_="A" * 22, to=aigerim(sandbox), amount="1.00")

    answer = sandbox.submit(jws)

    assert (answer.status_code, answer.json["code"]) == (403, "KEY_UNKNOWN")


def test_a_strangers_account_is_not_told_from_none(sandbox: Sandbox, person: Person) -> None:
    answers = [
        sandbox.submit(
            sandbox.sign(person.key, "transfer/1", from_=source, to=aigerim(sandbox), amount="1.00")
        )
        for source in (aigerim(sandbox, "KZTD"), "A" * 22)
    ]

    told = [(answer.status_code, answer.json["reasons"]) for answer in answers]
    assert told[0] == told[1]
    assert answers[0].json["code"] == "NO_AUTHORITY"


def lines_of(answer: Any) -> list[dict[str, Any]]:
    assert answer.status_code == 200
    assert answer.content_type == "application/x-ndjson"
    return [json.loads(line) for line in answer.get_data().splitlines()]


def batch(sandbox: Sandbox, lines: list[str], **headers: str) -> Any:
    raw = "\n".join(lines) + "\n"
    return sandbox.post("/v1/transactions/batch", raw=raw, media="application/x-ndjson", **headers)


def test_a_batch_answers_line_by_line_and_one_bad_line_spoils_none(
    sandbox: Sandbox, person: Person
) -> None:
    good = [sandbox.transfer(person, aigerim(sandbox), "0.01") for _ in range(5)]
    dear = sandbox.transfer(person, aigerim(sandbox), "99999999.00")
    lines = [good[0], "not a transaction", good[1], dear, good[2], good[0], good[3], good[4]]

    found = lines_of(batch(sandbox, lines, Accept_Language="ru"))

    assert [line.get("id") for line in found] == [
        id_of(good[0]), None, id_of(good[1]), None, id_of(good[2]), id_of(good[0]),
        id_of(good[3]), id_of(good[4]),
    ]  # fmt: skip
    assert found[1]["problem"]["code"] == "envelope.segments"
    assert found[3]["problem"]["code"] == "FUNDS"
    assert found[3]["problem"]["id"] == id_of(dear)
    assert found[5]["index"] == found[0]["index"]
    assert balance(sandbox, person.accounts["KZTD"]) == "49999.95"


def test_a_batch_may_register_a_key_and_use_it(sandbox: Sandbox) -> None:
    key = SigningKey.from_seed(bytes(31) + b"\1")
    bank = sandbox.world.persona("bank")
    party = sandbox.sign("bank", "party/1", role="person", tier=1, key=b64(key.public_key))
    account = sandbox.sign("bank", "account/1", owner=derived(party, "party"), asset="KZTD")
    wallet = derived(account, "account")
    money = sandbox.sign(
        "bank", "transfer/1", from_=bank.account("KZTD"), to=wallet, amount="10.00"
    )
    spent = sandbox.sign(key, "transfer/1", from_=wallet, to=aigerim(sandbox), amount="4.00")

    found = lines_of(batch(sandbox, [party, account, money, spent]))

    assert [line["index"] for line in found] == list(
        range(found[0]["index"], found[0]["index"] + 4)
    )
    assert balance(sandbox, wallet) == "6.00"


def test_a_dry_run_says_what_would_come_and_writes_nothing(
    sandbox: Sandbox, person: Person
) -> None:
    jws = sandbox.pay(person, "tUSDT", sandbox.request("cafe", "1000.00"))
    before = sandbox.reader.head()

    told = sandbox.submit(jws, "?dry_run=true").json

    assert sandbox.reader.head().size == before.size
    assert sandbox.reader.head().events == before.events
    assert told["accepted"] is True
    assert {line["rule"] for line in told["trace"]} == {
        rule["rule"] for rule in sandbox.get("/v1/packs/current").json["rules"]
    }
    done = sandbox.submit(jws)
    entry = sandbox.get(f"/v1/transactions/{done.json['id']}").json
    assert (told["postings"], told["facts"]) == (entry["postings"], entry["facts"])
    assert {row["account"]: row["balance"] for row in told["balances"]} == {
        row["account"]: balance(sandbox, row["account"]) for row in told["balances"]
    }


def test_a_dry_run_refuses_as_submitting_would(sandbox: Sandbox, person: Person) -> None:
    jws = sandbox.pay(person, "tUSDT", sandbox.request("market", "600000.00"))
    before = sandbox.reader.head().refusals

    told = sandbox.submit(jws, "?dry_run=true").json

    assert sandbox.reader.head().refusals == before
    assert told["reasons"] == sandbox.submit(jws).json["reasons"]
    failed = {line["code"] for line in told["trace"] if not line["passed"]}
    assert failed | {"FUNDS"} == {reason["code"] for reason in told["reasons"]}


def test_a_dry_run_of_what_is_done_says_that_nothing_would_come(
    sandbox: Sandbox, person: Person
) -> None:
    jws = sandbox.transfer(person, aigerim(sandbox), "50000.00")
    assert sandbox.submit(jws).status_code == 201

    told = sandbox.submit(jws, "?dry_run=true").json

    assert (told["accepted"], told["postings"], told["reasons"]) == (True, [], [])


def test_a_dry_run_of_a_bad_signature_is_a_problem(sandbox: Sandbox, person: Person) -> None:
    good = sandbox.transfer(person, aigerim(sandbox))
    forged = good[:-4] + ("AAAA" if good[-4:] != "AAAA" else "BBBA")

    answer = sandbox.submit(forged, "?dry_run=true")

    assert (answer.status_code, answer.json["code"]) == (401, "bad_signature")


class _Shut:
    """A writer that cannot be reached, or takes no more."""

    def __init__(self, door: Any, error: Exception) -> None:
        self.time, self.checkpoint = door.time, door.checkpoint
        self.error = error

    def submit(self, offers: list[Offer]) -> list[Answer]:
        raise self.error


@pytest.mark.parametrize("path", ["/v1/transactions", "/v1/transactions/batch"])
@pytest.mark.parametrize(
    ("error", "code", "seconds"),
    [
        pytest.param(Overloaded("full", 2), "overloaded", "2", id="a full queue"),
        pytest.param(DoorShut("away"), "door_shut", "1", id="a writer that is away"),
        pytest.param(StoreProblem("locked"), "store_problem", "1", id="a store that fails"),
    ],
)
def test_where_nothing_was_taken_the_answer_says_to_come_back(
    sandbox: Sandbox, person: Person, path: str, error: Exception, code: str, seconds: str
) -> None:
    app = create_app(replace(sandbox.parts, door=_Shut(sandbox.ledger, error)))
    media = "application/x-ndjson" if path.endswith("batch") else "application/jose"

    answer = app.test_client().post(
        path, data=sandbox.transfer(person, aigerim(sandbox)), content_type=media,
        headers={"Authorization": f"Bearer {sandbox.secret}"},
    )  # fmt: skip

    assert (answer.status_code, answer.json["code"]) == (503, code)
    assert answer.json["retryable"] is True
    assert answer.headers["Retry-After"] == seconds


class _Full:
    """A writer whose queue is full: what it answers, and nothing it does."""

    def __init__(self, door: Any) -> None:
        self.time, self.checkpoint = door.time, door.checkpoint

    def submit(self, offers: list[Offer]) -> list[Answer]:
        return [Busy("20,000 transactions wait already", 3) for _ in offers]


def test_a_busy_writer_is_a_503_that_says_when_to_come_back(
    sandbox: Sandbox, person: Person
) -> None:
    client = create_app(replace(sandbox.parts, door=_Full(sandbox.ledger))).test_client()
    jws = sandbox.transfer(person, aigerim(sandbox))
    headers = {"Authorization": f"Bearer {sandbox.secret}"}

    one = client.post(
        "/v1/transactions", data=jws, content_type="application/jose", headers=headers
    )
    many = client.post(
        "/v1/transactions/batch", data=jws, content_type="application/x-ndjson", headers=headers
    )

    assert (one.status_code, one.json["code"]) == (503, "overloaded")
    assert one.json["retryable"] is True
    assert one.headers["Retry-After"] == "3"
    line = json.loads(many.get_data())
    assert (line["problem"]["status"], line["problem"]["retryable"]) == (503, True)
