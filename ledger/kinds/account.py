"""account/1: open an account. Two tiers: only whoever registered the owner opens accounts for it, a
bank for its clients, the central bank for institutions.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.account import AccountKind
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.party import Role
from ledger.core.plan import Opening, Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.asset import AssetCode
from ledger.kinds.kind import Kind, asset_of, id_of, party_need, party_of, payload_of


class OpenAccount(Payload, frozen=True, forbid_unknown_fields=True, tag="account/1"):
    """A wallet of `owner` in `asset`; its id is derived from this transaction, label "account"."""

    owner: Id
    asset: AssetCode


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, OpenAccount)
    yield party_need(payload.owner)
    yield ("object", "asset", payload.asset.encode())
    yield ("account", derive_key(tx.id, "account"))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, OpenAccount)
    owner = id_of(payload.owner)
    party = party_of(known, owner, KIND.name)
    if party.registrar != b64(signer.id):
        return refused(Code.NO_AUTHORITY, KIND.name, member="owner")
    asset_of(known, payload.asset, KIND.name)
    id = derive_key(tx.id, "account")
    if known.account(id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    return Plan(openings=(Opening(id, owner, payload.asset, AccountKind.WALLET),))


KIND = Kind(OpenAccount, frozenset({Role.CENTRAL_BANK, Role.BANK}), _plan, _needs)
