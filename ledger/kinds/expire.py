"""expire/1: end what is over by time. Signed by the operator; the writer appends it by itself
before anything is decided at a later time, in order of (due, type, key), so nobody sees an overdue
object.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, decode_segment
from ledger.core.needs import Known, Need
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Ms, Payload, Signer, Transaction
from ledger.errors import Malformed
from ledger.kinds import (
    alias,
    ask,
    consent,
    hold,
    lock,
    mark,
    mark_account,
    permit,
    propose,
    purses,
    recover,
    sweep,
    vat_claim,
    zone_draw,
)
from ledger.kinds.kind import DueKind, Kind, payload_of

_MODULES = (
    permit, zone_draw, propose, recover, ask, hold, consent, alias, lock, sweep, purses, mark,
    mark_account,
    vat_claim,
)  # fmt: skip

DUE: dict[str, DueKind] = {module.DUE.type: module.DUE for module in _MODULES}
"""Types of objects that end by time, and what becomes of them."""


class Expire(Payload, frozen=True, forbid_unknown_fields=True, tag="expire/1"):
    """The object of this `type` and `key` (base64url), which was `due` (ms UTC)."""

    type: Annotated[str, Meta(max_length=16)]
    key: Annotated[str, Meta(max_length=43)]
    due: Ms


def key_of(payload: Expire) -> bytes:
    """The object's key; raises Malformed."""
    try:
        return decode_segment(payload.key.encode())
    except ValueError:
        raise Malformed("id.base64", "write the key as canonical base64url", "key") from None


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, Expire)
    need: Need = ("object", payload.type, key_of(payload))
    yield need
    object_, kind = known.values.get(need), DUE.get(payload.type)
    if object_ is not None and kind is not None:
        yield from kind.needs(object_, known)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Expire)
    kind = DUE.get(payload.type)
    object_ = None if kind is None else known.object(payload.type, key_of(payload))
    if kind is None or object_ is None or object_.due != payload.due or payload.due > at:
        return refused(Code.NOT_DUE, KIND.name, type=payload.type, key=payload.key)
    plan = kind.ended(object_, known, at)
    for after in plan.objects:
        if after.due is not None and after.due <= at:
            raise AssertionError(f"{after.type} {b64(after.key)} is due again at {after.due}")
    return plan


KIND = Kind(Expire, frozenset({Role.OPERATOR}), _plan, _needs, without_pack=True, alone=True)
