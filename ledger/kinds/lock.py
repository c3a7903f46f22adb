"""lock/1: lock money for a payee until a condition is met; when its time is over, it goes back.

The money stands on an account of kind `lock`, still the payer's; an object of the same key says for
whom and on which condition. Rules judge it here, as they would judge a transfer to the payee: what
they let in is released later whatever they say then.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import structs

from ledger.core.account import AccountKind
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key, unb64
from ledger.core.lock import HASH, THREE_PARTY, TWO_PARTY, Lock
from ledger.core.needs import Known, Need
from ledger.core.objects import Lookup, Object
from ledger.core.party import Role
from ledger.core.plan import Opening, Plan
from ledger.core.transaction import AmountText, Id, Kid, Ms, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    DueKind,
    Kind,
    Refusal,
    account_needs,
    amount_in,
    id_of,
    movement_between,
    own_account,
    party_need,
    party_of,
    payee_account,
    payload_of,
)
from ledger.kinds.locked import AHEAD_MAX_MS, after, lock_needs, out_of, payer_of
from ledger.kinds.marked import check_ends


class TwoParty(msgspec.Struct, frozen=True, forbid_unknown_fields=True,
               tag_field="type", tag=TWO_PARTY):  # fmt: skip
    """The payer releases, the payee may cancel."""


class ThreeParty(msgspec.Struct, frozen=True, forbid_unknown_fields=True,
                 tag_field="type", tag=THREE_PARTY):  # fmt: skip
    """The arbiter releases or cancels; the payee may cancel."""

    arbiter: Id


class HashTime(msgspec.Struct, frozen=True, forbid_unknown_fields=True,
               tag_field="type", tag=HASH):  # fmt: skip
    """Whoever shows bytes with this SHA-256 releases; the payee may cancel."""

    hash: Kid


class LockMoney(Payload, frozen=True, forbid_unknown_fields=True, tag="lock/1"):
    """`amount` from the signer's account for the account `to`, until `ends_at` (ms UTC; at that
    moment it has ended). Account and object are derived under "lock"."""

    from_: Id = msgspec.field(name="from")
    to: Id
    amount: AmountText
    ends_at: Ms
    condition: TwoParty | ThreeParty | HashTime


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, LockMoney)
    yield from account_needs(known, id_of(payload.from_), id_of(payload.to))
    if isinstance(payload.condition, ThreeParty):
        yield party_need(payload.condition.arbiter)
    id = derive_key(tx.id, "lock")
    yield ("account", id)
    yield ("object", "lock", id)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, LockMoney)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    payee = payee_account(known, id_of(payload.to), KIND.name, "to")
    amount = amount_in(known, source, payload.amount, KIND.name)
    paid = movement_between(known, source, payee, amount, "lock")
    body = _body(payload, amount, (signer.id, payee.owner), known)
    if not at < payload.ends_at <= at + AHEAD_MAX_MS:
        return refused(Code.DATES_CONFLICT, KIND.name, member="ends_at")
    check_ends(known, source, payload.ends_at, KIND.name)
    id = derive_key(tx.id, "lock")
    if known.account(id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    opening = Opening(id, signer.id, source.asset, AccountKind.LOCK, source.mark)
    lock = Object("lock", id, signer.id, "locked", payload.ends_at, body, _lookups(body), 0)
    return Plan(
        movements=(structs.replace(paid, target=opening.account()),),
        openings=(opening,),
        objects=(lock,),
        facts={"lock": b64(id)},
    )


def _body(payload: LockMoney, amount: int, sides: tuple[bytes, bytes], known: Known) -> Lock:
    """What the object holds. An arbiter is neither of the two sides, and no party that cannot sign;
    a hash is 32 bytes."""
    body = Lock(payload.from_, payload.to, amount, payload.ends_at, TWO_PARTY)
    condition = payload.condition
    if isinstance(condition, HashTime):
        unb64(condition.hash, 32)
        return structs.replace(body, condition=HASH, hash=condition.hash)
    if isinstance(condition, ThreeParty):
        arbiter = id_of(condition.arbiter)
        party = party_of(known, arbiter, KIND.name)
        if arbiter in sides or party.role == Role.OPERATOR:
            raise Refusal(refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="arbiter"))
        return structs.replace(body, condition=THREE_PARTY, arbiter=condition.arbiter)
    return body


def _lookups(body: Lock) -> tuple[Lookup, ...]:
    """By `account` all locks of either side's account, by `open` those of the payer's that still
    hold money, by `hash` those that one secret opens."""
    rows = {("account", id_of(body.payer)), ("account", id_of(body.payee))}
    rows.add(("open", id_of(body.payer)))
    if body.hash:
        rows.add(("hash", unb64(body.hash, 32)))
    return tuple(sorted(rows))


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The lock after its time: the money is back where it came from, whatever has become of that
    account."""
    return Plan(
        movements=out_of(object_, payer_of(object_, known), "expire", known),
        objects=(after(object_, "expired"),),
        statuses=((object_.key, "closed"),),
        facts={"lock": b64(object_.key)},
    )


def _ended_needs(object_: Object, known: Known) -> Iterator[Need]:
    return lock_needs(known, object_.key)


def _fresh(tx: Transaction) -> Need:
    return ("object", "lock", derive_key(tx.id, "lock"))


DUE = DueKind("lock", _ended, _ended_needs)
KIND = Kind(LockMoney, ANYONE, _plan, _needs, fresh=_fresh)
