"""Double spends (R6): front ends race in processes of their own, and exactly one of them wins.

On SQLite all share the one writer; on PostgreSQL two nodes' writers serve one ledger.
"""

from __future__ import annotations

from ledger.core.decision import Code
from ledger.writer.answers import Declined, Taken
from tests.builders import request_id
from tests.reliability.racer import FRONT_ENDS, Racers, one_of, told
from tests.reliability.town import SPENT, Site, offers
from tests.scale import rounds

ROUNDS = rounds(40)


def test_the_same_last_coin_is_spent_once(site: Site, racers: Racers) -> None:
    """Each front end sends the whole balance to somebody else."""
    site.empty(SPENT)
    others = ["person 01", "person 02", "person 03", "person 04"]
    for _ in range(ROUNDS):
        fund = site.transfer("bank", SPENT, "7.00")
        assert isinstance(site.world.door.submit(offers([fund]))[0], Taken)

        answers = told(racers.race([[site.transfer(SPENT, other, "7.00")] for other in others]))

        one_of(answers, Code.FUNDS)
    assert site.balance(SPENT) == 0


def test_the_same_request_is_paid_by_one_payer(site: Site, racers: Racers) -> None:
    payers = ["person 05", "person 06", "person 07", "person 08"]
    before = site.balance("cafe")
    for round in range(ROUNDS):
        asset = ("KZTD", "tUSDT")[round % 2]
        request = site.world.request("till-cafe", "5.00")

        answers = told(racers.race([[site.pay(payer, asset, request)] for payer in payers]))

        one_of(answers, Code.REQUEST_PAID)
        assert request_id(request) in site.judge().payments
    assert site.balance("cafe") - before == (ROUNDS - ROUNDS // 2) * 500


def test_the_same_bytes_from_many_links_are_one_entry(site: Site, racers: Racers) -> None:
    before = site.judge().size
    for _ in range(ROUNDS):
        jws = site.transfer("person 09", "person 10", "0.01")

        answers = told(racers.race([[jws, jws]] * FRONT_ENDS))

        taken = [answer for answer in answers if isinstance(answer, Taken)]
        assert len(taken) == len(answers)
        assert len({(answer.index, answer.at) for answer in taken}) == 1
        assert [answer.repeated for answer in taken].count(False) == 1
    assert site.judge().size == before + ROUNDS


def test_a_refund_is_given_back_once(site: Site, racers: Racers) -> None:
    accounts = site.world.accounts
    for _ in range(ROUNDS // 2):
        request = site.world.request("till-market", "9.00")
        site.world.door.submit(offers([site.pay("person 11", "KZTD", request)]))
        refunds = [
            site.world.sign(
                "market", "refund/1", payment=request_id(request), amount="5.00",
                from_=accounts["market", "KZTD"], to=accounts["person 11", "KZTD"],
            )
            for _ in range(FRONT_ENDS)
        ]  # fmt: skip

        one_of(told(racers.race([[refund] for refund in refunds])), Code.REFUND_TOO_MUCH)


def test_a_cap_is_exact_however_many_spend_at_once(site: Site, racers: Racers) -> None:
    """The zone's cap of a day: three payments fit, of whatever front end, and no fourth."""
    for _ in range(rounds(4)):
        spent = sum(site.judge().tendered.values())
        cap = f"{spent // 100 + 30}.{spent % 100:02}"
        site.world.do(
            "afsa", "zone_change/1", zone=site.world.zone, terms=site.world.terms(cap_day=cap)
        )
        work = [
            [
                site.pay(f"person {12 + n}", "tUSDT", site.world.request("till-cafe", "10.00"))
                for _ in range(3)
            ]
            for n in range(FRONT_ENDS)
        ]

        answers = told(racers.race(work))

        assert sum(isinstance(answer, Taken) for answer in answers) == 3
        assert all(
            [reason.code for reason in answer.reasons] == [Code.ZONE_CAP_DAY]
            for answer in answers
            if isinstance(answer, Declined)
        )
    site.world.do("afsa", "zone_change/1", zone=site.world.zone, terms=site.world.terms())
