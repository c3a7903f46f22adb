"""Digital VAT: rates to the tiyn and the millisecond, where the VAT part may go, and per taxpayer
output - input = paid + balance - credit after every entry.
"""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.core import counters
from ledger.core.decision import Code
from ledger.core.ids import b64, unb64
from ledger.core.vat import VAT, vat_in
from ledger.writer.answers import Declined, Taken, Unread
from tests.builders import DAY, HOUR, World, derived, request_id
from tests.kinds.families import exchange, marks
from tests.kinds.families.vat import (
    WAITING_S,
    account_of,
    attest,
    bought,
    claim,
    end,
    fund,
    invoice,
    invoice_id,
    object_of,
    paying,
    refund,
    two_taxpayers,
)
from tests.kinds.pure import fork, pure_world
from tests.kinds.samples import bare_world
from tests.kinds.table import pack_now
from tests.rules.till import codes
from tests.scale import SCALE

MIDNIGHT = 1_767_207_600_000
"""1 January 2026, 00:00 in Almaty (UTC+5)."""
TAXPAYERS = ("market", "mill", "cafe")
C = Code


@pytest.fixture(scope="module")
def base() -> World:
    """Two registered taxpayers, the market and the mill, and people with money."""
    world = bare_world()
    two_taxpayers(world)
    return world


@pytest.fixture
def world(base: World) -> World:
    return fork(base)


def balance(world: World, id: str) -> int:
    return account_of(world, id).balance


def count(world: World, measure: str, name: str) -> int:
    found: int = world.door.load(("counter", measure, 0, unb64(world.parties[name], 16), ""))
    return found


def figures(world: World, name: str) -> tuple[int, int, int, int, int]:
    """Output, input, paid, balance, credit of a taxpayer."""
    output, input_, paid, credit = (
        count(world, measure, name)
        for measure in (counters.VAT_OUTPUT, counters.VAT_INPUT, counters.VAT_PAID,
                        counters.VAT_CREDIT)
    )  # fmt: skip
    return output, input_, paid, balance(world, world.vat[name]), credit


def holds(world: World, name: str) -> bool:
    """Whether the identity holds for this taxpayer."""
    output, input_, paid, has, credit = figures(world, name)
    return output - input_ == paid + has - credit


# Rates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gross", "percent", "vat"),
    [(100_000, 12, 10_714), (100_000, 16, 13_793), (100_000, 5, 4_762), (100_000, 0, 0),
     (1, 16, 0), (4, 16, 1), (3, 16, 0), (1, 100, 1), (29, 16, 4)],
)  # fmt: skip
def test_the_vat_in_a_gross_amount_is_half_up(gross, percent, vat):
    assert vat_in(gross, percent) == vat


@given(gross=st.integers(1, 2**63 - 1), percent=st.integers(0, 100))
def test_it_is_the_nearest_tiyn_and_half_goes_up(gross, percent):
    twice = 2 * gross * percent - 2 * vat_in(gross, percent) * (100 + percent)

    assert -(100 + percent) <= twice < 100 + percent


@pytest.mark.parametrize(
    ("at", "category", "vat"),
    [(MIDNIGHT - 1, "standard", 107_14), (MIDNIGHT, "standard", 137_93),
     (MIDNIGHT - 1, "medicine", None), (MIDNIGHT, "medicine", 47_62),
     (MIDNIGHT - 1, "zero", 0), (MIDNIGHT, "zero", 0), (MIDNIGHT, "books", None),
     (MIDNIGHT + 365 * DAY - 1, "medicine", 47_62), (MIDNIGHT + 365 * DAY, "medicine", 90_91)],
)  # fmt: skip
def test_the_rate_is_the_one_in_force_when_it_is_paid(early, at, category, vat):
    world = fork(early)
    world.door.at = at - 1
    jws = invoice(world, (category, "1000.00"))
    world.door.at = at
    jws = world.sign("aigul", "invoice_pay/1", **paying(world, "aigul", jws))

    assert codes(world.offer(jws)) == ((C.VAT_CATEGORY,) if vat is None else ())
    assert balance(world, world.vat["market"]) == (vat or 0)


@pytest.fixture(scope="module")
def early() -> World:
    """Two days before 2026."""
    world = pure_world(MIDNIGHT - 2 * DAY)
    two_taxpayers(world)
    return world


def test_lines_are_rounded_one_by_one(world):
    """Ten lines of 0.10 hold 0.01 each; 1.00 in one line holds 0.14."""
    bought(world, "client", "market", *[("standard", "0.10")] * 10)
    assert balance(world, world.vat["market"]) == 10
    bought(world, "client", "cafe", ("standard", "1.00"))
    assert balance(world, world.vat["cafe"]) == 14


def test_an_invoice_is_split_by_line(world):
    before = balance(world, world.accounts["market", "KZTD"])
    bought(world, "client", "market",
           ("standard", "1000.00"), ("medicine", "1000.00"), ("zero", "1000.00"))  # fmt: skip

    assert balance(world, world.vat["market"]) == 137_93 + 90_91
    assert balance(world, world.accounts["market", "KZTD"]) - before == 3000_00 - 137_93 - 90_91
    assert count(world, counters.VAT_ZERO, "market") == 1000_00
    assert figures(world, "market") == (228_84, 0, 0, 228_84, 0)


def test_lines_beyond_all_money_are_refused_as_an_answer(world):
    jws = invoice(world, *[("standard", "92233720368547758.07")] * 32)
    answer = world.offer(world.sign("aigul", "invoice_pay/1", **paying(world, "aigul", jws)))

    assert C.FUNDS in codes(answer)


# Where it goes -----------------------------------------------------------------------------------


def test_a_chain_of_two_suppliers_pays_the_budget_once(world):
    """The market sells for 1,160, having bought for 580: what the budget gets is the VAT in what
    the market added, and the mill's own."""
    fund(world, "market", "1000.00")
    bought(world, "client", "market", ("standard", "1160.00"))
    bought(world, "market", "mill", ("standard", "580.00"), from_vat=world.vat["market"])
    before = balance(world, world.accounts["revenue", "KZTD"])
    for name, amount in (("market", "80.00"), ("mill", "80.00")):
        world.do(name, "vat_pay/1", from_=world.vat[name], amount=amount)

    assert balance(world, world.accounts["revenue", "KZTD"]) - before == 160_00
    assert figures(world, "market") == (160_00, 80_00, 80_00, 0, 0)
    assert figures(world, "mill") == (80_00, 0, 80_00, 0, 0)


WAYS_OUT: dict[str, Any] = {
    "transfer/1": lambda w: {"to": w.accounts["market", "KZTD"], "amount": "1.00"},
    "transfer to the budget": lambda w: {"to": w.accounts["revenue", "KZTD"], "amount": "1.00"},
    "transfer to a taxpayer": lambda w: {"to": w.vat["mill"], "amount": "1.00"},
    "hold/1": lambda w: {"to": w.accounts["mill", "KZTD"], "amount": "1.00",
                         "ends_at": w.door.at + DAY},
    "lock/1": lambda w: {"to": w.vat["mill"], "amount": "1.00", "ends_at": w.door.at + DAY,
                         "condition": {"type": "two_party"}},
    "split/1": lambda w: {"amount": "2.00", "shares": [
        {"to": w.accounts[name, "KZTD"], "amount": "1.00"} for name in ("mill", "cafe")]},
    "pay/1": lambda w: {"request": w.request("till-cafe", "1.00")},
    "pay/1 with VAT": lambda w: {"request": w.request("till-cafe", "1.00", vat="standard")},
}  # fmt: skip


@pytest.mark.parametrize("way", WAYS_OUT)
def test_vat_pays_nothing_but_vat(world, way):
    bought(world, "client", "market", ("standard", "1160.00"))
    kind = way.split(" ")[0]
    kind += "" if "/" in kind else "/1"
    jws = world.sign("market", kind, from_=world.vat["market"], **WAYS_OUT[way](world))

    assert set(codes(world.offer(jws))) <= {C.MARK_BOUND, C.ACCOUNT_KIND} != set()
    assert balance(world, world.vat["market"]) == 160_00


@pytest.mark.parametrize(("kind", "members"), [
    ("forced_debit/1", {"amount": "1.00", "order": "O-1"}), ("seize/1", {"order": "O-1"}),
])  # fmt: skip
def test_no_order_takes_vat(world, kind, members):
    bought(world, "client", "market", ("standard", "1160.00"))
    for signer in ("afsa", "nbk", "bank", "revenue"):
        for to in ({}, {"to": world.accounts["bank", "KZTD"]}):
            named = {"account": world.vat["market"], "from_": world.vat["market"]}
            for name in named:
                world.offer(world.sign(signer, kind, **{name: named[name]}, **members, **to))
    assert balance(world, world.vat["market"]) == 160_00


def test_ordinary_money_does_not_become_vat(world):
    fund(world, "market", "100.00")
    jws = world.sign("market", "transfer/1", from_=world.accounts["market", "KZTD"],
                     to=world.vat["market"], amount="1.00")  # fmt: skip

    assert codes(world.offer(jws)) == (C.MARK_BOUND,)


def test_a_vat_account_stays(world):
    for account in (world.vat["market"], world.accounts["revenue", "KZTD"]):
        for signer in ("market", "bank", "revenue"):
            answer = world.offer(world.sign(signer, "account_close/1", account=account))
            assert not isinstance(answer, Taken)


@pytest.mark.parametrize("policy", ["accept", "hold"])
def test_vat_for_a_frozen_account_arrives_or_waits_beside_it(world, policy):
    rule = (
        f'\n[[rule]]\nrule = "frozen_income/1"\nvalid_from = 2025-05-29\n'
        f'status = "HYPOTHETICAL"\nsource = "N15"\nparameters = {{ policy = "{policy}" }}\n'
    )
    world.do("nbk", "pack/1", text=pack_now(world) + rule)
    world.do("afsa", "freeze/1", account=world.vat["market"], order="O-1")
    payment = bought(world, "client", "market", ("standard", "1160.00"))
    jws = world.sign("market", "vat_pay/1", from_=world.vat["market"], amount="1.00")
    assert codes(world.offer(jws)) == (C.ACCOUNT_FROZEN,)
    assert balance(world, world.vat["market"]) == (160_00 if policy == "accept" else 0)

    assert codes(refund(world, "market", "client", payment, "580.00")) == ()
    assert figures(world, "market")[4] == 80_00, "its own money gave the VAT back"
    world.do("afsa", "unfreeze/1", account=world.vat["market"], order="O-1")

    assert balance(world, world.vat["market"]) == 160_00
    assert holds(world, "market")


# Tills -------------------------------------------------------------------------------------------


def test_a_till_splits_vat_off_what_is_paid_in_tenge(world):
    request = world.request("till-cafe", "1160.00", vat="standard")
    world.do("aigul", "pay/1", from_=world.accounts["aigul", "KZTD"], request=request)

    assert balance(world, world.vat["cafe"]) == 160_00
    assert figures(world, "cafe") == (160_00, 0, 0, 160_00, 0)
    assert codes(refund(world, "cafe", "aigul", request_id(request), "1160.00")) == ()
    assert figures(world, "cafe") == (0, 0, 0, 0, 0)
    part = object_of(world, "vat_part", request_id(request)).body
    assert part.back == part.vat == 160_00


def test_a_till_leaves_crypto_whole(world):
    rated = {"tUSDT": "519.25", "tBTC": "48000000"}
    for asset, rate in rated.items():
        jws = world.do("exchange", "rate/1", asset=asset, rate=rate)
        world.rates[asset] = derived(jws, "rate")
    request = world.request("till-cafe", "1160.00", vat="standard")

    assert codes(world.pay("aigul", "tUSDT", request)) == ()
    assert figures(world, "cafe") == (0, 0, 0, 0, 0)


def test_what_is_converted_first_arrives_net_and_vat(world):
    exchange.ready(world)
    request = exchange.till(world, "1160.00", vat="standard")
    jws = exchange.quote(world, ("KZTD", "1160.00"))
    before = balance(world, world.accounts["market", "KZTD"])

    assert codes(exchange.convert(world, request, jws)) == ()
    assert balance(world, world.accounts["market", "KZTD"]) - before == 1000_00
    assert balance(world, world.vat["market"]) == 160_00
    assert codes(refund(world, "market", "aigul", request_id(request), "580.00")) == ()
    assert balance(world, world.vat["market"]) == 80_00
    assert holds(world, "market")


@pytest.mark.parametrize("fault", ["no taxpayer", "no rate", "no stock"])
def test_it_converts_whole_or_not_at_all(world, fault):
    exchange.license_venue(world)
    if fault != "no stock":
        exchange.stock(world)
    category = "books" if fault == "no rate" else "standard"
    till, shop = ("till-bakery", "bakery") if fault == "no taxpayer" else ("till-market", "market")
    if shop == "bakery":
        world.register("bank", shop, "merchant", 2)
        world.open("bank", shop, "KZTD")
        world.certify(till, shop, (76_9000000, 43_2000000))
    tender = {"asset": "KZTD", "account": world.accounts[shop, "KZTD"], "amount": "1160.00"}
    request = world.signing.request(till, total="1160.00", tenders=[tender], vat=category)
    jws = exchange.quote(world, ("KZTD", "1160.00"))
    before = dict(world.door.state.changes.counters), len(world.door.entries)

    found = codes(exchange.convert(world, request, jws))

    assert len(found) == 1
    assert found[0] in (C.VAT_UNREGISTERED, C.VAT_CATEGORY, C.INVENTORY)
    assert (dict(world.door.state.changes.counters), len(world.door.entries)) == before


# Refunds -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("from_vat", [False, True])
def test_a_refund_does_not_go_to_a_vat_account(world, from_vat):
    bought(world, "client", "mill", ("standard", "11600.00"))
    source = world.vat["mill"] if from_vat else None
    payment = bought(world, "mill", "market", ("standard", "1160.00"), from_vat=source)
    jws = world.sign("market", "refund/1", payment=payment, amount="580.00",
                     from_=world.accounts["market", "KZTD"], to=world.vat["mill"])  # fmt: skip

    assert codes(world.offer(jws)) == (C.TARGET_NOT_ADMITTED,)
    assert codes(refund(world, "market", "mill", payment, "580.00")) == ()
    assert holds(world, "mill")
    assert holds(world, "market")


def test_a_refund_does_not_come_from_a_vat_account(world):
    bought(world, "aigul", "market", ("standard", "11600.00"))
    payment = bought(world, "daniyar", "market", ("standard", "1160.00"))
    jws = world.sign("market", "refund/1", payment=payment, amount="1160.00",
                     from_=world.vat["market"], to=world.accounts["daniyar", "KZTD"])  # fmt: skip

    assert codes(world.offer(jws)) == (C.ACCOUNT_KIND,)


def test_a_payment_with_vat_is_refunded_in_what_was_paid(world):
    """Else its VAT would stay claimable though the goods came back."""
    payment = bought(world, "mill", "market", ("standard", "1160.00"))
    world.do("nbk", "asset/1", code="BANKD", asset_class="deposit", scale=2,
             issuer=world.parties["bank"])  # fmt: skip
    for name in ("market", "mill"):
        world.open("bank", name, "BANKD")
    world.do("bank", "issue/1", to=world.accounts["market", "BANKD"], amount="5000.00")
    jws = world.sign("market", "refund/1", payment=payment, amount="1160.00",
                     from_=world.accounts["market", "BANKD"],
                     to=world.accounts["mill", "BANKD"])  # fmt: skip

    assert codes(world.offer(jws)) == (C.ASSET_DIFFERS,)


# Money with a purpose ----------------------------------------------------------------------------


def test_marked_money_pays_what_it_buys_vat_and_all(world):
    marks._once(world)
    request = marks.a_request(world, "1160.00", "0.01", vat="standard",
                              lines=[{"code": "FOOD", "amount": "1160.01"}])  # fmt: skip
    marks.allocate(world, world.card, "1000.00")

    world.do("aigul", "pay/1", from_=world.card, request=request)

    assert balance(world, world.card) == 2_000_00 - 1_160_01
    assert balance(world, world.vat["market"]) == 160_00
    assert holds(world, "market")


@pytest.mark.parametrize("kind", ["hold/1", "lock/1"])
@pytest.mark.parametrize("marked", [False, True])
def test_nothing_is_reserved_for_a_vat_account(world, kind, marked):
    """It could never be captured or released: that pays no VAT."""
    marks._once(world)
    extra = {"condition": {"type": "two_party"}} if kind == "lock/1" else {}
    from_ = world.voucher if marked else world.accounts["aigul", "KZTD"]

    answer = world.offer(
        world.sign("aigul", kind, from_=from_, to=world.vat["market"], amount="1.00",
                   ends_at=world.door.time() + DAY, **extra)
    )  # fmt: skip

    assert codes(answer) == (C.MARK_BOUND,)


def test_vat_that_marked_money_paid_comes_back_to_its_mark(world):
    marks._once(world)
    request = marks.a_request(world, "1160.00", "0.01", vat="standard",
                              lines=[{"code": "FOOD", "amount": "1160.01"}])  # fmt: skip
    marks.allocate(world, world.card, "1000.00")
    world.do("aigul", "pay/1", from_=world.card, request=request)
    to = {"payment": request_id(request), "from_": world.accounts["market", "KZTD"]}
    own = world.sign("market", "refund/1", **to, to=world.accounts["aigul", "KZTD"], amount="1.00")
    assert codes(world.offer(own)) == (C.TARGET_NOT_ADMITTED,)

    world.do("market", "refund/1", **to, to=world.card, amount="1160.01")

    assert balance(world, world.card) == 2_000_00
    assert figures(world, "market") == (0, 0, 0, 0, 0)
    paid = world.door.load(("counter", counters.MARK_PAID, 0, unb64(world.lined, 16), ""))
    assert paid == 0


# Tills, refused ----------------------------------------------------------------------------------


def test_nobody_sells_to_itself(world):
    """It would make sales at a rate of 0 from nothing, and with them room for claims."""
    fund(world, "market", "1000.00")
    mine = world.accounts["market", "KZTD"]
    world.open("bank", "market", "KZTD")
    other = world.accounts["market", "KZTD"]
    jws = invoice(world, ("zero", "100.00"))
    request = world.request("till-market", "100.00", vat="zero")
    for kind, members in (("invoice_pay/1", {"from_vat": None, "invoice": jws}),
                          ("pay/1", {"request": request})):  # fmt: skip
        answer = world.offer(world.sign("market", kind, from_=mine, **members))
        assert codes(answer) == (C.TARGET_NOT_ADMITTED,)
    assert mine != other


def test_what_cannot_split_a_request_says_so(world):
    request = world.request("till-market", "116.00", vat="standard")
    world.open("bank", "client", "KZTD")
    mine = {"from_": world.accounts["aigul", "KZTD"]}
    parts = [{"from": account, "amount": "58.00"}
             for account in (mine["from_"], world.accounts["client", "KZTD"])]  # fmt: skip
    for kind, members in (
        ("hold_request/1", {**mine, "ends_at": world.door.at + DAY}),
        ("pay_mixed/1", {"parts": parts}),
    ):
        answer = world.offer(world.sign("aigul", kind, request=request, **members))
        assert codes(answer) == (C.VAT_SPLIT,)


# Claims ------------------------------------------------------------------------------------------


@pytest.fixture
def exporting(world: World) -> World:
    """The mill has bought with VAT and sold abroad."""
    world.bought = bought(world, "mill", "market", ("standard", "1160.00"))
    world.exported = bought(world, "client", "mill", ("zero", "2000.00"))
    attest(world, "market", world.door.at)
    attest(world, "mill", world.door.at, exporter=True)
    return world


def test_an_account_that_a_claim_is_paid_to_stays(exporting):
    world = exporting
    world.open("bank", "mill", "KZTD")
    to = world.accounts["mill", "KZTD"]
    jws = world.do("mill", "vat_claim/1", payments=[world.bought], to=to)

    assert codes(world.offer(world.sign("mill", "account_close/1", account=to))) == (
        C.ACCOUNT_IN_USE,
    )
    world.do("revenue", "vat_deny/1", claim=derived(jws, "claim"), order="D-1")
    world.do("mill", "account_close/1", account=to)


def test_a_claim_is_denied_where_the_sales_behind_it_were_given_back(exporting):
    world = exporting
    made = claim(world, "mill", world.bought)
    assert codes(refund(world, "mill", "client", world.exported, "1500.00")) == ()
    due = object_of(world, "vat_claim", made).due
    world.door.at = due

    world.do("operator", "expire/1", type="vat_claim", key=made, due=due)

    assert object_of(world, "vat_claim", made).status == "denied"
    assert count(world, counters.VAT_CLAIMED, "mill") == 0
    assert object_of(world, "vat_part", world.bought).status == "paid"
    assert holds(world, "mill")


def test_a_claim_is_paid_after_its_delay_and_not_before(exporting):
    world = exporting
    made = claim(world, "mill", world.bought)
    found = object_of(world, "vat_claim", made)
    assert found.due == world.door.at + WAITING_S * 1000
    own, budget = world.accounts["mill", "KZTD"], world.accounts["revenue", "KZTD"]
    before = balance(world, own), balance(world, budget)
    world.door.at = found.due - 1
    early = world.sign("operator", "expire/1", type="vat_claim", key=made, due=found.due)
    assert codes(world.offer(early)) == (C.NOT_DUE,)
    end(world, made)

    assert balance(world, own) - before[0] == before[1] - balance(world, budget) == 160_00
    assert figures(world, "mill") == (0, 160_00, -160_00, 0, 0)
    assert holds(world, "mill")
    again = world.sign("mill", "vat_claim/1", payments=[world.bought], to=own)
    assert codes(world.offer(again)) == (C.STATUS_CONFLICT,)
    assert codes(refund(world, "market", "mill", world.bought, "1.00")) == (C.STATUS_CONFLICT,)


def test_a_claim_waits_for_a_budget_that_has_too_little(exporting):
    world = exporting
    made = claim(world, "mill", world.bought)
    budget = world.accounts["revenue", "KZTD"]
    world.do("revenue", "transfer/1", from_=budget, to=world.accounts["bank", "KZTD"],
             amount=_text(balance(world, budget)))  # fmt: skip
    end(world, made)
    assert object_of(world, "vat_claim", made).due == world.door.at + DAY
    fund(world, "revenue", "160.00")
    end(world, made)

    assert object_of(world, "vat_claim", made).status == "paid"
    assert balance(world, budget) == 0


def _text(units: int) -> str:
    return f"{units // 100}.{units % 100:02d}"


# Anything ----------------------------------------------------------------------------------------


class Trade:
    """Random sales, purchases, refunds, payments to the budget, claims and denials, and after every
    entry what must be so for every taxpayer. It knows VAT from what it has done itself."""

    def __init__(self, world: World, chance: random.Random) -> None:
        self.world, self.chance = world, chance
        self.payments: dict[str, tuple[str, str, int]] = {}  # id to buyer, seller, gross
        self.claims: list[str] = []
        self.happened: Counter[str] = Counter()
        self.books: Counter[str] = Counter()  # VAT account to what postings brought

    def step(self) -> None:
        acts = (self.sell, self.sell, self.buy, self.buy, self.till, self.give_back, self.give_back,
                self.pay_vat, self.claim, self.claim, self.deny, self.file, self.later,
                self.freeze)  # fmt: skip
        self.chance.choice(acts)()

    def offer(self, signer: str, kind: str, **members: Any) -> str:
        """The JWS where it was accepted, else ""; then everything is looked at."""
        world = self.world
        postings = len(world.door.postings)
        jws = world.sign(signer, kind, **members)
        answer = world.offer(jws)
        assert not isinstance(answer, Unread), (kind, answer)
        if not isinstance(answer, Taken):
            assert len(world.door.postings) == postings
            return ""
        self.happened[kind] += 1
        for movement in world.door.plans[-1].movements:
            for side, sign in ((movement.source, -1), (movement.target, 1)):
                if side.mark == VAT:
                    self.books[b64(side.owner)] += sign * movement.amount
            if movement.source.mark == VAT:
                self.judge(kind, movement)
        self.check()
        return jws

    def judge(self, kind: str, movement: Any) -> None:
        """Nobody gets money of a VAT account but the budget, a taxpayer's VAT account, and
        whoever is given back what they bought."""
        budget = self.world.accounts["revenue", "KZTD"]
        if b64(movement.target.id) == budget:
            assert kind == "vat_pay/1"
        elif movement.target.mark != VAT:
            assert kind == "refund/1"

    def check(self) -> None:
        world = self.world
        for name in TAXPAYERS:
            assert holds(world, name), (name, figures(world, name))
            assert balance(world, world.vat[name]) == self.books[world.parties[name]]
            assert balance(world, world.vat[name]) >= 0
        for payment, (_, _, gross) in self.payments.items():
            paid = object_of(world, "payment", payment).body
            found = object_of(world, "vat_part", payment)
            part = found.body
            assert paid.refunded <= gross
            assert part.back == part.vat * paid.refunded // gross <= part.vat
        open_ = self.claims_made()
        for name in TAXPAYERS:
            own = [one for one in open_ if b64(one.owner) == world.parties[name]]
            claimed = sum(one.body.amount for one in own if one.status != "denied")
            assert count(world, counters.VAT_CLAIMED, name) == claimed
        named = [p for one in open_ if one.status != "denied" for p in one.body.payments]
        assert len(named) == len(set(named)), "a payment is claimed twice"

    def claims_made(self) -> list[Any]:
        """Every claim, whatever became of it."""
        values = self.world.door.state.values.items()
        return [found for need, found in values if need[:2] == ("object", "vat_claim") and found]

    # Acts ----------------------------------------------------------------------------------------

    def lines(self) -> list[tuple[str, str]]:
        pick = self.chance
        return [(pick.choice(("standard", "standard", "medicine", "zero")),
                 _text(pick.choice((1, 7, 999, 12_345, 116_000))))
                for _ in range(pick.randint(1, 3))]  # fmt: skip

    def sell(self) -> None:
        self._invoice(self.chance.choice(("client", "daniyar")), None)

    def buy(self) -> None:
        buyer = self.chance.choice(TAXPAYERS)
        self._invoice(buyer, self.chance.choice((None, self.world.vat[buyer])))

    def _invoice(self, buyer: str, from_vat: str | None) -> None:
        seller = self.chance.choice(TAXPAYERS)
        lines = self.lines()
        jws = invoice(self.world, *lines, seller=seller)
        if self.offer(buyer, "invoice_pay/1", **paying(self.world, buyer, jws, from_vat)):
            assert buyer != seller
            gross = sum(int(amount.replace(".", "")) for _, amount in lines)
            self.payments[invoice_id(jws)] = (buyer, seller, gross)

    def till(self) -> None:
        shop = self.chance.choice(("market", "cafe"))
        amount = self.chance.choice((7, 999, 116_000))
        request = self.world.request(f"till-{shop}", _text(amount), vat="standard")
        mine = self.world.accounts["daniyar", "KZTD"]
        if self.offer("daniyar", "pay/1", from_=mine, request=request):
            self.payments[request_id(request)] = ("daniyar", shop, amount)

    def give_back(self) -> None:
        if not self.payments:
            return
        payment = self.chance.choice(sorted(self.payments))
        buyer, seller, gross = self.payments[payment]
        amount = self.chance.choice((1, gross // 3 + 1, gross))
        accounts = self.world.accounts
        to = self.chance.choice((accounts[buyer, "KZTD"],) * 4 + (self.world.vat["mill"],))
        from_ = self.chance.choice((accounts[seller, "KZTD"],) * 4 + (self.world.vat[seller],))
        done = self.offer(seller, "refund/1", payment=payment, amount=_text(amount),
                          from_=from_, to=to)  # fmt: skip
        if done:
            status = object_of(self.world, "vat_part", payment).status
            assert status == "paid", "what is claimed was refunded"
            assert from_ == accounts[seller, "KZTD"]
            assert to == accounts[buyer, "KZTD"]

    def pay_vat(self) -> None:
        name = self.chance.choice(TAXPAYERS)
        has = balance(self.world, self.world.vat[name])
        amount = self.chance.choice((1, has // 2 + 1, has + 1, max(1, has)))
        self.offer(name, "vat_pay/1", from_=self.world.vat[name], amount=_text(amount))

    def file(self) -> None:
        name = self.chance.choice(TAXPAYERS)
        self.offer("revenue", "vat_attest/1", taxpayer=self.world.parties[name],
                   exporter=self.chance.random() < 0.8, filed_until=self.world.door.at)  # fmt: skip

    def claim(self) -> None:
        name = self.chance.choice(TAXPAYERS)
        own = sorted(p for p, (buyer, _, _) in self.payments.items() if buyer == name)
        pool = own if own and self.chance.random() < 0.9 else sorted(self.payments)
        if not pool:
            return
        payments = self.chance.choices(pool, k=self.chance.randint(1, min(3, len(pool))))
        room = count(self.world, counters.VAT_ZERO, name) * 16 // 100
        jws = self.offer(name, "vat_claim/1", payments=payments,
                         to=self.world.accounts[name, "KZTD"])  # fmt: skip
        if jws:
            self.claims.append(derived(jws, "claim"))
            assert set(payments) <= set(own)
            assert len(set(payments)) == len(payments)
            assert count(self.world, counters.VAT_CLAIMED, name) <= room
            world = self.world
            assert world.door.load(("object", "taxpayer", unb64(world.parties[name], 16))
                                   ).body.exporter  # fmt: skip
            for payment in payments:
                part = object_of(world, "vat_part", payment).body
                seller = world.door.load(("object", "taxpayer", unb64(part.seller, 16))).body
                assert seller.filed_until >= part.at
                assert part.from_vat == ""

    def deny(self) -> None:
        if self.claims:
            id = self.chance.choice(self.claims)
            self.offer("revenue", "vat_deny/1", claim=id, order="D-1")

    def freeze(self) -> None:
        id = self.world.vat[self.chance.choice(TAXPAYERS)]
        is_open = account_of(self.world, id).status == "open"
        kind = "freeze/1" if is_open and self.chance.random() < 0.3 else "unfreeze/1"
        self.offer("afsa", kind, account=id, order="O-1")

    def later(self) -> None:
        self.world.door.at += self.chance.choice((1, HOUR, 3 * DAY))
        while True:
            due = [one for one in self.claims_made()
                   if one.due and one.due <= self.world.door.at]  # fmt: skip
            if not due:
                return
            first = min(due, key=lambda one: (one.due or 0, one.key))
            assert self.offer("operator", "expire/1", type="vat_claim", key=b64(first.key),
                              due=first.due)  # fmt: skip


@pytest.fixture(scope="module")
def trading(base: World) -> World:
    """Everybody has some money to buy with."""
    world = fork(base)
    for name in TAXPAYERS:
        fund(world, name, "5000.00")
    return world


def _trade(trading: World, seed: int, steps: int) -> Counter[str]:
    trade = Trade(fork(trading), random.Random(seed))
    for _ in range(steps):
        trade.step()
    return trade.happened


@settings(max_examples=40 * SCALE, deadline=None)
@given(seed=st.integers(0, 2**32), steps=st.integers(20, 120))
def test_the_identity_holds_whatever_happens(trading, seed, steps):
    _trade(trading, seed, steps)


def test_the_search_does_all_of_it(trading):
    happened: Counter[str] = Counter()
    for seed in range(12):
        happened += _trade(trading, seed, 120)

    assert set(happened) >= {
        "invoice_pay/1", "pay/1", "refund/1", "vat_pay/1", "vat_claim/1", "vat_deny/1",
        "vat_attest/1", "expire/1", "freeze/1", "unfreeze/1",
    }, happened  # fmt: skip


def test_vat_that_marked_money_paid_is_not_claimed_as_ordinary(exporting):
    """Else whoever is paid a claim turns a part of what is for its purpose into what is for any."""
    world = exporting
    marks.ministry(world)
    grant = marks.mark(world, payees=[world.parties["market"]], categories=[])
    granted = marks.marked(world, grant, "mill", "1160.00")
    jws = invoice(world, ("standard", "1160.00"))
    world.do("mill", "invoice_pay/1", from_=granted, from_vat=None, invoice=jws)
    attest(world, "market", world.door.at)

    answer = world.offer(
        world.sign("mill", "vat_claim/1", payments=[invoice_id(jws)],
                   to=world.accounts["mill", "KZTD"])
    )  # fmt: skip

    assert codes(answer) == (C.VAT_CLAIM,)
    assert isinstance(answer, Declined)
    assert answer.reasons[0].params["condition"] == "paid"
