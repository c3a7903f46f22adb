"""A store that fails at each named point (R3), in process: kept or not, nothing is acknowledged
that is not there, nothing is there twice, and the same bytes offered again are answered.

In pairs: *not kept*, where the batch fails at the point, once or as long as the store stays broken;
and *kept*, where COMMIT had happened when the error came, and the look-up fails at the point too.
"""

from __future__ import annotations

import sqlite3

import psycopg
import pytest

from ledger.errors import StoreProblem
from ledger.store import POINTS, OutcomeUnknown
from ledger.writer.answers import Answer, Busy, Declined, Taken, Unread
from tests.builders import id_of
from tests.reliability.town import Site, offers
from tests.scale import draw, rounds

SIZES = (1, 200)


class Faults:
    """Fails at the points that `plan` names, one after the other; with `broken` at its first for
    ever. `begun` counts the batches."""

    def __init__(self, *, sqlite: bool) -> None:
        self.plan: list[str] = []
        self.broken = False
        self.begun = 0
        self._error = sqlite3.OperationalError if sqlite else psycopg.OperationalError

    def __call__(self, point: str) -> None:
        self.begun += point == "begin.before"
        if self.plan and point == self.plan[0]:
            if not self.broken:
                self.plan.pop(0)
            raise self._what(point)

    def _what(self, point: str) -> Exception:
        """What a store's own step would raise there."""
        step = point.partition(".")[0]
        if step == "commit":
            return OutcomeUnknown("disk I/O error")
        if step == "begin":
            return StoreProblem("disk I/O error")
        return self._error("disk I/O error")


@pytest.fixture
def faults(site: Site) -> Faults:
    return Faults(sqlite=site.is_sqlite)


def batch(site: Site, size: int) -> list[str]:
    """So many transactions, of which one in ten is refused for want of funds."""
    return [
        site.transfer(f"person {n % 20:02}", f"person {n % 20 + 1:02}",
                      "77777777.00" if n % 10 == 9 else "0.01")
        for n in range(size)
    ]  # fmt: skip


def check(site: Site, jws: list[str], answers: list[Answer]) -> int:
    """Each answer is what it should be and, if it is `Taken`, true; how many are."""
    judge = site.judge()
    taken = 0
    for n, (each, answer) in enumerate(zip(jws, answers, strict=True)):
        if isinstance(answer, Taken):
            assert judge.ids[id_of(each)] == answer.index
            taken += 1
        elif n % 10 == 9:
            assert isinstance(answer, Busy | Declined)
        else:
            assert isinstance(answer, Busy)
    return taken


def good(jws: list[str]) -> int:
    return len(jws) - len(jws) // 10


@pytest.mark.parametrize("point", POINTS)
def test_a_store_that_fails_once_is_asked_again(site: Site, faults: Faults, point: str) -> None:
    ledger = site.open(faults)
    for size in SIZES:
        jws, before = batch(site, size), site.judge().size
        faults.plan = [point]

        answers = ledger.submit(offers(jws))

        assert check(site, jws, answers) == good(jws) == site.judge().size - before
        kept = {answer.repeated for answer in answers if isinstance(answer, Taken)}
        assert kept == {point == "commit.after"}
        assert faults.plan == []


@pytest.mark.parametrize("point", POINTS)
def test_a_store_that_stays_broken_acknowledges_nothing(
    site: Site, faults: Faults, point: str
) -> None:
    ledger = site.open(faults)
    for size in SIZES:
        jws, before = batch(site, size), site.judge().size
        faults.plan, faults.broken = [point], True

        answers = ledger.submit(offers(jws))
        assert check(site, jws, answers) in (0, good(jws) if point == "commit.after" else 0)
        assert site.judge().size - before == (good(jws) if point == "commit.after" else 0)

        faults.plan, faults.broken = [], False
        again = ledger.submit(offers(jws))
        assert check(site, jws, again) == good(jws) == site.judge().size - before


@pytest.mark.parametrize("point", POINTS)
def test_a_commit_that_happened_and_failed_all_the_same_is_found(
    site: Site, faults: Faults, point: str
) -> None:
    ledger = site.open(faults)
    for size in SIZES:
        jws, before = batch(site, size), site.judge().size
        faults.plan = ["commit.after", point]

        answers = ledger.submit(offers(jws))
        assert check(site, jws, answers) in (0, good(jws))
        assert site.judge().size - before == good(jws), "it was kept"

        faults.plan = []
        again = ledger.submit(offers(jws))
        assert check(site, jws, again) == good(jws) == site.judge().size - before
        assert all(answer.repeated for answer in again if isinstance(answer, Taken))


def test_faults_at_random_lose_and_double_nothing(site: Site, faults: Faults) -> None:
    random = draw("faults at random")
    ledger = site.open(faults)
    before = site.judge().size
    count = 0
    for _ in range(rounds(40)):
        jws = batch(site, random.randrange(1, 8))
        count += len(jws)
        faults.plan = random.choices(POINTS, k=random.randrange(6))
        answers = ledger.submit(offers(jws))
        check(site, jws, answers)
        while not all(isinstance(answer, Taken) for answer in answers):
            answers = ledger.submit(offers(jws))
        faults.plan = []

    assert site.judge().size - before == count


def test_one_transaction_that_the_database_refuses_is_found_in_few_commits(
    site: Site, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its id is in the unique index, and the look-up does not find it: an index that is damaged."""
    ledger = site.open(faults)
    jws = [site.transfer("person 00", "person 01", "0.01") for _ in range(200)]
    bad = id_of(jws[77])
    store = ledger._store
    find = store.find
    monkeypatch.setattr(store, "find", lambda ids: {k: v for k, v in find(ids).items() if k != bad})
    assert isinstance(ledger.submit(offers([jws[77]]))[0], Taken)
    begun = faults.begun

    answers = ledger.submit(offers(jws))

    assert isinstance(answers[77], Unread)
    assert sum(isinstance(answer, Taken) for answer in answers) == 199
    assert faults.begun - begun <= 20, "not 200: each half by itself"
