"""What a till's signed request asks of a payer (D11): the tender in the asset of the account that
pays, checked. Shared by the kinds that embed a request: `pay/1`, `hold_request/1`, `convert_pay/1`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec import structs

from ledger.core.account import Account
from ledger.core.amount import TENGE_SCALE, Rate, amount_for, parse_amount
from ledger.core.asset import TENGE_CLASSES, Asset
from ledger.core.decision import Code, refused
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.payment import Rate as RateBody
from ledger.core.plan import Facts, Movement, Place, Plan
from ledger.core.transaction import (
    NOT_AFTER_AHEAD_MAX_MS,
    Embedded,
    Id,
    Payload,
    Request,
    Signer,
    Tender,
    Transaction,
)
from ledger.core.zone import Terminal
from ledger.errors import Malformed
from ledger.kinds.kind import (
    Refusal,
    account_needs,
    arrival,
    asset_of,
    embedded_of,
    id_of,
    movement_between,
    own_account,
    payee_account,
    require,
)
from ledger.kinds.taxed import paid_apart, split_at, taxpayer_needs


class AtTill(Payload, frozen=True, forbid_unknown_fields=True):
    """`request`: the terminal's JWS, whole. `from`: the payer's account, in a tender's asset."""

    from_: Id = msgspec.field(name="from")
    request: str


class Asked(msgspec.Struct, frozen=True):
    """The one movement that would pay the request, and the key of the payment it would make; the
    request's total in tenge is the movement's value."""

    movement: Movement
    payment: bytes
    value: int
    facts: Facts


def request_of(tx: Transaction) -> Embedded[Request]:
    """The request that the transaction embeds."""
    return embedded_of(tx, Request)


def embeds_request(payload: Payload) -> tuple[tuple[type[Request], str], ...]:
    """The request in a payload that has one."""
    if not isinstance(payload, AtTill):
        raise AssertionError(f"{payload!r} has no request")
    return ((Request, payload.request),)


def check_lines(request: Request) -> None:
    """Raises Malformed ("request.lines") where the lines together are not the total."""
    lines = [parse_amount(line.amount, TENGE_SCALE) for line in request.lines]
    if lines and sum(lines) != parse_amount(request.total, TENGE_SCALE):
        raise Malformed("request.lines", "the lines together must be the total", "lines")


def payment_key(tx: Transaction) -> bytes:
    """Key of the payment: the request's id, so that it is payable once; of a reusable request it is
    derived from each transaction."""
    request = request_of(tx)
    return derive_key(tx.id, "payment") if request.body.reusable else request.id


def payment_need(tx: Transaction) -> Need:
    """The need for the payment that would be made, as a rule not there."""
    return ("object", "payment", payment_key(tx))


def asked_needs(tx: Transaction, known: Known, from_: str) -> Iterator[Need]:
    """Needs of `asked` for the payer's account `from_`."""
    request = request_of(tx)
    yield ("object", "terminal", request.kid)
    yield payment_need(tx)
    source_id = id_of(from_)
    yield from account_needs(known, source_id)
    source = known.values.get(("account", source_id))
    tender = source and _tender(request, source)
    if tender:
        yield from account_needs(known, id_of(tender.account))
        till = known.values.get(("object", "terminal", request.kid))
        if request.body.vat is not None and till is not None:
            yield from taxpayer_needs(known, till.owner)
        if tender.rate is not None:
            yield ("object", "rate", id_of(tender.rate))


def asked(
    tx: Transaction, signer: Signer, known: Known, at: int, from_: str, kind: str, purpose: str
) -> Asked:
    """What the request asks of the signer's account `from_`. Raises Refusal."""
    source = own_account(known, id_of(from_), signer, kind)
    return asked_of(tx, known, at, source, kind, purpose)


def asked_of(
    tx: Transaction, known: Known, at: int, source: Account, kind: str, purpose: str
) -> Asked:
    """What the request asks of whoever pays it from `source`. Raises Refusal."""
    request = request_of(tx)
    asset = asset_of(known, source.asset, kind)
    terminal = require(known.object("terminal", request.kid), Code.TERMINAL_UNKNOWN, kind)
    body = request.body
    if body.ledger != tx.payload.ledger:
        raise Refusal(refused(Code.LEDGER_OTHER, kind, member="request"))
    if not at <= body.not_after <= at + NOT_AFTER_AHEAD_MAX_MS:
        raise Refusal(refused(Code.REQUEST_EXPIRED, kind, not_after=body.not_after, at=at))
    key = payment_key(tx)
    if known.object("payment", key) is not None:
        raise Refusal(refused(Code.REQUEST_PAID, kind, request=b64(request.id)))
    tender = require(_tender(request, source), Code.TENDER_NOT_OFFERED, kind, asset=source.asset)
    value = parse_amount(body.total, TENGE_SCALE)
    check_lines(body)
    amount = parse_amount(tender.amount, asset.scale)
    target = payee_account(known, id_of(tender.account), kind, "request.account")
    if target.owner != terminal.owner:
        raise Refusal(refused(Code.TARGET_NOT_ADMITTED, kind, member="request.account"))
    if amount != _due(known, asset, tender, value):
        raise Refusal(refused(Code.TENDER_VALUE, kind, amount=tender.amount, total=body.total))
    rate = None if tender.rate is None else id_of(tender.rate)
    point = body_of(terminal, Terminal).place
    place = Place(request.kid, terminal.status, terminal.owner, point, rate)
    movement = movement_between(known, source, target, amount, purpose, value=value, place=place)
    facts: Facts = {"payment": b64(key), "value": str(value)}
    if tender.rate is not None:
        facts["rate"] = tender.rate
    return Asked(movement, key, value, facts)


def received(tx: Transaction, known: Known, at: int, asked: Asked, buyer: bytes, kind: str) -> Plan:
    """What was asked reaches the merchant, where its money arrives: whole, or where the request
    says so and is paid in tenge, the VAT in it apart. Raises Refusal."""
    movement, category = asked.movement, request_of(tx).body.vat
    if category is None or movement.asset.class_ not in TENGE_CLASSES:
        return Plan(movements=(structs.replace(movement, target=arrival(known, movement.target)),))
    split = split_at(known, at, category, movement.amount, kind)
    return paid_apart(known, at, movement, split, asked.payment, buyer, kind)


def check_no_vat(tx: Transaction, kind: str) -> None:
    """VAT_SPLIT where the request wants its VAT apart, and this kind cannot do that."""
    if request_of(tx).body.vat is not None:
        raise Refusal(refused(Code.VAT_SPLIT, kind))


def _tender(request: Embedded[Request], source: Account) -> Tender | None:
    return next((t for t in request.body.tenders if t.asset == source.asset), None)


def _due(known: Known, asset: Asset, tender: Tender, value: int) -> int | None:
    """What the tender must ask for `value` tiyn: the total itself in tenge, else by its rate
    rounded up. None where the rate is not this asset's; without a rate it is left to the rules."""
    if asset.class_ in TENGE_CLASSES:
        return value if tender.rate is None else None
    if tender.rate is None:
        return parse_amount(tender.amount, asset.scale)
    rate = known.body("rate", id_of(tender.rate), RateBody)
    if rate is None or rate.asset != asset.code:
        return None
    return amount_for(value, asset.scale, Rate.parse(rate.rate))
