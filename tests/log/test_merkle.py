"""The tree against Go's known answers, pymerkle, and the words of RFC 6962 itself."""

from __future__ import annotations

import hashlib
import random

import pymerkle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import Malformed
from ledger.log import merkle

SEED = 20_261_122


def leaf_hashes(size):
    return [merkle.leaf_hash(b"leaf %d" % i) for i in range(size)]


def plain_root(hashes):
    """MTH of RFC 6962 section 2.1, as it is written there."""
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    split = 1
    while split * 2 < len(hashes):
        split *= 2
    left, right = plain_root(hashes[:split]), plain_root(hashes[split:])
    return hashlib.sha256(b"\1" + left + right).digest()


def node_reader(hashes):
    return lambda level, index: plain_root(hashes[index << level : (index + 1) << level])


def test_roots_are_the_known_ones(tree_vectors, vector_nodes):
    for text, root in tree_vectors["roots"].items():
        frontier = merkle.frontier_of(int(text), vector_nodes)

        assert merkle.root(int(text), frontier).hex() == root, text


def test_inclusion_proofs_are_the_known_ones(tree_vectors, vector_nodes):
    for vector in tree_vectors["inclusion"]:
        proof = merkle.inclusion_proof(vector["index"], vector["size"], vector_nodes)

        assert [node.hex() for node in proof] == vector["path"], vector


def test_consistency_proofs_are_the_known_ones(tree_vectors, vector_nodes):
    for vector in tree_vectors["consistency"]:
        proof = merkle.consistency_proof(vector["old"], vector["new"], vector_nodes)

        assert [node.hex() for node in proof] == vector["path"], vector


def test_roots_and_paths_are_those_of_pymerkle():
    other = pymerkle.InmemoryTree(algorithm="sha256")
    frontier = ()
    hashes = leaf_hashes(130)
    for size in range(1, len(hashes) + 1):
        other.append_entry(b"leaf %d" % (size - 1))
        frontier = merkle.extend(size - 1, frontier, hashes[size - 1 : size])

        assert merkle.root(size, frontier) == other.get_root()
        for index in {0, size // 3, size // 2, size - 1}:
            ours = merkle.inclusion_proof(index, size, node_reader(hashes))
            assert list(ours) == other.prove_inclusion(index + 1).path[1:]


def test_every_leaf_of_1000_is_proven_included(vector_nodes):
    root = merkle.root(1000, merkle.frontier_of(1000, vector_nodes))
    for index in range(1000):
        proof = merkle.inclusion_proof(index, 1000, vector_nodes)

        leaf = vector_nodes(0, index)
        claim = {"index": index, "size": 1000, "leaf": leaf, "proof": proof, "root": root}
        assert merkle.verify_inclusion(**claim)
        assert not merkle.verify_inclusion(**claim | {"leaf": vector_nodes(0, index ^ 1)})
        assert not merkle.verify_inclusion(**claim | {"index": index ^ 1})


def test_a_thousand_random_pairs_of_sizes_are_consistent(vector_nodes):
    print("seed", SEED)
    source = random.Random(SEED)

    def root_at(size):
        return merkle.root(size, merkle.frontier_of(size, vector_nodes))

    for _ in range(1000):
        old, new = sorted(source.randint(0, 70_000) for _ in range(2))
        proof = merkle.consistency_proof(old, new, vector_nodes)
        claim = {"old": old, "new": new, "old_root": root_at(old), "new_root": root_at(new)}

        assert merkle.verify_consistency(**claim, proof=proof), (old, new)
        forked = claim | {"old_root": merkle.leaf_hash(b"fork")}
        assert not merkle.verify_consistency(**forked, proof=proof), (old, new)


@given(st.integers(0, 40), st.lists(st.integers(0, 40), max_size=5))
def test_batches_of_any_sizes_give_the_root_of_the_whole(first, batches):
    size, frontier = first, merkle.extend(0, (), leaf_hashes(first))
    for batch in batches:
        frontier = merkle.extend(size, frontier, leaf_hashes(size + batch)[size:])
        size += batch

    assert merkle.root(size, frontier) == plain_root(leaf_hashes(size))
    assert merkle.decode_frontier(size, merkle.encode_frontier(frontier)) == frontier


@given(st.data())
def test_proofs_of_any_tree_verify_and_bent_ones_do_not(data):
    new = data.draw(st.integers(1, 70))
    old = data.draw(st.integers(0, new))
    index = data.draw(st.integers(0, new - 1))
    hashes = leaf_hashes(new)
    root, old_root = plain_root(hashes), plain_root(hashes[:old])
    path = merkle.inclusion_proof(index, new, node_reader(hashes))
    bridge = merkle.consistency_proof(old, new, node_reader(hashes))
    inclusion = {"index": index, "size": new, "leaf": hashes[index], "root": root}
    consistency = {"old": old, "new": new, "old_root": old_root, "new_root": root}

    assert merkle.verify_inclusion(**inclusion, proof=path)
    assert merkle.verify_consistency(**consistency, proof=bridge)
    for proof, holds in (
        (path, lambda bent: merkle.verify_inclusion(**inclusion, proof=bent)),
        (bridge, lambda bent: merkle.verify_consistency(**consistency, proof=bent)),
    ):
        assert not holds((*proof, root))
        assert not holds((*proof, b"short"))
        if proof:
            place = data.draw(st.integers(0, len(proof) - 1))
            assert not holds(proof[:place] + proof[place + 1 :])
            flipped = bytes([proof[place][0] ^ 1]) + proof[place][1:]
            assert not holds((*proof[:place], flipped, *proof[place + 1 :]))


@pytest.mark.parametrize(
    ("old", "new", "old_root", "new_root", "proof", "holds"),
    [
        pytest.param(0, 5, merkle.EMPTY_ROOT, b"r" * 32, (), True, id="everything grows from 0"),
        pytest.param(0, 5, b"o" * 32, b"r" * 32, (), False, id="not from a false empty root"),
        pytest.param(0, 5, merkle.EMPTY_ROOT, b"r" * 32, (b"x" * 32,), False, id="0 needs no path"),
        pytest.param(0, 0, merkle.EMPTY_ROOT, merkle.EMPTY_ROOT, (), True, id="0 and 0"),
        pytest.param(5, 5, b"r" * 32, b"r" * 32, (), True, id="one size, one root"),
        pytest.param(5, 5, b"o" * 32, b"r" * 32, (), False, id="one size, two roots: a fork"),
        pytest.param(6, 5, b"r" * 32, b"r" * 32, (), False, id="never backwards"),
        pytest.param(3, 5, b"r" * 32, b"r" * 32, (), False, id="an empty path"),
        pytest.param(-1, 5, b"r" * 32, b"r" * 32, (), False, id="a size below 0"),
    ],
)
def test_the_edges_of_consistency(old, new, old_root, new_root, proof, holds):
    claim = {"old": old, "new": new, "old_root": old_root, "new_root": new_root}

    assert merkle.verify_consistency(**claim, proof=proof) is holds


def test_what_lies_outside_the_tree_has_no_proof():
    nodes = node_reader(leaf_hashes(5))
    for index, size in ((5, 5), (-1, 5), (0, 0)):
        with pytest.raises(Malformed, match="no leaf"):
            merkle.inclusion_proof(index, size, nodes)
        claim = {"index": index, "size": size, "leaf": b"l" * 32, "root": b"l" * 32}
        assert not merkle.verify_inclusion(**claim, proof=())
    with pytest.raises(Malformed, match="no tree"):
        merkle.consistency_proof(6, 5, nodes)


@pytest.mark.parametrize(
    ("size", "encoded"),
    [(1, b""), (2, b"x" * 64), (3, b"x" * 63), (3, b"x" * 32), (0, b"x" * 32), (-1, b"x" * 32)],
)
def test_a_frontier_that_does_not_fit_its_size_is_refused(size, encoded):
    with pytest.raises(Malformed, match="frontier"):
        merkle.decode_frontier(size, encoded)
