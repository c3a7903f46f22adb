"""Whether every mark accounts for what was allocated to it, told from the state as replayed.

The sums are counters, the rest are balances: the guard that feeds the counters (`ledger.marks`) is
checked here against the accounts. Where a mark is a child, what it has counts for its parent too,
so what holds for each mark holds for every line of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from ledger.audit.verdict import Finding, Part
from ledger.core import counters
from ledger.core.ids import ID_BYTES, b64, unb64
from ledger.core.mark import MarkPolicy
from ledger.core.needs import Need
from ledger.core.objects import Object, body_of


class Budget(msgspec.Struct):
    """One mark's sums in minor units. `held`: on accounts with the mark; `below`: what its children
    were allocated and have not returned."""

    allocated: int
    paid: int
    returned: int
    held: int = 0
    below: int = 0

    @property
    def is_whole(self) -> bool:
        """Whether all that was allocated is somewhere."""
        return self.allocated == self.paid + self.held + self.returned + self.below


def budgets(values: Mapping[Need, Any]) -> dict[str, Budget]:
    """The sums of every mark in the state, by the mark's id."""
    marks = [v for need, v in values.items() if need[:2] == ("object", "mark") and v is not None]
    found = {b64(mark.key): _counted(values, mark) for mark in marks}
    for need, account in values.items():
        if need[0] == "account" and account is not None and account.mark in found:
            found[account.mark].held += account.balance
    for mark in marks:
        budget = values["account", unb64(body_of(mark, MarkPolicy).budget, ID_BYTES)]
        if budget.mark in found:
            child = found[b64(mark.key)]
            found[budget.mark].below += child.allocated - child.returned
    return found


def check_budgets(values: Mapping[Need, Any]) -> list[Finding]:
    """A finding for each mark of which money is missing, or there is too much."""
    return [
        Finding(
            Part.BUDGET,
            f"mark {id}: {one.allocated} allocated, but {one.paid} paid, {one.held} held,"
            f" {one.below} with marks below it and {one.returned} returned",
        )
        for id, one in sorted(budgets(values).items())
        if not one.is_whole
    ]


def _counted(values: Mapping[Need, Any], mark: Object) -> Budget:
    measures = (counters.MARK_ALLOCATED, counters.MARK_PAID, counters.MARK_RETURNED)
    sums = (values.get(("counter", measure, 0, mark.key, ""), 0) for measure in measures)
    return Budget(*sums)
