"""purse_deposit/1: bring payments made offline to the ledger, whoever has them, in any order.

Each payment is settled once for ever, whatever chain brings it. One that contradicts what its
device said before, or overspends its source, is settled as a loss and freezes the purse: the entry
that proves it is accepted.
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
from ledger.kinds.kind import ANYONE, Kind, payload_of
from ledger.kinds.purses import ChainText, chain_needs, check_ledger, is_unload, short_chain
from ledger.kinds.settling import settle


class DepositPayments(Payload, frozen=True, forbid_unknown_fields=True, tag="purse_deposit/1"):
    """`chain`: payments with those that their money came by, as a payer showed them."""

    chain: ChainText


def _chain(tx: Payload) -> Chain:
    if not isinstance(tx, DepositPayments):
        raise AssertionError(f"purse_deposit/1 was asked to read {tx!r}")
    return short_chain(tx.chain, HOPS_MAX)


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from chain_needs(known, _chain(tx.payload))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    chain = _chain(payload_of(tx, DepositPayments))
    check_ledger(chain, tx.payload, KIND.name, "chain")
    settling = settle(chain, known, KIND.name)
    last = settling.chain.last
    payer = settling.purses[settling.chain.links[-1].certificate.purse]
    if is_unload(last, body_of(payer, Purse)):
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="payee")
    return Plan(movements=tuple(settling.movements), objects=settling.objects, facts=settling.facts)


def _proofs(payload: Payload) -> tuple[Proof, ...]:
    return _chain(payload).proofs()


KIND = Kind(DepositPayments, ANYONE, _plan, _needs, proofs=_proofs, alone=True)
