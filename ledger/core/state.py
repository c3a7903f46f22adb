"""The state, and applying an accepted plan to it: the one mutable thing among pure modules.

`State.values` maps needs to values, as `core.needs` names them. `changes` gathers what the store
must write. Counters are added to without being read: they are summed in the store.
The audit applies entries through this same module, so live and replayed state cannot differ.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from ledger.core import counters
from ledger.core.account import Account, AccountKind
from ledger.core.needs import Known, Need
from ledger.core.objects import REFERENCE_TYPES, Object
from ledger.core.plan import CONVERSIONS, Movement, Plan

AMOUNT_MAX = 2**63 - 1


class Posted(NamedTuple):
    """One leg's row: the account's number and its balance after the posting."""

    account: int
    other: int
    amount: int
    """Signed minor units: negative on the debited account."""
    balance: int


class Changes:
    """What was applied since the last commit, keyed by need: final accounts and objects, counter
    sums to add, and by look-up need the object keys to put (True) or drop (False)."""

    __slots__ = ("accounts", "counters", "lookups", "objects", "reference")

    def __init__(self) -> None:
        self.accounts: dict[Need, Account] = {}
        self.objects: dict[Need, Object] = {}
        self.counters: dict[Need, int] = {}
        self.lookups: dict[Need, dict[bytes, bool]] = {}
        self.reference = False

    def lookup(self, need: Need, keys: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """A look-up's keys as they are after these changes."""
        changed = self.lookups.get(need)
        if not changed:
            return keys
        kept = {key for key in keys if key not in changed}
        return tuple(sorted(kept | {key for key, present in changed.items() if present}))


class State(Known):
    """Loaded values that `apply` may change. Owned by the writer's one thread, or by an audit."""

    __slots__ = ("accounts_opened", "changes")

    values: dict[Need, Any]

    def __init__(self, accounts_opened: int = 0) -> None:
        super().__init__({})
        self.values = {}
        self.changes = Changes()
        self.accounts_opened = accounts_opened

    def admit(self, loaded: Mapping[Need, Any]) -> None:
        """Take values read from the store, brought up to what was applied since its last commit."""
        for need, value in loaded.items():
            if need[0] == "counter":
                value = counters.add(value, self.changes.counters.get(need, 0))
            elif need[0] == "lookup":
                value = self.changes.lookup(need, value)
            self.values[need] = value

    def apply(self, plan: Plan, index: int, at: int) -> list[Posted]:
        """Make the plan's changes as entry `index` at `at` (ms UTC); return its posting rows.

        Raises NeedMissing before anything is changed where what is replaced is not loaded.
        """
        for object_ in plan.objects:
            self.get(("object", object_.type, object_.key))
        for id, _ in plan.statuses:
            self.get(("account", id))
        for opening in plan.openings:
            self._put_account(opening.account(self.accounts_opened, index))
            self.accounts_opened += 1
        for object_ in plan.objects:
            self._put_object(object_, index)
        rows: list[Posted] = []
        for movement in plan.movements:
            self._post(movement, index, rows)
            self._count(movement, at)
        for id, status in plan.statuses:
            account = self.values["account", id]
            self._put_account(msgspec.structs.replace(account, status=status, written=index))
        for measure, period, subject, part, by in plan.counts:
            self._add(("counter", measure, period, subject, part), by)
        return rows

    def take_changes(self) -> Changes:
        """What changed since the last call; the store writes it in one commit."""
        changes, self.changes = self.changes, Changes()
        return changes

    def _put_account(self, account: Account) -> None:
        self.values["account", account.id] = account
        self.changes.accounts["account", account.id] = account

    def _put_object(self, object_: Object, index: int) -> None:
        need = ("object", object_.type, object_.key)
        before: Object | None = self.get(need)
        put = msgspec.structs.replace(object_, written=index)
        self.values[need] = put
        self.changes.objects[need] = put
        if object_.type in REFERENCE_TYPES:
            self.changes.reference = True
        old = frozenset(() if before is None else before.lookups)
        new = frozenset(object_.lookups)
        for name, value in old - new:
            self._put_lookup(("lookup", object_.type, name, value), object_.key, False)
        for name, value in new - old:
            self._put_lookup(("lookup", object_.type, name, value), object_.key, True)

    def _put_lookup(self, need: Need, key: bytes, present: bool) -> None:
        self.changes.lookups.setdefault(need, {})[key] = present
        if need in self.values:
            self.values[need] = self.changes.lookup(need, self.values[need])

    def _post(self, movement: Movement, index: int, rows: list[Posted]) -> None:
        amount = movement.amount
        source = self._move(movement.source.id, -amount, index)
        target = self._move(movement.target.id, amount, index)
        rows.append(Posted(source.number, target.number, -amount, source.balance))
        rows.append(Posted(target.number, source.number, amount, target.balance))

    def _move(self, id: bytes, by: int, index: int) -> Account:
        need = ("account", id)
        account: Account = self.values[need]
        balance = account.balance + by
        if (balance < 0 and account.kind != AccountKind.ISSUE) or abs(balance) > AMOUNT_MAX:
            raise AssertionError(f"account {id.hex()} would stand at {balance} in entry {index}")
        moved = Account(
            account.number, id, account.owner, account.asset, account.kind, account.mark,
            account.status, balance, index,
        )  # fmt: skip
        self.values[need] = moved
        self.changes.accounts[need] = moved
        return moved

    def _count(self, movement: Movement, at: int) -> None:
        """Feed the counter catalogue (core.counters)."""
        source, target, part = movement.source, movement.target, movement.asset.class_.value
        if movement.purpose == "issue":
            self._add(("counter", counters.ISSUED, 0, source.asset.encode(), ""), movement.amount)
        elif movement.purpose == "redeem":
            self._add(("counter", counters.REDEEMED, 0, target.asset.encode(), ""), movement.amount)
        elif source.owner != target.owner and movement.purpose not in CONVERSIONS:
            value = movement.value or 0
            day, month = counters.local_day(at), counters.local_month(at)
            self._add(("counter", counters.OUT_DAY, day, source.owner, part), value)
            self._add(("counter", counters.OUT_MONTH, month, source.owner, part), value)
            self._add(("counter", counters.IN_DAY, day, target.owner, part), value)

    def _add(self, need: Need, by: int) -> None:
        pending = self.changes.counters
        pending[need] = counters.add(pending.get(need, 0), by)
        if need in self.values:
            self.values[need] = counters.add(self.values[need], by)
