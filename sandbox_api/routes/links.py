"""Links of wallets to deposits, and how much a wallet may hold. Making them is a transaction."""

from __future__ import annotations

from typing import Final

from sandbox_api.asked import IdPath
from sandbox_api.auth import Scope
from sandbox_api.problems import Problem
from sandbox_api.reading import links
from sandbox_api.reading.known import id_bytes, object_of
from sandbox_api.requests import Answer, Call, Reply, Route, require
from sandbox_api.wire_links import HoldingBody, LinkBody, LinksBody


def account_link(call: Call) -> Reply:
    """The link of a wallet."""
    with call.parts.reader.snapshot() as view:
        found = links.link(view, id_bytes(call.path["id"]))
    if found is None:
        raise Problem("not_found", "this account was never linked to a deposit")
    return Reply(found)


def party_links(call: Call) -> Reply:
    """The links of a party's wallets."""
    party = id_bytes(call.path["id"])
    with call.parts.reader.snapshot() as view:
        require(object_of(view, "party", party), "party")
        return Reply(links.links_of(view, party))


def holding(call: Call) -> Reply:
    """How much a wallet may hold."""
    at = call.parts.door.time()
    with call.parts.reader.snapshot() as view:
        found = links.holding(view, id_bytes(call.path["id"]), at)
    return Reply(require(found, "account"))


_NONE: Final = ("not_found",)

ROUTES: Final = (
    Route("GET", "/v1/accounts/{id}/link", "account_link", "A wallet's link", account_link,
          Scope.READ, {200: Answer(LinkBody, "Active or ended.")}, IdPath, problems=_NONE,
          group="Bank money"),
    Route("GET", "/v1/accounts/{id}/holding", "holding", "How much a wallet may hold", holding,
          Scope.READ, {200: Answer(HoldingBody, "By the rules in force.")}, IdPath,
          problems=("not_found", "door_shut"), group="Bank money"),
    Route("GET", "/v1/parties/{id}/links", "party_links", "Links of a party's wallets",
          party_links, Scope.READ, {200: Answer(LinksBody, "Ended ones too.")}, IdPath,
          problems=_NONE, group="Bank money"),
)  # fmt: skip
