"""The log: checkpoint, tiles, proofs; and the refusals, which are not in it."""

from __future__ import annotations

from typing import Final

from ledger.errors import Malformed
from ledger.log.tiles import ENTRIES, TILE_WIDTH, parse_path
from sandbox_api.asked import ConsistencyQuery, InclusionQuery, PageQuery, RestPath
from sandbox_api.auth import Scope
from sandbox_api.problems import Problem
from sandbox_api.reading.log import consistency, inclusion, tile_bytes
from sandbox_api.reading.transactions import refusals
from sandbox_api.requests import BYTES, TEXT, Answer, Call, Open, Reply, Route
from sandbox_api.wire import ConsistencyBody, InclusionBody, RefusalsBody

_FOR_EVER: Final = "private, max-age=31536000, immutable"


def checkpoint(call: Call) -> Reply:
    """The signed checkpoint of the durable head. Anyone may read it."""
    return Reply(call.parts.door.checkpoint().encode(), media=TEXT)


def tile(call: Call) -> Reply:
    """A tile: hashes for every key, entries for those that may read the log."""
    try:
        asked = parse_path(f"tile/{call.path['path']}")
    except Malformed as error:
        raise Problem("not_found", str(error)) from None
    if asked.level == ENTRIES and not call.may(Scope.LOG_READ):
        raise Problem("auth.scope", f"entries need the scope {Scope.LOG_READ.value}")
    with call.parts.reader.snapshot() as view:
        found = tile_bytes(view, asked)
    if found is None:
        raise Problem("not_found", "the log has not grown so far")
    return Reply(found, media=BYTES, cache=_FOR_EVER if asked.width == TILE_WIDTH else "no-store")


def prove_inclusion(call: Call) -> Reply:
    """That an entry is in a tree."""
    query = call.query_as(InclusionQuery)
    with call.parts.reader.snapshot() as view:
        return Reply(inclusion(view, query.index, query.size))


def prove_consistency(call: Call) -> Reply:
    """That a tree continues another."""
    query = call.query_as(ConsistencyQuery)
    with call.parts.reader.snapshot() as view:
        return Reply(consistency(view, query.from_, query.to))


def list_refusals(call: Call) -> Reply:
    """Refused transactions, newest first."""
    query = call.query_as(PageQuery)
    with call.parts.reader.snapshot() as view:
        return Reply(refusals(view, query.before, query.limit, call.lang))


ROUTES: Final = (
    Route(
        "GET", "/v1/log/checkpoint", "checkpoint", "The signed checkpoint",
        checkpoint, Open.TO_ALL, {200: Answer(TEXT, "A C2SP signed note.")},
        problems=("door_shut",), group="Log",
    ),
    Route(
        "GET", "/v1/log/tile/{path}", "tile", "A tile of hashes or entries",
        tile, Scope.READ, {200: Answer(BYTES, "C2SP tlog-tiles; entries need `log:read`.")},
        path_type=RestPath, problems=("not_found",), group="Log",
    ),
    Route(
        "GET", "/v1/log/proof/inclusion", "inclusion", "That an entry is in the log",
        prove_inclusion, Scope.READ, {200: Answer(InclusionBody, "RFC 6962 audit path.")},
        query=InclusionQuery, problems=("proof_out_of_range",), group="Log",
    ),
    Route(
        "GET", "/v1/log/proof/consistency", "consistency", "That the log was only appended to",
        prove_consistency, Scope.READ, {200: Answer(ConsistencyBody, "RFC 6962 consistency.")},
        query=ConsistencyQuery, problems=("proof_out_of_range",), group="Log",
    ),
    Route(
        "GET", "/v1/refusals", "refusals", "Refused transactions, newest first",
        list_refusals, Scope.REFUSALS, {200: Answer(RefusalsBody, "A page.")},
        query=PageQuery, group="Log",
    ),
)  # fmt: skip
