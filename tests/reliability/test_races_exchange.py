"""Races for quotes (issue 4, item 3): one quote taken by many, the last of an exchange's inventory
bought by many, a till's request paid in tenge and by converting. Front ends in processes of their
own; on SQLite all share one writer, on PostgreSQL two nodes serve one ledger.
"""

from __future__ import annotations

from typing import Any

import pytest

from ledger.core.amount import format_amount
from ledger.core.decision import Code
from ledger.writer.answers import Declined, Taken
from tests.builders import request_id
from tests.kinds.families.exchange import license_venue, offer, quote, quote_id, stock
from tests.reliability.racer import FRONT_ENDS, Racers, codes, one_of, told
from tests.reliability.town import Site, offers
from tests.scale import rounds

ROUNDS = rounds(40)
TAKERS = [f"person {n:02}" for n in range(FRONT_ENDS)]
SOME, COINS = ("KZTD", "1.00"), ("tUSDT", "0.002000")


@pytest.fixture
def venue(site: Site, racers: Racers) -> Site:
    """The site, with the exchange licensed and stocked."""
    world = site.world
    if not getattr(world, "venue_ready", False):
        license_venue(world)
        stock(world)
        world.venue_ready = True
    return site


def take(site: Site, taker: str, jws: str, kind: str = "exchange/1", **members: Any) -> str:
    """A signed taking of a quote that gives tenge for coins; `members` replace `to`."""
    accounts = site.world.accounts
    members = members or {"to": accounts[taker, "KZTD"]}
    return site.world.sign(taker, kind, from_=accounts[taker, "tUSDT"], quote=jws, **members)


def request(site: Site) -> str:
    """What the market's till asks for: one tenge."""
    tender = {"asset": "KZTD", "account": site.world.accounts["market", "KZTD"], "amount": "1.00"}
    return site.world.signing.request("till-market", total="1.00", tenders=[tender])


def test_a_quote_is_taken_once(venue: Site, racers: Racers) -> None:
    """By two who exchange, and by two who pay a till each with it."""
    exchanged = 0
    for _ in range(ROUNDS):
        jws = quote(venue.world, SOME, COINS)
        work = [take(venue, name, jws) for name in TAKERS[:2]]
        requests = [request(venue) for _ in TAKERS[2:]]
        work += [
            take(venue, name, jws, "convert_pay/1", request=asked)
            for name, asked in zip(TAKERS[2:], requests, strict=True)
        ]

        answers = told(racers.race([[each] for each in work]))

        won = one_of(answers, Code.QUOTE_USED)
        winner = answers.index(won)
        exchanged += winner < 2
        used = venue.remembered("quote", quote_id(jws))
        assert (used.status, used.written) == ("used", won.index)
        assert used.body.taker == venue.world.parties[TAKERS[winner]]
        paid = [venue.remembered("payment", request_id(asked)) is not None for asked in requests]
        assert paid == [winner == 2, winner == 3]
    print(f"{exchanged} of {ROUNDS} were exchanged")


def test_the_last_of_the_inventory_is_sold_once(venue: Site, racers: Racers) -> None:
    """Four quotes, each good for all that the exchange has."""
    coins = venue.balance("exchange", "tUSDT")
    for done in range(1, ROUNDS + 1):
        rest = ("KZTD", format_amount(venue.balance("exchange"), 2))
        work = [take(venue, name, quote(venue.world, rest, COINS)) for name in TAKERS]

        answers = told(racers.race([[each] for each in work]))

        winner = answers.index(one_of(answers, Code.INVENTORY))
        assert venue.balance("exchange") == 0
        assert venue.balance("exchange", "tUSDT") == coins + done * 2_000
        back = venue.transfer(TAKERS[winner], "exchange", rest[1])
        assert isinstance(venue.world.door.submit(offers([back]))[0], Taken)


def test_a_request_is_paid_in_tenge_or_converted(venue: Site, racers: Racers) -> None:
    market, converted = venue.balance("market"), 0
    for _ in range(ROUNDS):
        asked = request(venue)
        quotes = [quote(venue.world, SOME, COINS) for _ in TAKERS[2:]]
        work = [venue.pay(name, "KZTD", asked) for name in TAKERS[:2]]
        work += [
            take(venue, name, jws, "convert_pay/1", request=asked)
            for name, jws in zip(TAKERS[2:], quotes, strict=True)
        ]

        answers = told(racers.race([[each] for each in work]))

        winner = answers.index(one_of(answers, Code.REQUEST_PAID))
        converted += winner >= 2
        used = [venue.remembered("quote", quote_id(jws)) is not None for jws in quotes]
        assert used == [winner == 2, winner == 3], "a quote that paid nothing is still good"
    assert venue.balance("market") == market + ROUNDS * 100
    print(f"{converted} of {ROUNDS} were converted")


def test_a_title_is_delivered_once_and_no_one_pays_for_nothing(venue: Site, racers: Racers) -> None:
    """One gold token, four offers of it to four buyers."""
    world = venue.world
    for name in TAKERS:
        if (name, "tGOLD") not in world.accounts:
            world.open("bank", name, "tGOLD")
    seller, before = TAKERS[0], [venue.balance(name) for name in TAKERS]
    sold = [0] * FRONT_ENDS
    for _ in range(ROUNDS):
        give = venue.transfer("aigul", seller, "0.01", "tGOLD")
        assert isinstance(world.door.submit(offers([give]))[0], Taken)
        deals = [offer(world, seller=seller, price=SOME, thing=("tGOLD", "0.01"))
                 for _ in TAKERS[1:]]  # fmt: skip
        work = [
            [world.sign(name, "deliver/1", quote=jws, from_=world.accounts[name, "KZTD"],
                        to=world.accounts[name, "tGOLD"])]
            for name, jws in zip(TAKERS[1:], deals, strict=True)
        ]  # fmt: skip

        answers = racers.race([[], *work])

        found = told(answers)
        one_of(found, Code.INVENTORY)
        assert codes(*found) == [Code.INVENTORY] * 2
        winner = next(n for n, each in enumerate(answers) if each and isinstance(each[0], Taken))
        sold[winner] += 1
    after = [venue.balance(name) for name in TAKERS]
    assert after == [
        before[0] + ROUNDS * 100,
        *(had - bought * 100 for had, bought in zip(before[1:], sold[1:], strict=True)),
    ]


def test_a_quote_is_taken_or_its_venue_is_suspended(venue: Site, racers: Racers) -> None:
    """The supervisor suspends the venue while three take a quote each: who comes later is
    refused."""
    world, taken = venue.world, 0
    for _ in range(ROUNDS):
        work = [take(venue, name, quote(world, SOME, COINS)) for name in TAKERS[1:]]
        suspends = world.sign("afsa", "venue/1", venue=world.parties["exchange"],
                              assets=["tUSDT", "tBTC"], status="suspended")  # fmt: skip

        suspended, *answers = told(racers.race([[suspends], *([each] for each in work)]))

        assert isinstance(suspended, Taken)
        for answer in answers:
            if isinstance(answer, Declined):
                assert codes(answer) == [Code.VENUE_NOT_ACTIVE]
            else:
                assert answer.index < suspended.index
                taken += 1
        license_venue(world)
    print(f"{taken} of {3 * ROUNDS} were taken before")
