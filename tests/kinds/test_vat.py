"""Digital VAT: rates to the tiyn and the millisecond, where the VAT part may go, and per taxpayer
output - input = paid + balance - credit after every entry.
"""

from __future__ import annotations

import pytest

from ledger.core import counters
from ledger.core.decision import Code
from ledger.core.ids import unb64
from tests.builders import DAY, World, derived
from tests.kinds.families import marks
from tests.kinds.families.vat import (
    account_of,
    attest,
    bought,
    claim,
    fund,
    invoice,
    object_of,
    refund,
    two_taxpayers,
)
from tests.kinds.pure import fork
from tests.kinds.samples import bare_world
from tests.rules.till import codes

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


# Till --------------------------------------------------------------------------------------------


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
