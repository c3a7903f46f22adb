"""Signed traffic, made before any clock runs: transfers between payers, payments at shops' tills.

The same stage, seed and time give the same bytes. `not_after` is spread as in life, evenly from
minutes to a day ahead: an index that only works for ids in order of time would show here.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final, Literal, NamedTuple

import msgspec

from ledger.core.amount import Rate, amount_for, format_amount, parse_amount
from ledger.core.envelope import seal
from ledger.core.ids import b64
from ledger.core.transaction import NOT_AFTER_AHEAD_MAX_MS, Request, Tender
from ledger.kinds.pay import Pay
from ledger.kinds.transfer import Transfer
from sandbox_api.bench.stage import Holder, Stage, key_from, till_seed
from sandbox_api.world import ASSETS, TENGE

Kind = Literal["transfer", "pay"]
"""What is measured: a plain transfer of tenge, or a payment in test crypto inside the zone."""

ASSET_OF: Final[dict[Kind, str]] = {"transfer": TENGE, "pay": "tUSDT"}

SIGNATURES: Final[dict[Kind, int]] = {"transfer": 1, "pay": 2}
"""Signatures that one transaction carries."""

TOTAL_MIN: Final = 50_00
TOTAL_MAX: Final = 450_00
"""Tiyn in one payment: a thousand payers may make a million under the pack's cap on a day."""

Spread = Literal["life", "day"]
"""How far ahead `not_after` lies. `life`: seven of ten clients sign for ten minutes, as our wallets
do, two for an hour, one for anything up to a day, and no clock is quite right. `day`: evenly from
ten minutes to a day, so that every id falls on another page of its index."""

MINUTE_MS: Final = 60_000
CLOCK_ERROR_MS: Final = 30_000
AHEAD_MIN_MS: Final = 10 * MINUTE_MS
AHEAD_HOUR_MS: Final = 60 * MINUTE_MS
AHEAD_MAX_MS: Final = NOT_AFTER_AHEAD_MAX_MS - MINUTE_MS

_encode = msgspec.json.Encoder().encode


class Lot(NamedTuple):
    """What one signing process makes: `many` transactions of `kind` (transfer, pay, mixed, or a
    versioned name of `mixed_traffic.SHARES`), to the first shop alone where `hot`; `number` tells
    lots of one run apart; `now` is the sandbox's time, ms UTC."""

    kind: str
    many: int
    hot: bool
    number: int
    now: int
    spread: Spread = "life"


def transfers(stage: Stage, lot: Lot, chance: random.Random) -> Iterator[bytes]:
    """`lot.many` transfers of tenge between payers, or from them to the hot shop."""
    payers, hot = stage.payers, stage.shops[0]
    for _ in range(lot.many):
        payer, other = chance.sample(payers, 2)
        payload = Transfer(
            ledger=stage.ledger,
            nonce=b64(chance.randbytes(16)),
            not_after=not_after(lot, chance),
            from_=payer.account,
            to=hot.account if lot.hot else other.account,
            amount=format_amount(chance.randint(TOTAL_MIN, TOTAL_MAX), 2),
        )
        yield seal_line(payer.seed, _encode(payload), "tenge-tx")


def payment(stage: Stage, lot: Lot, chance: random.Random) -> bytes:
    """One payment at a shop's till in the stage's asset."""
    payer = chance.choice(stage.payers)
    shop = stage.shops[0] if lot.hot else chance.choice(stage.shops)
    payload = Pay(
        ledger=stage.ledger,
        nonce=b64(chance.randbytes(16)),
        not_after=not_after(lot, chance),
        from_=payer.account,
        request=_request(stage, shop, lot, chance).decode(),
    )
    return seal_line(payer.seed, _encode(payload), "tenge-tx")


def _request(stage: Stage, shop: Holder, lot: Lot, chance: random.Random) -> bytes:
    """A till's request for one payment in the stage's asset."""
    rate = Rate.parse(stage.rate_text)
    total = format_amount(chance.randint(TOTAL_MIN, TOTAL_MAX), 2)
    scale = ASSETS[stage.asset][1]
    amount = format_amount(amount_for(parse_amount(total, 2), scale, rate), scale)
    payload = Request(
        ledger=stage.ledger,
        nonce=b64(chance.randbytes(16)),
        not_after=not_after(lot, chance),
        total=total,
        reference=f"A-{chance.randrange(10_000)}",
        reusable=False,
        tenders=(Tender(stage.asset, shop.account, amount, stage.rate),),
    )
    return seal_line(till_seed(shop), _encode(payload), "tenge-request")


def not_after(lot: Lot, chance: random.Random) -> int:
    """When a transaction of this lot becomes void, ms UTC."""
    of_ten = chance.randrange(10) if lot.spread == "life" else 9
    if of_ten == 9:
        return lot.now + chance.randint(AHEAD_MIN_MS, AHEAD_MAX_MS)
    ahead = AHEAD_MIN_MS if of_ten < 7 else AHEAD_HOUR_MS
    return lot.now + ahead + chance.randint(-CLOCK_ERROR_MS, CLOCK_ERROR_MS)


def seal_line(seed: bytes, payload: bytes, typ: str) -> bytes:
    """The envelope of a payload, signed with the key of a seed."""
    key = key_from(seed)
    return seal(payload, kid=key.kid, typ=typ, sign=key.sign).encode()
