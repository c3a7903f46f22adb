"""consent_pay/1: a service starts a payment within a consent. The money is the person's, and every
rule judges the movement as the person's own transfer; the consent's caps come on top.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ledger.core import counters
from ledger.core.amount import format_amount, parse_amount
from ledger.core.consent import PAY, PAY_MERCHANT, SWEEP, Consent
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.party import Role
from ledger.core.plan import Movement, Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.consent import active_consent
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    account_needs,
    asset_of,
    id_of,
    movement_between,
    open_account,
    payload_of,
    receiving_account,
)


class PayByConsent(Payload, frozen=True, forbid_unknown_fields=True, tag="consent_pay/1"):
    """`amount`, in the asset of the consent's account, to the account `to`."""

    consent: Id
    to: Id
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, PayByConsent)
    need: Need = ("object", "consent", id_of(payload.consent))
    yield need
    yield from account_needs(known, id_of(payload.to))
    consent: Any = known.values.get(need)
    if consent is not None:
        yield from account_needs(known, id_of(consent.body.account))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, PayByConsent)
    consent = active_consent(known, payload.consent, signer, KIND.name, owner=False)
    terms = body_of(consent, Consent)
    source = open_account(known, unb64(terms.account, 16), KIND.name, "consent")
    target = receiving_account(known, id_of(payload.to), KIND.name, "to")
    scale = asset_of(known, source.asset, KIND.name).scale
    amount = parse_amount(payload.amount, scale)
    movement = movement_between(known, source, target, amount, "transfer")
    if not _within(terms, movement):
        return refused(Code.CONSENT_SCOPE, KIND.name, scopes=list(terms.scopes))
    told = {"asset": source.asset, "amount": format_amount(amount, scale)}
    if amount > terms.cap_payment:
        limit = format_amount(terms.cap_payment, scale)
        return refused(Code.CONSENT_CAP_PAYMENT, KIND.name, **told, limit=limit)
    day = counters.local_day(at)
    spent = known.counter(counters.CONSENT_DAY, day, consent.key, "")
    if spent + amount > terms.cap_day:
        limit = format_amount(terms.cap_day, scale)
        left = format_amount(max(0, terms.cap_day - spent), scale)
        return refused(Code.CONSENT_CAP_DAY, KIND.name, **told, limit=limit, left=left)
    return Plan(
        movements=(movement,),
        counts=((counters.CONSENT_DAY, day, consent.key, "", amount),),
        facts={"consent": payload.consent},
    )


def _within(terms: Consent, movement: Movement) -> bool:
    """Whether one of the consent's scopes lets it pay this payee."""
    if PAY in terms.scopes:
        return True
    if PAY_MERCHANT in terms.scopes and movement.target_party.role == Role.MERCHANT:
        return True
    return SWEEP in terms.scopes and movement.target.owner == movement.source.owner


KIND = Kind(PayByConsent, ANYONE, _plan, _needs)
