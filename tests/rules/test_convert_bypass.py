"""Ways in which quotes could bring crypto to a merchant, or past a zone: none does. The merchant of
a converted payment gets tenge wherever its till stands, and the rules see no tender in it.
"""

from __future__ import annotations

import pytest

from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Code
from ledger.rules.rule import case_of
from tests.builders import ALATAU, ALMATY, World
from tests.kinds.families.exchange import convert, license_venue, quote, stock, take, till
from tests.kinds.pure import fork
from tests.rules.test_bypass import held
from tests.rules.till import Sale, codes, sale_world

C = Code


@pytest.fixture(scope="module")
def base() -> World:
    world = sale_world()
    world.certify("till-market-in", "market", ALATAU)
    world.certify("till-cafe-out", "cafe", ALMATY)
    license_venue(world)
    for name in ("exchange", "market", "cafe", "guest"):
        stock(world, name)
    return world


@pytest.mark.parametrize("at", ["till-market", "till-market-in", "till-cafe", "till-cafe-out"])
def test_the_rules_see_no_tender_in_a_converted_payment(base, at):
    world = fork(base)
    request = Sale(asset="KZTD", till=at).request(world)

    assert codes(convert(world, request, quote(world))) == ()

    movements = world.door.plans[-1].movements
    assert not any(case_of(m, world.door.state, world.door.at).tender for m in movements)
    crypto = [m for m in movements if m.asset.class_ not in TENGE_CLASSES]
    assert [(m.place, m.target_party.role) for m in crypto] == [(None, "exchange")]


def test_it_counts_for_no_cap_on_crypto(base):
    world = fork(base)
    for _ in range(3):
        jws = quote(world, ("KZTD", "499999.00"), ("tUSDT", "1000.000000"))
        stock(world)
        assert codes(convert(world, till(world, "499999.00"), jws)) == ()

    assert codes(world.pay("aigul", "tUSDT", Sale(total="500000.00").request(world))) == ()


@pytest.mark.parametrize("maker", ["market", "cafe", "guest", "daniyar", "bank"])
def test_nobody_but_a_licensed_exchange_gets_the_crypto(base, maker):
    world = fork(base)
    jws = quote(world, maker=maker)

    assert codes(convert(world, till(world), jws)) == (C.VENUE_UNKNOWN,)
    assert codes(take(world, jws)) == (C.VENUE_UNKNOWN,)
    license = world.sign("afsa", "venue/1", venue=world.parties[maker], assets=["tUSDT"],
                         status="active")  # fmt: skip
    assert codes(world.offer(license)) == (C.TARGET_NOT_ADMITTED,)


@pytest.mark.parametrize("merchant", ["market", "cafe"])
def test_a_venues_quote_gets_nothing_for_a_merchants_account(base, merchant):
    world = fork(base)
    to_merchant = {"account": world.accounts[merchant, "tUSDT"], "asset": "tUSDT",
                   "amount": "2.500000"}  # fmt: skip
    jws = quote(world, gets=to_merchant)

    assert codes(convert(world, till(world), jws)) == (C.QUOTE_KEY,)
    assert codes(take(world, jws)) == (C.QUOTE_KEY,)


@pytest.mark.parametrize("asset", ["tUSDT", "tBTC"])
@pytest.mark.parametrize("merchant", ["market", "cafe"])
def test_a_merchant_buys_no_crypto_of_a_venue(base, merchant, asset):
    world = fork(base)
    before = held(world, merchant, asset)
    amount = {"tUSDT": "1.000000", "tBTC": "0.00001000"}[asset]

    answer = take(world, quote(world, (asset, amount), ("KZTD", "520.00")), merchant)

    assert C.ZONE_OUTSIDE in codes(answer)
    assert held(world, merchant, asset) == before


def test_nor_does_it_change_one_crypto_into_another(base):
    world = fork(base)
    jws = quote(world, ("tBTC", "0.00001000"), ("tUSDT", "0.900000"))

    assert codes(take(world, jws, "cafe")) == (C.ZONE_OUTSIDE,)


def test_nor_has_it_delivered_to_a_friend_or_from_one(base):
    world = fork(base)
    jws = quote(world, ("tUSDT", "1.000000"), ("KZTD", "520.00"))

    for friend, shop in (("guest", "market"), ("market", "guest")):
        answer = take(world, jws, friend, target=world.accounts[shop, "tUSDT"])
        assert codes(answer) == (C.NO_AUTHORITY,)


@pytest.mark.parametrize(
    ("thing", "first"), [(("tDEED", "1"), C.TENDER_NEVER), (("tGOLD", "1.00"), C.TENDER_NEVER)]
)
@pytest.mark.parametrize("price", ["0.01", "7.00"])
def test_a_shop_is_paid_in_no_token_that_it_buys_for_a_tiyn(base, thing, first, price):
    world = fork(base)
    sells = quote(world, thing, ("KZTD", price), maker="aigul")
    bids = quote(world, ("KZTD", price), thing, maker="market")

    assert codes(take(world, sells, "market", "deliver/1")) == (first, C.ZONE_OUTSIDE)
    assert codes(take(world, bids, "aigul", "deliver/1")) == (first, C.ZONE_OUTSIDE)
    assert codes(take(world, sells, "guest", "deliver/1")) == ()


def test_a_till_that_asks_for_crypto_alone_is_not_converted_into_it(base):
    world = fork(base)
    jws = quote(world, ("tBTC", "0.00002688"))

    assert codes(convert(world, Sale(asset="tBTC").request(world), jws)) == (C.ASSET_NOT_ADMITTED,)
    assert codes(convert(world, Sale(asset="tBTC").request(world), quote(world))) == (
        C.TENDER_NOT_OFFERED,
    )


def test_a_till_asks_for_its_own_merchant_here_too(base):
    world = fork(base)
    request = Sale(asset="KZTD", till="till-market", merchant="cafe").request(world)

    assert codes(convert(world, request, quote(world))) == (C.TARGET_NOT_ADMITTED,)
