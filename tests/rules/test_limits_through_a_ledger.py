"""What must hold in a real ledger under many hands and at the largest numbers: caps exact with
threads, one request paid once, sums that would overflow.
"""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from ledger.core import counters
from ledger.core.decision import Code
from ledger.ledger import Ledger
from ledger.store import open_reading
from ledger.writer.answers import Answer, Declined, Offer, Taken
from tests.builders import World
from tests.kinds.frozen import begin, url_of
from tests.rules.till import codes
from tests.scale import SCALE

C = Code
THREADS = 12


@pytest.fixture
def world(tmp_path):
    made = begin(tmp_path)
    yield made
    made.door.close()


def all_at_once(ledger: Ledger, offers: list[str]) -> list[Answer]:
    """Every transaction from a thread of its own, all let go together."""
    gate = threading.Barrier(THREADS)

    def run(mine: list[str]) -> list[Answer]:
        gate.wait()
        return [ledger.submit([Offer(jws.encode(), False)])[0] for jws in mine]

    with ThreadPoolExecutor(THREADS) as threads:
        shares = [offers[n::THREADS] for n in range(THREADS)]
        return [answer for share in threads.map(run, shares) for answer in share]


def tally(answers: list[Answer]) -> Counter[tuple[str, ...]]:
    return Counter(tuple(code.value for code in codes(answer)) for answer in answers)


@pytest.mark.parametrize("round_", range(2 * SCALE))
def test_a_days_cap_is_exact_under_many_hands(world, round_):
    payments = [
        world.sign("aigul", "pay/1", from_=world.accounts["aigul", asset],
                   request=world.request("till-cafe", "100000.00"))
        for asset in ("tUSDT", "tBTC") for _ in range(THREADS)
    ]  # fmt: skip

    assert tally(all_at_once(world.door, payments)) == {(): 10, ("CAP_DAY",): 14}


def test_a_zones_day_is_exact_under_many_hands(world):
    world.do("bank", "tier/1", party=world.parties["daniyar"], tier=2)
    world.do("afsa", "zone_change/1", zone=world.zone, terms=world.terms(cap_day="500000.00"))
    payments = [
        world.sign(name, "pay/1", from_=world.accounts[name, "tUSDT"],
                   request=world.request("till-cafe", "50000.00"))
        for name in ("aigul", "daniyar") for _ in range(THREADS)
    ]  # fmt: skip

    assert tally(all_at_once(world.door, payments)) == {(): 10, ("ZONE_CAP_DAY",): 14}


def test_the_last_coin_is_spent_once(world):
    world.do("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
             to=world.accounts["bank", "KZTD"], amount="999990.00")  # fmt: skip
    spends = [world.sign("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
                         to=world.accounts["daniyar", "KZTD"], amount="3.00")
              for _ in range(2 * THREADS)]  # fmt: skip

    assert tally(all_at_once(world.door, spends)) == {(): 3, ("FUNDS",): 21}


def test_one_request_is_paid_once_under_many_hands(world):
    request = world.request("till-cafe", "10.00")
    pays = [world.sign(name, "pay/1", from_=world.accounts[name, "KZTD"], request=request)
            for name in ("aigul", "daniyar") for _ in range(THREADS)]  # fmt: skip

    assert tally(all_at_once(world.door, pays)) == {(): 1, ("REQUEST_PAID",): 23}


def test_the_same_bytes_from_many_hands_are_one_entry(world):
    jws = world.sign("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
                     to=world.accounts["daniyar", "KZTD"], amount="3.00")  # fmt: skip

    answers = all_at_once(world.door, [jws] * 3 * THREADS)

    assert all(isinstance(answer, Taken) for answer in answers)
    assert Counter(answer.repeated for answer in answers) == {False: 1, True: 3 * THREADS - 1}
    assert len({(answer.index, answer.at) for answer in answers}) == 1


LARGEST = "92233720368547758.07"


def test_the_largest_amount_is_issued_once_in_a_ledgers_life(world):
    """Issued and redeemed stay exact: together they are what proves the supply."""
    issue = ("nbk", "issue/1")
    assert codes(world.offer(world.sign(*issue, to=world.accounts["bank", "KZTD"],
                                        amount=LARGEST))) == (C.BALANCE_RANGE,)  # fmt: skip
    rest = "92233720268547758.07"
    world.do(*issue, to=world.accounts["bank", "KZTD"], amount=rest)
    world.do("nbk", "redeem/1", from_=world.accounts["bank", "KZTD"], amount=rest)

    again = world.offer(world.sign(*issue, to=world.accounts["bank", "KZTD"], amount="0.01"))

    assert codes(again) == (C.BALANCE_RANGE,)


def test_quadrillions_to_and_fro_stop_a_counter_and_nothing_else(world, tmp_path):
    huge = "92233720260000000.00"
    world.do("nbk", "issue/1", to=world.accounts["bank", "KZTD"], amount="92233720268547758.07")
    there_and_back = [("bank", "exchange"), ("exchange", "bank")] * 3

    for source, target in there_and_back:
        assert codes(world.transfer(source, target, "KZTD", huge)) == ()
    batch = [Offer(world.sign(source, "transfer/1", from_=world.accounts[source, "KZTD"],
                              to=world.accounts[target, "KZTD"], amount=huge).encode(), False)
             for source, target in there_and_back]  # fmt: skip
    assert all(isinstance(answer, Taken) for answer in world.door.submit(batch))
    assert codes(world.transfer("bank", "exchange", "KZTD", "0.01")) == ()

    reader = open_reading(url_of(tmp_path))
    values = [row.value for row in reader.all_counters() if row.measure == counters.OUT_DAY]
    reader.close()
    assert max(values) == counters.COUNTER_MAX
    with sqlite3.connect(tmp_path / "ledger.db") as database:
        types = database.execute("SELECT DISTINCT typeof(value) FROM counter").fetchall()
    assert types == [("integer",)]


def signed_again(world: World, jws: str, by: str) -> str:
    from ledger.core.envelope import open_envelope, seal
    from tests.builders import key_of

    payload = open_envelope(jws, typ="tenge-tx").payload
    return seal(payload, kid=key_of(by).kid, typ="tenge-tx", sign=key_of(by).sign)


@pytest.mark.parametrize("thief", ["daniyar", "a stranger"])
def test_a_payload_that_is_an_entry_is_no_receipt_for_another_key(world, thief):
    jws = world.do("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
                   to=world.accounts["daniyar", "KZTD"], amount="3.00")  # fmt: skip

    answer = world.offer(signed_again(world, jws, thief))

    assert isinstance(answer, Declined)
    assert codes(answer) == (C.ALREADY_REGISTERED,)


def test_a_payload_that_is_an_entry_is_no_receipt_for_a_forged_signature(world):
    jws = world.do("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
                   to=world.accounts["daniyar", "KZTD"], amount="3.00")  # fmt: skip
    head, _, signature = jws.rpartition(".")

    answer = world.offer(f"{head}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}")

    assert not isinstance(answer, (Taken, Declined))
    assert answer.code == "bad_signature"
