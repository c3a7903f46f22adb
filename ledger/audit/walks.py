"""Rows that are read beside the replay, entry by entry: postings and transaction ids.

Both come sorted by entry, so nothing is looked up and nothing is held in memory. A table that the
database cannot read to its end is one finding; its missing rows are not counted up.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from ledger.audit.verdict import FINDINGS_MAX, Finding, Part
from ledger.core.ids import TransactionId
from ledger.core.state import Posted
from ledger.errors import StoreProblem
from ledger.store import SPAN_BITS, PostingRow

_END = 1 << 63


class _Walk(ABC):
    """The next row of a table, and what is found on the way. Rows start with the entry's index."""

    def __init__(self, rows: Iterator[Any]) -> None:
        self._kept: dict[bool, list[Finding]] = {False: [], True: []}  # by being without an entry
        self._rows = rows
        self.is_broken = False  # the database could not read the table to its end
        self._row: Any = None
        self._advance()

    def _advance(self) -> None:
        try:
            self._row = next(self._rows, None)
        except StoreProblem as problem:
            self._found(Finding(Part.STRUCTURE, str(problem)))
            self._row, self.is_broken = None, True

    def _skip_to(self, index: int) -> None:
        """Leave behind rows of earlier entries: those do not belong."""
        while self._row is not None and self._row[0] < index:
            self._surplus()

    @abstractmethod
    def _surplus(self) -> None:
        """The row at hand belongs to no entry: say so, and go on to the next."""

    def _found(self, finding: Finding) -> None:
        """Keep it: entries come in order, so those beyond the first few are not needed."""
        kept = self._kept[finding.index is None]
        if len(kept) < FINDINGS_MAX:
            kept.append(finding)

    @property
    def findings(self) -> list[Finding]:
        """What was found: the first with an entry, and the first without one."""
        return self._kept[False] + self._kept[True]

    def rest(self) -> None:
        """Rows beyond the last entry."""
        self._skip_to(_END)


class PostingsWalk(_Walk):
    """Posting rows against what the replay would post."""

    def __init__(self, rows: Iterator[PostingRow]) -> None:
        self.spans: dict[tuple[int, int], int] = {}  # (account, span) to its first entry
        super().__init__(rows)

    def entry(self, index: int, posted: list[Posted]) -> None:
        """The rows of this entry."""
        for place, leg in enumerate(posted):
            row = self._row
            if row is None or row[0] != index or row[1] != place:
                row = self._seek(index, place)
                if row is None:
                    continue
            self.spans.setdefault((leg.account, index >> SPAN_BITS), index)
            self._advance()
            if row[2] != leg:
                self._wrong(row, leg)

    def _wrong(self, row: PostingRow, leg: Posted) -> None:
        """The row is not this leg's. Where the next one, of the same place, is, it is too much."""
        index, place, posted = row
        following = self._row
        if following is not None and tuple(following) == (index, place, leg):
            self._too_much(index, place)
            self._advance()
            return
        text = (
            f"posting {place} of entry {index} is {tuple(posted)}, the log says {tuple(leg)}"
            " (account, other, amount, balance)"
        )
        self._found(Finding(Part.POSTING, text, index))

    def _seek(self, index: int, place: int) -> PostingRow | None:
        """The row of this place, with those before it left behind; None where it is missing."""
        while self._row is not None and (self._row[0], self._row[1]) < (index, place):
            self._surplus()
        row: PostingRow | None = self._row
        if row is not None and (row[0], row[1]) == (index, place):
            return row
        if not self.is_broken:
            text = f"posting {place} of entry {index} is missing"
            self._found(Finding(Part.POSTING, text, index))
        return None

    def _surplus(self) -> None:
        self._too_much(self._row[0], self._row[1])
        self._advance()

    def _too_much(self, index: int, place: int) -> None:
        text = f"there is a row for posting {place} of entry {index}, which posted no such thing"
        self._found(Finding(Part.POSTING, text))


class TransactionsWalk(_Walk):
    """Transaction rows against the entries' transactions."""

    def entry(self, index: int, id: TransactionId) -> None:
        """The row of this entry: exactly one."""
        row = self._row
        if row is not None and row[0] == index and row[1] == id:
            self._advance()
            return
        self._skip_to(index)
        found = False
        while self._row is not None and self._row[0] == index:
            if self._row[1] == id and not found:
                found = True
                self._advance()
            else:
                self._surplus()
        if not found and not self.is_broken:
            text = f"transaction {id} of entry {index} has no row, or one for another entry"
            self._found(Finding(Part.TRANSACTION, text, index))

    def _surplus(self) -> None:
        index, id = self._row
        text = f"there is a row for transaction {id} as entry {index}, which it is not"
        self._found(Finding(Part.TRANSACTION, text))
        self._advance()
