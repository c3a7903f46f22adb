"""Split payments and requests to pay: what they leave behind, and what an ask that was paid gives
back.
"""

from __future__ import annotations

from typing import Any

import pytest

from ledger.core.amount import format_amount
from ledger.core.decision import Code
from ledger.core.ids import b64, unb64
from ledger.core.objects import Object
from ledger.kinds.expire import DUE
from ledger.log.leaf import decode_leaf
from ledger.writer.answers import Answer, Declined, Taken
from tests.builders import DAY, World, derived, key_of, pack_text
from tests.kinds.families.asks import AHEAD, OPEN_MAX, ask, pay, shares_of
from tests.kinds.pure import fork, pure_world
from tests.kinds.samples import bare_world
from tests.rules.till import codes, fingerprint


@pytest.fixture(scope="module")
def base() -> World:
    return bare_world()


@pytest.fixture
def world(base: World) -> World:
    return fork(base)


def held(world: World, name: str, asset: str = "KZTD") -> int:
    balance: int = world.door.load(("account", unb64(world.accounts[name, asset], 16))).balance
    return balance


def asked(world: World, id: str) -> Object:
    found: Object = world.door.load(("object", "ask", unb64(id, 16)))
    return found


def listed(world: World, name: str, side: str) -> tuple[str, ...]:
    keys = world.door.load(("lookup", "ask", side, unb64(world.parties[name], 16)))
    return tuple(b64(key) for key in keys)


def split(world: World, payer: str, total: str, *rows: tuple[str, str], asset: str = "KZTD") -> Any:
    members = {"amount": total, "shares": shares_of(world, *rows, asset=asset)}
    source = world.accounts[payer, asset]
    return world.offer(world.sign(payer, "split/1", from_=source, **members))


def refund(world: World, payment: str, payee: str, payer: str, amount: str,
           asset: str = "KZTD") -> Answer:  # fmt: skip
    return world.offer(world.sign(
        payee, "refund/1", payment=payment, amount=amount, from_=world.accounts[payee, asset],
        to=world.accounts[payer, asset],
    ))  # fmt: skip


# Splits -------------------------------------------------------------------------------------------


def test_a_split_pays_everyone_in_one_entry(world: World) -> None:
    names = ("aigul", "daniyar", "guest", "cafe")
    before = [held(world, name) for name in names]

    answer = split(world, "aigul", "10.00", ("daniyar", "3.33"), ("guest", "3.33"),
                   ("cafe", "3.34"))  # fmt: skip

    assert codes(answer) == ()
    moved = [held(world, name) - was for name, was in zip(names, before, strict=True)]
    assert moved == [-10_00, 3_33, 3_33, 3_34]
    leaf = decode_leaf(world.door.entries[-1].leaf)
    assert [posting.amount for posting in leaf.postings] == ["333", "333", "334"]


@pytest.mark.parametrize("over", [0, 1])
def test_the_whole_purse_may_be_split_and_not_a_tiyn_more(world: World, over: int) -> None:
    there = held(world, "guest")
    total = there + over
    before = fingerprint(world.door)

    answer = split(world, "guest", format_amount(total, 2), ("cafe", format_amount(total - 1, 2)),
                   ("aigul", "0.01"))  # fmt: skip

    if not over:
        assert codes(answer) == ()
        assert held(world, "guest") == 0
        return
    assert fingerprint(world.door) == before, "all or nothing"
    assert isinstance(answer, Declined)
    assert [(r.code, r.params) for r in answer.reasons] == [
        (Code.FUNDS, {"asset": "KZTD", "amount": format_amount(total, 2),
                      "available": format_amount(there, 2)})
    ]  # fmt: skip


def test_shares_that_fail_alike_are_told_of_once(world: World) -> None:
    answer = split(world, "daniyar", "5.000000", ("cafe", "1.000000"), ("market", "2.000000"),
                   ("guest", "2.000000"), asset="tUSDT")  # fmt: skip

    assert codes(answer) == (Code.ZONE_OUTSIDE, Code.KYC_TIER)


def test_thirty_two_payees_fit_into_a_leaf() -> None:
    world = pure_world()
    rows = []
    for number in range(32):
        name = f"payee {number}"
        world.register("bank", name, "person", 1)
        world.open("bank", name, "KZTD")
        rows.append((name, "1.00"))

    assert codes(split(world, "aigul", "32.00", *rows)) == ()

    assert len(decode_leaf(world.door.entries[-1].leaf).postings) == 32
    assert len(world.door.entries[-1].leaf) <= 65_535


# Asks ---------------------------------------------------------------------------------------------


def test_an_ask_waits_on_both_lists_and_moves_nothing(world: World) -> None:
    before = held(world, "aigul"), held(world, "cafe")

    id = ask(world)

    assert asked(world, id).status == "open"
    assert (listed(world, "aigul", "payer"), listed(world, "cafe", "payee")) == ((id,), (id,))
    assert (held(world, "aigul"), held(world, "cafe")) == before
    assert asked(world, id).due == world.door.time() + AHEAD


def test_an_account_that_is_asked_stands_for_its_owner(world: World) -> None:
    """Who pays from another account of the same asset has answered all the same."""
    jws = world.do("bank", "account/1", owner=world.parties["aigul"], asset="KZTD")
    second = derived(jws, "account")
    world.do(
        "bank", "transfer/1", from_=world.accounts["bank", "KZTD"], to=second, amount="2000.00"
    )

    id = ask(world, payer=None, from_=world.accounts["aigul", "KZTD"])
    world.do("aigul", "ask_pay/1", ask=id, from_=second)

    assert asked(world, id).body.account == world.accounts["aigul", "KZTD"]  # type: ignore[attr-defined]
    assert asked(world, id).body.paid_by == second  # type: ignore[attr-defined]


def test_paying_moves_the_amount_asked_and_fixes_the_payment(world: World) -> None:
    id, before = ask(world), held(world, "cafe")

    pay(world, id)

    plan = world.door.plans[-1]
    assert held(world, "cafe") - before == 1290_00
    assert plan.facts == {"ask": id, "payment": id, "value": "129000"}
    found = asked(world, id)
    assert (found.status, found.due) == ("paid", None)
    assert (listed(world, "aigul", "payer"), listed(world, "cafe", "payee")) == ((), (id,))
    payment = world.door.load(("object", "payment", unb64(id, 16)))
    assert (payment.status, payment.body.amount, payment.body.value) == ("paid", 129000, 129000)


def test_any_key_of_the_payer_answers(world: World) -> None:
    phone = "aigul's second phone"
    world.do("aigul", "key/1", party=world.parties["aigul"], key=b64(key_of(phone).public_key))
    to_pay, to_decline = ask(world), ask(world)

    world.do(phone, "ask_pay/1", ask=to_pay, from_=world.accounts["aigul", "KZTD"])
    world.do(phone, "ask_decline/1", ask=to_decline)

    assert [asked(world, id).status for id in (to_pay, to_decline)] == ["paid", "declined"]


@pytest.mark.parametrize(("signer", "kind", "status"), [
    ("aigul", "ask_decline/1", "declined"), ("cafe", "ask_withdraw/1", "withdrawn"),
])  # fmt: skip
def test_an_ask_that_is_answered_or_taken_back_cannot_be_paid(
    world: World, signer: str, kind: str, status: str
) -> None:
    id = ask(world)

    world.do(signer, kind, ask=id)

    assert (asked(world, id).status, asked(world, id).due) == (status, None)
    assert listed(world, "aigul", "payer") == ()
    jws = world.sign("aigul", "ask_pay/1", ask=id, from_=world.accounts["aigul", "KZTD"])
    assert codes(world.offer(jws)) == (Code.STATUS_CONFLICT,)


def test_an_ask_ends_by_its_time(world: World) -> None:
    id = ask(world, ends_at=world.door.time() + DAY)
    due = asked(world, id).due
    early = world.sign("operator", "expire/1", type="ask", key=id, due=due)
    assert codes(world.offer(early)) == (Code.NOT_DUE,)

    world.door.at += DAY
    world.do("operator", "expire/1", type="ask", key=id, due=due)

    assert asked(world, id).status == "expired"
    assert listed(world, "aigul", "payer") == ()
    assert DUE["ask"].ended(asked(world, id), world.door.state, world.door.at).movements == ()


def test_crypto_between_people_may_be_asked_for_and_a_merchant_never_gets_it(world: World) -> None:
    friend = ask(world, "daniyar", to=world.accounts["daniyar", "tUSDT"], amount="2.000000")
    shop = ask(world, "cafe", to=world.accounts["cafe", "tUSDT"], amount="2.000000")

    pay(world, friend, asset="tUSDT")
    jws = world.sign("aigul", "ask_pay/1", ask=shop, from_=world.accounts["aigul", "tUSDT"])

    assert codes(world.offer(jws)) == (Code.ZONE_OUTSIDE,)
    assert asked(world, shop).status == "open"


# Refunds of asks ----------------------------------------------------------------------------------


def test_an_ask_in_tenge_is_given_back_in_parts_up_to_the_original(world: World) -> None:
    id = ask(world)
    pay(world, id)
    key = ("object", "payment", unb64(id, 16))

    assert codes(refund(world, id, "cafe", "aigul", "1000.00")) == ()
    assert world.door.load(key).status == "paid"
    assert codes(refund(world, id, "cafe", "aigul", "290.01")) == (Code.REFUND_TOO_MUCH,)
    assert codes(refund(world, id, "cafe", "aigul", "290.00")) == ()

    assert (world.door.load(key).status, world.door.load(key).body.refunded) == ("refunded", 129000)
    assert codes(refund(world, id, "cafe", "aigul", "0.01")) == (Code.REFUND_TOO_MUCH,)
    assert asked(world, id).status == "paid"


def test_an_ask_in_crypto_goes_back_in_kind_alone(world: World) -> None:
    id = ask(world, "daniyar", to=world.accounts["daniyar", "tUSDT"], amount="2.000000")
    pay(world, id, asset="tUSDT")
    key = ("object", "payment", unb64(id, 16))

    assert codes(refund(world, id, "daniyar", "aigul", "0.01")) == (Code.REFUND_TOO_MUCH,)
    assert codes(refund(world, id, "daniyar", "aigul", "1.999999", "tUSDT")) == ()
    assert world.door.load(key).status == "paid"
    assert "value" not in world.door.plans[-1].facts
    assert codes(refund(world, id, "daniyar", "aigul", "0.000002", "tUSDT")) == (
        Code.REFUND_TOO_MUCH,
    )
    assert codes(refund(world, id, "daniyar", "aigul", "0.000001", "tUSDT")) == ()

    assert world.door.load(key).status == "refunded"


def test_an_ask_is_given_back_to_who_paid_it_by_who_was_paid(world: World) -> None:
    id = ask(world)
    pay(world, id)

    assert codes(refund(world, id, "cafe", "guest", "1.00")) == (Code.TARGET_NOT_ADMITTED,)
    assert codes(refund(world, id, "daniyar", "aigul", "1.00")) == (Code.NO_AUTHORITY,)


def test_an_ask_that_is_not_paid_has_nothing_to_give_back(world: World) -> None:
    id = ask(world)

    assert codes(refund(world, id, "cafe", "aigul", "1.00")) == (Code.PAYMENT_UNKNOWN,)
    assert isinstance(world.offer(world.sign("cafe", "ask_withdraw/1", ask=id)), Taken)
    assert codes(refund(world, id, "cafe", "aigul", "1.00")) == (Code.PAYMENT_UNKNOWN,)


# How many may be open ----------------------------------------------------------------------------


def limited(world: World, open_max: int) -> None:
    world.do("nbk", "pack/1", text=pack_text() + OPEN_MAX.format(open_max=open_max))


def asked_again(world: World, payee: str = "cafe", payer: str = "aigul") -> Answer:
    return world.offer(world.sign(
        payee, "ask/1", to=world.accounts[payee, "KZTD"], amount="1.00", reference="INV-18",
        ends_at=world.door.time() + DAY, payer=world.parties[payer],
    ))  # fmt: skip


def waiting(world: World, payer: str = "aigul", payee: str = "cafe") -> int:
    subject = unb64(world.parties[payer], 16)
    count: int = world.door.load(("counter", "asks.open", 0, subject, world.parties[payee]))
    return count


def test_so_many_asks_may_be_open_and_no_further_one(world: World) -> None:
    limited(world, 3)
    for _ in range(3):
        assert codes(asked_again(world)) == ()

    answer = asked_again(world)

    assert isinstance(answer, Declined)
    (reason,) = answer.reasons
    assert (reason.code, reason.params) == (Code.ASKS_OPEN_MAX, {"limit": 3, "open": 3})
    assert waiting(world) == 3


def test_the_limit_is_of_one_payee_before_one_payer(world: World) -> None:
    limited(world, 1)
    assert codes(asked_again(world)) == ()

    assert codes(asked_again(world, payee="market")) == ()
    assert codes(asked_again(world, payer="daniyar")) == ()
    assert codes(asked_again(world, payee="aigul", payer="cafe")) == ()
    assert codes(asked_again(world)) == (Code.ASKS_OPEN_MAX,)


@pytest.mark.parametrize("end", ["paid", "declined", "withdrawn", "expired"])
def test_an_ask_that_ends_makes_room_for_one(world: World, end: str) -> None:
    limited(world, 1)
    id = ask(world, ends_at=world.door.time() + DAY)
    assert codes(asked_again(world)) == (Code.ASKS_OPEN_MAX,)

    if end == "paid":
        pay(world, id)
    elif end == "declined":
        world.do("aigul", "ask_decline/1", ask=id)
    elif end == "withdrawn":
        world.do("cafe", "ask_withdraw/1", ask=id)
    else:
        due = asked(world, id).due
        world.door.at += DAY
        world.do("operator", "expire/1", type="ask", key=id, due=due)

    assert asked(world, id).status == end
    assert waiting(world) == 0
    assert codes(asked_again(world)) == ()
    assert codes(asked_again(world)) == (Code.ASKS_OPEN_MAX,)


def test_what_was_asked_before_the_limit_counts_and_stays(world: World) -> None:
    ids = [ask(world) for _ in range(4)]

    limited(world, 2)

    assert [asked(world, id).status for id in ids] == ["open"] * 4
    assert codes(asked_again(world)) == (Code.ASKS_OPEN_MAX,)
    for id in ids[:2]:
        world.do("aigul", "ask_decline/1", ask=id)
        assert codes(asked_again(world)) == (Code.ASKS_OPEN_MAX,)
    pay(world, ids[2])
    assert codes(asked_again(world)) == ()


def test_without_a_row_there_is_no_limit_and_all_are_counted(world: World) -> None:
    for _ in range(120):
        assert codes(asked_again(world)) == ()

    assert waiting(world) == 120


def test_paying_twice_in_vain_makes_no_room(world: World) -> None:
    limited(world, 2)
    id = ask(world)
    ask(world)
    pay(world, id)

    jws = world.sign("aigul", "ask_pay/1", ask=id, from_=world.accounts["aigul", "KZTD"])

    assert codes(world.offer(jws)) == (Code.STATUS_CONFLICT,)
    assert waiting(world) == 1
