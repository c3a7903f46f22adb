"""The store: one ledger's rows in SQLite or PostgreSQL behind one URL (design D8, D14).

The door. SQL stays in this package; the log's leaves are the truth and all else here an index.
"""

from ledger.store.base import (
    POINTS,
    Batch,
    BatchRefused,
    EntryRow,
    EventKind,
    EventRow,
    Head,
    LedgerRow,
    OutcomeUnknown,
    Points,
    PostingRow,
    RefusalRow,
    StoredRefusal,
    TileRow,
    WritingStore,
)
from ledger.store.open import create_ledger, migrate, open_writing

__all__ = [
    "POINTS",
    "Batch",
    "BatchRefused",
    "EntryRow",
    "EventKind",
    "EventRow",
    "Head",
    "LedgerRow",
    "OutcomeUnknown",
    "Points",
    "PostingRow",
    "RefusalRow",
    "StoredRefusal",
    "TileRow",
    "WritingStore",
    "create_ledger",
    "migrate",
    "open_writing",
]
