"""Driving an audit: leaves in order through the replay, chunks through the pool, rows at the end.

A leaf's damage shows in its hash first; which of leaf, tile and head is at fault follows from which
of them agree. Findings are sorted by entry, so the first one names the first damage.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path

from ledger.audit.replay import Replay, Stopped
from ledger.audit.signatures import Checked, Checking, Chunk
from ledger.audit.tables import PostingsCheck, compare
from ledger.audit.verdict import FINDINGS_MAX, Finding, Part, Verdict
from ledger.core.ids import TransactionId, b64
from ledger.errors import LedgerError
from ledger.export import Export, ExportDamaged
from ledger.keys import verify
from ledger.log.checkpoint import LogKey
from ledger.log.merkle import Frontier, encode_frontier, extend, root
from ledger.log.tiles import Edge, Tile, grow
from ledger.store import open_reading
from ledger.store.reader import Snapshot

CHUNK = 512
"""Entries handed to a worker at once."""

Progress = Callable[[int, int], None]
"""Called with (entries done, entries in all)."""


def audit_database(
    url: str,
    ledger: bytes | None = None,
    *,
    decides: bool = False,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Verdict:
    """Audit a ledger in a database, all rows derived from its log included. Raises StoreProblem
    where the database cannot be opened at all."""
    store = open_reading(url, ledger)
    try:
        with store.snapshot() as snapshot:
            return _Audit(decides, workers, progress).database(snapshot)
    finally:
        store.close()


def audit_export(
    path: str | Path,
    *,
    keys: Iterable[LogKey] = (),
    decides: bool = False,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Verdict:
    """Audit an exported file. `keys` are log keys one trusts; without any, the log key that the
    genesis names is held against the checkpoint. Raises StoreProblem where it cannot be opened."""
    audit = _Audit(decides, workers, progress)
    try:
        with Export(path) as export:
            return audit.export(export, tuple(keys))
    except ExportDamaged as damage:
        part = Part.STRUCTURE if damage.part == "pack" else Part(damage.part)
        return audit.verdict("", [Finding(part, str(damage), damage.index)])


class _Audit:
    """One audit on its way."""

    def __init__(self, decides: bool, workers: int | None, progress: Progress) -> None:
        self._decides = decides
        self._workers = workers
        self._progress = progress
        self._started = time.monotonic()
        self._findings: list[Finding] = []
        self._hashed = 0
        self._frontier: Frontier = ()
        self._edge: Edge = ()
        self._signatures = 0
        self._supply: dict[str, int] = {}
        self._size = 0

    def database(self, snapshot: Snapshot) -> Verdict:
        head = snapshot.head()
        self._findings += [Finding(Part.STRUCTURE, text) for text in snapshot.structure()]
        replay = Replay(b64(head.id), decides=self._decides)
        postings = PostingsCheck(snapshot.all_postings())
        suspects: list[Finding] = []

        def each(first: int, ids: list[TransactionId]) -> None:
            known = snapshot.find(ids)
            for index, id in enumerate(ids, first):
                if known.get(id) != index:
                    text = f"transaction {id} of entry {index} has no row, or one for another entry"
                    self._findings.append(Finding(Part.TRANSACTION, text, index))

        def hashed(checked: Checked) -> None:
            suspects.extend(self._against_tiles(checked, snapshot))

        whole = self._replay(replay, _lines(snapshot, head.size), head.size, each, hashed, postings)
        if whole:
            sound = encode_frontier(self._frontier) == head.frontier
            if sound:  # the leaves are those of the head: what differs is the tile
                self._findings += suspects
            elif suspects:  # the first leaf whose hash is not the tile's
                first = suspects[0]
                text = "the leaf is not the one the log was built from"
                self._findings.append(Finding(Part.LEAF, text, first.index))
            else:
                self._findings.append(self._unlike_head(head.frontier, head.size))
            self._findings += postings.rest()
            self._findings += islice(compare(snapshot, replay.state, head.size), FINDINGS_MAX + 1)
            if head.accounts_opened != replay.state.accounts_opened or head.at != replay.at:
                text = "accounts opened or time of the head are not those of the log"
                self._findings.append(Finding(Part.HEAD, text, head.size - 1))
        elif suspects:
            first = suspects[0]
            self._findings.append(Finding(Part.LEAF, first.message, first.index))
        return self.verdict(replay.ledger or "", self._findings)

    def export(self, export: Export, keys: tuple[LogKey, ...]) -> Verdict:
        size = export.manifest.size
        damage: ExportDamaged | None = None
        try:
            export.check(verify, keys)
        except ExportDamaged as found:
            damage = found
        replay = Replay(export.manifest.ledger, decides=self._decides)
        if damage is None:
            whole = self._replay(
                replay, export.leaves(), size, lambda first, ids: None, lambda checked: None, None
            )
            if whole and not keys:
                trusted = LogKey(export.manifest.origin, replay.log_key or b"")
                export.check(verify, (trusted,))
        else:
            part = Part.STRUCTURE if damage.part == "pack" else Part(damage.part)
            self._findings.append(Finding(part, str(damage), damage.index))
        return self.verdict(export.manifest.ledger, self._findings)

    def verdict(self, ledger: str, findings: list[Finding]) -> Verdict:
        """What was found, first entry first; what concerns no entry stands at the end."""
        ordered = sorted(findings, key=lambda found: (found.index is None, found.index or 0))
        return Verdict(
            ledger,
            self._hashed,
            base64.b64encode(root(self._hashed, self._frontier)).decode(),
            self._signatures,
            self._decides,
            time.monotonic() - self._started,
            self._supply,
            tuple(ordered[:FINDINGS_MAX]),
        )

    def _replay(
        self,
        replay: Replay,
        lines: Iterable[bytes],
        size: int,
        each: Callable[[int, list[TransactionId]], None],
        hashed: Callable[[Checked], None],
        postings: PostingsCheck | None,
    ) -> bool:
        """Replay and check everything; whether it came to the end of the log."""
        whole = True
        with Checking(self._workers) as checking:
            source = iter(lines)
            while whole and (chunk := list(islice(source, CHUNK))):
                first, ids, publics = replay.size, [], {}
                try:
                    for line in chunk:
                        replayed = replay.step(line)
                        ids.append(replayed.tx.id)
                        publics.update(replayed.publics)
                        if postings is not None:
                            self._findings += postings.entry(replay.size - 1, replayed.posted)
                except Stopped as stopped:
                    self._findings.append(stopped.finding)
                    whole = False
                else:
                    each(first, ids)
                done = Chunk(first, chunk[: len(ids)] if not whole else chunk, publics)
                for checked in checking.submit(done):
                    self._take(checked, hashed)
                self._progress(replay.size, size)
                whole = whole and len(self._findings) < FINDINGS_MAX
            for checked in checking.rest():
                self._take(checked, hashed)
        if whole and replay.size != size:
            text = f"the log has {replay.size} entries, its head says {size}"
            self._findings.append(Finding(Part.STRUCTURE, text, replay.size))
            return False
        if whole:
            self._supply, wrong = replay.supply()
            self._findings += wrong
        return whole

    def _take(self, checked: Checked, hashed: Callable[[Checked], None]) -> None:
        for index, text in checked.unreadable:
            self._findings.append(Finding(Part.LEAF, text, index))
        for index, text in checked.unsigned:
            self._findings.append(Finding(Part.SIGNATURE, text, index))
        self._signatures += checked.signatures
        hashed(checked)
        self._frontier = extend(self._hashed, self._frontier, checked.hashes)
        self._hashed += len(checked.hashes)

    def _against_tiles(self, checked: Checked, snapshot: Snapshot) -> Iterator[Finding]:
        """Where the tiles do not hold what these leaves hash to."""
        self._edge, filled = grow(self._hashed, self._edge, checked.hashes)
        for tile, hashes in filled:
            stored = snapshot.tile(tile.level, tile.index)
            if stored is None:
                yield Finding(Part.TILE, f"{tile.path} is missing", _first_entry(tile, 0))
            elif stored != hashes:
                nodes = range(0, len(hashes), 32)
                at = next((i // 32 for i in nodes if stored[i:][:32] != hashes[i:][:32]), 0)
                entry = _first_entry(tile, at)
                yield Finding(Part.TILE, f"{tile.path} differs at hash {at}", entry)

    def _unlike_head(self, frontier: bytes, size: int) -> Finding:
        """The leaves and the head disagree, and no full tile tells where: name the subtree."""
        ours = encode_frontier(self._frontier)
        nodes = range(0, len(ours), 32)
        at = next((i for i in nodes if frontier[i : i + 32] != ours[i : i + 32]), 0)
        widths = [1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1]
        start = sum(widths[: at // 32])
        stop = start + (widths[at // 32] if widths else 0)
        text = f"entries {start} to {stop - 1} are not those that the head's frontier covers"
        return Finding(Part.HEAD, text, start)


def _first_entry(tile: Tile, at: int) -> int:
    """First entry below hash `at` of a tile."""
    return (tile.index * 256 + at) << (8 * tile.level)


def _lines(snapshot: Snapshot, size: int) -> Iterator[bytes]:
    """Leaves in order; stops where one is missing."""
    for expected, (index, leaf) in enumerate(snapshot.all_leaves(0, size)):
        if index != expected:
            return
        yield leaf


def is_export(path: str | Path) -> bool:
    """Whether this is a file that `audit_export` is for."""
    try:
        with Path(path).open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError as error:
        raise LedgerError(f"cannot read {path}: {error.strerror}") from None
