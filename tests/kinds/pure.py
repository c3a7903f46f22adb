"""The pure middle by itself: transactions read, decided and applied in memory, at a time that the
test sets. No store and no clock, so the same test gives the same ids, bytes and balances every run.
"""

from __future__ import annotations

import copy
import itertools
import json
from typing import Any

from ledger.core.envelope import open_envelope, seal
from ledger.core.ids import TransactionId, b64, derive_key, ledger_id
from ledger.core.needs import Need, NeedMissing
from ledger.core.plan import Plan
from ledger.core.state import State
from ledger.core.transaction import Transaction
from ledger.decide import Accepted, decide
from ledger.errors import BadSignature, Malformed
from ledger.kinds import read
from ledger.store.base import EntryRow, Head, PostingRow
from ledger.writer.answers import Answer, Declined, Offer, Taken, Unread
from ledger.writer.batch import OpenBatch
from ledger.writer.reading import check_new_keys, check_signatures, signature_needs
from tests.builders import DAY, HOUR, Signing, World, key_of

MORNING = 1_893_474_000_000
"""Tuesday 1 January 2030, 10:00 in Almaty (UTC+5): a working hour of a day like others."""

_ABSENT: dict[str, Any] = {"account": None, "object": None, "lookup": (), "counter": 0}


def public(name: str) -> str:
    """The named one's public key as text."""
    return b64(key_of(name).public_key)


def _genesis(at: int) -> str:
    """A genesis without chance: its salt is always the same."""
    payload = json.dumps({
        "kind": "genesis/1", "ledger": "", "nonce": "nonce-genesis-000", "not_after": at + HOUR,
        "name": "pure", "salt": b64(b"sixteen bytes ok"), "central_bank": public("nbk"),
        "operator": public("operator"), "log_key": public("log"),
    }, separators=(",", ":")).encode()  # fmt: skip
    key = key_of("nbk")
    return seal(payload, kid=key.kid, typ="tenge-tx", sign=key.sign)


class PureLedger:
    """A ledger of nothing but its state. `at` is its time (ms UTC); tests move it."""

    def __init__(self, at: int = MORNING, genesis: str = "") -> None:
        self.at = at
        self.state = State()
        self.entries: list[EntryRow] = []
        self.postings: list[PostingRow] = []
        self.plans: list[Plan] = []
        self.indexes: dict[TransactionId, int] = {}
        jws = (genesis or _genesis(at)).encode()
        self.id = b64(ledger_id(open_envelope(jws, typ="tenge-tx").payload))
        assert isinstance(self.submit([Offer(jws, False)])[0], Taken)

    def time(self) -> int:
        return self.at

    def submit(self, offers: list[Offer]) -> list[Answer]:
        return [self._take(offer) for offer in offers]

    def load(self, need: Need) -> Any:
        """The value of a need, absent where nothing ever wrote it."""
        if need not in self.state.values:
            self.state.admit({need: _ABSENT[need[0]]})
        return self.state.values[need]

    def fork(self) -> PureLedger:
        """Another ledger that has lived the same life so far."""
        twin = copy.copy(self)
        twin.state = State(self.state.accounts_opened)
        twin.state.values = dict(self.state.values)
        twin.state.changes.counters = dict(self.state.changes.counters)
        twin.state.changes.lookups = {k: dict(v) for k, v in self.state.changes.lookups.items()}
        twin.entries, twin.postings = list(self.entries), list(self.postings)
        twin.indexes, twin.plans = dict(self.indexes), list(self.plans)
        return twin

    def _take(self, offer: Offer) -> Answer:
        try:
            tx = read(offer.jws, checked=offer.verified)
            check_new_keys(tx)
            if tx.id in self.indexes:
                return Taken(self.indexes[tx.id], self.at, len(self.entries), True)
            return self._decide(tx)
        except Malformed as error:
            return Unread(error.code, str(error), error.where)
        except BadSignature as error:
            return Unread(error.code, str(error))

    def _decide(self, tx: Transaction) -> Answer:
        while True:
            try:
                for need in signature_needs(tx):
                    self.load(need)
                check_signatures(tx, self.state)
                decision = decide(tx, self.state, self.at, self.id)
                batch = OpenBatch(self.state, self._head(), self.at)
                if not isinstance(decision, Accepted):
                    return Declined(decision.reasons, self.at, batch.size)
                index = batch.accept(tx, decision)
            except NeedMissing as missing:
                self.load(missing.need)
            else:
                self.entries += batch._entries
                self.postings += batch._postings
                self.plans.append(decision.plan)
                self.indexes[tx.id] = index
                return Taken(index, self.at, index + 1)

    def _head(self) -> Head:
        return Head(1, b"", len(self.entries), b"", self.at, self.at, 0, 0, 0, 0)


def pure_world(at: int = MORNING) -> World:
    """The small world of `tests.builders` on a pure ledger."""
    ledger = PureLedger(at)
    world = World(ledger, ledger.id)
    world.parties["nbk"] = b64(derive_key(ledger.entries[0].transaction, "central_bank"))
    return world.build()


def fork(world: World) -> World:
    """The same world, to be led another way."""
    twin = copy.copy(world)
    twin.door = world.door.fork()
    twin.signing = Signing(world.signing.ledger, lambda: twin.door.time())
    twin.signing._nonces = itertools.count(len(twin.door.entries) + 1_000)
    twin.sign = twin.signing.sign
    for name in ("parties", "accounts", "rates"):
        setattr(twin, name, dict(getattr(world, name)))  # the ids; what they name is the ledger's
    return twin


__all__ = ["DAY", "HOUR", "MORNING", "PureLedger", "fork", "pure_world"]
