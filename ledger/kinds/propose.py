"""propose/1: put forward what several keys of the party must agree to (design D2).

It does nothing by itself: the approval that makes the number full does, decided under the pack then
in force. How many keys a kind asks for is in the pack (rule `approvals/1`); the proposer's is the
first.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.envelope import PAYLOAD_MAX_LARGE
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.plan import Plan
from ledger.core.proposal import Proposal
from ledger.core.transaction import Ms, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, DueKind, Kind, kind_name, payload_of

OPEN_MAX_MS = 30 * 86_400_000
"""A proposal waits for at most thirty days."""

OPEN = "open"
"""Look-up of a party's open proposals by its id."""


class Propose(Payload, frozen=True, forbid_unknown_fields=True, tag="propose/1"):
    """`payload`: the JSON text of what is to be done, as it would be signed by itself; its own
    `nonce` and `not_after` count for nothing. `ends_at`: ms UTC when the proposal expires."""

    payload: Annotated[str, Meta(min_length=2, max_length=PAYLOAD_MAX_LARGE)]
    ends_at: Ms


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "proposal", derive_key(tx.id, "proposal"))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Propose)
    if tx.proposed is None:
        raise AssertionError("a proposal was read without what it proposes")
    if tx.proposed.ledger != payload.ledger:
        return refused(Code.LEDGER_OTHER, KIND.name, member="payload")
    if not at < payload.ends_at <= at + OPEN_MAX_MS:
        return refused(Code.DATES_CONFLICT, KIND.name, member="ends_at")
    id = derive_key(tx.id, "proposal")
    if known.object("proposal", id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    body = Proposal(
        kind_name(type(tx.proposed)),
        payload.payload,
        tx.id.not_after,
        b64(tx.id.digest),
        (b64(signer.kid),),
    )
    proposal = Object(
        "proposal", id, signer.id, "open", payload.ends_at, body, ((OPEN, signer.id),), 0
    )  # fmt: skip
    return Plan(objects=(proposal,), facts={"proposal": b64(id), "proposed": body.kind})


def closed(proposal: Object, status: str) -> Object:
    """The proposal as it is when it waits no more: `done`, `withdrawn` or `expired`."""
    return structs.replace(proposal, status=status, due=None, lookups=())


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The proposal after its time."""
    return Plan(objects=(closed(object_, "expired"),))


DUE = DueKind("proposal", _ended)
KIND = Kind(Propose, ANYONE, _plan, _needs, large=True, alone=True)
