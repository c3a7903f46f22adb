"""What the demo exchange signs: quotes for whoever asks, at a price and with a spread of its own.

A quote holds for `QUOTE_MS` on the sandbox's clock and is taken once; signing it writes nothing and
reserves nothing. The exchange never rounds against itself: the taker pays rounded up and gets
rounded down, by less than one minor unit of each asset and a tiyn between.
"""

from __future__ import annotations

import secrets
from typing import Final

import msgspec

from ledger.core.amount import (
    AMOUNT_LIMIT,
    RATE_DIGITS,
    TENGE_SCALE,
    Rate,
    format_amount,
    parse_amount,
)
from ledger.core.envelope import seal
from ledger.core.ids import b64
from ledger.core.quote import Quote, Side
from ledger.errors import Malformed
from ledger.keys import SigningKey
from sandbox_api.custody_protocol import Wanted
from sandbox_api.personas import World
from sandbox_api.prices import Prices
from sandbox_api.world import ASSETS, TENGE

QUOTE_MS: Final = 60_000
"""How long a quote holds."""

SPREAD_E4: Final = 50
"""The exchange sells for so many ten-thousandths more than its price, and buys for as much less."""

_encode = msgspec.json.Encoder().encode


class DemoExchange:
    """The exchange's pen. `key`: the exchange's own key."""

    def __init__(self, world: World, key: SigningKey, prices: Prices) -> None:
        self._ledger: Final = world.ledger
        self._exchange: Final = world.persona("exchange")
        self._key: Final = key
        self._prices: Final = prices

    def quote(self, wanted: Wanted, at: int) -> str:
        """A signed quote for what is wanted, at the sandbox's time `at` (ms UTC).

        Raises Malformed: "quote.pair", "amount.…", "price_source".
        """
        sell, buy = self._amounts(wanted, at)
        quote = Quote(
            ledger=self._ledger,
            nonce=b64(secrets.token_bytes(16)),
            not_after=at + QUOTE_MS,
            gives=self._side(wanted.buy, buy),
            gets=self._side(wanted.sell, sell),
            taker=wanted.taker,
        )
        return seal(_encode(quote), kid=self._key.kid, typ=Quote.typ, sign=self._key.sign)

    def _side(self, asset: str, amount: int) -> Side:
        account = self._exchange.account(asset)
        return Side(account, asset, format_amount(amount, ASSETS[asset][1]))

    def _amounts(self, wanted: Wanted, at: int) -> tuple[int, int]:
        """Minor units that the taker sells and buys."""
        if wanted.sell == wanted.buy or not {wanted.sell, wanted.buy} <= ASSETS.keys():
            known = ", ".join(ASSETS)
            raise Malformed("quote.pair", f"name two different assets out of {known}")
        bid, ask = self._bid(wanted.sell, at), self._ask(wanted.buy, at)
        sell_unit, buy_unit = _unit(wanted.sell), _unit(wanted.buy)
        if wanted.buy_amount is None:
            if wanted.sell_amount is None:
                raise Malformed("quote.amount", "say what is sold, or what is bought")
            sell = parse_amount(wanted.sell_amount, ASSETS[wanted.sell][1])
            return sell, _amount(sell * bid // sell_unit * buy_unit // ask)
        if wanted.sell_amount is not None:
            raise Malformed("quote.amount", "say one amount: the price makes the other")
        buy = parse_amount(wanted.buy_amount, ASSETS[wanted.buy][1])
        tiyn = -(-buy * ask // buy_unit)
        return _amount(-(-tiyn * sell_unit // bid)), buy

    def _bid(self, asset: str, at: int) -> int:
        """What the exchange pays for a whole unit, in 1e-8 tenge."""
        return self._rate(asset, at) * (10_000 - self._spread(asset)) // 10_000

    def _ask(self, asset: str, at: int) -> int:
        """What it takes for a whole unit."""
        return -(-self._rate(asset, at) * (10_000 + self._spread(asset)) // 10_000)

    def _rate(self, asset: str, at: int) -> int:
        return Rate.parse("1").e8 if asset == TENGE else self._prices.rate(asset, at).e8

    def _spread(self, asset: str) -> int:
        return 0 if asset == TENGE else SPREAD_E4


def _unit(asset: str) -> int:
    """Minor units times a rate in 1e-8 tenge, over this, are tiyn."""
    unit: int = 10 ** (ASSETS[asset][1] + RATE_DIGITS - TENGE_SCALE)
    return unit


def _amount(units: int) -> int:
    if units == 0:
        raise Malformed("amount.zero", "this is too little to be changed")
    if units >= AMOUNT_LIMIT:
        raise Malformed("amount.range", "the other side would be no amount any more")
    return units
