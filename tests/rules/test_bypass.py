"""Ways round the zone (Z2): none of them leads crypto to a merchant but through a till that stands
in an active zone, with a permit. The tries below name the kinds; the property at the end knows only
the table of kinds, so a kind nobody thought of is tried too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import event, given, seed, settings
from hypothesis import strategies as st

from ledger.core.account import RESERVED
from ledger.core.amount import format_amount
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Code
from ledger.core.envelope import seal
from ledger.core.geometry import contains
from ledger.core.ids import b64, unb64
from ledger.core.party import Role
from ledger.core.plan import Place
from ledger.kinds import KINDS, read
from ledger.kinds.till import request_of
from ledger.rules.rule import SELLS_TO, was_judged
from ledger.writer.answers import Answer, Declined, Taken, Unread
from tests.builders import ALATAU, ALMATY, DAY, HOUR, World, derived, key_of, request_id
from tests.kinds import families
from tests.kinds.pure import MORNING, fork, pure_world
from tests.kinds.samples import SAMPLES, sample_world
from tests.rules import till
from tests.rules.till import Sale, codes, fingerprint, sale_world
from tests.scale import SCALE

C = Code
CRYPTO = ("tUSDT", "tBTC", "tPASS", "tGOLD", "tDEED")


@pytest.fixture(scope="module")
def base() -> World:
    world = sale_world()
    world.certify("till-market-in", "market", ALATAU)
    world.certify("till-cafe-out", "cafe", ALMATY)
    world.register("nbk", "exchange2", "exchange", 3)
    world.open("nbk", "exchange2", "tUSDT")
    for name in ("treasury", "issuer"):
        world.register("nbk", name, name, 3)
        world.open("nbk", name, "tUSDT")
    return world


def held(world: World, name: str, asset: str = "tUSDT") -> int:
    """Minor units on the account."""
    balance: int = world.door.load(("account", unb64(world.accounts[name, asset], 16))).balance
    return balance


def refund(world: World, payment: str, source: str, target: str, amount: str) -> Answer:
    return world.offer(
        world.sign(source, "refund/1", payment=payment, amount=amount,
                   from_=world.accounts[source, "tUSDT"],
                   to=world.accounts[target, "tUSDT"])
    )  # fmt: skip


@pytest.mark.parametrize("hop", ["daniyar", "exchange", "exchange2", "treasury", "issuer", "bank"])
def test_a_chain_of_two_hops_ends_at_the_merchants_door(base, hop):
    world = fork(base)
    assert codes(world.transfer("aigul", hop, "tUSDT", "100.000000")) == ()

    assert codes(world.transfer(hop, "market", "tUSDT", "100.000000"))[0] == C.ZONE_OUTSIDE

    assert held(world, "market") == 0


@pytest.mark.parametrize("asset", CRYPTO)
@pytest.mark.parametrize("merchant", ["market", "cafe"])
def test_no_issuer_issues_to_a_merchant(base, merchant, asset):
    world = fork(base)
    amount = Sale(asset=asset).units(world)
    to = world.accounts[merchant, asset]

    answer = world.offer(world.sign("exchange", "issue/1", to=to, amount=amount))

    assert C.ZONE_OUTSIDE in codes(answer)


def test_an_issue_account_is_no_ones_purse(base):
    world = fork(base)
    body = world.door.load(("object", "asset", b"tUSDT")).body
    for to in ("market", "aigul", "exchange"):
        jws = world.sign("exchange", "transfer/1", from_=body.issue_account,
                         to=world.accounts[to, "tUSDT"], amount="1.000000")  # fmt: skip
        assert codes(world.offer(jws)) == (C.ACCOUNT_KIND,)
    jws = world.sign("exchange", "pay/1", from_=body.issue_account, request=Sale().request(world))
    assert codes(world.offer(jws)) == (C.ACCOUNT_KIND,)


def test_a_merchant_passes_crypto_to_no_other_merchant(base):
    world = fork(base)

    assert held(world, "cafe") > 0
    assert codes(world.transfer("cafe", "market", "tUSDT", "1.000000")) == (C.ZONE_OUTSIDE,)


def test_a_merchant_pays_nobody_in_crypto_but_may_sell_it(base):
    world = fork(base)

    for name in ("aigul", "bank", "treasury"):
        assert codes(world.transfer("cafe", name, "tUSDT", "0.100000")) == (C.ZONE_OUTSIDE,), name
    for name in ("exchange", "exchange2", "issuer"):
        assert world.door.load(("object", "party", unb64(world.parties[name], 16))).body.role in (
            SELLS_TO
        )
        assert codes(world.transfer("cafe", name, "tUSDT", "0.100000")) == (), name
    assert codes(world.transfer("exchange", "cafe", "tUSDT", "0.100000")) == (C.ZONE_OUTSIDE,)


def test_refund_loops_bring_a_merchant_nothing(base):
    world = fork(base)
    payment = world.sales["tUSDT"]
    before = held(world, "cafe")

    assert codes(refund(world, payment, "cafe", "guest", "1.000000")) == ()
    back = refund(world, payment, "guest", "cafe", "1.000000")
    assert codes(back) == (C.NO_AUTHORITY,)
    assert codes(refund(world, payment, "cafe", "cafe", "1.000000")) == (C.TARGET_NOT_ADMITTED,)
    assert codes(refund(world, payment, "cafe", "market", "0.100000")) == (C.TARGET_NOT_ADMITTED,)
    assert codes(refund(world, payment, "cafe", "guest", "1.484354")) == (C.REFUND_TOO_MUCH,)

    assert held(world, "cafe") == before - 1_000_000


def test_a_sale_in_tenge_is_not_refunded_in_crypto(base):
    world = fork(base)

    assert codes(refund(world, world.sales["KZTD"], "cafe", "guest", "0.000001")) == (
        C.ASSET_DIFFERS,
    )


def test_a_merchants_own_payment_comes_back_only_where_crypto_is_admitted(base):
    world = fork(base)
    world.do("afsa", "permit/1", merchant=world.parties["market"], zone=world.zone,
             valid_from=MORNING, valid_until=MORNING + HOUR)  # fmt: skip
    assert codes(world.pay("aigul", "tUSDT", Sale(till="till-market-in").request(world))) == ()
    request = Sale(total="500.00").request(world)
    assert codes(world.pay("market", "tUSDT", request)) == ()
    world.do("afsa", "zone_suspend/1", zone=world.zone)

    answer = refund(world, request_id(request), "cafe", "market", "0.100000")

    assert codes(answer) == (C.ZONE_NOT_ACTIVE,)


@pytest.mark.parametrize("signer", ["aigul", "daniyar", "cafe", "bank", "exchange", "afsa", "nbk"])
def test_a_key_moves_only_its_partys_money(base, signer):
    world = fork(base)
    for name in ("guest", "market", "cafe", "aigul", "daniyar", "exchange", "bank"):
        if name == signer:
            continue
        for asset in ("KZTD", "tUSDT"):
            source = world.accounts[name, asset]
            target = world.accounts["daniyar" if name != "daniyar" else "guest", asset]
            amount = "0.01" if asset == "KZTD" else "0.000001"
            jws = world.sign(signer, "transfer/1", from_=source, to=target, amount=amount)
            assert codes(world.offer(jws)) == (C.NO_AUTHORITY,)
            request = Sale(asset=asset).request(world)
            jws = world.sign(signer, "pay/1", from_=source, request=request)
            assert codes(world.offer(jws)) == (C.NO_AUTHORITY,)


def test_a_second_key_moves_it_once_it_is_registered(base):
    world = fork(base)
    phone = key_of("aigul's second phone")
    members = {"from_": world.accounts["aigul", "KZTD"], "to": world.accounts["guest", "KZTD"],
               "amount": "1.00"}  # fmt: skip
    assert codes(world.offer(world.sign(phone, "transfer/1", **members))) == (C.KEY_UNKNOWN,)

    world.do("aigul", "key/1", party=world.parties["aigul"], key=b64(phone.public_key))

    assert codes(world.offer(world.sign(phone, "transfer/1", **members))) == ()


@pytest.mark.parametrize(
    ("till", "merchant"),
    [("till-cafe", "market"), ("till-market", "cafe"), ("till-market-in", "cafe"),
     ("till-cafe-out", "market"), ("till-cafe", "aigul")],
)  # fmt: skip
def test_a_till_asks_only_for_its_own_merchant(base, till, merchant):
    world = fork(base)

    answer = world.pay("aigul", "tUSDT", Sale(till=till, merchant=merchant).request(world))

    assert codes(answer) == (C.TARGET_NOT_ADMITTED,)


def test_a_request_signed_again_by_another_till_is_that_tills(base):
    """The request's id is its payload's: the till outside cannot borrow the place of the one
    inside, and the merchant is paid once, whichever of its tills signed."""
    world = fork(base)
    payload = world.signing.payload(
        "request/1", total="1290.00", reference="A-17", reusable=False,
        tenders=[{"asset": "tUSDT", "account": world.accounts["cafe", "tUSDT"],
                  "amount": Sale().units(world), "rate": world.rates["tUSDT"]}],
    )  # fmt: skip
    inside, outside = (
        seal(payload, kid=key_of(till).kid, typ="tenge-request", sign=key_of(till).sign)
        for till in ("till-cafe", "till-cafe-out")
    )

    assert codes(world.pay("aigul", "tUSDT", outside)) == (C.ZONE_OUTSIDE,)
    assert codes(world.pay("aigul", "tUSDT", inside)) == ()
    assert codes(world.pay("daniyar", "tUSDT", inside)) == (C.REQUEST_PAID,)
    assert codes(world.pay("aigul", "tUSDT", outside)) == (C.REQUEST_PAID,)


def test_a_request_is_of_one_ledger(base):
    world, elsewhere = fork(base), pure_world(MORNING + 5)
    assert world.door.id != elsewhere.door.id
    request = Sale().request(world)

    answer = elsewhere.pay("aigul", "tUSDT", request)

    assert codes(answer) == (C.LEDGER_OTHER,)
    jws = world.sign("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
                     to=world.accounts["guest", "KZTD"], amount="1.00")  # fmt: skip
    assert codes(elsewhere.offer(jws)) == (C.LEDGER_OTHER,)


def test_the_same_payload_by_another_key_moves_nobody_elses_money(base):
    world = fork(base)
    payload = world.signing.payload(
        "transfer/1", from_=world.accounts["aigul", "KZTD"], to=world.accounts["guest", "KZTD"],
        amount="1.00",
    )  # fmt: skip

    def signed(name: str) -> str:
        return seal(payload, kid=key_of(name).kid, typ="tenge-tx", sign=key_of(name).sign)

    assert codes(world.offer(signed("daniyar"))) == (C.NO_AUTHORITY,)
    assert isinstance(world.offer(signed("aigul")), Taken)  # a refusal consumed nothing
    before = fingerprint(world.door)
    world.offer(signed("daniyar"))
    assert fingerprint(world.door) == before


def test_a_reusable_request_is_paid_by_each_transaction_once(base):
    world = fork(base)
    request = Sale(total="10.00").request(world, reusable=True)
    payers = ["aigul", "aigul", "guest"]
    signed = [world.sign(name, "pay/1", from_=world.accounts[name, "tUSDT"], request=request)
              for name in payers]  # fmt: skip
    before = held(world, "cafe")

    assert [codes(world.offer(jws)) for jws in signed + signed] == [()] * 6

    assert held(world, "cafe") == before + 3 * 19_259
    world.do("afsa", "zone_suspend/1", zone=world.zone)
    assert codes(world.pay("aigul", "tUSDT", request)) == (C.ZONE_NOT_ACTIVE,)


def test_a_zone_changed_between_asking_and_paying_counts_as_it_is(base):
    world = fork(base)
    request = Sale().request(world)
    world.do("afsa", "zone_change/1", zone=world.zone, terms=world.terms(assets=["tBTC"]))
    assert codes(world.pay("aigul", "tUSDT", request)) == (C.ASSET_NOT_LISTED,)

    world.do("afsa", "zone_change/1", zone=world.zone, terms=world.terms())
    assert codes(world.pay("aigul", "tUSDT", request)) == ()


@pytest.mark.parametrize("code", ["TUSDT", "tUSDТ", "tUSDT ", "tUSDT\n", "tUSDT​", "ｔUSDT"])
def test_an_asset_has_one_spelling(base, code):
    world = fork(base)
    tender = {"asset": code, "account": world.accounts["market", "tUSDT"], "amount": "1.000000"}
    request = world.signing.request("till-market", total="519.25", tenders=[tender])

    assert codes(world.pay("aigul", "tUSDT", request)) == (C.TENDER_NOT_OFFERED,)
    answer = world.offer(world.sign("afsa", "asset/1", code=code, asset_class="digital_tenge",
                                    scale=2, issuer=world.parties["exchange"]))  # fmt: skip
    assert not isinstance(answer, Taken)


def test_no_crypto_is_registered_as_tenge(base):
    world = fork(base)
    for class_ in ("digital_tenge", "deposit", "cash"):
        jws = world.sign("afsa", "asset/1", code="sly", asset_class=class_, scale=2,
                         issuer=world.parties["exchange"])  # fmt: skip
        assert codes(world.offer(jws)) == (C.ROLE_NOT_ADMITTED,)


# Whatever is offered ------------------------------------------------------------------------------

Draw = Callable[[Any], Any]
Try = Callable[[Draw, World], tuple[str, dict[str, Any]]]


MOVES = till.MOVES | families.MOVES


def test_every_kind_that_moves_money_is_tried_above_and_below():
    assert set(TRIES) == {kind.name for kind in KINDS.values()} - {"genesis/1"}
    assert MOVES.keys() <= set(TRIES)


def pick(draw: Draw, things: Any) -> Any:
    return draw(st.sampled_from(sorted(things)))


def an_amount(draw: Draw, world: World, asset: str) -> str:
    units = draw(st.sampled_from((1, 5, 99, 10_000, 2_484_353)))
    return format_amount(units, world.ASSETS[asset][1])


TILLS = ("till-cafe", "till-market", "till-market-in", "till-cafe-out")
PEOPLE = ("aigul", "daniyar", "guest", "cafe", "market", "exchange", "exchange2")
WHO = (*PEOPLE, "bank", "nbk", "afsa", "operator")


def any_account(draw: Draw, world: World, asset: str) -> tuple[str, str]:
    """Somebody's account and who it is; now and then the account that money is issued from."""
    names = [name for name in PEOPLE if (name, asset) in world.accounts]
    name = draw(st.sampled_from([*names, "cafe", "market", "issue"]))
    if name == "issue":
        return world.door.load(("object", "asset", asset.encode())).body.issue_account, "exchange"
    return world.accounts[name, asset], name


def money(kind: str) -> Try:
    def members(draw: Draw, world: World) -> tuple[str, dict[str, Any]]:
        asset = pick(draw, ("tUSDT", "tBTC"))
        made: dict[str, Any] = {"amount": an_amount(draw, world, asset)}
        signer = "exchange"
        if kind != "issue/1":
            made["from_"], signer = any_account(draw, world, asset)
        if kind != "redeem/1":
            made["to"], _ = any_account(draw, world, asset)
        if kind == "refund/1":
            made["payment"] = pick(draw, [*world.sales.values(), *world.paid])
        return signer, made

    return members


def a_pay(draw: Draw, world: World) -> tuple[str, dict[str, Any]]:
    """Half of them as a shopper would pay, the others crooked in one way or more."""
    till = pick(draw, TILLS)
    if draw(st.booleans()):
        payer = pick(draw, ("aigul", "daniyar", "guest", "market", "cafe"))
        request = Sale(till=till, total="10.00").request(world)
        return payer, {"from_": world.accounts[payer, "tUSDT"], "request": request}
    asset = pick(draw, ("tUSDT", "tBTC"))
    account, signer = any_account(draw, world, asset)
    sale = Sale(
        asset=asset, till=till, merchant=pick(draw, ("", "cafe", "market", "aigul")),
        total=pick(draw, ("10.00", "1290.00", "600000.00")),
        rate=None if draw(st.integers(0, 4)) else "",
    )  # fmt: skip
    request = sale.request(world, reusable=draw(st.booleans()))
    return signer, {"from_": account, "request": request}


def a_refund(draw: Draw, world: World) -> tuple[str, dict[str, Any]]:
    """Half of them in good order, of a payment made before."""
    if not draw(st.booleans()):
        return money("refund/1")(draw, world)
    key = pick(draw, [world.sales["tUSDT"], *world.paid])
    payment = world.door.load(("object", "payment", unb64(key, 16)))
    owner = next(n for n, id in world.parties.items() if unb64(id, 16) == payment.owner)
    return owner, {"payment": key, "from_": payment.body.payee, "to": payment.body.payer,
                   "amount": "0.000005"}  # fmt: skip


def a_zone(draw: Draw, world: World) -> dict[str, Any]:
    """Terms over the café's till, over the one in Almaty, or over neither."""
    lon, lat = draw(st.sampled_from((ALATAU, ALATAU, ALMATY, (0, 0))))
    size = draw(st.sampled_from((5, 1000)))
    ring = [[lon - size, lat - size], [lon + size, lat - size], [lon, lat + size]]
    assets = draw(st.sampled_from((["tUSDT", "tBTC"], ["tUSDT"], ["tBTC"], [])))
    ends_at = draw(st.sampled_from((None, world.door.at + HOUR)))
    return world.terms(area={"outer": ring, "holes": []}, assets=assets, ends_at=ends_at)


def a_permit(draw: Draw, world: World) -> tuple[str, dict[str, Any]]:
    since = world.door.at + draw(st.sampled_from((-HOUR, 0, HOUR)))
    merchant = world.parties[pick(draw, ("cafe", "market"))]
    until = since + draw(st.sampled_from((HOUR, 2 * HOUR, DAY)))
    return "afsa", {"merchant": merchant, "zone": draw(st.sampled_from(world.zones[-2:])),
                    "valid_from": since, "valid_until": until}  # fmt: skip


def by_sample(name: str) -> Try:
    return lambda draw, world: (SAMPLES[name].signer, SAMPLES[name].members(world))


TRIES: dict[str, Try] = {name: by_sample(name) for name in SAMPLES} | {
    "transfer/1": money("transfer/1"),
    "issue/1": money("issue/1"),
    "redeem/1": money("redeem/1"),
    "refund/1": a_refund,
    "pay/1": a_pay,
    "zone_draw/1": lambda draw, world: ("afsa", {"terms": a_zone(draw, world)}),
    "zone_change/1": lambda draw, world: (
        "afsa", {"zone": pick(draw, world.zones), "terms": a_zone(draw, world)}),
    "zone_suspend/1": lambda draw, world: ("afsa", {"zone": pick(draw, world.zones)}),
    "zone_resume/1": lambda draw, world: ("afsa", {"zone": pick(draw, world.zones)}),
    "permit/1": a_permit,
    "permit_revoke/1": lambda draw, world: ("afsa", {"permit": pick(draw, world.permits)}),
    "clock/1": lambda draw, world: (
        "operator", {"offset": 0, "frozen_at": world.door.at + HOUR}),
} | families.TRIES  # fmt: skip
"""How each kind is tried at random; those without money or zones by their sample, repeatedly."""


def admitted(world: World, place: Place | None) -> bool:
    """Whether this till stands in an active zone where its merchant has a valid permit: told from
    the objects alone, as they are, without look-ups and without asking which zone decides."""
    if place is None:
        return False
    at = world.door.at
    held = world.door.state.values.items()
    values = [value for need, value in held if need[0] == "object"]
    objects = [value for value in values if value is not None and value.status == "active"]
    zones = {
        b64(zone.key) for zone in objects
        if zone.type == "zone" and contains(zone.body.area, place.point)
        and zone.body.opens_at <= at and (zone.body.ends_at is None or at < zone.body.ends_at)
    }  # fmt: skip
    return any(
        permit.type == "permit" and permit.owner == place.merchant and permit.body.zone in zones
        and permit.body.valid_from <= at < permit.body.valid_until
        for permit in objects
    )  # fmt: skip


@pytest.fixture(scope="module")
def crowd() -> World:
    """Everything the samples need, and both merchants with crypto of their own."""
    world = sample_world()
    world.register("nbk", "exchange2", "exchange", 3)
    world.open("nbk", "exchange2", "tUSDT")
    world.certify("till-market-in", "market", ALATAU)
    world.certify("till-cafe-out", "cafe", ALMATY)
    world.do("bank", "tier/1", party=world.parties["daniyar"], tier=2)
    world.zones, world.permits, world.paid = [world.zone], [world.permit], []
    return world


@seed(20_300_101)
@settings(max_examples=100 * SCALE, deadline=None)
@given(data=st.data())
def test_crypto_reaches_a_merchant_only_through_an_admitted_till(crowd, data):
    world = fork(crowd)
    world.zones, world.permits, world.paid = list(crowd.zones), list(crowd.permits), []
    kinds = st.sampled_from(sorted(TRIES) + sorted(MOVES) * 3 + ["pay/1"] * 9)

    for kind in data.draw(st.lists(kinds, min_size=5, max_size=20)):
        signer, members = TRIES[kind](data.draw, world)
        if not data.draw(st.integers(0, 5)):
            signer = pick(data.draw, WHO)
        jws = world.sign(signer, kind, **members)

        answer = world.offer(jws)

        assert not isinstance(answer, Unread), (kind, answer)
        if isinstance(answer, Declined):
            continue
        note(world, kind, jws)
        for movement in world.door.plans[-1].movements:
            if movement.asset.class_ in TENGE_CLASSES:
                continue
            if movement.source.kind in RESERVED:
                assert was_judged(movement, world.door.state), (kind, movement)
            elif movement.target_party.role == Role.MERCHANT:
                event(f"{kind} brought crypto to a merchant")
                assert admitted(world, movement.place), (kind, movement)


def note(world: World, kind: str, jws: str) -> None:
    """Remember what later tries can name."""
    if kind == "zone_draw/1":
        world.zones.append(derived(jws, "zone"))
    elif kind == "permit/1":
        world.permits.append(derived(jws, "permit"))
    elif kind == "pay/1":
        request = request_of(read(jws.encode()))
        reusable = request.body.reusable
        world.paid.append(derived(jws, "payment") if reusable else b64(request.id))
    elif kind == "clock/1":
        world.door.at += HOUR
