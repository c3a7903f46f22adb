"""clock/1: move or freeze the sandbox's time (D9). Signed by the operator, whose key the server
holds.

Time only moves forward: a clock that would show less than now is refused. "Back" is a revert.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.objects import Clock, Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Payload, Signer, Transaction
from ledger.kinds.kind import Kind, payload_of

TIME_LIMIT = 1 << 47
"""No clock is set to this (the year 6429) or later: what is signed then must fit in 48 bits."""


class SetClock(Payload, frozen=True, forbid_unknown_fields=True, tag="clock/1"):
    """`offset` ms are added to the database's clock; `frozen_at` (ms UTC), if set, is the time."""

    offset: Annotated[int, Meta(ge=0, lt=1 << 43)]
    frozen_at: Annotated[int, Meta(gt=0, lt=TIME_LIMIT)] | None


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "clock", b"")


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, SetClock)
    clock = known.body("clock", b"", Clock)
    if clock is None:
        raise AssertionError("a ledger without a clock object")
    if payload.frozen_at is not None and payload.frozen_at < at:
        return refused(Code.CLOCK_BACKWARDS, KIND.name, frozen_at=payload.frozen_at, at=at)
    if payload.frozen_at is None and clock.frozen_at is None and payload.offset < clock.offset:
        return refused(Code.CLOCK_BACKWARDS, KIND.name, offset=payload.offset)
    body = Clock(payload.offset, payload.frozen_at)
    return Plan(objects=(Object("clock", b"", signer.id, "active", None, body, (), 0),))


KIND = Kind(SetClock, frozenset({Role.OPERATOR}), _plan, _needs, without_pack=True, alone=True)
