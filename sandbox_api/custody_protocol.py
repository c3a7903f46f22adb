"""What a front end asks of custody: transactions signed as the demo bank, for a key that joins;
quotes signed as the demo exchange.

Custody holds their keys and signs; it writes nothing. The front end hands what it signed to the
ledger through the same door as everyone else and reads there what became of it (D1, D12). Whether a
key is known already is the front end's to look up first. `token` is the caller's API key: custody
checks it against the sandbox's own store by itself, so that a front end alone cannot sign.
`at` is the sandbox's time, ms UTC, from which `not_after` is counted.
"""

from __future__ import annotations

from typing import Protocol

import msgspec


class JoinedAccount(msgspec.Struct, frozen=True, array_like=True):
    """An account that the transactions open: its derived id (16 bytes) and its asset's code."""

    id: bytes
    asset: str


class Onboarding(msgspec.Struct, frozen=True, array_like=True):
    """A client of the demo bank: registered, with wallets and play money.

    `transactions` are compact JWS, to be submitted in this order in one go. `party` (16 bytes) and
    `accounts` are derived from them, so they are known before the ledger has seen anything.
    """

    transactions: tuple[bytes, ...]
    party: bytes
    accounts: tuple[JoinedAccount, ...]


class Enrolment(msgspec.Struct, frozen=True, array_like=True):
    """A device certified as a till: the transactions, and the till's merchant (16 bytes)."""

    transactions: tuple[bytes, ...]
    merchant: bytes


class Wanted(msgspec.Struct, frozen=True, array_like=True):
    """A price that is asked for: `sell` and `buy` are assets as the taker sees them, one of the two
    amounts is given (decimal text). `taker`: the party (base64url) that alone may take it, or None.
    """

    sell: str
    buy: str
    sell_amount: str | None
    buy_amount: str | None
    taker: str | None


class Custody(Protocol):
    """The custody process, or custody in this process. Raises errors.DoorShut where it is away,
    errors.Malformed("till.unknown") for a till that no persona has, ("auth.…") for a bad token."""

    def onboard(self, token: str, public_key: bytes, at: int) -> Onboarding:
        """Sign what registers this Ed25519 public key (32 bytes) as a person of the demo bank."""

    def open_purse(self, token: str, public_key: bytes, home: bytes, at: int) -> tuple[bytes, ...]:
        """Sign what makes the device with this key a purse that is emptied into this wallet (16
        bytes): transactions, to be submitted in order."""

    def certificate(self, token: str, purse: bytes) -> bytes:
        """The demo bank's certificate of a purse (16 bytes); Malformed ("purse.…") for one that
        it does not certify."""

    def notice(self, token: str, at: int) -> bytes:
        """The demo central bank's notice to devices."""

    def enrol_till(self, token: str, public_key: bytes, till: str, at: int) -> Enrolment:
        """Sign what certifies this key as the till of that short name (`market`, `cafe`)."""

    def quote(self, token: str, wanted: Wanted, at: int) -> str:
        """Sign a quote of the demo exchange; its JWS. Raises errors.Malformed ("quote.…",
        "amount.…", "price_source" where its prices are not to be had)."""
