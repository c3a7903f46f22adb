"""A hand that writes a ledger as the writer does: plans applied to a real State, batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from hashlib import sha256
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from ledger.core.account import Account
from ledger.core.asset import Asset, AssetClass
from ledger.core.ids import TransactionId
from ledger.core.objects import Clock, Object
from ledger.core.party import Party, Role
from ledger.core.plan import Movement, Opening, Plan
from ledger.core.state import State
from ledger.store import (
    Batch,
    EntryRow,
    Head,
    PostingRow,
    RefusalRow,
    TileRow,
    WritingStore,
    create_ledger,
    open_writing,
)

LEDGER = b"ledger-of-a-test"
T0 = 1_790_000_000_000
PARTY = Party(role=Role.PERSON, tier=1, registrar="")
KZT = Asset(code="KZT", class_=AssetClass.DIGITAL_TENGE, scale=2, issuer="", issue_account="")


def transaction(n: int) -> TransactionId:
    """A made-up transaction id; neighbours in n are not neighbours in time."""
    return TransactionId(T0 + n * 7919 % 600_000, sha256(b"transaction %d" % n).digest())


def a_refusal(n: int, *, at: int = T0, reasons: bytes = b"[]") -> RefusalRow:
    """A refusal of transaction n."""
    return RefusalRow(transaction(n), 0, at, b"jws %d" % n, reasons)


def opening(name: str, owner: str = "", kind: str = "wallet", asset: str = "KZT") -> Opening:
    """An account named so; its owner is named like it unless said otherwise."""
    return Opening(key(name), key(owner or name), asset, kind)


def key(name: str) -> bytes:
    """Sixteen bytes for a name."""
    return sha256(name.encode()).digest()[:16]


def clock_object(name: str, *, due: int | None = None, **changes: Any) -> Object:
    """An object of type `clock`, whose body is small."""
    made = Object("clock", key(name), key("operator"), "set", due, Clock(0, None), (), 0)
    return msgspec.structs.replace(made, **changes)


class Hand:
    """Writes batches to a store and keeps the state that they make."""

    def __init__(self, store: WritingStore) -> None:
        self.store = store
        self.state = State()
        self.written = 0  # transactions so far, for ids

    def commit(
        self,
        plans: Sequence[Plan] = (),
        *,
        refusals: Sequence[RefusalRow] = (),
        tiles: Sequence[TileRow] = (),
        ids: Sequence[TransactionId] = (),
    ) -> Head:
        """One batch, from begin to commit; the head as written."""
        head = self.write(self.store.begin(), plans, refusals, tiles, ids)
        self.store.commit()
        return head

    def write(
        self,
        head: Head,
        plans: Sequence[Plan],
        refusals: Sequence[RefusalRow] = (),
        tiles: Sequence[TileRow] = (),
        ids: Sequence[TransactionId] = (),
    ) -> Head:
        """All of a batch but the commit."""
        self.state.accounts_opened = head.accounts_opened
        entries, postings = [], []
        for n, plan in enumerate(plans):
            index = head.size + n
            needs = [("object", o.type, o.key) for o in plan.objects]
            self.state.admit(self.store.load(n for n in needs if n not in self.state.values))
            for place, posted in enumerate(self.state.apply(plan, index, T0 + index)):
                postings.append(PostingRow(index, place, posted))
            tx = ids[n] if ids else transaction(self.written)
            self.written += 1
            entries.append(EntryRow(index, tx, b"leaf %d" % index, index))
        changes = self.state.take_changes()
        after = msgspec.structs.replace(
            head,
            size=head.size + len(plans),
            frontier=sha256(b"%d" % (head.size + len(plans))).digest(),
            at=T0 + head.size + len(plans),
            reference_version=head.reference_version + changes.reference,
            accounts_opened=self.state.accounts_opened,
        )
        batch = Batch(after, entries, postings, changes, list(refusals), list(tiles))
        return self.store.write(batch)

    def account(self, name: str) -> Account:
        """The account as the state has it."""
        found = self.state.account(key(name))
        assert found is not None
        return found

    def move(self, source: str, target: str, amount: int) -> Plan:
        """A plan that moves money between two accounts named so."""
        return Plan(movements=(self.movement(source, target, amount),))

    def movement(self, source: str, target: str, amount: int) -> Movement:
        """Money from one account to another."""
        purpose = "issue" if self.account(source).kind == "issue" else "transfer"
        return Movement(
            self.account(source), PARTY, self.account(target), PARTY, KZT, amount, purpose, amount
        )

    def open_accounts(self, *names: str, funds: int = 10_000) -> Head:
        """An issue account named "issue" and wallets; an entry to open each, one to fund each."""
        opened = [Plan(openings=(opening("issue", kind="issue"),))]
        opened += [Plan(openings=(opening(name),)) for name in names]
        self.commit(opened)
        return self.commit([self.move("issue", name, funds) for name in names])


@pytest.fixture
def made() -> SimpleNamespace:
    """What these tests make their rows with."""
    return SimpleNamespace(
        ledger=LEDGER,
        t0=T0,
        transaction=transaction,
        refusal=a_refusal,
        opening=opening,
        key=key,
        object=clock_object,
    )


@pytest.fixture
def hand(store_url: str) -> Iterator[Hand]:
    """A hand on a new ledger of each kind of database."""
    create_ledger(store_url, LEDGER)
    store = open_writing(store_url, LEDGER)
    yield Hand(store)
    store.close()


@pytest.fixture
def make_hand() -> Callable[[str], Hand]:
    """Makes a hand on a ledger that is there already; the test closes it."""
    return lambda url: Hand(open_writing(url, LEDGER))
