"""seize/1: take crypto into the central bank's digital-asset reserve. Supply stays as it is.

Each asset's reserve account is opened by its first seizure; an object of type `reserve` under the
asset's code names it. What is seized pays nobody, so no zone has a say in it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.account import Account, AccountKind
from ledger.core.amount import parse_amount
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Code, Refused, refused
from ledger.core.freeze import Reserve
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Genesis, Object
from ledger.core.party import Role
from ledger.core.plan import Opening, Plan
from ledger.core.transaction import AmountText, Id, Label, Payload, Signer, Transaction
from ledger.kinds.forced_debit import debtors_account
from ledger.kinds.kind import (
    Kind,
    account_needs,
    asset_of,
    id_of,
    movement_between,
    party_need,
    payload_of,
)


class Seize(Payload, frozen=True, forbid_unknown_fields=True, tag="seize/1"):
    """`from`: a wallet, or what is held beside a frozen one. `amount` in its asset. `order`: the
    order's reference."""

    from_: Id = msgspec.field(name="from")
    amount: AmountText
    order: Label


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    id = id_of(payload_of(tx, Seize).from_)
    yield from account_needs(known, id)
    yield ("account", derive_key(tx.id, "reserve"))
    account = known.values.get(("account", id))
    if account is not None:
        yield from reserve_needs(known, account.asset)
    genesis = known.values.get(("object", "genesis", b""))
    if genesis is not None:
        yield party_need(genesis.body.central_bank)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, Seize)
    source = debtors_account(known, id_of(payload.from_), KIND.name)
    asset = asset_of(known, source.asset, KIND.name)
    if asset.class_ in TENGE_CLASSES:
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=asset.code)
    openings: tuple[Opening, ...] = ()
    objects: tuple[Object, ...] = ()
    target = reserve_of(known, asset.code)
    if target is None:
        id = derive_key(tx.id, "reserve")
        if known.account(id) is not None:
            return refused(Code.ALREADY_REGISTERED, KIND.name)
        owner = _central_bank(known)
        openings = (Opening(id, owner, asset.code, AccountKind.RESERVE),)
        body = Reserve(b64(id))
        objects = (Object("reserve", asset.code.encode(), owner, "open", None, body, (), 0),)
        target = openings[0].account()
    amount = parse_amount(payload.amount, asset.scale)
    return Plan(
        movements=(movement_between(known, source, target, amount, "seize"),),
        openings=openings,
        objects=objects,
        facts={"reserve": b64(target.id)},
    )


def reserve_of(known: Known, asset: str) -> Account | None:
    """The account on which what was seized of an asset stands, None before the first seizure."""
    body = known.body("reserve", asset.encode(), Reserve)
    return None if body is None else known.account(id_of(body.account))


def reserve_needs(known: Known, asset: str) -> Iterator[Need]:
    """Needs of `reserve_of`, its owner too."""
    need: Need = ("object", "reserve", asset.encode())
    yield need
    reserve = known.values.get(need)
    if reserve is not None:
        yield ("account", id_of(reserve.body.account))
        yield ("object", "party", reserve.owner)


def _central_bank(known: Known) -> bytes:
    body = known.body("genesis", b"", Genesis)
    if body is None:
        raise AssertionError("a ledger without its genesis")
    return id_of(body.central_bank)


KIND = Kind(Seize, frozenset({Role.SUPERVISOR}), _plan, _needs)
