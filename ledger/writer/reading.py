"""Reading offers: the bytes a front end passed on, as transactions the engine can decide.

A front end has read the same bytes strictly and checked every signature it knew a key for. What it
could not check (a key registered a moment ago) is checked here, by the same one verifier.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.ids import unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import public_of
from ledger.core.transaction import Transaction
from ledger.errors import BadSignature, Malformed
from ledger.keys import check_public_key, verify
from ledger.kinds import KINDS, read
from ledger.kinds.genesis import GenesisPayload
from ledger.writer.answers import Offer, Unread


def read_offer(offer: Offer) -> Transaction | Unread:
    """The transaction, or why it cannot be read. Keys it would register must be good points."""
    try:
        tx = read(offer.jws, checked=offer.verified)
        check_new_keys(tx)
    except Malformed as error:
        return Unread(error.code, str(error), error.where)
    return tx


def check_new_keys(tx: Transaction) -> None:
    """Refuse keys that must not be registered; raises Malformed ("key.…", "id.…")."""
    for payload in (tx.payload, tx.proposed):
        if payload is not None:
            for public in KINDS[type(payload)].keys(payload):
                check_public_key(unb64(public, 32))


def signature_needs(tx: Transaction) -> Iterator[Need]:
    """What `check_signatures` reads."""
    yield ("object", "key", tx.kid)
    for embedded in tx.embedded:
        yield ("object", embedded.body.signer, embedded.kid)


def check_signatures(tx: Transaction, known: Known) -> None:
    """Verify every signature whose key the ledger knows; raises BadSignature.

    A key that it does not know is no fault of the mathematics: deciding refuses it by name. The
    first key of a ledger stands in the genesis that it signs.
    """
    outer, *inner = tx.envelopes
    key = known.object("key", outer.kid)
    public = None if key is None else public_of(key)
    if isinstance(tx.payload, GenesisPayload):
        public = unb64(tx.payload.central_bank, 32)
    if public is not None and not verify(public, outer.signing_input, outer.signature):
        raise BadSignature("the signature does not fit the transaction and the key of its kid")
    for embedded, signed in zip(tx.embedded, inner, strict=True):
        holder = known.object(embedded.body.signer, embedded.kid)
        if holder is not None and not verify(
            public_of(holder), signed.signing_input, signed.signature
        ):
            raise BadSignature("a signature inside does not fit what a second party signed")
    if not all(verify(*proof) for proof in tx.proofs):
        raise BadSignature("a signature inside does not fit what a device signed offline")
