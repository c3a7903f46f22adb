"""What waits for a second pair of eyes. Proposing, approving, withdrawing are transactions."""

from __future__ import annotations

from typing import Final

from sandbox_api.asked import AfterIdQuery, IdPath
from sandbox_api.auth import Scope
from sandbox_api.reading import proposals
from sandbox_api.reading.known import id_bytes, object_of
from sandbox_api.requests import Answer, Call, Reply, Route, require
from sandbox_api.wire_proposals import ProposalBody, ProposalsBody


def party_proposals(call: Call) -> Reply:
    """A party's open proposals."""
    party, query = id_bytes(call.path["id"]), call.query_as(AfterIdQuery)
    at = call.parts.door.time()
    with call.parts.reader.snapshot() as view:
        require(object_of(view, "party", party), "party")
        page = proposals.open_proposals(view, party, query.after_key, query.limit, at)
    return Reply(page)


def proposal(call: Call) -> Reply:
    """A proposal, open or not."""
    at = call.parts.door.time()
    with call.parts.reader.snapshot() as view:
        found = proposals.proposal(view, id_bytes(call.path["id"]), at)
    return Reply(require(found, "proposal"))


_PROBLEMS: Final = ("not_found", "door_shut")

ROUTES: Final = (
    Route("GET", "/v1/parties/{id}/proposals", "party_proposals", "A party's open proposals",
          party_proposals, Scope.READ, {200: Answer(ProposalsBody, "A page.")}, IdPath,
          AfterIdQuery, problems=_PROBLEMS, group="Proposals"),
    Route("GET", "/v1/proposals/{id}", "proposal", "A proposal", proposal, Scope.READ,
          {200: Answer(ProposalBody, "Who agreed, and how many must.")}, IdPath,
          problems=_PROBLEMS, group="Proposals"),
)  # fmt: skip
