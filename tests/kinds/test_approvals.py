"""Two pairs of eyes: what several keys of a party must agree to."""

from __future__ import annotations

import pytest

from ledger.core.decision import Code
from ledger.core.ids import b64, unb64
from ledger.core.objects import Object
from ledger.writer.answers import Answer, Declined, Taken
from tests.builders import DAY, World, derived, key_of, pack_text
from tests.kinds.families.approvals import SECOND, a_payload, propose, second_key
from tests.kinds.pure import pure_world

THIRD = "nbk third"
PACK = """
[[rule]]
rule = "approvals/1"
valid_from = 2023-04-01
status = "HYPOTHETICAL"
source = "D2"
parameters = {{ keys = {{ {keys} }} }}
"""


def asked(**keys: int) -> str:
    """The shipped pack, asking for so many keys of these kinds."""
    rows = ", ".join(f'"{kind}/1" = {many}' for kind, many in keys.items())
    return pack_text() + PACK.format(keys=rows)


@pytest.fixture
def world() -> World:
    """A central bank of three officers, whose issues two of them must agree to."""
    made = pure_world()
    second_key(made)
    second_key(made, name=THIRD)
    made.do("nbk", "pack/1", text=asked(issue=2))
    return made


def codes(answer: Answer) -> list[Code]:
    assert isinstance(answer, Declined), answer
    return [reason.code for reason in answer.reasons]


def approve(world: World, signer: str, id: str) -> Answer:
    return world.offer(world.sign(signer, "approve/1", proposal=id))


def proposal(world: World, id: str) -> Object:
    found: Object = world.door.load(("object", "proposal", unb64(id, 16)))
    return found


def balance(world: World, name: str = "bank") -> int:
    held: int = world.door.load(("account", unb64(world.accounts[name, "KZTD"], 16))).balance
    return held


def test_one_key_is_not_enough_where_the_pack_asks_for_two(world: World) -> None:
    answer = world.offer(
        world.sign("nbk", "issue/1", to=world.accounts["bank", "KZTD"], amount="1.00")
    )

    assert codes(answer) == [Code.APPROVALS_MISSING]
    assert isinstance(answer, Declined)
    assert answer.reasons[0].params == {"kind": "issue/1", "needed": 2}


def test_the_second_key_does_what_the_first_proposed(world: World) -> None:
    before = balance(world)
    id = propose(world)
    assert balance(world) == before

    answer = approve(world, SECOND, id)

    assert isinstance(answer, Taken)
    assert balance(world) == before + 500_00
    assert (proposal(world, id).status, proposal(world, id).due) == ("done", None)


def test_three_keys_are_three_keys(world: World) -> None:
    id = propose(world)
    world.do(SECOND, "propose/1", payload=a_payload(world, "pack/1", text=asked(issue=3)),
             ends_at=world.door.time() + DAY)  # fmt: skip
    world.do("nbk", "pack/1", text=asked(issue=3))
    before = balance(world)

    assert isinstance(approve(world, SECOND, id), Taken)
    assert balance(world) == before
    assert proposal(world, id).status == "open"
    assert isinstance(approve(world, THIRD, id), Taken)
    assert balance(world) == before + 500_00


def test_the_pack_then_in_force_decides(world: World) -> None:
    id = propose(world)
    world.do("nbk", "pack/1", text='format = 1\nname = "empty"\n')

    assert codes(approve(world, SECOND, id)) == [Code.PACK_EMPTY]
    assert proposal(world, id).status == "open"


def test_a_key_out_of_use_agrees_no_more(world: World) -> None:
    id = propose(world)
    need = ("object", "key", unb64(key_of("nbk").kid, 32))
    held = world.door.load(need)
    world.door.state.values[need] = Object(
        held.type, held.key, held.owner, "revoked", None, held.body, (), held.written
    )
    before = balance(world)

    assert isinstance(approve(world, SECOND, id), Taken)
    assert balance(world) == before
    assert isinstance(approve(world, THIRD, id), Taken)
    assert balance(world) == before + 500_00


def test_what_the_proposed_kind_refuses_leaves_the_proposal_open(world: World) -> None:
    id = propose(world, payload=a_payload(
        world, "redeem/1", from_=world.accounts["bank", "KZTD"], amount="99000000000.00"
    ))  # fmt: skip

    assert codes(approve(world, SECOND, id)) == [Code.FUNDS]
    assert len(proposal(world, id).body.approvals) == 1  # type: ignore[attr-defined]
    assert proposal(world, id).status == "open"


def test_ids_of_what_is_made_follow_from_the_proposing_transaction(world: World) -> None:
    jws = world.do(
        "nbk", "propose/1", ends_at=world.door.time() + DAY,
        payload=a_payload(world, "party/1", role="bank", tier=3,
                          key=b64(key_of("a new bank").public_key)),
    )  # fmt: skip

    assert isinstance(approve(world, SECOND, derived(jws, "proposal")), Taken)
    assert world.door.load(("object", "party", unb64(derived(jws, "party"), 16))) is not None


def test_a_proposed_key_must_be_a_good_point(world: World) -> None:
    jws = world.sign(
        "nbk", "propose/1", ends_at=world.door.time() + DAY,
        payload=a_payload(world, "party/1", role="bank", tier=3, key=b64(bytes(32))),
    )  # fmt: skip

    assert getattr(world.offer(jws), "code", "") == "key.point"


# One officer cannot be two -----------------------------------------------------------------------


ROLES = """
[[rule]]
rule = "approvals/1"
valid_from = 2023-04-01
status = "HYPOTHETICAL"
source = "D2"
[rule.parameters]
keys = { "issue/1" = 2 }
[rule.parameters.roles.central_bank]
"key/1" = 2
"party/1" = 2
"""


@pytest.fixture
def guarded() -> World:
    """A central bank of two officers, and what its role asks for."""
    made = pure_world()
    second_key(made)
    made.do("nbk", "pack/1", text=pack_text() + ROLES)
    return made


def test_one_officer_cannot_register_a_second_key_and_agree_with_itself(guarded: World) -> None:
    own = guarded.sign("nbk", "key/1", party=guarded.parties["nbk"],
                       key=b64(key_of(THIRD).public_key))  # fmt: skip

    assert codes(guarded.offer(own)) == [Code.APPROVALS_MISSING]

    key = b64(key_of(THIRD).public_key)
    payload = a_payload(guarded, "key/1", party=guarded.parties["nbk"], key=key)
    assert isinstance(approve(guarded, SECOND, propose(guarded, payload=payload)), Taken)
    assert isinstance(approve(guarded, THIRD, propose(guarded)), Taken)


def test_the_officer_who_is_left_cannot_add_another(guarded: World) -> None:
    guarded.do("nbk", "key_revoke/1", kid=key_of(SECOND).kid)

    own = guarded.sign("nbk", "key/1", party=guarded.parties["nbk"],
                       key=b64(key_of(THIRD).public_key))  # fmt: skip

    assert codes(guarded.offer(own)) == [Code.APPROVALS_MISSING]


def test_who_never_had_another_key_adds_the_second_alone() -> None:
    world = pure_world()
    world.do("nbk", "pack/1", text=pack_text() + ROLES)

    second_key(world)

    assert isinstance(approve(world, SECOND, propose(world)), Taken)


def test_one_officer_cannot_make_an_institution(guarded: World) -> None:
    made = guarded.sign("nbk", "party/1", role="supervisor", tier=3,
                        key=b64(key_of("a new supervisor").public_key))  # fmt: skip

    assert codes(guarded.offer(made)) == [Code.APPROVALS_MISSING]


def test_what_a_role_asks_for_is_asked_of_no_other(guarded: World) -> None:
    guarded.register("bank", "renat", "person", 1)
    second_key(guarded, "bank", "bank second")
    second_key(guarded, "bank", "bank third")
