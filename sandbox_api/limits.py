"""Every bound of the HTTP side, by name, and the gate that keeps one.

Bodies, pages, batches, depths, waiting and work in flight are all bounded, so that load is answered
with 413, 400 or 503 and never with a dead process. Header and connection bounds are the server's.
Units stand last in a name; sizes are bytes of the body as sent (no content encoding is accepted).
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, Generic, TypeVar

from ledger.errors import Overloaded

K = TypeVar("K")
V = TypeVar("V")

JSON_BODY_BYTES_MAX: Final = 4_096
"""A JSON body that carries no transaction."""

TRANSACTION_BYTES_MAX: Final = 56 * 1024
"""One compact JWS: a payload of 40,000 bytes in base64url, header, signature, JSON around it."""

BATCH_LINES_MAX: Final = 1_000
"""Transactions in one batch."""

BATCH_BYTES_MAX: Final = 8 * 1024 * 1024
"""A batch as a whole: 1,000 transactions of 8,192 bytes each would be over it, payments never."""

PAGE_ROWS_MAX: Final = 200
"""Rows in one page of anything."""

PAGE_ROWS: Final = 50
"""Rows in a page when the caller does not say."""

PAGE_BYTES_MAX: Final = 256 * 1024
"""Payloads of proposals in one page, bytes together: one pack has up to 40,000, a page up to 200
rows. A page has at least one row."""

PAYLOADS_READ: Final = 8
"""Rows with payloads that are read at once for such a page."""

EVENTS_SCANNED_MAX: Final = 2_000
"""Events that one filtered read looks at; the answer's `next` goes on from there."""

REFUSALS_SCANNED_MAX: Final = 256
"""Newest refusals among which the last one of a payment request is looked for."""

PLAIN_ASK_ROWS_MAX: Final = 1_000
"""Rows of the payee's statement that one look at a plain request goes over."""

MARKS_MAX: Final = 200
"""Marks of one programme that are summed or traced together."""

MARK_ACCOUNTS_MAX: Final = 5_000
"""Accounts of one programme that are summed or traced together."""

MARK_ROWS_MAX: Final = 20_000
"""Movements since a past entry that are walked for a programme's sums as they were then."""

WAIT_S_MAX: Final = 25
"""Longest long-poll, seconds."""

PARKED_MAX: Final = 256
"""Long-polls that one process keeps waiting."""

LARGE_BODIES_MAX: Final = 16
"""Bodies longer than one transaction that one process reads at once: they are held in memory whole,
however slowly they come."""

IN_FLIGHT_MAX: Final = 128
"""Requests that one process works on at once, long-polls not counted."""

HEADER_KEY_CHARS_MAX: Final = 128
"""Longest API key that is looked at."""

FILTERS_MAX: Final = 32
"""Accounts, and payment requests, that one reader of events may name."""

LISTED_MAX: Final = 500
"""Zones, packs, assets in one listing; a sandbox has a handful of each."""

RESOLUTIONS_A_MINUTE_MAX: Final = 30
"""Words of aliases that one API key may resolve in a minute, all processes together."""

SUPPLY_ACCOUNTS_MAX: Final = 100_000
"""Accounts whose balances a supply sums; with more of them the sum is the audit's."""

SUPPLY_MOVED_MAX: Final = 10_000
"""Accounts moved since a past entry whose balances a supply at that entry looks up."""

SUPPLY_WALK_ROWS_MAX: Final = 20_000
"""Postings of an issue account that a supply at a past entry goes back over."""


RECORD_CHARS_MAX: Final = 32_768
"""Longest body of a record, characters; the request as a whole is bounded like a transaction."""

RECORDS_MAX: Final = 100
"""Records of one party: its whole file is one answer."""

RETAINED_MAX_MS: Final = 100 * 366 * 86_400_000
"""Longest term of a record."""


class Gate:
    """At most `places_max` at once; who finds no place is told to come back, and never queued."""

    def __init__(self, places_max: int, message: str) -> None:
        self._free: Final = threading.BoundedSemaphore(places_max)
        self._message: Final = message

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place; raises Overloaded at once where there is none."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def enter(self) -> None:
        """Take a place; raises Overloaded at once where there is none."""
        if not self._free.acquire(blocking=False):
            raise Overloaded(self._message)

    def leave(self) -> None:
        """Give a place back."""
        self._free.release()


class Recent(Generic[K, V]):
    """A bounded cache: the entries used last stay. Safe for threads."""

    def __init__(self, entries_max: int) -> None:
        self._max: Final = entries_max
        self._held: OrderedDict[K, V] = OrderedDict()  # guarded by _lock
        self._lock: Final = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def get(self, key: K) -> V | None:
        """The value, which thereby counts as used, or None."""
        with self._lock:
            value = self._held.get(key)
            if value is not None:
                self._held.move_to_end(key)
            return value

    def put(self, key: K, value: V) -> None:
        """Keep a value; the one unused for longest gives way."""
        with self._lock:
            self._held[key] = value
            self._held.move_to_end(key)
            if len(self._held) > self._max:
                self._held.popitem(last=False)

    def drop(self, key: K) -> None:
        """Forget a value."""
        with self._lock:
            self._held.pop(key, None)
