"""What the API answers about frozen accounts and the reserve of what was seized."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta


class FreezeBody(msgspec.Struct, frozen=True):
    """The freeze on an account, since the entry `index`. `held`: the account on which money for it
    waits where `policy` is `hold`, else null."""

    order: Annotated[str, Meta(description="Reference of the order.")]
    policy: Annotated[str, Meta(description="What becomes of incoming money: accept or hold.")]
    held: str | None
    by: Annotated[str, Meta(description="The party that froze it.")]
    index: int


class SeizedBody(msgspec.Struct, frozen=True):
    """What the reserve holds of an asset, on its account."""

    asset: str
    account: str
    amount: str


class ReserveBody(msgspec.Struct, frozen=True):
    """The reserve in a log of `size` entries: one holding for each asset ever seized by now."""

    size: int
    holdings: tuple[SeizedBody, ...]
