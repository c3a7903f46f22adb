"""Records: personal documents beside the log, each with a term (design D15, decision 15).

What proves who somebody is (an identity proof, a document) never becomes an entry. It is a row of
the sandbox's own store: kind, owner, salt, body, its commitment (SHA-256 of salt and body) and its
term. The log holds at most the commitment. Before its term a record cannot be deleted, after it
nobody can read it any more, and it is deleted by itself: a reader must not assume that a row is
gone the moment its term is over, only that it is never given out again. Synthetic data only.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256
from typing import Any, Final, NamedTuple

from sqlalchemy import (
    Column,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    func,
    insert,
    select,
)
from sqlalchemy.exc import IntegrityError

from ledger.errors import LedgerError
from sandbox_api.limits import RECORDS_MAX
from sandbox_api.own_store import LONG, METADATA, Asking, Tables

SWEPT_EVERY_S: Final = 30.0
"""How often what is past its term is deleted, seconds of wall time."""

_RECORD = Table(
    "record",
    METADATA,
    Column("tenant", Integer, primary_key=True),
    Column("id", LargeBinary, primary_key=True),
    Column("party", LargeBinary, nullable=False),
    Column("kind", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("commitment", LargeBinary, nullable=False),
    Column("body", Text, nullable=False),
    Column("created", LONG, nullable=False),
    Column("retain_until", LONG, nullable=False),
    Index("record_party", "tenant", "party", "id"),
    Index("record_retain_until", "retain_until"),
)


class Record(NamedTuple):
    """One record. `id` and `party`: 16 bytes; `salt`: 16 random bytes; `commitment`: 32 bytes;
    `created` and `retain_until` in ms UTC of the sandbox's time."""

    tenant: int
    id: bytes
    party: bytes
    kind: str
    salt: bytes
    commitment: bytes
    body: str
    created: int
    retain_until: int


def commitment_of(salt: bytes, body: str) -> bytes:
    """SHA-256 of the salt and the body's UTF-8: what binds a record and tells nothing of it."""
    return sha256(salt + body.encode()).digest()


def record_of(
    tenant: int, party: bytes, kind: str, salt: bytes, body: str, created: int, retain_until: int
) -> Record:
    """A record whose id follows from what it holds: put twice, it is there once."""
    commitment = commitment_of(salt, body)
    id = sha256(b"record" + commitment + party + kind.encode()).digest()[:16]
    return Record(tenant, id, party, kind, salt, commitment, body, created, retain_until)


class RecordStore(Tables):
    """The records' rows. Safe for threads. Every time is the sandbox's, ms UTC."""

    def put(self, record: Record) -> bool | None:
        """Keep a record: True where it is new, False where it is there; its first term stays. None
        where its owner has `RECORDS_MAX` of them."""
        mine = (_RECORD.c.tenant == record.tenant) & (_RECORD.c.party == record.party)
        try:
            with Asking(self._writing) as connection:
                there = select(_RECORD.c.id).where(mine & (_RECORD.c.id == record.id))
                if connection.execute(there).first() is not None:
                    return False
                count = connection.execute(select(func.count()).where(mine)).scalar_one()
                if count >= RECORDS_MAX:
                    return None
                connection.execute(insert(_RECORD).values(record._asdict()))
        except IntegrityError:
            return False  # two front ends were told at once
        return True

    def one(self, tenant: int, id: bytes, now: int) -> Record | None:
        """A tenant's record, None where there is none or its term is over."""
        found = self._rows((_RECORD.c.tenant == tenant) & (_RECORD.c.id == id), now)
        return found[0] if found else None

    def of_party(self, tenant: int, party: bytes, now: int) -> list[Record]:
        """All records of a party, oldest first."""
        return self._rows((_RECORD.c.tenant == tenant) & (_RECORD.c.party == party), now)

    def delete(self, tenant: int, id: bytes, now: int) -> bool:
        """Delete a record whose term is over; False where its term still runs. What is not there is
        deleted already."""
        if self.one(tenant, id, now) is not None:
            return False
        gone = (_RECORD.c.tenant == tenant) & (_RECORD.c.id == id) & (_RECORD.c.retain_until <= now)
        self._do(delete(_RECORD).where(gone))
        return True

    def sweep(self, now: int) -> int:
        """Delete all that is past its term, of every tenant; how many there were."""
        return self._drop(_RECORD, _RECORD.c.retain_until <= now)

    def _rows(self, where: Any, now: int) -> list[Record]:
        query = select(_RECORD).where(where & (_RECORD.c.retain_until > now))
        rows = self._all(query.order_by(_RECORD.c.created, _RECORD.c.id))
        return [Record(*row) for row in rows]


class Sweeping(threading.Thread):
    """Deletes what is past its term, again and again, until `stop`. A database or a writer that is
    away is asked again the next time."""

    def __init__(
        self, records: RecordStore, time: Callable[[], int], every_s: float = SWEPT_EVERY_S
    ) -> None:
        super().__init__(name="records", daemon=True)
        self._records: Final = records
        self._time: Final = time
        self._every_s: Final = every_s
        self._ended: Final = threading.Event()

    def run(self) -> None:
        """Sweep at once, then every `every_s` seconds."""
        while True:
            with suppress(LedgerError):  # nothing past its term is given out meanwhile
                self._records.sweep(self._time())
            if self._ended.wait(self._every_s):
                return

    def stop(self) -> None:
        """End it, and wait until it has ended."""
        self._ended.set()
        self.join()
