"""The judge: derives a ledger again from its leaves and holds every row of the database against it.

A second opinion: it reads leaves with the standard library alone and shares no code with the state,
the tree or the audit. It goes on from where it stopped, so it can judge after every crash.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from hashlib import sha256
from itertools import pairwise
from typing import Any

from ledger.core.ids import TransactionId
from ledger.core.objects import decode_body
from ledger.store import EventKind, ReadingStore, Snapshot, open_reading

WIDTH = 256


class Judge:
    """Everything the leaves say, as far as they were read. `ids`: transaction ids to indexes."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.size = 0
        self.ids: dict[TransactionId, int] = {}
        self.balances: Counter[str] = Counter()  # by account id
        self.assets: dict[str, str] = {}  # by account id
        self.supply: Counter[str] = Counter()  # issued less redeemed, by asset
        self.payments: dict[str, int] = {}  # refunded in the asset paid or in tenge, by payment id
        self.root = b""
        self.last_at = 0
        self.kinds: Counter[str] = Counter()
        self._stack: list[tuple[int, bytes]] = []  # complete subtrees: leaves, hash
        self._levels: list[list[bytes]] = [[]]  # hashes of tiles' levels
        self._numbers: dict[str, int] = {}
        self._legs: list[tuple[int, ...]] = []  # of the leaves just read

    def judge(self) -> Judge:
        """Read what is new, hold all of the database against it; AssertionError says the rest."""
        store = open_reading(self.url)
        try:
            with store.snapshot() as snapshot:
                self._check(snapshot)
        finally:
            store.close()
        return self

    def check_in(self, store: ReadingStore) -> Judge:
        """The same through a reading store that is open already."""
        with store.snapshot() as snapshot:
            self._check(snapshot)
        return self

    def _check(self, snapshot: Snapshot) -> None:
        start = self.size
        accounts = list(snapshot.all_accounts())
        self._numbers = {_b64(account.id): account.number for account in accounts}
        self._legs = []
        for index, leaf in snapshot.all_leaves(start):
            self._read(index, leaf)
        head = snapshot.head()
        assert head.size == self.size, "the head counts the entries"
        assert head.at == self.last_at, "the head's time is the last entry's"
        self._check_tree(snapshot, head.frontier)
        self._check_accounts(snapshot, accounts, head.accounts_opened)
        self._check_postings(snapshot, start)
        assert dict(snapshot.all_transactions()) == self.ids, "ids and entries, one to one"
        self._check_events(snapshot, head.events, head.refusals)
        self._check_payments(snapshot)

    def _read(self, index: int, leaf: bytes) -> None:
        entry = json.loads(leaf)
        assert (entry["v"], entry["index"]) == (1, index) == (1, self.size), "no gap, no repeat"
        assert entry["at"] >= self.last_at, f"time went back in entry {index}"
        self.last_at = entry["at"]
        raw = _unb64(entry["tx"].split(".")[1])
        payload = json.loads(raw)
        id = TransactionId(payload["not_after"], sha256(raw).digest())
        assert id not in self.ids, f"entries {self.ids.get(id)} and {index} are one transaction"
        self.ids[id] = index
        self.kinds[payload["kind"]] += 1
        if payload["kind"] == "expire/1":
            assert payload["due"] <= entry["at"], f"entry {index} ends what is not yet due"
        self._move(index, payload["kind"], entry)
        self._grow(sha256(b"\0" + leaf).digest())
        self.size += 1

    def _move(self, index: int, kind: str, entry: dict[str, Any]) -> None:
        for place, (source, target, asset, text) in enumerate(entry["postings"]):
            amount = int(text)
            assert amount > 0
            for account in (source, target):
                assert self.assets.setdefault(account, asset) == asset
            self.balances[source] -= amount
            self.balances[target] += amount
            self.supply[asset] += {"issue/1": amount, "redeem/1": -amount}.get(kind, 0)
            ours, theirs = self._numbers[source], self._numbers[target]
            self._legs += [
                (index, 2 * place, ours, theirs, -amount, self.balances[source]),
                (index, 2 * place + 1, theirs, ours, amount, self.balances[target]),
            ]
        if kind == "pay/1":
            payment = entry["facts"]["payment"]
            assert payment not in self.payments, f"{payment} was paid twice"
            self.payments[payment] = 0
        elif kind == "refund/1":
            self.payments[entry["facts"]["payment"]] += int(entry["postings"][0][3])

    def _grow(self, node: bytes) -> None:
        leaves, level, tile_node = 1, 0, node
        while self._stack and self._stack[-1][0] == leaves:
            node = sha256(b"\1" + self._stack.pop()[1] + node).digest()
            leaves *= 2
        self._stack.append((leaves, node))
        while True:
            self._levels[level].append(tile_node)
            if len(self._levels[level]) % WIDTH:
                return
            tile_node = _root_of(self._levels[level][-WIDTH:])
            level += 1
            if level == len(self._levels):
                self._levels.append([])

    def _check_tree(self, snapshot: Snapshot, frontier: bytes) -> None:
        assert frontier == b"".join(node for _, node in self._stack), "the frontier is the leaves'"
        self.root = b"" if not self._stack else self._stack[-1][1]
        for _, node in self._stack[-2::-1]:
            self.root = sha256(b"\1" + node + self.root).digest()
        tiles = {
            (level, number): b"".join(hashes[number * WIDTH : (number + 1) * WIDTH])
            for level, hashes in enumerate(self._levels)
            for number in range(len(hashes) // WIDTH)
        }
        assert {(t.level, t.number): t.hashes for t in snapshot.all_tiles()} == tiles

    def _check_accounts(self, snapshot: Snapshot, accounts: list[Any], opened: int) -> None:
        assert [account.number for account in accounts] == list(range(opened))
        totals: Counter[str] = Counter()
        for account in accounts:
            id = _b64(account.id)
            assert account.balance == self.balances[id], f"account {account.number} stands wrong"
            assert account.balance >= 0 or account.kind == "issue", "nobody owes but the issuer"
            assert self.assets.get(id, account.asset) == account.asset
            totals[account.asset] += account.balance
        assert set(totals.values()) <= {0}, "for each asset all balances sum to zero"
        held = {asset: held for asset, (held, _) in snapshot.balances().items()}
        assert held == {asset: self.supply[asset] for asset in held}, "supply is issued - redeemed"
        counted: Counter[str] = Counter()
        for row in snapshot.all_counters():
            if row.measure in ("issued", "redeemed"):
                counted[row.subject.decode()] += row.value * (1 if row.measure == "issued" else -1)
        assert counted == self.supply, "the counters know the supply"

    def _check_postings(self, snapshot: Snapshot, start: int) -> None:
        found = [
            (index, place, *leg) for index, place, leg in snapshot.all_postings() if index >= start
        ]
        assert found == self._legs, "posting rows are the leaves' postings with their balances"

    def _check_events(self, snapshot: Snapshot, events: int, refusals: int) -> None:
        entries, refused = 0, 0
        for count, event in enumerate(snapshot.all_events(), start=1):
            assert event.seq == count, "events have no gap"
            if event.kind == EventKind.ENTRY:
                assert event.ref == entries, "each entry is told once, in order"
                entries += 1
            else:
                refused += 1
                assert event.ref == refused, "each refusal is told once, in order"
        assert (entries + refused, entries, refused) == (events, self.size, refusals)
        numbers = [row.number for row in snapshot.all_refusals()]
        assert all(b == a + 1 for a, b in pairwise(numbers))
        assert not numbers or numbers[-1] == refusals

    def _check_payments(self, snapshot: Snapshot) -> None:
        given = {}
        for row in snapshot.all_objects():
            if row.type == "payment":
                payment: Any = decode_body(row.type, row.body)
                given[_b64(row.key)] = payment.refunded + payment.refunded_tenge
        assert given == self.payments, "each payment is there once, with what was given back"


def judged(url: str) -> Judge:
    """A ledger judged as a whole."""
    return Judge(url).judge()


def _root_of(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        pairs = zip(hashes[::2], hashes[1::2], strict=True)
        hashes = [sha256(b"\1" + left + right).digest() for left, right in pairs]
    return hashes[0]


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
