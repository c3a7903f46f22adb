"""sweep/1: a merchant's wallet is emptied to its linked deposit every local midnight. The merchant
or its bank switches it on and off; the sweep itself is an `expire/1` entry.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core.counters import next_midnight
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.link import Sweep
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.conversion import active_link, client_account, link_needs, link_of, route_of
from ledger.kinds.kind import (
    DueKind,
    Kind,
    account_needs,
    id_of,
    named_account,
    party_of,
    payload_of,
)


class SwitchSweep(Payload, frozen=True, forbid_unknown_fields=True, tag="sweep/1"):
    """`wallet`: a merchant's linked wallet; `on`: whether it is swept from the next midnight on."""

    wallet: Id
    on: bool


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    wallet = id_of(payload_of(tx, SwitchSweep).wallet)
    yield from account_needs(known, wallet)
    yield ("object", "link", wallet)
    yield ("object", "sweep", wallet)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, SwitchSweep)
    wallet = client_account(known, id_of(payload.wallet), signer, KIND.name, "wallet")
    if party_of(known, wallet.owner, KIND.name).role != Role.MERCHANT:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="wallet")
    active_link(known, wallet.id, KIND.name)
    before = known.object("sweep", wallet.id)
    if (before is not None and before.status == "on") == payload.on:
        return refused(Code.STATUS_CONFLICT, KIND.name, status="on" if payload.on else "off")
    status, due = ("on", next_midnight(at)) if payload.on else ("off", None)
    body = Sweep(b64(signer.id))
    return Plan(objects=(Object("sweep", wallet.id, wallet.owner, status, due, body, (), 0),))


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The whole balance goes to the deposit, and the sweep is due again at the next midnight. Where
    an account is not open, or nothing lies there, it waits for another night."""
    wallet = named_account(known, object_.key)
    link = link_of(known.object("link", wallet.id))
    if link is None:
        return Plan(objects=(structs.replace(object_, status="off", due=None),))
    again = (structs.replace(object_, due=next_midnight(at)),)
    route = route_of(known, wallet, link)
    if route is None or not wallet.balance or not route.can_issue(known, wallet.balance):
        return Plan(objects=again)
    return Plan(movements=route.to_deposit(known, wallet.balance, "sweep"), objects=again)


def _due_needs(object_: Object, known: Known) -> Iterator[Need]:
    yield from account_needs(known, object_.key)
    wallet = known.values.get(("account", object_.key))
    if wallet is not None:
        yield from link_needs(known, wallet)


DUE = DueKind("sweep", _ended, _due_needs)
KIND = Kind(SwitchSweep, frozenset({Role.BANK, Role.MERCHANT}), _plan, _needs)
