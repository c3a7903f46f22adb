"""Consents: what a service may do with somebody's account, how much of it, and until when."""

from __future__ import annotations

import pytest

from ledger.core import counters
from ledger.core.decision import Code
from ledger.core.ids import b64, unb64
from ledger.core.objects import Object
from ledger.writer.answers import Answer, Declined, Offer, Taken
from tests.builders import DAY, HOUR, World, key_of
from tests.kinds.families.consents import SERVICE, give, pay
from tests.kinds.pure import MORNING, fork, pure_world
from tests.rules.till import codes


@pytest.fixture(scope="module")
def base() -> World:
    """The small world, and a second account of Aigul's."""
    made = pure_world()
    first = made.accounts["aigul", "KZTD"]
    made.open("bank", "aigul", "KZTD")
    made.accounts["aigul 2", "KZTD"], made.accounts["aigul", "KZTD"] = (
        made.accounts["aigul", "KZTD"],
        first,
    )
    return made


@pytest.fixture
def world(base: World) -> World:
    return fork(base)


def consent(world: World, id: str) -> Object:
    found: Object = world.door.load(("object", "consent", unb64(id, 16)))
    return found


def held(world: World, name: str, asset: str = "KZTD") -> int:
    balance: int = world.door.load(("account", unb64(world.accounts[name, asset], 16))).balance
    return balance


def expire(world: World, id: str) -> Answer:
    due = consent(world, id).due
    return world.offer(world.sign("operator", "expire/1", type="consent", key=id, due=due))


def test_a_service_pays_with_the_persons_money(world: World) -> None:
    before, to = held(world, "aigul"), held(world, "daniyar")
    id = give(world)

    assert isinstance(pay(world, id, "1290.00"), Taken)

    assert (held(world, "aigul"), held(world, "daniyar")) == (before - 129_000, to + 129_000)
    movement = world.door.plans[-1].movements[0]
    assert b64(movement.source.owner) == world.parties["aigul"]
    assert world.door.plans[-1].facts == {"consent": id}


def test_both_caps_are_inside_to_the_last_tiyn(world: World) -> None:
    id = give(world, cap_payment="5000.00", cap_day="6000.00")

    assert codes(pay(world, id, "5000.01")) == (Code.CONSENT_CAP_PAYMENT,)
    assert codes(pay(world, id, "5000.00")) == ()
    assert codes(pay(world, id, "1000.01")) == (Code.CONSENT_CAP_DAY,)
    assert codes(pay(world, id, "1000.00")) == ()
    refused = pay(world, id, "0.01")
    assert isinstance(refused, Declined)
    assert refused.reasons[0].params == {
        "asset": "KZTD", "amount": "0.01", "limit": "6000.00", "left": "0.00",
    }  # fmt: skip


def test_a_day_is_almatys(world: World) -> None:
    """10:00 in Almaty; the next local day begins fourteen hours later, not at midnight UTC."""
    id = give(world, cap_payment="6000.00")
    world.door.at = MORNING + 14 * HOUR - 1
    assert codes(pay(world, id, "6000.00")) == ()
    assert codes(pay(world, id, "0.01")) == (Code.CONSENT_CAP_DAY,)

    world.door.at = MORNING + 14 * HOUR

    assert codes(pay(world, id, "6000.00")) == ()


def test_each_consent_has_its_own_caps(world: World) -> None:
    one, two = give(world), give(world)

    assert codes(pay(world, one, "5000.00")) == codes(pay(world, two, "5000.00")) == ()

    day = counters.local_day(MORNING)
    for id in (one, two):
        assert world.door.load(("counter", "consent.day", day, unb64(id, 16), "")) == 500_000


def test_a_refused_payment_uses_nothing_of_the_cap(world: World) -> None:
    id = give(world, cap_payment="5000000.00", cap_day="5000000.00")

    assert codes(pay(world, id, "4000000.00")) == (Code.FUNDS,)

    day = counters.local_day(MORNING)
    assert world.door.load(("counter", "consent.day", day, unb64(id, 16), "")) == 0
    assert codes(pay(world, id, "900000.00")) == ()


@pytest.mark.parametrize(
    ("scopes", "admitted"),
    [
        pytest.param(["pay"], {"daniyar", "cafe", "aigul 2"}, id="anybody"),
        pytest.param(["pay_merchant"], {"cafe"}, id="merchants"),
        pytest.param(["sweep"], {"aigul 2"}, id="one's own accounts"),
        pytest.param(["sweep", "pay_merchant"], {"cafe", "aigul 2"}, id="both"),
    ],
)
def test_scopes_say_whom_a_service_may_pay(
    world: World, scopes: list[str], admitted: set[str]
) -> None:
    id = give(world, scopes=scopes)

    for name in ("daniyar", "cafe", "aigul 2"):
        expected = () if name in admitted else (Code.CONSENT_SCOPE,)
        assert codes(pay(world, id, "1.00", name)) == expected, name


def test_the_rules_of_the_zone_bind_a_service_too(world: World) -> None:
    caps = {"cap_payment": "100.000000", "cap_day": "100.000000"}
    id = give(world, asset="tUSDT", service="bank", **caps)

    assert codes(pay(world, id, "1.000000", "cafe", service="bank", asset="tUSDT")) == (
        Code.ZONE_OUTSIDE,
    )
    assert codes(pay(world, id, "1.000000", service="bank", asset="tUSDT")) == ()


@pytest.mark.parametrize("signer", ["aigul", SERVICE])
def test_either_side_ends_it_at_once(world: World, signer: str) -> None:
    id = give(world)
    before = world.sign(SERVICE, "consent_pay/1", consent=id, amount="1.00",
                        to=world.accounts["daniyar", "KZTD"])  # fmt: skip

    world.do(signer, "consent_revoke/1", consent=id)

    answer = world.offer(before)
    assert codes(answer) == (Code.CONSENT_NOT_ACTIVE,)
    assert isinstance(answer, Declined)
    assert answer.reasons[0].params == {"consent": id, "status": "revoked"}
    assert (consent(world, id).status, consent(world, id).due) == ("revoked", None)


def test_within_one_batch_the_order_decides(world: World) -> None:
    id = give(world)

    def a_pay() -> Offer:
        return Offer(world.sign(SERVICE, "consent_pay/1", consent=id, amount="1.00",
                                to=world.accounts["daniyar", "KZTD"]).encode(), False)  # fmt: skip

    revoke = Offer(world.sign("aigul", "consent_revoke/1", consent=id).encode(), False)

    answers = world.door.submit([a_pay(), revoke, a_pay()])

    assert [codes(answer) for answer in answers] == [(), (), (Code.CONSENT_NOT_ACTIVE,)]


def test_another_key_of_the_person_revokes_too(world: World) -> None:
    id = give(world)
    phone = key_of("aigul's second phone")
    world.do("aigul", "key/1", party=world.parties["aigul"], key=b64(phone.public_key))

    assert isinstance(world.offer(world.sign(phone, "consent_revoke/1", consent=id)), Taken)


def test_a_consent_ends_by_its_time(world: World) -> None:
    id = give(world, ends_at=MORNING + DAY)
    world.door.at = MORNING + DAY - 1
    assert codes(expire(world, id)) == (Code.NOT_DUE,)
    assert codes(pay(world, id, "1.00")) == ()

    world.door.at = MORNING + DAY
    assert codes(expire(world, id)) == ()

    assert (consent(world, id).status, consent(world, id).due) == ("expired", None)
    assert codes(pay(world, id, "1.00")) == (Code.CONSENT_NOT_ACTIVE,)


def test_a_revoked_consent_is_never_due(world: World) -> None:
    id = give(world, ends_at=MORNING + DAY)
    due = consent(world, id).due
    world.do("aigul", "consent_revoke/1", consent=id)
    world.door.at = MORNING + DAY

    jws = world.sign("operator", "expire/1", type="consent", key=id, due=due)

    assert codes(world.offer(jws)) == (Code.NOT_DUE,)


def test_consents_are_found_by_account_and_by_service(world: World) -> None:
    ids = [give(world), give(world)]
    world.do("aigul", "consent_revoke/1", consent=ids[0])

    keys = tuple(sorted(unb64(id, 16) for id in ids))
    account = unb64(world.accounts["aigul", "KZTD"], 16)
    service = unb64(world.parties[SERVICE], 16)

    assert world.door.load(("lookup", "consent", "account", account)) == keys
    assert world.door.load(("lookup", "consent", "service", service)) == keys
