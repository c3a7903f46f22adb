"""The demo exchange's rates: invented numbers that move a little, the same on every machine.

A rate follows from the asset and the sandbox's time alone: a fixed price and a deviation of at most
2 % that changes every `SLOT_MS`. It is nobody's market price. The transaction that puts it follows
from them too, so putting it twice within its slot leaves one entry.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Final

from ledger.core.amount import Rate
from ledger.keys import SigningKey
from ledger.kinds.rate import PutRate
from sandbox_api.sealed import Sealed, sealed

SLOT_MS: Final = 6 * 3_600_000
"""How long one rate stands: well within the day after which the pack calls it stale."""

PRICES: Final = {"tUSDT": "512", "tBTC": "48500000", "tETH": "1790000"}
"""Tenge for one whole unit, before the deviation."""

_DEVIATION_E4 = 200


def rate_at(asset: str, at: int) -> str:
    """Tenge for one whole unit of `asset` at the sandbox's time `at` (ms UTC), in its wire form."""
    digest = sha256(f"{asset}:{at // SLOT_MS}".encode()).digest()
    by_e4 = int.from_bytes(digest[:4], "big") % (2 * _DEVIATION_E4 + 1) - _DEVIATION_E4
    return str(Rate(Rate.parse(PRICES[asset]).e8 * (10_000 + by_e4) // 10_000))


def put_rate(exchange: SigningKey, ledger: str, asset: str, at: int) -> Sealed:
    """The transaction that puts the rate of the slot that `at` lies in."""
    slot = at // SLOT_MS
    return sealed(
        exchange,
        PutRate,
        ledger=ledger,
        nonce=sha256(f"rate:{asset}:{slot}".encode()).digest()[:16],
        not_after=(slot + 2) * SLOT_MS,
        asset=asset,
        rate=rate_at(asset, at),
    )
