"""The tables, once for SQLite and PostgreSQL; `migrations/` holds how a database gets to them.

Every key starts with the ledger's local number, so that a sharding engine can distribute by it.
All but `entry.leaf`, `tx` and `refusal` can be derived again from the leaves. Times are ms UTC,
amounts minor units. SQLite: STRICT everywhere, WITHOUT ROWID where the key is not a rowid.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.schema import SchemaItem

METADATA = MetaData()

_LONG = BigInteger().with_variant(Integer(), "sqlite")
_SHORT = SmallInteger().with_variant(Integer(), "sqlite")
_TEXT = Text().with_variant(Text(collation="C"), "postgresql")  # one order on both: by bytes


def _long(name: str) -> Column[int]:
    return Column(name, _LONG, nullable=False)


def _int(name: str) -> Column[int]:
    return Column(name, Integer, nullable=False)


def _short(name: str) -> Column[int]:
    return Column(name, _SHORT, nullable=False)


def _bytes(name: str) -> Column[bytes]:
    return Column(name, LargeBinary, nullable=False)


def _text(name: str) -> Column[str]:
    return Column(name, _TEXT, nullable=False)


def _table(
    name: str, key: tuple[str, ...], *items: SchemaItem, room: bool = False, rowid: bool = False
) -> Table:
    """`room`: rows are written over and over; PostgreSQL keeps room for them on their pages.
    `rowid`: rows are long. Outside a rowid table SQLite would spill all but a quarter page of one,
    and rows with keys in no order would split twice the pages.
    """
    return Table(
        name,
        METADATA,
        *items,
        PrimaryKeyConstraint(*key),
        sqlite_strict=True,
        sqlite_with_rowid=rowid,
        postgresql_with={"fillfactor": 70} if room else {},
    )


LEDGER = Table(
    "ledger",
    METADATA,
    Column("number", Integer, primary_key=True, autoincrement=True),
    _bytes("id"),
    _long("created"),
    UniqueConstraint("id"),
    sqlite_strict=True,
)

HEAD = _table(
    "head",
    ("ledger",),
    _int("ledger"),
    _long("size"),
    _bytes("frontier"),
    _long("at"),
    _long("reference_version"),
    _long("accounts_opened"),
    _long("events"),
    _long("refusals"),
    room=True,
)

ENTRY = _table(
    "entry",
    ("ledger", "idx"),
    _int("ledger"),
    _long("idx"),
    _bytes("leaf"),
    _int("leaf_check"),
    rowid=True,
)
"""`leaf` is kept as `leaves.py` says. `leaf_check`: four bytes of the leaf's hash, `base.check_of`;
no full tile holds the newest entries yet, and among them it tells which leaf is damaged."""

TX = _table(
    "tx",
    ("ledger", "not_after", "hash"),
    _int("ledger"),
    _long("not_after"),
    _bytes("hash"),
    _long("idx"),
)

ACCOUNT = _table(
    "account",
    ("ledger", "number"),
    _int("ledger"),
    _long("number"),
    _bytes("id"),
    _bytes("owner"),
    _text("asset"),
    _text("kind"),
    _text("mark"),
    _text("status"),
    _long("balance"),
    _long("written"),
    UniqueConstraint("ledger", "id"),
    CheckConstraint("balance >= 0 OR kind = 'issue'", name="account_not_below_zero"),
    Index("account_owner", "ledger", "owner", "kind", "number"),
    Index(
        "account_mark",
        "ledger",
        "mark",
        "number",
        sqlite_where=text("mark <> ''"),
        postgresql_where=text("mark <> ''"),
    ),
    room=True,
)

SPAN_BITS = 12
STEP_MASK = (1 << SPAN_BITS) - 1
"""Postings lie together by spans of 4,096 entries, and within a span by account; an entry's index
is span * 4096 + step."""

POSTING = _table(
    "posting",
    ("ledger", "span", "account", "step", "place"),
    _int("ledger"),
    _int("span"),
    _int("account"),
    _short("step"),
    _short("place"),
    _int("other"),
    _long("amount"),
    _long("balance"),
)

"""Ordered by account alone, a batch of 200 would touch 400 far pages, and ever more of them as the
ledger grows; ordered by span first, the pages that change are those of the newest span."""

POSTING_SPAN = _table(
    "posting_span",
    ("ledger", "account", "span"),
    _int("ledger"),
    _int("account"),
    _int("span"),
)
"""In which spans an account has postings: so that a statement skips the spans without."""

OBJECT = _table(
    "object",
    ("ledger", "type", "key"),
    _int("ledger"),
    _text("type"),
    _bytes("key"),
    _bytes("owner"),
    _text("status"),
    Column("due", _LONG, nullable=True),
    _bytes("body"),
    _bytes("lookups"),
    _long("written"),
    Index(
        "object_due",
        "ledger",
        "due",
        "type",
        "key",
        sqlite_where=text("due IS NOT NULL"),
        postgresql_where=text("due IS NOT NULL"),
    ),
    rowid=True,
)

LOOKUP = _table(
    "lookup",
    ("ledger", "type", "name", "value", "key"),
    _int("ledger"),
    _text("type"),
    _text("name"),
    _bytes("value"),
    _bytes("key"),
)

COUNTER = _table(
    "counter",
    ("ledger", "period", "measure", "subject", "part"),
    _int("ledger"),
    _long("period"),
    _text("measure"),
    _bytes("subject"),
    _text("part"),
    _long("value"),
    room=True,
)

EVENT = _table(
    "event",
    ("ledger", "seq"),
    _int("ledger"),
    _long("seq"),
    _short("kind"),
    _long("ref"),
    _long("run"),
)
"""A run of events: number `seq + i` tells of `ref + i`, for i below `run`. A batch writes at most
one run of entries and one of refusals, however many transactions it holds."""

REFUSAL = _table(
    "refusal",
    ("ledger", "number"),
    _int("ledger"),
    _long("number"),
    _long("not_after"),
    _bytes("hash"),
    _long("size"),
    _long("at"),
    _bytes("jws"),
    _bytes("reasons"),
    _long("repeats"),
    UniqueConstraint("ledger", "not_after", "hash"),
)

TILE = _table(
    "tile",
    ("ledger", "level", "number"),
    _int("ledger"),
    _short("level"),
    _long("number"),
    _bytes("hashes"),
)
