"""purse_deposit/1: bring payments made offline to the ledger, whoever has them, in any order.

Each payment is settled once for ever, whatever chain brings it. One that contradicts what its
device said before, or overspends its source, is settled as a loss and freezes the purse: the entry
that proves it is accepted.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.offline import HOPS_MAX, Chain, chain_of
from ledger.core.plan import Plan
from ledger.core.transaction import Payload, Proof, Signer, Transaction
from ledger.errors import Malformed
from ledger.kinds.kind import ANYONE, Kind, payload_of
from ledger.kinds.purses import chain_needs, is_unload, purse_of, settle

ChainText = Annotated[str, Meta(min_length=1, max_length=2_048)]
"""A chain as base64url."""


class DepositPayments(Payload, frozen=True, forbid_unknown_fields=True, tag="purse_deposit/1"):
    """`chain`: payments with those that their money came by, as a payer showed them."""

    chain: ChainText


def own_chain(payload: Payload, text: str, links_max: int) -> Chain:
    """The chain, of this ledger and no longer than this; raises Malformed."""
    chain = chain_of(text)
    if len(chain.links) > links_max:
        raise Malformed("offline.hops", f"a chain here has 1 to {links_max} links", "chain")
    if b64(chain.ledger) != payload.ledger:
        raise Malformed("offline.ledger", "the chain is of another ledger", "chain")
    return chain


def _chain(tx: Payload) -> Chain:
    if not isinstance(tx, DepositPayments):
        raise AssertionError(f"purse_deposit/1 was asked to read {tx!r}")
    return own_chain(tx, tx.chain, HOPS_MAX)


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield from chain_needs(known, _chain(tx.payload))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    settling = settle(_chain(payload_of(tx, DepositPayments)), known, KIND.name)
    last = settling.chain.last
    payer = settling.purses[settling.chain.links[-1].certificate.purse]
    if is_unload(last, purse_of(payer)):
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="payee")
    return settling.plan()


def _proofs(payload: Payload) -> tuple[Proof, ...]:
    return _chain(payload).proofs()


KIND = Kind(DepositPayments, ANYONE, _plan, _needs, proofs=_proofs, alone=True)
