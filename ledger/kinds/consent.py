"""consent/1: a person (or a merchant) lets a service start payments from one of their accounts,
within scopes and caps, up to an end. It moves nothing; see `consent_pay`. It ends by its time, or
by revocation.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, structs

from ledger.core.amount import parse_amount
from ledger.core.consent import Consent
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Ms, Payload, Signer, Transaction
from ledger.errors import Malformed
from ledger.kinds.kind import (
    DueKind,
    Kind,
    account_needs,
    asset_of,
    id_of,
    open_account,
    party_need,
    party_of,
    payload_of,
    require,
)

AHEAD_MAX_MS = 366 * 86_400_000
"""A consent is given for at most a year; then the person is asked again."""


class GiveConsent(Payload, frozen=True, forbid_unknown_fields=True, tag="consent/1"):
    """`service` may use `account` for `scopes`. Caps in the account's asset; `ends_at`: ms UTC."""

    account: Id
    service: Id
    scopes: Annotated[
        tuple[Literal["pay", "pay_merchant", "sweep"], ...], Meta(min_length=1, max_length=3)
    ]
    cap_payment: AmountText
    cap_day: AmountText
    ends_at: Ms


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, GiveConsent)
    yield from account_needs(known, id_of(payload.account))
    yield party_need(payload.service)
    yield ("object", "consent", derive_key(tx.id, "consent"))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, GiveConsent)
    account = known.account(id_of(payload.account))
    if account is None or account.owner != signer.id:
        return refused(Code.NO_AUTHORITY, KIND.name, member="account")
    account = open_account(known, account.id, KIND.name, "account")
    service = id_of(payload.service)
    role = party_of(known, service, KIND.name).role
    if service == signer.id or role == Role.OPERATOR:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="service")
    if len(set(payload.scopes)) != len(payload.scopes):
        raise Malformed("consent.scopes", "name each scope once", "scopes")
    if not at < payload.ends_at <= at + AHEAD_MAX_MS:
        return refused(Code.DATES_CONFLICT, KIND.name, member="ends_at")
    id = derive_key(tx.id, "consent")
    if known.object("consent", id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    scale = asset_of(known, account.asset, KIND.name).scale
    body = Consent(
        payload.service,
        payload.account,
        payload.scopes,
        parse_amount(payload.cap_payment, scale),
        parse_amount(payload.cap_day, scale),
    )
    lookups = (("account", account.id), ("service", service))
    consent = Object("consent", id, signer.id, "active", payload.ends_at, body, lookups, 0)
    return Plan(objects=(consent,), facts={"consent": b64(id)})


def active_consent(known: Known, id: str, signer: Signer, kind: str, *, owner: bool) -> Object:
    """The consent, in force, that names the signer as its service, or where `owner` allows it was
    given by the signer; CONSENT_UNKNOWN or CONSENT_NOT_ACTIVE. Others hear that there is none."""
    found = known.object("consent", id_of(id))
    theirs = found is not None and (
        body_of(found, Consent).service == b64(signer.id) or (owner and found.owner == signer.id)
    )
    consent = require(found if theirs else None, Code.CONSENT_UNKNOWN, kind, consent=id)
    live = consent if consent.status == "active" else None
    return require(live, Code.CONSENT_NOT_ACTIVE, kind, consent=id, status=consent.status)


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The consent after its time. It stays findable, so a refusal can say that it ran out."""
    return Plan(objects=(structs.replace(object_, status="expired", due=None),))


DUE = DueKind("consent", _ended)
KIND = Kind(GiveConsent, frozenset({Role.PERSON, Role.MERCHANT}), _plan, _needs)
