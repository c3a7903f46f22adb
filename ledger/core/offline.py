"""What purses say to each other with no network: a fixed binary layout (docs/offline.md).

Pure: it takes bytes apart and puts them together and never checks a signature; `proofs` says what
there is to verify. Four statements: a *payment* of a device, the *certificate* that a bank gives to
a device, the central bank's *notice* of banks and frozen purses, and an *address* to pay to. A
*chain* is what one QR code carries: the money's way from a load, at most three hops, a certificate
and a payment each. A reader must not assume that what can be read is true.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from typing import Final

import msgspec

from ledger.core import base45
from ledger.core.ids import decode_segment, thumbprint
from ledger.core.transaction import Proof
from ledger.errors import Malformed

TAG: Final = b"tenge-offline/1\0"
"""What every signed statement begins with, so that no signature made here is good elsewhere."""

PREFIX: Final = "TENGE1:"
"""What every text form begins with; base45 follows."""

CHAIN, CERTIFICATE, NOTICE, ADDRESS = 1, 2, 3, 4
"""First byte of each form; a payment is signed under that of its chain."""

LOADED: Final = bytes(32)
"""The source of a payment out of what was loaded; else it is the id of a payment received."""

FIRST: Final = bytes(32)
"""What a device's first payment names as the one before it."""

HOPS_MAX: Final = 3
"""Payments in a chain, one after another, from load to deposit."""

ISSUING_BANK, PAYEE = 1, 2
"""Who bears a loss, as a certificate says it."""

ISSUER_BYTES: Final = 8
BANKS_MAX: Final = 255
FROZEN_MAX: Final = 65_535

_CERTIFICATE_BYTES: Final = 78
_PAYMENT_BYTES: Final = 74
_SIGNATURE_BYTES: Final = 64
LINK_BYTES: Final = _CERTIFICATE_BYTES + _PAYMENT_BYTES + 2 * _SIGNATURE_BYTES
"""What each hop adds to a chain."""


class Certificate(msgspec.Struct, frozen=True):
    """What a bank says of a device. Amounts in tiyn, times in ms UTC.

    `issuer`: first 8 bytes of the kid of the bank's key. `device`: the device's public key.
    `bearer`: who bears a loss. `hops`: the most that money may have behind it when this device
    passes it on, its own payment counted. `loaded`: all that was ever loaded. Payments are good if
    made before `ends_at` and brought to the ledger before `closes_at`.
    """

    issuer: bytes
    device: bytes
    bearer: int
    hops: int
    payment_max: int
    purse_max: int
    loaded: int
    ends_at: int
    closes_at: int
    signature: bytes = b""

    @property
    def purse(self) -> bytes:
        """The id of the device's purse."""
        return purse_id(self.device)

    def signed(self, ledger: bytes) -> bytes:
        """The bytes that the bank signs."""
        return TAG + bytes((CERTIFICATE,)) + ledger + _certificate_body(self)


class Payment(msgspec.Struct, frozen=True):
    """What a device says when it pays: `amount` out of `source`, of which it had spent `spent`
    before, to the account `payee` (16 bytes), as its payment number `counter` after `previous`."""

    payer: bytes
    counter: int
    previous: bytes
    source: bytes
    spent: int
    amount: int
    at: int
    payee: bytes
    signature: bytes = b""

    def signed(self, ledger: bytes) -> bytes:
        """The bytes that the device signs: the source and its own key beside what is carried."""
        return b"".join((
            TAG, bytes((CHAIN,)), ledger, self.payer, self.counter.to_bytes(4, "big"),
            self.previous, self.source, self.spent.to_bytes(8, "big"),
            self.amount.to_bytes(8, "big"), self.at.to_bytes(6, "big"), self.payee,
        ))  # fmt: skip

    def id(self, ledger: bytes) -> bytes:
        """The payment's id: SHA-256 of what is signed (32 bytes)."""
        return sha256(self.signed(ledger)).digest()


class Link(msgspec.Struct, frozen=True):
    """One hop: the payer's certificate and its payment."""

    certificate: Certificate
    payment: Payment


class Chain(msgspec.Struct, frozen=True):
    """Hops in order, the first out of a load, each other out of the payment before it."""

    ledger: bytes
    links: tuple[Link, ...]

    @property
    def last(self) -> Payment:
        """The payment that the chain is for."""
        return self.links[-1].payment

    def ids(self) -> tuple[bytes, ...]:
        """Ids of the payments, in order."""
        return tuple(link.payment.id(self.ledger) for link in self.links)

    def proofs(self) -> tuple[Proof, ...]:
        """The payments' signatures."""
        payments = (link.payment for link in self.links)
        return tuple(Proof(one.payer, one.signed(self.ledger), one.signature) for one in payments)

    def to_bytes(self) -> bytes:
        """The form that is carried."""
        parts = [bytes((CHAIN,)), self.ledger, bytes((len(self.links),))]
        for link in self.links:
            one = link.payment
            parts += (
                _certificate_body(link.certificate), link.certificate.signature,
                one.counter.to_bytes(4, "big"), one.previous, one.spent.to_bytes(8, "big"),
                one.amount.to_bytes(8, "big"), one.at.to_bytes(6, "big"), one.payee, one.signature,
            )  # fmt: skip
        return b"".join(parts)


class Notice(msgspec.Struct, frozen=True):
    """The central bank's word to devices, true of a log of `size` entries at `at`; to be renewed
    before `until` (ms UTC). `banks`: public keys that certify devices. `frozen`: ids of purses from
    which nothing is to be taken. Both in rising order."""

    ledger: bytes
    size: int
    at: int
    until: int
    banks: tuple[bytes, ...]
    frozen: tuple[bytes, ...]
    signature: bytes = b""

    def signed(self) -> bytes:
        """The bytes that the central bank signs."""
        return TAG + self.to_bytes()[:-_SIGNATURE_BYTES]

    def to_bytes(self) -> bytes:
        """The form that is carried; the signature comes last."""
        return b"".join((
            bytes((NOTICE,)), self.ledger, self.size.to_bytes(8, "big"), self.at.to_bytes(6, "big"),
            self.until.to_bytes(6, "big"), bytes((len(self.banks),)), *self.banks,
            len(self.frozen).to_bytes(2, "big"), *self.frozen,
            self.signature or bytes(_SIGNATURE_BYTES),
        ))  # fmt: skip


class Address(msgspec.Struct, frozen=True):
    """Where to pay to, shown by whoever is to be paid: nothing of it is signed. `amount` in tiyn, 0
    where the payer is to say."""

    ledger: bytes
    payee: bytes
    amount: int

    def to_bytes(self) -> bytes:
        """The form that is carried."""
        return bytes((ADDRESS,)) + self.ledger + self.payee + self.amount.to_bytes(8, "big")


def purse_id(device: bytes) -> bytes:
    """The id of a device's purse: the first 16 bytes of its key's kid, so the device knows it."""
    return thumbprint(device)[:16]


def contradiction(one: Payment, other: Payment, ledger: bytes) -> bool:
    """Whether two payments of one device cannot both be an honest device's."""
    if one.payer != other.payer or one.id(ledger) == other.id(ledger):
        return False
    first, second = sorted((one, other), key=lambda payment: payment.counter)
    if first.counter == second.counter:
        return True
    if first.counter + 1 == second.counter and second.previous != first.id(ledger):
        return True
    overlap = first.spent < second.spent + second.amount and (
        second.spent < first.spent + first.amount
    )
    return first.source == second.source and overlap


def to_text(data: bytes) -> str:
    """A form as its QR code holds it."""
    return PREFIX + base45.encode(data)


def from_text(text: str) -> bytes:
    """The inverse; raises Malformed ("offline.prefix", "offline.base45")."""
    if not text.startswith(PREFIX):
        raise Malformed("offline.prefix", f"what is said offline begins with {PREFIX}")
    return base45.decode(text[len(PREFIX) :])


@lru_cache(maxsize=4_096)
def chain_of(segment: str) -> Chain:
    """The chain that a transaction carries as base64url; raises Malformed."""
    try:
        data = decode_segment(segment.encode("ascii"))
    except ValueError:
        raise Malformed("id.base64", "write bytes as canonical base64url without padding") from None
    return read_chain(data)


def read_chain(data: bytes, hops_max: int = HOPS_MAX + 1) -> Chain:
    """Take a chain apart; raises Malformed("offline.…").

    A link more than money may have hops is read: who empties a purse pays itself last.
    """
    reader = _Reader(data, CHAIN)
    ledger, count = reader.take(16), reader.number(1)
    if not 1 <= count <= hops_max:
        raise Malformed("offline.hops", f"a chain has 1 to {hops_max} links")
    links: list[Link] = []
    source = LOADED
    for _ in range(count):
        certificate = reader.certificate()
        payment = reader.payment(certificate.device, source)
        source = payment.id(ledger)
        if links and links[-1].payment.payee != certificate.purse:
            raise Malformed("offline.payee", "each payer is who the payment before it paid")
        links.append(Link(certificate, payment))
    reader.end()
    return Chain(ledger, tuple(links))


def read_certificate(data: bytes) -> tuple[bytes, Certificate]:
    """The ledger and the certificate of its own form; raises Malformed("offline.…")."""
    reader = _Reader(data, CERTIFICATE)
    ledger, certificate = reader.take(16), reader.certificate()
    reader.end()
    return ledger, certificate


def certificate_bytes(ledger: bytes, certificate: Certificate) -> bytes:
    """The form of a certificate by itself, as a bank gives it to the device."""
    body = _certificate_body(certificate)
    return bytes((CERTIFICATE,)) + ledger + body + certificate.signature


def read_notice(data: bytes) -> Notice:
    """Take a notice apart; raises Malformed("offline.…")."""
    reader = _Reader(data, NOTICE)
    ledger, size = reader.take(16), reader.number(8)
    at, until = reader.number(6), reader.number(6)
    banks = tuple(reader.take(32) for _ in range(reader.number(1)))
    frozen = tuple(reader.take(16) for _ in range(reader.number(2)))
    if list(banks) != sorted(set(banks)) or list(frozen) != sorted(set(frozen)):
        raise Malformed("offline.order", "banks and purses stand in rising order, each once")
    notice = Notice(ledger, size, at, until, banks, frozen, reader.take(_SIGNATURE_BYTES))
    reader.end()
    return notice


def read_address(data: bytes) -> Address:
    """Take an address apart; raises Malformed("offline.…")."""
    reader = _Reader(data, ADDRESS)
    address = Address(reader.take(16), reader.take(16), reader.number(8))
    reader.end()
    return address


def _certificate_body(one: Certificate) -> bytes:
    return b"".join((
        one.issuer, one.device, bytes((one.bearer, one.hops)), one.payment_max.to_bytes(8, "big"),
        one.purse_max.to_bytes(8, "big"), one.loaded.to_bytes(8, "big"),
        one.ends_at.to_bytes(6, "big"), one.closes_at.to_bytes(6, "big"),
    ))  # fmt: skip


class _Reader:
    """Takes bytes off the front; raises Malformed("offline.size", "offline.form")."""

    def __init__(self, data: bytes, form: int) -> None:
        self._data, self._at = data, 0
        if self.number(1) != form:
            raise Malformed("offline.form", f"a form {form} is asked here")

    def take(self, size: int) -> bytes:
        """The next bytes."""
        end = self._at + size
        if end > len(self._data):
            raise Malformed("offline.size", "the bytes end too soon")
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, size: int) -> int:
        """The next bytes as a whole number, the highest first."""
        return int.from_bytes(self.take(size), "big")

    def end(self) -> None:
        """Nothing may follow."""
        if self._at != len(self._data):
            raise Malformed("offline.size", "there are bytes too many")

    def certificate(self) -> Certificate:
        """A certificate with its signature."""
        issuer, device = self.take(ISSUER_BYTES), self.take(32)
        bearer, hops = self.number(1), self.number(1)
        if bearer not in (ISSUING_BANK, PAYEE) or not 1 <= hops <= HOPS_MAX:
            raise Malformed("offline.certificate", "no device may be certified like this")
        amounts = self.number(8), self.number(8), self.number(8)
        times = self.number(6), self.number(6)
        return Certificate(
            issuer, device, bearer, hops, *amounts, *times, self.take(_SIGNATURE_BYTES)
        )

    def payment(self, payer: bytes, source: bytes) -> Payment:
        """A payment with its signature; payer and source follow from what stands before it."""
        counter, previous = self.number(4), self.take(32)
        spent, amount, at = self.number(8), self.number(8), self.number(6)
        if not counter or not amount or spent + amount >= 1 << 63:
            raise Malformed("offline.payment", "a payment is counted from 1 and pays something")
        if (counter == 1) != (previous == FIRST):
            raise Malformed("offline.previous", "the first payment, and no other, follows none")
        return Payment(
            payer, counter, previous, source, spent, amount, at, self.take(16),
            self.take(_SIGNATURE_BYTES),
        )  # fmt: skip
