"""Where the demo exchange's prices come from: its own numbers, or a source that an operator names.

The built-in prices are those of `sandbox_api.rates`: a pure function of asset and sandbox time. A
source is asked over HTTP, for every quote anew: `GET URL?asset=tUSDT` answers
`{"asset": "tUSDT", "rate": "512.3"}`, tenge for one whole unit. A source may hang, die or talk
nonsense: that is `price_source`, an answer for whoever asked for a quote, and nothing else stops.
"""

from __future__ import annotations

import threading
import urllib.request
from queue import Empty, SimpleQueue
from typing import Final, Protocol
from urllib.parse import urlencode

import msgspec

from ledger.core.amount import Rate
from ledger.errors import Malformed
from sandbox_api.rates import PRICES, rate_at

PRICE_S: Final = 2.0
"""How long a source may take for its whole answer."""

SILENCE_S: Final = 30.0
"""How long a question that nobody waits for any more stays open, and counts among `ASKING_MAX`."""

ANSWER_MAX: Final = 4_096
"""Bytes of a source's answer that are read."""

ASKING_MAX: Final = 8
"""Questions to a source at one time; those of a source that hangs are not added to without end."""

OFF_MAX: Final = 10
"""A price so many times above or below the sandbox's own is nonsense."""


class Prices(Protocol):
    """A source of prices. `rate` raises Malformed: "price_source" where it has none now."""

    def rate(self, asset: str, at: int) -> Rate:
        """Tenge for one whole unit of `asset` at the sandbox's time `at` (ms UTC)."""


class BuiltIn:
    """The sandbox's own invented prices, the same on every machine."""

    def rate(self, asset: str, at: int) -> Rate:
        """The price of the slot that `at` lies in."""
        return Rate.parse(rate_at(asset, at))


class _Said(msgspec.Struct, frozen=True):
    """What a source answers."""

    asset: str
    rate: str


_decode = msgspec.json.Decoder(_Said).decode


class HttpPrices:
    """Prices of a source over HTTP. Safe for threads."""

    def __init__(self, url: str, patience_s: float = PRICE_S) -> None:
        self._url: Final = url
        self._patience_s: Final = patience_s
        self._asking: Final = threading.BoundedSemaphore(ASKING_MAX)
        self._opener: Final = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def rate(self, asset: str, at: int) -> Rate:
        """The source's price, asked now. A thread asks, so that an answer which comes byte by byte
        is not waited for either."""
        if not self._asking.acquire(blocking=False):
            raise _no_price("the price source leaves too many questions open")
        answered: SimpleQueue[bytes | Exception] = SimpleQueue()
        threading.Thread(target=self._ask, args=(asset, answered), daemon=True).start()
        try:
            answer = answered.get(timeout=self._patience_s)
        except Empty:
            raise _no_price("the price source does not answer in time") from None
        if isinstance(answer, Exception):
            raise _no_price("the price source cannot be asked") from answer
        return _sensible(asset, answer)

    def _ask(self, asset: str, answered: SimpleQueue[bytes | Exception]) -> None:
        try:
            url = f"{self._url}?{urlencode({'asset': asset})}"
            with self._opener.open(url, timeout=SILENCE_S) as answer:
                answered.put(answer.read(ANSWER_MAX))
        except Exception as error:  # whatever a foreign source makes of the protocol
            answered.put(error)
        finally:
            self._asking.release()


def _sensible(asset: str, answer: bytes) -> Rate:
    """The price in an answer, if it is one."""
    try:
        said = _decode(answer)
        rate = Rate.parse(said.rate)
    except (msgspec.MsgspecError, UnicodeDecodeError, Malformed):
        raise _no_price("the price source answers something that is no price") from None
    own = Rate.parse(PRICES[asset]).e8
    if said.asset != asset or not own <= rate.e8 * OFF_MAX <= own * OFF_MAX**2:
        raise _no_price("the price source answers a price that cannot be")
    return rate


def _no_price(why: str) -> Malformed:
    return Malformed("price_source", why)
