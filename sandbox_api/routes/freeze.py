"""What was seized. Freezing, debiting, seizing and disposing are transactions."""

from __future__ import annotations

from typing import Final

from sandbox_api.asked import IndexQuery
from sandbox_api.auth import Scope
from sandbox_api.reading import freeze
from sandbox_api.reading.moment import index_asked
from sandbox_api.requests import Answer, Call, Reply, Route
from sandbox_api.wire_freeze import ReserveBody


def reserve(call: Call) -> Reply:
    """The central bank's reserve, now or at a past entry or time."""
    with call.parts.reader.snapshot() as view:
        return Reply(freeze.reserve(view, index_asked(view, call.query_as(IndexQuery))))


ROUTES: Final = (
    Route("GET", "/v1/reserve", "reserve", "The reserve of what was seized", reserve, Scope.READ,
          {200: Answer(ReserveBody, "One holding an asset.")}, query=IndexQuery, group="Orders"),
)  # fmt: skip
