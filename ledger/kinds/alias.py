"""alias/1: bind an alias, known to the log by its commitment alone, to an account.

A number or a word of a bank binds only by the bank's own signature, which has checked whose it is;
what is drawn at random the owner may bind too. It ends by its time, by being dropped, or by use.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from msgspec import Meta, structs

from ledger.core.alias import BANK, PHONE, Alias
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Ms, Payload, Signer, Transaction
from ledger.kinds.kind import (
    DueKind,
    Kind,
    account_needs,
    id_of,
    is_registrar,
    open_account,
    payload_of,
    require,
)

Commitment = Annotated[str, Meta(min_length=43, max_length=43)]
"""Text of a commitment's 32 bytes: the alias's id."""

SIGNERS = frozenset({Role.BANK, Role.PERSON, Role.MERCHANT})
"""Banks, and those whose accounts they keep."""


class BindAlias(Payload, frozen=True, forbid_unknown_fields=True, tag="alias/1"):
    """`alias`: the commitment. `ends_at`: ms UTC, or null."""

    alias: Commitment
    account: Id
    form: Literal["phone", "random", "one_time", "bank"]
    ends_at: Ms | None


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, BindAlias)
    yield ("object", "alias", unb64(payload.alias, 32))
    yield from account_needs(known, id_of(payload.account))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, BindAlias)
    account = known.account(id_of(payload.account))
    owns = account is not None and account.owner == signer.id
    keeps = account is not None and is_registrar(known, account.owner, signer)
    if account is None or not (keeps or (owns and payload.form not in (PHONE, BANK))):
        return refused(Code.NO_AUTHORITY, KIND.name, member="account")
    account = open_account(known, account.id, KIND.name, "account")
    if payload.ends_at is not None and payload.ends_at <= at:
        return refused(Code.DATES_CONFLICT, KIND.name, member="ends_at")
    key = unb64(payload.alias, 32)
    if known.object("alias", key) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name, member="alias")
    body = Alias(payload.account, payload.form)
    alias = Object(
        "alias", key, account.owner, "active", payload.ends_at, body,
        (("account", account.id),), 0,
    )  # fmt: skip
    return Plan(objects=(alias,), facts={"alias": payload.alias})


def active_alias(found: Object | None, text: str, kind: str) -> Object:
    """The alias, in use; ALIAS_UNKNOWN or STATUS_CONFLICT."""
    alias = require(found, Code.ALIAS_UNKNOWN, kind, alias=text)
    live = alias if alias.status == "active" else None
    return require(live, Code.STATUS_CONFLICT, kind, status=alias.status)


def ended(alias: Object, status: str) -> Object:
    """The alias when it names its account no more: no look-up finds it by the account."""
    return structs.replace(alias, status=status, due=None, lookups=())


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The alias after its time."""
    return Plan(objects=(ended(object_, "expired"),))


DUE = DueKind("alias", _ended)
KIND = Kind(BindAlias, SIGNERS, _plan, _needs)
