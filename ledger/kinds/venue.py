"""venue/1: license an exchange as a venue for some assets; suspend, resume, revoke the licence.

The licence counts when a quote is used, not when it was signed: of a venue that is suspended no
quote can be used. Signed by a supervisor; another one has no say over the licence.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ledger.core.asset import CRYPTO_CLASSES
from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.core.venue import Venue, VenueStatus
from ledger.errors import Malformed
from ledger.kinds.asset import AssetCode
from ledger.kinds.kind import Kind, asset_of, id_of, party_need, party_of, payload_of


class LicenseVenue(Payload, frozen=True, forbid_unknown_fields=True, tag="venue/1"):
    """The licence of `venue` (a party) as it is from this entry on, whole."""

    venue: Id
    assets: Annotated[tuple[AssetCode, ...], Meta(min_length=1, max_length=64)]
    status: VenueStatus


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, LicenseVenue)
    yield party_need(payload.venue)
    yield ("object", "venue", id_of(payload.venue))
    for code in payload.assets:
        yield ("object", "asset", code.encode())


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, LicenseVenue)
    if len(set(payload.assets)) != len(payload.assets):
        raise Malformed("venue.assets", "name each asset once", "assets")
    id = id_of(payload.venue)
    before = known.object("venue", id)
    if before is not None and before.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="venue")
    if party_of(known, id, KIND.name).role != Role.EXCHANGE:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="venue")
    for code in payload.assets:
        if asset_of(known, code, KIND.name).class_ not in CRYPTO_CLASSES:
            return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=code)
    if before is None and payload.status is not VenueStatus.ACTIVE:
        return refused(Code.VENUE_UNKNOWN, KIND.name, venue=payload.venue)
    if before is not None and before.status == VenueStatus.REVOKED:
        return refused(Code.STATUS_CONFLICT, KIND.name, status=before.status)
    body = Venue(payload.assets)
    lookups = (("all", b""),)
    return Plan(
        objects=(Object("venue", id, signer.id, payload.status.value, None, body, lookups, 0),)
    )


KIND = Kind(LicenseVenue, frozenset({Role.SUPERVISOR}), _plan, _needs)
