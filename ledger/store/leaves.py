"""A leaf as its row keeps it: every JWS in it as the bytes that its base64url spells.

A signature's text is a third longer than the signature, and a payload's than the payload; that of
a request inside a payload is spelt twice. Canonical base64url (D2) spells bytes in one way, so what
is kept gives back exactly the leaf that was hashed, in five sixths of the room for a `transfer` and
two thirds for a `pay`.

Kept form: 0x01, then the leaf's text in which each JWS is replaced by 0x00, the lengths of header
and payload (two bytes each), the header, the payload (in the same form, without the 0x01), and the
64 bytes of signature. A leaf without a JWS is kept as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct

from ledger.core.envelope import Envelope
from ledger.core.ids import encode_segment

MARK = b"\x01"
"""First byte of the kept form; no leaf begins with it, for a leaf is JSON."""

SIGNATURE_BYTES = 64
DEPTH_MAX = 8
"""Payloads within payloads; deeper ones stay text."""

_FOUND_BY = 48  # bytes of a JWS to look for: to look for all of it takes ten times as long
_LENGTHS = Struct(">HH")
_lengths, _lengths_from = _LENGTHS.pack, _LENGTHS.unpack_from


def pack_leaf(leaf: bytes, envelopes: Sequence[Envelope]) -> bytes:
    """The kept form of a leaf in which the first of these stands, and in its payload the others."""
    if b"\0" in leaf or leaf[:1] == MARK:
        raise AssertionError(f"a leaf is a line of JSON, not {leaf[:20]!r}")
    if not envelopes:
        return leaf
    outer, *embedded = envelopes
    payload = outer.payload
    for inner in embedded:
        payload = _replaced(payload, inner, inner.payload)
    return MARK + _replaced(leaf, outer, payload)


def _replaced(text: bytes, envelope: Envelope, payload: bytes) -> bytes:
    """The text with the envelope in it, if it is, in the kept form."""
    jws, header = envelope.jws, envelope.header
    at = text.find(jws[:_FOUND_BY])
    if not text.startswith(jws, at):
        return text
    lengths = _lengths(len(header), len(payload))
    end = at + len(jws)
    return b"".join((text[:at], b"\0", lengths, header, payload, envelope.signature, text[end:]))


def unpack_leaf(kept: bytes) -> bytes:
    """The leaf of a kept form. Damaged bytes give other bytes than the leaf's, never an error."""
    if kept[:1] != MARK:
        return kept
    try:
        return _unpack(kept[1:], DEPTH_MAX)
    except ValueError:
        return kept


def _unpack(packed: bytes, depth: int) -> bytes:
    """The text of a replaced form; ValueError where it is none."""
    parts: list[bytes] = []
    start = 0
    while (at := packed.find(0, start)) >= 0:
        if not depth or at + 1 + _LENGTHS.size > len(packed):
            raise ValueError(at)
        header_bytes, payload_bytes = _lengths_from(packed, at + 1)
        header = at + 1 + _LENGTHS.size
        payload = header + header_bytes
        signature = payload + payload_bytes
        end = signature + SIGNATURE_BYTES
        if end > len(packed):
            raise ValueError(at)
        parts += (
            packed[start:at], encode_segment(packed[header:payload]), b".",
            encode_segment(_unpack(packed[payload:signature], depth - 1)), b".",
            encode_segment(packed[signature:end]),
        )  # fmt: skip
        start = end
    parts.append(packed[start:])
    return b"".join(parts)
