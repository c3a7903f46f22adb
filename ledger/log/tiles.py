"""Tiles: the tree as files of 256 hashes, and entries as bundles of 256 (C2SP tlog-tiles).

A tile of level L holds nodes of tree level 8·L. Level 0 are leaf hashes; a hash of level L + 1 is
the root of one full tile of level L. Tiles at the right edge are partial; a store need keep only
full ones, since `Edge` and `read_tile` of a caller can make partial ones again. Nothing here reads
or writes: bytes and paths only. What is read back is not trusted by being a tile; a root says so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence

import msgspec

from ledger.errors import Malformed
from ledger.log.leaf import LEAF_BYTES_MAX
from ledger.log.merkle import HASH_BYTES, Frontier, NodeReader, node_hash

TILE_HEIGHT = 8
"""Tree levels a tile spans."""

TILE_WIDTH = 256
"""Hashes in a full tile, entries in a full bundle."""

TILE_BYTES = TILE_WIDTH * HASH_BYTES
"""Bytes of a full hash tile: 8,192."""

ENTRIES = -1
"""The level that stands for entry bundles."""

BUNDLE_BYTES_MAX = TILE_WIDTH * (2 + LEAF_BYTES_MAX)
"""Longest possible entry bundle in bytes."""

_PATH = re.compile(
    r"tile/(entries|[0-9]|[1-5][0-9]|6[0-3])/((?:x[0-9]{3}/){0,6}[0-9]{3})(?:\.p/([0-9]{1,3}))?"
)


class Tile(msgspec.Struct, frozen=True, order=True):
    """Where a tile stands: `level` (or ENTRIES), `index` within it, `width` 1..256."""

    level: int
    index: int
    width: int = TILE_WIDTH

    @property
    def path(self) -> str:
        """Path below the log's prefix, such as `tile/0/x001/067` or `tile/entries/000.p/17`."""
        digits = str(self.index)
        groups = digits.zfill(-(-len(digits) // 3) * 3)
        parts = [groups[i : i + 3] for i in range(0, len(groups), 3)]
        number = "/".join([f"x{part}" for part in parts[:-1]] + parts[-1:])
        level = "entries" if self.level == ENTRIES else str(self.level)
        return f"tile/{level}/{number}" + (f".p/{self.width}" if self.width < TILE_WIDTH else "")


def parse_path(path: str) -> Tile:
    """Read a tile's path; Malformed for any spelling but the one `Tile.path` writes."""
    found = _PATH.fullmatch(path)
    if found:
        level, number, width = found.groups()
        tile = Tile(
            ENTRIES if level == "entries" else int(level),
            int(number.replace("x", "").replace("/", "")),
            TILE_WIDTH if width is None else int(width),
        )
        if tile.path == path and 1 <= tile.width <= TILE_WIDTH:
            return tile
    raise Malformed("tile_path_malformed", f"not the path of a tile: {path[:80]!r}")


def tile_at(size: int, level: int, index: int) -> Tile:
    """The tile at (level, index) with the width it has in a tree of `size` leaves.

    Raises Malformed where a tree of that size has no such tile.
    """
    width = min(TILE_WIDTH, (size >> TILE_HEIGHT * max(level, 0)) - index * TILE_WIDTH)
    if level < ENTRIES or index < 0 or width < 1:
        raise Malformed("tile_out_of_range", f"a tree of {size} leaves has no such tile")
    return Tile(level, index, width)


def all_tiles(size: int) -> Iterator[Tile]:
    """Every hash tile of a tree of `size` leaves, level by level, partial ones last in each."""
    level, hashes = 0, size
    while hashes:
        for index in range(-(-hashes // TILE_WIDTH)):
            yield tile_at(size, level, index)
        level, hashes = level + 1, hashes // TILE_WIDTH


def all_bundles(size: int) -> Iterator[Tile]:
    """Every entry bundle of a log of `size` entries, in order."""
    for index in range(-(-size // TILE_WIDTH)):
        yield tile_at(size, ENTRIES, index)


def filled_tiles(old: int, new: int) -> Iterator[Tile]:
    """Hash tiles that become full while a tree grows from `old` to `new` leaves, lower first."""
    level = 0
    while new >> TILE_HEIGHT * (level + 1):
        shift = TILE_HEIGHT * (level + 1)
        for index in range(old >> shift, new >> shift):
            yield Tile(level, index)
        level += 1


def split_hashes(tile_bytes: bytes) -> tuple[bytes, ...]:
    """The hashes of a tile; Malformed unless it is 1 to 256 whole hashes."""
    if not tile_bytes or len(tile_bytes) > TILE_BYTES or len(tile_bytes) % HASH_BYTES:
        raise Malformed("tile_malformed", f"{len(tile_bytes)} bytes are no tile")
    return tuple(tile_bytes[i : i + HASH_BYTES] for i in range(0, len(tile_bytes), HASH_BYTES))


def subtree_root(hashes: Sequence[bytes]) -> bytes:
    """Root over 2^k sibling hashes; of a whole full tile it is one hash of the level above."""
    if not hashes or len(hashes) & (len(hashes) - 1):
        raise Malformed("tile_malformed", f"{len(hashes)} hashes are no complete subtree")
    while len(hashes) > 1:
        pairs = iter(hashes)
        hashes = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)]
    return hashes[0]


def node_reader(size: int, read_tile: Callable[[Tile], bytes]) -> NodeReader:
    """A reader of any complete subtree's root in a tree of `size`, out of its tiles.

    `read_tile` is asked for each tile once, full or partial as it stands in that tree, and the
    reader keeps what it was given: make one for a proof, or for a bounded number of them.
    """
    kept: dict[Tile, tuple[bytes, ...]] = {}

    def node(level: int, index: int) -> bytes:
        tile_level, height = divmod(level, TILE_HEIGHT)
        first = index << height
        tile = tile_at(size, tile_level, first // TILE_WIDTH)
        hashes = kept.get(tile)
        if hashes is None:
            hashes = kept[tile] = split_hashes(read_tile(tile))
        offset = first % TILE_WIDTH
        if len(hashes) != tile.width or offset + (1 << height) > tile.width:
            raise Malformed("tile_out_of_range", f"{tile.path} does not hold node {level}/{index}")
        return subtree_root(hashes[offset : offset + (1 << height)])

    return node


def partial_tile(
    tile: Tile,
    leaf_hashes: Callable[[int, int], Sequence[bytes]],
    full_tile: Callable[[Tile], bytes],
) -> bytes:
    """Bytes of a partial tile made from what a store keeps: leaves, and full tiles only.

    `leaf_hashes(start, stop)` answers for level 0; above it `full_tile` is asked for each of the
    `width` full tiles one level below.
    """
    first = tile.index * TILE_WIDTH
    if tile.level == 0:
        return b"".join(leaf_hashes(first, first + tile.width))
    below = (Tile(tile.level - 1, index) for index in range(first, first + tile.width))
    return b"".join(subtree_root(split_hashes(full_tile(child))) for child in below)


Edge = tuple[tuple[bytes, ...], ...]
"""Hashes of the partial tile at the right edge of each level, lowest first; () where there is none.

At most 255 hashes a level: what a writer keeps in memory so as to give out tiles as they fill.
"""


def grow(
    size: int, edge: Edge, leaf_hashes: Iterable[bytes]
) -> tuple[Edge, list[tuple[Tile, bytes]]]:
    """Append leaf hashes to a tree of `size`: the new edge, and the tiles that became full."""
    filled: list[tuple[Tile, bytes]] = []
    grown: list[tuple[bytes, ...]] = []
    added = list(leaf_hashes)
    level = 0
    while added or level < len(edge):
        held = edge[level] if level < len(edge) else ()
        index = (size >> TILE_HEIGHT * level) // TILE_WIDTH
        hashes = [*held, *added]
        added = []
        whole = len(hashes) - len(hashes) % TILE_WIDTH
        for start in range(0, whole, TILE_WIDTH):
            tile_hashes = hashes[start : start + TILE_WIDTH]
            filled.append((Tile(level, index + start // TILE_WIDTH), b"".join(tile_hashes)))
            added.append(subtree_root(tile_hashes))
        grown.append(tuple(hashes[whole:]))
        level += 1
    return tuple(grown), filled


def edge_of(size: int, read_tile: Callable[[Tile], bytes]) -> Edge:
    """The edge of a tree of `size` read back from its partial tiles."""
    edge: list[tuple[bytes, ...]] = []
    level = 0
    while hashes := size >> TILE_HEIGHT * level:
        index, width = divmod(hashes, TILE_WIDTH)
        edge.append(split_hashes(read_tile(Tile(level, index, width))) if width else ())
        level += 1
    return tuple(edge)


def edge_tiles(size: int, edge: Edge) -> Iterator[tuple[Tile, bytes]]:
    """The partial tiles of a tree of `size` with this edge, and their bytes."""
    for level, hashes in enumerate(edge):
        if hashes:
            index = (size >> TILE_HEIGHT * level) // TILE_WIDTH
            yield Tile(level, index, len(hashes)), b"".join(hashes)


def edge_frontier(edge: Edge) -> Frontier:
    """The tree's frontier, which its edge holds: each level's hashes cut into complete subtrees."""
    roots: list[bytes] = []
    for hashes in reversed(edge):
        start = 0
        for height in range(TILE_HEIGHT - 1, -1, -1):
            if len(hashes) >> height & 1:
                roots.append(subtree_root(hashes[start : start + (1 << height)]))
                start += 1 << height
    return tuple(roots)


def encode_bundle(leaves: Sequence[bytes]) -> bytes:
    """An entry bundle: each leaf after its length as a big-endian uint16."""
    if not 1 <= len(leaves) <= TILE_WIDTH or max(map(len, leaves)) > LEAF_BYTES_MAX:
        raise Malformed("bundle_malformed", "a bundle is 1 to 256 leaves of at most 65,535 bytes")
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def decode_bundle(bundle: bytes, width: int) -> tuple[bytes, ...]:
    """The `width` leaves of a bundle; Malformed where lengths do not add up to its bytes."""
    leaves = cut_bundle(bundle)
    if len(leaves) != width or encode_bundle(leaves) != bundle:
        raise Malformed("bundle_malformed", f"the lengths in a bundle of {width} do not add up")
    return leaves


def cut_bundle(bundle: bytes) -> tuple[bytes, ...]:
    """The leaves of a bundle as far as its lengths lead, the last one perhaps cut: for auditing.

    Stops one leaf beyond a full bundle, however long the bytes are.
    """
    leaves: list[bytes] = []
    at = 0
    while at < len(bundle) and len(leaves) <= TILE_WIDTH:
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        leaves.append(bundle[at + 2 : end])
        at = end
    return tuple(leaves)
