"""How fast and how big the store is by itself: batches of two-posting transfers, fsync on.

    python benchmarks/bench_store.py [--url URL] [--entries N] [--batch N] [--accounts N]

No signature is checked and nothing decided: rows are made beforehand, batch by batch, outside the
clock. What is timed is begin, find, write and commit, as the writer calls them.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

from ledger.core.account import Account, AccountKind
from ledger.core.ids import TransactionId, encode_segment
from ledger.core.state import Changes, Posted
from ledger.store import Batch, EntryRow, Head, PostingRow, TileRow, create_ledger, open_writing

START = 1_790_000_000_000


class Traffic:
    """Seeded transfers between accounts, as the writer would hand them to a store."""

    def __init__(self, accounts: int, seed: int) -> None:
        self.random = random.Random(seed)
        self.accounts = [
            Account(
                number=n, id=self.key(), owner=self.key(), asset="KZT", kind=AccountKind.WALLET,
                mark="", status="open", balance=10**9, written=0,
            )
            for n in range(accounts)
        ]  # fmt: skip

    def key(self) -> bytes:
        """Sixteen bytes led by the time, as derived keys are."""
        return START.to_bytes(6, "big") + self.random.randbytes(10)

    def leaf(self, index: int) -> bytes:
        """A leaf in form and length as a transfer's, 640 bytes; nothing in it is signed."""
        random = self.random.randbytes
        header = b'{"alg":"EdDSA","kid":"%s","typ":"tenge-tx"}' % encode_segment(random(32))
        payload = b"%s%s" % (b'{"kind":"transfer/1","ledger":"', encode_segment(random(117)))
        jws = b".".join(map(encode_segment, (header, payload, random(64))))
        return b'{"v":1,"index":%d,"at":%d,"pack":"%s","tx":"%s"%s' % (
            index, START, b"p" * 43, jws, b',"postings":[]}'.ljust(90),
        )  # fmt: skip

    def opening(self, head: Head) -> Batch:
        """All accounts opened in one batch without an entry."""
        changes = Changes()
        for account in self.accounts:
            changes.accounts["account", account.id] = account
        return Batch(self.after(head, 0, len(self.accounts)), [], [], changes, [], [])

    def after(self, head: Head, entries: int, opened: int = 0) -> Head:
        """The head after so many entries and openings."""
        return Head(
            head.ledger, head.id, head.size + entries, b"\0" * 320, START, 0, 0,
            head.accounts_opened + opened, 0, 0,
        )  # fmt: skip

    def transfers(self, head: Head, count: int) -> Batch:
        """`count` transfers; `not_after` is spread over ten minutes, as clients spread it."""
        changes, entries, postings = Changes(), [], []
        for index in range(head.size, head.size + count):
            not_after = START + index // 10 + self.random.randrange(600_000)
            tx = TransactionId(not_after, self.random.randbytes(32))
            leaf = self.leaf(index)
            entries.append(EntryRow(index, tx, leaf, 0))
            source, target = self.random.sample(range(len(self.accounts)), 2)
            amount = self.random.randrange(1, 100_000)
            for place, number, other, by in (
                (0, source, target, -amount),
                (1, target, source, amount),
            ):
                old = self.accounts[number]
                new = Account(
                    number, old.id, old.owner, old.asset, old.kind, old.mark, old.status,
                    old.balance + by, index,
                )  # fmt: skip
                self.accounts[number] = new
                changes.accounts["account", new.id] = new
                posted = Posted(number, other, by, new.balance)
                postings.append(PostingRow(index, place, posted))
            day = index // 200_000
            for measure, period, owner in (
                ("out.day", 20_000 + day, self.accounts[source].owner),
                ("out.month", 24_000, self.accounts[source].owner),
                ("in.day", 20_000 + day, self.accounts[target].owner),
            ):
                need = ("counter", measure, period, owner, "digital_tenge")
                changes.counters[need] = changes.counters.get(need, 0) + amount
        tiles = [
            TileRow(0, number, self.random.randbytes(8192))
            for number in range(head.size // 256, (head.size + count) // 256)
        ]
        return Batch(self.after(head, count), entries, postings, changes, [], tiles)


def run(url: str, entries: int, size: int, accounts: int, seed: int) -> None:
    """Fill a new ledger and say how it went, a line every tenth."""
    create_ledger(url, b"benchmark-ledger")
    store = open_writing(url, b"benchmark-ledger")
    traffic = Traffic(accounts, seed)
    head = store.begin()
    head = store.write(traffic.opening(head))
    store.commit()
    spent = cpu = 0.0
    parts = dict.fromkeys(("begin", "find", "write", "commit"), 0.0)
    done, step, mark = 0, max(size, entries // 10 // size * size), 0.0
    while done < entries:
        batch = traffic.transfers(head, size)
        ids = [entry.transaction for entry in batch.entries]
        cpu -= time.process_time()
        t0 = time.perf_counter()
        store.begin()
        t1 = time.perf_counter()
        if store.find(ids):
            sys.exit("a fresh id was found")
        t2 = time.perf_counter()
        head = store.write(batch)
        t3 = time.perf_counter()
        store.commit()
        t4 = time.perf_counter()
        cpu += time.process_time()
        for part, seconds in zip(parts, (t1 - t0, t2 - t1, t3 - t2, t4 - t3), strict=True):
            parts[part] += seconds
        spent += t4 - t0
        done += size
        if done % step == 0:
            each = "  ".join(f"{k} {v / step * 1e6:.2f}" for k, v in parts.items())
            print(f"{done:>9,} entries  {step / (spent - mark):>8,.0f}/s   us a transfer: {each}")
            mark = spent
            parts = dict.fromkeys(parts, 0.0)
    print(
        f"all: {done / spent:,.0f} transfers/s in batches of {size}, {accounts} accounts;"
        f" {cpu / done * 1e6:.1f} us of this process's CPU a transfer"
    )
    store.close()


def measure_file(path: Path, entries: int) -> None:
    """Bytes a transfer of a SQLite file, before and after VACUUM, and by table."""
    import sqlite3

    print(f"after checkpoint: {path.stat().st_size / entries:.0f} bytes a transfer")
    connection = sqlite3.connect(path)
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    print(f"after VACUUM: {path.stat().st_size / entries:.0f} bytes a transfer")


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", help="default: a SQLite file in a temporary folder")
    parser.add_argument("--entries", type=int, default=100_000)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--accounts", type=int, default=1_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.environ.get("TMPDIR")) as folder:
        path = Path(folder) / "ledger.db"
        url = given.url or f"sqlite:///{path}"
        run(url, given.entries, given.batch, given.accounts, given.seed)
        if given.url is None:
            measure_file(path, given.entries)


if __name__ == "__main__":
    main()
