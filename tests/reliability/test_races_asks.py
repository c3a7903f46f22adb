"""Races over requests to pay, refunds and split payments (issue 3, items 4 and 7): front ends in
processes of their own answer one ask, give back one payment, split one purse. On SQLite all share
one writer, on PostgreSQL two nodes serve one ledger.
"""

from __future__ import annotations

from typing import Any

import pytest

from ledger.core.decision import Code
from ledger.writer.answers import Answer, Declined, Taken
from tests.builders import DAY, derived, request_id
from tests.reliability.racer import FRONT_ENDS, Racers, one_of, told
from tests.reliability.town import Site, offers
from tests.scale import draw, rounds

ROUNDS = rounds(40)
PAYER, PAYEE = "person 13", "person 14"


def submit(site: Site, jws: str) -> Answer:
    return site.world.door.submit(offers([jws]))[0]  # type: ignore[no-any-return]


def ask(site: Site, ahead: int = DAY) -> str:
    """Ask the payer for one tenge; the ask's id, or "" where its time was over before."""
    world = site.world
    jws = world.sign(PAYEE, "ask/1", to=world.accounts[PAYEE, "KZTD"], amount="1.00",
                     reference="race", payer=world.parties[PAYER],
                     ends_at=world.signing.now() + ahead)  # fmt: skip
    return derived(jws, "ask") if isinstance(submit(site, jws), Taken) else ""


def answer(site: Site, id: str, kind: str) -> str:
    """One more signed answer to an ask."""
    if kind == "ask_pay/1":
        from_ = site.world.accounts[PAYER, "KZTD"]
        return site.world.sign(PAYER, kind, ask=id, from_=from_)
    return site.world.sign(PAYEE if kind == "ask_withdraw/1" else PAYER, kind, ask=id)


@pytest.mark.parametrize(
    ("other", "status"),
    [("ask_pay/1", "paid"), ("ask_decline/1", "declined"), ("ask_withdraw/1", "withdrawn")],
)
def test_an_ask_has_one_answer(site: Site, racers: Racers, other: str, status: str) -> None:
    """Paid twice at once; paid while it is declined; paid while it is taken back."""
    before, paid = site.balance(PAYEE), 0
    for _ in range(ROUNDS):
        id = ask(site)
        kinds = ("ask_pay/1", other, "ask_pay/1", other)
        work = [[answer(site, id, kind)] for kind in kinds]

        answers = racers.race(work)

        one_of(told(answers), Code.STATUS_CONFLICT)
        winner = next(n for n, each in enumerate(answers) if isinstance(each[0], Taken))
        paid += kinds[winner] == "ask_pay/1"
        assert site.remembered("ask", id).status == (
            "paid" if kinds[winner] == "ask_pay/1" else status
        )
    assert site.balance(PAYEE) - before == paid * 100


def test_an_ask_is_paid_before_its_end_or_it_expires(site: Site, racers: Racers) -> None:
    """Every front end pays again and again while the time runs out."""
    before, paid, random = site.balance(PAYEE), 0, draw("expiry against ask_pay")
    expired = site.judge().kinds["expire/1"]
    for _ in range(ROUNDS):
        while not (id := ask(site, random.randrange(5, 40))):
            pass  # its time was over before it arrived: refused, so nothing of it will expire
        due = site.remembered("ask", id).due or 0
        late = [answer(site, id, "ask_pay/1") for _ in range(3 * FRONT_ENDS)]
        while random.random() < 0.5 and site.world.door.time() < due:
            pass  # half of them start as the time is over, the others before

        answers = told(racers.race([late[n::FRONT_ENDS] for n in range(FRONT_ENDS)]))

        won = [each for each in answers if isinstance(each, Taken)]
        lost = {r.code for each in answers if isinstance(each, Declined) for r in each.reasons}
        assert lost <= {Code.STATUS_CONFLICT}
        assert len(won) <= 1
        assert all(each.at < due for each in won), "nobody saw it when it was over"
        assert site.remembered("ask", id).status == ("paid" if won else "expired")
        paid += len(won)
    judge = site.judge()
    assert judge.kinds["expire/1"] - expired == ROUNDS - paid, "each ends once"
    assert site.balance(PAYEE) - before == paid * 100


def _sale(site: Site) -> tuple[str, str, list[tuple[str, str]]]:
    """A sale in crypto: who was paid, the payment, and its thirds in kind and in tenge."""
    request = site.world.request("till-cafe", "9.00")  # 0.017333 of the asset
    assert isinstance(submit(site, site.pay(PAYER, "tUSDT", request)), Taken)
    return "cafe", request_id(request), [("tUSDT", "0.005777"), ("KZTD", "3.00")]


def _purchase(site: Site) -> tuple[str, str, list[tuple[str, str]]]:
    request = site.world.request("till-market", "9.00")
    assert isinstance(submit(site, site.pay(PAYER, "KZTD", request)), Taken)
    return "market", request_id(request), [("KZTD", "3.00")]


def _paid_ask(site: Site) -> tuple[str, str, list[tuple[str, str]]]:
    world = site.world
    jws = world.sign(PAYEE, "ask/1", to=world.accounts[PAYEE, "tUSDT"], amount="0.000009",
                     reference="race", payer=world.parties[PAYER],
                     ends_at=world.signing.now() + DAY)  # fmt: skip
    assert isinstance(submit(site, jws), Taken)
    id = derived(jws, "ask")
    paid = world.sign(PAYER, "ask_pay/1", ask=id, from_=world.accounts[PAYER, "tUSDT"])
    assert isinstance(submit(site, paid), Taken)
    return PAYEE, id, [("tUSDT", "0.000003")]


@pytest.mark.parametrize("pay", [_sale, _purchase, _paid_ask])
def test_refunds_at_once_never_pass_the_original(site: Site, racers: Racers, pay: Any) -> None:
    """Each front end gives back a third, and again: of all of them three pass, in whatever asset,
    and what they gave back together is what was paid, or as near as thirds come."""
    accounts, random = site.world.accounts, draw("refunds at once")
    submit(site, site.transfer("bank", "cafe", "1000.00"))
    for _ in range(ROUNDS):
        payee, payment, thirds = pay(site)
        work = []
        for _ in range(FRONT_ENDS):
            rows = [random.choice(thirds) for _ in range(2)]
            work.append([
                site.world.sign(payee, "refund/1", payment=payment, amount=amount,
                                from_=accounts[payee, asset], to=accounts[PAYER, asset])
                for asset, amount in rows
            ])  # fmt: skip

        answers = told(racers.race(work))

        assert sum(isinstance(each, Taken) for each in answers) == 3
        lost = {r.code for each in answers if isinstance(each, Declined) for r in each.reasons}
        assert lost == {Code.REFUND_TOO_MUCH}
        found = site.remembered("payment", payment)
        if len(thirds) == 1:
            assert (found.status, found.body.refunded) == ("refunded", found.body.amount)
        back = found.body.refunded * found.body.value
        back += found.body.refunded_tenge * found.body.amount
        assert back <= found.body.amount * found.body.value


def test_one_purse_is_split_once(site: Site, racers: Racers) -> None:
    """Each front end splits the whole purse among others: no share of a loser arrives."""
    purse, others = "person 15", [f"person {n}" for n in range(16, 20)]
    site.empty(purse)
    before = sum(site.balance(name) for name in others)
    accounts = site.world.accounts
    for _ in range(ROUNDS):
        assert isinstance(submit(site, site.transfer("bank", purse, "7.00")), Taken)
        work = []
        for n in range(FRONT_ENDS):
            shares = [{"to": accounts[others[n], "KZTD"], "amount": "6.99"},
                      {"to": accounts[others[n - 1], "KZTD"], "amount": "0.01"}]  # fmt: skip
            work.append([site.world.sign(purse, "split/1", from_=accounts[purse, "KZTD"],
                                         amount="7.00", shares=shares)])  # fmt: skip

        one_of(told(racers.race(work)), Code.FUNDS)
    assert site.balance(purse) == 0
    assert sum(site.balance(name) for name in others) - before == ROUNDS * 700
