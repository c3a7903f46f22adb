"""permit_revoke/1: take a permit back, from this entry on. Signed by the zone's supervisor."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.core.zone import Permit
from ledger.kinds.kind import Kind, id_of, payload_of, require
from ledger.kinds.zone_change import supervised_zone


class RevokePermit(Payload, frozen=True, forbid_unknown_fields=True, tag="permit_revoke/1"):
    """The permit must be active."""

    permit: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    need: Need = ("object", "permit", id_of(payload_of(tx, RevokePermit).permit))
    yield need
    permit = known.values.get(need)
    if permit is not None:
        yield ("object", "zone", id_of(permit.body.zone))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    text = payload_of(tx, RevokePermit).permit
    permit = require(
        known.object("permit", id_of(text)), Code.PERMIT_UNKNOWN, KIND.name, permit=text
    )
    supervised_zone(known, body_of(permit, Permit).zone, signer, KIND.name)
    if permit.status != "active":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=permit.status)
    return Plan(objects=(structs.replace(permit, status="revoked", due=None),))


KIND = Kind(RevokePermit, frozenset({Role.SUPERVISOR}), _plan, _needs)
