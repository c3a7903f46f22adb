"""link/1: a bank links its client's wallet of digital tenge to the client's deposit account. From
then on what comes in above the holding limit goes on to the deposit, and where the bank allows it a
payment takes from the deposit what the wallet lacks (`ledger.waterfall`).
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.link import Link
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.conversion import client_account, link_of, route_between, route_needs
from ledger.kinds.kind import Kind, id_of, open_account, payload_of


class LinkAccounts(Payload, frozen=True, forbid_unknown_fields=True, tag="link/1"):
    """`wallet` and `deposit`: the client's accounts. `settlement`: the bank's own tenge wallet.
    `reverse`: whether payments may take from the deposit what the wallet lacks."""

    wallet: Id
    deposit: Id
    settlement: Id
    reverse: bool


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    return route_needs(known, payload_of(tx, LinkAccounts))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, LinkAccounts)
    wallet = client_account(known, id_of(payload.wallet), signer, KIND.name, "wallet")
    if wallet.owner == signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="wallet")
    deposit = open_account(known, id_of(payload.deposit), KIND.name, "deposit")
    route, asset = route_between(known, wallet, deposit, payload.settlement, KIND.name)
    if asset.issuer != b64(signer.id):
        return refused(Code.NOT_ISSUER, KIND.name, asset=asset.code)
    if link_of(known.object("link", wallet.id)) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name, member="wallet")
    body = Link(
        payload.deposit, payload.settlement, b64(route.issue.id), asset.code, payload.reverse
    )
    lookups = (("deposit", deposit.id),)
    return Plan(
        objects=(Object("link", wallet.id, signer.id, "active", None, body, lookups, 0),),
    )


KIND = Kind(LinkAccounts, frozenset({Role.BANK}), _plan, _needs)
