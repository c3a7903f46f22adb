"""The bank (R1): whoever reads while many pay sees all the money, and no half of a batch."""

from __future__ import annotations

import threading
import time

from ledger.core.ids import b64
from ledger.store import ReadingStore
from tests.reliability.crowd import Crowd
from tests.reliability.town import FUNDS, RING, Site
from tests.scale import draw, rounds

SECONDS = rounds(8)
CLIENTS = 8


class Reader(threading.Thread):
    """Reads everything over and over; `reads` counts, `error` is what it saw that cannot be."""

    def __init__(self, site: Site, store: ReadingStore) -> None:
        super().__init__(daemon=True)
        self.reads = 0
        self.sizes: set[int] = set()
        self.error: BaseException | None = None
        self.enough = threading.Event()
        self._store = store
        self._ring = [site.world.accounts[name, "KZTD"] for name in RING]

    def run(self) -> None:
        """Read until told to stop."""
        try:
            while not self.enough.is_set():
                self._read()
                self.reads += 1
                self.enough.wait(0.005)
        except BaseException as error:
            self.error = error

    def _read(self) -> None:

        with self._store.snapshot() as snapshot:
            head = snapshot.head()
            balances = snapshot.balances()
            accounts = {b64(account.id): account for account in snapshot.all_accounts()}
            supply = {
                (row.measure, row.subject.decode()): row.value
                for row in snapshot.all_counters()
                if row.measure in ("issued", "redeemed")
            }
            last = snapshot.leaf(head.size - 1), snapshot.leaf(head.size)
        assert last[0] is not None
        assert last[1] is None, "entries end where the head says"
        for asset, (held, issued) in balances.items():
            assert held + issued == 0, f"{asset}: {held} held, {issued} issued"
            minted = supply.get(("issued", asset), 0) - supply.get(("redeemed", asset), 0)
            assert held == minted, f"{asset}: {held} held of {minted}"
        assert all(a.balance >= 0 or a.kind == "issue" for a in accounts.values())
        assert [accounts[id].balance for id in self._ring] == [FUNDS["KZTD"]] * 3, "a torn batch"
        self.sizes.add(head.size)


def test_every_read_sees_all_the_money_whatever_is_being_paid(site: Site) -> None:
    node = site.node().start().reached()
    store = site.reader()
    readers = [Reader(site, store) for _ in range(2)]

    with Crowd(site, [node.link(), node.link()], CLIENTS, draw("bank")) as crowd:
        for reader in readers:
            reader.start()
        until = time.monotonic() + SECONDS
        while time.monotonic() < until and not any(reader.error for reader in readers):
            crowd.check()
            time.sleep(0.05)
        for reader in readers:
            reader.enough.set()
        for reader in readers:
            reader.join()
            if reader.error is not None:
                raise reader.error

    heard, reads = crowd.heard, sum(reader.reads for reader in readers)
    print(f"{reads} reads of {len(readers[0].sizes | readers[1].sizes)} sizes; {dict(heard)}")
    assert len(readers[0].sizes | readers[1].sizes) > 10, "the readers saw it happen"
    assert heard["taken"] > 200
    assert not heard["Busy"]
    assert not heard["DoorShut"]
    assert node.stop() == 0
