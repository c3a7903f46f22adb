"""Bank money and limits: deposits, links, waterfall both ways, the daily sweep."""

from __future__ import annotations

import pytest

from ledger.core import counters
from ledger.core.counters import next_midnight
from ledger.core.decision import Code
from ledger.core.ids import unb64
from ledger.core.needs import Known
from ledger.core.objects import REFERENCE_TYPES, Object
from ledger.decide import Accepted, decide, needs
from ledger.kinds import read
from ledger.rules import holding_max
from ledger.writer.answers import Answer, Declined
from ledger.writer.engine import ROUNDS_MAX
from tests.builders import DAY, HOUR, World, pack_text
from tests.kinds.families.asks import shares_of
from tests.kinds.families.deposits import (
    DEPOSIT,
    converting,
    link,
    linked,
    open_deposits,
)
from tests.kinds.families.holds import capture, expire, hold
from tests.kinds.pure import MORNING, fork, pure_world
from tests.rules.till import codes

LIMITS = """
[[rule]]
rule = "holding_max/1"
valid_from = 2023-04-01
status = "HYPOTHETICAL"
source = "B10"

[rule.parameters]
person = ["{person}", "{person}", "{person}", "{person}"]
merchant = ["{merchant}", "{merchant}", "{merchant}", "{merchant}"]
"""


def limited(person: str = "1000000.00", merchant: str = "2000.00") -> str:
    """The shipped zone rules with limits of holdings."""
    return pack_text() + LIMITS.format(person=person, merchant=merchant)


@pytest.fixture(scope="module")
def base() -> World:
    """Aigul and Daniyar hold what a person may, 1,000,000.00; merchants hold nothing and may hold
    2,000.00. Everyone has 500,000.00 on a deposit, nobody a link."""
    world = pure_world()
    open_deposits(world)
    world.do("nbk", "pack/1", text=limited())
    return world


@pytest.fixture
def world(base: World) -> World:
    return fork(base)


def has(world: World, name: str, asset: str = "KZTD") -> int:
    held: int = world.door.load(("account", unb64(world.accounts[name, asset], 16))).balance
    return held


def sent(world: World, payer: str, payee: str, amount: str) -> Answer:
    return world.transfer(payer, payee, "KZTD", amount)


def purposes(world: World) -> list[str]:
    """What the newest entry moved, in order."""
    return [movement.purpose for movement in world.door.plans[-1].movements]


def supply_holds(world: World) -> None:
    """Issued less redeemed is what all but the issue account hold, of tenge and of deposits."""
    state = world.door.state
    for code in ("KZTD", DEPOSIT):
        issued, redeemed = (
            world.door.load(("counter", measure, 0, code.encode(), ""))
            for measure in (counters.ISSUED, counters.REDEEMED)
        )
        held = sum(
            value.balance for need, value in state.values.items()
            if need[0] == "account" and value is not None and value.asset == code
            and value.kind != "issue"
        )  # fmt: skip
        assert issued - redeemed == held, code


def test_a_deposit_becomes_tenge_in_one_entry_of_two_assets(world: World) -> None:
    link(world, "cafe")

    world.do("cafe", "fund/1", **converting(world, "cafe", "1500.00"))

    assert (has(world, "cafe"), has(world, "cafe", DEPOSIT)) == (150_000, 49_850_000)
    assert purposes(world) == ["redeem", "fund"]
    supply_holds(world)


def test_and_back(world: World) -> None:
    link(world, "aigul")
    bank = has(world, "bank")

    world.do("aigul", "defund/1", **converting(world, "aigul", "1500.00"))

    assert (has(world, "aigul"), has(world, "aigul", DEPOSIT)) == (99_850_000, 50_150_000)
    assert has(world, "bank") == bank + 150_000
    assert purposes(world) == ["defund", "issue"]
    supply_holds(world)


def test_a_bank_converts_for_its_client_without_a_link(world: World) -> None:
    world.do("bank", "fund/1", **converting(world, "cafe", "1500.00"))
    world.do("bank", "defund/1", **converting(world, "cafe", "500.00"))

    assert (has(world, "cafe"), has(world, "cafe", DEPOSIT)) == (100_000, 49_900_000)


def test_a_conversion_is_no_payment(world: World) -> None:
    day = counters.local_day(world.door.at)
    spent = ("counter", counters.OUT_DAY, day, unb64(world.parties["aigul"], 16), "digital_tenge")
    before = world.door.load(spent)

    world.do("bank", "defund/1", **converting(world, "aigul", "500.00"))
    assert world.door.load(spent) == before
    world.do("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
             to=world.accounts["cafe", "KZTD"], amount="7.00")  # fmt: skip
    assert world.door.load(spent) == before + 700


def test_a_wallet_holds_up_to_its_limit_and_not_a_tiyn_more(world: World) -> None:
    assert codes(sent(world, "aigul", "cafe", "2000.00")) == ()

    answer = sent(world, "aigul", "cafe", "0.01")

    assert codes(answer) == (Code.HOLDING_MAX,)
    assert isinstance(answer, Declined)
    assert answer.reasons[0].params == {"asset": "KZTD", "limit": "2000.00", "left": "0.00"}


def test_a_refusal_says_how_much_still_fits(world: World) -> None:
    sent(world, "aigul", "cafe", "1200.00")

    answer = sent(world, "aigul", "cafe", "900.00")

    assert isinstance(answer, Declined)
    assert answer.reasons[0].params["left"] == "800.00"
    assert codes(sent(world, "aigul", "cafe", "800.00")) == ()


def test_institutions_and_other_assets_have_no_limit(world: World) -> None:
    world.do("nbk", "pack/1", text=limited("0.00", "0.00"))

    assert codes(sent(world, "aigul", "bank", "1000.00")) == ()
    assert codes(world.transfer("aigul", "daniyar", "tUSDT", "1.000000")) == ()
    assert codes(world.transfer("aigul", "daniyar", DEPOSIT, "1.00")) == ()


def test_a_wallet_above_a_new_limit_keeps_and_pays_but_takes_no_more(world: World) -> None:
    world.do("nbk", "pack/1", text=limited("10.00"))

    assert codes(sent(world, "daniyar", "aigul", "0.01")) == (Code.HOLDING_MAX,)
    assert codes(sent(world, "aigul", "cafe", "5.00")) == ()


def test_what_is_above_the_limit_goes_on_to_the_deposit(world: World) -> None:
    link(world, "cafe")
    sent(world, "aigul", "cafe", "1800.00")
    bank = has(world, "bank")

    assert codes(sent(world, "aigul", "cafe", "500.00")) == ()

    assert (has(world, "cafe"), has(world, "cafe", DEPOSIT)) == (200_000, 50_030_000)
    assert has(world, "bank") == bank + 30_000
    assert purposes(world) == ["transfer", "waterfall", "issue"]
    supply_holds(world)


def test_a_payment_at_a_till_flows_on_too(world: World) -> None:
    link(world, "cafe")

    answer = world.pay("aigul", "KZTD", world.request("till-cafe", "2500.00"))

    assert codes(answer) == ()
    assert (has(world, "cafe"), has(world, "cafe", DEPOSIT)) == (200_000, 50_050_000)
    assert world.door.plans[-1].facts["value"] == "250000"


def test_above_a_new_limit_all_that_comes_in_goes_on_and_no_more(world: World) -> None:
    linked("aigul")(world)
    world.do("nbk", "pack/1", text=limited("10.00"))

    assert codes(sent(world, "daniyar", "aigul", "3.00")) == ()

    assert (has(world, "aigul"), has(world, "aigul", DEPOSIT)) == (100_000_000, 50_000_300)


def test_topping_up_stops_at_the_limit(world: World) -> None:
    linked("cafe")(world)

    answer = world.offer(world.sign("cafe", "fund/1", **converting(world, "cafe", "2000.01")))

    assert codes(answer) == (Code.HOLDING_MAX,)
    world.do("cafe", "fund/1", **converting(world, "cafe", "2000.00"))


@pytest.mark.parametrize("shut", [("cafe", "KZTD"), ("cafe", DEPOSIT), ("bank", "KZTD")])
def test_nothing_flows_where_an_account_is_shut(world: World, shut: tuple[str, str]) -> None:
    linked("cafe")(world)
    _shut(world, *shut)

    expected = Code.ACCOUNT_NOT_OPEN if shut == ("cafe", "KZTD") else Code.HOLDING_MAX
    assert codes(sent(world, "aigul", "cafe", "2000.01")) == (expected,)


def test_a_payment_takes_from_the_deposit_what_the_wallet_lacks(world: World) -> None:
    link(world, "aigul")
    bank = has(world, "bank")

    assert codes(sent(world, "aigul", "bank", "1000300.00")) == ()

    assert (has(world, "aigul"), has(world, "aigul", DEPOSIT)) == (0, 49_970_000)
    assert has(world, "bank") == bank + 100_000_000
    assert purposes(world) == ["redeem", "reverse_waterfall", "transfer"]
    supply_holds(world)


def test_both_at_once_are_one_entry(world: World) -> None:
    linked("aigul")(world)
    linked("market")(world)

    answer = world.pay("aigul", "KZTD", world.request("till-market", "1000300.00"))

    assert codes(answer) == ()
    assert purposes(world) == ["redeem", "reverse_waterfall", "pay", "waterfall", "issue"]
    assert (has(world, "market"), has(world, "market", DEPOSIT)) == (200_000, 149_830_000)
    assert (has(world, "aigul"), has(world, "aigul", DEPOSIT)) == (0, 49_970_000)
    supply_holds(world)


def test_all_of_what_is_lacking_or_nothing(world: World) -> None:
    link(world, "aigul")

    answer = sent(world, "aigul", "bank", "1500000.01")

    assert codes(answer) == (Code.FUNDS,)
    assert isinstance(answer, Declined)
    assert answer.reasons[0].params["available"] == "1000000.00"
    assert codes(sent(world, "aigul", "bank", "1500000.00")) == ()
    assert (has(world, "aigul"), has(world, "aigul", DEPOSIT)) == (0, 0)


def test_a_link_without_reverse_gives_nothing(world: World) -> None:
    link(world, "aigul", reverse=False)

    assert codes(sent(world, "aigul", "bank", "1000000.01")) == (Code.FUNDS,)


def test_a_bank_without_tenge_gives_nothing(world: World) -> None:
    link(world, "aigul")
    world.do("nbk", "redeem/1", from_=world.accounts["bank", "KZTD"], amount="98000000.00")

    assert has(world, "bank") == 0
    assert codes(sent(world, "aigul", "cafe", "1000000.01")) == (Code.HOLDING_MAX, Code.FUNDS)
    assert codes(sent(world, "aigul", "bank", "1000000.01")) == (Code.FUNDS,)


def test_giving_back_a_deposit_takes_nothing_from_it(world: World) -> None:
    link(world, "aigul")

    answer = world.offer(
        world.sign("aigul", "defund/1", **converting(world, "aigul", "1000001.00"))
    )

    assert codes(answer) == (Code.FUNDS,)


def test_without_limits_in_force_links_rest(world: World) -> None:
    linked("aigul")(world)
    linked("cafe")(world)
    world.do("nbk", "pack/1", text=pack_text() + "# no limits\n")

    assert codes(sent(world, "aigul", "cafe", "1000000.01")) == (Code.FUNDS,)
    assert codes(sent(world, "aigul", "cafe", "9000.00")) == ()
    assert has(world, "cafe") == 900_000


def test_a_link_that_ended_rests_and_may_come_again(world: World) -> None:
    linked("cafe")(world)
    wallet = world.accounts["cafe", "KZTD"]
    world.do("bank", "unlink/1", wallet=wallet)
    assert codes(sent(world, "aigul", "cafe", "2000.01")) == (Code.HOLDING_MAX,)

    link(world, "cafe")

    assert codes(sent(world, "aigul", "cafe", "2000.01")) == ()


def sweep_of(world: World, name: str = "cafe") -> Object:
    found: Object = world.door.load(("object", "sweep", unb64(world.accounts[name, "KZTD"], 16)))
    return found


def midnight_comes(world: World, at: int = 0) -> None:
    """What the writer appends at this time."""
    due = sweep_of(world).due
    assert due is not None
    world.door.at = at or due
    world.do("operator", "expire/1", type="sweep", key=world.accounts["cafe", "KZTD"], due=due)


def swept(world: World) -> None:
    linked("cafe")(world)
    world.do("cafe", "sweep/1", wallet=world.accounts["cafe", "KZTD"], on=True)


def test_a_sweep_empties_the_wallet_at_midnight_and_again_the_next(world: World) -> None:
    swept(world)
    sent(world, "aigul", "cafe", "1500.00")
    assert sweep_of(world).due == next_midnight(MORNING) == MORNING + 14 * HOUR

    midnight_comes(world)

    assert (has(world, "cafe"), has(world, "cafe", DEPOSIT)) == (0, 50_150_000)
    assert purposes(world) == ["sweep", "issue"]
    assert sweep_of(world).due == MORNING + 14 * HOUR + DAY
    sent(world, "aigul", "cafe", "10.00")
    midnight_comes(world)
    assert has(world, "cafe", DEPOSIT) == 50_151_000
    supply_holds(world)


def test_a_clock_that_jumped_a_week_sweeps_once(world: World) -> None:
    swept(world)
    sent(world, "aigul", "cafe", "1500.00")

    midnight_comes(world, MORNING + 7 * DAY)

    assert has(world, "cafe", DEPOSIT) == 50_150_000
    assert sweep_of(world).due == MORNING + 7 * DAY + 14 * HOUR


def test_an_empty_or_shut_wallet_waits_for_another_night(world: World) -> None:
    swept(world)
    midnight_comes(world)
    assert world.door.plans[-1].movements == ()
    sent(world, "aigul", "cafe", "1500.00")
    _shut(world, "cafe", DEPOSIT)
    midnight_comes(world)
    assert (has(world, "cafe"), has(world, "cafe", DEPOSIT)) == (150_000, 50_000_000)
    assert sweep_of(world).status == "on"


def test_a_sweep_ends_when_it_is_switched_off_or_the_link_ends(world: World) -> None:
    swept(world)
    wallet = world.accounts["cafe", "KZTD"]
    world.do("bank", "sweep/1", wallet=wallet, on=False)
    assert (sweep_of(world).status, sweep_of(world).due) == ("off", None)
    world.do("cafe", "sweep/1", wallet=wallet, on=True)

    world.do("bank", "unlink/1", wallet=wallet)

    assert (sweep_of(world).status, sweep_of(world).due) == ("off", None)


def test_a_sweep_never_fails_for_a_deposit_that_can_hold_no_more(world: World) -> None:
    swept(world)
    sent(world, "aigul", "cafe", "1500.00")
    need = ("counter", counters.ISSUED, 0, DEPOSIT.encode(), "")
    world.door.load(need)
    world.door.state.values[need] = 2**63 - 1 - 149_999

    midnight_comes(world)

    assert (has(world, "cafe"), sweep_of(world).status) == (150_000, "on")


@pytest.mark.parametrize("limit", ["1", "-1.00", "x", ""])
def test_limits_are_written_like_money(limit: str) -> None:
    from ledger.errors import Malformed
    from ledger.rules.pack import read_pack

    with pytest.raises(Malformed) as refused:
        read_pack(limited(limit))

    assert refused.value.code == "pack.parameters"


def test_limits_go_by_role_and_tier(world: World) -> None:
    tiers = ("1.00", "2.00", "3.00", "4.00")
    limits = holding_max.Parameters(tiers, ("9.00",) * 4)
    rows = LIMITS.replace('"{person}", "{person}", "{person}", "{person}"', str(list(tiers))[1:-1])
    world.do("nbk", "pack/1", text=pack_text() + rows.format(merchant="9.00"))

    for tier, text in enumerate(tiers):
        world.do("bank", "tier/1", party=world.parties["aigul"], tier=tier)
        answer = sent(world, "daniyar", "aigul", "1.00")
        assert isinstance(answer, Declined)
        assert answer.reasons[0].params["limit"] == text
    assert limits.person[3] == "4.00"


def _shut(world: World, name: str, asset: str) -> None:
    import msgspec

    need = ("account", unb64(world.accounts[name, asset], 16))
    held = world.door.load(need)
    world.door.state.values[need] = msgspec.structs.replace(held, status="closed")


def test_money_that_returns_from_a_reserve_is_never_refused(world: World) -> None:
    """Of the holdings of a plan: what comes back to its owner does not count."""
    from msgspec import structs

    from ledger.core.account import AccountKind

    sent(world, "aigul", "cafe", "2000.00")
    movement = world.door.plans[-1].movements[0]
    reserve = structs.replace(movement.target, id=b"r" * 16, kind=AccountKind.HOLD, balance=50_000)
    wallet = structs.replace(movement.target, balance=200_000)
    back = structs.replace(
        movement, source=reserve, source_party=movement.target_party, target=wallet, amount=50_000
    )

    (holding,) = holding_max.holdings([back]).values()
    assert (holding.before, holding.after, holding.received) == (200_000, 200_000, 0)
    paid = structs.replace(movement, target=wallet, amount=1)
    (holding,) = holding_max.holdings([back, paid]).values()
    assert (holding.after, holding.received) == (200_001, 1)


def test_a_hold_takes_from_the_deposit_and_a_capture_flows_on(world: World) -> None:
    linked("aigul")(world)
    linked("cafe")(world)

    id = hold(world, "1000300.00")
    assert purposes(world)[:2] == ["redeem", "reverse_waterfall"]
    assert (has(world, "aigul"), has(world, "aigul", DEPOSIT)) == (0, 49_970_000)
    capture(world, id, "2500.00")

    assert (has(world, "cafe"), has(world, "cafe", DEPOSIT)) == (200_000, 50_050_000)
    supply_holds(world)


def test_what_is_left_of_a_hold_comes_back_above_any_limit(world: World) -> None:
    id = hold(world, "5.00")
    assert codes(sent(world, "daniyar", "aigul", "5.00")) == ()
    world.do("nbk", "pack/1", text=limited("1.00"))

    expire(world, id)

    assert has(world, "aigul") == 100_000_500


def test_a_payee_may_void_above_the_limit_too(world: World) -> None:
    id = hold(world, "5.00")
    assert codes(sent(world, "daniyar", "aigul", "5.00")) == ()

    world.do("cafe", "void/1", hold=id)

    assert has(world, "aigul") == 100_000_500


def test_each_payee_of_a_split_has_a_limit_of_its_own(world: World) -> None:
    linked("cafe")(world)
    shares = shares_of(world, ("cafe", "2001.00"), ("market", "2000.00"))
    members = {"from_": world.accounts["aigul", "KZTD"], "amount": "4001.00", "shares": shares}
    world.do("aigul", "split/1", **members)
    assert purposes(world) == ["split", "split", "waterfall", "issue"]

    answer = world.offer(world.sign("aigul", "split/1", **members))

    assert codes(answer) == (Code.HOLDING_MAX,)
    assert isinstance(answer, Declined)
    assert answer.reasons[0].params["left"] == "0.00"


def test_a_forced_debit_takes_nothing_from_a_deposit(world: World) -> None:
    linked("aigul")(world)

    answer = world.offer(
        world.sign("afsa", "forced_debit/1", from_=world.accounts["aigul", "KZTD"],
                   to=world.accounts["bank", "KZTD"], amount="1000000.01", order="A-1")
    )  # fmt: skip

    assert codes(answer) == (Code.FUNDS,)


@pytest.mark.parametrize("amount", ["2500.00", "1000300.00"])
def test_all_that_flows_is_known_to_be_needed(world: World, amount: str) -> None:
    """Four rounds of what a payment is known to need load all that its waterfalls read."""
    linked("aigul")(world)
    linked("cafe")(world)
    signed = world.sign("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
                        to=world.accounts["cafe", "KZTD"], amount=amount)  # fmt: skip
    tx = read(signed.encode())
    values = {
        need: value for need, value in world.door.state.values.items()
        if need[0] in ("object", "lookup") and need[1] in REFERENCE_TYPES
    }  # fmt: skip
    known = Known(values)
    for _ in range(ROUNDS_MAX):
        for need in list(needs(tx, known, world.door.at)):
            values[need] = world.door.load(need)

    assert isinstance(decide(tx, known, world.door.at, world.door.id), Accepted)
