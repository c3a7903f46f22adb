"""Signing a lot: which traffic it is made of. Signing processes import this module."""

from __future__ import annotations

import random

from sandbox_api.bench import mixed_traffic, traffic
from sandbox_api.bench.stage import Stage
from sandbox_api.bench.traffic import Lot


def signed(stage: Stage, lot: Lot) -> list[bytes]:
    """The transactions of a lot, each a compact JWS: the same again for the same lot."""
    chance = random.Random(f"{stage.ledger} {lot.number}")  # noqa: S311 - play
    if lot.kind == "transfer":
        return list(traffic.transfers(stage, lot, chance))
    if lot.kind == "pay":
        return [traffic.payment(stage, lot, chance) for _ in range(lot.many)]
    make = mixed_traffic.mixed if lot.kind == "mixed" else mixed_traffic.one_kind
    return list(make(stage, lot, chance))
