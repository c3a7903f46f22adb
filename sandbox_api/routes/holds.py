"""Money that is reserved. Holding, capturing and letting go are transactions."""

from __future__ import annotations

from typing import Final

from sandbox_api.asked import AfterIdQuery, IdPath
from sandbox_api.auth import Scope
from sandbox_api.reading import holds
from sandbox_api.reading.known import account_of, id_bytes
from sandbox_api.requests import Answer, Call, Reply, Route, require
from sandbox_api.wire_holds import HoldBody, HoldsBody


def account_holds(call: Call) -> Reply:
    """An account's open holds, as payer or payee."""
    account, query = id_bytes(call.path["id"]), call.query_as(AfterIdQuery)
    with call.parts.reader.snapshot() as view:
        require(account_of(view, account), "account")
        return Reply(holds.open_holds(view, account, query.after_key, query.limit))


def hold(call: Call) -> Reply:
    """A hold, open or not."""
    with call.parts.reader.snapshot() as view:
        return Reply(require(holds.hold(view, id_bytes(call.path["id"])), "hold"))


_PROBLEMS: Final = ("not_found",)

ROUTES: Final = (
    Route("GET", "/v1/accounts/{id}/holds", "account_holds", "An account's open holds",
          account_holds, Scope.READ, {200: Answer(HoldsBody, "A page.")}, IdPath, AfterIdQuery,
          problems=_PROBLEMS, group="Holds"),
    Route("GET", "/v1/holds/{id}", "hold", "A hold", hold, Scope.READ,
          {200: Answer(HoldBody, "What is held, taken and left.")}, IdPath, problems=_PROBLEMS,
          group="Holds"),
)  # fmt: skip
