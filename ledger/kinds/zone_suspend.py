"""zone_suspend/1: stop direct crypto payments in it from this entry on. Tenge is untouched.
Signed by whoever drew the zone.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import Kind, id_of, payload_of
from ledger.kinds.zone_change import supervised_zone


class SuspendZone(Payload, frozen=True, forbid_unknown_fields=True, tag="zone_suspend/1"):
    """The zone must be `active`; it becomes `suspended`."""

    zone: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "zone", id_of(payload_of(tx, SuspendZone).zone))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    zone = supervised_zone(known, payload_of(tx, SuspendZone).zone, signer, KIND.name)
    if zone.status != "active":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=zone.status, expected="active")
    return Plan(objects=(structs.replace(zone, status="suspended"),))


KIND = Kind(SuspendZone, frozenset({Role.SUPERVISOR}), _plan, _needs)
