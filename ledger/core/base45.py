"""Base45 (RFC 9285): bytes as the characters that a QR code holds best.

Pure. Every text spells its bytes in exactly one way: lower case, a lone last character and groups
above their range are refused.
"""

from __future__ import annotations

from typing import Final

from ledger.errors import Malformed

ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES: Final = {character: value for value, character in enumerate(ALPHABET)}


def encode(data: bytes) -> str:
    """Three characters for two bytes, two for a last single one."""
    out: list[str] = []
    for start in range(0, len(data) - 1, 2):
        rest, low = divmod(int.from_bytes(data[start : start + 2], "big"), 45)
        high, middle = divmod(rest, 45)
        out += (ALPHABET[low], ALPHABET[middle], ALPHABET[high])
    if len(data) % 2:
        high, low = divmod(data[-1], 45)
        out += (ALPHABET[low], ALPHABET[high])
    return "".join(out)


def decode(text: str) -> bytes:
    """The inverse; raises Malformed("offline.base45") on any other spelling."""
    try:
        values = [_VALUES[character] for character in text]
    except KeyError:
        raise _not_base45() from None
    out = bytearray()
    for start in range(0, len(values), 3):
        group = values[start : start + 3]
        number = sum(value * 45**place for place, value in enumerate(group))
        size = len(group) - 1
        if not size or number >= 1 << 8 * size:
            raise _not_base45()
        out += number.to_bytes(size, "big")
    return bytes(out)


def _not_base45() -> Malformed:
    return Malformed("offline.base45", "write bytes as base45 (RFC 9285), capitals only")
