"""What the writer hands to a store and what readers get back: plain rows, no SQL.

The promise of every store: `commit` returns only when the batch is durable; whatever it raises
means that the outcome is unknown and must be looked up again under a fresh head (design D8).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple, Protocol

import msgspec

from ledger.core.envelope import Envelope
from ledger.core.ids import TransactionId
from ledger.core.needs import Need
from ledger.core.state import Changes, Posted
from ledger.errors import StoreProblem


class BatchRefused(StoreProblem):
    """The database refused a row (unique index, CHECK): nothing of the batch is kept. Replay it one
    by one to find whose fault it is."""

    code = "batch_refused"


class OutcomeUnknown(StoreProblem):
    """COMMIT failed, or the connection with it: the batch may be kept or not. Reopen and look."""

    code = "outcome_unknown"


class LedgerRow(NamedTuple):
    """One ledger of a database: its local number, its 16-byte id, when it was made, its size."""

    number: int
    id: bytes
    created: int
    size: int


class Head(msgspec.Struct, frozen=True):
    """The end of one ledger as last committed; the row every write takes first.

    `at`: time of the last entry, ms UTC. `now`: the database's clock, ms UTC. `frontier`: the
    Merkle frontier, 32 bytes a node. `reference_version` moves whenever a reference object changed.
    `events` and `refusals` are how many numbers were given so far; the store itself counts them on.
    """

    ledger: int
    id: bytes
    size: int
    frontier: bytes
    at: int
    now: int
    reference_version: int
    accounts_opened: int
    events: int
    refusals: int


class EntryRow(NamedTuple):
    """One entry: the leaf's bytes hold everything, the rest are look-ups. `check` is `check_of` its
    leaf hash. `envelopes`: those in the leaf, as `Transaction` has them; it is kept without their
    base64 (`leaves.py`)."""

    index: int  # type: ignore[assignment]  # hides tuple.index, which nobody needs here
    transaction: TransactionId
    leaf: bytes
    check: int
    envelopes: tuple[Envelope, ...] = ()


def check_of(leaf_hash: bytes) -> int:
    """What is kept beside each leaf: the first four bytes of its hash as a signed number."""
    return int.from_bytes(leaf_hash[:4], "big", signed=True)


class PostingRow(NamedTuple):
    """One leg of entry `index`; `place` counts the legs within the entry from 0."""

    index: int  # type: ignore[assignment]
    place: int
    posted: Posted


class RefusalRow(NamedTuple):
    """A refused transaction: the head it met, when, its bytes and its reasons as JSON. `repeats` is
    kept by the store: the same transaction refused again adds 1 and renews the rest."""

    transaction: TransactionId
    size: int
    at: int
    jws: bytes
    reasons: bytes


class StoredRefusal(NamedTuple):
    """A refusal as kept: its number (dense, from 1), the row, and how often it came again."""

    number: int
    refusal: RefusalRow
    repeats: int


class EventKind(IntEnum):
    """What an event tells; `ref` is the entry's index or the refusal's number."""

    ENTRY = 1
    REFUSAL = 2


class EventRow(NamedTuple):
    """One event of the ledger's one sequence, numbered from 1: whoever has seen `seq` events asks
    for those after `seq`. The body is rendered from what `ref` points at."""

    seq: int
    kind: EventKind
    ref: int


class TileRow(NamedTuple):
    """One full hash tile of 256 hashes, 8,192 bytes (C2SP tlog-tiles)."""

    level: int
    number: int
    hashes: bytes


class StatementRow(NamedTuple):
    """One leg on an account's statement: entry and place, the other account's number, the signed
    amount and the balance after it, minor units."""

    index: int  # type: ignore[assignment]
    place: int
    other: int
    amount: int
    balance: int


class StoredObject(NamedTuple):
    """An object as its row holds it, nothing decoded: what an audit compares, damage and all."""

    type: str
    key: bytes
    owner: bytes
    status: str
    due: int | None
    body: bytes
    lookups: bytes
    written: int


class CounterRow(NamedTuple):
    """A counter as its row holds it."""

    measure: str
    period: int
    subject: bytes
    part: str
    value: int


class LookupRow(NamedTuple):
    """A look-up as its row holds it: objects of `type` with this name and value, by key."""

    type: str
    name: str
    value: bytes
    key: bytes


class Batch(msgspec.Struct):
    """Everything one commit writes. `head` is the head after it; its `events`, `refusals`, `id`
    and `now` are not read: the store counts the first two on from the head it took."""

    head: Head
    entries: list[EntryRow]
    postings: list[PostingRow]
    changes: Changes
    refusals: list[RefusalRow]
    tiles: list[TileRow]


STEPS = (
    "begin",
    "entry",
    "tx",
    "posting",
    "account",
    "object",
    "lookup",
    "counter",
    "refusal",
    "event",
    "tile",
    "head",
    "commit",
)
"""The steps of one batch, in the order in which a store takes them."""

POINTS = tuple(f"{step}.{side}" for step in STEPS for side in ("before", "after"))
"""Names that a store calls out on its way, so that a test can fail at each of them."""

Points = Callable[[str], None]


def no_points(_: str) -> None:
    """What a store calls at every point outside of fault tests."""


class WritingStore(Protocol):
    """The one writer's store. Calls come from one thread, in the order begin, reads, write, commit
    (or rollback). Everything raises `StoreProblem`; after any error of write or commit the caller
    rolls back, reopens, begins again and asks `find`."""

    def begin(self) -> Head:
        """Start the write transaction and take the head."""

    def find(self, ids: Sequence[TransactionId]) -> dict[TransactionId, int]:
        """Index of the entry for each transaction that is already in the ledger."""

    def load(self, needs: Iterable[Need]) -> dict[Need, Any]:
        """Values of needs, one query a table; absent: None, () or 0."""

    def leaves(self, start: int, stop: int) -> list[bytes]:
        """Leaf bytes of entries start up to, not including, stop."""

    def tile(self, level: int, number: int) -> bytes | None:
        """A full hash tile, or None."""

    def due(self, at: int, limit: int) -> list[tuple[int, str, bytes]]:
        """(due, type, key) of objects due at or before `at`, in this order."""

    def write(self, batch: Batch) -> Head:
        """Write all rows of a batch and return the head as written, events and refusals counted.
        Events are numbered entries first, then new refusals; a repeated refusal makes none.
        Raises BatchRefused where the database refuses a row."""

    def commit(self) -> None:
        """Make it durable. Raises OutcomeUnknown on any error."""

    def rollback(self) -> None:
        """Drop the transaction; never raises."""

    def reopen(self) -> None:
        """Drop the connection and connect again, after an unknown outcome."""

    def idle(self) -> None:
        """Nothing to do just now: the store may tidy up. Called outside a transaction."""

    def prune_refusals(self, keep: int) -> int:
        """Forget all but the `keep` newest refusals, in a commit of its own; how many went."""

    def create_ledger(self, id: bytes) -> WritingStore:
        """Make a ledger with this id unless it is there, durably, and return it as `on` does."""

    def on(self, id: bytes) -> WritingStore:
        """The ledger with this id over the same connection; one transaction at a time in all."""

    def ledgers(self) -> list[LedgerRow]:
        """All ledgers of the database, oldest first."""

    def close(self) -> None:
        """Let go of connection and file; never raises."""
