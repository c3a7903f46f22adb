"""Words of aliases beside the log: number or word, salt, masked payee name (design D15).

Rows of the sandbox's own store (`sandbox_api.own_store`). The log holds the commitment alone; when
a row is forgotten, nothing says any more what the commitment was of. A word is found whole or not
at all: no read here takes a part of one, and none lists them, but for whose they are. How many
words an API key asks for is counted here too, so that all processes of all nodes keep one budget. A
reader must not assume that a row's alias is bound or still in use: that is the ledger's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import (
    Column,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    case,
    delete,
    insert,
    select,
)
from sqlalchemy.dialects import postgresql, sqlite

from sandbox_api.own_store import LONG, METADATA, Asking, Tables

_ALIAS = Table(
    "alias_record",
    METADATA,
    Column("commitment", LargeBinary, primary_key=True),
    Column("tenant", Integer, nullable=False),
    Column("form", Text, nullable=False),
    Column("word", Text, nullable=False),
    Column("salt", LargeBinary, nullable=False),
    Column("name", Text, nullable=False),
    UniqueConstraint("tenant", "word", name="alias_record_word"),
)
_ASKED = Table(
    "alias_asked",
    METADATA,
    Column("key", LargeBinary, primary_key=True),
    Column("minute", LONG, nullable=False),
    Column("asked", Integer, nullable=False),
)


class AliasRecord(NamedTuple):
    """What the log does not hold of an alias: the word (a synthetic number, or a word), the salt
    that with it makes the commitment (32 bytes), and the payee's name, masked."""

    commitment: bytes
    tenant: int
    form: str
    word: str
    salt: bytes
    name: str


class AliasRecords(Tables):
    """The table of them. Safe for threads; it shares the engine of the sandbox's own store."""

    def put(self, record: AliasRecord) -> None:
        """Keep the record of a word; one that the tenant had of the same word is forgotten."""
        where = (_ALIAS.c.tenant == record.tenant) & (_ALIAS.c.word == record.word)
        with Asking(self._writing) as connection:
            connection.execute(delete(_ALIAS).where(where))
            connection.execute(insert(_ALIAS).values(record._asdict()))

    def of_word(self, tenant: int, word: str) -> AliasRecord | None:
        """A tenant's record of exactly this word."""
        where = (_ALIAS.c.tenant == tenant) & (_ALIAS.c.word == word)
        row = self._one(select(_ALIAS).where(where))
        return None if row is None else AliasRecord(*row)

    def of_aliases(self, tenant: int, commitments: Sequence[bytes]) -> list[AliasRecord]:
        """A tenant's records of these aliases, by commitment: what a person's own file holds."""
        where = (_ALIAS.c.tenant == tenant) & _ALIAS.c.commitment.in_(commitments)
        rows = self._all(select(_ALIAS).where(where).order_by(_ALIAS.c.commitment))
        return [AliasRecord(*row) for row in rows]

    def forget(self, tenant: int, commitment: bytes) -> bool:
        """Forget word, salt and name; whether there were any."""
        where = (_ALIAS.c.tenant == tenant) & (_ALIAS.c.commitment == commitment)
        return self._do(delete(_ALIAS).where(where)) > 0

    def count(self, key: bytes, minute: int) -> int:
        """How many words an API key (its hash) has asked for in this minute of wall time, this one
        among them."""
        insert_into = (
            postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        )
        row = insert_into(_ASKED).values(key=key, minute=minute, asked=1)
        same = _ASKED.c.minute == row.excluded.minute
        counted = row.on_conflict_do_update(
            index_elements=["key"],
            set_={
                "minute": row.excluded.minute,
                "asked": case((same, _ASKED.c.asked + 1), else_=1),
            },
        )
        with Asking(self._writing) as connection:
            return int(connection.execute(counted.returning(_ASKED.c.asked)).scalar_one())
