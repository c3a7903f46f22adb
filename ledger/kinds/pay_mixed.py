"""pay_mixed/1: pay a till's request from several accounts in tenge: a voucher the goods that it is
for, ordinary tenge the rest. All or nothing.

Each part makes a payment of its own, so each is refunded to where it came from: the first is keyed
by the request, which is payable once whichever kind pays it; the others are derived from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.core.account import Account
from ledger.core.amount import format_amount, parse_amount
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import ID_BYTES, b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.payment import Payment
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Request, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, arrival, id_of, own_account, payload_of
from ledger.kinds.marked import marked_needs
from ledger.kinds.till import asked, asked_needs, check_no_vat, payment_need, request_of

PARTS_MAX = 8


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`amount` of the request's tender from the payer's account `from`."""

    from_: Id = msgspec.field(name="from")
    amount: AmountText


class PayMixed(Payload, frozen=True, forbid_unknown_fields=True, tag="pay_mixed/1"):
    """`request`: the terminal's JWS, whole. `parts` together are its tender in tenge."""

    request: str
    parts: Annotated[tuple[Part, ...], Meta(min_length=2, max_length=PARTS_MAX)]


def part_key(payment: bytes, number: int) -> bytes:
    """Key of the payment that part `number` makes, 0 for the first, of the request's payment."""
    if number == 0:
        return payment
    return payment[:6] + sha256(payment + bytes([number])).digest()[: ID_BYTES - 6]


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, PayMixed)
    for part in payload.parts:
        yield from asked_needs(tx, known, part.from_)
        yield from marked_needs(known, id_of(part.from_))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, PayMixed)
    check_no_vat(tx, KIND.name)
    found = asked(tx, signer, known, at, payload.parts[0].from_, KIND.name, "pay")
    whole = found.movement
    if whole.asset.class_ not in TENGE_CLASSES:
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=whole.asset.code)
    sources = [own_account(known, id_of(p.from_), signer, KIND.name) for p in payload.parts]
    fault = _fault(sources, whole.source.asset)
    if fault is not None:
        return fault
    amounts = [parse_amount(part.amount, whole.asset.scale) for part in payload.parts]
    if sum(amounts) != whole.amount:
        told = format_amount(sum(amounts), whole.asset.scale)
        wanted = format_amount(whole.amount, whole.asset.scale)
        return refused(
            Code.SHARES_SUM, KIND.name, asset=whole.asset.code, amount=wanted, shares=told
        )
    till = b64(request_of(tx).kid)
    target = arrival(known, whole.target)
    payments = []
    for number, (source, amount) in enumerate(zip(sources, amounts, strict=True)):
        body = Payment(0, b64(source.id), b64(whole.target.id), amount, amount, till)
        key = part_key(found.payment, number)
        payments.append(Object("payment", key, whole.target.owner, "paid", None, body, (), 0))
    return Plan(
        movements=tuple(
            msgspec.structs.replace(
                whole, source=source, target=target, amount=amount, value=amount
            )
            for source, amount in zip(sources, amounts, strict=True)
        ),
        objects=tuple(payments),
        facts=found.facts,
    )


def _fault(sources: list[Account], asset: str) -> Refused | None:
    """Why these accounts cannot pay together."""
    seen: set[bytes] = set()
    for source in sources:
        if source.asset != asset:
            return refused(Code.ASSET_DIFFERS, KIND.name, asset=source.asset, other=asset)
        if source.id in seen:
            return refused(Code.PAYEE_TWICE, KIND.name, account=b64(source.id))
        seen.add(source.id)
    return None


def _embeds(payload: Payload) -> tuple[tuple[type[Request], str], ...]:
    if not isinstance(payload, PayMixed):
        raise AssertionError(f"{payload!r} has no request")
    return ((Request, payload.request),)


KIND = Kind(PayMixed, ANYONE, _plan, _needs, fresh=payment_need, embeds=_embeds, alone=True)
