"""ask/1: ask somebody to pay. The payee signs, so the payer knows who asks; the ask waits until the
payer pays or declines it, the payee takes it back, or its time ends.

No money moves and none is reserved: rules and funds are judged when it is paid. What reads asks for
the kinds that answer them is here too.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core import counters
from ledger.core.account import Account
from ledger.core.ask import Ask
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Label, Ms, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    DueKind,
    Kind,
    account_needs,
    amount_in,
    id_of,
    party_need,
    party_of,
    payee_account,
    payload_of,
    require,
)
from ledger.rules import asks_open
from ledger.rules.pack import pack_in_force, parameters_in

OPEN_MAX_MS = 90 * 86_400_000
"""An ask waits for at most ninety days."""


class MakeAsk(Payload, frozen=True, forbid_unknown_fields=True, tag="ask/1"):
    """`to`: the signer's account, in whose asset `amount` is. Who is asked: the party `payer`, or
    the owner of the account `from`; one of the two. `ends_at`: ms UTC when it expires."""

    to: Id
    amount: AmountText
    reference: Label
    ends_at: Ms
    payer: Id | None = None
    from_: Id | None = msgspec.field(name="from", default=None)

    def __post_init__(self) -> None:
        if (self.payer is None) == (self.from_ is None):
            raise ValueError("name who is asked by payer or by from, and not by both")


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, MakeAsk)
    yield ("object", "ask", derive_key(tx.id, "ask"))
    yield from account_needs(known, id_of(payload.to))
    if payload.from_ is not None:
        yield from account_needs(known, id_of(payload.from_))
    if payload.payer is not None:
        yield party_need(payload.payer)
    payee = known.values.get(("account", id_of(payload.to)))
    if payee is not None:
        asked = _owner(known, payload)
        if asked is not None:
            yield ("counter", counters.ASKS_OPEN, 0, asked, b64(payee.owner))


def _owner(known: Known, payload: MakeAsk) -> bytes | None:
    """Who is asked, as far as it is loaded."""
    if payload.from_ is None:
        return id_of(payload.payer or "")
    account = known.values.get(("account", id_of(payload.from_)))
    return None if account is None else account.owner


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, MakeAsk)
    payee = _own_payee(known, id_of(payload.to), signer)
    payer = _asked(known, payload, payee)
    if isinstance(payer, Refused):
        return payer
    if payer == signer.id:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="payer")
    if not at < payload.ends_at <= at + OPEN_MAX_MS:
        return refused(Code.DATES_CONFLICT, KIND.name, member="ends_at")
    amount = amount_in(known, payee, payload.amount, KIND.name)
    id = derive_key(tx.id, "ask")
    if known.object("ask", id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    body = Ask(b64(payer), payload.from_ or "", payload.to, amount, payload.reference)
    if (many := _too_many(known, payer, signer.id, at)) is not None:
        return many
    lookups = (("payer", payer), ("payee", signer.id))
    made = Object("ask", id, signer.id, "open", payload.ends_at, body, lookups, 0)
    return Plan(objects=(made,), counts=(_count(made, 1),), facts={"ask": b64(id)})


def _too_many(known: Known, payer: bytes, payee: bytes, at: int) -> Refused | None:
    """The refusal where the pack in force lets this payee have no more open asks of this payer."""
    limits = parameters_in(pack_in_force(known).in_force(at), asks_open.Parameters)
    if limits is None:
        return None
    is_open = known.counter(counters.ASKS_OPEN, 0, payer, b64(payee))
    if is_open < limits.open_max:
        return None
    return refused(Code.ASKS_OPEN_MAX, KIND.name, limit=limits.open_max, open=is_open)


def one_less(ask: Object) -> tuple[str, int, bytes, str, int]:
    """What counts an open ask out when it ends."""
    return _count(ask, -1)


def _count(ask: Object, by: int) -> tuple[str, int, bytes, str, int]:
    """So many more open asks of its payee before its payer."""
    return counters.ASKS_OPEN, 0, id_of(body_of(ask, Ask).payer), b64(ask.owner), by


def _own_payee(known: Known, id: bytes, signer: Signer) -> Account:
    """The signer's own account to be paid on."""
    account = known.account(id)
    own = account if account is not None and account.owner == signer.id else None
    require(own, Code.NO_AUTHORITY, KIND.name, member="to")
    return payee_account(known, id, KIND.name, "to")


def _asked(known: Known, payload: MakeAsk, payee: Account) -> bytes | Refused:
    """The party that is asked."""
    if payload.from_ is None:
        payer = id_of(payload.payer or "")
        party_of(known, payer, KIND.name)
        return payer
    account = payee_account(known, id_of(payload.from_), KIND.name, "from")
    if account.asset != payee.asset:
        return refused(Code.ASSET_DIFFERS, KIND.name, asset=account.asset, other=payee.asset)
    return account.owner


def open_ask(known: Known, id: str, signer: Signer, kind: str, *, by_payer: bool) -> Object:
    """An open ask of the signer, as its payer or its payee, or ASK_UNKNOWN / STATUS_CONFLICT.
    Everyone else hears no more than that there is none."""
    found = require(known.object("ask", id_of(id)), Code.ASK_UNKNOWN, kind, ask=id)
    party = body_of(found, Ask).payer if by_payer else b64(found.owner)
    mine = found if party == b64(signer.id) else None
    require(mine, Code.ASK_UNKNOWN, kind, ask=id)
    is_open = found if found.status == "open" else None
    return require(is_open, Code.STATUS_CONFLICT, kind, status=found.status)


def ended(object_: Object, status: str, *, paid_by: str = "") -> Object:
    """The ask after its end: its payer's list has it no more, its payee's has."""
    body = msgspec.structs.replace(body_of(object_, Ask), paid_by=paid_by)
    lookups = (("payee", object_.owner),)
    return msgspec.structs.replace(object_, status=status, due=None, body=body, lookups=lookups)


def _expired(object_: Object, known: Known, at: int) -> Plan:
    """The ask after its time."""
    return Plan(objects=(ended(object_, "expired"),), counts=(one_less(object_),))


DUE = DueKind("ask", _expired)
KIND = Kind(MakeAsk, ANYONE, _plan, _needs)
