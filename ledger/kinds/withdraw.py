"""withdraw/1: take a proposal back. Any key of the party that made it signs."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.approve import own_proposal
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of
from ledger.kinds.propose import closed


class Withdraw(Payload, frozen=True, forbid_unknown_fields=True, tag="withdraw/1"):
    """`proposal`: its id."""

    proposal: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "proposal", id_of(payload_of(tx, Withdraw).proposal))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Withdraw)
    proposal = own_proposal(known, payload.proposal, signer, KIND.name)
    return Plan(objects=(closed(proposal, "withdrawn"),), facts={"proposal": payload.proposal})


KIND = Kind(Withdraw, ANYONE, _plan, _needs, alone=True)
