"""Purses as their kinds see them: which, whose, what the pack admits, how they end.

Shared by `purse/1`, `purse_load/1`, `purse_deposit/1`, `purse_unload/1`, `purse_fraud/1` and
`purse_block/1`; no kind itself. When a purse closes, what is left goes back to its owner's wallet,
less what the bank had to pay for it. The layout and what contradicts what: docs/offline.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta, structs

from ledger.core.account import Account
from ledger.core.asset import AssetClass
from ledger.core.decision import Code, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.offline import Chain, Payment, chain_of, purse_id
from ledger.core.plan import Movement, Plan
from ledger.core.purse import Purse
from ledger.core.transaction import Payload
from ledger.errors import Malformed
from ledger.kinds.kind import (
    DueKind,
    Refusal,
    account_needs,
    arrival,
    asset_of,
    id_of,
    movement_between,
    named_account,
)
from ledger.rules import purse as rule
from ledger.rules.pack import pack_in_force, parameters_in

ChainText = Annotated[str, Meta(min_length=1, max_length=2_048)]
"""A chain as base64url."""

FROZEN_PURSES = ("frozen", b"")
"""Look-up row of a purse while it is frozen: what the notice to devices lists."""


def admitted(known: Known, account: Account, at: int, kind: str) -> rule.Parameters:
    """What the pack in force says of purses, or OFFLINE_NOT_ADMITTED: it says nothing, the money is
    no digital tenge, or it is marked and the pack keeps marks off purses."""
    terms = parameters_in(pack_in_force(known).in_force(at), rule.Parameters)
    asset = asset_of(known, account.asset, kind)
    if terms is None or asset.class_ != AssetClass.DIGITAL_TENGE:
        raise Refusal(refused(Code.OFFLINE_NOT_ADMITTED, kind, asset=account.asset))
    if account.mark and not terms.marked:
        raise Refusal(
            refused(Code.OFFLINE_NOT_ADMITTED, kind, asset=account.asset, mark=account.mark)
        )
    return terms


def short_chain(text: str, links_max: int) -> Chain:
    """The chain, no longer than this; raises Malformed."""
    chain = chain_of(text)
    if len(chain.links) > links_max:
        raise Malformed("offline.hops", f"a chain here has 1 to {links_max} links", "chain")
    return chain


def check_ledger(chain: Chain, payload: Payload, kind: str, member: str) -> None:
    """LEDGER_OTHER where the chain is of another ledger than the transaction."""
    ledger = b64(chain.ledger)
    if ledger != payload.ledger:
        raise Refusal(refused(Code.LEDGER_OTHER, kind, ledger=ledger, member=member))


def purse_needs(known: Known, id: bytes) -> Iterator[Need]:
    """Needs of whatever moves money of a purse: itself, its account, the two wallets behind it."""
    need: Need = ("object", "purse", id)
    yield need
    yield from account_needs(known, id)
    purse = known.values.get(need)
    if purse is not None:
        body = body_of(purse, Purse)
        yield from account_needs(known, id_of(body.home), id_of(body.covers))


def chain_needs(known: Known, chain: Chain) -> Iterator[Need]:
    """Needs of settling a chain."""
    for link, id in zip(chain.links, chain.ids(), strict=True):
        payment, purse = link.payment, purse_id(link.payment.payer)
        yield ("object", "purse_payment", id)
        yield from purse_needs(known, purse)
        yield from purse_needs(known, payment.payee)
        for counter in (payment.counter - 1, payment.counter, payment.counter + 1):
            place: Need = ("lookup", "purse_payment", "place", place_of(purse, counter))
            yield place
            for other in known.values.get(place, ()):
                yield ("object", "purse_payment", other)


def frozen(purse: Object) -> Object:
    """The purse as it stands when its device has contradicted itself, or is lost."""
    rows = tuple(sorted({*purse.lookups, FROZEN_PURSES}))
    return structs.replace(purse, status="frozen", lookups=rows)


def is_unload(payment: Payment, purse: Purse) -> bool:
    """Whether the device empties itself into its owner's wallet."""
    return b64(payment.payee) == purse.home


def place_of(purse: bytes, counter: int) -> bytes:
    """The look-up value of a device's settled payment of this number."""
    return purse + counter.to_bytes(5, "big")


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The purse closes: what is left goes to the bank as far as it paid for it, then home."""
    body = body_of(object_, Purse)
    rows = tuple(row for row in object_.lookups if row[0] == "account")
    closed = structs.replace(object_, status="closed", due=None, lookups=rows)
    return Plan(
        movements=_left(object_.key, body, known),
        objects=(closed,),
        statuses=((object_.key, "closed"),),
        facts={"purse": b64(object_.key)},
    )


def _left(id: bytes, body: Purse, known: Known) -> tuple[Movement, ...]:
    """What is on the purse, to whom it goes. Marked money never goes to the bank."""
    account = named_account(known, id)
    back = 0 if account.mark else min(account.balance, body.covered)
    shares = (
        (body.covers, back, "purse_recover"),
        (body.home, account.balance - back, "purse_return"),
    )
    return tuple(
        movement_between(
            known, account, arrival(known, named_account(known, id_of(to))), part, purpose
        )
        for to, part, purpose in shares
        if part
    )


def _ended_needs(object_: Object, known: Known) -> Iterator[Need]:
    body = body_of(object_, Purse)
    yield from account_needs(known, object_.key, id_of(body.home), id_of(body.covers))


DUE = DueKind("purse", _ended, _ended_needs)
"""What becomes of a purse when it closes."""
