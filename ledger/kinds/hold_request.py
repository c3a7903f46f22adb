"""hold_request/1: hold what a till's signed request asks for, instead of paying it at once.

The same checks and rules as for `pay/1`, at the till's place and now; the request is spent with it.
The payment that captures make is put here already, as `held`, so that nobody else can pay.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core import counters
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Refused
from ledger.core.hold import Hold
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.payment import Payment
from ledger.core.plan import Movement, Plan
from ledger.core.transaction import Ms, Signer, Transaction
from ledger.kinds.hold import held, hold_need
from ledger.kinds.kind import ANYONE, Kind, payload_of
from ledger.kinds.till import (
    AtTill,
    asked,
    asked_needs,
    check_no_vat,
    embeds_request,
    payment_need,
    request_of,
)
from ledger.rules.rule import deciding_zone


class HoldRequest(AtTill, frozen=True, forbid_unknown_fields=True, tag="hold_request/1"):
    """What is not captured of the request by then goes back at `ends_at` (ms UTC)."""

    ends_at: Ms


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield hold_need(tx)
    yield from asked_needs(tx, known, payload_of(tx, HoldRequest).from_)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, HoldRequest)
    check_no_vat(tx, KIND.name)
    found = asked(tx, signer, known, at, payload.from_, KIND.name, "hold")
    to_payee, till = found.movement, b64(request_of(tx).kid)
    payer, payee = b64(to_payee.source.id), b64(to_payee.target.id)
    day, zone = _counted(to_payee, known, at)
    body = Hold(payer, payee, to_payee.amount, 0, found.value, b64(found.payment), day, zone)
    plan = held(tx, known, at, payload.ends_at, to_payee, body, KIND.name)
    payment = Object("payment", found.payment, to_payee.target.owner, "held", None,
                     Payment(0, payer, payee, 0, 0, till), (), 0)  # fmt: skip
    return msgspec.structs.replace(
        plan, objects=(*plan.objects, payment), facts={**plan.facts, **found.facts}
    )


def _counted(movement: Movement, known: Known, at: int) -> tuple[int | None, str | None]:
    """For which local day and which zone the movement counts as a direct payment in crypto
    (`ledger.decide.settle`)."""
    if movement.place is None or movement.asset.class_ in TENGE_CLASSES:
        return None, None
    zone = deciding_zone(movement.place.point, known, at)
    return counters.local_day(at), None if zone is None else b64(zone.key)


KIND = Kind(
    HoldRequest, ANYONE, _plan, _needs, fresh=payment_need, embeds=embeds_request, alone=True
)
