"""The engine against what it does not expect: no neighbour suffers, and nothing is guessed."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from typing import Any

import pytest

from ledger.core.envelope import seal
from ledger.errors import DoorShut, LedgerError, StoreProblem
from ledger.kinds import KINDS
from ledger.kinds.transfer import Transfer
from ledger.ledger import Ledger
from ledger.store import POINTS, open_writing
from ledger.writer.answers import Answer, Busy, Offer, Taken, Unread
from tests.builders import key_of
from tests.reliability.town import Site, offers
from tests.scale import rounds


def kinds_of(answers: list[Answer]) -> list[str]:
    return [type(answer).__name__ for answer in answers]


def test_a_decision_that_raises_harms_no_neighbour(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    kind = KINDS[Transfer]

    def plan(tx: Any, *rest: Any) -> Any:
        if tx.payload.amount == "6.66":
            raise ZeroDivisionError("a bug in a kind")
        return kind.plan(tx, *rest)

    kinds: dict[Any, Any] = KINDS
    monkeypatch.setitem(kinds, Transfer, replace(kind, plan=plan))
    ledger = site.open()
    before = site.balance("person 01")
    amounts = ["1.00", "6.66", "2.00", "6.66", "3.00"]

    answers = ledger.submit(
        offers([site.transfer("person 00", "person 01", amount) for amount in amounts])
    )

    assert kinds_of(answers) == ["Taken", "Unread", "Taken", "Unread", "Taken"]
    assert isinstance(answers[1], Unread)
    assert answers[1].code == "internal_error"
    assert site.balance("person 01") == before + 6_00


def sealed(payload: bytes) -> bytes:
    key = key_of("person 00")
    return seal(payload, kid=key.kid, typ="tenge-tx", sign=key.sign).encode()


@pytest.mark.parametrize("verified", [False, True], ids=["unchecked", "said to be checked"])
@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"\xff\xfe\x00", id="no text"),
        pytest.param(b"a.b.c", id="no envelope"),
        pytest.param(sealed(b"not json"), id="no JSON"),
        pytest.param(sealed(b"[" * 30_000), id="brackets without end"),
        pytest.param(sealed(b'{"kind":"nothing/1"}'), id="no kind of ours"),
        pytest.param(sealed(b'{"kind":"transfer/1","ledger":1}'), id="a wrong member"),
        pytest.param(
            sealed(b'{"kind":"pay/1","ledger":"x","nonce":"0123456789abcdef","not_after":1,'
                   b'"from":"0123456789012345678901","request":"\xc3\xa4.b.c"}'),
            id="a request that is no envelope",
        ),
    ],
)  # fmt: skip
def test_bytes_that_cannot_be_read_harm_no_neighbour(
    sqlite_site: Site, raw: bytes, verified: bool
) -> None:
    ledger = sqlite_site.open()
    good = [sqlite_site.transfer("person 00", "person 01", "1.00").encode() for _ in range(2)]

    answers = ledger.take([Offer(good[0], False), Offer(raw, verified), Offer(good[1], False)])

    assert kinds_of(answers) == ["Taken", "Unread", "Taken"]
    assert isinstance(answers[1], Unread)
    assert answers[1].code != "internal_error", "the fault is named"


class Breaking:
    """A store's points: from `at` on everything fails with `error`, while `broken`."""

    def __init__(self, at: str, error: BaseException) -> None:
        self.at = at
        self.error = error
        self.broken = False

    def __call__(self, point: str) -> None:
        if self.broken and point == self.at:
            raise self.error


@pytest.mark.parametrize("point", ["begin.before", "begin.after", "posting.after", "commit.before"])
def test_a_store_that_stays_broken_is_said_to_be_busy_until_it_is_back(
    site: Site, point: str
) -> None:
    breaking = Breaking(point, StoreProblem("the disk is gone"))
    ledger = site.open(breaking)
    jws = offers([site.transfer("person 00", "person 01", "1.00") for _ in range(20)])

    breaking.broken = True
    for _ in range(3):
        assert kinds_of(ledger.submit(jws)) == ["Busy"] * 20
    breaking.broken = False

    assert ledger.checkpoint().splitlines()[1] == str(site.judge().size), "nothing was kept"
    answers = ledger.submit(jws)
    assert kinds_of(answers) == ["Taken"] * 20
    assert not any(isinstance(a, Taken) and a.repeated for a in answers)
    site.judge()


@pytest.mark.parametrize("ask", ["checkpoint", "time", "events"])
@pytest.mark.parametrize("error", [StoreProblem("gone"), OSError("gone")], ids=["ours", "foreign"])
def test_a_question_that_the_store_failed_is_answered_the_next_time(
    site: Site, ask: str, error: Exception
) -> None:
    breaking = Breaking("begin.after", error)
    ledger = site.open(breaking)

    breaking.broken = True
    with pytest.raises(StoreProblem):
        getattr(ledger, ask)()
    breaking.broken = False

    assert getattr(ledger, ask)()
    assert isinstance(ledger.submit_one(site.transfer("person 00", "person 01", "1.00")), Taken)


def test_a_lost_connection_is_made_again_by_whoever_asks_next(postgres_site: Site) -> None:
    ledger = postgres_site.open()
    ledger.time()
    with postgres_site.admin() as admin:
        ended = admin.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'ledger'"
        ).fetchall()
        assert ended == [(True,)]

    with pytest.raises(StoreProblem):
        ledger.time()

    assert ledger.time() > 0
    assert ledger.checkpoint()


@pytest.mark.parametrize("point", POINTS)
def test_an_interrupted_batch_leaves_nothing_behind(site: Site, point: str) -> None:
    """Ctrl-C in a script that catches it and goes on."""
    breaking = Breaking(point, KeyboardInterrupt())
    ledger = site.open(breaking)
    first = [site.transfer("person 00", "person 01", "1.00") for _ in range(3)]
    before = site.balance("person 01")

    breaking.broken = True
    with pytest.raises(KeyboardInterrupt):
        ledger.take(offers(first))
    breaking.broken = False

    second = ledger.take(offers([site.transfer("person 01", "person 02", "1.00"), first[1]]))

    assert kinds_of(second) == ["Taken", "Taken"]
    kept = point == "commit.after"
    assert site.balance("person 01") == before + (2_00 if kept else 0)
    assert isinstance(second[1], Taken)
    assert second[1].repeated == kept


def test_a_closed_ledger_never_opens_its_store_again(sqlite_site: Site) -> None:
    ledger = sqlite_site.open()
    jws = sqlite_site.transfer("person 00", "person 01", "1.00")
    ledger.close()

    for _ in range(2):
        for ask in (
            lambda: ledger.submit_one(jws),
            lambda: ledger.take(offers([jws])),
            ledger.tick,
            ledger.time,
            ledger.checkpoint,
            ledger.events,
        ):
            with pytest.raises(DoorShut):
                ask()

    other = open_writing(sqlite_site.url)
    assert other.begin().size
    other.rollback()
    other.close()
    ledger.close()


def test_a_submit_that_meets_the_closing_is_answered_or_told(site: Site) -> None:
    """Whatever is answered is there, and after the closing nobody writes."""
    for _ in range(rounds(2)):
        ledger = site.open()
        told: list[Answer | LedgerError] = []

        def go(ledger: Ledger = ledger, told: list[Answer | LedgerError] = told) -> None:
            while True:
                try:
                    told.append(ledger.submit_one(site.transfer("person 00", "person 01", "0.01")))
                except LedgerError as error:
                    told.append(error)
                    return

        threads = [threading.Thread(target=go) for _ in range(6)]
        for thread in threads:
            thread.start()
        while len(told) < 20:
            pass
        ledger.close()
        for thread in threads:
            thread.join()

        assert {type(each).__name__ for each in told} == {"Taken", "DoorShut"}
        found = site.judge()
        assert all(each.index < found.size for each in told if isinstance(each, Taken))


class Slow(list[Offer]):
    """Lets another thread go on whenever it is counted."""

    def __len__(self) -> int:
        time.sleep(0)
        return super().__len__()


def test_the_queue_is_counted_right_however_threads_are_switched(sqlite_site: Site) -> None:
    ledger = sqlite_site.open()
    garbage = Slow([Offer(b"nothing", False)] * 3)
    threads = [
        threading.Thread(target=lambda: [ledger.submit(garbage) for _ in range(rounds(50))])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert ledger._queued == 0


def test_a_sum_that_no_row_can_hold_harms_nobody_else(site: Site) -> None:
    """Issued and redeemed over and over, a counter leaves 64 bits before the supply does."""
    ledger = site.open()
    accounts = site.world.accounts
    room = "80000000000.00000000"  # of scale 8: 8.0e18 minor units; 2**63 is 9.2e18
    there = site.world.sign("exchange", "issue/1", to=accounts["exchange", "tBTC"], amount=room)
    back = site.world.sign("exchange", "redeem/1", from_=accounts["exchange", "tBTC"], amount=room)
    again = site.world.sign("exchange", "issue/1", to=accounts["exchange", "tBTC"], amount=room)
    around = [site.transfer("person 00", "person 01", "1.00") for _ in range(4)]

    answers = ledger.submit(
        offers([around[0], there, around[1], back, around[2], again, around[3]])
    )

    assert kinds_of(answers)[::2] == ["Taken"] * 4
    assert kinds_of(answers)[1:4:2] == ["Taken", "Taken"]
    assert not isinstance(answers[5], Taken | Busy), "it will never fit: who asks must not retry"
    site.judge()
