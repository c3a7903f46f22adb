"""The audit of a database: its structure, the log in it, then the rows derived from that log.

Where the log itself is damaged, derived rows are not judged: there is nothing to hold them against.
A database that cannot be read on is a finding, with the entry up to which it could.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.audit.events import check_events
from ledger.audit.log import LogAudit, Row
from ledger.audit.tables import (
    check_accounts,
    check_counters,
    check_lookups,
    check_objects,
    check_refusals,
    check_spans,
    check_tiles,
)
from ledger.audit.tree import TreeCheck
from ledger.audit.verdict import Finding, Part, first_of
from ledger.audit.walks import PostingsWalk, TransactionsWalk
from ledger.core.ids import b64
from ledger.errors import StoreProblem
from ledger.store import Snapshot


def check_database(audit: LogAudit, snapshot: Snapshot) -> None:
    """Add all findings to `audit`. Raises nothing for what damage may do."""
    damaged: list[str] = []
    try:
        damaged += snapshot.structure()
        _Database(audit, snapshot).check()
    except StoreProblem as problem:
        damaged.append(str(problem))
    except Exception as error:
        if not damaged:  # then it is no damage over which we stumbled
            raise
        damaged.append(f"the rows cannot be read: {error!r}")
    audit.findings += [Finding(Part.STRUCTURE, text) for text in dict.fromkeys(damaged)]


class _Database:
    def __init__(self, audit: LogAudit, snapshot: Snapshot) -> None:
        self._audit = audit
        self._snapshot = snapshot
        self._head = snapshot.head()
        self._readable = True

    def check(self) -> None:
        """The log with what is read beside it; then, if it is sound, all the rest."""
        audit, snapshot, head = self._audit, self._snapshot, self._head
        audit.ledger = b64(head.id)
        audit.tree = TreeCheck(snapshot.tile, head.size)
        postings = PostingsWalk(snapshot.all_postings())
        transactions = TransactionsWalk(snapshot.all_transactions_by_entry())
        whole = audit.run(self._rows(), head.size, postings, transactions)
        sound = self._check_log() and whole
        if sound:
            postings.rest()
            transactions.rest()
        audit.findings += first_of(postings.findings + transactions.findings)
        if sound:
            self._check_head()
            audit.findings += first_of(self._derived(postings))

    def _rows(self) -> Iterator[Row]:
        """Entries in order up to the first gap."""
        found = self._audit.findings.append
        expected = 0
        try:
            for index, leaf, check in self._snapshot.all_entries():
                if index < expected:
                    found(Finding(Part.ENTRY, f"there is a row for an entry {index}"))
                    continue
                if index > expected:
                    found(Finding(Part.ENTRY, f"after a gap there is a row for entry {index}"))
                    return
                yield index, leaf, check
                expected += 1
        except StoreProblem as problem:
            self._readable = False
            found(Finding(Part.STRUCTURE, f"entries cannot be read on: {problem}", expected))

    def _check_log(self) -> bool:
        """Leaves, tree and the head's size against each other; whether the log is sound."""
        audit, tree, head = self._audit, self._audit.tree, self._head
        size, found = tree.size, audit.findings.append
        if not self._readable:
            return False
        if size == head.size:
            audit.findings += first_of(tree.findings(head.frontier))
            damaged = (found.part == Part.LEAF for found in tree.findings(head.frontier))
            return tree.encoded() == head.frontier or not any(damaged)
        if tree.encoded() == head.frontier:
            text = f"size of the head is {head.size}, by its frontier and the log it is {size}"
            found(Finding(Part.HEAD, text, size - 1))
            return True
        if size < head.size:
            found(Finding(Part.LEAF, f"entry {size} is missing", size))
        elif tree.at_head == head.frontier:
            text = f"there are entries up to {size - 1}, the head covers {head.size}"
            found(Finding(Part.ENTRY, text, head.size))
        else:
            text = f"the head covers {head.size} other entries than there are ({size})"
            found(Finding(Part.HEAD, text, head.size))
        return False

    def _check_head(self) -> None:
        """The head's columns that follow from the log alone, and the ledger's id."""
        audit, head, replay = self._audit, self._head, self._audit.replay
        for name, counted, said in (
            ("at", replay.at, head.at),
            ("accounts_opened", replay.state.accounts_opened, head.accounts_opened),
        ):
            if counted != said:
                text = f"{name} of the head is {said}, by the log it is {counted}"
                audit.findings.append(Finding(Part.HEAD, text, replay.size - 1))
        if replay.size and audit.ledger != replay.ledger:
            text = f"the database calls ledger {replay.ledger} by another id, {audit.ledger}"
            audit.findings.append(Finding(Part.HEAD, text, 0))

    def _derived(self, postings: PostingsWalk) -> Iterator[Finding]:
        """Findings among all rows that are not read beside the replay."""
        snapshot, replay = self._snapshot, self._audit.replay
        state, size = replay.state, replay.size
        yield from check_accounts(snapshot, state)
        yield from check_objects(snapshot, state)
        yield from check_lookups(snapshot, state)
        yield from check_counters(snapshot, state)
        if not postings.is_broken:
            yield from check_spans(snapshot, postings.spans)
        yield from check_tiles(snapshot, size)
        yield from check_refusals(snapshot, state, self._head)
        runs = list(snapshot.all_event_runs())
        event = check_events(runs, self._head, size, state.reference_written)
        if event is not None:
            yield event
