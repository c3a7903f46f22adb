"""What the HTTP API says of links and limits. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

import msgspec

from sandbox_api.wire import IdText


class LinkBody(msgspec.Struct, frozen=True):
    """A wallet of digital tenge and the deposit that its bank linked it to. `settlement` is the
    bank's own tenge wallet, `asset` the deposit's code. `reverse`: payments may take from the
    deposit what the wallet lacks. `status`: `active` or `unlinked`. `sweep_at` (ms UTC): when the
    wallet is next emptied to the deposit, or null. `written`: the entry that changed it last."""

    wallet: IdText
    deposit: IdText
    settlement: IdText
    bank: IdText
    asset: str
    reverse: bool
    status: str
    sweep_at: int | None
    written: int


class LinksBody(msgspec.Struct, frozen=True):
    """Links of a party's wallets, in order of the wallets' opening; ended ones too."""

    links: tuple[LinkBody, ...]


class HoldingBody(msgspec.Struct, frozen=True):
    """How much digital tenge a wallet may hold. `limit` and `left` are null where the rules in
    force set none; `left` is what it still takes before the waterfall or a refusal."""

    account: IdText
    balance: str
    limit: str | None
    left: str | None
