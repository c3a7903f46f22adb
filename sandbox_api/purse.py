"""A device with a purse: it pays and is paid with no network (docs/offline.md).

    purse = wallet.open_purse()             # with a network: certified by the demo bank, a notice
    wallet.load_purse(purse, "5000.00")
    codes = purse.pay(other.address("1290.00"), at=now)      # without: one QR code each
    for code in codes:
        other.receive(code, at=now)
    other_wallet.deposit_purse(other)       # later, with a network again

Nothing here speaks to a network or looks at a clock: the time is given. `to_bytes` is the whole
state, the key with it: a secret, and never to be restored from an older copy, or the device will
contradict itself. With `file` it is kept there and written before a payment is shown.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import structs

from ledger.core import offline
from ledger.core.amount import TENGE_SCALE, format_amount, parse_amount
from ledger.core.ids import b64, thumbprint, unb64
from ledger.core.offline import (
    HOPS_MAX,
    LOADED,
    Address,
    Certificate,
    Chain,
    Link,
    Notice,
    Payment,
    from_text,
    purse_id,
    read_address,
    read_certificate,
    read_chain,
    read_notice,
    to_text,
)
from ledger.errors import Malformed
from ledger.keys import SigningKey, verify

AHEAD_MS: Final = 5 * 60_000
"""How far a payer's clock may be ahead of the payee's."""

REACH_MS: Final = 3_600_000
"""How long a payee wants to have at least to bring a payment to the ledger."""


SIGNED_KEPT: Final = 64
"""How many of its payments a device can show again."""


class OfflineRefused(Exception):
    """A device said no. `code` is stable and for programs, the text is for people."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code: Final = code


class Received(msgspec.Struct, frozen=True):
    """A payment that was checked and taken: its id and the payer's purse (as text), the amount,
    over how many hops it came, until when (ms UTC) it must be brought to the ledger."""

    id: str
    payer: str
    amount: str
    hops: int
    before: int


class _Held(msgspec.Struct, frozen=True, array_like=True):
    """A source of money: the chain that it came by (b"" for what was loaded), spent minor units."""

    chain: bytes
    spent: int


class _State(msgspec.Struct, frozen=True):
    """All that a device keeps. `sources`: what was loaded first, then what was received."""

    seed: bytes
    ledger: bytes
    central_bank: bytes
    home: bytes
    certificate: bytes
    notice: bytes
    counter: int
    last: bytes
    sources: tuple[_Held, ...]
    signed: tuple[bytes, ...]
    """Chains that this device ends, newest last: to be shown again, `SIGNED_KEPT` of them."""
    outbox: tuple[bytes, ...]
    """What `empty` signed and nobody said was brought in."""
    seen: dict[str, tuple[int, str]]
    """By id: of every payment received, the number that its payer gave it, and the payer."""


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_State).decode


class Purse:
    """One device. `id`: the purse's, as text. Raises OfflineRefused where it says no."""

    def __init__(self, state: bytes, file: Path | None = None) -> None:
        self._state = _decode(state)
        self._key: Final = SigningKey.from_seed(self._state.seed)
        self._file: Final = file
        self.id: Final = b64(purse_id(self._key.public_key))

    @classmethod
    def make(
        cls, key: SigningKey, *, ledger: str, central_bank: bytes, home: str,
        file: Path | None = None,
    ) -> Purse:  # fmt: skip
        """A device with nothing on it yet. `central_bank`: the public key that it trusts; `home`:
        the wallet that it is emptied into."""
        state = _State(
            key.seed, unb64(ledger, 16), central_bank, unb64(home, 16), b"", b"", 0, offline.FIRST,
            (_Held(b"", 0),), (), (), {},
        )  # fmt: skip
        made = cls(_encode(state), file)
        made._keep(state)
        return made

    @classmethod
    def open(cls, file: Path) -> Purse:
        """The device that is kept in a file."""
        return cls(file.read_bytes(), file)

    def to_bytes(self) -> bytes:
        """The whole state. Secret."""
        return _encode(self._state)

    # With a network, between times ---------------------------------------------------------------

    def take_certificate(self, form: bytes) -> None:
        """Take the bank's newest word on this device."""
        ledger, certificate = read_certificate(form)
        if ledger != self._state.ledger or certificate.device != self._key.public_key:
            raise OfflineRefused("certificate", "this certificate is of another device")
        self._check_bank(certificate, self._notice())
        if self._state.certificate and self._certificate().loaded > certificate.loaded:
            raise OfflineRefused("certificate", "this device has a newer certificate")
        self._keep(structs.replace(self._state, certificate=form))

    def take_notice(self, form: bytes) -> None:
        """Take the central bank's newest notice."""
        notice = read_notice(form)
        if notice.ledger != self._state.ledger or not verify(
            self._state.central_bank, notice.signed(), notice.signature
        ):
            raise OfflineRefused("notice", "this notice is not the central bank's")
        if self._state.notice and self._notice().size > notice.size:
            raise OfflineRefused("notice", "this device has a newer notice")
        self._keep(structs.replace(self._state, notice=form))

    def chains(self) -> list[str]:
        """What was received, for `purse_deposit/1`: chains in base64url."""
        return [b64(source.chain) for source in self._state.sources if source.chain]

    def empty(self, at: int) -> list[str]:
        """Sign everything away into the wallet behind this purse, for `purse_unload/1`: chains in
        base64url. It can be spent no more from here; until `emptied` says so of each, all that
        were signed are given again."""
        for place, source in enumerate(self._state.sources):
            left = self._worth(source) - source.spent
            if left:
                self._spend(place, left, self._state.home, at)
        return [b64(chain) for chain in self._state.outbox]

    def emptied(self, chain: str) -> None:
        """The ledger has this chain of `empty`."""
        left = tuple(one for one in self._state.outbox if b64(one) != chain)
        self._keep(structs.replace(self._state, outbox=left))

    # Without a network ---------------------------------------------------------------------------

    @property
    def balance(self) -> str:
        """What this device has."""
        return format_amount(self._left(), TENGE_SCALE)

    @property
    def size(self) -> int:
        """Of the log that the notice is true of; 0 before the first."""
        return self._notice().size if self._state.notice else 0

    def address(self, amount: str | None = None) -> str:
        """What a payee shows: its own place, and how much it wants (or the payer is to say)."""
        wanted = 0 if amount is None else parse_amount(amount, TENGE_SCALE)
        return to_text(Address(self._state.ledger, unb64(self.id, 16), wanted).to_bytes())

    def pay(self, address: str, amount: str | None = None, *, at: int) -> list[str]:
        """Pay to an address: the texts of QR codes, as a rule one, for the payee to scan them all.

        Money is taken from as few sources as can be; of what was received only what has hops left.
        """
        to = read_address(from_text(address))
        if to.ledger != self._state.ledger:
            raise OfflineRefused("ledger", "this address is of another ledger")
        if to.payee == unb64(self.id, 16):
            raise OfflineRefused("payee", "a purse does not pay itself")
        wanted = to.amount if amount is None else parse_amount(amount, TENGE_SCALE)
        if not wanted or (to.amount and wanted != to.amount):
            raise OfflineRefused("amount", "say how much, and as much as is asked")
        return [
            to_text(self._spend(place, part, to.payee, at))
            for place, part in self._parts(wanted, at)
        ]

    def codes(self) -> list[str]:
        """The payments that this device made last, oldest first, to be shown again."""
        return [to_text(chain) for chain in self._state.signed]

    def receive(self, text: str, *, at: int) -> Received:
        """Check a payment to this purse and take it. Malformed where it cannot be read."""
        chain = read_chain(from_text(text), HOPS_MAX)
        id = b64(chain.ids()[-1])
        if id in self._state.seen:
            raise OfflineRefused("seen", "this payment was taken before")
        before = check_chain(
            chain, self._notice(), ledger=self._state.ledger,
            central_bank=self._state.central_bank, payee=unb64(self.id, 16), at=at,
        )  # fmt: skip
        last, payer = chain.last, b64(chain.links[-1].certificate.purse)
        self._check_history(chain)
        if self._left() + last.amount > self._certificate().purse_max:
            raise OfflineRefused("purse_max", "this purse may not hold so much")
        kept = _Held(chain.to_bytes(), 0)
        self._keep(
            structs.replace(
                self._state,
                sources=(*self._state.sources, kept),
                seen=self._state.seen | {id: (last.counter, payer)},
            )
        )
        amount = format_amount(last.amount, TENGE_SCALE)
        return Received(id, payer, amount, len(chain.links), before)

    def _check_history(self, chain: Chain) -> None:
        """Refuse what contradicts a payment of the same device that is here already."""
        own = (link.payment for link in chain.links if link.payment.payer == self._key.public_key)
        if any(payment.counter > self._state.counter for payment in own):
            raise OfflineRefused("older_copy", "this device was restored from an older copy")
        for source in self._state.sources:
            if not source.chain:
                continue
            for link in read_chain(source.chain).links:
                for new in chain.links:
                    if offline.contradiction(link.payment, new.payment, chain.ledger):
                        raise OfflineRefused("contradiction", "a payer spends the same money twice")

    def _parts(self, wanted: int, at: int) -> list[tuple[int, int]]:
        """Sources by place, and how much of each, at most `payment_max` a payment."""
        certificate = self._certificate()
        if at >= certificate.ends_at:
            raise OfflineRefused("ends_at", "the time of this purse is over")
        left = {
            place: self._worth(source) - source.spent
            for place, source in enumerate(self._state.sources)
            if self._hops(source) < certificate.hops
        }
        enough = [place for place, there in left.items() if there >= wanted]
        order = enough[:1] or sorted(left, key=lambda place: (-left[place], place))
        parts: list[tuple[int, int]] = []
        for place in order:
            there = left[place]
            while wanted and there:
                part = min(wanted, there, certificate.payment_max)
                parts.append((place, part))
                wanted, there = wanted - part, there - part
        if wanted:
            raise OfflineRefused("funds", "this purse cannot pay so much offline")
        return parts

    def _spend(self, place: int, amount: int, payee: bytes, at: int) -> bytes:
        """Sign a payment out of a source; the chain. The state is kept before anyone sees it."""
        state, source = self._state, self._state.sources[place]
        before = read_chain(source.chain).links if source.chain else ()
        parent = before[-1].payment.id(state.ledger) if before else LOADED
        bare = Payment(
            self._key.public_key, state.counter + 1, state.last, parent, source.spent, amount, at,
            payee,
        )  # fmt: skip
        payment = structs.replace(bare, signature=self._key.sign(bare.signed(state.ledger)))
        chain = Chain(state.ledger, (*before, Link(self._certificate(), payment)))
        form, sources = chain.to_bytes(), list(state.sources)
        sources[place] = structs.replace(source, spent=source.spent + amount)
        home = payee == state.home
        after = structs.replace(
            state, counter=payment.counter, last=payment.id(state.ledger), sources=tuple(sources),
            signed=state.signed if home else (*state.signed, form)[-SIGNED_KEPT:],
            outbox=(*state.outbox, form) if home else state.outbox,
        )  # fmt: skip
        self._keep(after)
        return form

    def _left(self) -> int:
        return sum(self._worth(source) - source.spent for source in self._state.sources)

    def _worth(self, source: _Held) -> int:
        """What there was on a source, minor units."""
        if source.chain:
            return read_chain(source.chain).last.amount
        return self._certificate().loaded if self._state.certificate else 0

    def _hops(self, source: _Held) -> int:
        return len(read_chain(source.chain).links) if source.chain else 0

    def _certificate(self) -> Certificate:
        if not self._state.certificate:
            raise OfflineRefused("certificate", "this device has no certificate yet")
        return read_certificate(self._state.certificate)[1]

    def _notice(self) -> Notice:
        if not self._state.notice:
            raise OfflineRefused("notice", "this device has no notice yet")
        return read_notice(self._state.notice)

    def _check_bank(self, certificate: Certificate, notice: Notice) -> None:
        if not is_certified(certificate, self._state.ledger, notice):
            raise OfflineRefused("certificate", "no bank of the notice certified this device")

    def _keep(self, state: _State) -> None:
        """The new state, on the disk first where there is a file."""
        if self._file is not None:
            beside = self._file.with_suffix(".new")
            with open(beside, "wb", opener=_private) as out:
                out.write(_encode(state))
                out.flush()
                os.fsync(out.fileno())
            beside.replace(self._file)
        self._state = state


def check_chain(
    chain: Chain, notice: Notice, *, ledger: bytes, central_bank: bytes, payee: bytes, at: int
) -> int:
    """What any payee checks with no network, a till without a purse too; raises OfflineRefused.

    Returns until when (ms UTC) the payment must be brought to the ledger. Ids are bytes.
    """
    if chain.ledger != ledger or notice.ledger != ledger:
        raise OfflineRefused("ledger", "this payment is of another ledger")
    if chain.last.payee != payee:
        raise OfflineRefused("payee", "this payment is to somebody else")
    if not verify(central_bank, notice.signed(), notice.signature):
        raise OfflineRefused("notice", "this notice is not the central bank's")
    if at >= notice.until:
        raise OfflineRefused("notice", "the notice on this device is too old")
    worth = chain.links[0].certificate.loaded
    payments: list[Payment] = []
    for hop, link in enumerate(chain.links, 1):
        _check_link(link, hop, notice, ledger, at)
        one = link.payment
        if one.spent + one.amount > worth:
            raise OfflineRefused("source", "a payer spends more than there was")
        if any(offline.contradiction(one, other, ledger) for other in payments):
            raise OfflineRefused("contradiction", "a payer spends the same money twice")
        payments.append(one)
        worth = one.amount
    before = min(link.certificate.closes_at for link in chain.links)
    if at + REACH_MS > before:
        raise OfflineRefused("closes_at", "there is no time left to bring this payment in")
    return before


def _check_link(link: Link, hop: int, notice: Notice, ledger: bytes, at: int) -> None:
    certificate, payment = link.certificate, link.payment
    if not is_certified(certificate, ledger, notice):
        raise OfflineRefused("certificate", "no bank of the notice certified a payer")
    if certificate.purse in notice.frozen:
        raise OfflineRefused("frozen", "a payer's purse is frozen")
    if not verify(certificate.device, payment.signed(ledger), payment.signature):
        raise OfflineRefused("signature", "a payer's signature is not good")
    if hop > certificate.hops:
        raise OfflineRefused("hops", "this money has passed through too many devices")
    if payment.amount > certificate.payment_max:
        raise OfflineRefused("payment_max", "a payment is above its payer's limit")
    if payment.at >= certificate.ends_at:
        raise OfflineRefused("ends_at", "the time of a payer's purse was over")
    if payment.at > at + AHEAD_MS:
        raise OfflineRefused("at", "a payment is from the future")


def is_certified(certificate: Certificate, ledger: bytes, notice: Notice) -> bool:
    """Whether a bank of the notice signed this certificate."""
    message = certificate.signed(ledger)
    return any(
        thumbprint(bank)[: offline.ISSUER_BYTES] == certificate.issuer
        and verify(bank, message, certificate.signature)
        for bank in notice.banks
    )


def _private(path: str, flags: int) -> int:
    """Opens a file that nobody else may read."""
    return os.open(path, flags, 0o600)


__all__ = ["Malformed", "OfflineRefused", "Purse", "Received", "check_chain", "is_certified"]
