"""Locks: what each kind does, at the border of time too; nothing else gets at the money."""

from __future__ import annotations

from hashlib import sha256

import msgspec
import pytest

from ledger.core.account import Account
from ledger.core.decision import Code
from ledger.core.ids import b64, unb64
from ledger.core.lock import Lock
from ledger.writer.answers import Answer, Taken
from tests.builders import DAY, HOUR, World
from tests.kinds.families.approvals import SECOND, a_payload, propose, second_key
from tests.kinds.families.locks import (
    HASHED,
    SECRET,
    TWO,
    YEAR,
    expire,
    lock,
    lock_object,
    three,
)
from tests.kinds.pure import pure_world
from tests.rules.till import codes

C = Code


@pytest.fixture
def world() -> World:
    """Aigul pays, daniyar is paid, the bank decides between them."""
    return pure_world()


def offer(world: World, signer: str, kind: str, id: str, **members: object) -> Answer:
    return world.offer(world.sign(signer, kind, lock=id, **members))


def release(world: World, signer: str, id: str, secret: bytes | None = None) -> Answer:
    preimage = None if secret is None else b64(secret)
    return offer(world, signer, "release/1", id, preimage=preimage)


def account(world: World, id: str) -> Account:
    found: Account = world.door.load(("account", unb64(id, 16)))
    return found


def tenge(world: World, name: str) -> int:
    return account(world, world.accounts[name, "KZTD"]).balance


def body(world: World, id: str) -> Lock:
    found = lock_object(world, id).body
    assert isinstance(found, Lock)
    return found


def found_by(world: World, name: str, value: bytes) -> tuple[bytes, ...]:
    found: tuple[bytes, ...] = world.door.load(("lookup", "lock", name, value))
    return found


def freeze(world: World, id: str, status: str = "frozen") -> None:
    need = ("account", unb64(id, 16))
    held = world.door.load(need)
    world.door.state.values[need] = msgspec.structs.replace(held, status=status)


def test_locked_money_is_the_payers_and_nobodys_to_spend(world: World) -> None:
    before = tenge(world, "aigul")

    id = lock(world, TWO)

    held = account(world, id)
    assert tenge(world, "aigul") == before - 500_00
    assert (held.kind, held.balance, held.asset) == ("lock", 500_00, "KZTD")
    assert b64(held.owner) == world.parties["aigul"]
    for kind, members in (
        ("transfer/1", {"from_": id, "to": world.accounts["aigul", "KZTD"], "amount": "1.00"}),
        ("pay/1", {"from_": id, "request": world.request("till-market", "1.00")}),
    ):
        assert codes(world.offer(world.sign("aigul", kind, **members))) == (C.ACCOUNT_KIND,)
    world.do("nbk", "issue/1", to=world.accounts["bank", "KZTD"], amount="1.00")
    theirs = lock(world, TWO, payer="bank")
    jws = world.sign("nbk", "redeem/1", from_=theirs, amount="1.00")
    assert codes(world.offer(jws)) == (C.ACCOUNT_KIND,)
    jws = world.sign("bank", "transfer/1", from_=world.accounts["bank", "KZTD"], to=id,
                     amount="1.00")  # fmt: skip
    assert codes(world.offer(jws)) == (C.ACCOUNT_KIND,)


@pytest.mark.parametrize("condition", ["two", "three", "hash"])
def test_a_release_pays_the_payee(world: World, condition: str) -> None:
    id = lock(world, {"two": TWO, "three": three(world), "hash": HASHED}[condition])
    before = tenge(world, "daniyar")
    signer = {"two": "aigul", "three": "bank", "hash": "exchange"}[condition]
    secret = SECRET if condition == "hash" else None

    assert isinstance(release(world, signer, id, secret), Taken)

    assert tenge(world, "daniyar") == before + 500_00
    assert (account(world, id).balance, account(world, id).status) == (0, "closed")
    assert (lock_object(world, id).status, lock_object(world, id).due) == ("released", None)
    assert body(world, id).preimage == ("" if secret is None else b64(SECRET))
    assert codes(release(world, signer, id, secret)) == (C.STATUS_CONFLICT,)


@pytest.mark.parametrize(
    ("condition", "signer"),
    [("two", "daniyar"), ("three", "daniyar"), ("three", "bank"), ("hash", "daniyar")],
)
def test_a_cancel_gives_the_money_back(world: World, condition: str, signer: str) -> None:
    before = tenge(world, "aigul"), tenge(world, "daniyar")
    id = lock(world, {"two": TWO, "three": three(world), "hash": HASHED}[condition])

    assert isinstance(offer(world, signer, "cancel/1", id), Taken)

    assert (tenge(world, "aigul"), tenge(world, "daniyar")) == before
    assert lock_object(world, id).status == "cancelled"
    assert codes(release(world, "aigul" if condition == "two" else "bank", id, SECRET)) in (
        (C.STATUS_CONFLICT,), (C.NO_AUTHORITY,),
    )  # fmt: skip


def test_the_clock_gives_the_money_back(world: World) -> None:
    before = tenge(world, "aigul")
    id = lock(world, three(world))

    expire(world, id)

    assert tenge(world, "aigul") == before
    assert (lock_object(world, id).status, account(world, id).status) == ("expired", "closed")


def test_a_moment_before_the_end_is_in_time_and_the_end_is_not(world: World) -> None:
    first, second, third = (lock(world, TWO, ahead=HOUR) for _ in range(3))
    due = lock_object(world, first).due
    assert due == world.door.at + HOUR

    world.door.at = due - 1
    assert isinstance(release(world, "aigul", first), Taken)
    world.door.at = due
    assert codes(release(world, "aigul", second)) == (C.STATUS_CONFLICT,)
    assert codes(offer(world, "daniyar", "cancel/1", second)) == (C.STATUS_CONFLICT,)
    assert codes(offer(world, "aigul", "extend/1", third, ends_at=due + HOUR)) == (
        C.STATUS_CONFLICT,
    )


def test_an_extended_lock_ends_at_the_new_time_alone(world: World) -> None:
    id = lock(world, TWO, ahead=HOUR)
    old = lock_object(world, id).due
    assert old is not None
    world.do("aigul", "extend/1", lock=id, ends_at=old + DAY)

    world.door.at = old
    jws = world.sign("operator", "expire/1", type="lock", key=id, due=old)
    assert codes(world.offer(jws)) == (C.NOT_DUE,)
    assert (lock_object(world, id).due, body(world, id).ends_at) == (old + DAY, old + DAY)
    expire(world, id)
    assert lock_object(world, id).status == "expired"


def test_a_lock_ends_at_most_a_year_ahead_and_may_then_be_put_off(world: World) -> None:
    id = lock(world, TWO, ahead=YEAR)
    due = lock_object(world, id).due
    assert due is not None

    assert codes(offer(world, "aigul", "extend/1", id, ends_at=due + 1)) == (C.DATES_CONFLICT,)
    world.door.at += HOUR
    assert isinstance(offer(world, "aigul", "extend/1", id, ends_at=due + HOUR), Taken)


@pytest.mark.parametrize("size", [1, 32, 64])
def test_a_secret_has_one_to_sixty_four_bytes(world: World, size: int) -> None:
    secret = bytes(range(size))
    id = lock(world, {"type": "hash", "hash": b64(sha256(secret).digest())})

    assert codes(release(world, "daniyar", id, secret + b"!" if size < 64 else b"!")) == (
        C.PREIMAGE_WRONG,
    )
    assert isinstance(release(world, "daniyar", id, secret), Taken)


def test_locks_are_found_by_either_account_and_by_hash(world: World) -> None:
    ids = [lock(world, TWO), lock(world, HASHED), lock(world, HASHED, payee="market")]
    keys = [unb64(id, 16) for id in ids]
    payer, payee = (unb64(world.accounts[name, "KZTD"], 16) for name in ("aigul", "daniyar"))
    digest = sha256(SECRET).digest()

    assert found_by(world, "account", payer) == tuple(sorted(keys))
    assert found_by(world, "account", payee) == tuple(sorted(keys[:2]))
    assert found_by(world, "hash", digest) == tuple(sorted(keys[1:]))
    assert found_by(world, "open", payer) == tuple(sorted(keys))
    assert found_by(world, "open", payee) == ()

    assert isinstance(release(world, "market", ids[2], SECRET), Taken)

    assert found_by(world, "open", payer) == tuple(sorted(keys[:2]))
    assert found_by(world, "account", payer) == tuple(sorted(keys))
    assert found_by(world, "hash", digest) == tuple(sorted(keys[1:]))


def test_a_payee_that_takes_no_money_gets_none(world: World) -> None:
    id = lock(world, TWO)
    freeze(world, world.accounts["daniyar", "KZTD"], "closed")

    assert codes(release(world, "aigul", id)) == (C.ACCOUNT_NOT_OPEN,)
    assert isinstance(offer(world, "daniyar", "cancel/1", id), Taken)


def test_a_frozen_lock_is_neither_released_nor_cancelled(world: World) -> None:
    id = lock(world, TWO)
    freeze(world, id)

    assert codes(release(world, "aigul", id)) == (C.ACCOUNT_NOT_OPEN,)
    assert codes(offer(world, "daniyar", "cancel/1", id)) == (C.ACCOUNT_NOT_OPEN,)


def test_the_clock_asks_no_account_whether_it_is_open(world: World) -> None:
    before = tenge(world, "aigul")
    id = lock(world, TWO)
    freeze(world, world.accounts["aigul", "KZTD"])
    freeze(world, id)

    expire(world, id)

    assert tenge(world, "aigul") == before


def test_no_account_is_closed_while_its_money_is_locked(world: World) -> None:
    world.parties["aigul 2"] = world.parties["aigul"]
    world.open("bank", "aigul 2", "KZTD")
    empty = world.accounts["aigul 2", "KZTD"]
    world.do("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"], to=empty,
             amount="5.00")  # fmt: skip
    id = lock(world, TWO, payer="aigul 2", amount="5.00")

    close = world.sign("aigul", "account_close/1", account=empty)
    assert codes(world.offer(close)) == (C.ACCOUNT_IN_USE,)
    world.do("aigul", "release/1", lock=id, preimage=None)
    assert isinstance(world.offer(close), Taken)


def test_between_ones_own_accounts_a_lock_binds_as_well(world: World) -> None:
    world.parties["aigul 2"] = world.parties["aigul"]
    world.open("bank", "aigul 2", "KZTD")
    id = lock(world, three(world), payee="aigul 2")

    assert isinstance(release(world, "bank", id), Taken)
    assert tenge(world, "aigul 2") == 500_00


def test_a_rule_that_came_later_stops_no_release(world: World) -> None:
    id = lock(world, TWO, asset="tUSDT", amount="5.000000")
    world.do("bank", "tier/1", party=world.parties["aigul"], tier=0)
    world.do("afsa", "zone_suspend/1", zone=world.zone)

    assert isinstance(release(world, "aigul", id), Taken)


def test_a_lock_may_be_proposed_and_approved(world: World) -> None:
    second_key(world, "bank", SECOND)
    payload = a_payload(
        world, "lock/1", from_=world.accounts["bank", "KZTD"], amount="7.00", condition=TWO,
        to=world.accounts["aigul", "KZTD"], ends_at=world.door.time() + DAY,
    )  # fmt: skip
    id = propose(world, "bank", payload)

    world.do(SECOND, "approve/1", proposal=id)

    (locked,) = found_by(world, "open", unb64(world.accounts["bank", "KZTD"], 16))
    assert account(world, b64(locked)).balance == 7_00
