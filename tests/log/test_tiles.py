"""Tiles: paths and bytes as Go's, nodes and edges as the whole tree's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Malformed
from ledger.log import merkle, tiles
from ledger.log.tiles import ENTRIES, Tile


def test_paths_are_the_known_ones_in_both_directions(tree_vectors):
    for vector in tree_vectors["paths"]:
        tile = Tile(vector["level"], vector["index"], vector["width"])

        assert tile.path == vector["path"]
        assert tiles.parse_path(vector["path"]) == tile


@pytest.mark.parametrize(
    "path",
    [
        *("", "tile", "tile/0", "tile/0/1", "tile/0/01", "tile/0/0000", "tile/00/000"),
        *("tile/64/000", "tile/-1/000", "tile/data/000", "/tile/0/000", "tile/0/000/"),
        *("tile/0/001/067", "tile/0/x001/x067", "tile/0/x000/067", "tile/0/000.p/0"),
        *("tile/0/000.p/256", "tile/0/000.p/07", "tile/0/000.p/", "tile/0/000.p/-1"),
        *("tile/0/000\n", "tile/0/../000", "tile/0/٠٠٠", "tile/0/000.p/" + "9" * 5000),
        "tile/0/" + "x001/" * 2000 + "000",
    ],
)
def test_any_other_path_is_refused(path):
    with pytest.raises(Malformed) as refused:
        tiles.parse_path(path)

    assert refused.value.code == "tile_path_malformed"


def test_tile_bytes_are_the_known_ones(tree_vectors, vector_nodes):
    for vector in tree_vectors["tiles"]:
        tile = tiles.parse_path(vector["path"])
        first = tile.index * tiles.TILE_WIDTH
        hashes = [vector_nodes(8 * tile.level, first + i) for i in range(tile.width)]

        assert b"".join(hashes).hex() == vector["bytes"], vector["path"]


def test_bundle_bytes_are_the_known_ones(leaf_vectors):
    leaves = [vector["line"].encode() for vector in leaf_vectors["leaves"]]

    bundle = tiles.encode_bundle(leaves)

    assert bundle.hex() == leaf_vectors["bundle_of_all"]
    assert list(tiles.decode_bundle(bundle, 4)) == leaves


@pytest.mark.parametrize(
    ("bundle", "width"),
    [
        pytest.param(b"", 1, id="nothing"),
        pytest.param(b"\0\1a", 2, id="one leaf too few"),
        pytest.param(b"\0\1a\0\1b", 1, id="one leaf too many"),
        pytest.param(b"\0\2a", 1, id="a leaf cut short"),
        pytest.param(b"\0\1a\0", 1, id="a byte left over"),
        pytest.param(b"\0", 1, id="half a length"),
        pytest.param(b"\0\0" * 300, 256, id="more than a bundle"),
    ],
)
def test_lengths_that_do_not_add_up_are_refused(bundle, width):
    with pytest.raises(Malformed) as refused:
        tiles.decode_bundle(bundle, width)

    assert refused.value.code == "bundle_malformed"


@pytest.mark.parametrize("leaves", [[], [b""] * 257, [b"x" * 65_536]])
def test_no_bundle_is_made_of_none_too_many_or_too_long(leaves):
    with pytest.raises(Malformed, match="bundle"):
        tiles.encode_bundle(leaves)


def test_the_tiles_of_the_specifications_example():
    """The C2SP text tells of a tree of 70,000; and of 256, one full tile and one of width 1."""
    listed = list(tiles.all_tiles(70_000))
    full = [tile for tile in listed if tile.width == 256]

    assert [tile.level for tile in full].count(0) == 273
    assert [tile.level for tile in full].count(1) == 1
    assert [tile for tile in listed if tile.width < 256] == [
        Tile(0, 273, 112),
        Tile(1, 1, 17),
        Tile(2, 0, 1),
    ]
    assert list(tiles.all_tiles(256)) == [Tile(0, 0), Tile(1, 0, 1)]
    assert list(tiles.all_tiles(0)) == list(tiles.all_bundles(0)) == []
    assert list(tiles.all_bundles(257)) == [Tile(ENTRIES, 0), Tile(ENTRIES, 1, 1)]


@pytest.mark.parametrize(
    ("size", "level", "index"), [(0, 0, 0), (256, 0, 1), (255, 1, 0), (5, 0, -1), (5, -2, 0)]
)
def test_a_tree_has_no_tiles_beyond_its_size(size, level, index):
    with pytest.raises(Malformed, match="no such tile"):
        tiles.tile_at(size, level, index)


@given(st.lists(st.integers(0, 66_000), min_size=2, max_size=6))
def test_growing_fills_each_tile_once_and_keeps_edge_and_frontier(vector_nodes, stops):
    sizes = sorted(stops)
    edge: tiles.Edge = ()
    kept: dict[Tile, bytes] = {}
    size = 0
    for stop in sizes:
        hashes = [vector_nodes(0, index) for index in range(size, stop)]
        edge, filled = tiles.grow(size, edge, hashes)

        assert sorted(tile for tile, _ in filled) == sorted(tiles.filled_tiles(size, stop))
        assert not kept.keys() & dict(filled).keys()
        kept.update(filled)
        size = stop

    assert tiles.edge_frontier(edge) == merkle.frontier_of(size, vector_nodes)
    kept.update(tiles.edge_tiles(size, edge))
    assert sorted(kept) == sorted(tiles.all_tiles(size))
    for tile in tiles.all_tiles(size):
        assert tile == tiles.tile_at(size, tile.level, tile.index)
    assert tiles.edge_of(size, kept.__getitem__) == edge


@given(st.integers(1, 70_000), st.data())
def test_proofs_come_out_of_full_tiles_and_leaves_alone(vector_nodes, size, data):
    """What a store keeps is enough: full hash tiles, and leaves for the last partial one."""
    index = data.draw(st.integers(0, size - 1))
    old = data.draw(st.integers(0, size))

    def full_tile(tile):
        assert tile.width == tiles.TILE_WIDTH
        first = tile.index * tiles.TILE_WIDTH
        return b"".join(vector_nodes(8 * tile.level, first + i) for i in range(tile.width))

    def leaf_hashes(start, stop):
        return [vector_nodes(0, i) for i in range(start, stop)]

    asked = []

    def read_tile(tile):
        asked.append(tile)
        whole = tile.width == tiles.TILE_WIDTH
        return full_tile(tile) if whole else tiles.partial_tile(tile, leaf_hashes, full_tile)

    node = tiles.node_reader(size, read_tile)

    assert merkle.inclusion_proof(index, size, node) == merkle.inclusion_proof(
        index, size, vector_nodes
    )
    assert merkle.consistency_proof(old, size, node) == merkle.consistency_proof(
        old, size, vector_nodes
    )
    assert len(asked) == len(set(asked))


def test_a_reader_refuses_tiles_of_another_width_and_nodes_that_are_not_complete(vector_nodes):
    node = tiles.node_reader(5, lambda tile: b"x" * 32 * tile.width)

    with pytest.raises(Malformed, match="does not hold"):
        node(2, 1)
    with pytest.raises(Malformed, match="does not hold"):
        tiles.node_reader(5, lambda _: b"x" * 32 * 4)(0, 0)
    with pytest.raises(Malformed, match="no tile"):
        tiles.node_reader(5, lambda _: b"x" * 33)(0, 0)
    with pytest.raises(Malformed, match="complete subtree"):
        tiles.subtree_root([b"x" * 32] * 3)
