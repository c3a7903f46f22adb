"""Who takes part in a measurement: a thousand payers and a hundred shops in the testing zone.

They are made as any program makes them, by transactions of the sandbox's own institutions: the bank
registers, opens accounts and gives money, the supervisor permits. Keys follow from a seed and a
number, so that signing processes need only those. Nothing here sends anything.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final

import msgspec

from ledger.core.geometry import DEGREE, Point
from ledger.core.ids import b64
from ledger.core.party import Role
from ledger.core.transaction import NOT_AFTER_AHEAD_MAX_MS, Payload
from ledger.keys import SigningKey
from ledger.kinds.account import OpenAccount
from ledger.kinds.party import RegisterParty
from ledger.kinds.permit import GrantPermit
from ledger.kinds.terminal import RegisterTerminal
from ledger.kinds.transfer import Transfer
from sandbox_api.sealed import Sealed, sealed

PAYERS: Final = 1_000
"""Accounts that pay; transfers go between them."""

SHOPS: Final = 100
"""Merchants with a permit and a till in the zone; the first one is the hot one."""

FUNDS: Final = {"KZTD": "1000000.00", "tUSDT": "5000.000000"}
"""What a payer begins with: enough for a million payments of `traffic.TOTAL_MAX`."""

PERMIT_MS: Final = 30 * 86_400_000

PLACE: Final[Point] = (77_1100 * (DEGREE // 10_000), 43_6700 * (DEGREE // 10_000))
"""Where the café's till stands, inside the zone (`sandbox_api.world`); shops stand around it."""


class Holder(msgspec.Struct, frozen=True):
    """A party with one key and one account: the key's seed (32 bytes), the account's id (22)."""

    seed: bytes
    account: str


class Stage(msgspec.Struct, frozen=True):
    """Everyone and everything that traffic on one ledger names. `rate` is the id of the rate in
    force for the asset, `rate_text` tenge for one unit of it; both are empty for tenge."""

    ledger: str
    asset: str
    payers: tuple[Holder, ...]
    shops: tuple[Holder, ...]
    rate: str = ""
    rate_text: str = ""


class Institutions(msgspec.Struct, frozen=True):
    """What the stage needs of the little world: keys by persona, the bank's account in the asset,
    the zone's id."""

    key_of: Callable[[str], SigningKey]
    stock: str
    zone: str


def key_from(seed: bytes) -> SigningKey:
    """The key of a seed, kept: a process signs with the same thousand again and again."""
    return _kept(seed)


_kept = lru_cache(maxsize=4 * (PAYERS + SHOPS))(SigningKey.from_seed)


class Builder:
    """Makes the stage's transactions for one ledger and asset; `now` is the sandbox's time."""

    def __init__(
        self,
        ledger: str,
        asset: str,
        institutions: Institutions,
        now: int,
        *,
        payers: int = PAYERS,
        shops: int = SHOPS,
    ) -> None:
        self._ledger: Final = ledger
        self._asset: Final = asset
        self._from: Final = institutions
        self._now: Final = now
        self._random: Final = random.Random(f"stage {ledger}")  # noqa: S311 - play
        self._counts: Final = (payers, shops)
        self._payers: list[Holder] = []
        self._shops: list[Holder] = []

    def transactions(self) -> Iterator[bytes]:
        """Everything to submit, in this order."""
        payers, shops = self._counts
        for number in range(payers):
            yield from self._payer(f"payer {number}")
        for number in range(shops):
            yield from self._shop(f"shop {number}", number)

    def stage(self, rate: str = "", rate_text: str = "") -> Stage:
        """The stage, once all `transactions` were taken."""
        return Stage(
            self._ledger, self._asset, tuple(self._payers), tuple(self._shops), rate, rate_text
        )

    def _payer(self, name: str) -> Iterator[bytes]:
        holder, lines = self._client(name, Role.PERSON, 2)
        yield from lines
        yield self._sign(
            "bank", Transfer, from_=self._from.stock, to=holder.account, amount=FUNDS[self._asset]
        ).jws
        self._payers.append(holder)

    def _shop(self, name: str, number: int) -> Iterator[bytes]:
        holder, lines = self._client(name, Role.MERCHANT, 3)
        yield from lines
        party = self._last_party
        yield self._sign(
            "supervisor", GrantPermit, merchant=party, zone=self._from.zone,
            valid_from=self._now, valid_until=self._now + PERMIT_MS,
        ).jws  # fmt: skip
        place = (PLACE[0] + number * (DEGREE // 100_000), PLACE[1])
        public = b64(key_from(till_seed(holder)).public_key)
        yield self._sign("bank", RegisterTerminal, merchant=party, key=public, place=place).jws
        self._shops.append(holder)

    def _client(self, name: str, role: Role, tier: int) -> tuple[Holder, list[bytes]]:
        seed = sha256(f"{self._ledger} {name}".encode()).digest()
        public = b64(key_from(seed).public_key)
        registered = self._sign("bank", RegisterParty, role=role, tier=tier, key=public)
        self._last_party = registered.creates_id("party")
        opened = self._sign("bank", OpenAccount, owner=self._last_party, asset=self._asset)
        return Holder(seed, opened.creates_id("account")), [registered.jws, opened.jws]

    def _sign(self, by: str, kind: type[Payload], **members: Any) -> Sealed:
        return sealed(
            self._from.key_of(by), kind, ledger=self._ledger, nonce=self._random.randbytes(16),
            not_after=self._now + NOT_AFTER_AHEAD_MAX_MS // 2, **members,
        )  # fmt: skip


def till_seed(shop: Holder) -> bytes:
    """The seed of a shop's till."""
    return sha256(shop.seed + b"till").digest()
