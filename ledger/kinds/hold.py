"""hold/1: reserve money of one's own for a payee, who may take it in parts until it ends.

The money moves to an account of its own (kind `hold`), still the payer's, with an object of the
same key that names the payee. Rules judge it here, as if the payee were paid now; taking it is not
judged again. What is left at the end goes back by itself. What a till asks for is held by
`hold_request/1`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core import counters
from ledger.core.account import Account, AccountKind
from ledger.core.decision import Code, Refused, refused
from ledger.core.hold import Hold, worth
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.plan import Movement, Opening, Plan
from ledger.core.transaction import AmountText, Id, Ms, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    DueKind,
    Kind,
    Refusal,
    account_needs,
    amount_in,
    arrival,
    id_of,
    movement_between,
    named_account,
    own_account,
    payee_account,
    payload_of,
    require,
)
from ledger.kinds.marked import check_ends

OPEN = "open"
"""Look-up of a hold while it is open, by the payer's wallet and by the payee's."""

HOLD_MAX_MS = 30 * 86_400_000
"""Money is held for at most thirty days."""


class PutOnHold(Payload, frozen=True, forbid_unknown_fields=True, tag="hold/1"):
    """`amount` of the asset of both accounts, for the owner of `to`; what is not captured by then
    goes back at `ends_at` (ms UTC)."""

    from_: Id = msgspec.field(name="from")
    to: Id
    amount: AmountText
    ends_at: Ms


def hold_need(tx: Transaction) -> Need:
    """The need for the hold that would be made, as a rule not there."""
    return ("object", "hold", derive_key(tx.id, "hold"))


def held(tx: Transaction, known: Known, at: int, ends_at: int, to_payee: Movement, body: Hold,
         kind: str) -> Plan:  # fmt: skip
    """The plan of a hold: what `to_payee` would pay, to an account of its own. Raises Refusal."""
    if not at < ends_at <= at + HOLD_MAX_MS:
        raise Refusal(refused(Code.DATES_CONFLICT, kind, member="ends_at"))
    check_ends(known, to_payee.source, ends_at, kind)
    id = derive_key(tx.id, "hold")
    if known.object("hold", id) is not None:
        raise Refusal(refused(Code.ALREADY_REGISTERED, kind))
    payer, payee = to_payee.source, to_payee.target
    opening = Opening(id, payer.owner, payer.asset, AccountKind.HOLD, payer.mark)
    object_ = Object("hold", id, payer.owner, "open", ends_at, body, _open(payer, payee), 0)
    return Plan(
        movements=(msgspec.structs.replace(to_payee, target=opening.account()),),
        openings=(opening,),
        objects=(object_,),
        facts={"hold": b64(id)},
    )


def _open(payer: Account, payee: Account) -> tuple[tuple[str, bytes], ...]:
    """Look-up rows of a hold while it is open, by either account."""
    return tuple((OPEN, id) for id in sorted({payer.id, payee.id}))


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, PutOnHold)
    yield hold_need(tx)
    yield from account_needs(known, id_of(payload.from_), id_of(payload.to))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, PutOnHold)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    target = payee_account(known, id_of(payload.to), KIND.name, "to")
    amount = amount_in(known, source, payload.amount, KIND.name)
    to_payee = movement_between(known, source, target, amount, "hold")
    body = Hold(payload.from_, payload.to, amount, value=to_payee.value)
    return held(tx, known, at, payload.ends_at, to_payee, body, KIND.name)


# A hold that there is ----------------------------------------------------------------------------


def hold_needs(known: Known, id: bytes) -> Iterator[Need]:
    """Needs of whatever takes money off a hold."""
    need: Need = ("object", "hold", id)
    yield need
    yield from account_needs(known, id)
    object_ = known.values.get(need)
    if object_ is not None:
        yield from _needs_of(object_, known)


def _needs_of(object_: Object, known: Known) -> Iterator[Need]:
    body = body_of(object_, Hold)
    yield from account_needs(known, object_.key, id_of(body.payer), id_of(body.payee))
    if body.payment is not None:
        yield ("object", "payment", id_of(body.payment))


def payees_hold(known: Known, id: str, signer: Signer, at: int, kind: str) -> Object:
    """An open hold for the signer. The payer hears NO_AUTHORITY; whom it does not concern hears no
    more than that there is none; then STATUS_CONFLICT. Raises Refusal."""
    object_ = require(known.object("hold", id_of(id)), Code.HOLD_UNKNOWN, kind, hold=id)
    payee = named_account(known, id_of(body_of(object_, Hold).payee))
    if payee.owner != signer.id:
        payers = object_.owner == signer.id
        code = Code.NO_AUTHORITY if payers else Code.HOLD_UNKNOWN
        raise Refusal(refused(code, kind, **({"member": "hold"} if payers else {"hold": id})))
    if object_.due is None or object_.due <= at:
        status = "expired" if object_.status == "open" else object_.status
        raise Refusal(refused(Code.STATUS_CONFLICT, kind, status=status))
    return object_


def given_back(object_: Object, known: Known, taken: int, status: str) -> Plan:
    """The end of a hold, after `taken` minor units of it have gone to the payee in this same entry:
    what is left goes back to the payer, and does not count as spent on the day it was held."""
    body = body_of(object_, Hold)
    reserved = named_account(known, object_.key)
    left = reserved.balance - taken
    body = msgspec.structs.replace(body, captured=body.captured + taken)
    closed = msgspec.structs.replace(object_, status=status, due=None, body=body, lookups=())
    movements: tuple[Movement, ...] = ()
    counts: list[tuple[str, int, bytes, str, int]] = []
    if left:
        value = worth(body, body.captured + left) - worth(body, body.captured)
        payer = named_account(known, id_of(body.payer))
        target = arrival(known, payer)
        movements = (movement_between(known, reserved, target, left, "return", value=value),)
        if body.day is not None:
            counts.append((counters.TENDER_DAY, body.day, object_.owner, "", -value))
            if body.zone is not None:
                zone = id_of(body.zone)
                counts.append((counters.ZONE_DAY, body.day, zone, "", -value))
    objects = (closed, *_never_paid(body, known))
    return Plan(
        movements=movements,
        objects=objects,
        statuses=((object_.key, "closed"),),
        counts=tuple(counts),
        facts={"hold": b64(object_.key)},
    )


def _never_paid(body: Hold, known: Known) -> tuple[Object, ...]:
    """The payment of a till's request of which nothing was captured in the end."""
    if body.payment is None or body.captured:
        return ()
    payment = payment_of(known, body.payment)
    return (msgspec.structs.replace(payment, status="void"),)


def payment_of(known: Known, id: str) -> Object:
    """The payment that captures of a till's hold make."""
    found = known.object("payment", id_of(id))
    if found is None:
        raise AssertionError(f"a hold names payment {id}, which is not there")
    return found


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The hold after its time."""
    return given_back(object_, known, 0, "expired")


DUE = DueKind("hold", _ended, _needs_of)
KIND = Kind(PutOnHold, ANYONE, _plan, _needs, fresh=hold_need)
