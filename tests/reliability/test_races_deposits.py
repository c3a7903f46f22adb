"""Races for room under a limit of holdings and for the money on a deposit: front ends in processes
of their own, one writer on SQLite, two nodes' writers on PostgreSQL.
"""

from __future__ import annotations

import pytest

from ledger.core.decision import Code
from ledger.writer.answers import Declined, Taken
from tests.builders import pack_text
from tests.kinds.families.deposits import DEPOSIT, converting, link, open_deposit
from tests.kinds.test_deposits import LIMITS
from tests.reliability.racer import Racers, one_of, told
from tests.reliability.town import Site, offers
from tests.scale import rounds

ROUNDS = rounds(40)
PAYERS = ["person 01", "person 02", "person 03", "person 04"]
ALONE = "person 05"
"""Stands at the limit, without a link."""
LINKED = "person 06"
"""Stands at the limit, with a link."""
SPENDER = "person 07"
"""Has a little in the wallet and a little on the deposit."""
FIVE = 500


@pytest.fixture
def bank(site: Site, racers: Racers) -> Site:
    """The site, where a person may hold 10,000.00: what each of them has."""
    world = site.world
    if ("bank", DEPOSIT) not in world.accounts:
        open_deposit(world, LINKED, SPENDER)
        limits = LIMITS.format(person="10000.00", merchant="10000.00")
        world.do("nbk", "pack/1", text=pack_text() + limits)
        for name in (LINKED, SPENDER):
            link(world, name)
        put(site, site.transfer(ALONE, "bank", "7.00"), site.transfer(LINKED, "bank", "7.00"))
        site.empty(SPENDER)
    return site


def put(site: Site, *jws: str) -> None:
    """Accepted, all of them."""
    answers = site.world.door.submit(offers(jws))
    assert all(isinstance(answer, Taken) for answer in answers), answers


def test_of_payments_at_once_one_fits_under_the_limit(bank: Site, racers: Racers) -> None:
    for _ in range(ROUNDS):
        answers = told(racers.race([[bank.transfer(name, ALONE, "7.00")] for name in PAYERS]))

        one_of(answers, Code.HOLDING_MAX)
        assert bank.balance(ALONE) == 1_000_000
        put(bank, bank.transfer(ALONE, "bank", "7.00"))


def test_with_a_link_all_of_them_pass_and_the_rest_goes_on(bank: Site, racers: Racers) -> None:
    deposit = bank.balance(LINKED, DEPOSIT)
    for done in range(1, ROUNDS + 1):
        answers = told(racers.race([[bank.transfer(name, LINKED, "7.00")] for name in PAYERS]))

        assert all(isinstance(answer, Taken) for answer in answers)
        assert bank.balance(LINKED) == 1_000_000
        assert bank.balance(LINKED, DEPOSIT) == deposit + done * 2_100
        put(bank, bank.transfer(LINKED, "bank", "7.00"))


def test_what_is_on_the_deposit_is_spent_once(bank: Site, racers: Racers) -> None:
    """5.00 in the wallet, 5.00 on the deposit: two payments of 10.00, a transfer of the deposit's
    5.00 and a defund of the wallet's 5.00. One of the first three passes; what was turned into
    deposit before a payment comes back for it."""
    world = bank.world
    defunded = 0
    for _ in range(ROUNDS):
        put(
            bank,
            world.sign("bank", "issue/1", to=world.accounts[SPENDER, DEPOSIT], amount="5.00"),
            bank.transfer("bank", SPENDER, "5.00"),
        )
        work = [
            bank.transfer(SPENDER, "bank", "10.00"),
            bank.transfer(SPENDER, "bank", "10.00"),
            bank.transfer(SPENDER, "bank", "5.00", DEPOSIT),
            world.sign(SPENDER, "defund/1", **converting(world, SPENDER, "5.00")),
        ]

        *spent, back = told(racers.race([[jws] for jws in work]))

        won = one_of(spent, Code.FUNDS)
        wallet, deposit = bank.balance(SPENDER), bank.balance(SPENDER, DEPOSIT)
        if won is spent[2]:
            assert isinstance(back, Taken), "the wallet had it all the time"
            assert (wallet, deposit) == (0, FIVE)
            put(bank, bank.transfer(SPENDER, "bank", "5.00", DEPOSIT))
        else:
            assert (wallet, deposit) == (0, 0)
            assert isinstance(back, Declined) or back.index < won.index
        defunded += isinstance(back, Taken)
    print(f"{defunded} of {ROUNDS} were defunded first")
