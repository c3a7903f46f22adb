"""The judge: derives a ledger again from its leaves and holds every row of the database against it.

A second opinion: it reads leaves with the standard library alone and shares no code with the state,
the tree or the audit. It goes on from where it stopped, so it can judge after every crash; then it
holds against the leaves what they may have changed, and all there is only when judging as a whole.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from ledger.core.ids import TransactionId, derive_key
from ledger.store import EventKind, EventRow, ReadingStore, Snapshot, open_reading

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
        self._issues: set[str] = set()  # accounts that assets are issued from
        self.payments: dict[str, int] = {}  # refunded in the asset paid or in tenge, by payment id
        self.tendered: Counter[str] = Counter()  # value of crypto payments in tiyn, by zone
        self.root = b""
        self.events = 0
        self.last_at = 0
        self.kinds: Counter[str] = Counter()
        self._told = 0  # entries that events have told
        self._stack: list[tuple[int, bytes]] = []  # complete subtrees: leaves, hash
        self._levels: list[list[bytes]] = [[]]  # hashes of tiles' levels
        self._numbers: dict[str, int] = {}
        self._legs: list[tuple[int, ...]] = []  # of the leaves just read
        self._new: dict[TransactionId, int] = {}  # ids of the leaves just read
        self._paid: set[str] = set()  # payments that the leaves just read have touched

    def judge(self, books: ReadingStore | None = None) -> Judge:
        """Read what is new, from `books` where they are open, and hold the database against it;
        AssertionError says what differs."""
        store = open_reading(self.url) if books is None else books
        try:
            with store.snapshot() as snapshot:
                self._check(snapshot)
        finally:
            if books is None:
                store.close()
        return self

    def _check(self, snapshot: Snapshot) -> None:
        start = self.size
        accounts = list(snapshot.all_accounts())
        self._numbers = {_b64(account.id): account.number for account in accounts}
        self._legs, self._new, self._paid = [], {}, set()
        for index, leaf in snapshot.all_leaves(start):
            self._read(index, leaf)
        head = snapshot.head()
        assert head.size == self.size, "the head counts the entries"
        assert head.at == self.last_at, "the head's time is the last entry's"
        self._check_tree(snapshot, head.frontier)
        self._check_accounts(snapshot, accounts, head.accounts_opened)
        self._check_postings(snapshot, start)
        self._check_transactions(snapshot, whole=start == 0)
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
        self.ids[id] = self._new[id] = index
        self.kinds[payload["kind"]] += 1
        if payload["kind"] == "asset/1":
            self._issues.add(_b64(derive_key(id, "issue")))
        if payload["kind"] == "expire/1":
            assert payload["due"] <= entry["at"], f"entry {index} ends what is not yet due"
        self._move(index, payload["kind"], entry)
        self._grow(sha256(b"\0" + leaf).digest())
        self.size += 1

    def _move(self, index: int, kind: str, entry: dict[str, Any]) -> None:
        if kind == "approve/1" and entry["postings"]:
            kind = entry["facts"]["proposed"]  # the last approval does it
        for place, (source, target, asset, text) in enumerate(entry["postings"]):
            amount = int(text)
            assert amount > 0
            for account in (source, target):
                assert self.assets.setdefault(account, asset) == asset
            self.balances[source] -= amount
            self.balances[target] += amount
            if source in self._issues:
                self.supply[asset] += amount
            if target in self._issues:
                self.supply[asset] -= amount
            ours, theirs = self._numbers[source], self._numbers[target]
            self._legs += [
                (index, 2 * place, ours, theirs, -amount, self.balances[source]),
                (index, 2 * place + 1, theirs, ours, amount, self.balances[target]),
            ]
        if kind in ("pay/1", "ask_pay/1", "convert_pay/1", "invoice_pay/1"):
            payment = entry["facts"]["payment"]
            assert payment not in self.payments, f"{payment} was paid twice"
            self.payments[payment] = 0
            self._paid.add(payment)
            if "zone" in entry["facts"]:
                self.tendered[entry["facts"]["zone"]] += int(entry["facts"]["value"])
        elif kind == "hold_request/1":
            self.payments[entry["facts"]["payment"]] = 0
        elif kind == "refund/1":
            payment = entry["facts"]["payment"]
            self.payments[payment] += int(entry["postings"][0][3])
            self._paid.add(payment)

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

    def _check_transactions(self, snapshot: Snapshot, *, whole: bool) -> None:
        if whole:
            found = dict(snapshot.all_transactions())
        else:
            found = snapshot.find(list(self._new))
            assert snapshot._rows("SELECT count(*) FROM tx WHERE ledger = ?") == [(self.size,)]
        assert found == self._new, "ids and entries, one to one"

    def _check_postings(self, snapshot: Snapshot, start: int) -> None:
        if start == 0:
            rows = [(index, place, *leg) for index, place, leg in snapshot.all_postings()]
            assert rows == self._legs, "posting rows are the leaves' postings with their balances"
            return
        legs: dict[int, list[tuple[int, ...]]] = {}
        for index, place, account, *leg in self._legs:
            legs.setdefault(account, []).append((index, place, *leg))
        for account, expected in legs.items():
            found = snapshot.statement(account, after=start - 1, limit=len(expected) + 1)
            assert [tuple(row) for row in found] == expected, "statements are the leaves' postings"

    def _check_events(self, snapshot: Snapshot, events: int, refusals: int) -> None:
        for event in _events_after(snapshot, self.events):
            self.events += 1
            assert event.seq == self.events, "events have no gap"
            if event.kind == EventKind.ENTRY:
                assert event.ref == self._told, "each entry is told once, in order"
                self._told += 1
            else:
                assert event.ref == self.events - self._told, "each refusal is told, in order"
        told = (self.events, self._told, self.events - self._told)
        assert told == (events, self.size, refusals)
        rows = "SELECT count(*), coalesce(max(number), 0) FROM refusal WHERE ledger = ?"
        assert snapshot._rows(rows) == [(refusals, refusals)]

    def _check_payments(self, snapshot: Snapshot) -> None:
        needs = {id: ("object", "payment", _unb64(id)) for id in self._paid}
        found = snapshot.load(needs.values())
        for id, need in needs.items():
            assert found[need] is not None, "each payment is there"
            payment: Any = found[need].body
            given = payment.refunded + payment.refunded_tenge
            assert given == self.payments[id], "with what was given back of it"
        sql = "SELECT count(*) FROM object WHERE ledger = ? AND type = 'payment'"
        assert snapshot._rows(sql) == [(len(self.payments),)]


def _events_after(snapshot: Snapshot, seq: int) -> Iterator[EventRow]:
    while page := snapshot.events(seq, 1_000):
        yield from page
        seq = page[-1].seq


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
