"""Events by long-poll: the one sequence, read by cursor (D10)."""

from __future__ import annotations

import time
from typing import Final

from sandbox_api.asked import EventsQuery
from sandbox_api.auth import Scope
from sandbox_api.problems import Problem
from sandbox_api.reading.events import Filter, events_after
from sandbox_api.requests import Answer, Call, Reply, Route
from sandbox_api.wire import EventsBody


def events(call: Call) -> Reply:
    """Events after a cursor; where there are none yet, wait for one."""
    query, parts = call.query_as(EventsQuery), call.parts
    if not (query.account or query.request) and not call.may(Scope.LOG_READ):
        raise Problem("events.filter", "name accounts or payment requests: account=, request=")
    wanted = Filter(frozenset(query.account), frozenset(query.request))
    after = query.after if query.after is not None else parts.reader.head().events
    end = time.monotonic() + query.wait
    while True:
        with parts.reader.snapshot() as view:
            found = events_after(view, after, query.limit, wanted, call.lang)
        left = end - time.monotonic()
        if found.events or found.next < found.head or left <= 0:
            return Reply(found)
        # Nothing that is wanted up to the head: go on from there, once it moves.
        after = found.next
        call.parking.wait_beyond(found.head, left)


ROUTES: Final = (
    Route(
        "GET", "/v1/events", "events", "Events after a cursor, waiting for the first",
        events, Scope.READ, {200: Answer(EventsBody, "Events in order, and where to go on.")},
        query=EventsQuery, problems=("events.filter",), parked=True, group="Events",
    ),
)  # fmt: skip
