"""The judge itself: it must see what it is there to see, or all that it passes says nothing."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.reliability.judge import Judge, judged
from tests.reliability.town import Site, offers

FRAUDS = {
    "a balance": "UPDATE account SET balance = balance + 1 WHERE number = 30",
    "two balances that cancel out": "UPDATE account SET balance = balance + 1 - 2 * (number = 40)"
    " WHERE number IN (30, 40)",
    "an account of another asset": "UPDATE account SET asset = 'tUSDT' WHERE number = 30",
    "a debt": "PRAGMA ignore_check_constraints = 1; UPDATE account SET balance = -1"
    " WHERE number = 30",
    "a posting's amount": "UPDATE posting SET amount = amount + 1 WHERE account = 30",
    "a posting's balance": "UPDATE posting SET balance = balance + 1 WHERE account = 30",
    "a posting too few": "DELETE FROM posting WHERE account = 30",
    "a transaction too few": "DELETE FROM tx WHERE idx = 99",
    "a transaction elsewhere": "UPDATE tx SET idx = 98 WHERE idx = 99",
    "an entry too few": "DELETE FROM entry WHERE idx = (SELECT max(idx) FROM entry)",
    "an event too few": "DELETE FROM event WHERE seq = (SELECT max(seq) FROM event)",
    "an event that tells too much": "UPDATE event SET run = run + 1 WHERE seq = 1",
    "a tile": "UPDATE tile SET hashes = zeroblob(8192)",
    "a tile too few": "DELETE FROM tile",
    "the frontier": "UPDATE head SET frontier = zeroblob(length(frontier))",
    "the size": "UPDATE head SET size = size - 1",
    "the time": "UPDATE head SET at = at + 1",
    "the supply": "UPDATE counter SET value = value + 1 WHERE measure = 'issued'",
    "a payment too few": "DELETE FROM object WHERE type = 'payment'",
    "a refusal too few": "DELETE FROM refusal",
}


@pytest.fixture(scope="module")
def busy(_sqlite_copy: Site) -> Site:
    """A ledger with something of everything."""
    site = _sqlite_copy
    ledger = site.open()
    jws = [site.transfer("person 00", "person 01", "0.01") for _ in range(300)]
    jws += [site.transfer("person 00", "person 01", "99999999.00")]
    jws += [site.pay("person 00", "tUSDT", site.world.request("till-cafe", "3.00"))]
    ledger.submit(offers(jws))
    site.close()
    return site


@pytest.fixture
def copy(busy: Site, tmp_path: Path) -> Path:
    return Path(shutil.copy(busy.file, tmp_path))


def forge(file: Path, fraud: str) -> None:
    with sqlite3.connect(file, isolation_level=None) as connection:
        connection.executescript(fraud)
        assert connection.execute("SELECT total_changes()").fetchone()[0] > 0
    connection.close()


@pytest.mark.parametrize("fraud", FRAUDS.values(), ids=FRAUDS)
def test_the_judge_sees(copy: Path, fraud: str) -> None:
    url = f"sqlite:///{copy}"
    judged(url)

    forge(copy, fraud)

    with pytest.raises((AssertionError, KeyError)):
        judged(url)


def test_the_judge_that_goes_on_sees_what_is_new(copy: Path) -> None:
    judge = Judge(f"sqlite:///{copy}").judge()
    forge(copy, FRAUDS["two balances that cancel out"])

    with pytest.raises(AssertionError):
        judge.judge()
