"""A corridor's timeline, drawn as text: a row a leg, time from left to right.

Each row is in the time of its own ledger; what happened is given to it, nothing is looked up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

import msgspec

from sandbox_api.corridor.terms import MINUTE_MS, Leg, Terms

WIDTH: Final = 54
"""Columns of the time axis."""

MARKS: Final = {"locked": "L", "released": "R", "cancelled": "B", "expired": "X"}
"""What is drawn where a leg's lock came to that status: locked, released, given back, expired."""

LEGEND: Final = "L locked  R released by the secret  B given back  X back by the clock  # away"


class Mark(msgspec.Struct, frozen=True):
    """The lock of leg `place` (0 the first, 1 the second) came to `status` at `at` (ms UTC)."""

    place: int
    status: str
    at: int


class Away(msgspec.Struct, frozen=True):
    """The server of leg `place` was away from `since` to `until` (ms UTC)."""

    place: int
    since: int
    until: int


def draw(terms: Terms, begins: int, marks: Iterable[Mark], away: Iterable[Away] = ()) -> str:
    """The timeline from `begins` (ms UTC) to the end of the first lock, some eight lines."""
    ends = terms.first.ends_at

    def column(at: int) -> int:
        return max(0, min(WIDTH, (at - begins) * WIDTH // (ends - begins)))

    marks, away = tuple(marks), tuple(away)
    lines = [f"{'minutes':<22}{_scale(begins, ends)}"]
    for place, leg in enumerate((terms.first, terms.second)):
        row = _row(leg, [mark for mark in marks if mark.place == place], column)
        for gone in away:
            if gone.place == place:
                since, until = column(gone.since), column(gone.until)
                row = [*row[:since], *("#" if c in " =" else c for c in row[since:until]),
                       *row[until:]]  # fmt: skip
        name = ("first", "second")[place]
        lines.append(f"{name:<7}{leg.amount + ' ' + leg.asset:>14} {''.join(row).rstrip()}")
    left, right = column(terms.second.ends_at), column(ends)
    margin = f" margin {terms.margin_ms // MINUTE_MS} min "
    lines.append(" " * (22 + left) + "<" + margin.center(right - left - 1, "-") + ">")
    return "\n".join([*lines, LEGEND])


def _row(leg: Leg, marks: list[Mark], column: Callable[[int], int]) -> list[str]:
    """One leg: `=` while money is locked, a letter where that changed, `|` where the lock ends."""
    row = [" "] * (WIDTH + 1)
    row[column(leg.ends_at)] = "|"
    locked = next((mark.at for mark in marks if mark.status == "locked"), None)
    if locked is not None:
        over = next((mark.at for mark in marks if mark.status != "locked"), leg.ends_at)
        for place in range(column(locked), column(over)):
            row[place] = "="
    taken = set()
    for mark in marks:
        place = column(mark.at)
        while place in taken:
            place += 1
        taken.add(place)
        row[place] = MARKS[mark.status]
    return row


def _scale(begins: int, ends: int) -> str:
    """Minutes since `begins`, at every sixth of the axis."""
    total = (ends - begins) // MINUTE_MS
    return "".join(f"{total * sixth // 6:<9}" for sixth in range(7)).rstrip()
