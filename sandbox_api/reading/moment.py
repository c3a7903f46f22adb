"""At which moment a reading is asked for: just after an entry, at a time, or now."""

from __future__ import annotations

from bisect import bisect_right

from ledger.log.leaf import decode_leaf
from ledger.store.reader import Snapshot
from sandbox_api.asked import IndexQuery
from sandbox_api.problems import Problem


def index_asked(view: Snapshot, query: IndexQuery) -> int | None:
    """The entry that a query names, by its index or as the last one at a time; None for the newest.
    Raises Problem where both are given, or where the ledger had not begun."""
    if query.at is None:
        return query.index
    if query.index is not None:
        raise Problem("request.query", "give index or at, not both", where="at")
    found = last_at(view, query.at)
    if found is None:
        raise Problem("request.query", "the ledger began later than that", where="at")
    return found


def last_at(view: Snapshot, at: int) -> int | None:
    """Index of the last entry at or before a time (ms UTC), or None before the first. Times never
    go back in a log, so a search of its leaves finds it in some twenty looks."""
    size = view.head().size
    found = bisect_right(range(size), at, key=lambda index: _time_of(view, index)) - 1
    return found if found >= 0 else None


def _time_of(view: Snapshot, index: int) -> int:
    leaf = view.leaf(index)
    if leaf is None:
        raise AssertionError(f"entry {index} is below the head and not there")
    return decode_leaf(leaf).at
