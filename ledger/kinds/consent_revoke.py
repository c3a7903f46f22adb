"""consent_revoke/1: end a consent at once. The person who gave it signs, or the service itself.

Whatever the service sends from this entry on is refused, also what it signed before: the order in
the log decides, nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.consent import active_consent
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of


class RevokeConsent(Payload, frozen=True, forbid_unknown_fields=True, tag="consent_revoke/1"):
    """`consent`: its id."""

    consent: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "consent", id_of(payload_of(tx, RevokeConsent).consent))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, RevokeConsent)
    consent = active_consent(known, payload.consent, signer, KIND.name, owner=True)
    after = structs.replace(consent, status="revoked", due=None)
    return Plan(objects=(after,), facts={"consent": payload.consent})


KIND = Kind(RevokeConsent, ANYONE, _plan, _needs)
