"""The first tables. Frozen: `ledger/store/schema.py` says what they are by now, and what for."""

from __future__ import annotations

from typing import Any

from alembic import op
from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem
from sqlalchemy.types import TypeEngine

revision = "0001"
down_revision = None

_TYPES: dict[str, TypeEngine[Any]] = {
    "int": Integer(),
    "short": SmallInteger().with_variant(Integer(), "sqlite"),
    "long": BigInteger().with_variant(Integer(), "sqlite"),
    "text": Text().with_variant(Text(collation="C"), "postgresql"),
    "bytes": LargeBinary(),
}


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "ledger",
        Column("number", Integer, primary_key=True, autoincrement=True),
        *_columns("id:bytes created:long"),
        UniqueConstraint("id"),
        sqlite_strict=True,
    )
    _table(
        "head",
        "ledger",
        "ledger:int size:long frontier:bytes at:long reference_version:long accounts_opened:long"
        " events:long refusals:long",
        room=True,
    )
    _table("entry", "ledger idx", "ledger:int idx:long leaf:bytes leaf_check:int", rowid=True)
    _table("tx", "ledger not_after hash", "ledger:int not_after:long hash:bytes idx:long")
    _table(
        "account",
        "ledger number",
        "ledger:int number:long id:bytes owner:bytes asset:text kind:text mark:text status:text"
        " balance:long written:long",
        UniqueConstraint("ledger", "id"),
        CheckConstraint("balance >= 0 OR kind = 'issue'", name="account_not_below_zero"),
        room=True,
    )
    op.create_index("account_owner", "account", ["ledger", "owner", "number"])
    _table(
        "posting",
        "ledger span account step place",
        "ledger:int span:int account:int step:short place:short other:int amount:long balance:long",
    )
    _table("posting_span", "ledger account span", "ledger:int account:int span:int")
    _table(
        "object",
        "ledger type key",
        "ledger:int type:text key:bytes owner:bytes status:text due:long? body:bytes"
        " lookups:bytes written:long",
        rowid=True,
    )
    op.create_index(
        "object_due",
        "object",
        ["ledger", "due", "type", "key"],
        sqlite_where=text("due IS NOT NULL"),
        postgresql_where=text("due IS NOT NULL"),
    )
    _table(
        "lookup",
        "ledger type name value key",
        "ledger:int type:text name:text value:bytes key:bytes",
    )
    _table(
        "counter",
        "ledger period measure subject part",
        "ledger:int period:long measure:text subject:bytes part:text value:long",
        room=True,
    )
    _table("event", "ledger seq", "ledger:int seq:long kind:short ref:long run:long")
    _table(
        "refusal",
        "ledger number",
        "ledger:int number:long not_after:long hash:bytes size:long at:long jws:bytes"
        " reasons:bytes repeats:long",
        UniqueConstraint("ledger", "not_after", "hash"),
    )
    _table("tile", "ledger level number", "ledger:int level:short number:long hashes:bytes")


def _table(
    name: str, key: str, columns: str, *items: SchemaItem, room: bool = False, rowid: bool = False
) -> None:
    op.create_table(
        name,
        *_columns(columns),
        PrimaryKeyConstraint(*key.split()),
        *items,
        sqlite_strict=True,
        sqlite_with_rowid=rowid,
        postgresql_with={"fillfactor": 70} if room else {},
    )


def _columns(words: str) -> list[Column[Any]]:
    """`name:type`, with a question mark where it may be NULL."""
    pairs = [word.split(":") for word in words.split()]
    return [
        Column(name, _TYPES[type_.rstrip("?")], nullable=type_.endswith("?"))
        for name, type_ in pairs
    ]
