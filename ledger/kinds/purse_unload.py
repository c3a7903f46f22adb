"""purse_unload/1: the owner empties a purse, or a part of it, into the wallet behind it.

The device signs that too, as a payment to that wallet: what it has signed away it cannot pay with
any more. What it received is emptied with the chain that it came by, which is settled on the way.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.offline import HOPS_MAX, Chain
from ledger.core.plan import Plan
from ledger.core.purse import Purse
from ledger.core.transaction import Payload, Proof, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, payload_of, require
from ledger.kinds.purses import ChainText, chain_needs, check_ledger, is_unload, short_chain
from ledger.kinds.settling import settle


class UnloadPurse(Payload, frozen=True, forbid_unknown_fields=True, tag="purse_unload/1"):
    """`chain`: its last payment is the device's to its own wallet, and may be one hop more."""

    chain: ChainText


def _chain(payload: Payload) -> Chain:
    if not isinstance(payload, UnloadPurse):
        raise AssertionError(f"purse_unload/1 was asked to read {payload!r}")
    return short_chain(payload.chain, HOPS_MAX + 1)


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from chain_needs(known, _chain(tx.payload))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    chain = _chain(payload_of(tx, UnloadPurse))
    check_ledger(chain, tx.payload, KIND.name, "chain")
    key = chain.links[-1].certificate.purse
    purse = known.object("purse", key)
    if purse is not None and purse.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="chain")
    purse = require(purse, Code.PURSE_UNKNOWN, KIND.name)
    if not is_unload(chain.last, body_of(purse, Purse)):
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="payee")
    if purse.status != "open":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=purse.status)
    settling = settle(chain, known, KIND.name)
    return Plan(movements=tuple(settling.movements), objects=settling.objects, facts=settling.facts)


def _proofs(payload: Payload) -> tuple[Proof, ...]:
    return _chain(payload).proofs()


KIND = Kind(UnloadPurse, ANYONE, _plan, _needs, proofs=_proofs, alone=True)
