"""The tree against its witnesses: each entry's check, the stored tiles, the head's frontier.

Checkpoints are signed from the head's frontier, so it decides. Below a subtree that leads to it the
leaves are right, and what differs there is at fault itself. Below one that does not, a leaf that
its own witnesses contradict is damaged; where none is contradicted, the head is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from ledger.audit.verdict import Finding, Part
from ledger.log.merkle import HASH_BYTES, Frontier, encode_frontier, extend
from ledger.log.tiles import TILE_HEIGHT, TILE_WIDTH, Edge, Tile, grow
from ledger.store import check_of

ReadTile = Callable[[int, int], bytes | None]
"""The stored full tile at (level, number), or None."""


class _Node(NamedTuple):
    """A hash of a tile that is not what the leaves give; `entry` is the first one below it."""

    entry: int
    tile: Tile
    at: int


class TreeCheck:
    """Takes leaf hashes in order and notes what differs; says at the end what is at fault.

    `size` is what the head says: the frontier at that size is kept, should there be more leaves.
    """

    def __init__(self, read_tile: ReadTile | None, size: int) -> None:
        self.size = 0
        self.frontier: Frontier = ()
        self.at_head: bytes | None = None
        self._read_tile = read_tile
        self._head_size = size
        self._edge: Edge = ()
        self._checks: list[int] = []
        self._nodes: list[_Node] = []
        if size == 0:
            self.at_head = b""

    def take(self, hashes: Sequence[bytes], checks: Sequence[int]) -> None:
        """The next leaves' hashes, and the checks that stand beside them (none in an export)."""
        for index, (hashed, check) in enumerate(zip(hashes, checks, strict=True), self.size):
            if self._read_tile is not None and check_of(hashed) != check:
                self._checks.append(index)
        if self._read_tile is not None:
            self._compare_tiles(hashes, self._read_tile)
        before = self._head_size - self.size
        if 0 < before <= len(hashes):
            at_head = extend(self.size, self.frontier, hashes[:before])
            self.at_head = encode_frontier(at_head)
        self.frontier = extend(self.size, self.frontier, hashes)
        self.size += len(hashes)

    def encoded(self) -> bytes:
        """The frontier as a head holds it."""
        return encode_frontier(self.frontier)

    def findings(self, frontier: bytes) -> Iterator[Finding]:
        """What is at fault, given the head's frontier over as many leaves as were taken."""
        ours = self.encoded()
        if len(frontier) != len(ours):
            text = (
                f"the head's frontier has {len(frontier)} bytes, {self.size} entries need another"
            )
            yield Finding(Part.HEAD, text, self.size - 1)
        start = 0
        for at, width in enumerate(_widths(self.size)):
            place = slice(at * HASH_BYTES, (at + 1) * HASH_BYTES)
            below = range(start, start + width)
            agrees = ours[place] == frontier[place]
            yield from self._sound(below) if agrees else self._unsound(below)
            start += width

    def _sound(self, below: range) -> Iterator[Finding]:
        """The leaves are right: whatever differs is damaged itself."""
        yield from map(_wrong_check, (index for index in self._checks if index in below))
        yield from map(_wrong_node, (node for node in self._nodes if node.entry in below))

    def _unsound(self, below: range) -> Iterator[Finding]:
        """Some leaf is damaged, or the head's hash over them."""
        tiled = self.size // TILE_WIDTH * TILE_WIDTH
        nodes = [node for node in self._nodes if node.entry in below]
        leaves = [node for node in nodes if node.tile.level == 0]
        hashes = {node.entry for node in leaves if node.at >= 0}
        lost = {node.tile.index for node in leaves if node.at < 0}
        checks = {index for index in self._checks if index in below}
        damaged = {
            index  # all of its witnesses are against it
            for index in checks
            if index in hashes or index >= tiled or index // TILE_WIDTH in lost
        }
        if not damaged and hashes:  # the check was written anew with its leaf
            damaged = {min(hashes)}
        for index in sorted(damaged):
            yield Finding(Part.LEAF, "the leaf is not the one that the log was built from", index)
        yield from map(_wrong_check, sorted(checks - damaged))
        for node in nodes:
            covered = range(node.entry, node.entry + (1 << TILE_HEIGHT * node.tile.level))
            if node.at < 0 or not any(index in damaged for index in covered):
                yield _wrong_node(node)
        if not damaged:
            text = f"the head's hash over entries {below[0]} to {below[-1]} is not theirs"
            yield Finding(Part.HEAD, text, self.size - 1)

    def _compare_tiles(self, hashes: Sequence[bytes], read_tile: ReadTile) -> None:
        self._edge, filled = grow(self.size, self._edge, hashes)
        for tile, expected in filled:
            stored = read_tile(tile.level, tile.index)
            if stored == expected:
                continue
            if stored is None or len(stored) != len(expected):
                self._nodes.append(_Node(_first_entry(tile, 0), tile, -1))
                continue
            for at in range(TILE_WIDTH):
                place = slice(at * HASH_BYTES, (at + 1) * HASH_BYTES)
                if stored[place] != expected[place]:
                    self._nodes.append(_Node(_first_entry(tile, at), tile, at))


def _widths(size: int) -> Iterator[int]:
    """Leaves below each hash of a frontier, left to right."""
    return (1 << bit for bit in reversed(range(size.bit_length())) if size >> bit & 1)


def _first_entry(tile: Tile, at: int) -> int:
    """First entry below hash `at` of a tile."""
    return (tile.index * TILE_WIDTH + at) << (TILE_HEIGHT * tile.level)


def _wrong_check(index: int) -> Finding:
    return Finding(
        Part.ENTRY, f"the check beside entry {index} is damaged, its leaf is right", index
    )


def _wrong_node(node: _Node) -> Finding:
    if node.at < 0:
        return Finding(Part.TILE, f"{node.tile.path} is missing or of another length", node.entry)
    text = f"{node.tile.path} is damaged at hash {node.at}; the leaves are right"
    return Finding(Part.TILE, text, node.entry)
