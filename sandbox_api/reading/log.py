"""The log as others' verifiers read it: tiles, proofs, receipts, out of leaves and full tiles."""

from __future__ import annotations

from ledger.errors import Malformed
from ledger.log.checkpoint import decode_checkpoint, split_note, to_base64
from ledger.log.merkle import (
    NodeReader,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    leaf_hash,
    root,
)
from ledger.log.proof import Receipt, encode_receipt
from ledger.log.tiles import (
    ENTRIES,
    TILE_HEIGHT,
    TILE_WIDTH,
    Tile,
    encode_bundle,
    node_reader,
    partial_tile,
)
from ledger.store.reader import Snapshot
from sandbox_api.wire import ConsistencyBody, InclusionBody


def tile_bytes(view: Snapshot, tile: Tile) -> bytes | None:
    """The bytes of a tile (C2SP tlog-tiles), or None where the log has not grown so far."""
    size = view.head().size
    reach = (tile.index * TILE_WIDTH + tile.width) << TILE_HEIGHT * max(tile.level, 0)
    if reach > size:
        return None
    if tile.level == ENTRIES:
        first = tile.index * TILE_WIDTH
        return encode_bundle(view.leaves(first, first + tile.width))
    return _read_tile(view, tile)


def inclusion(view: Snapshot, index: int, size: int | None) -> InclusionBody:
    """The proof that the leaf at `index` is in the tree of `size`; Malformed where it is not."""
    size = _size(view, size)
    node = _nodes(view, size)
    hashes = inclusion_proof(index, size, node)
    (leaf,) = view.leaves(index, index + 1)
    return InclusionBody(
        index=index,
        size=size,
        leaf_hash=to_base64(leaf_hash(leaf)),
        root=to_base64(_root(size, node)),
        hashes=tuple(map(to_base64, hashes)),
    )


def consistency(view: Snapshot, old: int, new: int | None) -> ConsistencyBody:
    """The proof that the tree of `new` leaves continues the one of `old`; Malformed where not."""
    new = _size(view, new)
    node = _nodes(view, new)
    hashes = consistency_proof(old, new, node)
    return ConsistencyBody(
        from_=old,
        to=new,
        from_root=to_base64(_root(old, _nodes(view, old))),
        to_root=to_base64(_root(new, node)),
        hashes=tuple(map(to_base64, hashes)),
    )


def receipt_text(view: Snapshot, checkpoint: str, index: int) -> str | None:
    """The receipt of an entry under a checkpoint, as tlog-proof text; None where it counts less.

    The view must have been taken after the checkpoint, so that it holds all that this one counts.
    """
    size = decode_checkpoint(split_note(checkpoint)[0]).size
    if index >= size:
        return None
    hashes = inclusion_proof(index, size, _nodes(view, size))
    return encode_receipt(Receipt(index, hashes, checkpoint))


def _size(view: Snapshot, asked: int | None) -> int:
    head = view.head().size
    if asked is None:
        return head
    if asked > head:
        raise Malformed("proof_out_of_range", f"the log has {head} entries", "size")
    return asked


def _root(size: int, node: NodeReader) -> bytes:
    return root(size, frontier_of(size, node))


def _nodes(view: Snapshot, size: int) -> NodeReader:
    return node_reader(size, lambda tile: _read_tile(view, tile))


def _read_tile(view: Snapshot, tile: Tile) -> bytes:
    """A hash tile: full ones are stored, partial ones are made again."""
    if tile.width < TILE_WIDTH:
        return partial_tile(
            tile,
            lambda start, stop: [leaf_hash(leaf) for leaf in view.leaves(start, stop)],
            lambda full: _read_tile(view, full),
        )
    found = view.tile(tile.level, tile.index)
    if found is None:
        raise AssertionError(f"the store lacks the full tile {tile.path}")
    return found
