"""purse_fraud/1: two payments of one device that contradict each other, shown by whoever has them.

The purse is frozen before the second of them is brought in. It moves no money: what is lost is
known when the payments are deposited.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.offline import HOPS_MAX, Chain, contradiction
from ledger.core.plan import Plan
from ledger.core.purse import Purse
from ledger.core.transaction import Payload, Proof, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, payload_of, require
from ledger.kinds.purses import ChainText, check_ledger, frozen, short_chain


class ShowFraud(Payload, frozen=True, forbid_unknown_fields=True, tag="purse_fraud/1"):
    """Two chains; the last payments of both are the device's own that contradict each other."""

    one: ChainText
    other: ChainText


def _chains(payload: Payload) -> tuple[Chain, Chain]:
    if not isinstance(payload, ShowFraud):
        raise AssertionError(f"purse_fraud/1 was asked to read {payload!r}")
    one, other = (short_chain(t, HOPS_MAX + 1) for t in (payload.one, payload.other))
    return one, other


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "purse", _chains(tx.payload)[0].links[-1].certificate.purse)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    one, other = _chains(payload_of(tx, ShowFraud))
    check_ledger(one, tx.payload, KIND.name, "one")
    check_ledger(other, tx.payload, KIND.name, "other")
    key = one.links[-1].certificate.purse
    purse = require(known.object("purse", key), Code.PURSE_UNKNOWN, KIND.name, purse=b64(key))
    if body_of(purse, Purse).device != b64(one.last.payer):
        return refused(Code.PURSE_UNKNOWN, KIND.name, purse=b64(key))
    if not contradiction(one.last, other.last, one.ledger):
        return refused(Code.NO_CONTRADICTION, KIND.name)
    if purse.status != "open":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=purse.status)
    return Plan(
        objects=(frozen(purse),),
        facts={
            "fraud": b64(key),
            "payment": b64(one.ids()[-1]),
            "against": b64(other.ids()[-1]),
        },
    )


def _proofs(payload: Payload) -> tuple[Proof, ...]:
    one, other = _chains(payload)
    return (*one.proofs(), *other.proofs())


KIND = Kind(ShowFraud, ANYONE, _plan, _needs, proofs=_proofs, alone=True)
