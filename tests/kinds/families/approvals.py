"""Two pairs of eyes: propose/1, approve/1, withdraw/1."""

from __future__ import annotations

import json
from typing import Any

from ledger.core.ids import b64
from ledger.writer.answers import Answer
from tests.builders import DAY, HOUR, World, derived, key_of
from tests.kinds.sample import Sample
from tests.kinds.table import NOBODY, C, bad
from tests.rules.till import Sale

SECOND = "nbk second"
"""A second officer's key of the central bank."""


def a_payload(world: World, kind: str = "issue/1", **members: Any) -> str:
    """What is proposed, as JSON text; an issue of 500.00 unless said otherwise."""
    if kind == "issue/1":
        members = {"to": world.accounts["bank", "KZTD"], "amount": "500.00"} | members
    return world.signing.payload(kind, **members).decode()


def propose(world: World, signer: str = "nbk", payload: str = "", ahead: int = DAY) -> str:
    """Propose something; the proposal's id."""
    jws = world.do(signer, "propose/1", payload=payload or a_payload(world),
                   ends_at=world.door.time() + ahead)  # fmt: skip
    return derived(jws, "proposal")


def second_key(world: World, party: str = "nbk", name: str = SECOND) -> None:
    """Another key of a party."""
    world.do(party, "key/1", party=world.parties[party], key=b64(key_of(name).public_key))


def _to_approve(world: World) -> None:
    second_key(world)
    world.to_approve = propose(world)


def _to_withdraw(world: World) -> None:
    world.to_withdraw = propose(world)


SAMPLES = {
    "propose/1": Sample(
        "nbk", lambda w: {"payload": a_payload(w), "ends_at": w.door.time() + DAY}, ("proposal",)
    ),
    "approve/1": Sample(SECOND, lambda w: {"proposal": w.to_approve}, before=_to_approve),
    "withdraw/1": Sample("nbk", lambda w: {"proposal": w.to_withdraw}, before=_to_withdraw),
}


def everything(world: World) -> None:
    """A proposal that is done, one that is withdrawn, one that will expire."""
    _to_approve(world)
    _done(world)
    world.do("nbk", "withdraw/1", proposal=propose(world))
    propose(world, ahead=HOUR)


def _nested(world: World) -> str:
    return a_payload(world, "propose/1", payload=a_payload(world), ends_at=world.door.time() + DAY)


def _others_ledger(world: World) -> str:
    made = json.loads(a_payload(world))
    return json.dumps(made | {"ledger": NOBODY})


def _done(world: World) -> None:
    world.do(SECOND, "approve/1", proposal=world.to_approve)


def _withdrawn(world: World) -> None:
    world.do("nbk", "withdraw/1", proposal=world.to_approve)
    world.do("nbk", "withdraw/1", proposal=world.to_withdraw)


def _expired(world: World) -> None:
    world.door.at += DAY
    for id in (world.to_approve, world.to_withdraw):
        world.do("operator", "expire/1", type="proposal", key=id, due=_due(world, id))


def _due(world: World, id: str) -> int:
    from ledger.core.ids import unb64

    due: int = world.door.load(("object", "proposal", unb64(id, 16))).due
    return due


def _too_much(world: World) -> str:
    world.do("nbk", "redeem/1", from_=world.accounts["bank", "KZTD"], amount="1.00")
    return propose(
        world,
        payload=a_payload(
            world, "redeem/1", from_=world.accounts["bank", "KZTD"], amount="90000000000.00"
        ),
    )


def _not_their_kind(world: World) -> str:
    zone = world.zone
    return propose(world, payload=a_payload(world, "zone_suspend/1", zone=zone))


def _by_a_bank(world: World) -> str:
    return propose(world, "bank")


def _forms(member: str) -> list[Any]:
    return [
        bad("an id spelled otherwise", "id.base64", **{member: "A" * 21 + "B"}),
        bad("a short id", "payload.member", **{member: "A" * 21}),
        bad("a number for an id", "payload.member", **{member: 7}),
    ]


REFUSALS = {
    "propose/1": [
        bad("that ends now", C.DATES_CONFLICT, ends_at=lambda w: w.door.time()),
        bad("that ended", C.DATES_CONFLICT, ends_at=lambda w: w.door.time() - 1),
        bad("that waits too long", C.DATES_CONFLICT,
            ends_at=lambda w: w.door.time() + 30 * DAY + 1),
        bad("for another ledger", C.LEDGER_OTHER, payload=_others_ledger),
        bad("of a proposal", "proposal.kind", payload=_nested),
        bad("of a payment", "proposal.kind",
            payload=lambda w: a_payload(w, "pay/1", from_=w.accounts["aigul", "KZTD"],
                                        request=Sale().request(w))),
        bad("of time", "proposal.kind",
            payload=lambda w: a_payload(w, "clock/1", offset=0, frozen_at=None)),
        bad("of nothing", "payload.member", payload="{}"),
        bad("of no JSON", "payload.json", payload="issue it"),
        bad("of a member twice", "payload.repeated",
            payload=lambda w: a_payload(w)[:-1] + ',"amount":"500.00"}'),
        bad("of a fraction", "payload.number",
            payload=lambda w: a_payload(w)[:-1] + ',"extra":1.5}'),
        bad("of a kind nobody knows", "payload.member", payload=lambda w: a_payload(w, "mint/1")),
        bad("without an end", "payload.member", ends_at=None),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    ],
    "approve/1": [
        bad("with the same key", C.APPROVED_ALREADY, "nbk"),
        bad("by another party", C.PROPOSAL_UNKNOWN, "bank"),
        bad("of nothing", C.PROPOSAL_UNKNOWN, proposal=NOBODY),
        bad("what is done", C.STATUS_CONFLICT, before=_done),
        bad("what is withdrawn", C.STATUS_CONFLICT, before=_withdrawn),
        bad("what has expired", C.STATUS_CONFLICT, before=_expired),
        bad("what the money does not allow", C.FUNDS, proposal=_too_much),
        bad("what the party may not do", C.ROLE_NOT_ADMITTED, proposal=_not_their_kind),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *_forms("proposal"),
    ],
    "withdraw/1": [
        bad("by another party", C.PROPOSAL_UNKNOWN, "bank"),
        bad("of nothing", C.PROPOSAL_UNKNOWN, proposal=NOBODY),
        bad("of an object of another type", C.PROPOSAL_UNKNOWN, proposal=lambda w: w.zone),
        bad("what is done", C.STATUS_CONFLICT,
            before=_done, proposal=lambda w: w.to_approve),
        bad("what is withdrawn", C.STATUS_CONFLICT, before=_withdrawn),
        bad("what has expired", C.STATUS_CONFLICT, before=_expired),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *_forms("proposal"),
    ],
}  # fmt: skip


def by_approve(world: World, sale: Sale, scene: Any) -> Answer:
    """The payer proposes to send the money straight to the merchant, and a second key of the payer
    agrees after the scene."""
    name = f"{sale.payer} second"
    second_key(world, sale.payer, name)
    id = propose(world, sale.payer, a_payload(
        world, "transfer/1", from_=world.accounts[sale.payer, sale.asset],
        to=world.accounts[sale.payee(), sale.asset], amount=sale.units(world),
    ), ahead=20 * DAY)  # fmt: skip
    scene(world)
    return world.offer(world.sign(name, "approve/1", proposal=id))


MOVES = {"approve/1": (by_approve,)}
JUDGED_AS = {"by_approve": "by_transfer"}
STILL = frozenset({"propose/1", "withdraw/1"})
TRIES: dict[str, Any] = {
    name: lambda draw, world, name=name: (SAMPLES[name].signer, SAMPLES[name].members(world))
    for name in SAMPLES
}
