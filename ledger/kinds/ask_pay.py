"""ask_pay/1: approve an ask and pay it, in one entry. The payer signs; the amount is the ask's.

The payment is remembered under the ask's own id, so it can be refunded (`refund/1`). Its value is
fixed in tenge alone: no rate was asked for, so an ask in another asset is refunded in kind.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.ask import Ask
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Code, Refused, refused
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.payment import Payment
from ledger.core.plan import Facts, Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.ask import ended, one_less, open_ask
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    account_needs,
    id_of,
    movement_between,
    own_account,
    payload_of,
    receiving_account,
)


class PayAsk(Payload, frozen=True, forbid_unknown_fields=True, tag="ask_pay/1"):
    """`ask`: its id. `from`: the payer's account, of the ask's asset."""

    ask: Id
    from_: Id = msgspec.field(name="from")


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, PayAsk)
    key = id_of(payload.ask)
    need: Need = ("object", "ask", key)
    yield need
    yield ("object", "payment", key)
    yield from account_needs(known, id_of(payload.from_))
    ask = known.values.get(need)
    if ask is not None:
        yield from account_needs(known, id_of(ask.body.payee))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, PayAsk)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    ask = open_ask(known, payload.ask, signer, KIND.name, by_payer=True)
    body = body_of(ask, Ask)
    target = receiving_account(known, id_of(body.payee), KIND.name, "payee")
    movement = movement_between(known, source, target, body.amount, "ask_pay")
    if known.object("payment", ask.key) is not None:
        return refused(Code.REQUEST_PAID, KIND.name, request=payload.ask)
    value = body.amount if movement.asset.class_ in TENGE_CLASSES else 0
    payment = Payment(0, payload.from_, body.payee, body.amount, value, "")
    facts: Facts = {"ask": payload.ask, "payment": payload.ask}
    if value:
        facts["value"] = str(value)
    return Plan(
        movements=(movement,),
        objects=(
            ended(ask, "paid", paid_by=payload.from_),
            Object("payment", ask.key, ask.owner, "paid", None, payment, (), 0),
        ),
        counts=(one_less(ask),),
        facts=facts,
    )


KIND = Kind(PayAsk, ANYONE, _plan, _needs)
