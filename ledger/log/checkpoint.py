"""Checkpoints: the signed statement of a log's size and root, as a C2SP signed note.

The text form is other people's (c2sp.org/signed-note, c2sp.org/tlog-checkpoint), so that their
verifiers read ours. How an Ed25519 signature is made or checked comes in as a callable: the one
door for that is `ledger.keys`. A checkpoint counts only if a known key *whose name is the origin*
signed it well; a witness's signature alone says nothing here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Sequence

import msgspec

from ledger.errors import BadSignature, Malformed
from ledger.log.merkle import HASH_BYTES

NOTE_CHARS_MAX = 262_144
"""Longest note that is read, in characters: room for 16 post-quantum signatures and more."""

SIGNATURES_MAX = 64
"""Most signature lines of a note that are read (C2SP asks for at least 16)."""

Signer = Callable[[bytes], bytes]
"""Makes an Ed25519 signature (64 bytes) over the bytes given."""

Verifier = Callable[[bytes, bytes, bytes], bool]
"""`verify(public_key, message, signature)`: whether an Ed25519 signature is good."""

_ED25519 = b"\x01"
_DASH = "— "


class LogKey(msgspec.Struct, frozen=True):
    """A public key a log signs checkpoints with: its name (the log's origin) and 32 bytes."""

    name: str
    public_key: bytes

    @property
    def id(self) -> bytes:
        """First four bytes of SHA-256 over name, newline, 0x01 and the key (C2SP signed-note)."""
        named = self.name.encode() + b"\n" + _ED25519 + self.public_key
        return hashlib.sha256(named).digest()[:4]


class Checkpoint(msgspec.Struct, frozen=True):
    """What a checkpoint states: that the log `origin` has `size` entries and this root.

    `extensions` are further lines, opaque; we write none.
    """

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def encode_vkey(key: LogKey) -> str:
    """The key as one line, `name+hexid+base64(0x01 || key)`, as Go's note package reads it."""
    _check_key(key)
    return f"{key.name}+{key.id.hex()}+{to_base64(_ED25519 + key.public_key)}"


def decode_vkey(text: str) -> LogKey:
    """Read `encode_vkey` back; Malformed for another algorithm, a wrong id or any other form."""
    parts = text.split("+", 2)
    if len(parts) == 3:
        typed = from_base64(parts[2], "vkey_malformed")
        key = LogKey(parts[0], typed[1:])
        if encode_vkey(key) == text:
            return key
    raise Malformed("vkey_malformed", "a log key is name+id+base64 of an Ed25519 key")


def sign_checkpoint(origin: str, size: int, root: bytes, signer: Signer, public_key: bytes) -> str:
    """The checkpoint of this tree head with one signature, under the origin as the key's name.

    Whoever calls this must have read the head back as durable (design D7): no key may ever sign
    two roots for one size.
    """
    key = LogKey(origin, public_key)
    _check_key(key)
    text = encode_checkpoint(Checkpoint(origin, size, root))
    signature = signer(text.encode())
    return f"{text}\n{_DASH}{origin} {to_base64(key.id + signature)}\n"


def open_checkpoint(text: str, verify: Verifier, keys: Sequence[LogKey]) -> Checkpoint:
    """The checkpoint, after a known key named by its origin was found to have signed it.

    Signatures of unknown keys are ignored, also where they share a name or an id with a known one.
    Raises Malformed for text that is no checkpoint, BadSignature where a known key's signature is
    wrong or none of the log's own is there.
    """
    body, signatures = split_note(text)
    checkpoint = decode_checkpoint(body)
    known = {(key.name, key.id): key for key in keys}
    good: set[tuple[str, bytes]] = set()
    for name, key_id, signature in signatures:
        key = known.get((name, key_id))
        if key is None or (name, key_id) in good:
            continue
        if len(signature) != 64 or not verify(key.public_key, body.encode(), signature):
            raise BadSignature(f"the signature of {name} on the checkpoint is wrong")
        good.add((name, key_id))
    if not any(name == checkpoint.origin for name, _ in good):
        raise BadSignature(f"no known key of {checkpoint.origin} signed the checkpoint")
    return checkpoint


def encode_checkpoint(checkpoint: Checkpoint) -> str:
    """The note's text, which is what gets signed: origin, size, base64 of the root, a line each."""
    root = to_base64(checkpoint.root)
    lines = (checkpoint.origin, str(checkpoint.size), root, *checkpoint.extensions)
    text = "".join(f"{line}\n" for line in lines)
    if decode_checkpoint(text) != checkpoint:
        raise Malformed("checkpoint_malformed", "not to be written as a checkpoint")
    return text


def decode_checkpoint(body: str) -> Checkpoint:
    """Read a note's text as a checkpoint. Says nothing about who signed it."""
    lines = body.split("\n")
    if len(lines) < 4 or lines.pop() or not all(lines):
        raise Malformed("checkpoint_malformed", "a checkpoint has three lines or more, none empty")
    origin, size, root = lines[:3]
    root_hash = from_base64(root, "checkpoint_malformed")
    if len(root_hash) != HASH_BYTES:
        raise Malformed("checkpoint_malformed", "a root has 32 bytes")
    return Checkpoint(origin, read_decimal(size), root_hash, tuple(lines[3:]))


def split_note(text: str) -> tuple[str, list[tuple[str, bytes, bytes]]]:
    """A note's text and its signatures as (name, key id, signature). Checks no signature."""
    if len(text) > NOTE_CHARS_MAX or any(char < " " and char != "\n" for char in text):
        raise Malformed("note_malformed", "a note is bounded text without control characters")
    body, gap, block = text.rpartition("\n\n")
    lines = block.split("\n")
    if not gap or lines.pop() or not lines or len(lines) > SIGNATURES_MAX:
        raise Malformed("note_malformed", "a note ends with an empty line and signature lines")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Malformed("note_malformed", "a note is UTF-8") from None
    return body + "\n", [_signature_line(line) for line in lines]


def read_decimal(digits: str) -> int:
    """A size or index in decimal without leading zeroes, below 2**63."""
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 19):
        raise Malformed("number_malformed", "a size or index is written in decimal digits")
    number = int(digits)
    if str(number) != digits or number >= 2**63:
        raise Malformed("number_malformed", "a size or index has no leading zero and 63 bits")
    return number


def _signature_line(line: str) -> tuple[str, bytes, bytes]:
    name, gap, encoded = line.removeprefix(_DASH).partition(" ")
    signature = from_base64(encoded, "note_malformed")
    if not line.startswith(_DASH) or not gap or not _is_name(name) or len(signature) < 5:
        raise Malformed("note_malformed", "a signature line is a dash, a name and base64")
    return name, signature[:4], signature[4:]


def _check_key(key: LogKey) -> None:
    if not _is_name(key.name) or len(key.public_key) != 32:
        raise Malformed("vkey_malformed", "a log key has a name without spaces or +, and 32 bytes")


def _is_name(name: str) -> bool:
    return bool(name) and not any(char.isspace() or char < " " or char == "+" for char in name)


def to_base64(raw: bytes) -> str:
    """Standard padded base64 (RFC 4648 section 4), as all C2SP texts use."""
    return base64.b64encode(raw).decode()


def from_base64(text: str, code: str) -> bytes:
    """Standard padded base64 in its one canonical spelling, or Malformed with `code`."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(code, "not base64") from None
    if to_base64(raw) != text:
        raise Malformed(code, "base64 in another than its one spelling")
    return raw
