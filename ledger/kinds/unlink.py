"""unlink/1: a bank ends the link of its client's wallet, and with it the wallet's daily sweep."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import Kind, id_of, payload_of, require


class Unlink(Payload, frozen=True, forbid_unknown_fields=True, tag="unlink/1"):
    """`wallet`: the linked wallet's id."""

    wallet: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    wallet = id_of(payload_of(tx, Unlink).wallet)
    yield ("object", "link", wallet)
    yield ("object", "sweep", wallet)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    text = payload_of(tx, Unlink).wallet
    wallet = id_of(text)
    link = require(known.object("link", wallet), Code.LINK_UNKNOWN, KIND.name, wallet=text)
    if link.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="wallet")
    if link.status != "active":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=link.status)
    objects = [structs.replace(link, status="unlinked", lookups=())]
    sweep = known.object("sweep", wallet)
    if sweep is not None and sweep.status == "on":
        objects.append(structs.replace(sweep, status="off", due=None))
    return Plan(objects=tuple(objects))


KIND = Kind(Unlink, frozenset({Role.BANK}), _plan, _needs)
