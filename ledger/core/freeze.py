"""Frozen accounts, and what was seized: what the ledger remembers beside the accounts themselves.

A freeze names an order by a reference alone; the order itself is a document beside the log (D15).
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

FROZEN = "frozen"
"""Status of an account that pays nobody until it is unfrozen, and of the freeze on it."""


class Policy(StrEnum):
    """What becomes of money that arrives for a frozen account: it is credited there, where it stays
    with the rest, or it waits on a `held` account beside it."""

    ACCEPT = "accept"
    HOLD = "hold"


class Freeze(msgspec.Struct, frozen=True):
    """Body of an object of type `freeze`; its key is the account's id, its owner who froze it.

    `order`: reference of the order. `policy` is the pack's as of the freeze, and stays. `held`: id
    (base64url) of the account on which money for this one waits or once waited, None where there
    was never any need of one. Status: `frozen` or `lifted`.
    """

    order: str
    policy: Policy
    held: str | None


class Reserve(msgspec.Struct, frozen=True):
    """Body of an object of type `reserve`, owned by the central bank; its key is the asset's code.

    `account`: id (base64url) of the account on which what is seized of the asset stands.
    """

    account: str
