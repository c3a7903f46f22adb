"""What an audit says."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from enum import StrEnum

import msgspec


class Part(StrEnum):
    """What a finding is about. The first group is the log itself, the second is derived from it."""

    STRUCTURE = "structure"
    LEAF = "leaf"
    SIGNATURE = "signature"
    AUTHORITY = "authority"
    REPEATED = "repeated transaction"
    POSTINGS = "postings"
    FACTS = "facts"
    TIME = "time"
    EXPIRY = "expiry"
    DECISION = "decision"
    SUPPLY = "supply"
    BUDGET = "budget"

    TILE = "tile"
    CHECKPOINT = "checkpoint"
    HEAD = "head"
    ENTRY = "entry row"
    TRANSACTION = "transaction row"
    POSTING = "posting row"
    ACCOUNT = "account row"
    OBJECT = "object row"
    LOOKUP = "lookup row"
    COUNTER = "counter row"
    EVENT = "event row"
    REFUSAL = "refusal row"


class Finding(msgspec.Struct, frozen=True):
    """One thing that is wrong. `index` is the entry that is damaged, or that last wrote the damaged
    row; None where no entry can be named: no entry wrote a row that does not belong."""

    part: Part
    message: str
    index: int | None = None


class Verdict(msgspec.Struct, frozen=True):
    """The result of an audit of `size` entries with `signatures` signatures.

    `root` is the root as recomputed (base64); `supply` maps asset codes to issued minus redeemed,
    which equals the sum of all balances; it is empty where the log cannot be replayed to the end.
    `findings` stand in order of entry; those without one come last.
    """

    ledger: str
    size: int
    root: str
    signatures: int
    decided: bool
    seconds: float
    supply: dict[str, int]
    findings: tuple[Finding, ...]

    @property
    def is_sound(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


FINDINGS_MAX = 20
"""So many findings are kept, the first in order of entry."""


def first_of(findings: Iterable[Finding]) -> list[Finding]:
    """The first findings in order of entry; what concerns no entry stands at the end."""
    return heapq.nsmallest(FINDINGS_MAX, findings, key=_place)


def _place(finding: Finding) -> tuple[bool, int]:
    return finding.index is None, finding.index or 0
