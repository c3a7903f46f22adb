"""Purses: what each kind does, in whatever order payments come in; frauds, their proof, and who
bears the loss; the end of a purse; nothing else gets at its money."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core.account import Account, AccountKind
from ledger.core.decision import Code
from ledger.core.ids import b64, unb64
from ledger.core.objects import Object
from ledger.core.offline import LOADED, Chain, purse_id
from ledger.core.purse import Purse, Settled
from ledger.writer.answers import Answer, Declined, Unread
from tests.builders import HOUR, World
from tests.kinds.devices import Device, text_of
from tests.kinds.families.approvals import a_payload
from tests.kinds.families.purses import GRACE, RULE, TERM, admit, deposit, expire, make, purse
from tests.kinds.pure import fork, pure_world
from tests.rules.till import codes
from tests.scale import SCALE

C = Code
LOSS_TO_PAYEE = RULE.replace("issuing_bank", "payee")


@pytest.fixture(scope="module")
def base() -> World:
    """Aigul, daniyar and the market have purses; aigul's holds 1,000.00, daniyar's 100.00."""
    return _town(RULE)


@pytest.fixture(scope="module")
def unkind() -> World:
    """The same where the payee bears a loss."""
    return _town(LOSS_TO_PAYEE)


def _town(rule: str) -> World:
    world = pure_world()
    admit(world, rule)
    world.devices = {
        "aigul": make(world, "aigul", "1000.00"),
        "daniyar": make(world, "daniyar", "100.00"),
        "market": make(world, "market"),
    }
    return world


@pytest.fixture
def world(base: World) -> World:
    return _own(base)


def _own(base: World) -> World:
    """A fork with devices of its own."""
    world = fork(base)
    world.devices = {name: Device(world, name) for name in base.devices}
    return world


def balance(world: World, id: str) -> int:
    return account(world, id).balance


def account(world: World, id: str) -> Account:
    found: Account = world.door.load(("account", unb64(id, 16)))
    return found


def tenge(world: World, name: str) -> int:
    return balance(world, world.accounts[name, "KZTD"])


def body(world: World, device: Device) -> Purse:
    found = purse(world, device).body
    assert isinstance(found, Purse)
    return found


def payment(world: World, chain: Chain) -> Object | None:
    found: Object | None = world.door.load(("object", "purse_payment", chain.ids()[-1]))
    return found


def paid(world: World, chain: Chain) -> int:
    found = payment(world, chain)
    assert found is not None
    assert isinstance(found.body, Settled)
    return found.body.paid


def unload(world: World, chain: Chain, signer: str) -> Answer:
    return world.offer(world.sign(signer, "purse_unload/1", chain=text_of(chain)))


def facts(world: World) -> dict[str, Any]:
    return dict(world.door.plans[-1].facts)


def test_a_purse_is_an_account_of_its_own(world: World):
    device = world.devices["aigul"]

    found = account(world, device.text)

    assert (found.kind, found.owner) == (AccountKind.PURSE, unb64(world.parties["aigul"], 16))
    assert (found.balance, found.asset) == (1000_00, "KZTD")
    assert (body(world, device).loaded, body(world, device).bearer) == (1000_00, "issuing_bank")
    assert purse(world, device).due == body(world, device).ends_at + GRACE


def test_a_payment_goes_from_purse_to_purse(world: World):
    aigul, daniyar = world.devices["aigul"], world.devices["daniyar"]
    chain = aigul.pay(daniyar.text, 300_00)

    assert codes(deposit(world, chain, "cafe")) == ()

    assert (balance(world, aigul.text), balance(world, daniyar.text)) == (700_00, 400_00)
    assert facts(world) == {
        "payment": b64(chain.ids()[-1]), "purse": aigul.text, "paid": "30000"
    }  # fmt: skip


def test_a_till_without_a_purse_is_paid_into_its_wallet(world: World):
    before = tenge(world, "cafe")

    assert codes(deposit(world, world.devices["aigul"].pay(world.accounts["cafe", "KZTD"], 5_00),
                         "cafe")) == ()  # fmt: skip

    assert tenge(world, "cafe") == before + 5_00


def test_a_later_hop_first(world: World):
    aigul, daniyar, market = (world.devices[name] for name in ("aigul", "daniyar", "market"))
    first = aigul.pay(daniyar.text, 300_00)
    second = daniyar.pay(market.text, 200_00, first)
    third = market.pay(world.accounts["cafe", "KZTD"], 150_00, second)
    before = tenge(world, "cafe")

    assert codes(deposit(world, third)) == ()

    assert tenge(world, "cafe") == before + 150_00
    assert [balance(world, one.text) for one in (aigul, daniyar, market)] == [
        700_00, 200_00, 50_00
    ]  # fmt: skip
    for chain in (first, second, third):
        assert codes(deposit(world, chain)) == (C.PAYMENT_SETTLED,)


def test_a_later_hop_last(world: World):
    aigul, daniyar, market = (world.devices[name] for name in ("aigul", "daniyar", "market"))
    first = aigul.pay(daniyar.text, 300_00)
    second = daniyar.pay(market.text, 200_00, first)

    assert codes(deposit(world, first)) == ()
    assert codes(deposit(world, second)) == ()

    assert [balance(world, one.text) for one in (aigul, daniyar, market)] == [
        700_00, 200_00, 200_00
    ]  # fmt: skip


def test_a_device_comes_twice_in_a_chain(world: World):
    aigul, daniyar = world.devices["aigul"], world.devices["daniyar"]
    there = aigul.pay(daniyar.text, 300_00)
    back = daniyar.pay(aigul.text, 200_00, there)
    again = aigul.pay(daniyar.text, 100_00, back)

    assert codes(deposit(world, again)) == ()

    assert [balance(world, one.text) for one in (aigul, daniyar)] == [800_00, 300_00]
    assert purse(world, aigul).status == "open"


def test_what_was_received_is_emptied_with_its_chain(world: World):
    aigul, daniyar = world.devices["aigul"], world.devices["daniyar"]
    before = tenge(world, "daniyar")
    home = world.accounts["daniyar", "KZTD"]
    chain = daniyar.pay(home, 300_00, aigul.pay(daniyar.text, 300_00))

    assert codes(unload(world, chain, "daniyar")) == ()

    assert tenge(world, "daniyar") == before + 300_00
    assert [balance(world, one.text) for one in (aigul, daniyar)] == [700_00, 100_00]


def test_what_came_over_three_hops_can_still_be_emptied(world: World):
    aigul, daniyar, market = (world.devices[name] for name in ("aigul", "daniyar", "market"))
    chain = daniyar.pay(market.text, 9_00, aigul.pay(daniyar.text, 9_00))
    chain = market.pay(aigul.text, 9_00, chain)
    before = tenge(world, "aigul")

    assert codes(unload(world, aigul.pay(world.accounts["aigul", "KZTD"], 9_00, chain),
                        "aigul")) == ()  # fmt: skip

    assert tenge(world, "aigul") == before + 9_00


# Frauds ------------------------------------------------------------------------------------------


def test_the_same_number_twice_freezes_the_purse_and_pays_both(world: World):
    """There is money enough: nobody loses, but the device is caught."""
    aigul = world.devices["aigul"]
    one = aigul.pay(world.accounts["cafe", "KZTD"], 100_00)
    other = aigul.again(world.accounts["market", "KZTD"], 100_00, counter=1, previous=bytes(32))
    bank = tenge(world, "bank")
    assert codes(deposit(world, one)) == ()
    assert purse(world, aigul).status == "open"

    assert codes(deposit(world, other)) == ()

    assert purse(world, aigul).status == "frozen"
    assert (facts(world)["fraud"], facts(world)["against"]) == (aigul.text, b64(one.ids()[-1]))
    assert (paid(world, one), paid(world, other), tenge(world, "bank")) == (100_00, 100_00, bank)
    assert world.door.load(("lookup", "purse", "frozen", b"")) == (aigul.id,)


def test_an_overspent_load_is_paid_by_the_bank(world: World):
    """The numbers go on rightly: the sum gives it away."""
    aigul = world.devices["aigul"]
    one = aigul.pay(world.accounts["cafe", "KZTD"], 700_00)
    other = aigul.pay(world.accounts["market", "KZTD"], 700_00, spent=0)
    bank, market = tenge(world, "bank"), tenge(world, "market")

    assert codes(deposit(world, one)) == ()
    assert codes(deposit(world, other)) == ()

    assert tenge(world, "market") == market + 700_00
    assert tenge(world, "bank") == bank - 400_00
    assert (balance(world, aigul.text), body(world, aigul).covered) == (0, 400_00)
    assert facts(world)["fraud"] == aigul.text
    found = payment(world, other)
    assert found is not None
    assert found.status == "covered"


def test_the_bank_bears_no_more_than_a_purse_may_hold(world: World):
    """Whoever spends the same money over and over, to accounts of its own, gets that much of the
    bank's and no more, however many payments the device signs."""
    aigul = world.devices["aigul"]
    world.do("aigul", "purse_load/1", from_=world.accounts["aigul", "KZTD"], purse=aigul.text,
             amount="19000.00")  # fmt: skip
    bank = tenge(world, "bank")
    made = [aigul.pay(world.accounts["cafe", "KZTD"], 20_000_00, spent=0, counter=number,
                      previous=bytes([number - 1]) * 32)
            for number in range(1, 7)]  # fmt: skip

    for chain in made:
        assert codes(deposit(world, chain)) == ()

    assert [paid(world, chain) for chain in made] == [
        20_000_00,
        20_000_00,
        20_000_00,
        10_000_00,
        0,
        0,
    ]
    assert bank - tenge(world, "bank") == body(world, aigul).covered == 50_000_00
    assert [found.status for chain in made if (found := payment(world, chain))] == [
        "paid",
        "covered",
        "covered",
        "covered",
        "short",
        "short",
    ]


def test_an_overspent_load_is_the_payees_loss_where_the_pack_says_so(unkind: World):
    world = _own(unkind)
    aigul = world.devices["aigul"]
    one = aigul.pay(world.accounts["cafe", "KZTD"], 700_00)
    other = aigul.pay(world.accounts["market", "KZTD"], 700_00, spent=0)
    bank, market = tenge(world, "bank"), tenge(world, "market")

    assert codes(deposit(world, other)) == ()
    assert codes(deposit(world, one)) == ()

    assert (paid(world, other), paid(world, one)) == (700_00, 300_00)
    assert (tenge(world, "bank"), tenge(world, "market")) == (bank, market + 700_00)
    assert purse(world, aigul).status == "frozen"


def test_who_passed_bad_money_on_is_not_frozen_for_it(unkind: World):
    """Daniyar was paid nothing; the market, whom he paid out of that, is paid nothing either. His
    own money is not touched."""
    world = _own(unkind)
    aigul, daniyar, market = (world.devices[name] for name in ("aigul", "daniyar", "market"))
    bad = aigul.again(daniyar.text, 500_00)
    on = daniyar.pay(market.text, 400_00, bad)
    good = aigul.pay(world.accounts["cafe", "KZTD"], 1000_00)
    assert codes(deposit(world, good)) == ()

    assert codes(deposit(world, on)) == ()

    assert (paid(world, bad), paid(world, on)) == (0, 0)
    assert (balance(world, daniyar.text), balance(world, market.text)) == (100_00, 0)
    assert [purse(world, one).status for one in (aigul, daniyar)] == ["frozen", "open"]
    own = daniyar.pay(world.accounts["cafe", "KZTD"], 100_00)
    assert codes(deposit(world, own)) == ()
    assert paid(world, own) == 100_00


def test_an_overspent_receipt_is_covered_by_the_bank_of_who_overspent(world: World):
    aigul, daniyar = world.devices["aigul"], world.devices["daniyar"]
    first = aigul.pay(daniyar.text, 300_00)
    one = daniyar.pay(world.accounts["cafe", "KZTD"], 300_00, first)
    other = daniyar.pay(world.accounts["market", "KZTD"], 300_00, first, spent=0)
    bank = tenge(world, "bank")

    assert codes(deposit(world, other)) == ()
    assert codes(deposit(world, one)) == ()

    assert [purse(world, d).status for d in (aigul, daniyar)] == ["open", "frozen"]
    assert (paid(world, one), tenge(world, "bank")) == (300_00, bank - 300_00)
    assert balance(world, daniyar.text) == 100_00


def test_two_histories_are_told_by_neighbours(world: World):
    """The second payment names another first than the first that came in, in either order."""
    for late in (False, True):
        twin = _own(world)
        aigul = twin.devices["aigul"]
        first = aigul.pay(twin.accounts["cafe", "KZTD"], 1_00)
        second = aigul.again(twin.accounts["cafe", "KZTD"], 1_00, previous=b"o" * 32)
        order = (second, first) if late else (first, second)

        assert [codes(deposit(twin, chain)) for chain in order] == [(), ()]

        assert purse(twin, aigul).status == "frozen"
        assert facts(twin)["against"] == b64(order[0].ids()[-1])


def test_whoever_empties_what_was_spent_gets_nothing(world: World):
    aigul = world.devices["aigul"]
    spent = aigul.pay(world.accounts["cafe", "KZTD"], 1000_00)
    home = aigul.pay(world.accounts["aigul", "KZTD"], 1000_00, spent=0)
    assert codes(deposit(world, spent)) == ()
    before, bank = tenge(world, "aigul"), tenge(world, "bank")

    assert codes(unload(world, home, "aigul")) == ()

    assert (tenge(world, "aigul"), tenge(world, "bank")) == (before, bank)
    assert (purse(world, aigul).status, facts(world)["paid"]) == ("frozen", "0")


def test_whoever_spends_what_was_emptied_is_caught(world: World):
    aigul = world.devices["aigul"]
    home = aigul.pay(world.accounts["aigul", "KZTD"], 1000_00)
    spent = aigul.pay(world.accounts["cafe", "KZTD"], 1000_00, spent=0)
    assert codes(unload(world, home, "aigul")) == ()
    cafe, bank = tenge(world, "cafe"), tenge(world, "bank")

    assert codes(deposit(world, spent)) == ()

    assert (tenge(world, "cafe"), tenge(world, "bank")) == (cafe + 1000_00, bank - 1000_00)
    assert purse(world, aigul).status == "frozen"


def test_a_frozen_purse_still_pays_what_it_owes(world: World):
    aigul, cafe = world.devices["aigul"], world.accounts["cafe", "KZTD"]
    honest = aigul.pay(cafe, 100_00)
    one, other = aigul.again(cafe, 1_00), aigul.again(cafe, 2_00)
    world.do("market", "purse_fraud/1", one=text_of(one), other=text_of(other))
    assert facts(world) == {
        "fraud": aigul.text, "payment": b64(one.ids()[-1]), "against": b64(other.ids()[-1])
    }  # fmt: skip

    assert codes(deposit(world, honest)) == ()
    load = world.sign("aigul", "purse_load/1", from_=world.accounts["aigul", "KZTD"],
                      purse=aigul.text, amount="1.00")  # fmt: skip
    assert codes(world.offer(load)) == (C.STATUS_CONFLICT,)
    home = aigul.pay(world.accounts["aigul", "KZTD"], 1_00)
    assert codes(unload(world, home, "aigul")) == (C.STATUS_CONFLICT,)


@pytest.mark.parametrize("signer", ["aigul", "bank"])
def test_a_lost_device_is_blocked(world: World, signer: str) -> None:
    """What it paid comes in, and what it pays now, too; what is left goes home in the end."""
    aigul = world.devices["aigul"]
    chain, before = aigul.pay(world.accounts["cafe", "KZTD"], 100_00), tenge(world, "aigul")
    world.do(signer, "purse_block/1", purse=aigul.text)
    assert world.door.load(("lookup", "purse", "frozen", b"")) == (aigul.id,)

    assert codes(deposit(world, chain)) == ()
    assert "fraud" not in facts(world)
    expire(world, aigul)

    assert tenge(world, "aigul") == before + 900_00


def test_overlapping_parts_contradict(world: World):
    """Whatever their numbers, two payments of one part cannot both be honest."""
    aigul, cafe = world.devices["aigul"], world.accounts["cafe", "KZTD"]
    one = aigul.pay(cafe, 100_00)
    aigul.pay(cafe, 1_00)
    other = aigul.pay(cafe, 50_00, spent=99_99)
    beside = aigul.again(cafe, 50_00, spent=100_00, counter=7)

    def shown(other: Chain) -> tuple[Code, ...]:
        jws = world.sign("cafe", "purse_fraud/1", one=text_of(one), other=text_of(other))
        return codes(world.offer(jws))

    assert shown(beside) == (C.NO_CONTRADICTION,)
    assert shown(other) == ()


def test_a_loss_that_the_bank_cannot_pay_waits(world: World):
    aigul = world.devices["aigul"]
    one = aigul.pay(world.accounts["cafe", "KZTD"], 1000_00)
    other = aigul.pay(world.accounts["market", "KZTD"], 1000_00, spent=0)
    assert codes(deposit(world, one)) == ()
    held = msgspec.json.encode(tenge(world, "bank")).decode()
    amount = f"{held[:-2]}.{held[-2:]}"
    world.do("bank", "transfer/1", from_=world.accounts["bank", "KZTD"],
             to=world.accounts["exchange", "KZTD"], amount=amount)  # fmt: skip

    assert codes(deposit(world, other)) == (C.FUNDS,)
    assert payment(world, other) is None

    world.do("exchange", "transfer/1", from_=world.accounts["exchange", "KZTD"],
             to=world.accounts["bank", "KZTD"], amount=amount)  # fmt: skip
    assert codes(deposit(world, other)) == ()


# The end -----------------------------------------------------------------------------------------


def test_a_purse_closes_after_its_grace_and_what_is_left_goes_home(world: World):
    aigul, daniyar = world.devices["aigul"], world.devices["daniyar"]
    chain, late = aigul.pay(daniyar.text, 100_00), aigul.pay(daniyar.text, 1_00)
    before = tenge(world, "aigul")
    world.door.at = body(world, aigul).ends_at
    assert codes(deposit(world, chain)) == ()

    expire(world, aigul)

    assert tenge(world, "aigul") == before + 900_00
    assert (balance(world, aigul.text), account(world, aigul.text).status) == (0, "closed")
    assert purse(world, aigul).status == "closed"
    assert codes(deposit(world, late)) == (C.STATUS_CONFLICT,)


def test_the_bank_is_paid_back_first(world: World):
    """It covered 100.00 of one source; what another source left on the purse makes that good."""
    aigul, daniyar = world.devices["aigul"], world.devices["daniyar"]
    received = aigul.pay(daniyar.text, 300_00)
    one = daniyar.pay(world.accounts["cafe", "KZTD"], 100_00)
    other = daniyar.pay(world.accounts["market", "KZTD"], 100_00, spent=0)
    bank, home = tenge(world, "bank"), tenge(world, "daniyar")
    for chain in (received, one, other):
        assert codes(deposit(world, chain)) == ()
    assert tenge(world, "bank") == bank - 100_00

    expire(world, daniyar)

    assert (tenge(world, "bank"), tenge(world, "daniyar")) == (bank, home + 200_00)
    assert world.door.load(("lookup", "purse", "frozen", b"")) == ()


def test_what_comes_for_a_closed_purse_goes_home(world: World):
    short = make(world, "cafe", ends_at=world.door.time() + HOUR)
    chain = world.devices["aigul"].pay(short.text, 5_00)
    expire(world, short)
    before = tenge(world, "cafe")

    assert codes(deposit(world, chain)) == ()

    assert tenge(world, "cafe") == before + 5_00


def test_a_wallet_with_an_open_purse_does_not_close(world: World):
    """Nor does the one that covers it; both can when it is closed."""
    short = make(world, "cafe", ends_at=world.door.time() + HOUR)
    home = world.accounts["cafe", "KZTD"]

    def closing() -> tuple[Code, ...]:
        return codes(world.offer(world.sign("cafe", "account_close/1", account=home)))

    assert closing() == (C.ACCOUNT_IN_USE,)
    expire(world, short)
    assert closing() == ()


# Nothing else ------------------------------------------------------------------------------------


def test_no_other_kind_gets_at_a_purse(world: World):
    id, wallet = world.devices["aigul"].text, world.accounts["daniyar", "KZTD"]
    for kind, signer, members in (
        ("transfer/1", "aigul", {"from_": id, "to": wallet, "amount": "1.00"}),
        ("transfer/1", "daniyar", {"from_": wallet, "to": id, "amount": "1.00"}),
        ("account_close/1", "aigul", {"account": id}),
        ("hold/1", "aigul", {"from_": id, "to": wallet, "amount": "1.00",
                             "ends_at": world.door.time() + HOUR}),
        ("split/1", "daniyar", {"from_": wallet, "amount": "2.00",
                                "shares": [{"to": to, "amount": "1.00"}
                                           for to in (id, world.accounts["cafe", "KZTD"])]}),
    ):  # fmt: skip
        assert codes(world.offer(world.sign(signer, kind, **members))) == (C.ACCOUNT_KIND,), kind
    issue = world.sign("nbk", "issue/1", to=id, amount="1.00")
    assert isinstance(world.offer(issue), Declined)


def test_what_devices_signed_cannot_be_proposed(world: World):
    chain = text_of(world.devices["aigul"].pay(world.devices["daniyar"].text, 1_00))
    answer = world.offer(
        world.sign("nbk", "propose/1", payload=a_payload(world, "purse_deposit/1", chain=chain),
                   ends_at=world.door.time() + HOUR)
    )  # fmt: skip
    assert isinstance(answer, Unread)
    assert answer.code == "proposal.kind"


def test_a_load_counts_what_is_under_way(world: World):
    """50,000.00 fit; 1,000.00 are there, though they were paid away offline."""
    aigul = world.devices["aigul"]
    aigul.pay(world.accounts["cafe", "KZTD"], 1000_00)

    def load(amount: str) -> Answer:
        return world.offer(world.sign(
            "aigul", "purse_load/1", from_=world.accounts["aigul", "KZTD"], purse=aigul.text,
            amount=amount,
        ))  # fmt: skip

    answer = load("49000.01")
    assert codes(answer) == (C.PURSE_CAP,)
    assert isinstance(answer, Declined)
    assert answer.reasons[0].params == {
        "member": "purse_max", "amount": "49000.01", "limit": "50000.00", "left": "49000.00"
    }  # fmt: skip
    assert codes(load("49000.00")) == ()
    assert TERM > HOUR


# Whatever the order ------------------------------------------------------------------------------

NAMES = ("aigul", "daniyar", "market")


@st.composite
def plays(draw: Any) -> list[tuple[int, int, int, int, bool]]:
    """Payments to be made: payer, payee (3: the café's wallet), which source of the payer's, what
    part of it (percent), and whether aigul forgets what she had spent of it."""
    payer, payee = st.integers(0, 2), st.integers(0, 3)
    one = st.tuples(payer, payee, st.integers(0, 5), st.integers(1, 100), st.booleans())
    found: list[tuple[int, int, int, int, bool]] = draw(st.lists(one, min_size=1, max_size=14))
    return found


def _made(world: World, play: list[tuple[int, int, int, int, bool]]) -> list[Chain]:
    """The chains of a play; each device spends what it has, aigul more than that."""
    devices = [world.devices[name] for name in NAMES]
    sources: list[list[tuple[Chain | None, int]]] = [[(None, 1000_00)], [(None, 100_00)], []]
    spent: dict[tuple[int, int], int] = {}
    made: list[Chain] = []
    for payer, payee, which, percent, cheat in play:
        mine = sources[payer]
        if not mine or payer == payee:
            continue
        place = which % len(mine)
        source, worth = mine[place]
        if source is not None and len(source.links) >= 3:
            continue
        cheats = cheat and payer == 0
        before = 0 if cheats else spent.get((payer, place), 0)
        amount = (worth - before) * percent // 100
        if amount <= 0:
            continue
        to = devices[payee].text if payee < 3 else world.accounts["cafe", "KZTD"]
        device = devices[payer]
        kept = device.counter, device.last
        chain = device.pay(to, amount, source, **({"spent": 0} if cheats else {"spent": before}))
        device.counter, device.last = kept
        if not cheats or percent % 2:  # else its next payment bears the same number
            device.counter, device.last = chain.last.counter, chain.ids()[-1]
        spent[payer, place] = max(before + amount, spent.get((payer, place), 0))
        made.append(chain)
        if payee < 3:
            sources[payee].append((chain, amount))
    return made


def _expected(world: World, chains: list[Chain]) -> tuple[Counter[bytes], int]:
    """The dict model, where the bank bears the loss: what every account gains, and what the bank
    pays. No order comes into it: of every source is paid what there is, the bank pays the rest."""
    loaded = {world.devices["aigul"].id: 1000_00, world.devices["daniyar"].id: 100_00}
    payments = {
        id: link.payment
        for chain in chains
        for id, link in zip(chain.ids(), chain.links, strict=True)
    }
    claimed: Counter[tuple[bytes, bytes]] = Counter()
    gains: Counter[bytes] = Counter()
    for one in payments.values():
        claimed[purse_id(one.payer), one.source] += one.amount
        gains[one.payee] += one.amount
    lost = 0
    for (payer, source), asked in claimed.items():
        there = loaded[payer] if source == LOADED else payments[source].amount
        gains[payer] -= min(asked, there)
        lost += asked - min(asked, there)
    gains[unb64(world.accounts["bank", "KZTD"], 16)] -= lost
    return gains, lost


@settings(max_examples=60 * SCALE, deadline=None)
@given(play=plays(), order=st.randoms(use_true_random=False))
def test_honest_payees_are_paid_whatever_the_order(base: World, play: Any, order: Any) -> None:
    world = _own(base)
    chains = _made(world, play)
    before = {need: value.balance for need, value in world.door.state.values.items()
              if need[0] == "account" and value is not None}  # fmt: skip
    gains, lost = _expected(world, chains)
    brought = chains * 2
    order.shuffle(brought)

    for chain in brought:
        settled = payment(world, chain) is not None
        assert codes(deposit(world, chain)) == ((C.PAYMENT_SETTLED,) if settled else ())

    for need, was in before.items():
        assert world.door.load(need).balance == was + gains[need[1]], need
    for chain in chains:
        assert paid(world, chain) == chain.last.amount
    assert [purse(world, world.devices[name]).status for name in NAMES[1:]] == ["open", "open"]
    if lost:
        assert purse(world, world.devices["aigul"]).status == "frozen"


@settings(max_examples=60 * SCALE, deadline=None)
@given(play=plays(), order=st.randoms(use_true_random=False))
def test_where_payees_bear_it_others_are_paid(unkind: World, play: Any, order: Any) -> None:
    """Money is kept, the bank pays nothing, and whoever's money came past no overspent source has
    all of it."""
    world = _own(unkind)
    chains = _made(world, play)
    brought = chains * 2
    order.shuffle(brought)
    held = {need: value.balance for need, value in world.door.state.values.items()
            if need[0] == "account" and value is not None and value.asset == "KZTD"}  # fmt: skip

    for chain in brought:
        settled = payment(world, chain) is not None
        assert codes(deposit(world, chain)) == ((C.PAYMENT_SETTLED,) if settled else ())

    assert sum(world.door.load(need).balance for need in held) == sum(held.values())
    bank = ("account", unb64(world.accounts["bank", "KZTD"], 16))
    assert world.door.load(bank).balance == held[bank]
    aigul = world.devices["aigul"].key.public_key
    for chain in chains:
        if all(link.payment.payer != aigul for link in chain.links):
            assert paid(world, chain) == chain.last.amount
    assert [purse(world, world.devices[name]).status for name in NAMES[1:]] == ["open", "open"]
