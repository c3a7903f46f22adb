"""Marked money and purses: it stays off them unless the pack says so; then it keeps its mark there,
and whom it pays offline the policy judges when the payment comes in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ledger.core.decision import Code
from tests.builders import World
from tests.kinds.devices import Device, text_of
from tests.kinds.families.marks import mark, marked
from tests.kinds.families.purses import (
    GRACE,
    RULE,
    TERM,
    admit,
    deposit,
    expire,
    make,
    purse,
    terms,
)
from tests.kinds.pure import fork
from tests.kinds.test_marks import accounted_for, balance, base, own, send
from tests.rules.till import codes

C = Code
MARKED = RULE.replace(' bearer = "issuing_bank" }', ' bearer = "issuing_bank", marked = true }')

__all__ = ["base"]


@pytest.fixture
def world(base: World) -> Iterator[World]:
    """Aigul's voucher, and a purse of hers that is emptied into it, with 300.00 on it."""
    twin = fork(base)
    assert MARKED != RULE
    admit(twin, MARKED)
    twin.device = make(twin, "aigul", home=twin.voucher)
    twin.do("aigul", "purse_load/1", from_=twin.voucher, purse=twin.device.text, amount="300.00")
    yield twin
    accounted_for(twin)


def load(world: World, device: Device, from_: str) -> tuple[Code, ...]:
    return codes(world.offer(world.sign(
        "aigul", "purse_load/1", from_=from_, purse=device.text, amount="1.00"
    )))  # fmt: skip


def test_it_stays_off_purses_unless_the_pack_says_otherwise(base: World) -> None:
    world = fork(base)
    admit(world)
    made = world.sign("bank", "purse/1", **terms(world, "aigul", home=world.voucher))
    assert codes(world.offer(made)) == (C.OFFLINE_NOT_ADMITTED,)
    device = make(world, "aigul")
    assert load(world, device, world.voucher) == (C.OFFLINE_NOT_ADMITTED,)
    accounted_for(world)


def test_marks_do_not_mix_on_a_purse(world: World) -> None:
    plain = make(world, "daniyar")
    ordinary = Device(world, "aigul 2")
    world.do("bank", "purse/1", **terms(world, "aigul", device=ordinary.public))

    assert plain.id != ordinary.id
    assert load(world, world.device, own(world, "aigul")) == (C.OFFLINE_NOT_ADMITTED,)
    assert load(world, ordinary, world.voucher) == (C.OFFLINE_NOT_ADMITTED,)


def test_it_pays_offline_whom_the_policy_names_and_loses_its_mark_there(world: World) -> None:
    before = balance(world, own(world, "market"))

    assert codes(deposit(world, world.device.pay(own(world, "market"), 100_00))) == ()

    assert balance(world, own(world, "market")) == before + 100_00
    assert balance(world, world.device.text) == 200_00


def test_what_a_final_payee_received_it_spends_on(world: World) -> None:
    market = make(world, "market")
    first = world.device.pay(market.text, 100_00)
    second = market.pay(own(world, "daniyar"), 40_00, first)

    assert codes(deposit(world, second)) == ()

    assert balance(world, market.text) == 60_00


@pytest.mark.parametrize("name", ["daniyar", "aigul", "cafe", "bank"])
def test_nobody_else_is_paid_with_it(world: World, name: str) -> None:
    chain = world.device.pay(own(world, name), 100_00)

    assert codes(deposit(world, chain)) == (C.MARK_PAYEE,)
    assert balance(world, world.device.text) == 300_00


def test_no_other_holder_gets_it_on_a_purse(world: World) -> None:
    other = marked(world, world.food, "daniyar")
    payee = make(world, "daniyar", home=other)

    assert codes(deposit(world, world.device.pay(payee.text, 1_00))) == (C.MARK_PAYEE,)
    chain = world.device.pay(own(world, "daniyar"), 1_00)
    unload = world.sign("aigul", "purse_unload/1", chain=text_of(chain))
    assert codes(world.offer(unload)) == (C.TARGET_NOT_ADMITTED,)


def test_it_goes_back_with_its_mark(world: World) -> None:
    home = world.device.pay(world.voucher, 100_00)
    world.do("aigul", "purse_unload/1", chain=text_of(home))
    assert balance(world, world.voucher) == 800_00

    expire(world, world.device)

    assert balance(world, world.voucher) == 1000_00
    assert codes(send(world, "aigul", world.voucher, own(world, "daniyar"), "1.00")) == (
        C.MARK_PAYEE,
    )


def test_the_bank_covers_who_was_paid_twice_and_takes_no_marked_money_for_it(world: World) -> None:
    bank, market = balance(world, own(world, "bank")), own(world, "market")
    received = world.device.pay(market, 300_00)
    again = world.device.pay(market, 100_00, spent=0)
    assert codes(deposit(world, received)) == ()
    assert codes(deposit(world, again)) == ()
    assert purse(world, world.device).status == "frozen"
    assert balance(world, own(world, "bank")) == bank - 100_00

    expire(world, world.device)

    assert balance(world, own(world, "bank")) == bank - 100_00


def test_the_bank_covers_nobody_whom_the_mark_may_not_pay(world: World) -> None:
    """Else whoever overspends marked money would have it back as the bank's, without a mark."""
    bank, friend = balance(world, own(world, "bank")), own(world, "daniyar")
    before = balance(world, friend)
    received = world.device.pay(own(world, "market"), 300_00)
    again = world.device.pay(friend, 100_00, spent=0)
    assert codes(deposit(world, received)) == ()

    deposit(world, again)

    assert (balance(world, friend), balance(world, own(world, "bank"))) == (before, bank)


def test_a_purse_closes_before_its_mark_ends(world: World) -> None:
    """What comes off it must find its wallet open."""
    closes_at = world.door.time() + TERM + GRACE
    brief = marked(world, mark(world, valid_until=closes_at), "daniyar", "100.00")
    longer = marked(world, mark(world, valid_until=closes_at + 1), "daniyar", "100.00")

    made = world.sign("bank", "purse/1", **terms(world, "daniyar", home=brief))
    assert codes(world.offer(made)) == (C.DATES_CONFLICT,)
    assert make(world, "daniyar", home=longer).id
