"""What the HTTP API says of purses. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

import msgspec

from sandbox_api.wire import DigestText, IdText, Index, Jwk, KidText


class PurseBody(msgspec.Struct, frozen=True):
    """A purse: digital tenge on a device. `id` is its account's too; `home` is the wallet that it
    is emptied into, `bank` (a party) certifies it and pays its losses from the account `covers`
    where `bearer` is `issuing_bank` (else `payee`). `device`: the device's public key.
    `balance`: what the ledger sees on it, payments under way included; `loaded`: all that was ever
    loaded; `covered`: what the bank paid for it. It pays until `ends_at`, what it paid comes in
    until `closes_at` (ms UTC; null once it is closed). `status`: `open`, `frozen`, `closed`."""

    id: IdText
    status: str
    owner: IdText
    home: IdText
    bank: IdText
    covers: IdText
    bearer: str
    device: Jwk
    asset: str
    balance: str
    payment_max: str
    purse_max: str
    hops: int
    loaded: str
    covered: str
    ends_at: int
    closes_at: int | None
    written: Index


class PursesBody(msgspec.Struct, frozen=True):
    """A page of purses in order of id; `next` is the next page's `after`, null at the end."""

    purses: tuple[PurseBody, ...]
    next: IdText | None


class PursePaymentBody(msgspec.Struct, frozen=True):
    """A payment made offline, settled: number `counter` of `purse`, to the account `payee`, out of
    `source` (a payment's id; null for what was loaded). `amount` is what it says, `paid` what the
    payee got. `status`: `paid`, `covered` (the bank paid a part or all), `short`."""

    id: DigestText
    status: str
    purse: IdText
    payee: IdText
    counter: int
    previous: DigestText
    source: DigestText | None
    asset: str
    amount: str
    paid: str
    written: Index


class PursePaymentsBody(msgspec.Struct, frozen=True):
    """A page of settled payments in order of id; `next` is the next page's `after`."""

    payments: tuple[PursePaymentBody, ...]
    next: DigestText | None


class SpokenBody(msgspec.Struct, frozen=True):
    """A form of docs/offline.md for a device to keep: `form` in base64url, `text` as a QR code
    holds it. `signer` is the public key that signed it, `kid` its id."""

    form: str
    text: str
    signer: Jwk
    kid: KidText
