"""The sequence of events against log and head: runs without gaps, numbered from 1.

A batch writes at most one run of entries, so the runs also tell which entries were committed
together; by that the head's reference version can be counted again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from ledger.audit.verdict import Finding, Part
from ledger.store import EventKind, Head

Run = tuple[int, int, int, int]
"""seq, kind, ref, run, as stored."""


def check_events(
    runs: Sequence[Run], head: Head, size: int, reference: Sequence[int]
) -> Finding | None:
    """The first thing wrong among the event rows and the head's counts, or None: what comes after
    it cannot be told apart. `reference` are the entries, in order, that wrote reference objects."""
    seq, entries, refusals, version = 1, 0, 0, 0
    for place, (number, kind, ref, run) in enumerate(runs):
        index = entries if entries < size else None
        if number != seq:  # only of the first row: of others their neighbour's number was held
            if place + 1 < len(runs) and runs[place + 1][0] == seq + run:
                return _finding(f"the event row numbered {number} should be {seq}", index)
            return _finding(f"events {seq} to {number - 1} are missing", index)
        if ref != (entries if kind == EventKind.ENTRY else refusals + 1) or kind not in (1, 2):
            return _finding(f"event {seq} (kind {kind}, ref {ref}) does not follow", index)
        left = size - entries if kind == EventKind.ENTRY else head.refusals - refusals
        after = runs[place + 1][0] if place + 1 < len(runs) else None
        joined = head.events == seq + run - 1 if after is None else after == seq + run
        if kind == EventKind.REFUSAL and joined:
            left = run  # then it is the head's own count that differs
        if not 1 <= run <= left:
            return _finding(f"event {seq} tells of {run} at once, there are {left}", index)
        if after is not None and after != seq + run:
            told = {EventKind.ENTRY: entries, EventKind.REFUSAL: refusals + 1}
            told[EventKind(kind)] += after - seq
            return _join(runs[place : place + 3], index, told, size)
        if kind == EventKind.ENTRY:
            version += _any_between(reference, entries, entries + run)
            entries += run
        else:
            refusals += run
        seq += run
    if entries != size:
        return _finding(f"events tell of {entries} entries, the log has {size}", entries)
    for name, counted, said in (
        ("events", seq - 1, head.events),
        ("refusals", refusals, head.refusals),
        ("reference_version", version, head.reference_version),
    ):
        if counted != said:
            text = f"{name} of the head is {said}, by log and events it is {counted}"
            return Finding(Part.HEAD, text, size - 1)
    return None


def _join(runs: Sequence[Run], index: int | None, told: dict[EventKind, int], size: int) -> Finding:
    """Two neighbours do not join: the one's run, the other's number, or a row between is missing.

    `told` is what the second tells of if its number is right and the first one's run is not.
    """
    (seq, kind, ref, run), (after, second, of, length) = runs[:2]
    if after < seq + run and of == told.get(second):  # type: ignore[call-overload]
        return _finding(f"event {seq} tells of {run} and runs into event {after}", index)
    following = ref + run if kind == EventKind.ENTRY else index
    if following is not None and following >= size:
        following = None
    if len(runs) == 3 and runs[2][0] == seq + run + length:
        return _finding(f"the event row numbered {after} should be {seq + run}", following)
    if after > seq + run:
        return _finding(f"events {seq + run} to {after - 1} are missing", following)
    misplaced = of if second == EventKind.ENTRY and 0 <= of < size else None
    return _finding(f"the event row numbered {after} does not belong there", misplaced)


def _any_between(ordered: Sequence[int], start: int, stop: int) -> bool:
    at = bisect_left(ordered, start)
    return at < len(ordered) and ordered[at] < stop


def _finding(text: str, index: int | None) -> Finding:
    return Finding(Part.EVENT, text, index)
