"""Aliases: names under which an account is paid, and what the log does not know of them."""

from __future__ import annotations

import pytest

from ledger.core.alias import commitment_of
from ledger.core.decision import Code
from ledger.core.ids import unb64
from ledger.core.objects import Object
from ledger.writer.answers import Offer, Taken
from tests.builders import DAY, World
from tests.kinds.families.aliases import bind, pay
from tests.kinds.pure import MORNING, fork, pure_world
from tests.rules.till import codes


@pytest.fixture(scope="module")
def base() -> World:
    made = pure_world()
    made.register("nbk", "bank2", "bank", 3)
    made.register("bank2", "guest", "person", 2)
    made.open("bank2", "guest", "KZTD")
    made.do("bank", "transfer/1", from_=made.accounts["bank", "KZTD"],
            to=made.accounts["guest", "KZTD"], amount="100.00")  # fmt: skip
    return made


@pytest.fixture
def world(base: World) -> World:
    return fork(base)


def alias_object(world: World, alias: str) -> Object:
    found: Object = world.door.load(("object", "alias", unb64(alias, 32)))
    return found


def listed(world: World, name: str) -> tuple[bytes, ...]:
    found: tuple[bytes, ...] = world.door.load(
        ("lookup", "alias", "account", unb64(world.accounts[name, "KZTD"], 16))
    )
    return found


def held(world: World, name: str) -> int:
    balance: int = world.door.load(("account", unb64(world.accounts[name, "KZTD"], 16))).balance
    return balance


@pytest.mark.parametrize("form", ["phone", "random", "bank"])
def test_an_alias_is_paid_again_and_again(world: World, form: str) -> None:
    before = held(world, "aigul")
    alias = bind(world, form, form=form)

    assert [codes(pay(world, alias, "1.00")) for _ in range(3)] == [()] * 3

    assert held(world, "aigul") == before + 300
    assert world.door.plans[-1].facts == {"alias": alias}
    assert alias_object(world, alias).status == "active"


def test_a_one_time_alias_is_paid_once(world: World) -> None:
    alias = bind(world, "once", form="one_time", signer="aigul")
    assert listed(world, "aigul") == (unb64(alias, 32),)

    assert codes(pay(world, alias, "1.00")) == ()

    assert codes(pay(world, alias, "1.00", "cafe")) == (Code.STATUS_CONFLICT,)
    assert (alias_object(world, alias).status, alias_object(world, alias).due) == ("spent", None)
    assert listed(world, "aigul") == ()


def test_of_two_payments_in_one_batch_the_first_spends_it(world: World) -> None:
    alias = bind(world, "once", form="one_time", signer="aigul")
    offers = [
        Offer(world.sign(name, "alias_pay/1", from_=world.accounts[name, "KZTD"], alias=alias,
                         amount="1.00").encode(), False)
        for name in ("daniyar", "bank")
    ]  # fmt: skip

    answers = world.door.submit(offers)

    assert [codes(answer) for answer in answers] == [(), (Code.STATUS_CONFLICT,)]


def test_a_payment_that_is_refused_spends_nothing(world: World) -> None:
    alias = bind(world, "once", form="one_time", signer="aigul")

    assert codes(pay(world, alias, "99000000.00")) == (Code.FUNDS,)

    assert codes(pay(world, alias, "1.00")) == ()


def test_a_bank_alias_is_for_clients_of_the_same_bank(world: World) -> None:
    alias = bind(world, "baker", form="bank")

    assert codes(pay(world, alias, "1.00", "guest")) == (Code.TARGET_NOT_ADMITTED,)
    assert codes(pay(world, alias, "1.00", "daniyar")) == ()


def test_the_zone_binds_a_payment_to_an_alias(world: World) -> None:
    alias = bind(world, "shop", "cafe", asset="tUSDT")

    assert codes(pay(world, alias, "1.000000", "aigul", "tUSDT")) == (Code.ZONE_OUTSIDE,)


def test_a_dropped_alias_names_nobody_for_ever(world: World) -> None:
    alias = bind(world, "+77000000001")
    before = world.sign("daniyar", "alias_pay/1", from_=world.accounts["daniyar", "KZTD"],
                        alias=alias, amount="1.00")  # fmt: skip
    assert listed(world, "aigul") == (unb64(alias, 32),)

    world.do("aigul", "alias_drop/1", alias=alias)

    assert codes(world.offer(before)) == (Code.STATUS_CONFLICT,)
    assert listed(world, "aigul") == ()
    again = world.sign("bank", "alias/1", alias=alias, account=world.accounts["daniyar", "KZTD"],
                       form="phone", ends_at=None)  # fmt: skip
    assert codes(world.offer(again)) == (Code.ALREADY_REGISTERED,)


def test_an_alias_ends_by_its_time(world: World) -> None:
    alias = bind(world, "brief", ends_at=MORNING + DAY)
    assert isinstance(pay(world, alias, "1.00"), Taken)
    world.door.at = MORNING + DAY
    world.do("operator", "expire/1", type="alias", key=alias, due=MORNING + DAY)

    assert codes(pay(world, alias, "1.00")) == (Code.STATUS_CONFLICT,)
    assert alias_object(world, alias).status == "expired"
    assert listed(world, "aigul") == ()


def test_the_log_holds_no_word(world: World) -> None:
    bind(world, "+77000000001")

    assert b"7700000" not in world.door.entries[-1].leaf


@pytest.mark.parametrize(
    "other",
    [(b"salt", "random", "wordy"), (b"saltr", "andom", "word"), (b"sal", "trandom", "word"),
     (b"salt", "randomw", "ord")],
)  # fmt: skip
def test_no_two_names_have_one_commitment(other: tuple[bytes, str, str]) -> None:
    assert commitment_of(*other) != commitment_of(b"salt", "random", "word")


def test_a_commitment_is_pinned() -> None:
    """SHA-256 of each part behind its length in two bytes, as docs/kinds/aliases.md says."""
    from hashlib import sha256

    said = b"\0\x10" + bytes(16) + b"\0\x05phone" + b"\0\x0c+77000000001"

    assert commitment_of(bytes(16), "phone", "+77000000001") == sha256(said).digest()
