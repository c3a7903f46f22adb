"""What the HTTP API says of locks. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

import msgspec

from sandbox_api.wire import DigestText, IdText, Index


class LockBody(msgspec.Struct, frozen=True):
    """Money locked by the account `payer` for the account `payee`. Its `id` is the account's that
    holds it, too; `amount` is what was locked. `condition`: `two_party`, `three_party` (then
    `arbiter` is a party) or `hash` (then `hash` is a SHA-256, and `preimage` what was shown for it
    once it is released). `status`: `locked`, `released`, `cancelled` or `expired`; at `ends_at` (ms
    UTC) it has ended. `written`: the entry that changed it last."""

    id: IdText
    status: str
    payer: IdText
    payee: IdText
    asset: str
    amount: str
    ends_at: int
    condition: str
    arbiter: IdText | None
    hash: DigestText | None
    preimage: str | None
    written: Index


class LocksBody(msgspec.Struct, frozen=True):
    """A page of locks in order of id; `next` is the next page's `after`, null at the end."""

    locks: tuple[LockBody, ...]
    next: IdText | None
