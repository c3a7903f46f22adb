"""A site: a database that holds a small town's ledger, copied from one that was built once.

`Town` builds the town on a fresh database of each kind: the world of `tests.builders` and beside it
thirty people with tenge and test crypto. `Site` is a copy of it that a test may ruin.
"""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import psycopg

from ledger.clock import system_ms
from ledger.core.amount import format_amount
from ledger.core.ids import ID_BYTES, b64, unb64
from ledger.keyring import Keyring
from ledger.ledger import Ledger
from ledger.store import ReadingStore, open_reading
from ledger.store.base import Points, no_points
from ledger.store.open import conninfo_of, parse
from ledger.writer.answers import Offer, Taken
from tests.builders import World, a_world, derived, key_of
from tests.reliability.judge import Judge
from tests.reliability.node import Node

PEOPLE = [f"person {n:02}" for n in range(30)]
_key = lru_cache(maxsize=None)(key_of)

RING = PEOPLE[-3:]
"""Three people among whom money goes round in whole batches: a reader sees it all or not at all."""

SPENT = PEOPLE[20]
"""Somebody whose purse is emptied."""

FUNDS = {"KZTD": 10_000_00, "tUSDT": 500_000000}
"""What each of the people has, minor units."""


class Town:
    """The ledger that sites are copied from, in a folder (SQLite) or a database (PostgreSQL)."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.keyring = folder / "keyring"
        ledger = Ledger.create(url, Keyring.open_or_create(self.keyring), key_of("nbk"))
        try:
            self.world = a_world(ledger)
            self.ledger = ledger.id
            self._settle(ledger)
        finally:
            ledger.close()

    def _settle(self, ledger: Ledger) -> None:
        """Register the people, open their accounts, fund them: all in one batch."""
        world, offers = self.world, []
        for name in PEOPLE:
            jws = world.sign(
                "bank", "party/1", role="person", tier=2, key=b64(key_of(name).public_key)
            )
            world.parties[name] = derived(jws, "party")
            offers.append(jws)
            for asset in FUNDS:
                jws = world.sign("bank", "account/1", owner=world.parties[name], asset=asset)
                world.accounts[name, asset] = derived(jws, "account")
                offers.append(jws)
            for payer, asset, amount in (
                ("bank", "KZTD", "10000.00"),
                ("exchange", "tUSDT", "500.000000"),
            ):
                offers.append(
                    world.sign(
                        payer, "transfer/1", from_=world.accounts[payer, asset],
                        to=world.accounts[name, asset], amount=amount,
                    )
                )  # fmt: skip
        answers = ledger.submit([Offer(jws.encode(), False) for jws in offers])
        assert all(isinstance(answer, Taken) for answer in answers)


class Site:
    """A town's copy at `url`. `world` signs for it; give it a door with `open` or `node`."""

    def __init__(self, town: Town, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.keyring = folder / "keyring"
        self.ledger = town.ledger
        for name in ("keyring", "keyring.kek"):
            shutil.copy(town.folder / name, folder / name)
        self.world = World(None, town.ledger)
        self.world.signing.now = system_ms
        self.world.signing._nonces = itertools.count(1_000_000)
        for part in ("parties", "accounts", "rates"):
            setattr(self.world, part, dict(getattr(town.world, part)))
        self.world.zone, self.world.permit = town.world.zone, town.world.permit
        self._judge = Judge(url)
        self._closing: list[Callable[[], Any]] = []
        self._books: ReadingStore | None = None

    @property
    def is_sqlite(self) -> bool:
        """Whether it is the embedded store."""
        return self.url.startswith("sqlite")

    @property
    def file(self) -> Path:
        """The SQLite file."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def conninfo(self) -> str:
        """The PostgreSQL database, as libpq is told."""
        return conninfo_of(parse(self.url))

    def open(self, points: Points = no_points, url: str = "") -> Ledger:
        """The ledger in this process; the world's door from now on."""
        keyring = Keyring.open_or_create(self.keyring)
        ledger = Ledger.open(url or self.url, keyring, points=points)
        self._closing.append(ledger.close)
        self.world.door = ledger
        return ledger

    def node(self, **how: Any) -> Node:
        """A writer process, which the test starts."""
        node = Node(self.url, self.keyring, self.ledger, **how)
        self._closing.append(node.close)
        return node

    @contextmanager
    def serving(self, writers: int) -> Iterator[list[Node]]:
        """So many nodes' writers on this ledger, reached; at the end each has ended well. They
        outlive `close`."""
        nodes = [Node(self.url, self.keyring, self.ledger) for _ in range(writers)]
        try:
            for node in nodes:
                node.start()
            for node in nodes:
                node.reached()
            yield nodes
            for node in nodes:
                assert node.stop() == 0, node.log()
        finally:
            for node in nodes:
                node.close()

    def reader(self) -> ReadingStore:
        """A reading store of this ledger."""
        reader = open_reading(self.url)
        self._closing.append(reader.close)
        return reader

    def open_books(self) -> None:
        """Read this ledger through one store until `close`: nobody harms the database meanwhile."""
        self._books = self.reader()

    def remembered(self, type: str, key: bytes | str) -> Any:
        """An object of the ledger as it is now, by its type and its key or id."""
        need = ("object", type, unb64(key, ID_BYTES) if isinstance(key, str) else key)
        return (self._books or self.reader()).load([need])[need]

    def admin(self) -> psycopg.Connection[Any]:
        """A connection of one's own to PostgreSQL, to do harm with."""
        connection = psycopg.connect(self.conninfo, autocommit=True)
        self._closing.append(connection.close)
        return connection

    def on_closing(self, action: Callable[[], Any]) -> None:
        """Do this before the site is closed."""
        self._closing.append(action)

    def close(self) -> None:
        """Close and end all that was opened here, last first."""
        self._books = None
        while self._closing:
            self._closing.pop()()

    def judge(self) -> Judge:
        """Judge the ledger as it is now, leaves from where the last judgement stopped."""
        return self._judge.judge(self._books)

    def forget(self) -> None:
        """Judge from the first entry again: the database was put back to an older state."""
        self._judge = Judge(self.url)

    def empty(self, name: str) -> None:
        """Take all of somebody's tenge, through the world's door."""
        if held := self.balance(name):
            jws = self.transfer(name, "bank", format_amount(held, 2))
            assert isinstance(self.world.door.submit(offers([jws]))[0], Taken)

    def balance(self, name: str, asset: str = "KZTD") -> int:
        """What someone's account holds, by the leaves, minor units."""
        return self.judge().balances[self.world.accounts[name, asset]]

    # Signing.

    def transfer(self, payer: str, payee: str, amount: str, asset: str = "KZTD", **how: Any) -> str:
        """A signed transfer."""
        accounts = self.world.accounts
        return self.world.sign(
            _key(payer), "transfer/1", from_=accounts[payer, asset], to=accounts[payee, asset],
            amount=amount, **how,
        )  # fmt: skip

    def pay(self, payer: str, asset: str, request: str, **how: Any) -> str:
        """A signed payment of a request."""
        return self.world.sign(
            _key(payer), "pay/1", from_=self.world.accounts[payer, asset], request=request, **how
        )


def offers(jws: Sequence[str]) -> list[Offer]:
    """Transactions whose signatures nobody has checked."""
    return [Offer(each.encode(), False) for each in jws]


def clone_postgres(url: str, name: str) -> str:
    """A copy of a database that nobody is connected to; its URL."""
    source = parse(url)
    beside = conninfo_of(source.set(database="postgres"))
    with psycopg.connect(beside, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {source.database}")
    return source.set(database=name).render_as_string(hide_password=False)
