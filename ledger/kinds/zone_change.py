"""zone_change/1: new terms for a zone, whole, from this entry on. Signed by whoever drew it."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import Kind, id_of, payload_of, require
from ledger.kinds.zone_draw import ZoneTerms, zone_object


class ChangeZone(Payload, frozen=True, forbid_unknown_fields=True, tag="zone_change/1"):
    """`terms` replace the zone's own; its status stays."""

    zone: Id
    terms: ZoneTerms


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, ChangeZone)
    yield ("object", "zone", id_of(payload.zone))
    for code in payload.terms.assets:
        yield ("object", "asset", code.encode())


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, ChangeZone)
    zone = supervised_zone(known, payload.zone, signer, KIND.name)
    if zone.status == "ended":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=zone.status)
    changed = zone_object(payload.terms, zone.key, zone.owner, zone.status, known, at, KIND.name)
    return changed if isinstance(changed, Refused) else Plan(objects=(changed,))


def supervised_zone(known: Known, text: str, signer: Signer, kind: str) -> Object:
    """The zone, which the signer drew; ZONE_UNKNOWN or NO_AUTHORITY otherwise."""
    zone = require(known.object("zone", id_of(text)), Code.ZONE_UNKNOWN, kind, zone=text)
    return require(zone if zone.owner == signer.id else None, Code.NO_AUTHORITY, kind)


KIND = Kind(ChangeZone, frozenset({Role.SUPERVISOR}), _plan, _needs, large=True)
