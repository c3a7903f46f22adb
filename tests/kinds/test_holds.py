"""Holds: whose the money is at each moment, what captures leave behind, what caps make of it."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.core import counters
from ledger.core.account import Account
from ledger.core.decision import Code
from ledger.core.hold import Hold, worth
from ledger.core.ids import unb64
from ledger.core.objects import Object
from ledger.rules.rule import was_judged
from tests.builders import DAY, HOUR, World, request_id
from tests.kinds.families.holds import capture, expire, held, hold, hold_request
from tests.kinds.pure import MORNING, fork
from tests.rules.till import Sale, codes, sale_world

C = Code
UNITS = 2_484_353
"""1,290.00 tenge in tUSDT."""


@pytest.fixture(scope="module")
def base() -> World:
    return sale_world()


def account(world: World, id: str) -> Account:
    found: Account = world.door.load(("account", unb64(id, 16)))
    return found


def has(world: World, name: str, asset: str = "KZTD") -> int:
    return account(world, world.accounts[name, asset]).balance


def payment(world: World, request: str) -> Object:
    found: Object = world.door.load(("object", "payment", unb64(request_id(request), 16)))
    return found


def counted(world: World, measure: str, subject: str, at: int = MORNING) -> int:
    need = ("counter", measure, counters.local_day(at), unb64(subject, 16), "")
    found: int = world.door.load(need)
    return found


def tendered(world: World, at: int = MORNING) -> tuple[int, int]:
    """What counts for the day of aigul, and of the zone."""
    return (counted(world, counters.TENDER_DAY, world.parties["aigul"], at),
            counted(world, counters.ZONE_DAY, world.zone, at))  # fmt: skip


def listed(world: World, name: str, asset: str = "KZTD") -> tuple[bytes, ...]:
    found: tuple[bytes, ...] = world.door.load(
        ("lookup", "hold", "open", unb64(world.accounts[name, asset], 16))
    )
    return found


def try_capture(world: World, id: str, amount: str, **members: Any) -> tuple[Code, ...]:
    jws = world.sign("cafe", "capture/1", hold=id, amount=amount, **{"last": False} | members)
    return codes(world.offer(jws))


def test_held_money_is_the_payers_and_of_no_use_to_it(base):
    world = fork(base)
    before = has(world, "aigul")

    id = hold(world, "1290.00")

    reserve = account(world, id)
    assert has(world, "aigul") == before - 129_000
    assert (reserve.kind, reserve.balance, reserve.status) == ("hold", 129_000, "open")
    assert reserve.owner == unb64(world.parties["aigul"], 16)
    jws = world.sign("aigul", "transfer/1", from_=id, to=world.accounts["daniyar", "KZTD"],
                     amount="1.00")  # fmt: skip
    assert codes(world.offer(jws)) == (C.ACCOUNT_KIND,)
    jws = world.sign("daniyar", "transfer/1", from_=world.accounts["daniyar", "KZTD"], to=id,
                     amount="1.00")  # fmt: skip
    assert codes(world.offer(jws)) == (C.ACCOUNT_KIND,)


def test_it_is_captured_in_parts_and_the_last_gives_back_the_rest(base):
    world = fork(base)
    payer, payee = has(world, "aigul"), has(world, "cafe")
    id = hold(world, "1290.00")

    capture(world, id, "90.00")
    capture(world, id, "200.00")
    assert (has(world, "cafe") - payee, account(world, id).balance) == (29_000, 100_000)
    assert held(world, id).status == "open"
    capture(world, id, "300.00", last=True)

    assert (has(world, "cafe") - payee, payer - has(world, "aigul")) == (59_000, 59_000)
    assert [len(plan.movements) for plan in world.door.plans[-3:]] == [1, 1, 2]
    over = held(world, id)
    assert (over.status, over.due, over.body.captured) == ("captured", None, 59_000)
    assert (account(world, id).balance, account(world, id).status) == (0, "closed")


def test_all_of_it_taken_is_the_last(base):
    world = fork(base)
    id = hold(world, "1290.00")

    capture(world, id, "1290.00")

    assert held(world, id).status == "captured"
    assert try_capture(world, id, "0.01") == (C.STATUS_CONFLICT,)


def test_never_more_than_is_held(base):
    world = fork(base)
    id = hold(world, "1290.00")

    capture(world, id, "1000.00")
    answer = world.offer(world.sign("cafe", "capture/1", hold=id, amount="290.01", last=True))

    assert codes(answer) == (C.CAPTURE_TOO_MUCH,)
    assert answer.reasons[0].params == {"amount": "290.01", "left": "290.00"}
    assert try_capture(world, id, "290.00") == ()


def test_what_is_let_go_of_goes_back_whole_or_in_part(base):
    world = fork(base)
    before = has(world, "aigul")
    id, part = hold(world, "100.00"), hold(world, "50.00")
    capture(world, part, "20.00")

    for each in (id, part):
        world.do("cafe", "void/1", hold=each)
        assert (held(world, each).status, account(world, each).balance) == ("void", 0)

    assert has(world, "aigul") == before - 2_000


def test_its_end_gives_back_what_is_left(base):
    world = fork(base)
    before = has(world, "aigul")
    id = hold(world, "100.00", ahead=HOUR)
    capture(world, id, "20.00")

    world.door.at += HOUR - 1
    assert try_capture(world, id, "1.00") == ()
    expire(world, id)

    assert (held(world, id).status, held(world, id).due) == ("expired", None)
    assert has(world, "aigul") == before - 2_100
    assert try_capture(world, id, "1.00") == (C.STATUS_CONFLICT,)


def test_it_ends_also_where_the_payer_can_take_nothing_and_no_rule_is_in_force(base):
    world = fork(base)
    id = hold(world, "100.00", ahead=HOUR)
    world.do("nbk", "pack/1", text='format = 1\nname = "empty"\n')
    assert try_capture(world, id, "1.00") == (C.PACK_EMPTY,)

    expire(world, id)

    assert account(world, id).balance == 0


def test_open_holds_are_listed_by_payer_and_payee(base):
    world = fork(base)
    ids = [hold(world, "1.00"), hold(world, "2.00"), hold(world, "3.00", payer="daniyar")]
    keys = sorted(unb64(id, 16) for id in ids)

    assert listed(world, "cafe") == tuple(keys)
    assert listed(world, "aigul") == tuple(sorted(unb64(id, 16) for id in ids[:2]))
    capture(world, ids[0], "1.00")
    world.do("cafe", "void/1", hold=ids[2])
    assert listed(world, "cafe") == (unb64(ids[1], 16),)
    assert listed(world, "daniyar") == ()


def test_crypto_is_held_between_people(base):
    world = fork(base)

    id = hold(world, "5.000000", payee="daniyar", asset="tUSDT")
    capture(world, id, "2.000000", payee="daniyar")
    expire(world, id)

    payer, payee = (world.accounts[name, "tUSDT"] for name in ("aigul", "daniyar"))
    assert held(world, id).body == Hold(payer, payee, 5_000_000, 2_000_000)


# At a till ---------------------------------------------------------------------------------------


def test_captures_at_a_till_make_a_payment_that_grows(base):
    world = fork(base)
    request = Sale().request(world)
    id = hold_request(world, request)
    assert (payment(world, request).status, payment(world, request).body.amount) == ("held", 0)
    facts = world.door.plans[-1].facts
    assert (facts["hold"], facts["payment"], facts["value"], facts["zone"]) == (
        id, request_id(request), "129000", world.zone,
    )  # fmt: skip

    values = []
    for amount in ("1.000000", "1.000000", "0.484353"):
        capture(world, id, amount)
        values.append(int(world.door.plans[-1].facts["value"]))
        assert world.door.plans[-1].facts["payment"] == request_id(request)
    first = world.door.entries[-3].index

    paid = payment(world, request)
    assert values == [51_924, 51_925, 25_151]
    assert (paid.status, paid.body.amount, paid.body.value) == ("paid", UNITS, 129_000)
    assert paid.body.index == first


def test_what_was_captured_is_refunded_and_no_more(base):
    world = fork(base)
    request = Sale().request(world)
    id = hold_request(world, request)

    def give_back(amount: str, asset: str = "tUSDT") -> tuple[Code, ...]:
        jws = world.sign("cafe", "refund/1", payment=request_id(request), amount=amount,
                         from_=world.accounts["cafe", asset],
                         to=world.accounts["aigul", asset])  # fmt: skip
        return codes(world.offer(jws))

    assert give_back("1.000000") == (C.STATUS_CONFLICT,)
    capture(world, id, "1.000000")
    assert give_back("1.000001") == (C.REFUND_TOO_MUCH,)
    assert give_back("1.000000") == ()
    assert payment(world, request).status == "refunded"
    capture(world, id, "0.500000", last=True)
    assert payment(world, request).status == "paid"
    assert give_back("0.500001") == (C.REFUND_TOO_MUCH,)
    assert give_back("259.63", "KZTD") == (C.REFUND_TOO_MUCH,)
    assert give_back("259.62", "KZTD") == ()
    assert give_back("0.500000") == (C.REFUND_TOO_MUCH,)


def test_a_zone_suspended_meanwhile_lets_the_capture_through_and_no_new_hold(base):
    world = fork(base)
    id = hold_request(world, Sale().request(world))
    before = has(world, "cafe", "tUSDT")

    world.do("afsa", "zone_suspend/1", zone=world.zone)
    world.do("afsa", "permit_revoke/1", permit=world.permit)
    capture(world, id, "2.000000")

    assert has(world, "cafe", "tUSDT") == before + 2_000_000
    jws = world.sign("aigul", "hold_request/1", from_=world.accounts["aigul", "tUSDT"],
                     request=Sale().request(world), ends_at=world.door.time() + DAY)  # fmt: skip
    assert codes(world.offer(jws)) == (C.ZONE_NOT_ACTIVE, C.PERMIT_NOT_VALID)


def test_a_request_is_held_or_paid_once(base):
    world = fork(base)
    request = Sale().request(world)
    id = hold_request(world, request)

    assert codes(world.pay("daniyar", "tUSDT", request)) == (C.REQUEST_PAID,)
    world.do("cafe", "void/1", hold=id)
    assert payment(world, request).status == "void"
    assert codes(world.pay("aigul", "tUSDT", request)) == (C.REQUEST_PAID,)


def test_a_reusable_request_is_held_by_many(base):
    world = fork(base)
    request = Sale(total="10.00").request(world, reusable=True)
    before = has(world, "cafe", "tUSDT")

    for payer in ("aigul", "guest"):
        id = hold_request(world, request, payer=payer)
        capture(world, id, "0.010000", last=True)

    assert has(world, "cafe", "tUSDT") == before + 20_000


def test_the_day_counts_what_is_held_and_gives_back_what_is_let_go_of(base):
    world = fork(base)
    before = tendered(world)

    def since() -> tuple[int, int]:
        now = tendered(world)
        return now[0] - before[0], now[1] - before[1]

    id = hold_request(world, Sale().request(world))
    assert since() == (129_000, 129_000)
    capture(world, id, "1.000000")
    assert since() == (129_000, 129_000)
    world.do("cafe", "void/1", hold=id)
    assert since() == (51_924, 51_924)
    other = hold_request(world, Sale().request(world))
    capture(world, other, "1.000000", last=True)
    assert since() == (2 * 51_924, 2 * 51_924)


def test_the_day_it_was_held_on_gets_it_back_however_late(base):
    world = fork(base)
    before = tendered(world)
    id = hold_request(world, Sale().request(world), ahead=3 * DAY)
    tomorrow = tendered(world, MORNING + 3 * DAY)

    expire(world, id)

    assert tendered(world) == before
    assert tendered(world, MORNING + 3 * DAY) == tomorrow


def test_caps_bind_holds_and_are_free_again_after(base):
    world = fork(base)
    sale = Sale(total="500000.00")
    first = hold_request(world, sale.request(world))
    hold_request(world, sale.request(world))

    assert codes(world.pay("aigul", "tUSDT", Sale().request(world))) == (C.CAP_DAY,)
    world.do("cafe", "void/1", hold=first)
    assert codes(world.pay("aigul", "tUSDT", sale.request(world))) == ()


def test_tenge_at_a_till_is_held_and_counts_for_no_cap(base):
    world = fork(base)
    before = tendered(world)
    request = Sale(asset="KZTD", till="till-market").request(world)

    id = hold_request(world, request, asset="KZTD")
    capture(world, id, "290.00", payee="market", last=True)

    assert tendered(world) == before
    assert payment(world, request).body.value == 29_000


def test_captured_money_counts_as_paid_on_the_day_of_the_capture(base):
    world = fork(base)
    need = ("counter", counters.OUT_DAY, counters.local_day(MORNING),
            unb64(world.parties["aigul"], 16), "stablecoin")  # fmt: skip
    before = world.door.load(need)

    id = hold_request(world, Sale().request(world))
    assert world.door.load(need) == before
    capture(world, id, "1.000000", last=True)
    assert world.door.load(need) == before + 51_924


def test_money_off_a_hold_was_judged_and_none_of_it_is_a_tender_again(base):
    world = fork(base)
    id = hold_request(world, Sale().request(world))

    capture(world, id, "1.000000", last=True)

    taken, back = world.door.plans[-1].movements
    assert was_judged(taken, world.door.state)
    assert was_judged(back, world.door.state)
    assert (taken.place, taken.value, back.value) == (None, 51_924, 77_076)


@pytest.mark.parametrize("parts", [(1, 2, 3), (2_484_352, 1), (828_117,) * 3])
def test_the_parts_are_worth_the_whole(parts):
    body = Hold("", "", sum(parts), 0, 129_000)
    taken, values = 0, []
    for part in parts:
        values.append(worth(body, taken + part) - worth(body, taken))
        taken += part

    assert sum(values) == 129_000
    assert min(values) >= 0
