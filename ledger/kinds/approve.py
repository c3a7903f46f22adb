"""approve/1: agree to a proposal with another key of the same party. The approval that makes the
number full does what was proposed, in this entry, decided under the pack now in force.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.plan import Plan
from ledger.core.proposal import Proposal
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of, require


class Approve(Payload, frozen=True, forbid_unknown_fields=True, tag="approve/1"):
    """`proposal`: its id."""

    proposal: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "proposal", id_of(payload_of(tx, Approve).proposal))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Approve)
    proposal = own_proposal(known, payload.proposal, signer, KIND.name)
    body = body_of(proposal, Proposal)
    kid = b64(signer.kid)
    if kid in body.approvals:
        return refused(Code.APPROVED_ALREADY, KIND.name, kid=kid)
    approved = structs.replace(
        proposal, body=structs.replace(body, approvals=(*body.approvals, kid))
    )
    return Plan(objects=(approved,), facts={"proposal": payload.proposal, "proposed": body.kind})


def own_proposal(known: Known, id: str, signer: Signer, kind: str) -> Object:
    """An open proposal of the signer's party, or PROPOSAL_UNKNOWN / STATUS_CONFLICT. Other parties
    hear no more than that there is none."""
    proposal = require(
        known.object("proposal", id_of(id)), Code.PROPOSAL_UNKNOWN, kind, proposal=id
    )
    if proposal.owner != signer.id:
        proposal = require(None, Code.PROPOSAL_UNKNOWN, kind, proposal=id)
    require(
        proposal if proposal.status == "open" else None,
        Code.STATUS_CONFLICT,
        kind,
        status=proposal.status,
    )
    return proposal


KIND = Kind(Approve, ANYONE, _plan, _needs, alone=True)
