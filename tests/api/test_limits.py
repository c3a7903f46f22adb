"""Named bounds: places, caches, requests in flight. What is over them is told so at once."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import Overloaded
from sandbox_api.app import create_app
from sandbox_api.limits import (
    IN_FLIGHT_MAX,
    LARGE_BODIES_MAX,
    TRANSACTION_BYTES_MAX,
    Gate,
    Recent,
)
from tests.api.sandbox import Sandbox


def test_a_gate_lets_in_as_many_as_it_has_places() -> None:
    gate = Gate(2, "full")

    with gate.place(), gate.place(), pytest.raises(Overloaded, match="full"):
        gate.enter()

    with gate.place(), gate.place():
        pass


def test_a_place_is_given_back_when_something_breaks() -> None:
    gate = Gate(1, "full")

    for _ in range(3):
        with pytest.raises(ZeroDivisionError), gate.place():
            raise ZeroDivisionError


def test_what_was_used_last_stays() -> None:
    cache: Recent[str, int] = Recent(2)
    cache.put("a", 1)
    cache.put("b", 2)
    cache.get("a")
    cache.put("c", 3)

    assert (cache.get("a"), cache.get("b"), cache.get("c")) == (1, None, 3)
    assert len(cache) == 2
    cache.drop("a")
    cache.drop("a")
    assert cache.get("a") is None


class _Slow:
    """A reader that answers when it is told to."""

    def __init__(self, reader: Any) -> None:
        self.reader = reader
        self.inside = threading.Semaphore(0)
        self.go = threading.Event()

    def head(self) -> Any:
        self.inside.release()
        self.go.wait(30)
        return self.reader.head()


def test_more_requests_than_a_process_can_work_on_are_sent_away(sandbox: Sandbox) -> None:
    slow = _Slow(sandbox.reader)
    app = create_app(replace(sandbox.parts, reader=slow))
    found: list[int] = []

    def ask() -> None:
        found.append(app.test_client().get("/healthz").status_code)

    busy = [threading.Thread(target=ask) for _ in range(IN_FLIGHT_MAX)]
    for thread in busy:
        thread.start()
    for _ in busy:
        slow.inside.acquire(timeout=30)

    sent_away = app.test_client().get("/healthz")
    elsewhere = app.test_client().get("/nope")
    slow.go.set()
    for thread in busy:
        thread.join(30)

    assert (sent_away.status_code, sent_away.json["code"]) == (503, "overloaded")
    assert sent_away.headers["Retry-After"] == "1"
    assert elsewhere.status_code == 404
    assert found == [200] * IN_FLIGHT_MAX
    assert app.test_client().get("/healthz").status_code == 200


class _Trickle:
    """A body that is still on its way."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.go = threading.Event()

    def read(self, length: int) -> bytes:
        self.begun.set()
        self.go.wait(30)
        return b"x" * length


def _send(sandbox: Sandbox, body: Any, length: int) -> Any:
    return sandbox.app.test_client().post(
        "/v1/transactions/batch",
        headers={"Authorization": f"Bearer {sandbox.secret}"},
        content_type="application/x-ndjson",
        environ_overrides={"wsgi.input": body, "CONTENT_LENGTH": str(length)},
    )


def test_only_so_many_long_bodies_are_held_at_once(sandbox: Sandbox) -> None:
    bodies = [_Trickle() for _ in range(LARGE_BODIES_MAX)]
    long = TRANSACTION_BYTES_MAX + 1
    sending = [threading.Thread(target=_send, args=(sandbox, body, long)) for body in bodies]
    for thread, body in zip(sending, bodies, strict=True):
        thread.start()
        assert body.begun.wait(30)

    one_more, a_short_one = _Trickle(), _Trickle()
    a_short_one.go.set()
    refused = _send(sandbox, one_more, long)
    taken = _send(sandbox, a_short_one, 100)
    for thread, body in zip(sending, bodies, strict=True):
        body.go.set()
        thread.join(30)

    assert (refused.status_code, refused.json["code"]) == (503, "overloaded")
    assert not one_more.begun.is_set()
    assert taken.status_code == 200


def test_a_sender_that_goes_away_is_no_fault_of_ours(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    class Gone:
        def read(self, length: int) -> bytes:
            raise ConnectionResetError("the peer went away")

    answer = _send(sandbox, Gone(), 100)

    assert (answer.status_code, answer.json["code"]) == (400, "request.malformed")
    assert not caplog.records


def test_a_fault_of_ours_is_one_problem_without_a_trace(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken:
        def head(self) -> Any:
            raise ZeroDivisionError("/home/me/secret.py")

    app = create_app(replace(sandbox.parts, reader=Broken()))

    answer = app.test_client().get("/healthz")

    assert (answer.status_code, answer.json["code"]) == (500, "internal")
    assert "secret" not in answer.get_data(as_text=True)
    assert "ZeroDivisionError" in caplog.text
