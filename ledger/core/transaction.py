"""Transactions as read: what a party signed, with what a second party signed inside it.

Payload types belong to the kinds; here is what they share. Reading (`ledger.kinds.read`) takes the
envelope apart and checks its form, never a signature: `envelopes` holds what there is to verify.
"""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Generic, NamedTuple, TypeVar

import msgspec
from msgspec import Meta

from ledger.core.envelope import Envelope
from ledger.core.ids import TransactionId
from ledger.core.party import Party

NOT_AFTER_AHEAD_MAX_MS = 24 * 3_600_000
"""A transaction is signed for at most 24 hours ahead, in the sandbox's time (D2)."""

Id = Annotated[str, Meta(min_length=22, max_length=22)]
"""Text of a 16-byte id; its base64url form is checked where it is turned into bytes."""

Kid = Annotated[str, Meta(min_length=43, max_length=43)]
Nonce = Annotated[str, Meta(min_length=16, max_length=43)]
Ms = Annotated[int, Meta(gt=0, lt=1 << 48)]
AmountText = Annotated[str, Meta(min_length=1, max_length=21)]
Label = Annotated[
    str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$(?!\n)")
]
"""A short ASCII name of a thing (never of a person): zones, packs. In Python `$` alone would let a
newline follow."""


GoodsCode = Annotated[str, Meta(pattern=r"^[0-9A-Z]{1,12}$(?!\n)")]
"""What is sold: a merchant category (ISO 18245, four digits) or a code of goods."""


VatCategory = Annotated[str, Meta(pattern=r"^[a-z][a-z_]{0,23}$(?!\n)")]
"""What a rule pack names a rate of VAT for: `standard`, `medicine`, `zero`."""


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """What every payload has: the ledger it is for, a nonce, and when it becomes void."""

    ledger: str
    nonce: Nonce
    not_after: Ms


class Statement(Payload, frozen=True, forbid_unknown_fields=True):
    """What a second party signs beforehand, for a transaction to embed: a till's request, a quote.

    `typ` is that of its envelope; `signer` the type of the object that holds the key it is signed
    with, found by the envelope's kid.
    """

    typ: ClassVar[str]
    signer: ClassVar[str] = "key"


S = TypeVar("S", bound=Statement, covariant=True)


class Tender(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One way to pay a request: `amount` of `asset` to `account`. `rate` is the id of the rate
    used; digital tenge never needs one."""

    asset: str
    account: Id
    amount: AmountText
    rate: Id | None = None


class Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Goods of one code within a request: `amount` of its total in tenge."""

    code: GoodsCode
    amount: AmountText


class Request(
    Statement, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag="request/1"
):
    """A terminal's signed payment request (typ `tenge-request`), embedded by `pay/1`.

    `total` is in tenge. Payable once unless `reusable`; its id is derived from its bytes. `lines`
    say what is sold where marked money may pay for some goods alone; together they are the total.
    `vat`: the VAT in the total, at this category's rate, goes to the merchant's VAT account where
    the total is paid in tenge.
    """

    typ: ClassVar[str] = "tenge-request"
    signer: ClassVar[str] = "terminal"

    total: AmountText
    reference: Annotated[str, Meta(max_length=64)]
    reusable: bool
    tenders: Annotated[tuple[Tender, ...], Meta(min_length=1, max_length=8)]
    lines: Annotated[tuple[Line, ...], Meta(max_length=32)] = ()
    vat: VatCategory | None = None


class Embedded(msgspec.Struct, Generic[S], frozen=True):
    """A statement as read: its id (16 bytes, derived from its bytes under the name of its kind),
    the kid of whoever signed it (32 bytes), what it says."""

    id: bytes
    kid: bytes
    body: S


class Proof(NamedTuple):
    """A signature in a payload over bytes that are no envelope: what a device signed offline.
    `public` (32 bytes) stands there too, so whose key that is remains to be decided."""

    public: bytes
    message: bytes
    signature: bytes


class Transaction(msgspec.Struct, frozen=True):
    """One transaction as read. `envelopes`: the outer one first, then those of `embedded`, in the
    same order. `proposed`: what a `propose/1` puts forward. `proofs`: what else is signed in it."""

    id: TransactionId
    kid: bytes
    payload: Payload
    jws: bytes
    envelopes: tuple[Envelope, ...]
    embedded: tuple[Embedded[Any], ...] = ()
    proposed: Payload | None = None
    proofs: tuple[Proof, ...] = ()


class Signer(msgspec.Struct, frozen=True):
    """Who signed: the party (its 16-byte key and body) whose active key `kid` names."""

    kid: bytes
    id: bytes
    party: Party
