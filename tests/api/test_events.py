"""Events by long-poll: one sequence, by cursor, filtered, waiting without holding anyone up."""

from __future__ import annotations

import threading
import time
from typing import Any

from tests.api.sandbox import Person, Sandbox, derived, id_of, on_both

pytestmark = on_both


def events(sandbox: Sandbox, query: str, **headers: str) -> dict[str, Any]:
    answer = sandbox.get(f"/v1/events?{query}", **headers)
    assert answer.status_code == 200, answer.json
    found: dict[str, Any] = answer.json
    return found


def test_every_entry_is_told_once_and_in_order(sandbox: Sandbox, person: Person) -> None:
    told: list[dict[str, Any]] = []
    after = 0
    while True:
        page = events(sandbox, f"after={after}&limit=7")
        told += page["events"]
        if page["next"] == page["head"]:
            break
        after = page["next"]

    assert [event["seq"] for event in told] == list(range(1, page["head"] + 1))
    indexes = [event["index"] for event in told if event["type"] == "entry"]
    assert indexes == list(range(sandbox.reader.head().size))


def test_without_a_cursor_events_start_now(sandbox: Sandbox, person: Person) -> None:
    page = events(sandbox, "")

    assert page == {"events": [], "next": page["head"], "head": page["head"]}


def test_a_filter_by_account_lets_its_entries_through(sandbox: Sandbox, person: Person) -> None:
    head = events(sandbox, "")["head"]
    other = sandbox.joined()
    aigerim = sandbox.world.persona("aigerim").account("KZTD")
    mine = sandbox.transfer(person, aigerim)
    for jws in (mine, sandbox.transfer(other, aigerim)):
        sandbox.submit(jws)
    too_much = sandbox.transfer(person, aigerim, "99999.00")
    sandbox.submit(too_much)

    page = events(
        sandbox, f"after={head}&account={person.accounts['KZTD']}&lang=en", key="publishable"
    )

    assert [event["id"] for event in page["events"]] == [id_of(mine), id_of(too_much)]
    assert page["events"][0]["postings"][0]["amount"] == "1.00"
    assert page["events"][1]["type"] == "refusal"
    assert page["events"][1]["reasons"][0]["code"] == "FUNDS"
    assert page["next"] == page["head"]


def test_whom_a_hold_or_a_lock_is_for_hears_of_it_before_any_money_comes(
    sandbox: Sandbox, person: Person
) -> None:
    other = sandbox.joined()
    head = events(sandbox, "")["head"]
    ends = sandbox.ledger.time() + 3_600_000
    members = {"from_": person.accounts["KZTD"], "to": other.accounts["KZTD"], "ends_at": ends}
    hold = sandbox.sign(person.key, "hold/1", amount="5.00", **members)
    lock = sandbox.sign(person.key, "lock/1", amount="5.00", condition={"type": "two_party"},
                        **members)  # fmt: skip
    too_much = sandbox.sign(person.key, "hold/1", amount="99999.00", **members)
    later = sandbox.sign(person.key, "extend/1", lock=derived(lock, "lock"), ends_at=ends + 1)
    for jws in (hold, lock, too_much, later):
        sandbox.submit(jws)

    page = events(sandbox, f"after={head}&account={other.accounts['KZTD']}", key="publishable")
    of_lock = events(sandbox, f"after={head}&account={derived(lock, 'lock')}", key="publishable")

    assert [event["id"] for event in page["events"]] == [id_of(hold), id_of(lock)]
    assert [event["id"] for event in of_lock["events"]] == [id_of(lock), id_of(later)]


def test_a_filter_by_request_lets_its_payments_through(sandbox: Sandbox, person: Person) -> None:
    head = events(sandbox, "")["head"]
    request = sandbox.request("market", "10.00")
    id = sandbox.post("/v1/payment-requests", {"request": request}).json["id"]
    refused, paid = (sandbox.pay(person, asset, request) for asset in ("tUSDT", "KZTD"))
    for jws in (refused, paid, sandbox.pay(person, "KZTD", sandbox.request("market", "11.00"))):
        sandbox.submit(jws)

    page = events(sandbox, f"after={head}&request={id}", key="publishable")

    assert [(event["type"], event["id"]) for event in page["events"]] == [
        ("refusal", id_of(refused)),
        ("entry", id_of(paid)),
    ]
    assert {event["request"] for event in page["events"]} == {id}


def test_a_publishable_key_must_say_whom_it_follows(sandbox: Sandbox) -> None:
    answer = sandbox.get("/v1/events?after=0", key="publishable")

    assert (answer.status_code, answer.json["code"]) == (403, "events.filter")


def test_a_long_poll_answers_as_soon_as_something_happens(sandbox: Sandbox, person: Person) -> None:
    head = events(sandbox, "")["head"]
    account = person.accounts["KZTD"]
    jws = sandbox.transfer(person, sandbox.world.persona("aigerim").account("KZTD"))
    found: list[dict[str, Any]] = []

    def wait() -> None:
        client = sandbox.app.test_client()
        headers = {"Authorization": f"Bearer {sandbox.secret}"}
        path = f"/v1/events?after={head}&wait=20&account={account}"
        found.append(client.get(path, headers=headers).json)

    waiting = threading.Thread(target=wait)
    waiting.start()
    other = sandbox.joined()  # wakes the waiting one for nothing
    assert other.party != person.party
    begun = time.monotonic()
    sandbox.submit(jws)
    waiting.join(10)

    assert not waiting.is_alive()
    assert time.monotonic() - begun < 5
    assert [event["id"] for event in found[0]["events"]] == [id_of(jws)]


def test_a_long_poll_ends_empty_when_nothing_happens(sandbox: Sandbox) -> None:
    begun = time.monotonic()

    page = events(sandbox, "wait=1")

    assert page["events"] == []
    assert 0.9 < time.monotonic() - begun < 5
