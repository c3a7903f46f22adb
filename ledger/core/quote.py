"""Quotes: an exchange's price or a seller's offer, signed beforehand by whoever is bound by it.

A quote is an embedded statement (`core.transaction.Statement`): good once, until its `not_after` on
the sandbox's clock. The ledger knows of it from the moment it is used, and not before.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

from ledger.core.transaction import AmountText, Id, Statement


class Side(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One side of a quote: `amount` of `asset`, from or to an account of whoever signed it."""

    account: Id
    asset: str
    amount: AmountText


class Quote(Statement, frozen=True, forbid_unknown_fields=True, tag="quote/1"):
    """What its signer gives for what it gets (typ `tenge-quote`), embedded by `exchange/1`,
    `convert_pay/1` and `deliver/1`. `taker`: the one party that may take it, or None for anyone."""

    typ: ClassVar[str] = "tenge-quote"

    gives: Side
    gets: Side
    taker: Id | None = None


class UsedQuote(msgspec.Struct, frozen=True):
    """Body of an object of type `quote`; its key is the quote's id, its owner who signed the quote.
    `taker`: the party (base64url) that took it. Status: `used`; its `written` is the entry."""

    taker: str
