"""Replaying entries: the same `draft`, `decide` and `apply` that wrote them, from nothing.

The replay holds the whole state in memory, because it ends by comparing all of it. It stops at the
first entry that does not follow from those before it: what comes after cannot be judged.
"""

from __future__ import annotations

import heapq
from typing import Any

import msgspec

from ledger.audit.verdict import Finding, Part
from ledger.core.account import AccountKind
from ledger.core.asset import Asset
from ledger.core.counters import ISSUED, REDEEMED
from ledger.core.decision import Refused
from ledger.core.ids import b64, decode_segment, ledger_id, unb64
from ledger.core.needs import Need
from ledger.core.objects import Genesis
from ledger.core.party import Key
from ledger.core.plan import Plan
from ledger.core.state import Posted, State
from ledger.core.transaction import Transaction
from ledger.core.zone import Terminal
from ledger.decide import Accepted, decide, draft, pack_in_force, settle
from ledger.errors import LedgerError
from ledger.kinds import read
from ledger.kinds.expire import Expire, key_of
from ledger.log.leaf import Leaf, LeafPosting

_decode = msgspec.json.Decoder(Leaf).decode


class FullState(State):
    """All of the state: what is not in it does not exist."""

    __slots__ = ("counter_written",)

    def __init__(self) -> None:
        super().__init__()
        self.counter_written: dict[Need, int] = {}

    def get(self, need: Need) -> Any:
        """The value, or what the store would say of something absent."""
        found = self.values.get(need)
        if found is None:
            table = need[0]
            return () if table == "lookup" else 0 if table == "counter" else None
        return found

    def settle_changes(self, index: int) -> None:
        """Keep what `apply` left to the store: counters and look-ups."""
        changes = self.take_changes()
        values, written = self.values, self.counter_written
        for need, by in changes.counters.items():
            values[need] = values.get(need, 0) + (0 if need in written else by)
            written[need] = index
        for need in changes.lookups:
            values[need] = changes.lookup(need, self.get(need))


class Replayed(msgspec.Struct):
    """One entry as replayed: its transaction, the rows it would post, its signers' public keys."""

    tx: Transaction
    posted: list[Posted]
    publics: dict[bytes, bytes]


class Stopped(Exception):
    """The replay cannot go on; `finding` says why."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding


class Replay:
    """Replays the entries of one ledger in order. `ledger` is its id, or None to learn it."""

    def __init__(self, ledger: str | None, *, decides: bool) -> None:
        self.state = FullState()
        self.ledger = ledger
        self.log_key: bytes | None = None
        self.at = 0
        self.size = 0
        self._decides = decides
        self._due: list[tuple[int, str, bytes]] = []  # a heap; entries may be stale

    def step(self, line: bytes) -> Replayed:
        """Replay the next entry. Raises Stopped."""
        index = self.size
        try:
            leaf = _decode(line)
            tx = read(leaf.tx.encode(), checked=True)
        except (LedgerError, msgspec.MsgspecError, UnicodeError) as error:
            raise _stop(Part.LEAF, index, f"the leaf cannot be read: {error}") from None
        if leaf.index != index:
            raise _stop(Part.LEAF, index, f"the leaf says that it is entry {leaf.index}")
        if leaf.at < self.at:
            raise _stop(Part.TIME, index, f"time goes back from {self.at} to {leaf.at}")
        if index == 0:
            self._begin(tx)
        plan = self._plan(tx, leaf, index)
        self._check_expiry(tx, leaf.at, index)
        publics = self._publics(tx)
        try:
            posted = self.state.apply(plan, index, leaf.at)
        except AssertionError as error:
            raise _stop(Part.POSTINGS, index, str(error)) from None
        for object_ in plan.objects:
            if object_.due is not None:
                heapq.heappush(self._due, (object_.due, object_.type, object_.key))
        self.state.settle_changes(index)
        if index == 0:
            publics = self._publics(tx)
        self.at, self.size = leaf.at, index + 1
        return Replayed(tx, posted, publics)

    def supply(self) -> tuple[dict[str, int], list[Finding]]:
        """Issued minus redeemed by asset, and where that is not the sum of all balances."""
        held: dict[str, int] = {}
        findings: list[Finding] = []
        values = self.state.values
        for need, value in values.items():
            if need[0] == "account" and value.kind != AccountKind.ISSUE:
                held[value.asset] = held.get(value.asset, 0) + value.balance
        supply: dict[str, int] = {}
        for need, value in values.items():
            if need[0] == "object" and need[1] == "asset" and isinstance(value.body, Asset):
                code = value.body.code
                out = self._counted(ISSUED, code) - self._counted(REDEEMED, code)
                supply[code] = out
                issue = values["account", unb64(value.body.issue_account, 16)]
                if not held.get(code, 0) == out == -issue.balance:
                    findings.append(
                        Finding(
                            Part.SUPPLY,
                            f"{code}: {out} issued and not redeemed, {held.get(code, 0)} held",
                        )
                    )
        return supply, findings

    def _counted(self, measure: str, code: str) -> int:
        found: int = self.state.get(("counter", measure, 0, code.encode(), ""))
        return found

    def _begin(self, tx: Transaction) -> None:
        """Entry 0 gives the ledger its id."""
        payload = tx.signatures[0].signing_input.partition(b".")[2]
        id = b64(ledger_id(decode_segment(payload)))
        if self.ledger is None:
            self.ledger = id
        elif self.ledger != id:
            raise _stop(Part.LEAF, 0, f"this is the genesis of ledger {id}, not of {self.ledger}")

    def _plan(self, tx: Transaction, leaf: Leaf, index: int) -> Plan:
        """What the entry did: derived again, and compared with what the leaf says it did."""
        try:
            if self._decides:
                decision = decide(tx, self.state, leaf.at, self.ledger or "")
                part = Part.DECISION
            else:
                decision = self._reapplied(tx, leaf)
                part = Part.AUTHORITY
        except (LedgerError, AssertionError, KeyError) as error:
            raise _stop(Part.LEAF, index, f"the entry cannot be replayed: {error!r}") from None
        if isinstance(decision, Refused):
            codes = ", ".join(reason.code.value for reason in decision.reasons)
            raise _stop(part, index, f"the entry would be refused: {codes}")
        if decision.pack != leaf.pack:
            raise _stop(Part.FACTS, index, f"the pack in force is {decision.pack or 'none'}")
        postings = tuple(
            LeafPosting(
                b64(movement.source.id),
                b64(movement.target.id),
                movement.asset.code,
                str(movement.amount),
            )
            for movement in decision.plan.movements
        )
        if postings != leaf.postings:
            raise _stop(Part.POSTINGS, index, "the postings do not follow from the transaction")
        if decision.plan.facts != leaf.facts:
            raise _stop(Part.FACTS, index, "the facts do not follow from the transaction")
        return decision.plan

    def _reapplied(self, tx: Transaction, leaf: Leaf) -> Accepted | Refused:
        """All checks but the rules: which zone decided is taken from the leaf's facts."""
        pack = pack_in_force(self.state)
        plan = draft(tx, self.state, leaf.at, self.ledger or "", bool(pack.in_force(leaf.at)))
        if isinstance(plan, Refused):
            return plan
        zone = leaf.facts.get("zone")
        key = unb64(zone, 16) if isinstance(zone, str) else None
        return Accepted(settle(plan, key, leaf.at), pack.digest)

    def _check_expiry(self, tx: Transaction, at: int, index: int) -> None:
        """Nothing due may be overdue when anything else happens, and the due end in their order."""
        top = self._next_due()
        if isinstance(tx.payload, Expire):
            ended = (tx.payload.due, tx.payload.type, key_of(tx.payload))
            if ended != top:
                raise _stop(Part.EXPIRY, index, f"ends {_named(ended)} out of order")
            heapq.heappop(self._due)
        elif top is not None and top[0] <= at:
            raise _stop(Part.EXPIRY, index, f"{_named(top)} was due and had not been ended")

    def _next_due(self) -> tuple[int, str, bytes] | None:
        """The first object due, with what is stale taken off the heap."""
        while self._due:
            due, type_, key = self._due[0]
            object_ = self.state.object(type_, key)
            if object_ is not None and object_.due == due:
                return due, type_, key
            heapq.heappop(self._due)
        return None

    def _publics(self, tx: Transaction) -> dict[bytes, bytes]:
        """Public keys of the signers, as registered before this entry."""
        found: dict[bytes, bytes] = {}
        for signed in tx.signatures:
            key = self.state.body("key", signed.kid, Key)
            terminal = self.state.body("terminal", signed.kid, Terminal)
            public = key.public if key else terminal.public if terminal else None
            if public is not None:
                found[signed.kid] = unb64(public, 32)
        genesis = self.state.body("genesis", b"", Genesis)
        if genesis is not None and self.log_key is None:
            self.log_key = unb64(genesis.log_key, 32)
        return found


def _named(due: tuple[int, str, bytes]) -> str:
    return f"{due[1]} {b64(due[2])}, due at {due[0]},"


def _stop(part: Part, index: int, message: str) -> Stopped:
    return Stopped(Finding(part, message, index))
