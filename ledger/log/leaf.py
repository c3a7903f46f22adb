"""Leaves: the one byte form of an entry, which the Merkle tree hashes and everyone stores.

Owns the line of JSON described in docs/log-format.md part 2. The transaction inside is carried
exactly as it was received and is not judged here: its signature and payload are the envelope's.
A reader must not assume that a well-formed leaf is in the log; only a proof says that.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ledger.errors import Malformed

LEAF_BYTES_MAX = 65_535
"""Longest leaf in bytes: an entry bundle prefixes each with a uint16 (C2SP tlog-tiles)."""

POSTINGS_MAX = 64
"""Most postings in one entry."""

_AMOUNT_LIMIT = 2**63
_SEGMENT = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_ACCOUNT = r"[A-Za-z0-9_-]{21}[AQgw]"
_is_posting = re.compile(rf"{_ACCOUNT} {_ACCOUNT} [!#-\[\]-~]{{1,64}} [1-9][0-9]{{0,18}}").fullmatch
_is_digest = re.compile(r"[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]").fullmatch

_Scalar = str | int | bool
_Row = _Scalar | list[_Scalar]

Fact = _Scalar | list[_Row] | dict[str, _Scalar]
"""What a fact may be: text, a whole number of 64 bits, true or false, a list or a flat object.

Never a fraction and never null: a fact that is not known is left out.
"""


class LeafPosting(
    msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True, gc=False
):
    """One posting as the leaf holds it: a JSON array of four strings.

    `debit` and `credit` are account ids (22 characters of base64url), `asset` is the asset's code,
    `amount` is in minor units as decimal digits, above 0 and below 2**63.
    """

    debit: str
    credit: str
    asset: str
    amount: str


class Leaf(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry as it is hashed. The order of the members is the order in the bytes.

    `v` is 1. `index` counts from 0. `at` is the sandbox's time in ms UTC. `pack` is the base64url
    SHA-256 of the text of the rule pack in force, "" before the first. `tx` is the compact JWS as
    received. `facts` is what the decision fixed and later entries need.
    """

    v: Literal[1]
    index: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    at: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    pack: str
    tx: str
    postings: Annotated[tuple[LeafPosting, ...], Meta(max_length=POSTINGS_MAX)]
    facts: Mapping[str, Fact]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Leaf).decode


def encode_leaf(leaf: Leaf) -> bytes:
    """Write the leaf as its one line of UTF-8 JSON, without spaces and without a newline.

    What is written is read again before it is returned, so no line enters a log that a verifier
    of that log would refuse. Raises Malformed (`leaf_too_large`, `leaf_malformed`).
    """
    try:
        line = _encode(leaf)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as fault:
        raise Malformed("leaf_malformed", f"not a leaf: {fault}") from None
    if len(line) > LEAF_BYTES_MAX:
        text = f"a leaf may have {LEAF_BYTES_MAX} bytes, this one has {len(line)}"
        raise Malformed("leaf_too_large", text)
    _read(line)
    return line


def write_leaf(leaf: Leaf) -> bytes:
    """`encode_leaf` for a writer that made every member out of values it has checked already.

    Reading each line again costs as much as the rest of its way into the log; a test holds that
    what the writer makes reads back. Raises Malformed("leaf_too_large").
    """
    line = _encode(leaf)
    if len(line) > LEAF_BYTES_MAX:
        text = f"a leaf may have {LEAF_BYTES_MAX} bytes, this one has {len(line)}"
        raise Malformed("leaf_too_large", text)
    return line


def decode_leaf(line: bytes) -> Leaf:
    """Read a leaf. There is one byte form a leaf: any other, however equal in meaning, is refused.

    Refused are unknown, missing and repeated members, spaces, other escapes, other order. Raises
    Malformed (`leaf_too_large`, `leaf_malformed`); whoever knows from where the bytes came turns
    that into LogDamaged with the index.
    """
    if len(line) > LEAF_BYTES_MAX:
        text = f"a leaf may have {LEAF_BYTES_MAX} bytes, this one has {len(line)}"
        raise Malformed("leaf_too_large", text)
    leaf = _read(line)
    if _encode(leaf) != line:
        raise Malformed("leaf_malformed", "a leaf in another byte form than the one it has")
    return leaf


def _read(line: bytes) -> Leaf:
    """Decode what the types say, then the alphabets and bounds, which would cost more as types."""
    try:
        leaf = _decode(line)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as fault:
        raise Malformed("leaf_malformed", f"not a leaf: {fault}") from None
    if leaf.pack and not _is_digest(leaf.pack):
        raise Malformed("leaf_malformed", "pack is not a SHA-256 digest in base64url", "pack")
    if leaf.tx.encode().translate(None, _SEGMENT) != b"..":
        raise Malformed("leaf_malformed", "tx is not a compact JWS", "tx")
    for posting in leaf.postings:
        text = f"{posting.debit} {posting.credit} {posting.asset} {posting.amount}"
        if not _is_posting(text) or int(posting.amount) >= _AMOUNT_LIMIT:
            raise Malformed("leaf_malformed", f"not a posting: {text[:160]}", "postings")
    for fact in leaf.facts.values():
        if type(fact) is not str and not _is_bounded(fact):
            raise Malformed("leaf_malformed", "a fact beyond 64 bits", "facts")
    return leaf


def _is_bounded(fact: Fact | _Row) -> bool:
    """Whether every number in the fact stays within -(2**63) + 1 … 2**63 - 1."""
    if isinstance(fact, int):
        return -_AMOUNT_LIMIT < fact < _AMOUNT_LIMIT
    if isinstance(fact, dict):
        return all(map(_is_bounded, fact.values()))
    return isinstance(fact, str) or all(map(_is_bounded, fact))
