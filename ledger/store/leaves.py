"""A leaf as its row keeps it: every JWS in it as the bytes that its base64url spells.

A signature's text is a third longer than the signature, and a payload's than the payload; that of
a request inside a payload is spelt twice. Canonical base64url (D2) spells bytes in one way, so what
is kept gives back exactly the leaf that was hashed, in five sixths of the room for a `transfer` and
two thirds for a `pay`.

Kept form: 0x01, then the leaf's text in which each JWS is replaced by 0x00, the lengths of header
and payload (two bytes each), the header, the payload (in the same form, without the 0x01), and the
64 bytes of signature. A leaf in which a NUL stands, or no JWS, is kept as it is.
"""

from __future__ import annotations

from struct import Struct

from ledger.core.ids import decode_segment, encode_segment

MARK = b"\x01"
"""First byte of the kept form; no leaf begins with it, for a leaf is JSON."""

SIGNATURE_BYTES = 64
DEPTH_MAX = 8
"""Payloads within payloads; deeper ones stay text."""

SIGNATURE_TEXT = 86
_LENGTHS = Struct(">HH")
_lengths, _lengths_from = _LENGTHS.pack, _LENGTHS.unpack_from
_LONGEST = 65_535
_OPENS = b'"eyJ'  # a JSON string that may be a JWS: eyJ spells {" and whatever follows


def pack_leaf(leaf: bytes) -> bytes:
    """The kept form of a leaf."""
    if b"\0" in leaf or leaf[:1] == MARK:
        raise AssertionError(f"a leaf is a line of JSON, not {leaf[:20]!r}")
    packed = _pack(leaf, DEPTH_MAX)
    return leaf if packed is leaf else MARK + packed


def unpack_leaf(kept: bytes) -> bytes:
    """The leaf of a kept form. Damaged bytes give other bytes than the leaf's, never an error."""
    if kept[:1] != MARK:
        return kept
    try:
        return _unpack(kept[1:], DEPTH_MAX)
    except ValueError:
        return kept


def _pack(text: bytes, depth: int) -> bytes:
    """Text with every JWS in it replaced; the same object where there is none."""
    parts: list[bytes] = []
    start = 0
    at = text.find(_OPENS) if depth else -1
    while at >= 0:
        end = text.find(b'"', at + 1)
        packed = _pack_jws(text[at + 1 : end], depth)
        if packed:
            parts += (text[start : at + 1], packed)
            start = end
        at = text.find(_OPENS, end) if end >= 0 else -1
    if not parts:
        return text
    parts.append(text[start:])
    return b"".join(parts)


def _pack_jws(jws: bytes, depth: int) -> bytes:
    """One JWS replaced, or nothing where this is none or is not spelt canonically."""
    segments = jws.split(b".")
    if len(segments) != 3 or len(segments[2]) != SIGNATURE_TEXT:
        return b""
    try:
        header, payload, signature = map(decode_segment, segments)
    except ValueError:
        return b""
    if b"\0" in payload:
        return b""
    inner = _pack(payload, depth - 1)
    if len(header) > _LONGEST or len(inner) > _LONGEST:
        return b""
    return b"\0" + _lengths(len(header), len(inner)) + header + inner + signature


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
