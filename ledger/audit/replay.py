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
from ledger.core.ids import ID_BYTES, TransactionId, b64, ledger_id, unb64
from ledger.core.needs import Need
from ledger.core.objects import SIGNERS, Genesis, public_of
from ledger.core.plan import Plan
from ledger.core.state import Posted, State
from ledger.core.transaction import Transaction
from ledger.decide import Accepted, decide, draft, settle
from ledger.errors import LedgerError
from ledger.kinds import read
from ledger.kinds.expire import Expire, key_of
from ledger.log.leaf import Leaf, LeafPosting
from ledger.rules.pack import pack_in_force
from ledger.rules.rule import is_tender

HOUR_MS = 3_600_000

_decode = msgspec.json.Decoder(Leaf).decode


class _Values(dict[Need, Any]):
    """Values by need; of something absent what a store would say of it."""

    def __missing__(self, need: Need) -> Any:
        table = need[0]
        return () if table == "lookup" else 0 if table == "counter" else None


class FullState(State):
    """All of the state: what is not in it does not exist. `reference_written` are the entries that
    wrote reference objects, `counter_written` the last entry that wrote each counter."""

    __slots__ = ("counter_written", "reference_written")

    def __init__(self) -> None:
        super().__init__()
        self.values = _Values()
        self.counter_written: dict[Need, int] = {}
        self.reference_written: list[int] = []

    def public_key(self, kid: bytes, before: int) -> bytes | None:
        """The public key of this kid, where it was registered before entry `before`."""
        found = next((found for type_ in SIGNERS if (found := self.object(type_, kid))), None)
        return None if found is None or found.written >= before else public_of(found)

    def settle_changes(self, index: int) -> None:
        """Keep what `apply` left to the store: counters and look-ups."""
        changes, values, written = self.changes, self.values, self.counter_written
        for need, by in changes.counters.items():
            if need not in written:
                values[need] = by
            written[need] = index
        for need in changes.lookups:
            values[need] = changes.lookup(need, values[need])
        if changes.reference:
            self.reference_written.append(index)
            changes.reference = False
        for table in (changes.accounts, changes.objects, changes.counters, changes.lookups):
            table.clear()


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
    """Replays the entries of one ledger in order; the first of them gives its id."""

    def __init__(self, *, decides: bool) -> None:
        self.state = FullState()
        self.ledger = ""
        self.log_key: bytes | None = None
        self.at = 0
        self.size = 0
        self._decides = decides
        self._due: list[tuple[int, str, bytes]] = []  # a heap; entries may be stale
        self._seen: dict[int, set[bytes]] = {}  # digests by the hour in which they run out

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
        self._check_repeat(tx.id, leaf.at, index)
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
        self.ledger = b64(ledger_id(tx.envelopes[0].payload))

    def _plan(self, tx: Transaction, leaf: Leaf, index: int) -> Plan:
        """What the entry did: derived again, and compared with what the leaf says it did."""
        try:
            if self._decides:
                decision = decide(tx, self.state, leaf.at, self.ledger)
                part = Part.DECISION
            else:
                decision = self._reapplied(tx, leaf)
                part = Part.AUTHORITY
        except Stopped:
            raise
        except Exception as error:  # the kinds never met such bytes: a writer refuses them
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
        """All checks but the rules. Which zone decided is taken from the leaf's facts: it must be a
        zone, and something must have been paid there; that it is the right one, deciding shows."""
        pack = pack_in_force(self.state)
        plan = draft(tx, self.state, leaf.at, self.ledger, pack.in_force(leaf.at))
        if isinstance(plan, Refused):
            return plan
        key: bytes | None = None
        if "zone" in leaf.facts:
            key = unb64(str(leaf.facts["zone"]), ID_BYTES)
            direct = any(movement.place and is_tender(movement) for movement in plan.movements)
            if not direct or self.state.object("zone", key) is None:
                raise _stop(Part.FACTS, leaf.index, "the facts name a zone that decided nothing")
        return Accepted(settle(plan, key, leaf.at), pack.digest)

    def _check_repeat(self, id: TransactionId, at: int, index: int) -> None:
        """A transaction is in the log once. Those that have run out are refused anyway."""
        hour = id.not_after // HOUR_MS
        seen = self._seen.get(hour)
        if seen is None:
            self._seen = {kept: ids for kept, ids in self._seen.items() if kept >= at // HOUR_MS}
            seen = self._seen[hour] = set()
        if id.digest in seen:
            raise _stop(Part.REPEATED, index, f"transaction {id} is in the log already")
        seen.add(id.digest)

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
        for signed in tx.envelopes:
            public = self.state.public_key(signed.kid, self.size + 1)
            if public is not None:
                found[signed.kid] = public
        if self.log_key is None:
            genesis = self.state.body("genesis", b"", Genesis)
            self.log_key = None if genesis is None else unb64(genesis.log_key, 32)
        return found


def _named(due: tuple[int, str, bytes]) -> str:
    return f"{due[1]} {b64(due[2])}, due at {due[0]},"


def _stop(part: Part, index: int, message: str) -> Stopped:
    return Stopped(Finding(part, message, index))
