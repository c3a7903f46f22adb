"""What waits for a second pair of eyes. Proposing, approving, withdrawing are transactions.

What an institution has before its officers (an account to be frozen) is not for those whom it
concerns: keys without `log:read` read proposals of persons and merchants alone.
"""

from __future__ import annotations

from typing import Final

from ledger.core.objects import Object, body_of
from ledger.core.party import Party, Role
from sandbox_api.asked import AfterIdQuery, IdPath
from sandbox_api.auth import Scope
from sandbox_api.problems import Problem
from sandbox_api.reading import proposals
from sandbox_api.reading.known import id_bytes, object_of
from sandbox_api.requests import Answer, Call, Reply, Route, require
from sandbox_api.wire_proposals import ProposalBody, ProposalsBody


def party_proposals(call: Call) -> Reply:
    """A party's open proposals."""
    party, query = id_bytes(call.path["id"]), call.query_as(AfterIdQuery)
    at = call.parts.door.time()
    with call.parts.reader.snapshot() as view:
        found = require(object_of(view, "party", party), "party")
        if not _may_read(call, found):
            raise Problem("auth.scope", "an institution's proposals need the scope log:read")
        page = proposals.open_proposals(view, party, query.after_key, query.limit, at)
    return Reply(page)


def proposal(call: Call) -> Reply:
    """A proposal, open or not."""
    at = call.parts.door.time()
    with call.parts.reader.snapshot() as view:
        found = require(proposals.proposal(view, id_bytes(call.path["id"]), at), "proposal")
        party = require(object_of(view, "party", id_bytes(found.party)), "party")
    return Reply(require(found if _may_read(call, party) else None, "proposal"))


def _may_read(call: Call, party: Object) -> bool:
    """Whether the caller's key reads this party's proposals."""
    return call.may(Scope.LOG_READ) or body_of(party, Party).role in (Role.PERSON, Role.MERCHANT)


_PROBLEMS: Final = ("not_found", "door_shut")

ROUTES: Final = (
    Route("GET", "/v1/parties/{id}/proposals", "party_proposals", "A party's open proposals",
          party_proposals, Scope.READ, {200: Answer(ProposalsBody, "A page.")}, IdPath,
          AfterIdQuery, problems=_PROBLEMS, group="Proposals"),
    Route("GET", "/v1/proposals/{id}", "proposal", "A proposal", proposal, Scope.READ,
          {200: Answer(ProposalBody, "Who agreed, and how many must.")}, IdPath,
          problems=_PROBLEMS, group="Proposals"),
)  # fmt: skip
