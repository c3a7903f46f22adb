"""pay/1: pay a terminal's signed request (D11). The tender is the request's one in the asset of the
account that pays; the total in tenge is fixed as the payment's value for ever.

A request is payable once: its id is the key of the payment. A reusable request (a printed QR) makes
a payment keyed by each transaction instead. Where the till stands is what zone rules judge.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.payment import Payment
from ledger.core.plan import Plan
from ledger.core.transaction import Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, payload_of
from ledger.kinds.till import (
    AtTill,
    asked,
    asked_needs,
    embeds_request,
    payment_need,
    received,
    request_of,
)


class Pay(AtTill, frozen=True, forbid_unknown_fields=True, tag="pay/1"):
    """A till's request, and the account that pays it."""


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from asked_needs(tx, known, payload_of(tx, Pay).from_)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    found = asked(tx, signer, known, at, payload_of(tx, Pay).from_, KIND.name, "pay")
    till = b64(request_of(tx).kid)
    whole = found.movement
    payee = whole.target
    payment = Payment(0, b64(whole.source.id), b64(payee.id), whole.amount, found.value, till)
    reached = received(tx, known, at, found, signer.id, KIND.name)
    return Plan(
        movements=reached.movements,
        objects=(
            Object("payment", found.payment, payee.owner, "paid", None, payment, (), 0),
            *reached.objects,
        ),
        counts=reached.counts,
        facts=found.facts | reached.facts,
    )


KIND = Kind(Pay, ANYONE, _plan, _needs, fresh=payment_need, embeds=embeds_request, alone=True)
