"""Which of leaf, check, tile and head is at fault, told by which of them agree."""

from __future__ import annotations

from hashlib import sha256

import pytest

from ledger.audit import Part
from ledger.audit.tree import TreeCheck
from ledger.log.merkle import Frontier, encode_frontier, extend
from ledger.log.tiles import grow
from ledger.store import check_of

SIZE = 66_000
"""A full tile of level 1, 257 of level 0, and a tail of 208."""


class Tree:
    """Hashes, checks, tiles and frontier of a log; all may be changed before `findings`."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.hashes = [sha256(b"%d" % index).digest() for index in range(size)]
        self.checks = [check_of(hashed) for hashed in self.hashes]
        _, filled = grow(0, (), self.hashes)
        self.tiles = {(tile.level, tile.index): hashes for tile, hashes in filled}
        frontier: Frontier = extend(0, (), self.hashes)
        self.frontier = encode_frontier(frontier)

    def flip_tile(self, level: int, number: int, at: int) -> None:
        raw = bytearray(self.tiles[level, number])
        raw[at * 32 + 5] ^= 4
        self.tiles[level, number] = bytes(raw)

    def flip_leaf(self, index: int, *, with_check: bool = False) -> None:
        self.hashes[index] = sha256(b"another").digest()
        if with_check:
            self.checks[index] = check_of(self.hashes[index])

    def flip_head(self, at: int) -> None:
        raw = bytearray(self.frontier)
        raw[at * 32 + 5] ^= 4
        self.frontier = bytes(raw)

    def findings(self) -> list[tuple[Part, int | None]]:
        check = TreeCheck(lambda level, number: self.tiles.get((level, number)), self.size)
        for start in range(0, self.size, 512):
            check.take(self.hashes[start : start + 512], self.checks[start : start + 512])
        return [(found.part, found.index) for found in check.findings(self.frontier)]


@pytest.fixture
def tree() -> Tree:
    return Tree(SIZE)


def test_what_agrees_is_sound(tree: Tree) -> None:
    assert tree.findings() == []


@pytest.mark.parametrize("index", [0, 255, 256, 65_535, 65_536, 65_791, 65_792, SIZE - 1])
def test_a_leaf_that_check_and_head_contradict_is_damaged(tree: Tree, index: int) -> None:
    tree.flip_leaf(index)

    assert tree.findings() == [(Part.LEAF, index)]


@pytest.mark.parametrize("index", [0, 65_535, 65_536, SIZE - 1])
def test_a_check_that_the_head_contradicts_is_damaged(tree: Tree, index: int) -> None:
    tree.checks[index] ^= 1

    assert tree.findings() == [(Part.ENTRY, index)]


@pytest.mark.parametrize(
    ("tile", "index"),
    [((0, 0, 7), 7), ((0, 256, 9), 65_545), ((1, 0, 3), 768), ((1, 0, 255), 65_280)],
)
def test_a_tile_that_the_head_contradicts_is_damaged(
    tree: Tree, tile: tuple[int, int, int], index: int
) -> None:
    tree.flip_tile(*tile)

    assert tree.findings() == [(Part.TILE, index)]


def test_a_leaf_rewritten_with_its_check_is_named_by_its_tile(tree: Tree) -> None:
    tree.flip_leaf(300, with_check=True)

    assert tree.findings() == [(Part.LEAF, 300)]


@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_head_that_all_contradict_is_damaged(tree: Tree, at: int) -> None:
    tree.flip_head(at)

    assert tree.findings() == [(Part.HEAD, SIZE - 1)]


def test_a_frontier_of_another_length_is_the_heads_fault(tree: Tree) -> None:
    tree.frontier = tree.frontier[:-7]

    assert set(tree.findings()) == {(Part.HEAD, SIZE - 1)}


def test_a_missing_tile_is_named_by_its_first_entry(tree: Tree) -> None:
    del tree.tiles[0, 3]

    assert tree.findings() == [(Part.TILE, 768)]


def test_several_damages_are_told_apart(tree: Tree) -> None:
    tree.flip_leaf(1_000)
    tree.flip_tile(0, 5, 1)
    tree.checks[2_000] ^= 1
    tree.flip_leaf(65_900)

    assert sorted(tree.findings(), key=lambda found: found[1] or 0) == [
        (Part.LEAF, 1_000), (Part.TILE, 1_281), (Part.ENTRY, 2_000), (Part.LEAF, 65_900),
    ]  # fmt: skip
