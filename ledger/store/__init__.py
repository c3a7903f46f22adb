"""The store: one ledger's rows in SQLite or PostgreSQL behind one URL (design D8, D14).

The door. SQL stays in this package; the log's leaves are the truth and all else here an index.
"""

from ledger.store.base import (
    POINTS,
    Batch,
    BatchRefused,
    CounterRow,
    EntryRow,
    EventKind,
    EventRow,
    Head,
    LedgerRow,
    LookupRow,
    OutcomeUnknown,
    Points,
    PostingRow,
    RefusalRow,
    StatementRow,
    StoredObject,
    StoredRefusal,
    TileRow,
    WritingStore,
    check_of,
)
from ledger.store.open import create_ledger, migrate, open_reading, open_writing
from ledger.store.reader import ReadingStore, Snapshot
from ledger.store.rows import stored_object
from ledger.store.schema import SPAN_BITS

__all__ = [
    "POINTS",
    "SPAN_BITS",
    "Batch",
    "BatchRefused",
    "CounterRow",
    "EntryRow",
    "EventKind",
    "EventRow",
    "Head",
    "LedgerRow",
    "LookupRow",
    "OutcomeUnknown",
    "Points",
    "PostingRow",
    "ReadingStore",
    "RefusalRow",
    "Snapshot",
    "StatementRow",
    "StoredObject",
    "StoredRefusal",
    "TileRow",
    "WritingStore",
    "check_of",
    "create_ledger",
    "migrate",
    "open_reading",
    "open_writing",
    "stored_object",
]
