"""Submitting over HTTP: one, many, dry; what comes back and what the ledger then holds."""

from __future__ import annotations

from tests.api.sandbox import Person, Sandbox, id_of


def test_an_accepted_transaction_answers_with_its_place(sandbox: Sandbox, person: Person) -> None:
    jws = sandbox.transfer(person, sandbox.world.persona("aigerim").account("KZTD"))

    answer = sandbox.submit(jws, key="publishable")

    assert answer.status_code == 201
    body = answer.json
    assert body["id"] == id_of(jws)
    assert body["size"] == body["index"] + 1
    assert body["repeated"] is False
    assert sandbox.get(f"/v1/transactions/{body['id']}").json["index"] == body["index"]


def test_the_same_bytes_again_answer_with_the_first_receipt(
    sandbox: Sandbox, person: Person
) -> None:
    jws = sandbox.transfer(person, sandbox.world.persona("aigerim").account("KZTD"))
    first = sandbox.submit(jws)

    again = sandbox.post("/v1/transactions", {"transaction": jws})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json["index"] == first.json["index"]
    assert again.json["repeated"] is True
