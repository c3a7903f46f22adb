"""Receipts: one entry tied to one checkpoint, in the text form of C2SP tlog-proof.

A receipt and the leaf's bytes are all that is needed to check, offline and years later, that the
log held the entry. The keys one trusts must come from elsewhere; a receipt cannot vouch for itself.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from ledger.errors import LogDamaged, Malformed
from ledger.log.checkpoint import (
    NOTE_CHARS_MAX,
    Checkpoint,
    LogKey,
    Verifier,
    from_base64,
    open_checkpoint,
    read_decimal,
    to_base64,
)
from ledger.log.leaf import decode_leaf
from ledger.log.merkle import HASH_BYTES, leaf_hash, verify_inclusion

HEADER = "c2sp.org/tlog-proof@v1"
"""First line of every proof."""

HASHES_MAX = 63
"""Longest audit path that is read: a tree has fewer than 2**63 leaves."""

EXTRA_BYTES_MAX = 65_535
"""Most extra bytes that are read."""


class Receipt(msgspec.Struct, frozen=True):
    """An entry's index, its audit path (leaf's sibling first) and a checkpoint's whole text.

    `extra` is opaque and vouched for by nobody; we write none.
    """

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str
    extra: bytes = b""


def encode_receipt(receipt: Receipt) -> str:
    """The receipt as tlog-proof text."""
    lines = [HEADER]
    if receipt.extra:
        lines.append(f"extra {to_base64(receipt.extra)}")
    lines.append(f"index {receipt.index}")
    lines.extend(map(to_base64, receipt.hashes))
    return "\n".join(lines) + "\n\n" + receipt.checkpoint


def decode_receipt(text: str) -> Receipt:
    """Read tlog-proof text; Malformed for anything else. Checks neither path nor signature."""
    head, gap, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not gap or len(head) > NOTE_CHARS_MAX or lines.pop(0) != HEADER:
        raise Malformed("receipt_malformed", f"a receipt starts with the line {HEADER}")
    extra = b""
    if lines and lines[0].startswith("extra "):
        extra = from_base64(lines.pop(0).removeprefix("extra "), "receipt_malformed")
        if not 0 < len(extra) <= EXTRA_BYTES_MAX:
            raise Malformed("receipt_malformed", "an extra line without extra, or with too much")
    if not lines or not lines[0].startswith("index "):
        raise Malformed("receipt_malformed", "a receipt names the entry's index")
    index = read_decimal(lines.pop(0).removeprefix("index "))
    hashes = tuple(from_base64(line, "receipt_malformed") for line in lines)
    if len(hashes) > HASHES_MAX or any(len(node) != HASH_BYTES for node in hashes):
        raise Malformed("receipt_malformed", "a path is at most 63 hashes of 32 bytes")
    return Receipt(index, hashes, checkpoint, extra)


def verify_receipt(leaf: bytes, text: str, verify: Verifier, keys: Sequence[LogKey]) -> Checkpoint:
    """Show offline that a log one of `keys` signs for holds `leaf` where it says it stands.

    Returns the checkpoint that holds it. Raises Malformed (unreadable), BadSignature (no known key
    of the log signed), LogDamaged (the path does not lead from this leaf to that root).
    """
    receipt = decode_receipt(text)
    checkpoint = open_checkpoint(receipt.checkpoint, verify, keys)
    if decode_leaf(leaf).index != receipt.index:
        raise LogDamaged("the leaf and the receipt name different indexes", receipt.index)
    included = verify_inclusion(
        index=receipt.index,
        size=checkpoint.size,
        leaf=leaf_hash(leaf),
        proof=receipt.hashes,
        root=checkpoint.root,
    )
    if not included:
        raise LogDamaged("the path does not lead from the leaf to the root", receipt.index)
    return checkpoint
