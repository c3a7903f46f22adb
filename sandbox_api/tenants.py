"""The sandbox's own store: tenants, API keys, payment requests, plain asks (design D8, last lines).

It stands beside the ledger, never in it: a second SQLite file, or the schema `sandbox` of the same
PostgreSQL database (`sandbox_api.own_store`). No commit spans both; nothing here is money, and all
of it may be lost without a tenge going astray. Records beside the log are in the same place
(`sandbox_api.records`). A reader must not assume that a stored payment request is good: its
signature is checked when it comes in, its truth is the writer's.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from sqlalchemy import (
    Column,
    Engine,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    delete,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateSchema

from ledger.errors import StoreProblem
from sandbox_api.alias_records import AliasRecords
from sandbox_api.auth import SCOPES, KeyKind, Scope, StoredKey, digest_of, is_key, new_key
from sandbox_api.own_store import LONG, METADATA, Asking, Tables, engine_of
from sandbox_api.records import RecordStore

VERSION: Final = 1
"""The form of these tables; another one in a database is refused, never guessed at. A table more is
no other form: it is made where it is missing."""

REQUESTS_KEPT_MS: Final = 30 * 86_400_000
"""Payment requests are forgotten so long after their `not_after`, in the sandbox's time."""

_FORM = Table("form", METADATA, Column("version", Integer, nullable=False))
_TENANT = Table(
    "tenant",
    METADATA,
    Column("number", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("ledger", LargeBinary, nullable=False),
)
_KEY = Table(
    "api_key",
    METADATA,
    Column("digest", LargeBinary, primary_key=True),
    Column("tenant", Integer, nullable=False),
    Column("scopes", Text, nullable=False),
)
_REQUEST = Table(
    "payment_request",
    METADATA,
    Column("id", LargeBinary, primary_key=True),
    Column("tenant", Integer, nullable=False),
    Column("terminal", LargeBinary, nullable=False),
    Column("not_after", LONG, nullable=False),
    Column("jws", Text, nullable=False),
    Index("payment_request_not_after", "not_after"),
)
_PLAIN_ASK = Table(
    "plain_ask",
    METADATA,
    Column("id", LargeBinary, primary_key=True),
    Column("tenant", Integer, nullable=False),
    Column("account", LargeBinary, nullable=False),
    Column("amount", LONG, nullable=False),
    Column("reference", Text, nullable=False),
    Column("ends_at", LONG, nullable=False),
    Column("read", LONG, nullable=False),
    Column("paid", LONG),
    Index("plain_ask_ends_at", "ends_at"),
)


class Tenant(NamedTuple):
    """A sandbox: its number here, its name, the id (16 bytes) of the ledger it points at."""

    number: int
    name: str
    ledger: bytes


class StoredRequest(NamedTuple):
    """A payment request: its id (16 bytes), the till's kid (32 bytes), the compact JWS."""

    id: bytes
    tenant: int
    terminal: bytes
    not_after: int
    jws: str


class StoredPlainAsk(NamedTuple):
    """A request to pay that nobody signed: its id and the account to be paid (16 bytes each),
    minor units, a label, ms UTC. `read`: as many entries of the ledger were searched for its
    payment; `paid`: the entry that was found, or None."""

    id: bytes
    tenant: int
    account: bytes
    amount: int
    reference: str
    ends_at: int
    read: int
    paid: int | None


class TenantStore(Tables):
    """The sandbox's own tables. Opened once a process; safe for threads."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.records: Final = RecordStore(engine)
        """Personal documents beside the log."""
        self.aliases: Final = AliasRecords(engine)
        """Words of aliases beside the log."""

    @classmethod
    def open(cls, url: str) -> TenantStore:
        """Open the store at a SQLAlchemy URL and make what is missing; raises StoreProblem."""
        try:
            store = cls(engine_of(url))
            store._make_tables()
        except SQLAlchemyError as error:
            cause = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise StoreProblem(f"the sandbox's own store cannot be opened: {cause}") from None
        return store

    def close(self) -> None:
        """Give the connections back."""
        self._engine.dispose()

    def put_tenant(self, name: str, ledger: bytes) -> Tenant:
        """The tenant of this name, made where there is none, pointing at `ledger` from now on."""
        with Asking(self._writing) as connection:
            number = connection.execute(
                select(_TENANT.c.number).where(_TENANT.c.name == name)
            ).scalar()
            if number is None:
                made = insert(_TENANT).values(name=name, ledger=ledger)
                number = connection.execute(made.returning(_TENANT.c.number)).scalar_one()
            else:
                where = _TENANT.c.number == number
                connection.execute(_TENANT.update().where(where).values(ledger=ledger))
        return Tenant(int(number), name, ledger)

    def tenant(self, number: int) -> Tenant | None:
        """A tenant by its number."""
        row = self._one(select(_TENANT).where(_TENANT.c.number == number))
        return None if row is None else Tenant(row.number, row.name, row.ledger)

    def make_key(self, tenant: int, kind: KeyKind) -> str:
        """A new API key of a tenant. The text is returned this once; its hash is kept."""
        key = new_key(kind)
        self.put_key(tenant, key)
        return key

    def put_key(self, tenant: int, key: str, scopes: Iterable[Scope] | None = None) -> None:
        """Make an API key good that is kept elsewhere (the keyring); good already is no fault.

        Its scopes are those of its kind, or fewer, also where an older version kept it with others;
        raises ValueError for another form.
        """
        if not is_key(key):
            raise ValueError("an API key is tsk_ or tpk_ and 32 characters of base64url")
        most = SCOPES[KeyKind(key[:3])]
        granted = most if scopes is None else most & frozenset(scopes)
        row = {
            "digest": digest_of(key),
            "tenant": tenant,
            "scopes": " ".join(sorted(scope.value for scope in granted)),
        }
        self._insert_once(_KEY, row)
        same = (_KEY.c.digest == row["digest"]) & (_KEY.c.tenant == tenant)
        with Asking(self._writing) as connection:
            connection.execute(update(_KEY).where(same).values(scopes=row["scopes"]))

    def drop_key(self, key: str) -> None:
        """Take an API key back; processes that have seen it forget it within seconds."""
        self._do(delete(_KEY).where(_KEY.c.digest == digest_of(key)))

    def find_key(self, digest: bytes) -> StoredKey | None:
        """An API key by its hash."""
        row = self._one(select(_KEY).where(_KEY.c.digest == digest))
        if row is None:
            return None
        scopes = frozenset(Scope(text) for text in row.scopes.split())
        return StoredKey(row.digest, row.tenant, scopes)

    def put_request(self, request: StoredRequest, now: int) -> None:
        """Keep a payment request; the first bytes under an id stay. `now`: sandbox time, ms.

        What expired more than `REQUESTS_KEPT_MS` ago is forgotten by the way.
        """
        self._insert_once(_REQUEST, request._asdict())
        self._drop(_REQUEST, _REQUEST.c.not_after < now - REQUESTS_KEPT_MS)

    def request(self, tenant: int, id: bytes) -> StoredRequest | None:
        """A tenant's payment request by its id."""
        where = (_REQUEST.c.id == id) & (_REQUEST.c.tenant == tenant)
        row = self._one(select(_REQUEST).where(where))
        return None if row is None else StoredRequest(*row)

    def put_plain_ask(self, ask: StoredPlainAsk, now: int) -> None:
        """Keep a plain request to pay. `now`: sandbox time, ms; what ended more than
        `REQUESTS_KEPT_MS` ago is forgotten by the way."""
        self._insert_once(_PLAIN_ASK, ask._asdict())
        self._drop(_PLAIN_ASK, _PLAIN_ASK.c.ends_at < now - REQUESTS_KEPT_MS)

    def plain_ask(self, tenant: int, id: bytes) -> StoredPlainAsk | None:
        """A tenant's plain request to pay by its id."""
        where = (_PLAIN_ASK.c.id == id) & (_PLAIN_ASK.c.tenant == tenant)
        row = self._one(select(_PLAIN_ASK).where(where))
        return None if row is None else StoredPlainAsk(*row)

    def note_plain_ask(self, id: bytes, read: int, paid: int | None) -> None:
        """Remember how far the ledger was searched for a plain request's payment; never less far
        than another front end has noted."""
        where = (_PLAIN_ASK.c.id == id) & (_PLAIN_ASK.c.read < read) & _PLAIN_ASK.c.paid.is_(None)
        self._do(_PLAIN_ASK.update().where(where).values(read=read, paid=paid))

    def _make_tables(self) -> None:
        with self._writing.begin() as connection:
            if connection.dialect.name == "postgresql":
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(7365013)")
                connection.execute(CreateSchema("sandbox", if_not_exists=True))
            schema = "sandbox" if connection.dialect.name == "postgresql" else None
            if not inspect(connection).has_table("form", schema=schema):
                _FORM.create(connection)
                connection.execute(insert(_FORM).values(version=VERSION))
            version = connection.execute(select(_FORM.c.version)).scalar()
            if version == VERSION:
                METADATA.create_all(connection)  # a store of an older program lacks newer tables
        if version != VERSION:
            raise StoreProblem(
                f"the sandbox's own store has form {version}, this program reads {VERSION}:"
                " use the program that wrote it, or start with an empty folder"
            )
