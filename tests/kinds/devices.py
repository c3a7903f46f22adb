"""Devices for tests of the ledger: they sign what they are told to, honest or not.

The certificates in their chains are empty: the ledger reads no word of a bank. What an honest
device does, and what a payee checks, is tried with `sandbox_api.client.Purse`.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from ledger.core import offline
from ledger.core.ids import b64, unb64
from ledger.core.offline import Certificate, Chain, Link, Payment
from tests.builders import World, key_of


class Device:
    """The named one's device. `counter` and `last` follow what it signed, unless told otherwise."""

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.key = key_of(f"{name} device")
        self.id = offline.purse_id(self.key.public_key)
        self.text = b64(self.id)
        self.counter, self.last = 0, offline.FIRST
        self.spent: dict[bytes, int] = {}

    @property
    def public(self) -> str:
        return b64(self.key.public_key)

    def pay(self, payee: str, amount: int, source: Chain | None = None, **other: Any) -> Chain:
        """A payment to the account `payee` (text) out of what was loaded, or of what `source`
        brought; members may be given otherwise. An honest device's state goes on with it."""
        ledger = unb64(self.world.signing.ledger, 16)
        parent = offline.LOADED if source is None else source.last.id(ledger)
        members: dict[str, Any] = {
            "payer": self.key.public_key, "counter": self.counter + 1, "previous": self.last,
            "source": parent, "spent": self.spent.get(parent, 0), "amount": amount,
            "at": self.world.signing.now(), "payee": unb64(payee, 16),
        }  # fmt: skip
        bare = Payment(**members | other)
        payment = replace(bare, signature=self.key.sign(bare.signed(ledger)))
        if not other:
            self.counter, self.last = payment.counter, payment.id(ledger)
            self.spent[parent] = payment.spent + amount
        before = () if source is None else source.links
        return Chain(ledger, (*before, Link(blank(self.key.public_key), payment)))

    def again(self, payee: str, amount: int, source: Chain | None = None, **other: Any) -> Chain:
        """A payment as if the last one out of this source had never been made."""
        ledger = unb64(self.world.signing.ledger, 16)
        parent = offline.LOADED if source is None else source.last.id(ledger)
        kept = self.counter, self.last, dict(self.spent)
        self.spent[parent] = 0
        try:
            return self.pay(payee, amount, source, **other)
        finally:
            self.counter, self.last, self.spent = kept


def blank(device: bytes) -> Certificate:
    """A certificate that nobody signed."""
    return Certificate(bytes(8), device, offline.PAYEE, 3, 0, 0, 0, 0, 0, bytes(64))


def text_of(chain: Chain) -> str:
    """A chain as a transaction carries it."""
    return b64(chain.to_bytes())
