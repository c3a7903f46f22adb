"""pay/1: pay a terminal's signed request (D11). The tender is the request's one in the asset of the
account that pays; the total in tenge is fixed as the payment's value for ever.

A request is payable once: its id is the key of the payment. A reusable request (a printed QR) makes
a payment keyed by each transaction instead. Where the till stands is what zone rules judge.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.account import Account
from ledger.core.amount import TENGE_SCALE, Rate, amount_for, parse_amount
from ledger.core.asset import TENGE_CLASSES, Asset
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.payment import Payment
from ledger.core.payment import Rate as RateBody
from ledger.core.plan import Facts, Place, Plan
from ledger.core.transaction import (
    NOT_AFTER_AHEAD_MAX_MS,
    Id,
    OpenRequest,
    Payload,
    Signer,
    Tender,
    Transaction,
)
from ledger.core.zone import Terminal
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    account_needs,
    asset_of,
    id_of,
    movement_between,
    open_account,
    own_account,
    payload_of,
    require,
)


class Pay(Payload, frozen=True, forbid_unknown_fields=True, tag="pay/1"):
    """`request`: the terminal's JWS, whole. `from`: the payer's account, in a tender's asset."""

    from_: Id = msgspec.field(name="from")
    request: str


def request_of(tx: Transaction) -> OpenRequest:
    """The request that a `pay/1` embeds."""
    if tx.request is None:
        raise AssertionError("a pay was read without its request")
    return tx.request


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    request = request_of(tx)
    yield ("object", "terminal", request.terminal)
    yield ("object", "payment", _payment_key(tx, request))
    source_id = id_of(payload_of(tx, Pay).from_)
    yield from account_needs(known, source_id)
    source = known.values.get(("account", source_id))
    tender = source and _tender(request, source)
    if tender:
        yield from account_needs(known, id_of(tender.account))
        if tender.rate is not None:
            yield ("object", "rate", id_of(tender.rate))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload, request = payload_of(tx, Pay), request_of(tx)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    asset = asset_of(known, source.asset, KIND.name)
    terminal = require(known.object("terminal", request.terminal), Code.TERMINAL_UNKNOWN, KIND.name)
    body = request.body
    if body.ledger != payload.ledger:
        return refused(Code.LEDGER_OTHER, KIND.name, member="request")
    if not at <= body.not_after <= at + NOT_AFTER_AHEAD_MAX_MS:
        return refused(Code.REQUEST_EXPIRED, KIND.name, not_after=body.not_after, at=at)
    key = _payment_key(tx, request)
    if known.object("payment", key) is not None:
        return refused(Code.REQUEST_PAID, KIND.name, request=b64(request.id))
    tender = require(
        _tender(request, source), Code.TENDER_NOT_OFFERED, KIND.name, asset=source.asset
    )
    value = parse_amount(body.total, TENGE_SCALE)
    amount = parse_amount(tender.amount, asset.scale)
    target = open_account(known, id_of(tender.account), KIND.name, "request.account")
    if target.owner != terminal.owner:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="request.account")
    if amount != _due(known, asset, tender, value):
        return refused(Code.TENDER_VALUE, KIND.name, amount=tender.amount, total=body.total)
    if not isinstance(terminal.body, Terminal):
        raise AssertionError(f"object terminal holds {terminal.body!r}")
    rate = None if tender.rate is None else id_of(tender.rate)
    place = Place(request.terminal, terminal.status, terminal.owner, terminal.body.place, rate)
    movement = movement_between(known, source, target, amount, "pay", value=value, place=place)
    payment = Payment(0, b64(source.id), b64(target.id), amount, value, b64(request.terminal))
    facts: Facts = {"payment": b64(key), "value": str(value)}
    if tender.rate is not None:
        facts["rate"] = tender.rate
    return Plan(
        movements=(movement,),
        objects=(Object("payment", key, target.owner, "paid", None, payment, (), 0),),
        facts=facts,
    )


def _payment_key(tx: Transaction, request: OpenRequest) -> bytes:
    return derive_key(tx.id, "payment") if request.body.reusable else request.id


def _tender(request: OpenRequest, source: Account) -> Tender | None:
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


def _fresh(tx: Transaction) -> Need:
    return ("object", "payment", _payment_key(tx, request_of(tx)))


KIND = Kind(Pay, ANYONE, _plan, _needs, fresh=_fresh, alone=True)
