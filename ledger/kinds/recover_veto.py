"""recover_veto/1: stop a recovery. Any key in use of its owner signs: whoever still has a phone was
not lost. The bank that started it may take it back the same way.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.plan import Plan
from ledger.core.recovery import Recovery
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of
from ledger.kinds.recover import after_recovery, pending_key, recovery_needs


class Veto(Payload, frozen=True, forbid_unknown_fields=True, tag="recover_veto/1"):
    """`recovery`: its id."""

    recovery: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    need: Need = ("object", "recovery", id_of(payload_of(tx, Veto).recovery))
    yield need
    found = known.values.get(need)
    if found is not None:
        yield from recovery_needs(found)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    id = payload_of(tx, Veto).recovery
    found = known.object("recovery", id_of(id))
    if found is None:
        return refused(Code.RECOVERY_UNKNOWN, KIND.name, recovery=id)
    body = body_of(found, Recovery)
    if signer.id != found.owner and body.registrar != b64(signer.id):
        return refused(Code.RECOVERY_UNKNOWN, KIND.name, recovery=id)
    if found.status != "open":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=found.status)
    refused_key = structs.replace(pending_key(known, body), status="revoked")
    return Plan(objects=(after_recovery(found, "vetoed"), refused_key), facts={"recovery": id})


KIND = Kind(Veto, ANYONE, _plan, _needs)
