"""Races for what was paid offline: each payment is settled once, whoever brings it and with what.

Front ends race in processes of their own. On SQLite all share the one writer; on PostgreSQL two
nodes' writers serve one ledger. Each round has a purse of its own.
"""

from __future__ import annotations

import itertools

import pytest

from ledger.core.decision import Code
from ledger.core.offline import Chain
from ledger.core.purse import Purse
from ledger.writer.answers import Declined, Taken
from tests.builders import DAY, pack_text
from tests.kinds.devices import Device, text_of
from tests.kinds.families.purses import RULE
from tests.reliability.racer import FRONT_ENDS, Racers, codes, one_of, told
from tests.reliability.town import Site
from tests.scale import rounds

ROUNDS = rounds(40)
OWNER, PAYEE, OTHER, STRANGER = "person 00", "person 01", "person 02", "person 03"
AMOUNT = 3_00
_numbers = itertools.count()


@pytest.fixture
def purses(site: Site, racers: Racers) -> Site:
    """The site, reached by the racers' nodes, with a pack that admits purses."""
    world = site.world
    answer = world.offer(world.sign("nbk", "pack/1", text=pack_text() + RULE))
    if not isinstance(answer, Taken):
        assert codes(answer) == [Code.ALREADY_REGISTERED]
    return site


def a_purse(site: Site, owner: str = OWNER, load: str = "3.00") -> Device:
    """A new device of the owner's, with 3.00 on it."""
    world, home = site.world, site.world.accounts[owner, "KZTD"]
    device = Device(world, f"raced {next(_numbers)}")
    world.do(
        "bank", "purse/1", home=home, covers=world.accounts["bank", "KZTD"], device=device.public,
        payment_max="10.00", purse_max="10.00", hops=3, ends_at=world.door.time() + DAY,
    )  # fmt: skip
    if load:
        world.do(owner, "purse_load/1", from_=home, purse=device.text, amount=load)
    return device


def wallet(site: Site, name: str) -> str:
    return site.world.accounts[name, "KZTD"]


def deposit(site: Site, chain: Chain, signer: str = STRANGER) -> str:
    return site.world.sign(signer, "purse_deposit/1", chain=text_of(chain))


def purse(site: Site, device: Device) -> tuple[str, Purse]:
    found = site.remembered("purse", device.id)
    assert isinstance(found.body, Purse)
    return found.status, found.body


def test_of_many_who_bring_one_payment_one_does(purses: Site, racers: Racers) -> None:
    before = purses.balance(PAYEE)
    for done in range(1, ROUNDS + 1):
        device = a_purse(purses)
        chain = device.pay(wallet(purses, PAYEE), AMOUNT)
        bringers = (PAYEE, OWNER, STRANGER, OTHER)

        answers = told(racers.race([[deposit(purses, chain, name)] for name in bringers]))

        won = one_of(answers, Code.PAYMENT_SETTLED)
        settled = purses.remembered("purse_payment", chain.ids()[-1])
        assert (settled.status, settled.written) == ("paid", won.index)
        assert purses.balance(PAYEE) == before + done * AMOUNT
        assert purse(purses, device)[0] == "open"


def test_of_two_payments_that_clash_one_is_paid_and_one_is_covered(
    purses: Site, racers: Racers
) -> None:
    """Both payees have their money, once; one of it comes from the purse, one from the bank."""
    bank, payee, other = (purses.balance(name) for name in ("bank", PAYEE, OTHER))
    for done in range(1, ROUNDS + 1):
        device = a_purse(purses)
        chains = (
            device.again(wallet(purses, PAYEE), AMOUNT),
            device.again(wallet(purses, OTHER), AMOUNT),
        )
        work = [[deposit(purses, chains[place % 2])] for place in range(FRONT_ENDS)]

        answers = told(racers.race(work))

        for place in (0, 1):
            one_of(answers[place::2], Code.PAYMENT_SETTLED)
        rows = [purses.remembered("purse_payment", chain.ids()[-1]) for chain in chains]
        assert sorted(row.status for row in rows) == ["covered", "paid"]
        first, second = sorted(rows, key=lambda row: int(row.written))
        assert (first.status, second.status) == ("paid", "covered")
        status, body = purse(purses, device)
        assert (status, body.covered, body.used) == ("frozen", AMOUNT, AMOUNT)
        assert purses.balance(PAYEE) == payee + done * AMOUNT
        assert purses.balance(OTHER) == other + done * AMOUNT
        assert purses.balance("bank") == bank - done * AMOUNT


def test_hops_come_in_whatever_the_order(purses: Site, racers: Racers) -> None:
    """A payment, and another out of it, from all sides at once: each counts once."""
    before = purses.balance(OTHER)
    for done in range(1, ROUNDS + 1):
        device, between = a_purse(purses), a_purse(purses, PAYEE, "")
        first = device.pay(between.text, AMOUNT)
        second = between.pay(wallet(purses, OTHER), AMOUNT - 1_00, first)
        work = [[deposit(purses, second if place % 2 else first)] for place in range(FRONT_ENDS)]

        answers = told(racers.race(work))

        one_of(answers[1::2], Code.PAYMENT_SETTLED)
        assert set(codes(*answers)) == {Code.PAYMENT_SETTLED}
        assert 1 <= sum(isinstance(one, Taken) for one in answers) <= 2
        held = purses.judge().balances
        assert (held[device.text], held[between.text]) == (0, 1_00)
        assert purses.balance(OTHER) == before + done * (AMOUNT - 1_00)
        assert [purse(purses, one)[0] for one in (device, between)] == ["open", "open"]


def test_it_is_emptied_or_paid_and_never_both_from_the_purse(purses: Site, racers: Racers) -> None:
    """The owner empties what was paid away. Whichever is first has the purse's money; the payee has
    it in any case, the owner does not."""
    bank, owner, payee = (purses.balance(name) for name in ("bank", OWNER, PAYEE))
    emptied = 0
    for done in range(1, ROUNDS + 1):
        device = a_purse(purses)
        paid = device.again(wallet(purses, PAYEE), AMOUNT)
        home = device.again(wallet(purses, OWNER), AMOUNT)
        unload = purses.world.sign(OWNER, "purse_unload/1", chain=text_of(home))
        work = [[unload] if place % 2 else [deposit(purses, paid)] for place in range(FRONT_ENDS)]

        answers = told(racers.race(work))

        one_of(answers[0::2], Code.PAYMENT_SETTLED)
        taken = {one.index for one in answers[1::2] if isinstance(one, Taken)}
        refused = [one for one in answers[1::2] if isinstance(one, Declined)]
        assert len(taken) <= 1, "the same bytes are one entry"
        assert set(codes(*refused)) <= {Code.STATUS_CONFLICT, Code.PAYMENT_SETTLED}
        status, body = purse(purses, device)
        assert status == "frozen"
        emptied += body.covered == AMOUNT
        assert body.covered in (0, AMOUNT)
        assert purses.balance(PAYEE) == payee + done * AMOUNT
        assert purses.balance("bank") == bank - emptied * AMOUNT
        assert purses.balance(OWNER) == owner - (done - emptied) * AMOUNT
    print(f"{emptied} of {ROUNDS} were emptied first")


def test_of_many_who_show_a_fraud_one_freezes(purses: Site, racers: Racers) -> None:
    for _ in range(ROUNDS):
        device = a_purse(purses, load="")
        one, other = (text_of(device.again(wallet(purses, n), AMOUNT)) for n in (PAYEE, OTHER))
        showers = (PAYEE, OTHER, STRANGER, OWNER)

        answers = told(racers.race([
            [purses.world.sign(name, "purse_fraud/1", one=one, other=other)] for name in showers
        ]))  # fmt: skip

        won = one_of(answers, Code.STATUS_CONFLICT)
        assert purses.remembered("purse", device.id).written == won.index
        assert purse(purses, device)[0] == "frozen"
