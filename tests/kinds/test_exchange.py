"""Quotes: what exchange, convert-then-pay and delivery leave behind, and what nobody hears."""

from __future__ import annotations

import pytest

from ledger.core import counters
from ledger.core.decision import Code
from ledger.core.ids import unb64
from ledger.core.objects import Object
from ledger.log.leaf import decode_leaf
from ledger.writer.answers import Answer, Declined, Taken
from tests.builders import DAY, HOUR, World, request_id
from tests.kinds.families.exchange import (
    convert,
    license_venue,
    offer,
    quote,
    quote_id,
    ready,
    take,
    till,
)
from tests.kinds.families.freeze import freeze
from tests.kinds.families.marks import GROCERS, mark, marked, ministry
from tests.kinds.pure import fork
from tests.kinds.samples import bare_world
from tests.rules.till import Sale, codes, fingerprint

C = Code


@pytest.fixture(scope="module")
def base() -> World:
    world = bare_world()
    ready(world)
    return world


@pytest.fixture
def world(base: World) -> World:
    return fork(base)


def held(world: World, name: str, asset: str = "KZTD") -> int:
    balance: int = world.door.load(("account", unb64(world.accounts[name, asset], 16))).balance
    return balance


def found(world: World, type_: str, key: str) -> Object | None:
    got: Object | None = world.door.load(("object", type_, unb64(key, 16)))
    return got


def facts(world: World) -> dict[str, str | int]:
    return dict(decode_leaf(world.door.entries[-1].leaf).facts)


def refund(world: World, payment: str, asset: str, amount: str, merchant: str = "market") -> Answer:
    return world.offer(world.sign(
        merchant, "refund/1", payment=payment, amount=amount,
        from_=world.accounts[merchant, asset], to=world.accounts["aigul", asset],
    ))  # fmt: skip


def test_both_sides_move_in_one_entry(world):
    before = [held(world, *of) for of in (("aigul", "KZTD"), ("aigul", "tUSDT"),
                                          ("exchange", "KZTD"), ("exchange", "tUSDT"))]  # fmt: skip
    size = len(world.door.entries)
    jws = quote(world)

    assert codes(take(world, jws)) == ()

    after = [held(world, *of) for of in (("aigul", "KZTD"), ("aigul", "tUSDT"),
                                         ("exchange", "KZTD"), ("exchange", "tUSDT"))]  # fmt: skip
    by = [now - then for now, then in zip(after, before, strict=True)]
    assert by == [129_000, -2_500_000, -129_000, 2_500_000]
    assert len(world.door.entries) == size + 1
    assert facts(world) == {"quote": quote_id(jws), "value": "129000"}
    used = found(world, "quote", quote_id(jws))
    assert used is not None
    assert used.status == "used"
    assert used.owner == unb64(world.parties["exchange"], 16)
    assert used.body.taker == world.parties["aigul"]


def test_a_quote_buys_too_and_changes_crypto_into_crypto(world):
    assert codes(take(world, quote(world, ("tBTC", "0.00100000"), ("KZTD", "48500.00")))) == ()
    assert codes(take(world, quote(world, ("tBTC", "0.00100000"), ("tUSDT", "95.000000")))) == ()

    assert held(world, "aigul", "tBTC") == 100_000_000 + 200_000
    assert "value" not in facts(world)


def test_the_value_of_both_sides_is_the_tenge_of_one(world):
    day = counters.local_day(world.door.time())
    aigul = unb64(world.parties["aigul"], 16)
    before = world.door.load(("counter", counters.OUT_DAY, day, aigul, "stablecoin"))

    assert codes(take(world, quote(world))) == ()

    after = world.door.load(("counter", counters.OUT_DAY, day, aigul, "stablecoin"))
    assert after - before == 129_000


def test_a_quote_is_used_once_whoever_takes_it_and_however(world):
    jws = quote(world)
    request = till(world)

    assert codes(convert(world, request, jws)) == ()

    assert codes(take(world, jws, "guest")) == (C.QUOTE_USED,)
    assert codes(convert(world, till(world), jws, "guest")) == (C.QUOTE_USED,)
    other = quote(world)
    assert codes(take(world, other, "guest")) == ()
    assert codes(convert(world, till(world), other)) == (C.QUOTE_USED,)


def test_a_quote_for_one_taker_is_good_for_that_one(world):
    jws = quote(world, taker=world.parties["aigul"])

    assert codes(take(world, jws, "guest")) == (C.QUOTE_TAKER,)
    assert codes(take(world, jws)) == ()


def test_a_quote_is_good_to_its_last_millisecond(world):
    first, second = quote(world, ahead=HOUR), quote(world, ahead=HOUR)
    world.door.at += HOUR
    assert codes(take(world, first)) == ()

    world.door.at += 1

    answer = take(world, second)
    assert codes(answer) == (C.QUOTE_EXPIRED,)
    assert answer.reasons[0].params["at"] == world.door.time()


def test_the_licence_counts_when_the_quote_is_taken(world):
    jws = quote(world)
    license_venue(world, status="suspended")
    answer = take(world, jws)
    assert codes(answer) == (C.VENUE_NOT_ACTIVE,)
    assert answer.reasons[0].params["status"] == "suspended"
    assert codes(convert(world, till(world), jws)) == (C.VENUE_NOT_ACTIVE,)

    license_venue(world)

    assert codes(take(world, jws)) == ()


def test_a_licence_is_put_whole(world):
    license_venue(world, assets=("tBTC",))

    assert codes(take(world, quote(world))) == (C.ASSET_NOT_ADMITTED,)
    assert codes(take(world, quote(world, gets=("tBTC", "0.00002700")))) == ()


def test_nobody_hears_what_the_exchange_holds(world):
    much = held(world, "exchange") + 1
    jws = quote(world, ("KZTD", f"{much // 100}.{much % 100:02}"))
    before = fingerprint(world.door)

    answer = take(world, jws)

    assert isinstance(answer, Declined)
    (reason,) = answer.reasons
    assert reason.code == C.INVENTORY
    assert reason.params == {"asset": "KZTD", "amount": f"{much // 100}.{much % 100:02}"}
    assert fingerprint(world.door) == before


def test_who_lacks_both_hears_both_and_of_its_own_account_the_balance(world):
    jws = quote(world, ("KZTD", "9000000.00"), ("tUSDT", "10000.000001"))

    answer = take(world, jws)

    assert codes(answer) == (C.INVENTORY, C.FUNDS)
    assert answer.reasons[1].params["available"] == "10000.000000"
    assert "available" not in answer.reasons[0].params


def test_the_last_of_the_inventory_is_sold_to_the_last_tiyn(world):
    rest = held(world, "exchange")
    text = f"{rest // 100}.{rest % 100:02}"

    assert codes(take(world, quote(world, ("KZTD", text)))) == ()
    assert codes(take(world, quote(world, ("KZTD", "0.01")))) == (C.INVENTORY,)


def test_a_merchant_sells_what_it_took_and_buys_none(world):
    assert held(world, "cafe", "tUSDT") > 1_000_000

    sold = take(world, quote(world, ("KZTD", "519.00"), ("tUSDT", "1.000000")), "cafe")
    bought = take(world, quote(world, ("tUSDT", "0.500000"), ("KZTD", "260.00")), "cafe")

    assert codes(sold) == ()
    assert codes(bought) == (C.ZONE_OUTSIDE,)


def test_the_payer_spends_crypto_and_the_shop_has_tenge(world):
    request, jws = till(world), quote(world)
    before = held(world, "market"), held(world, "aigul", "tUSDT")

    assert codes(convert(world, request, jws)) == ()

    assert held(world, "market") == before[0] + 129_000
    assert held(world, "market", "tUSDT") == 0
    assert held(world, "aigul", "tUSDT") == before[1] - 2_500_000
    id = request_id(request)
    assert facts(world) == {"payment": id, "value": "129000", "quote": quote_id(jws)}
    payment = found(world, "payment", id)
    assert payment is not None
    assert (payment.status, payment.owner) == ("paid", unb64(world.parties["market"], 16))
    assert (payment.body.amount, payment.body.value) == (129_000, 129_000)
    assert codes(world.pay("aigul", "KZTD", request)) == (C.REQUEST_PAID,)


def test_what_pays_a_request_first_leaves_the_quote_good(world):
    request, jws = till(world), quote(world)
    assert codes(world.pay("guest", "KZTD", request)) == ()

    assert codes(convert(world, request, jws)) == (C.REQUEST_PAID,)

    assert codes(take(world, jws)) == ()


def test_a_reusable_request_is_converted_again_with_another_quote(world):
    request = till(world, reusable=True)

    assert codes(convert(world, request, quote(world))) == ()
    assert codes(convert(world, request, quote(world))) == ()


def test_a_converted_payment_is_refunded_in_tenge_alone(world):
    request = Sale(asset="KZTD").request(world)  # at the till inside, whose merchant has crypto
    assert codes(convert(world, request, quote(world))) == ()
    id = request_id(request)

    assert codes(refund(world, id, "tUSDT", "1.000000", "cafe")) == (C.ASSET_DIFFERS,)
    assert codes(refund(world, id, "KZTD", "290.00", "cafe")) == ()
    assert codes(refund(world, id, "KZTD", "1000.01", "cafe")) == (C.REFUND_TOO_MUCH,)
    assert codes(refund(world, id, "KZTD", "1000.00", "cafe")) == ()

    payment = found(world, "payment", id)
    assert payment is not None
    assert payment.status == "refunded"


def test_a_frozen_merchants_tenge_waits_where_its_freeze_says(world):
    waiting = freeze(world, world.accounts["market", "KZTD"], "hold")
    before = held(world, "market")

    assert codes(convert(world, till(world), quote(world))) == ()

    assert held(world, "market") == before
    assert world.door.load(("account", unb64(waiting, 16))).balance == 129_000


def test_a_title_and_its_price_change_hands_together(world):
    before = held(world, "daniyar"), held(world, "aigul")
    jws = offer(world)

    assert codes(take(world, jws, kind="deliver/1")) == ()

    assert held(world, "daniyar") == before[0] + 700
    assert held(world, "aigul") == before[1] - 700
    assert held(world, "aigul", "tDEED") == 1_000_001
    assert facts(world) == {"quote": quote_id(jws), "value": "700"}


def test_a_buyers_bid_is_taken_by_whoever_owns_the_title(world):
    bid = quote(world, ("KZTD", "7.00"), ("tGOLD", "1.00"), maker="aigul")

    assert codes(take(world, bid, "daniyar", "deliver/1")) == ()

    assert held(world, "aigul", "tGOLD") == 1_100


def test_an_unlicensed_seller_delivers_and_exchanges_nothing(world):
    assert codes(take(world, offer(world))) == (C.ASSET_NOT_ADMITTED,)
    sells = quote(world, ("tUSDT", "1.000000"), ("KZTD", "500.00"), maker="daniyar")
    assert codes(take(world, sells)) == (C.VENUE_UNKNOWN,)
    assert codes(take(world, sells, kind="deliver/1")) == (C.ASSET_NOT_ADMITTED,)


def test_a_quote_ahead_of_its_day_is_not_good_yet(world):
    jws = quote(world, ahead=2 * DAY)

    assert codes(take(world, jws)) == (C.QUOTE_EXPIRED,)
    world.door.at += DAY
    assert isinstance(take(world, jws), Taken)


@pytest.fixture
def voucher(world: World) -> str:
    """Aigul's wallet of marked tenge: a thousand for food."""
    ministry(world)
    world.do("bank", "categories/1", merchant=world.parties["market"], codes=[GROCERS])
    return marked(world, mark(world), "aigul", "1000.00")


def test_a_voucher_buys_no_crypto_and_no_title(world, voucher):
    coins = quote(world, ("tUSDT", "1.000000"), ("KZTD", "520.00"))

    assert codes(take(world, coins, source=voucher)) == (C.MARK_NOT_CONVERTIBLE,)
    assert codes(take(world, offer(world), kind="deliver/1", source=voucher)) == (
        C.MARK_NOT_CONVERTIBLE,
    )
    bid = {"account": voucher, "asset": "KZTD", "amount": "7.00"}
    sells = quote(world, bid, ("tGOLD", "1.00"), maker="aigul")
    assert codes(take(world, sells, "daniyar", "deliver/1")) == (C.MARK_NOT_CONVERTIBLE,)


def test_no_money_is_marked_by_being_exchanged_or_converted(world, voucher):
    supply = marked(world, mark(world), "market", supplier=True)
    sold = take(world, quote(world), target=voucher)
    request = Sale(asset="KZTD", till="till-market", account=supply).request(world)

    answer = convert(world, request, quote(world))

    assert codes(sold) == (C.MARK_NOT_CONVERTIBLE,)
    assert codes(answer) == (C.MARK_BOUND,)
    assert world.door.load(("account", unb64(supply, 16))).balance == 0


def test_who_takes_a_frozen_partys_quote_hears_no_more_than_that_it_is_not_kept(world):
    freeze(world, world.accounts["exchange", "KZTD"])

    told = take(world, quote(world)).reasons
    unread = take(world, quote(world, ("KZTD", "12.9")))

    assert [reason.code for reason in told] == [C.INVENTORY]
    assert told[0].params == {"asset": "KZTD", "amount": "1290.00"}
    assert unread.code == "amount.form"
