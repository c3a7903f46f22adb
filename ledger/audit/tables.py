"""Holding the derived rows of a database against a replayed state.

Every row must be there, once, as the log says; each finding names the row and the entry that last
wrote it. Rows are compared as stored, so that damage which cannot even be decoded is found too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from ledger.audit.replay import FullState
from ledger.audit.verdict import Finding, Part
from ledger.core.account import Account
from ledger.core.ids import b64
from ledger.core.objects import Object
from ledger.store.base import EventKind, EventRow, PostingRow
from ledger.store.reader import Snapshot
from ledger.store.rows import stored_object


class PostingsCheck:
    """Walks the posting rows beside the replay, entry by entry."""

    def __init__(self, rows: Iterable[PostingRow]) -> None:
        self._rows = iter(rows)
        self._next = next(self._rows, None)

    def entry(self, index: int, posted: list[Any]) -> Iterator[Finding]:
        """Findings among the posting rows of this entry."""
        for place, leg in enumerate(posted):
            while self._next is not None and self._key() < (index, place):
                yield self._surplus()
            row = self._next
            if row is None or self._key() != (index, place):
                yield Finding(Part.POSTING, f"posting {place} of entry {index} is missing", index)
                continue
            if row.posted != leg:
                yield Finding(
                    Part.POSTING,
                    f"posting {place} of entry {index} is {tuple(row.posted)}, the log says"
                    f" {tuple(leg)} (account, other, amount, balance)",
                    index,
                )
            self._advance()

    def rest(self) -> Iterator[Finding]:
        """Posting rows beyond the last entry."""
        while self._next is not None:
            yield self._surplus()

    def _key(self) -> tuple[int, int]:
        return (self._next[0], self._next[1]) if self._next is not None else (-1, -1)

    def _surplus(self) -> Finding:
        index, place = self._key()
        self._advance()
        return Finding(Part.POSTING, f"posting {place} of entry {index} does not belong", index)

    def _advance(self) -> None:
        self._next = next(self._rows, None)


def compare(snapshot: Snapshot, state: FullState, size: int) -> Iterator[Finding]:
    """Findings among accounts, objects, look-ups, counters, transaction rows and events."""
    return chain(
        _accounts(snapshot, state),
        _objects(snapshot, state),
        _lookups(snapshot, state),
        _counters(snapshot, state),
        _transactions(snapshot, size),
        _events(snapshot, size),
    )


def _accounts(snapshot: Snapshot, state: FullState) -> Iterator[Finding]:
    expected = {value.number: value for need, value in state.values.items() if need[0] == "account"}
    for row in snapshot.all_accounts():
        account = expected.pop(row.number, None)
        if account is None:
            yield Finding(Part.ACCOUNT, f"account number {row.number} is not in the log")
        elif row != account:
            what = "; ".join(_differences(row, account))
            yield Finding(Part.ACCOUNT, f"account {b64(account.id)}: {what}", account.written)
    for account in expected.values():
        yield Finding(Part.ACCOUNT, f"account {b64(account.id)} is missing", account.written)


def _differences(row: Account, account: Account) -> Iterator[str]:
    for name in Account.__struct_fields__:
        stored, said = getattr(row, name), getattr(account, name)
        if stored != said:
            yield f"{name} is {stored!r}, the log says {said!r}"


def _objects(snapshot: Snapshot, state: FullState) -> Iterator[Finding]:
    expected: dict[tuple[Any, ...], Object] = {
        (need[1], need[2]): value for need, value in state.values.items() if need[0] == "object"
    }
    names = ("owner", "status", "due", "body", "lookups", "written")
    for row in snapshot.all_objects():
        object_ = expected.pop((row[0], row[1]), None)
        if object_ is None:
            yield Finding(Part.OBJECT, f"{row[0]} {b64(row[1])} is not in the log")
            continue
        said = stored_object(object_)[2:]
        wrong = [
            n for n, stored, value in zip(names, row[2:], said, strict=True) if stored != value
        ]
        if wrong:
            where = f"{object_.type} {b64(object_.key)}"
            yield Finding(
                Part.OBJECT, f"{where}: {', '.join(wrong)} not as the log says", object_.written
            )
    for object_ in expected.values():
        where = f"{object_.type} {b64(object_.key)}"
        yield Finding(Part.OBJECT, f"{where} is missing", object_.written)


def _lookups(snapshot: Snapshot, state: FullState) -> Iterator[Finding]:
    expected: dict[tuple[Any, ...], int] = {
        (object_.type, name, value, object_.key): object_.written
        for need, object_ in state.values.items()
        if need[0] == "object"
        for name, value in object_.lookups
    }
    for row in snapshot.all_lookups():
        if expected.pop(tuple(row), None) is None:
            owner = state.object(row[0], row[3])
            yield Finding(
                Part.LOOKUP,
                f"look-up {row[0]} {row[1]} {row[2].hex()} is not in the log",
                None if owner is None else owner.written,
            )
    for (type_, name, value, _), written in expected.items():
        yield Finding(Part.LOOKUP, f"look-up {type_} {name} {value.hex()} is missing", written)


def _counters(snapshot: Snapshot, state: FullState) -> Iterator[Finding]:
    expected = {need[1:]: value for need, value in state.values.items() if need[0] == "counter"}
    for measure, period, subject, part, value in snapshot.all_counters():
        key = (measure, period, subject, part)
        said = expected.pop(key, None)
        if said != value:
            yield Finding(
                Part.COUNTER,
                f"counter {measure} {period} {subject.hex()} {part}: {value}, the log says {said}",
                state.counter_written.get(("counter", *key)),
            )
    for key, said in expected.items():
        yield Finding(
            Part.COUNTER,
            f"counter {key[0]} {key[1]} {key[2].hex()} {key[3]} is missing, the log says {said}",
            state.counter_written.get(("counter", *key)),
        )


def _transactions(snapshot: Snapshot, size: int) -> Iterator[Finding]:
    """Each entry's own row was looked up while replaying; here only what is too much."""
    count = 0
    for id, index in snapshot.all_transactions():
        count += 1
        if not 0 <= index < size:
            yield Finding(Part.TRANSACTION, f"transaction {id} points at entry {index}", index)
    if count > size:
        yield Finding(Part.TRANSACTION, f"{count - size} transaction rows do not belong")


def _events(snapshot: Snapshot, size: int) -> Iterator[Finding]:
    head = snapshot.head()
    entries, refusals, seq = 0, 0, -1
    event: EventRow
    for event in snapshot.all_events():
        if seq >= 0 and event.seq != seq + 1:
            yield Finding(Part.EVENT, f"after event {seq} comes {event.seq}", entries or None)
        seq = event.seq
        if event.kind == EventKind.ENTRY:
            if event.ref != entries:
                yield Finding(Part.EVENT, f"event {seq} tells of entry {event.ref}", entries)
            entries = event.ref + 1
        elif event.kind == EventKind.REFUSAL:
            refusals += 1
            if event.ref != refusals:
                yield Finding(Part.EVENT, f"event {seq} tells of refusal {event.ref}")
                refusals = event.ref
        else:
            yield Finding(Part.EVENT, f"event {seq} is of no kind: {event.kind}")
    if entries != size:
        yield Finding(Part.EVENT, f"events tell of {entries} entries, the log has {size}")
    if refusals != head.refusals:
        yield Finding(Part.EVENT, f"events tell of {refusals} refusals, not of {head.refusals}")
