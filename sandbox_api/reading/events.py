"""The one sequence of events, rendered and filtered; HTTP and the stream read it here (D10).

Events are read by cursor and never kept by us: nothing is lost over a reconnect. A filtered read
looks at a bounded number of events and says how far it came, so a far cursor costs rounds and not
one long read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from ledger.store.base import EventKind, EventRow, StoredRefusal
from ledger.store.reader import Snapshot
from sandbox_api.limits import EVENTS_SCANNED_MAX
from sandbox_api.reading.entries import Entry, entries_at, reasons_of, told_of
from sandbox_api.wire import EventBody, EventsBody

_PAGE = 256
"""Events rendered in one go."""

NAMING: Final = ("from", "to", "account", "wallet", "deposit", "hold", "lock")
"""Members of a payload that name an account; a hold or a lock and its account have one id."""


class Filter(NamedTuple):
    """Which events someone wants: of these accounts or these payment requests (ids as text).

    With neither, every event. An entry is found by its postings and by every account that it names
    (`NAMING`), so that whom a hold or a lock is for hears of it. A refusal has no postings and
    concerns its payer alone: it is found by its payment request, or by the account named as `from`.
    """

    accounts: frozenset[str] = frozenset()
    requests: frozenset[str] = frozenset()

    def wants(self, event: EventBody, named: frozenset[str]) -> bool:
        """Whether the filter lets an event through; `named`: accounts of its payload."""
        if not self.accounts and not self.requests:
            return True
        if event.request is not None and event.request in self.requests:
            return True
        if not named.isdisjoint(self.accounts):
            return True
        return any(
            posting.debit in self.accounts or posting.credit in self.accounts
            for posting in event.postings or ()
        )


def events_after(view: Snapshot, after: int, limit: int, wanted: Filter, lang: str) -> EventsBody:
    """Events numbered above `after`, at most `limit` of those that are wanted; the first is 1."""
    head = view.head().events
    found: list[EventBody] = []
    scanned = 0
    while after < head and len(found) < limit and scanned < EVENTS_SCANNED_MAX:
        page = _PAGE if wanted.accounts or wanted.requests else limit - len(found)
        rows = view.events(after, min(page, EVENTS_SCANNED_MAX - scanned))
        if not rows:
            break
        scanned += len(rows)
        after = rows[-1].seq
        for event, named in render(view, rows, lang):
            if wanted.wants(event, named):
                found.append(event)
                if len(found) == limit:
                    after = event.seq
                    break
    return EventsBody(tuple(found), after, max(head, after))


def render(
    view: Snapshot, rows: Sequence[EventRow], lang: str
) -> list[tuple[EventBody, frozenset[str]]]:
    """Stored events as they are told, each with the accounts that its payload names.

    A refusal that was pruned meanwhile is left out.
    """
    entries = entries_at(view, {row.ref for row in rows if row.kind is EventKind.ENTRY})
    refused = view.refusals_by_number([row.ref for row in rows if row.kind is EventKind.REFUSAL])
    found: list[tuple[EventBody, frozenset[str]]] = []
    for row in rows:
        if row.kind is EventKind.ENTRY:
            found.append(_entry_event(row.seq, entries[row.ref]))
        elif row.ref in refused:
            found.append(_refusal_event(row.seq, refused[row.ref], lang))
    return found


def _entry_event(seq: int, entry: Entry) -> tuple[EventBody, frozenset[str]]:
    told = entry.told
    event = EventBody(
        seq=seq,
        type="entry",
        at=entry.at,
        kind=told.kind,
        id=told.id,
        signer=told.signer,
        index=entry.index,
        request=told.request,
        postings=entry.postings,
        facts=dict(entry.facts),
    )
    return event, _named(told.payload, NAMING)


def _refusal_event(seq: int, refusal: StoredRefusal, lang: str) -> tuple[EventBody, frozenset[str]]:
    told = told_of(refusal.refusal.jws)
    event = EventBody(
        seq=seq,
        type="refusal",
        at=refusal.refusal.at,
        kind=told.kind,
        id=told.id,
        signer=told.signer,
        request=told.request,
        reasons=reasons_of(refusal, lang),
    )
    return event, _named(told.payload, ("from",))


def _named(payload: dict[str, Any], members: Sequence[str]) -> frozenset[str]:
    """The ids that stand in these members."""
    found = (payload.get(member) for member in members)
    return frozenset(id for id in found if isinstance(id, str))
