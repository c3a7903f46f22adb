"""Traffic of many kinds in one stream: payments, transfers, holds and their captures, splits, locks
and their releases, in the shares of a working day.

All of it moves the stage's crypto asset. What follows on something (a capture on its hold) comes
later in the same block of lines, so it may be sent in one batch, over any connection.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Final, NamedTuple

import msgspec

from ledger.core.amount import format_amount
from ledger.core.envelope import open_envelope
from ledger.core.ids import TransactionId, b64, derive_key
from ledger.core.transaction import Payload
from ledger.kinds.capture import Capture
from ledger.kinds.hold import PutOnHold
from ledger.kinds.lock import LockMoney, TwoParty
from ledger.kinds.release import Release
from ledger.kinds.split import Share, Split
from ledger.kinds.transfer import Transfer
from sandbox_api.bench.stage import Holder, Stage
from sandbox_api.bench.traffic import Lot, not_after, payment, seal_line
from sandbox_api.world import ASSETS

BLOCK: Final = 200
"""Lines in a block: what depends on each other stands in one."""

SHARES: Final = {"pay/1": 120, "transfer/1": 40, "hold/1": 10, "capture/1": 10, "split/1": 10,
                 "lock/1": 5, "release/1": 5}  # fmt: skip
"""Lines of each kind in a block: 60 % pay, 20 % transfer, 10 % hold and capture, 5 % split, 5 %
lock and release."""

SIGNATURES_A_BLOCK: Final = sum(SHARES.values()) + SHARES["pay/1"]
"""A payment carries two."""

FOLLOWS: Final = {"capture/1": "hold/1", "release/1": "lock/1"}
PAYEES: Final = 3
"""Payees of a split."""

LASTS_MS: Final = 3_600_000
"""How long holds and locks last where nobody ends them."""

_encode = msgspec.json.Encoder().encode


class Line(NamedTuple):
    """One signed transaction and its kind."""

    kind: str
    jws: bytes


def mixed(stage: Stage, lot: Lot, chance: random.Random) -> Iterator[bytes]:
    """`lot.many` lines in whole blocks."""
    for _ in range(lot.many // BLOCK):
        yield from (line.jws for line in _block(stage, lot, chance))


def one_kind(stage: Stage, lot: Lot, chance: random.Random) -> Iterator[bytes]:
    """`lot.many` lines of one kind; before them as many of the kind that they follow on, if any."""
    first = FOLLOWS.get(lot.kind, lot.kind)
    made = [_first(first, stage, lot, chance) for _ in range(lot.many)]
    yield from (line.jws for line, _ in made)
    if first != lot.kind:
        yield from (follow.jws for _, follow in made if follow is not None)


def _block(stage: Stage, lot: Lot, chance: random.Random) -> list[Line]:
    """One block: in random order, but what follows on something comes after it."""
    lines: list[Line] = []
    later: list[tuple[Line, Line]] = []
    for kind, many in SHARES.items():
        if kind in FOLLOWS:
            continue
        for _ in range(many):
            line, follow = _first(kind, stage, lot, chance)
            lines.append(line)
            if follow is not None:
                later.append((line, follow))
    chance.shuffle(lines)
    for line, follow in later:
        after = lines.index(line) + 1
        lines.insert(chance.randint(after, len(lines)), follow)
    return lines


def _first(kind: str, stage: Stage, lot: Lot, chance: random.Random) -> tuple[Line, Line | None]:
    """A line of a kind that needs nothing before it, and the line that follows on it, if any."""
    if kind == "pay/1":
        return Line(kind, payment(stage, lot, chance)), None
    payer, payee = chance.sample(stage.payers, 2)
    units = chance.randint(100, 900)
    scale = ASSETS[stage.asset][1]
    amount = format_amount(units, scale)
    shared = _Shared(stage, lot, chance)
    if kind == "transfer/1":
        return shared.line(
            payer, Transfer, from_=payer.account, to=payee.account, amount=amount
        ), None
    if kind == "split/1":
        payees = chance.sample([one for one in stage.payers if one is not payer], PAYEES)
        shares = tuple(Share(one.account, amount) for one in payees)
        whole = format_amount(units * PAYEES, scale)
        return shared.line(payer, Split, from_=payer.account, amount=whole, shares=shares), None
    until = {"from_": payer.account, "to": payee.account, "amount": amount,
             "ends_at": lot.now + LASTS_MS}  # fmt: skip
    if kind == "hold/1":
        held = shared.line(payer, PutOnHold, **until)
        id = shared.id_of(held, "hold")
        return held, shared.line(payee, Capture, hold=id, amount=amount, last=True)
    locked = shared.line(payer, LockMoney, condition=TwoParty(), **until)
    return locked, shared.line(payer, Release, lock=shared.id_of(locked, "lock"), preimage=None)


class _Shared(NamedTuple):
    """What every line of a lot is made with."""

    stage: Stage
    lot: Lot
    chance: random.Random

    def line(self, signer: Holder, payload: type[Payload], **members: object) -> Line:
        """A signed transaction."""
        made = payload(
            ledger=self.stage.ledger,
            nonce=b64(self.chance.randbytes(16)),
            not_after=not_after(self.lot, self.chance),
            **members,
        )
        kind = str(payload.__struct_config__.tag)
        return Line(kind, seal_line(signer.seed, _encode(made), "tenge-tx"))

    @staticmethod
    def id_of(line: Line, label: str) -> str:
        """Id of what this transaction makes under `label`."""
        envelope = open_envelope(line.jws, typ="tenge-tx")
        until = msgspec.json.decode(envelope.payload)["not_after"]
        return b64(derive_key(TransactionId(until, envelope.digest), label))
