"""Objects: what the ledger remembers beside money, and the catalogue of their types.

An object has a type, a key, an owner, a status, a due time and a typed body. Look-ups are declared
rows by which the decide path finds it without a scan. Nothing here holds money.
"""

from __future__ import annotations

from typing import Protocol, TypeVar, cast

import msgspec

from ledger.core.account import RESERVED
from ledger.core.alias import Alias
from ledger.core.ask import Ask
from ledger.core.asset import Asset
from ledger.core.consent import Consent
from ledger.core.freeze import Freeze, Reserve
from ledger.core.hold import Hold
from ledger.core.ids import ID_BYTES, unb64
from ledger.core.link import Link, Sweep
from ledger.core.lock import Lock
from ledger.core.mark import Categories, Confirmed, Marked, MarkPolicy
from ledger.core.party import Key, Party
from ledger.core.payment import Payment, Rate
from ledger.core.proposal import Proposal
from ledger.core.purse import Purse, Settled
from ledger.core.quote import UsedQuote
from ledger.core.recovery import Recovery
from ledger.core.vat import Claim, Taxpayer, VatPart
from ledger.core.venue import Venue
from ledger.core.zone import Permit, Terminal, Zone

Lookup = tuple[str, bytes]
"""Name and value of a look-up row; the object's type is understood."""

B = TypeVar("B", bound=msgspec.Struct)


class Genesis(msgspec.Struct, frozen=True):
    """Body of the one object of type `genesis` (key b""): what was fixed when the ledger began."""

    name: str
    central_bank: str
    operator: str
    log_key: str
    started_at: int


class PackInForce(msgspec.Struct, frozen=True):
    """Body of an object of type `pack`; its key is the SHA-256 of the text (32 bytes).

    Status: `current` or `past`. The text is TOML, verbatim as signed; `base` is the text of the
    pack that it extends, or None.
    """

    name: str
    text: str
    base: str | None


class Clock(msgspec.Struct, frozen=True):
    """Body of the one object of type `clock` (key b""): sandbox time = base + offset, or frozen.

    `offset` in ms is added to the database's clock; `frozen_at`, when set, is the time itself.
    """

    offset: int
    frozen_at: int | None


Body = (
    Genesis
    | Party
    | Key
    | Asset
    | PackInForce
    | Rate
    | Zone
    | Permit
    | Terminal
    | Payment
    | Clock
    | Proposal
    | Recovery
    | Ask
    | Hold
    | Consent
    | Alias
    | Lock
    | Link
    | Sweep
    | Freeze
    | Reserve
    | UsedQuote
    | Venue
    | Purse
    | Settled
    | MarkPolicy
    | Marked
    | Categories
    | Confirmed
    | Taxpayer
    | VatPart
    | Claim
)

BODIES: dict[str, type[msgspec.Struct]] = {
    "genesis": Genesis,
    "party": Party,
    "key": Key,
    "asset": Asset,
    "pack": PackInForce,
    "rate": Rate,
    "zone": Zone,
    "permit": Permit,
    "terminal": Terminal,
    "payment": Payment,
    "clock": Clock,
    "proposal": Proposal,
    "recovery": Recovery,
    "ask": Ask,
    "hold": Hold,
    "consent": Consent,
    "alias": Alias,
    "lock": Lock,
    "link": Link,
    "sweep": Sweep,
    "freeze": Freeze,
    "reserve": Reserve,
    "quote": UsedQuote,
    "venue": Venue,
    "purse": Purse,
    "purse_payment": Settled,
    "mark": MarkPolicy,
    "marked": Marked,
    "categories": Categories,
    "event": Confirmed,
    "taxpayer": Taxpayer,
    "vat_part": VatPart,
    "vat_claim": Claim,
}
"""Type name to body type: the store writes bodies as JSON and reads them back by this table."""

REFERENCE_TYPES = frozenset(
    {
        "genesis", "party", "key", "asset", "pack", "rate", "zone", "permit", "terminal", "clock",
        "venue", "mark", "categories",
    }
)  # fmt: skip
"""Types that change seldom and stay cached while the head's reference version stands (D8)."""


SIGNERS = ("key", "terminal")
"""Types of objects that are a public key, kept under its kid."""


class HasPublic(Protocol):
    """Body of an object of one of the `SIGNERS`."""

    @property
    def public(self) -> str:
        """The raw Ed25519 public key, base64url."""


class HasPayee(Protocol):
    """Body of an object beside an account of one of the kinds in `RESERVED`."""

    @property
    def payee(self) -> str:
        """Id (base64url) of the account that the money is for."""


class Object(msgspec.Struct, frozen=True):
    """One thing remembered. `due`: ms UTC when its time ends by itself, or None. `written`: index
    of the entry that last wrote it. `lookups` are all its look-up rows."""

    type: str
    key: bytes
    owner: bytes
    status: str
    due: int | None
    body: msgspec.Struct
    lookups: tuple[Lookup, ...]
    written: int


def public_of(object_: Object) -> bytes:
    """The public key (32 bytes) that one of the `SIGNERS` is."""
    if object_.type not in SIGNERS:
        raise AssertionError(f"object {object_.type} is no key")
    return unb64(cast("HasPublic", object_.body).public, 32)


def payee_of(object_: Object) -> bytes:
    """The id of the account for which the account beside this object has money reserved."""
    if object_.type not in RESERVED:
        raise AssertionError(f"object {object_.type} reserves nothing")
    return unb64(cast("HasPayee", object_.body).payee, ID_BYTES)


def body_of(object_: Object, type_: type[B]) -> B:
    """The body of an object as its type."""
    if not isinstance(object_.body, type_):
        raise AssertionError(f"object {object_.type} holds {object_.body!r}")
    return object_.body


_DECODERS = {name: msgspec.json.Decoder(body) for name, body in BODIES.items()}
_ENCODE = msgspec.json.Encoder().encode


def encode_body(body: msgspec.Struct) -> bytes:
    """The body as the store keeps it: JSON with members in declared order."""
    return _ENCODE(body)


def decode_body(type_: str, raw: bytes) -> msgspec.Struct:
    """The inverse of `encode_body`; raises msgspec.ValidationError on foreign bytes."""
    body: msgspec.Struct = _DECODERS[type_].decode(raw)
    return body
