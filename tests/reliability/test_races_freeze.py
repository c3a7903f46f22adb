"""Races of orders: front ends in processes of their own freeze and pay, seize and transfer, debit
and pay, lift a freeze while money arrives. Money is taken once, and none is lost on the way.

On SQLite all share the one writer; on PostgreSQL two nodes' writers serve one ledger.
"""

from __future__ import annotations

import pytest

from ledger.core.decision import Code
from ledger.core.ids import unb64
from ledger.writer.answers import Taken
from tests.builders import derived, pack_text
from tests.kinds.families.freeze import HOLDING, LABEL
from tests.reliability.racer import Racers, codes, one_of, told
from tests.reliability.town import Site, offers
from tests.scale import rounds

ROUNDS = rounds(40)
DEBTOR, CREDITOR, FRIEND, FENCE = "person 01", "person 02", "person 03", "person 04"


@pytest.fixture
def court(site: Site, racers: Racers) -> Site:
    """The site, where what arrives for a frozen account is held."""
    text = pack_text() + HOLDING
    answer = site.world.offer(site.world.sign("nbk", "pack/1", text=text))
    assert isinstance(answer, Taken) or codes(answer) == [Code.ALREADY_REGISTERED]
    return site


def order(site: Site, kind: str, name: str, asset: str = "KZTD", **members: str) -> str:
    member = "account" if kind in ("freeze/1", "unfreeze/1") else "from_"
    account = {member: site.world.accounts[name, asset]}
    return site.world.sign("afsa", kind, order=LABEL, **account, **members)


def take(site: Site, *signed: str) -> None:
    """Bring about what a round begins with."""
    answers = site.world.door.submit(offers(signed))
    assert all(isinstance(answer, Taken) for answer in answers), answers


def test_nothing_is_paid_after_the_freeze(court: Site, racers: Racers) -> None:
    paid = refused = 0
    before = court.balance(DEBTOR)
    for _ in range(ROUNDS):
        work = [
            [order(court, "freeze/1", DEBTOR)],
            [court.transfer(DEBTOR, CREDITOR, "0.01")],
            [court.pay(DEBTOR, "KZTD", court.world.request("till-market", "0.01"))],
            [order(court, "freeze/1", DEBTOR)],
        ]

        answers = told(racers.race(work))

        frozen = one_of([answers[0], answers[3]], Code.STATUS_CONFLICT)
        for payment in answers[1:3]:
            if isinstance(payment, Taken):
                assert payment.index < frozen.index
                paid += 1
            else:
                assert codes(payment) == [Code.ACCOUNT_FROZEN]
                refused += 1
        assert court.balance(DEBTOR) == before - paid
        take(court, order(court, "unfreeze/1", DEBTOR))
    print(f"{paid} payments came before their freeze, {refused} after it")
    assert paid + refused == 2 * ROUNDS


def test_the_same_coins_are_seized_or_sent_away(court: Site, racers: Racers) -> None:
    asset, amount = "tUSDT", "5.000000"
    rest = court.balance(FENCE, asset)
    take(court, court.transfer(FENCE, "exchange", f"{rest // 10**6}.{rest % 10**6:06}", asset))
    seized = 0
    supply = court.judge().supply[asset]
    reserve = ""
    for _ in range(ROUNDS):
        take(court, court.transfer("exchange", FENCE, amount, asset))
        work = [
            [order(court, "seize/1", FENCE, asset, amount=amount)],
            [court.transfer(FENCE, CREDITOR, amount, asset)],
            [order(court, "seize/1", FENCE, asset, amount=amount)],
            [court.transfer(FENCE, FRIEND, amount, asset)],
        ]

        answers = told(racers.race(work))

        won = answers.index(one_of(answers, Code.FUNDS))
        if won % 2 == 0:
            seized += 1
            reserve = reserve or derived(work[won][0], "reserve")
        assert court.balance(FENCE, asset) == 0
        assert court.judge().supply[asset] == supply
        if seized:
            assert court.judge().balances[reserve] == seized * 5_000_000
    kept = court.remembered("reserve", asset.encode())
    assert ("" if kept is None else kept.body.account) == reserve
    print(f"{seized} of {ROUNDS} were seized")


def test_the_same_money_is_debited_or_paid(court: Site, racers: Racers) -> None:
    court.empty(DEBTOR)
    before = {name: court.balance(name) for name in (CREDITOR, "market")}
    debited = 0
    for done in range(1, ROUNDS + 1):
        take(court, court.transfer("bank", DEBTOR, "7.00"))
        to = court.world.accounts[CREDITOR, "KZTD"]
        work = [
            [order(court, "forced_debit/1", DEBTOR, to=to, amount="7.00")],
            [court.pay(DEBTOR, "KZTD", court.world.request("till-market", "7.00"))],
            [order(court, "forced_debit/1", DEBTOR, to=to, amount="7.00")],
            [court.pay(DEBTOR, "KZTD", court.world.request("till-market", "7.00"))],
        ]

        answers = told(racers.race(work))

        debited += answers.index(one_of(answers, Code.FUNDS)) % 2 == 0
        assert court.balance(DEBTOR) == 0
        assert court.balance(CREDITOR) == before[CREDITOR] + 700 * debited
        assert court.balance("market") == before["market"] + 700 * (done - debited)
    print(f"{debited} of {ROUNDS} were debited")


def test_what_arrives_while_a_freeze_is_lifted_is_not_left_behind(
    court: Site, racers: Racers
) -> None:
    """It was held and came with the rest, or came after by itself: in the end it is there."""
    before, waited = court.balance(FRIEND), 0
    account = unb64(court.world.accounts[FRIEND, "KZTD"], 16)
    for done in range(1, ROUNDS + 1):
        take(court, order(court, "freeze/1", FRIEND))
        freeze = court.remembered("freeze", account)
        work = [
            [order(court, "unfreeze/1", FRIEND)],
            [court.transfer("bank", FRIEND, "0.03")],
            [order(court, "unfreeze/1", FRIEND)],
            [court.transfer(CREDITOR, FRIEND, "0.04")],
        ]

        answers = told(racers.race(work))

        lifted = one_of([answers[0], answers[2]], Code.STATUS_CONFLICT)
        assert isinstance(answers[1], Taken)
        assert isinstance(answers[3], Taken)
        waited += sum(one.index < lifted.index for one in (answers[1], answers[3]))
        assert court.balance(FRIEND) == before + 7 * done
        assert court.judge().balances[freeze.body.held] == 0
    print(f"{waited} of {2 * ROUNDS} payments waited for the freeze to be lifted")
