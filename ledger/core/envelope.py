"""The envelope: a compact JWS (RFC 7515) with one signer, and the strict JSON inside it (D2).

Pure: it takes bytes apart and never checks a signature (that is `ledger.keys.verify`, over
`signing_input`). The bytes received are the bytes verified and stored; nothing is canonicalised,
so every form with two spellings is refused: padding, unused bits, repeated members, numbers that
are not whole. A reader must not assume that `kid` names a registered key, nor that `alg` says how
to verify: that follows from the key alone.

Forms and codes are normative in `docs/envelope.md`; `tests/vectors/envelope` holds known answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import lru_cache
from hashlib import sha256
from typing import Final, NoReturn, TypeVar

import msgspec

from ledger.core.ids import decode_segment, encode_segment, unb64
from ledger.errors import Malformed

TYPS: Final = frozenset({"tenge-tx", "tenge-request", "tenge-quote", "tenge-event", "tenge-attest"})
"""What an envelope may hold: a signature given for one is never good for another."""

ALGS: Final = frozenset({"EdDSA", "Ed25519"})
"""Two names of one algorithm (RFC 8037, RFC 9864); we write the first."""

PAYLOAD_MAX: Final = 8_192
"""Bytes in a payload; packs and zones may have `PAYLOAD_MAX_LARGE`."""

PAYLOAD_MAX_LARGE: Final = 40_000
"""Bytes in the payload of a pack or a zone."""

HEADER_MAX: Final = 256
"""Bytes in a decoded header."""

DEPTH_MAX: Final = 8
"""Objects and arrays one inside another, the outermost counted."""

INTEGER_LIMIT: Final = 1 << 53
"""Whole numbers in a payload are between minus this and this, both excluded (RFC 7493)."""

SIGNATURE_BYTES: Final = 64

T = TypeVar("T")

_encode = msgspec.json.Encoder().encode
_DIGITS: Final = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER: Final = b"0" * len(str(INTEGER_LIMIT))


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """An opened envelope. The signature is *not* yet checked.

    `jws`: its bytes as received. `kid`: 32 bytes. `header`, `payload` and `signature` (64 bytes):
    what the three segments spell. `digest` is SHA-256 of `payload`.
    """

    typ: str
    kid: bytes
    jws: bytes
    header: bytes
    payload: bytes
    signing_input: bytes
    signature: bytes
    digest: bytes


def open_envelope(jws: bytes | str, *, typ: str, payload_max: int = PAYLOAD_MAX) -> Envelope:
    """Take a compact JWS apart; raises `Malformed` with an "envelope.…" code or "payload.size".

    `typ` is what the place where it was found asks for; another kind of envelope is refused.
    """
    if isinstance(jws, str):
        jws = _ascii(jws)
    signing_input, _, signature_segment = jws.rpartition(b".")
    header_segment, _, payload_segment = signing_input.partition(b".")
    if not header_segment or not payload_segment or b"." in payload_segment:
        raise Malformed(
            "envelope.segments", "an envelope is header.payload.signature, none of them empty"
        )
    if len(payload_segment) * 3 // 4 > payload_max:
        raise Malformed("payload.size", f"a payload here has at most {payload_max} bytes")
    header_typ, kid, header = _read_header(header_segment)
    if header_typ != typ:
        raise Malformed("envelope.typ", f"a {typ} is asked here, this is a {header_typ}", "typ")
    try:
        payload = decode_segment(payload_segment)
        signature = decode_segment(signature_segment)
    except ValueError:
        raise _not_base64("payload and signature") from None
    if len(signature) != SIGNATURE_BYTES:
        raise Malformed(
            "envelope.signature", "an Ed25519 signature has 64 bytes (86 characters)", "signature"
        )
    digest = sha256(payload).digest()
    return Envelope(typ, kid, jws, header, payload, signing_input, signature, digest)


def decode_payload(payload: bytes, decoder: msgspec.json.Decoder[T]) -> T:
    """Read strict JSON as what `decoder` is for; raises `Malformed` with a "payload.…" code.

    `decoder`'s structs must forbid unknown fields. Two passes: msgspec makes the value, the
    standard library finds what msgspec lets through (repeated members, numbers out of range).
    """
    _check_depth(payload)
    try:
        value = decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        _strict_json(payload)  # the fault of the text, where there is one, comes first
        _raise_member(error)
    _strict_json(payload)
    return value


def is_plain(payload: bytes, value: msgspec.Struct) -> bool:
    """Whether the payload is just as msgspec writes the value that it read from it: then it is
    strict JSON and needs no second pass, if no fraction fits into the value's type.

    What msgspec reads *and* writes though it is not strict has an escape or a long run of digits.
    """
    return (
        b"\\u" not in payload
        and _LONG_NUMBER not in payload.translate(_DIGITS)
        and _encode(value) == payload
    )


def seal(payload: bytes, *, kid: str, typ: str, sign: Callable[[bytes], bytes]) -> str:
    """The compact JWS of `payload`; `sign` gives the 64 bytes of the signature over its input."""
    header = f'{{"alg":"EdDSA","kid":"{kid}","typ":"{typ}"}}'.encode()
    segment = encode_segment(header)
    _read_header(segment)
    signing_input = segment + b"." + encode_segment(payload)
    return (signing_input + b"." + encode_segment(sign(signing_input))).decode()


@lru_cache(maxsize=4_096)
def _read_header(segment: bytes) -> tuple[str, bytes, bytes]:
    """(typ, kid, the bytes spelt) of a header segment. Cached: a key writes the same every time."""
    if len(segment) * 3 // 4 > HEADER_MAX:
        raise Malformed("envelope.header", f"a header has at most {HEADER_MAX} bytes", "header")
    try:
        header = decode_segment(segment)
    except ValueError:
        raise _not_base64("header") from None
    try:
        members = _JSON.decode(header.decode())
    except (ValueError, RecursionError, Malformed):
        members = None
    if not isinstance(members, dict) or members.keys() != {"alg", "kid", "typ"}:
        raise Malformed(
            "envelope.header", "a header is a JSON object of alg, kid and typ, each once", "header"
        )
    alg, kid, typ = members["alg"], members["kid"], members["typ"]
    if not isinstance(alg, str) or alg not in ALGS:
        raise Malformed("envelope.alg", 'alg is "EdDSA", or its synonym "Ed25519"', "alg")
    if not isinstance(typ, str) or typ not in TYPS:
        raise Malformed("envelope.typ", f"typ is one of {', '.join(sorted(TYPS))}", "typ")
    try:
        key = unb64(kid, 32)
    except (Malformed, AttributeError):
        raise Malformed(
            "envelope.kid", "kid is the key's RFC 7638 thumbprint, 43 characters", "kid"
        ) from None
    return typ, key, header


def _ascii(text: str) -> bytes:
    try:
        return text.encode("ascii")
    except UnicodeEncodeError:
        raise _not_base64("an envelope") from None


def _not_base64(what: str) -> Malformed:
    return Malformed(
        "envelope.base64", f"{what}: write canonical base64url without padding (RFC 7515)"
    )


_STRUCTURE = re.compile(rb'"(?:[^"\\]++|\\.)*+"?|[\[\]{}]', re.DOTALL)


def _check_depth(payload: bytes) -> None:
    """Refuse what nests too deep, before any parser that recurses sees it."""
    if payload.count(b"{") + payload.count(b"[") <= DEPTH_MAX:
        return
    depth = 0
    for found in _STRUCTURE.finditer(payload):
        if found[0] in b"{[":
            depth += 1
            if depth > DEPTH_MAX:
                raise Malformed("payload.depth", f"nest at most {DEPTH_MAX} objects and arrays")
        elif found[0] in b"]}":
            depth -= 1


_ONE_VALUE = "a payload is one JSON value with nothing before or after it (RFC 8259)"


def _strict_json(payload: bytes) -> None:
    """Refuse what is not strict JSON, whatever it means."""
    try:
        value = _JSON.decode(payload.decode())
    except UnicodeDecodeError:
        raise Malformed("payload.utf8", "a payload is UTF-8 (RFC 8259)") from None
    except (ValueError, RecursionError):
        raise Malformed("payload.json", _ONE_VALUE) from None
    if b"\\u" in payload:
        _check_escapes(value)


def _check_escapes(value: object) -> None:
    """Refuse characters that only an escape can bring in: NUL and halves of surrogate pairs."""
    if isinstance(value, str):
        if "\0" in value:
            raise Malformed("payload.nul", "no text in a payload holds the character U+0000")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise Malformed("payload.json", "an escape in a text is half of a surrogate pair")
    elif isinstance(value, list):
        for item in value:
            _check_escapes(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            _check_escapes(name)
            _check_escapes(item)


def _raise_member(error: Exception) -> NoReturn:
    """Turn msgspec's complaint into ours: "Expected `int`, got `str` - at `$.nonce`"."""
    if not isinstance(error, msgspec.ValidationError):
        raise Malformed("payload.json", _ONE_VALUE) from None
    sentence, _, path = str(error).partition(" - at `")
    raise Malformed("payload.member", sentence, path.rstrip("`").removeprefix("$.")) from None


def _members(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise Malformed("payload.repeated", f"write the member {name!r:.64} once", name)
            seen.add(name)
    return members


def _integer(digits: str) -> int:
    # Short of 17 characters nothing reaches the limit but what `int` shows; longer is over it.
    if len(digits) > 17 or not -INTEGER_LIMIT < (number := int(digits)) < INTEGER_LIMIT:
        raise Malformed("payload.number", "whole numbers lie within 2**53 on either side of zero")
    return number


def _fraction(digits: str) -> NoReturn:
    raise Malformed("payload.number", "write whole numbers only: no fraction, no exponent")


def _constant(name: str) -> NoReturn:
    raise Malformed("payload.json", f"{name} is not JSON")


_JSON: Final = json.JSONDecoder(
    object_pairs_hook=_members,
    parse_int=_integer,
    parse_float=_fraction,
    parse_constant=_constant,
)
