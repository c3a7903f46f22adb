"""Keys that end, keys that come back, accounts that close: what each leaves behind."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.audit import audit_database
from ledger.core.decision import Code
from ledger.core.ids import b64, unb64
from ledger.core.needs import Known
from ledger.core.objects import Object
from ledger.kinds.recover import DUE
from ledger.writer.answers import Answer, Declined, Offer, Taken
from tests.builders import HOUR, World, derived, key_of, pack_text
from tests.kinds.families.keys import (
    TABLET,
    add_key,
    due_of,
    fall_due,
    kid,
    recover,
    recovery,
)
from tests.kinds.frozen import FAR, begin, url_of
from tests.kinds.pure import MORNING, fork, pure_world

DEFAULT_MS = 72 * HOUR
PACK = """
[[rule]]
rule = "recovery/1"
valid_from = 2023-04-01
status = "HYPOTHETICAL"
source = "D2"
parameters = {{ waiting_s = {waiting_s} }}
"""


@pytest.fixture(scope="module")
def base() -> World:
    return pure_world()


@pytest.fixture
def world(base: World) -> World:
    return fork(base)


def codes(answer: Answer) -> list[Code]:
    assert isinstance(answer, Declined), answer
    return [reason.code for reason in answer.reasons]


def key(world: World, name: str) -> Object:
    found: Object = world.door.load(("object", "key", unb64(kid(name), 32)))
    return found


def stored(world: World, id: str) -> Object:
    found: Object = world.door.load(("object", "recovery", unb64(id, 16)))
    return found


def a_transfer(world: World, signer: str, amount: str = "1.00") -> str:
    """Aigul's money goes to Daniyar, signed with this key."""
    return world.sign(signer, "transfer/1", from_=world.accounts["aigul", "KZTD"],
                      to=world.accounts["daniyar", "KZTD"], amount=amount)  # fmt: skip


# Revoking ----------------------------------------------------------------------------------------


def test_a_revoked_key_signs_nothing_and_the_others_go_on(world: World) -> None:
    add_key(world, "aigul", TABLET)

    world.do("aigul", "key_revoke/1", kid=kid(TABLET))

    assert key(world, TABLET).status == "revoked"
    assert codes(world.offer(a_transfer(world, TABLET))) == [Code.KEY_NOT_ACTIVE]
    assert isinstance(world.offer(a_transfer(world, "aigul")), Taken)


def test_a_key_may_end_itself_while_another_is_in_use(world: World) -> None:
    add_key(world, "aigul", TABLET)

    world.do("aigul", "key_revoke/1", kid=kid("aigul"))

    assert codes(world.offer(a_transfer(world, "aigul"))) == [Code.KEY_NOT_ACTIVE]
    last = world.sign(TABLET, "key_revoke/1", kid=kid(TABLET))
    assert codes(world.offer(last)) == [Code.KEY_LAST]


def test_a_key_that_waits_is_no_other_key_in_use(world: World) -> None:
    recover(world, "aigul", "aigul's new phone")

    own = world.sign("aigul", "key_revoke/1", kid=kid("aigul"))

    assert codes(world.offer(own)) == [Code.KEY_LAST]


def test_of_two_keys_that_revoke_each_other_the_first_wins(world: World) -> None:
    add_key(world, "aigul", TABLET)
    first = world.sign("aigul", "key_revoke/1", kid=kid(TABLET))
    second = world.sign(TABLET, "key_revoke/1", kid=kid("aigul"))

    answers = world.door.submit([Offer(jws.encode(), False) for jws in (first, second)])

    assert isinstance(answers[0], Taken)
    assert codes(answers[1]) == [Code.KEY_NOT_ACTIVE]


def test_the_bank_may_end_its_clients_last_key(world: World) -> None:
    world.do("bank", "key_revoke/1", kid=kid("aigul"))

    assert codes(world.offer(a_transfer(world, "aigul"))) == [Code.KEY_NOT_ACTIVE]


def test_a_revoked_key_cannot_be_registered_again(world: World) -> None:
    add_key(world, "aigul", TABLET)
    world.do("aigul", "key_revoke/1", kid=kid(TABLET))

    for owner in ("aigul", "daniyar"):
        again = world.sign(owner, "key/1", party=world.parties[owner],
                           key=b64(key_of(TABLET).public_key))  # fmt: skip
        assert codes(world.offer(again)) == [Code.ALREADY_REGISTERED]


def test_what_was_accepted_before_keeps_its_receipt(world: World) -> None:
    add_key(world, "aigul", TABLET)
    paid = a_transfer(world, TABLET)
    first = world.offer(paid)
    world.do("aigul", "key_revoke/1", kid=kid(TABLET))

    again = world.offer(paid)

    assert isinstance(first, Taken)
    assert isinstance(again, Taken)
    assert (again.index, again.repeated) == (first.index, True)


# A real ledger: batches, expiry by itself, the audit ----------------------------------------------


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[World, Path]]:
    folder = tmp_path_factory.mktemp("keys")
    world = begin(folder)
    yield world, folder
    world.door.close()


def test_signed_before_and_arrived_after_is_refused_in_one_batch_and_in_the_next(
    real: tuple[World, Path],
) -> None:
    world, folder = real
    add_key(world, "aigul", TABLET)
    before, within, after = (a_transfer(world, TABLET) for _ in range(3))
    revoke = world.sign("aigul", "key_revoke/1", kid=kid(TABLET))

    batch = world.door.submit([Offer(jws.encode(), False) for jws in (before, revoke, within)])

    assert isinstance(batch[0], Taken)
    assert isinstance(batch[1], Taken)
    assert codes(batch[2]) == [Code.KEY_NOT_ACTIVE]
    assert codes(world.offer(after)) == [Code.KEY_NOT_ACTIVE]
    assert isinstance(world.offer(before), Taken)  # its receipt, once more
    assert audit_database(url_of(folder), decides=True, workers=1).is_sound


def test_a_recovery_ends_by_itself_though_nobody_asks(real: tuple[World, Path]) -> None:
    world, folder = real
    id = recover(world, "daniyar", "daniyar's new phone", "daniyar")
    transfer = {"from_": world.accounts["daniyar", "KZTD"], "amount": "1.00",
                "to": world.accounts["aigul", "KZTD"]}  # fmt: skip
    due = FAR + DEFAULT_MS
    world.do("operator", "clock/1", offset=0, frozen_at=due - 1)
    early = world.sign("daniyar's new phone", "transfer/1", **transfer)
    assert codes(world.offer(early)) == [Code.KEY_NOT_ACTIVE]
    world.do("operator", "clock/1", offset=0, frozen_at=due)

    world.door.tick()

    new, old = (world.sign(name, "transfer/1", **transfer)
                for name in ("daniyar's new phone", "daniyar"))  # fmt: skip
    assert isinstance(world.offer(new), Taken)
    assert codes(world.offer(old)) == [Code.KEY_NOT_ACTIVE]
    late = world.sign("daniyar's new phone", "recover_veto/1", recovery=id)
    assert codes(world.offer(late)) == [Code.STATUS_CONFLICT]
    assert audit_database(url_of(folder), decides=True, workers=1).is_sound


# Recovering --------------------------------------------------------------------------------------


def test_a_recovery_waits_and_changes_nothing_yet(world: World) -> None:
    id = recover(world, "aigul", "aigul's new phone", "aigul")

    found = stored(world, id)
    assert (found.status, found.due) == ("open", MORNING + DEFAULT_MS)
    assert key(world, "aigul's new phone").status == "pending"
    assert isinstance(world.offer(a_transfer(world, "aigul")), Taken)
    assert codes(world.offer(a_transfer(world, "aigul's new phone"))) == [Code.KEY_NOT_ACTIVE]


@pytest.mark.parametrize("waiting_s", [60, 3_600])
def test_the_pack_says_how_long_it_waits(world: World, waiting_s: int) -> None:
    world.do("nbk", "pack/1", text=pack_text() + PACK.format(waiting_s=waiting_s))

    id = recover(world, "aigul", "aigul's new phone", "aigul")

    assert stored(world, id).due == MORNING + waiting_s * 1000


def test_another_pack_does_not_move_a_recovery_that_waits(world: World) -> None:
    id = recover(world, "aigul", "aigul's new phone", "aigul")

    world.do("nbk", "pack/1", text=pack_text() + PACK.format(waiting_s=60))

    assert stored(world, id).due == MORNING + DEFAULT_MS


def test_in_its_time_the_new_key_is_in_use_and_the_named_ones_end(world: World) -> None:
    add_key(world, "aigul", TABLET)
    id = recover(world, "aigul", "aigul's new phone", "aigul")

    fall_due(world, id)

    assert (stored(world, id).status, stored(world, id).due) == ("done", None)
    assert isinstance(world.offer(a_transfer(world, "aigul's new phone")), Taken)
    assert isinstance(world.offer(a_transfer(world, TABLET)), Taken)  # was not named
    assert codes(world.offer(a_transfer(world, "aigul"))) == [Code.KEY_NOT_ACTIVE]


def test_a_key_revoked_meanwhile_stays_revoked(world: World) -> None:
    id = recover(world, "aigul", "aigul's new phone", "aigul")
    world.do("bank", "key_revoke/1", kid=kid("aigul"))

    fall_due(world, id)

    assert key(world, "aigul").status == "revoked"
    assert isinstance(world.offer(a_transfer(world, "aigul's new phone")), Taken)


@pytest.mark.parametrize("signer", ["aigul", TABLET, "bank"])
def test_a_key_in_use_vetoes_and_so_may_the_bank(world: World, signer: str) -> None:
    add_key(world, "aigul", TABLET)
    id = recover(world, "aigul", "aigul's new phone", "aigul", TABLET)

    world.do(signer, "recover_veto/1", recovery=id)

    assert (stored(world, id).status, stored(world, id).due) == ("vetoed", None)
    assert key(world, "aigul's new phone").status == "revoked"
    assert isinstance(world.offer(a_transfer(world, "aigul")), Taken)
    again = world.sign("bank", "recover/1", **recovery(world, "aigul", "aigul's new phone"))
    assert codes(world.offer(again)) == [Code.ALREADY_REGISTERED]
    recover(world, "aigul", "aigul's newest phone", "aigul")  # nothing is open any more


def test_a_revoked_key_has_no_veto(world: World) -> None:
    add_key(world, "aigul", TABLET)
    id = recover(world, "aigul", "aigul's new phone")
    world.do("aigul", "key_revoke/1", kid=kid(TABLET))

    veto = world.sign(TABLET, "recover_veto/1", recovery=id)

    assert codes(world.offer(veto)) == [Code.KEY_NOT_ACTIVE]
    assert stored(world, id).status == "open"


def test_nobody_can_take_the_new_key_while_it_waits(world: World) -> None:
    recover(world, "aigul", "aigul's new phone", "aigul")
    public = b64(key_of("aigul's new phone").public_key)

    for jws in (
        world.sign("daniyar", "key/1", party=world.parties["daniyar"], key=public),
        world.sign("bank", "party/1", role="person", tier=1, key=public),
        world.sign("bank", "recover/1", **recovery(world, "daniyar", "aigul's new phone")),
    ):
        assert codes(world.offer(jws)) == [Code.ALREADY_REGISTERED]


def test_ending_a_recovery_reads_what_it_declares(world: World) -> None:
    id = recover(world, "aigul", "aigul's new phone", "aigul")
    found = stored(world, id)

    needs = {need: world.door.load(need) for need in DUE.needs(found, Known({}))}

    assert len(DUE.ended(found, Known(needs), due_of(world, id)).objects) == 3


# Closing -----------------------------------------------------------------------------------------


def empty_account(world: World) -> str:
    opened = world.do("bank", "account/1", owner=world.parties["aigul"], asset="KZTD")
    return derived(opened, "account")


@pytest.mark.parametrize("signer", ["aigul", "bank"])
def test_a_closed_account_neither_gives_nor_takes(world: World, signer: str) -> None:
    id = empty_account(world)

    world.do(signer, "account_close/1", account=id)

    assert world.door.load(("account", unb64(id, 16))).status == "closed"
    give = world.sign("aigul", "transfer/1", from_=id, to=world.accounts["aigul", "KZTD"],
                      amount="0.01")  # fmt: skip
    take = world.sign("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"], to=id,
                      amount="0.01")  # fmt: skip
    assert codes(world.offer(give)) == codes(world.offer(take)) == [Code.ACCOUNT_NOT_OPEN]


def test_an_account_is_closed_once_it_is_empty(world: World) -> None:
    id = empty_account(world)
    there = {"from_": world.accounts["aigul", "KZTD"], "to": id}
    world.do("aigul", "transfer/1", **there, amount="0.01")
    close = {"account": id}
    assert codes(world.offer(world.sign("aigul", "account_close/1", **close))) == [
        Code.ACCOUNT_NOT_EMPTY
    ]

    world.do("aigul", "transfer/1", from_=id, to=there["from_"], amount="0.01")

    world.do("aigul", "account_close/1", **close)


def test_a_hold_that_is_let_go_of_holds_no_account(world: World) -> None:
    id = empty_account(world)
    there = {"from_": world.accounts["aigul", "KZTD"], "to": id}
    world.do("aigul", "transfer/1", **there, amount="5.00")
    held = world.do("aigul", "hold/1", from_=id, to=world.accounts["cafe", "KZTD"], amount="5.00",
                    ends_at=world.door.time() + HOUR)  # fmt: skip
    close = {"account": id}
    refusal = world.offer(world.sign("aigul", "account_close/1", **close))
    assert codes(refusal) == [Code.ACCOUNT_IN_USE]
    assert isinstance(refusal, Declined)
    assert refusal.reasons[0].params == {"by": "hold"}

    world.do("cafe", "capture/1", hold=derived(held, "hold"), amount="5.00", last=True)

    world.do("aigul", "account_close/1", **close)
