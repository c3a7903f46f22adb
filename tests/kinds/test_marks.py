"""Marked money: what each kind does with it, and that it goes nowhere else. After every test each
mark accounts for all that was ever allocated to it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from ledger.core import counters
from ledger.core.account import Account
from ledger.core.decision import Code
from ledger.core.ids import ID_BYTES, b64, unb64
from ledger.core.mark import MarkPolicy
from ledger.core.objects import Object, body_of
from ledger.kinds.pay_mixed import part_key
from ledger.writer.answers import Answer, Declined, Taken
from tests.builders import DAY, HOUR, World, derived, pack_text, request_id
from tests.kinds.families import aliases, asks, consents, deposits
from tests.kinds.families.approvals import SECOND, propose, second_key
from tests.kinds.families.freeze import freeze
from tests.kinds.families.marks import (
    GROCERS,
    SERVED,
    a_request,
    allocate,
    an_event,
    expire,
    mark,
    marked,
    ministry,
    parts,
)
from tests.kinds.pure import fork, pure_world
from tests.kinds.test_deposits import limited
from tests.rules.till import codes

C = Code


@pytest.fixture(scope="module")
def base() -> World:
    """A ministry with half a million; Aigul has 1,000.00 of it for groceries, which the market
    sells; the café supplies."""
    world = pure_world()
    ministry(world)
    world.do("bank", "categories/1", merchant=world.parties["market"], codes=[GROCERS])
    world.food = mark(world)
    world.voucher = marked(world, world.food, "aigul", "1000.00")
    world.supply = marked(world, world.food, "cafe", supplier=True)
    return world


@pytest.fixture
def world(base: World) -> Iterator[World]:
    twin = fork(base)
    yield twin
    accounted_for(twin)


def kept(world: World, type: str) -> dict[Any, Any]:
    """All that the state holds of one type of need."""
    values = world.door.state.values.items()
    return {need: value for need, value in values if need[0] == type and value is not None}


def counted(world: World, measure: str, mark: str, part: str = "") -> int:
    found: int = world.door.load(("counter", measure, 0, unb64(mark, ID_BYTES), part))
    return found


def sums(world: World, mark: str) -> tuple[int, int, int]:
    """Allocated, paid, returned."""
    names = (counters.MARK_ALLOCATED, counters.MARK_PAID, counters.MARK_RETURNED)
    allocated, paid, returned = (counted(world, name, mark) for name in names)
    return allocated, paid, returned


def accounted_for(world: World) -> None:
    """Every mark: allocated = paid + on its accounts + returned + what its children have of it."""
    policies: dict[str, MarkPolicy] = {
        b64(value.key): body_of(value, MarkPolicy)
        for value in kept(world, "object").values()
        if value.type == "mark"
    }
    accounts: dict[bytes, Account] = {one.id: one for one in kept(world, "account").values()}
    for id in policies:
        allocated, paid, returned = sums(world, id)
        stands = sum(one.balance for one in accounts.values() if one.mark == id)
        below = 0
        for child, policy in policies.items():
            if accounts[unb64(policy.budget, ID_BYTES)].mark == id:
                given, _, back = sums(world, child)
                below += given - back
        assert allocated == paid + stands + returned + below, id


def balance(world: World, account: str) -> int:
    found: Account = world.door.load(("account", unb64(account, ID_BYTES)))
    return found.balance


def own(world: World, name: str) -> str:
    return world.accounts[name, "KZTD"]


def send(world: World, signer: str, from_: str, to: str, amount: str) -> Answer:
    return world.offer(world.sign(signer, "transfer/1", from_=from_, to=to, amount=amount))


def give_back(world: World, signer: str, payment: str, from_: str, to: str, amount: str) -> Answer:
    return world.offer(
        world.sign(signer, "refund/1", payment=payment, from_=from_, to=to, amount=amount)
    )


def end(world: World, mark: str, *accounts: str) -> None:
    """Let the mark's time come, with all its accounts'."""
    expire(world, "mark", mark)
    for account in accounts:
        expire(world, "marked", account)


def reason(answer: Answer) -> Any:
    assert isinstance(answer, Declined), answer
    return answer.reasons[0]


# Where the money goes -----------------------------------------------------------------------------


def test_money_takes_on_its_mark_and_loses_it_at_a_final_payee(world: World) -> None:
    before = balance(world, own(world, "market"))

    assert codes(send(world, "aigul", world.voucher, own(world, "market"), "100.00")) == ()

    assert balance(world, world.voucher) == 900_00
    assert balance(world, own(world, "market")) == before + 100_00
    assert sums(world, world.food) == (1000_00, 100_00, 0)


@pytest.mark.parametrize("name", ["daniyar", "aigul", "cafe", "bank", "nbk", "exchange"])
def test_it_pays_nobody_whom_the_policy_does_not_name(world: World, name: str) -> None:
    if name == "nbk":
        world.open("nbk", "nbk", "KZTD")

    answer = send(world, "aigul", world.voucher, own(world, name), "1.00")

    assert codes(answer) == (C.MARK_PAYEE,)


def test_it_goes_through_two_suppliers_to_the_last(world: World) -> None:
    second = marked(world, world.food, "daniyar", supplier=True)

    assert codes(send(world, "aigul", world.voucher, world.supply, "300.00")) == ()
    assert codes(send(world, "cafe", world.supply, own(world, "cafe"), "1.00")) == (C.MARK_PAYEE,)
    assert codes(send(world, "cafe", world.supply, second, "200.00")) == ()
    assert codes(send(world, "daniyar", second, own(world, "daniyar"), "1.00")) == (C.MARK_PAYEE,)
    assert codes(send(world, "daniyar", second, own(world, "market"), "150.00")) == ()

    assert sums(world, world.food) == (1000_00, 150_00, 0)
    assert [balance(world, id) for id in (world.voucher, world.supply, second)] == [
        700_00, 100_00, 50_00,
    ]  # fmt: skip


def test_a_holder_is_no_supplier(world: World) -> None:
    other = marked(world, world.food, "daniyar")

    assert codes(send(world, "aigul", world.voucher, other, "1.00")) == (C.MARK_PAYEE,)


def test_two_marks_do_not_mix(world: World) -> None:
    other = marked(world, mark(world), "cafe", supplier=True)

    assert codes(send(world, "aigul", world.voucher, other, "1.00")) == (C.MARK_BOUND,)


def test_ordinary_money_does_not_become_marked(world: World) -> None:
    for signer in ("daniyar", "aigul", "ministry", "bank"):
        answer = send(world, signer, own(world, signer), world.voucher, "1.00")
        assert codes(answer) == (C.MARK_BOUND,), signer
    held = world.sign("daniyar", "hold/1", from_=own(world, "daniyar"), to=world.voucher,
                      amount="1.00", ends_at=world.door.time() + DAY)  # fmt: skip
    assert codes(world.offer(held)) == (C.MARK_BOUND,)


def test_a_policy_without_payees_has_none(world: World) -> None:
    nobodys = marked(world, mark(world, categories=[]), "aigul", "10.00")

    assert codes(send(world, "aigul", nobodys, own(world, "market"), "1.00")) == (C.MARK_PAYEE,)


def test_payees_by_name_role_and_category(world: World) -> None:
    named = marked(
        world, mark(world, categories=[], payees=[world.parties["daniyar"]]), "aigul", "10.00"
    )
    shops = marked(world, mark(world, categories=[], roles=["merchant"]), "aigul", "10.00")
    both = marked(world, mark(world, roles=["merchant"]), "aigul", "10.00")
    paid = {
        name: [codes(send(world, "aigul", account, own(world, name), "1.00")) == ()
               for account in (named, shops, both)]
        for name in ("daniyar", "market", "cafe", "bank")
    }  # fmt: skip

    assert paid == {
        "daniyar": [True, False, False], "market": [False, True, True],
        "cafe": [False, True, False], "bank": [False, False, False],
    }  # fmt: skip


def test_what_a_merchant_no_longer_sells_it_is_not_paid_for(world: World) -> None:
    world.do("bank", "categories/1", merchant=world.parties["market"], codes=["5812"])

    assert codes(send(world, "aigul", world.voucher, own(world, "market"), "1.00")) == (
        C.MARK_PAYEE,
    )


# Children -----------------------------------------------------------------------------------------


def a_child(world: World, days: int = 20, **changes: Any) -> tuple[str, str]:
    """The café, with 500.00 of Aigul's, begins a mark of its own; Daniyar has 200.00 of that."""
    assert codes(send(world, "aigul", world.voucher, world.supply, "500.00")) == ()
    child = mark(world, "cafe", world.supply, valid_until=world.door.time() + days * DAY, **changes)
    account = marked(world, child, "daniyar", "200.00", signer="cafe", budget=world.supply)
    return child, account


def test_a_child_pays_whom_all_above_admit(world: World) -> None:
    child, account = a_child(world, categories=[], payees=[world.parties["market"],
                                                           world.parties["daniyar"]])  # fmt: skip

    assert codes(send(world, "daniyar", account, own(world, "market"), "50.00")) == ()
    assert codes(send(world, "daniyar", account, own(world, "daniyar"), "1.00")) == (C.MARK_PAYEE,)

    assert sums(world, child) == (200_00, 50_00, 0)
    assert sums(world, world.food) == (1000_00, 0, 0)


def test_a_grandchild_is_bound_by_all_three(world: World) -> None:
    """The middle one admits nobody, so nobody is paid below it."""
    child, _ = a_child(world, categories=["5812"])
    middle = marked(world, child, "daniyar", "100.00", supplier=True, signer="cafe",
                    budget=world.supply)  # fmt: skip
    below = mark(world, "daniyar", middle, valid_until=world.door.time() + 10 * DAY)
    last = marked(world, below, "guest" if "guest" in world.parties else "aigul", "60.00",
                  signer="daniyar", budget=middle)  # fmt: skip

    assert codes(send(world, "aigul", last, own(world, "market"), "1.00")) == (C.MARK_PAYEE,)
    world.do("bank", "categories/1", merchant=world.parties["market"], codes=[GROCERS, "5812"])
    assert codes(send(world, "aigul", last, own(world, "market"), "25.00")) == ()

    assert sums(world, below) == (60_00, 25_00, 0)


def test_money_of_a_child_does_not_go_to_its_parents_suppliers(world: World) -> None:
    _, account = a_child(world)
    other = marked(world, world.food, "daniyar", supplier=True)

    assert codes(send(world, "daniyar", account, other, "1.00")) == (C.MARK_BOUND,)
    assert codes(send(world, "daniyar", account, world.voucher, "1.00")) == (C.MARK_BOUND,)


def test_at_its_end_a_child_returns_to_its_parent_and_that_to_the_budget(world: World) -> None:
    child, account = a_child(world)
    before = balance(world, own(world, "ministry"))

    end(world, child, account)
    assert balance(world, world.supply) == 500_00
    assert sums(world, child) == (200_00, 0, 200_00)
    end(world, world.food, world.voucher, world.supply)

    assert balance(world, own(world, "ministry")) == before + 1000_00
    assert sums(world, world.food) == (1000_00, 0, 1000_00)


def test_a_childs_cap_counts_for_its_parent_too(world: World) -> None:
    capped = mark(world, payee_max="100.00")
    supply = marked(world, capped, "cafe", "300.00", supplier=True)
    holder = marked(world, capped, "aigul", "100.00")
    child = mark(world, "cafe", supply, valid_until=world.door.time() + DAY)
    below = marked(world, child, "daniyar", "100.00", signer="cafe", budget=supply)

    assert codes(send(world, "daniyar", below, own(world, "market"), "80.00")) == ()
    answer = send(world, "aigul", holder, own(world, "market"), "20.01")

    assert codes(answer) == (C.MARK_PAYEE_MAX,)
    assert reason(answer).params["left"] == "20.00"
    assert codes(send(world, "aigul", holder, own(world, "market"), "20.00")) == ()


# Caps, conditions, goods --------------------------------------------------------------------------


def test_one_payee_has_at_most_so_much(world: World) -> None:
    account = marked(world, mark(world, payee_max="100.00"), "aigul", "500.00")

    assert codes(send(world, "aigul", account, own(world, "market"), "60.00")) == ()
    assert codes(send(world, "aigul", account, own(world, "market"), "40.01")) == (
        C.MARK_PAYEE_MAX,
    )
    assert codes(send(world, "aigul", account, own(world, "market"), "40.00")) == ()


def test_a_split_counts_for_the_cap_as_a_whole(world: World) -> None:
    world.open("bank", "market", "KZTD")  # a second account of the market's
    second = own(world, "market")
    account = marked(world, mark(world, payee_max="100.00"), "aigul", "500.00")
    world.open("bank", "market", "KZTD")
    shares = [{"to": to, "amount": "60.00"} for to in (second, own(world, "market"))]

    answer = world.offer(
        world.sign("aigul", "split/1", from_=account, amount="120.00", shares=shares)
    )

    assert codes(answer) == (C.MARK_PAYEE_MAX,)


def test_nothing_is_paid_before_the_oracle_has_confirmed_it(world: World) -> None:
    tied = mark(world, conditions=[{"oracle": world.parties["afsa"], "event": SERVED}])
    account = marked(world, tied, "aigul", "500.00")
    answer = send(world, "aigul", account, own(world, "market"), "0.01")
    assert codes(answer) == (C.MARK_CONDITION,)
    assert reason(answer).params == {"mark": tied, "event": SERVED, "left": "0.00"}

    for amount in ("15.00", "5.00"):
        world.do("daniyar", "confirm/1", event=an_event(world, tied, amount=amount))

    assert codes(send(world, "aigul", account, own(world, "market"), "20.01")) == (
        C.MARK_CONDITION,
    )
    assert codes(send(world, "aigul", account, own(world, "market"), "20.00")) == ()


def test_an_event_for_one_payee_pays_no_other(world: World) -> None:
    named = [world.parties[name] for name in ("market", "cafe")]
    tied = mark(world, conditions=[{"oracle": world.parties["afsa"], "event": SERVED}],
                payees=named, categories=[])  # fmt: skip
    account = marked(world, tied, "aigul", "500.00")
    world.do("cafe", "confirm/1", event=an_event(world, tied, "cafe"))

    assert codes(send(world, "aigul", account, own(world, "market"), "1.00")) == (C.MARK_CONDITION,)
    assert codes(send(world, "aigul", account, own(world, "cafe"), "1.00")) == ()


def test_all_that_is_wrong_is_told_at_once(world: World) -> None:
    tied = mark(world, conditions=[{"oracle": world.parties["afsa"], "event": SERVED}],
                payee_max="1.00", goods=["FOOD"])  # fmt: skip
    account = marked(world, tied, "aigul", "500.00")

    assert codes(send(world, "aigul", account, own(world, "daniyar"), "2.00")) == (
        C.MARK_PAYEE, C.MARK_GOODS, C.MARK_CONDITION, C.MARK_PAYEE_MAX,
    )  # fmt: skip


@pytest.fixture
def card(world: World) -> str:
    """Aigul's 1,000.00 for food alone."""
    return marked(world, mark(world, goods=["FOOD"]), "aigul", "1000.00")


def test_a_voucher_pays_its_goods_and_ordinary_tenge_the_rest(world: World, card: str) -> None:
    request = a_request(world, "100.00", "50.00")
    purse = own(world, "aigul")
    before = balance(world, purse)
    over = world.offer(world.sign("aigul", "pay/1", from_=card, request=request))
    assert codes(over) == (C.MARK_GOODS,)
    assert reason(over).params["eligible"] == "100.00"

    world.do("aigul", "pay_mixed/1", request=request,
             parts=parts(world, (card, "100.00"), (purse, "50.00")))  # fmt: skip

    assert (balance(world, card), balance(world, purse)) == (900_00, before - 50_00)


def test_a_voucher_pays_alone_where_all_of_it_is_its_goods(world: World, card: str) -> None:
    lines = [{"code": "FOOD", "amount": "70.00"}, {"code": "FOOD", "amount": "30.00"}]
    request = world.request("till-market", "100.00", lines=lines)

    assert codes(world.offer(world.sign("aigul", "pay/1", from_=card, request=request))) == ()


def test_two_vouchers_do_not_pay_one_line_twice(world: World, card: str) -> None:
    second = marked(world, mark(world, goods=["FOOD"]), "aigul", "1000.00")
    request = a_request(world, "100.00", "50.00")

    answer = world.offer(
        world.sign(
            "aigul",
            "pay_mixed/1",
            request=request,
            parts=parts(world, (card, "100.00"), (second, "50.00")),
        )
    )
    assert codes(answer) == (C.MARK_GOODS,)
    named = ((card, "60.00"), (second, "40.00"), (own(world, "aigul"), "50.00"))
    world.do("aigul", "pay_mixed/1", request=request, parts=parts(world, *named))


def test_each_part_of_a_mixed_payment_is_refunded_to_where_it_came_from(
    world: World, card: str
) -> None:
    request = a_request(world, "100.00", "50.00")
    purse, shop = own(world, "aigul"), own(world, "market")
    world.do("aigul", "pay_mixed/1", request=request,
             parts=parts(world, (card, "100.00"), (purse, "50.00")))  # fmt: skip
    first = request_id(request)
    second = b64(part_key(unb64(first, ID_BYTES), 1))

    assert codes(give_back(world, "market", first, shop, purse, "1.00")) == (C.TARGET_NOT_ADMITTED,)
    assert codes(give_back(world, "market", second, shop, card, "1.00")) == (C.MARK_BOUND,)
    assert codes(give_back(world, "market", first, shop, card, "100.01")) == (C.REFUND_TOO_MUCH,)
    assert codes(give_back(world, "market", first, shop, card, "100.00")) == ()
    assert codes(give_back(world, "market", second, shop, purse, "50.00")) == ()
    again = world.sign("aigul", "pay/1", from_=purse, request=request)
    assert codes(world.offer(again)) == (C.REQUEST_PAID,)

    assert balance(world, card) == 1000_00


# Holds, locks, splits, asks, consents, aliases ----------------------------------------------------


def a_hold(world: World, to: str, amount: str = "100.00", days: int = 1) -> str:
    return world.sign("aigul", "hold/1", from_=world.voucher, to=to, amount=amount,
                      ends_at=world.door.time() + days * DAY)  # fmt: skip


def test_a_hold_keeps_the_mark_and_what_is_left_comes_back(world: World) -> None:
    jws = a_hold(world, own(world, "market"))
    assert codes(world.offer(jws)) == ()
    id = derived(jws, "hold")
    held: Account = world.door.load(("account", unb64(id, ID_BYTES)))
    assert held.mark == world.food

    world.do("market", "capture/1", hold=id, amount="30.00", last=False)
    assert sums(world, world.food) == (1000_00, 30_00, 0)
    expire(world, "hold", id)

    assert balance(world, world.voucher) == 970_00
    part = world.parties["market"]
    assert counted(world, counters.MARK_PAYEE, world.food, part) == 30_00


def test_a_hold_is_judged_when_it_is_made(world: World) -> None:
    assert codes(world.offer(a_hold(world, own(world, "daniyar")))) == (C.MARK_PAYEE,)
    assert codes(world.offer(a_hold(world, own(world, "aigul")))) == (C.MARK_PAYEE,)
    jws = a_hold(world, own(world, "market"))
    assert codes(world.offer(jws)) == ()
    world.do("bank", "categories/1", merchant=world.parties["market"], codes=[])

    world.do("market", "capture/1", hold=derived(jws, "hold"), amount="100.00", last=True)


def test_what_is_reserved_ends_before_its_mark(world: World) -> None:
    short = mark(world, valid_until=world.door.time() + 2 * DAY)
    account = marked(world, short, "aigul", "100.00")
    shop = own(world, "market")
    ends = {"from_": account, "to": shop, "amount": "1.00"}
    last = world.door.time() + 2 * DAY
    for kind, more in (("hold/1", {}), ("lock/1", {"condition": {"type": "two_party"}})):
        late = world.sign("aigul", kind, **ends, **more, ends_at=last)
        assert codes(world.offer(late)) == (C.DATES_CONFLICT,)
    lock = world.do("aigul", "lock/1", **ends, condition={"type": "two_party"}, ends_at=last - 2)
    id = derived(lock, "lock")
    later = world.sign("aigul", "extend/1", lock=id, ends_at=last)
    assert codes(world.offer(later)) == (C.DATES_CONFLICT,)
    world.do("aigul", "extend/1", lock=id, ends_at=last - 1)

    expire(world, "lock", id)
    end(world, short, account)

    assert sums(world, short) == (100_00, 0, 100_00)


def test_a_lock_pays_a_supplier_or_a_final_payee(world: World) -> None:
    two = {"type": "two_party"}
    for to, paid in ((world.supply, 0), (own(world, "market"), 50_00)):
        jws = world.do("aigul", "lock/1", from_=world.voucher, to=to, amount="50.00",
                       condition=two, ends_at=world.door.time() + DAY)  # fmt: skip
        world.do("aigul", "release/1", lock=derived(jws, "lock"), preimage=None)
        assert sums(world, world.food)[1] == paid
    refused = world.sign(
        "aigul",
        "lock/1",
        from_=world.voucher,
        to=own(world, "daniyar"),
        amount="50.00",
        condition=two,
        ends_at=world.door.time() + DAY,
    )
    assert codes(world.offer(refused)) == (C.MARK_PAYEE,)


def test_a_holder_with_two_suppliers_accounts_makes_no_room_under_the_cap(world: World) -> None:
    """What one's own hold captures was paid, not given back."""
    capped = mark(world, payee_max="100.00")
    first, second = (marked(world, capped, "cafe", "100.00", supplier=True) for _ in range(2))
    jws = world.do("cafe", "hold/1", from_=first, to=second, amount="100.00",
                   ends_at=world.door.time() + DAY)  # fmt: skip

    world.do("cafe", "capture/1", hold=derived(jws, "hold"), amount="100.00", last=True)

    part = world.parties["cafe"]
    assert counted(world, counters.MARK_PAYEE, capped, part) == 100_00


def test_a_split_is_whole_or_not_at_all(world: World) -> None:
    shares = [{"to": own(world, "market"), "amount": "10.00"},
              {"to": own(world, "daniyar"), "amount": "5.00"}]  # fmt: skip
    jws = world.sign("aigul", "split/1", from_=world.voucher, amount="15.00", shares=shares)
    assert codes(world.offer(jws)) == (C.MARK_PAYEE,)

    shares[1]["to"] = world.supply
    jws = world.sign("aigul", "split/1", from_=world.voucher, amount="15.00", shares=shares)
    assert codes(world.offer(jws)) == ()


def test_an_ask_is_paid_by_a_voucher_and_given_back_to_it(world: World) -> None:
    id = asks.ask(world, "market", amount="70.00")
    world.do("aigul", "ask_pay/1", ask=id, from_=world.voucher)
    shop = own(world, "market")

    assert codes(give_back(world, "market", id, shop, own(world, "aigul"), "1.00")) == (
        C.TARGET_NOT_ADMITTED,
    )
    assert codes(give_back(world, "market", id, shop, world.voucher, "20.00")) == ()

    assert sums(world, world.food) == (1000_00, 50_00, 0)
    refused = world.sign("aigul", "ask_pay/1", ask=asks.ask(world, "cafe", amount="1.00"),
                         from_=world.voucher)  # fmt: skip
    assert codes(world.offer(refused)) == (C.MARK_PAYEE,)


def test_a_service_pays_with_consent_whom_the_policy_admits(world: World) -> None:
    consent = consents.give(world, account=world.voucher)

    assert codes(consents.pay(world, consent, "10.00", "market")) == ()
    assert codes(consents.pay(world, consent, "10.00", "daniyar")) == (C.MARK_PAYEE,)


def test_an_alias_hides_nobody(world: World) -> None:
    for name, expected in (("market", ()), ("daniyar", (C.MARK_PAYEE,))):
        alias = aliases.bind(world, f"of {name}", name)
        jws = world.sign("aigul", "alias_pay/1", from_=world.voucher, alias=alias, amount="3.00")
        assert codes(world.offer(jws)) == expected


# Refunds ------------------------------------------------------------------------------------------


def a_purchase(world: World, amount: str = "100.00", account: str = "") -> str:
    """Paid with marked money at the market's till; the payment's id."""
    request = world.request("till-market", amount)
    world.do("aigul", "pay/1", from_=account or world.voucher, request=request)
    return request_id(request)


def test_a_refund_makes_room_under_the_cap(world: World) -> None:
    account = marked(world, mark(world, payee_max="100.00"), "aigul", "500.00")
    payment = a_purchase(world, account=account)
    shop = own(world, "market")
    assert codes(give_back(world, "market", payment, shop, account, "40.00")) == ()

    assert codes(send(world, "aigul", account, shop, "40.01")) == (C.MARK_PAYEE_MAX,)
    assert codes(send(world, "aigul", account, shop, "40.00")) == ()


def test_a_refund_after_the_marks_end_goes_to_the_budget(world: World) -> None:
    payment = a_purchase(world)
    end(world, world.food, world.voucher, world.supply)
    shop, budget = own(world, "market"), own(world, "ministry")
    before = balance(world, budget)

    for to in (own(world, "aigul"), world.supply):
        assert codes(give_back(world, "market", payment, shop, to, "1.00")) in (
            (C.TARGET_NOT_ADMITTED,), (C.ACCOUNT_NOT_OPEN,),
        )  # fmt: skip
    assert codes(give_back(world, "market", payment, shop, budget, "100.00")) == ()

    assert balance(world, budget) == before + 100_00
    assert sums(world, world.food) == (1000_00, 0, 1000_00)


def test_a_refund_after_the_end_of_all_marks_of_a_line_goes_to_the_first_budget(
    world: World,
) -> None:
    child, account = a_child(world)
    request = world.request("till-market", "70.00")
    world.do("daniyar", "pay/1", from_=account, request=request)
    end(world, child, account)
    end(world, world.food, world.voucher, world.supply)
    shop, budget = own(world, "market"), own(world, "ministry")

    assert codes(give_back(world, "market", request_id(request), shop, budget, "70.00")) == ()

    assert sums(world, child) == (200_00, 0, 200_00)
    assert sums(world, world.food) == (1000_00, 0, 1000_00)


def test_a_refund_after_a_childs_end_goes_to_its_supplier(world: World) -> None:
    child, account = a_child(world)
    request = world.request("till-market", "70.00")
    world.do("daniyar", "pay/1", from_=account, request=request)
    end(world, child, account)
    shop = own(world, "market")

    assert codes(give_back(world, "market", request_id(request), shop, world.supply, "70.00")) == ()

    assert balance(world, world.supply) == 500_00


def test_a_supplier_gives_back_what_it_got_and_no_ordinary_money(world: World) -> None:
    request = world.signing.request(
        "till-cafe", total="50.00",
        tenders=[{"asset": "KZTD", "account": world.supply, "amount": "50.00"}],
    )  # fmt: skip
    world.do("aigul", "pay/1", from_=world.voucher, request=request)
    payment = request_id(request)
    world.do("bank", "transfer/1", from_=own(world, "bank"), to=own(world, "cafe"), amount="50.00")

    assert codes(give_back(world, "cafe", payment, own(world, "cafe"), world.voucher, "50.00")) == (
        C.MARK_BOUND,
    )
    assert codes(give_back(world, "cafe", payment, world.supply, world.voucher, "50.00")) == ()

    assert sums(world, world.food) == (1000_00, 0, 0)


def test_a_final_payee_does_not_give_back_a_suppliers_money(world: World) -> None:
    """It would keep ordinary money for marked money, and have its cap anew."""
    capped = mark(world, payee_max="100.00")
    account = marked(world, capped, "aigul", "300.00")
    supply = marked(world, capped, "market", "100.00", supplier=True)
    payment = a_purchase(world, account=account)

    answer = give_back(world, "market", payment, supply, account, "100.00")

    assert codes(answer) == (C.MARK_BOUND,)


def test_a_budget_that_is_a_final_payee_is_paid_and_refunds(world: World) -> None:
    own_shop = mark(world, "bank", own(world, "bank"), payees=[world.parties["bank"]])
    account = marked(world, own_shop, "aigul", "100.00", signer="bank", budget=own(world, "bank"))
    id = asks.ask(world, "bank", amount="30.00")
    world.do("aigul", "ask_pay/1", ask=id, from_=account)
    assert sums(world, own_shop) == (100_00, 30_00, 0)

    assert codes(give_back(world, "bank", id, own(world, "bank"), account, "30.00")) == ()

    assert sums(world, own_shop) == (100_00, 0, 0)


# Freezes, orders, ends ----------------------------------------------------------------------------


def test_a_frozen_marked_account_pays_nobody_and_returns_at_the_end(world: World) -> None:
    world.do("afsa", "freeze/1", account=world.voucher, order="O-1")
    assert codes(send(world, "aigul", world.voucher, own(world, "market"), "1.00")) == (
        C.ACCOUNT_FROZEN,
    )
    before = balance(world, own(world, "ministry"))

    end(world, world.food, world.voucher, world.supply)

    assert balance(world, own(world, "ministry")) == before + 1000_00
    closed: Account = world.door.load(("account", unb64(world.voucher, ID_BYTES)))
    assert closed.status == "closed"


def test_what_is_held_for_a_frozen_supplier_keeps_its_mark(world: World) -> None:
    held = freeze(world, world.supply, "hold")

    assert codes(send(world, "aigul", world.voucher, world.supply, "100.00")) == ()
    assert balance(world, held) == 100_00
    world.do("afsa", "unfreeze/1", account=world.supply, order="O-2")

    assert (balance(world, held), balance(world, world.supply)) == (0, 100_00)


def test_what_is_held_for_a_frozen_holder_is_no_suppliers(world: World) -> None:
    other = marked(world, world.food, "daniyar")
    freeze(world, other, "hold")

    assert codes(send(world, "aigul", world.voucher, other, "1.00")) == (C.MARK_PAYEE,)


def test_what_is_held_beside_a_marked_account_returns_at_the_end(world: World) -> None:
    held = freeze(world, world.supply, "hold")
    assert codes(send(world, "aigul", world.voucher, world.supply, "100.00")) == ()
    before = balance(world, own(world, "ministry"))

    end(world, world.food, world.voucher, world.supply)

    assert balance(world, held) == 0
    assert balance(world, own(world, "ministry")) == before + 1000_00


@pytest.mark.parametrize("policy", ["accept", "hold"])
def test_a_frozen_budget_gets_what_returns(world: World, policy: str) -> None:
    budget = own(world, "ministry")
    held = freeze(world, budget, policy)
    before = balance(world, budget)
    world.do("aigul", "mark_return/1", from_=world.voucher, amount="10.00")

    end(world, world.food, world.voucher, world.supply)

    where = held if policy == "hold" else budget
    assert balance(world, where) == (0 if policy == "hold" else before) + 1000_00
    assert sums(world, world.food) == (1000_00, 0, 1000_00)


def test_no_order_takes_marked_money(world: World) -> None:
    for frozen in (False, True):
        if frozen:
            held = freeze(world, world.voucher, "hold")
            payment = a_purchase(world, account=marked(world, world.food, "aigul", "50.00"),
                                 amount="1.00")  # fmt: skip
            assert payment
            assert held
        for to in (own(world, "daniyar"), own(world, "market")):
            jws = world.sign("afsa", "forced_debit/1", from_=world.voucher, to=to, amount="1.00",
                             order="O-3")  # fmt: skip
            assert codes(world.offer(jws)) == (C.MARK_BOUND,)
    seized = world.sign("afsa", "seize/1", from_=world.voucher, amount="1.00", order="O-4")
    assert codes(world.offer(seized)) == (C.ASSET_NOT_ADMITTED,)


def test_no_bank_and_no_issuer_turns_it_into_something_else(world: World) -> None:
    redeem = world.sign("nbk", "redeem/1", from_=world.voucher, amount="1.00")
    assert not isinstance(world.offer(redeem), Taken)
    issue = world.sign("nbk", "issue/1", to=world.voucher, amount="1.00")
    assert not isinstance(world.offer(issue), Taken)
    deposits.open_deposits(world)
    world.accounts["aigul", "KZTD"] = world.voucher
    for kind in ("fund/1", "defund/1"):
        answer = world.offer(
            world.sign("bank", kind, **deposits.converting(world, "aigul", "1.00"))
        )
        assert codes(answer) == (C.ACCOUNT_KIND,)
    linking = world.sign("bank", "link/1", **deposits.linking(world, "aigul"))
    assert codes(world.offer(linking)) == (C.ACCOUNT_KIND,)


def test_a_budget_is_not_closed_under_its_mark(world: World) -> None:
    spare = mark(world, "bank", own(world, "bank"), valid_until=world.door.time() + DAY)
    world.do("bank", "transfer/1", from_=own(world, "bank"), to=own(world, "daniyar"),
             amount="1.00")  # fmt: skip
    world.do("nbk", "redeem/1", from_=own(world, "bank"),
             amount=f"{balance(world, own(world, 'bank')) // 100}.00")  # fmt: skip
    left = balance(world, own(world, "bank"))
    assert left == 0
    jws = world.sign("bank", "account_close/1", account=own(world, "bank"))
    assert codes(world.offer(jws)) == (C.ACCOUNT_IN_USE,)

    expire(world, "mark", spare)

    world.do("bank", "account_close/1", account=own(world, "bank"))


def test_a_closed_marked_account_gets_no_refund_but_its_budget_does(world: World) -> None:
    payment = a_purchase(world, "1000.00")
    world.do("aigul", "account_close/1", account=world.voucher)
    shop, budget = own(world, "market"), own(world, "ministry")

    assert codes(give_back(world, "market", payment, shop, world.voucher, "1.00")) == (
        C.ACCOUNT_NOT_OPEN,
    )
    assert codes(give_back(world, "market", payment, shop, budget, "1.00")) == ()

    assert sums(world, world.food) == (1000_00, 999_00, 1_00)
    end(world, world.food, world.voucher, world.supply)


def test_nothing_is_paid_when_the_mark_is_over(world: World) -> None:
    """At its last moment; the writer ends it before anything is decided then."""
    due = world.door.load(("object", "mark", unb64(world.food, ID_BYTES))).due
    world.door.at = due - 1
    assert codes(send(world, "aigul", world.voucher, own(world, "market"), "1.00")) == ()
    world.door.at = due

    assert codes(send(world, "aigul", world.voucher, own(world, "market"), "1.00")) == (
        C.MARK_ENDED,
    )


# Returns and settlements --------------------------------------------------------------------------


def test_money_is_returned_by_its_holder_and_unearned_money_by_the_owner(world: World) -> None:
    world.do("aigul", "mark_return/1", from_=world.voucher, amount="10.00")
    world.do("ministry", "mark_return/1", from_=world.voucher, amount="20.00")
    assert codes(send(world, "aigul", world.voucher, own(world, "ministry"), "30.00")) == ()

    assert sums(world, world.food) == (1000_00, 0, 60_00)


def test_where_nobody_is_final_the_owner_pays_for_what_suppliers_have(world: World) -> None:
    works = mark(world, on_final="return")
    account = marked(world, works, "aigul", "500.00")
    supply = marked(world, works, "cafe", supplier=True)
    assert codes(send(world, "aigul", account, own(world, "market"), "1.00")) == (C.MARK_PAYEE,)
    assert codes(send(world, "aigul", account, supply, "300.00")) == ()
    budget, purse = own(world, "ministry"), own(world, "cafe")
    before = balance(world, budget), balance(world, purse)

    world.do("ministry", "mark_settle/1", from_=supply, to=purse, amount="300.00")

    assert (balance(world, budget), balance(world, purse)) == (before[0], before[1] + 300_00)
    assert sums(world, works) == (500_00, 300_00, 0)


def test_a_childs_money_is_not_settled_out_of_its_parent(world: World) -> None:
    child, _ = a_child(world, on_final="return")
    supply = marked(world, child, "daniyar", "50.00", supplier=True, signer="cafe",
                    budget=world.supply)  # fmt: skip

    jws = world.sign("cafe", "mark_settle/1", from_=supply, to=own(world, "daniyar"),
                     amount="50.00")  # fmt: skip

    assert codes(world.offer(jws)) == (C.MARK_BOUND,)


# Beside everything else ---------------------------------------------------------------------------


def test_a_waterfall_leaves_marked_money_alone(world: World) -> None:
    """The market's wallet overflows to its deposit; a voucher above the limit is refused."""
    deposits.open_deposits(world)
    world.do("nbk", "pack/1", text=limited(person="1500.00", merchant="50.00"))
    deposits.link(world, "market")

    assert codes(send(world, "aigul", world.voucher, own(world, "market"), "100.00")) == ()
    assert balance(world, own(world, "market")) == 50_00
    more = world.sign("ministry", "allocate/1", from_=own(world, "ministry"), to=world.voucher,
                      amount="600.01")  # fmt: skip
    assert codes(world.offer(more)) == (C.HOLDING_MAX,)
    allocate(world, world.voucher, "600.00")


def test_an_allocation_waits_for_its_second_officer(world: World) -> None:
    second_key(world, "ministry", SECOND)
    members = {"from_": own(world, "ministry"), "to": world.voucher, "amount": "77.00"}
    id = propose(world, "ministry", world.signing.payload("allocate/1", **members).decode())
    assert balance(world, world.voucher) == 1000_00

    world.do(SECOND, "approve/1", proposal=id)

    assert balance(world, world.voucher) == 1077_00
    assert sums(world, world.food) == (1077_00, 0, 0)


def test_the_guard_does_not_ask_the_pack(world: World) -> None:
    lax = pack_text().split("[[rule]]")[0] + (
        '[[rule]]\nrule = "kyc_tier/1"\nvalid_from = 2023-01-01\nstatus = "DRAFT"\n'
        'source = "x"\nparameters = { tier_min = 0 }\n'
    )
    world.do("nbk", "pack/1", text=lax)

    assert codes(send(world, "aigul", world.voucher, own(world, "daniyar"), "1.00")) == (
        C.MARK_PAYEE,
    )


def test_a_policy_is_kept_as_it_was_signed(world: World) -> None:
    found: Object = world.door.load(("object", "mark", unb64(world.food, ID_BYTES)))

    policy = body_of(found, MarkPolicy)
    assert (policy.contract, policy.budget_line, policy.categories) == ("C-1", "BL-1", (GROCERS,))
    assert found.due == policy.valid_until > world.door.time() + HOUR
