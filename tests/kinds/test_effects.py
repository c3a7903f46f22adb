"""What accepted transactions leave behind, where a table of refusals would not show it."""

from __future__ import annotations

import pytest

from ledger.core.ids import unb64
from ledger.writer.answers import Taken
from tests.builders import DAY, World, derived
from tests.kinds.pure import fork
from tests.kinds.samples import SAMPLES, sample_world
from tests.rules.till import Sale, codes


@pytest.fixture(scope="module")
def base() -> World:
    return sample_world()


def give_back(world: World, asset: str, amount: str) -> None:
    world.do("cafe", "refund/1", payment=world.sales["tUSDT"], amount=amount,
             from_=world.accounts["cafe", asset], to=world.accounts["guest", asset])  # fmt: skip


def test_a_refund_in_parts_is_whole_at_the_last(base):
    world = fork(base)
    key = ("object", "payment", unb64(world.sales["tUSDT"], 16))
    world.do("bank", "transfer/1", from_=world.accounts["bank", "KZTD"],
             to=world.accounts["cafe", "KZTD"], amount="9000.00")  # fmt: skip

    give_back(world, "tUSDT", "1.000000")
    part = world.door.load(key)
    assert (part.status, part.body.refunded, part.body.refunded_tenge) == ("paid", 1_000_000, 0)
    # 2.484353 of the asset are 1,290.00 tenge: what is left of them is worth 770.749…
    give_back(world, "KZTD", "770.74")
    part = world.door.load(key)
    assert (part.status, part.body.refunded, part.body.refunded_tenge) == (
        "paid",
        1_000_000,
        77_074,
    )

    world = fork(base)
    give_back(world, "tUSDT", "1.000000")
    give_back(world, "tUSDT", "1.484353")
    whole = world.door.load(key)
    assert (whole.status, whole.body.refunded) == ("refunded", 2_484_353)


def test_a_refund_is_worth_its_share_of_the_value_then_fixed(base):
    world = fork(base)

    values = []
    for amount in ("1.000000", "1.000000", "0.484353"):
        give_back(world, "tUSDT", amount)
        values.append(world.door.plans[-1].movements[0].value)
        assert world.door.plans[-1].facts["value"] == str(values[-1])

    assert values == [51_924, 51_925, 25_151]  # 51,924.987 each: the parts add up to the whole
    assert sum(values) == 129_000


@pytest.mark.parametrize(("ahead", "expected"), [(-1, 1), (0, 0), (DAY, 0), (DAY + 1, 1)])
def test_a_request_is_good_from_a_day_before_its_end_to_its_end(base, ahead, expected):
    world = fork(base)

    answer = world.pay("aigul", "tUSDT", Sale().request(world, ahead=ahead))

    assert len(codes(answer)) == expected


def test_a_payment_fixes_its_value_for_ever(base):
    world = fork(base)
    request = Sale(total="1290.00").request(world)
    world.do("exchange", "rate/1", asset="tUSDT", rate="1000")

    jws = world.do("aigul", "pay/1", from_=world.accounts["aigul", "tUSDT"], request=request)

    plan = world.door.plans[-1]
    assert plan.facts["value"] == "129000"
    assert plan.facts["rate"] == world.rates["tUSDT"]
    assert plan.facts["zone"] == world.zone
    assert isinstance(world.offer(jws), Taken)


def test_of_two_rates_only_the_newest_is_current(base):
    world = fork(base)
    old = unb64(world.rates["tUSDT"], 16)
    new = unb64(derived(world.do("exchange", "rate/1", asset="tUSDT", rate="1"), "rate"), 16)

    assert world.door.load(("object", "rate", old)).status == "past"
    assert world.door.load(("object", "rate", new)).status == "current"
    assert world.door.load(("lookup", "rate", "current", b"tUSDT")) == (new,)


def test_issue_and_redeem_count_what_they_move(base):
    world = fork(base)
    needs = [("counter", measure, 0, b"KZTD", "") for measure in ("issued", "redeemed")]
    before = [world.door.load(need) for need in needs]

    for kind in ("issue/1", "redeem/1"):
        world.do("nbk", kind, **SAMPLES[kind].members(world))

    after = [world.door.load(need) for need in needs]
    assert [now - then for now, then in zip(after, before, strict=True)] == [100_000, 100_000]


def test_a_clock_may_be_set_to_what_it_shows(base):
    world = fork(base)

    world.do("operator", "clock/1", offset=7, frozen_at=None)
    world.do("operator", "clock/1", offset=7, frozen_at=None)
    world.do("operator", "clock/1", offset=0, frozen_at=world.door.at)
    world.do("operator", "clock/1", offset=0, frozen_at=world.door.at)
