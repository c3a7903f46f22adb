"""The Merkle tree of RFC 6962 over leaf bytes: roots, proofs and their verifiers.

Two ways of holding a tree. A `Frontier` is what a writer keeps: the roots of the complete subtrees
that make up a tree of some size, largest first, one for each bit set in the size. A `NodeReader` is
what a prover needs: any complete subtree's root by (level, index), where level 0 are leaf hashes.
The verifiers trust nothing they are given. Hashes are 32 bytes of SHA-256 everywhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence

from ledger.errors import Malformed

HASH_BYTES = 32
"""Length of every hash in the tree."""

EMPTY_ROOT = hashlib.sha256(b"").digest()
"""Root of the tree without leaves (RFC 6962 section 2.1)."""

Frontier = tuple[bytes, ...]
"""Roots of the complete subtrees of a tree, largest (leftmost) first."""

NodeReader = Callable[[int, int], bytes]
"""`node(level, index)`: root of the complete subtree over leaves index·2^level … +2^level - 1."""

_sha256 = hashlib.sha256


def leaf_hash(leaf: bytes) -> bytes:
    """Hash of one leaf (RFC 6962 section 2.1)."""
    return _sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of two sibling subtrees (RFC 6962 section 2.1)."""
    return _sha256(b"\x01" + left + right).digest()


def extend(size: int, frontier: Frontier, leaf_hashes: Iterable[bytes]) -> Frontier:
    """Frontier after `leaf_hashes` were appended to a tree of `size` leaves.

    Goes level by level, so a batch costs about one node hash a leaf and little else.
    """
    held = _by_level(size, frontier)
    nodes = list(leaf_hashes)
    grown: list[bytes] = []
    level = 0
    while nodes or level < len(held):
        before = held[level] if level < len(held) else None
        if before is not None:
            nodes.insert(0, before)
        if len(nodes) % 2:
            grown.append(nodes.pop())
        pairs = iter(nodes)
        nodes = [node_hash(left, right) for left, right in zip(pairs, pairs, strict=True)]
        level += 1
    return tuple(reversed(grown))


def root(size: int, frontier: Frontier) -> bytes:
    """Root of the tree of `size` leaves that has this frontier."""
    _check_frontier(size, frontier)
    return _fold(frontier) if frontier else EMPTY_ROOT


def encode_frontier(frontier: Frontier) -> bytes:
    """The frontier as bytes: its hashes one after another, 32·n in all."""
    return b"".join(frontier)


def decode_frontier(size: int, encoded: bytes) -> Frontier:
    """Read `encode_frontier` back; Malformed unless it fits a tree of `size` leaves."""
    hashes = tuple(encoded[i : i + HASH_BYTES] for i in range(0, len(encoded), HASH_BYTES))
    _check_frontier(size, hashes)
    return hashes


def frontier_of(size: int, node: NodeReader) -> Frontier:
    """Frontier of the first `size` leaves of a tree whose complete subtrees can be read."""
    return tuple(node(level, index) for level, index in _complete(0, size))


def inclusion_proof(index: int, size: int, node: NodeReader) -> tuple[bytes, ...]:
    """Audit path of the leaf at `index` in the tree of `size` (RFC 6962 section 2.1.1).

    From the leaf's sibling up to the root's child. Raises Malformed unless index < size.
    """
    if not 0 <= index < size:
        raise Malformed("proof_out_of_range", f"no leaf {index} in a tree of {size} leaves")
    low, high = 0, size
    path: list[bytes] = []
    while high - low > 1:
        middle = low + _split(high - low)
        if index < middle:
            path.append(_subtree(middle, high, node))
            high = middle
        else:
            path.append(_subtree(low, middle, node))
            low = middle
    return tuple(reversed(path))


def consistency_proof(old: int, new: int, node: NodeReader) -> tuple[bytes, ...]:
    """Proof that the tree of `new` leaves continues the one of `old` (RFC 6962 section 2.1.2).

    Empty where old is 0 or equals new. Raises Malformed unless 0 <= old <= new.
    """
    if not 0 <= old <= new:
        raise Malformed("proof_out_of_range", f"no tree of {old} leaves inside one of {new}")
    if old == 0:
        return ()
    low, high = 0, new
    path: list[bytes] = []
    while old < high:
        middle = low + _split(high - low)
        if old <= middle:
            path.append(_subtree(middle, high, node))
            high = middle
        else:
            path.append(_subtree(low, middle, node))
            low = middle
    if low > 0:
        path.append(_subtree(low, high, node))
    return tuple(reversed(path))


def verify_inclusion(
    *, index: int, size: int, leaf: bytes, proof: Sequence[bytes], root: bytes
) -> bool:
    """Whether `proof` leads from the hash `leaf` at `index` to `root` (RFC 9162 part 2.1.3.2)."""
    if not 0 <= index < size or not _are_hashes(leaf, root, *proof):
        return False
    position, last, reached = index, size - 1, leaf
    for sibling in proof:
        if last == 0:
            return False
        if position & 1 or position == last:
            reached = node_hash(sibling, reached)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            reached = node_hash(reached, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and reached == root


def verify_consistency(
    *, old: int, new: int, old_root: bytes, new_root: bytes, proof: Sequence[bytes]
) -> bool:
    """Whether `proof` shows that `new_root` continues `old_root` (RFC 9162 section 2.1.4.2)."""
    if not 0 <= old <= new or not _are_hashes(old_root, new_root, *proof):
        return False
    if old == new:
        return not proof and old_root == new_root
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    # A tree whose size is a power of two is itself the first node of the path.
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)
    if not path:
        return False
    position, last = old - 1, new - 1
    while position & 1:
        position >>= 1
        last >>= 1
    first = second = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            first = node_hash(sibling, first)
            second = node_hash(sibling, second)
            while not position & 1 and position:
                position >>= 1
                last >>= 1
        else:
            second = node_hash(second, sibling)
        position >>= 1
        last >>= 1
    return last == 0 and first == old_root and second == new_root


def _split(count: int) -> int:
    """Largest power of two below `count`: the leaves under a tree's left child."""
    return 1 << ((count - 1).bit_length() - 1)


def _complete(low: int, high: int) -> Iterable[tuple[int, int]]:
    """(level, index) of the complete subtrees that make up leaves low … high - 1, in order."""
    while low < high:
        level = (high - low).bit_length() - 1
        yield level, low >> level
        low += 1 << level


def _subtree(low: int, high: int, node: NodeReader) -> bytes:
    """Root over leaves low … high - 1, where low starts a complete subtree of at least that."""
    return _fold(tuple(node(level, index) for level, index in _complete(low, high)))


def _fold(roots: Sequence[bytes]) -> bytes:
    """One root out of complete subtrees, largest first: the smallest are joined first."""
    joined = roots[-1]
    for left in reversed(roots[:-1]):
        joined = node_hash(left, joined)
    return joined


def _by_level(size: int, frontier: Frontier) -> list[bytes | None]:
    """The frontier's roots at their levels, lowest first, None where the size has no bit."""
    _check_frontier(size, frontier)
    smallest_first = reversed(frontier)
    return [
        next(smallest_first) if size >> level & 1 else None for level in range(size.bit_length())
    ]


def _check_frontier(size: int, frontier: Frontier) -> None:
    if size < 0 or len(frontier) != size.bit_count() or not _are_hashes(*frontier):
        raise Malformed("frontier_malformed", f"not the frontier of a tree of {size} leaves")


def _are_hashes(*candidates: bytes) -> bool:
    return all(len(candidate) == HASH_BYTES for candidate in candidates)
