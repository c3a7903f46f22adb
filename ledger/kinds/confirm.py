"""confirm/1: bring an oracle's signed event, by which a payee has earned marked money. Anyone may
bring it; the event counts once, and what it says adds up.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core import counters
from ledger.core.amount import parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.mark import Condition, Confirmed, Event
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.plan import Plan
from ledger.core.transaction import NOT_AFTER_AHEAD_MAX_MS, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    asset_of,
    embedded_of,
    id_of,
    party_need,
    party_of,
)
from ledger.kinds.marked import mark_needs, named_mark, policy_in


class Confirm(Payload, frozen=True, forbid_unknown_fields=True, tag="confirm/1"):
    """`event`: the oracle's JWS, whole."""

    event: str


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    event = embedded_of(tx, Event)
    yield from mark_needs(known, event.body.mark)
    yield party_need(event.body.payee)
    yield ("object", "key", event.kid)
    yield ("object", "event", event.id)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    event = embedded_of(tx, Event)
    body = event.body
    if body.ledger != tx.payload.ledger:
        return refused(Code.LEDGER_OTHER, KIND.name, member="event")
    if not at <= body.not_after <= at + NOT_AFTER_AHEAD_MAX_MS:
        return refused(Code.EVENT_EXPIRED, KIND.name, not_after=body.not_after, at=at)
    policy = policy_in(named_mark(known, body.mark, at, KIND.name))
    key = known.object("key", event.kid)
    if key is None or key.status != "active":
        return refused(Code.KEY_UNKNOWN, KIND.name, kid=b64(event.kid))
    if Condition(b64(key.owner), body.event) not in policy.conditions:
        return refused(Code.NO_AUTHORITY, KIND.name, member="event")
    party_of(known, id_of(body.payee), KIND.name)
    if known.object("event", event.id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name, member="event")
    amount = parse_amount(body.amount, asset_of(known, policy.asset, KIND.name).scale)
    confirmed = Confirmed(body.mark, body.event, body.payee, amount)
    object_ = Object("event", event.id, key.owner, "counted", None, confirmed, (), 0)
    part = confirmed_part(Condition(b64(key.owner), body.event), body.payee)
    return Plan(
        objects=(object_,),
        counts=((counters.MARK_CONFIRMED, 0, id_of(body.mark), part, amount),),
        facts={"event": b64(event.id)},
    )


def confirmed_part(condition: Condition, payee: str) -> str:
    """The part of the counter of what a condition's oracle has confirmed for a payee (party id)."""
    return f"{condition.oracle}:{condition.event}:{payee}"


def _embeds(payload: Payload) -> tuple[tuple[type[Event], str], ...]:
    if not isinstance(payload, Confirm):
        raise AssertionError(f"{payload!r} has no event")
    return ((Event, payload.event),)


KIND = Kind(Confirm, ANYONE, _plan, _needs, embeds=_embeds, alone=True)
