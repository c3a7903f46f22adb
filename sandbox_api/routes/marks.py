"""Marks: the policy as data, the accounts, the budget, the way of the money. Beginning marks,
allocating and paying are transactions."""

from __future__ import annotations

from typing import Final

from ledger.core.ids import b64
from sandbox_api.asked import AfterIdQuery, IdPath, IndexQuery, LineQuery, MarkedQuery, TraceQuery
from sandbox_api.auth import Scope
from sandbox_api.reading import marks
from sandbox_api.reading.known import account_of, id_bytes, object_of
from sandbox_api.reading.payment_requests import title_of
from sandbox_api.requests import SVG, Answer, Call, Reply, Route, require
from sandbox_api.wire_marks import (
    BudgetBody,
    BudgetsBody,
    MarkBody,
    MarkedAccountsBody,
    MarksBody,
    TraceBody,
)


def mark(call: Call) -> Reply:
    """A mark, ended or not."""
    with call.parts.reader.snapshot() as view:
        return Reply(require(marks.mark_body(view, id_bytes(call.path["id"])), "mark"))


def party_marks(call: Call) -> Reply:
    """Marks that a party began."""
    owner, query = id_bytes(call.path["id"]), call.query_as(AfterIdQuery)
    with call.parts.reader.snapshot() as view:
        require(object_of(view, "party", owner), "party")
        return Reply(marks.marks_of(view, owner, query.after_key, query.limit))


def mark_accounts(call: Call) -> Reply:
    """Accounts with a mark."""
    id, query = id_bytes(call.path["id"]), call.query_as(MarkedQuery)
    with call.parts.reader.snapshot() as view:
        require(object_of(view, "mark", id), "mark")
        after = None
        if query.after is not None:
            after = require(account_of(view, id_bytes(query.after)), "account")
        return Reply(marks.accounts_with(view, b64(id), after, query.limit))


def mark_budget(call: Call) -> Reply:
    """What became of all that was allocated, at any entry."""
    query = call.query_as(IndexQuery)
    with call.parts.reader.snapshot() as view:
        found = marks.budget_body(view, id_bytes(call.path["id"]), query.index)
        return Reply(require(found, "mark"))


def budget_line(call: Call) -> Reply:
    """Every budget of one line."""
    query = call.query_as(LineQuery)
    with call.parts.reader.snapshot() as view:
        return Reply(marks.budgets_of(view, query.line, query.after_key, query.limit))


def mark_trace(call: Call) -> Reply:
    """The way of a mark's money, as a table."""
    query = call.query_as(TraceQuery)
    with call.parts.reader.snapshot() as view:
        after = -1 if query.after is None else query.after
        found = marks.trace(view, id_bytes(call.path["id"]), after, query.limit)
        return Reply(require(found, "mark"))


def mark_picture(call: Call) -> Reply:
    """The same as a picture."""
    with call.parts.reader.snapshot() as view:
        found = marks.picture(
            view, id_bytes(call.path["id"]), lambda party: title_of(call.parts, party) or party[:11]
        )
        return Reply(require(found, "mark"), media=SVG)


_NONE: Final = ("not_found",)
_LARGE: Final = ("not_found", "mark.large")

ROUTES: Final = (
    Route("GET", "/v1/marks/{id}", "mark", "A mark", mark, Scope.READ,
          {200: Answer(MarkBody, "Its policy, and where it stands.")}, IdPath,
          problems=_NONE, group="Marks"),
    Route("GET", "/v1/parties/{id}/marks", "party_marks", "Marks that a party began", party_marks,
          Scope.READ, {200: Answer(MarksBody, "A page.")}, IdPath, AfterIdQuery,
          problems=_NONE, group="Marks"),
    Route("GET", "/v1/marks/{id}/accounts", "mark_accounts", "Accounts with a mark", mark_accounts,
          Scope.READ, {200: Answer(MarkedAccountsBody, "A page.")}, IdPath, MarkedQuery,
          problems=_NONE, group="Marks"),
    Route("GET", "/v1/marks/{id}/budget", "mark_budget", "What became of the money", mark_budget,
          Scope.READ, {200: Answer(BudgetBody, "The whole programme, and each mark.")}, IdPath,
          IndexQuery, problems=_LARGE, group="Marks"),
    Route("GET", "/v1/budget-lines", "budget_line", "Budgets under one line", budget_line,
          Scope.READ, {200: Answer(BudgetsBody, "A page.")}, query=LineQuery,
          problems=("mark.large",), group="Marks"),
    Route("GET", "/v1/marks/{id}/trace", "mark_trace", "The way of the money", mark_trace,
          Scope.READ, {200: Answer(TraceBody, "A page, oldest first.")}, IdPath, TraceQuery,
          problems=_LARGE, group="Marks"),
    Route("GET", "/v1/marks/{id}/trace.svg", "mark_picture", "The way of the money, drawn",
          mark_picture, Scope.READ, {200: Answer(SVG, "A picture.")}, IdPath,
          problems=_LARGE, group="Marks"),
)  # fmt: skip
