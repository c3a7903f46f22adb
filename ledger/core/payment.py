"""Rates, and what the ledger remembers of a payment so that it can be refunded.

A rate is a licensed source's signed value of one whole unit of an asset in tenge.
"""

from __future__ import annotations

import msgspec


class Rate(msgspec.Struct, frozen=True):
    """Body of an object of type `rate`. `rate`: tenge for one whole unit, a decimal string with up
    to 8 fraction digits. `at`: ms UTC of the entry that brought it. Status: `current`, `past`."""

    asset: str
    rate: str
    at: int


class Payment(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `payment`, owned by the merchant; `paid` or `refunded`. Where
    a till's request is held instead: `held` until something is captured, `void` if nothing was.

    `index`: the entry that paid, once a refund has taken the object's `written`; 0 before.
    Its key is the payment request's id (or derived from the transaction where the request is
    reusable), so a request is payable once. `value` in tiyn was fixed when it was paid and is what
    caps, VAT, refunds and reports use ever after. `terminal` is the kid of the till. Of an ask that
    was paid, the key is the ask's, `terminal` "", and `value` 0 where the asset is not tenge: no
    rate fixed it. `refunded` is in minor units of the asset paid, `refunded_tenge` in tiyn; their
    shares never exceed 1.
    """

    index: int
    payer: str
    payee: str
    amount: int
    value: int
    terminal: str
    refunded: int = 0
    refunded_tenge: int = 0
