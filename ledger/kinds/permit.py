"""permit/1: leave for a merchant to take crypto in a zone, between two dates. Signed by the zone's
supervisor. When its time is over, an `expire` entry ends it.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Ms, Payload, Signer, Transaction
from ledger.core.zone import Permit
from ledger.kinds.kind import DueKind, Kind, id_of, party_need, party_of, payload_of
from ledger.kinds.zone_change import supervised_zone


class GrantPermit(Payload, frozen=True, forbid_unknown_fields=True, tag="permit/1"):
    """Valid from `valid_from` up to, not including, `valid_until` (ms UTC)."""

    merchant: Id
    zone: Id
    valid_from: Ms
    valid_until: Ms


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, GrantPermit)
    yield party_need(payload.merchant)
    yield ("object", "zone", id_of(payload.zone))
    yield ("object", "permit", derive_key(tx.id, "permit"))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, GrantPermit)
    zone = supervised_zone(known, payload.zone, signer, KIND.name)
    merchant = id_of(payload.merchant)
    if party_of(known, merchant, KIND.name).role != Role.MERCHANT:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="merchant")
    if payload.valid_until <= max(payload.valid_from, at):
        return refused(Code.DATES_CONFLICT, KIND.name, member="valid_until")
    id = derive_key(tx.id, "permit")
    if known.object("permit", id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    body = Permit(payload.zone, payload.valid_from, payload.valid_until)
    return Plan(
        objects=(
            Object(
                "permit", id, merchant, "active", payload.valid_until, body,
                (("merchant", merchant + zone.key),), 0,
            ),
        )
    )  # fmt: skip


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The permit after its time. It stays findable, so a refusal can say that it ran out."""
    return Plan(objects=(structs.replace(object_, status="expired", due=None),))


DUE = DueKind("permit", _ended)


KIND = Kind(GrantPermit, frozenset({Role.SUPERVISOR}), _plan, _needs)
