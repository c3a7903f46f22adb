"""Money that is reserved. Holding, capturing and letting go are transactions."""

from __future__ import annotations

from typing import Final

from sandbox_api.asked import AfterIdQuery, IdPath
from sandbox_api.auth import Scope
from sandbox_api.problems import Problem
from sandbox_api.reading import holds
from sandbox_api.reading.known import account_of, id_bytes
from sandbox_api.requests import Answer, Call, Reply, Route
from sandbox_api.wire_holds import HoldBody, HoldsBody


def account_holds(call: Call) -> Reply:
    """An account's open holds, as payer or payee."""
    account, query = id_bytes(call.path["id"]), call.query_as(AfterIdQuery)
    after = b"" if query.after is None else id_bytes(query.after)
    with call.parts.reader.snapshot() as view:
        if account_of(view, account) is None:
            raise Problem("not_found", "this ledger knows no such account")
        return Reply(holds.open_holds(view, account, after, query.limit))


def hold(call: Call) -> Reply:
    """A hold, open or not."""
    with call.parts.reader.snapshot() as view:
        found = holds.hold(view, id_bytes(call.path["id"]))
    if found is None:
        raise Problem("not_found", "this ledger knows no such hold")
    return Reply(found)


_PROBLEMS: Final = ("not_found",)

ROUTES: Final = (
    Route("GET", "/v1/accounts/{id}/holds", "account_holds", "An account's open holds",
          account_holds, Scope.READ, {200: Answer(HoldsBody, "A page.")}, IdPath, AfterIdQuery,
          problems=_PROBLEMS, group="Holds"),
    Route("GET", "/v1/holds/{id}", "hold", "A hold", hold, Scope.READ,
          {200: Answer(HoldBody, "What is held, taken and left.")}, IdPath, problems=_PROBLEMS,
          group="Holds"),
)  # fmt: skip
