"""void/1: the payee lets go of what is left on a hold; it goes back to the payer at once.

The payer cannot: a hold is a promise to the payee until it ends.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.hold import given_back, hold_needs, payees_hold
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of


class Void(Payload, frozen=True, forbid_unknown_fields=True, tag="void/1"):
    """`hold`: its id."""

    hold: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from hold_needs(known, id_of(payload_of(tx, Void).hold))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    object_ = payees_hold(known, payload_of(tx, Void).hold, signer, at, KIND.name)
    return given_back(object_, known, 0, "void")


KIND = Kind(Void, ANYONE, _plan, _needs)
