"""mark/1: bind a purpose to money: a mark policy, signed by its programme's owner.

Its budget is an account of the owner. Where that is a supplier's marked account, this is a child
mark, for a sub-contract: narrower, because every mark above it binds as well, and ending earlier.
Money comes under the mark by `allocate/1` alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ledger.core.account import Account
from ledger.core.amount import parse_amount
from ledger.core.asset import AssetClass
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, derive_key
from ledger.core.mark import LINEAGE_MAX, Condition, MarkPolicy, OnFinal
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import (
    AmountText,
    GoodsCode,
    Id,
    Label,
    Ms,
    Payload,
    Signer,
    Transaction,
)
from ledger.kinds.kind import (
    ANYONE,
    DueKind,
    Kind,
    Refusal,
    asset_of,
    id_of,
    own_account,
    party_need,
    party_of,
    payload_of,
)
from ledger.kinds.marked import lineage, marked_needs, marked_of, policy_in

BEGINS = frozenset({Role.TREASURY, Role.CENTRAL_BANK, Role.BANK})
"""Who may begin a programme; a child mark is anybody's who is a supplier of its parent."""

AHEAD_MAX_MS = 5 * 366 * 86_400_000
"""A mark ends at most five years ahead."""


class PutMark(Payload, frozen=True, forbid_unknown_fields=True, tag="mark/1"):
    """`budget`: the signer's account. The mark's id is derived under "mark". The other members are
    those of `core.mark.MarkPolicy`."""

    budget: Id
    contract: Label
    budget_line: Label
    valid_until: Ms
    on_final: OnFinal
    payees: Annotated[tuple[Id, ...], Meta(max_length=64)]
    roles: Annotated[tuple[Role, ...], Meta(max_length=4)]
    categories: Annotated[tuple[GoodsCode, ...], Meta(max_length=32)]
    goods: Annotated[tuple[GoodsCode, ...], Meta(max_length=32)]
    payee_max: AmountText | None
    conditions: Annotated[tuple[Condition, ...], Meta(max_length=4)]


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, PutMark)
    yield from marked_needs(known, id_of(payload.budget))
    for party in (*payload.payees, *(condition.oracle for condition in payload.conditions)):
        yield party_need(party)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, PutMark)
    budget = own_account(known, id_of(payload.budget), signer, KIND.name)
    asset = asset_of(known, budget.asset, KIND.name)
    if asset.class_ != AssetClass.DIGITAL_TENGE:
        return refused(Code.ASSET_NOT_ADMITTED, KIND.name, asset=asset.code)
    if budget.mark and known.object("marked", budget.id) is None:
        return refused(Code.ACCOUNT_KIND, KIND.name, member="budget", kind=budget.kind.value)
    ends_before = _last_moment(known, budget, signer, at)
    if not at < payload.valid_until <= ends_before:
        return refused(Code.DATES_CONFLICT, KIND.name, member="valid_until")
    for party in (*payload.payees, *(condition.oracle for condition in payload.conditions)):
        party_of(known, id_of(party), KIND.name)
    payee_max = payload.payee_max
    policy = MarkPolicy(
        budget.asset,
        payload.budget,
        payload.contract,
        payload.budget_line,
        payload.valid_until,
        payload.on_final,
        payload.payees,
        payload.roles,
        payload.categories,
        payload.goods,
        None if payee_max is None else parse_amount(payee_max, asset.scale),
        payload.conditions,
    )
    id = derive_key(tx.id, "mark")
    if known.object("mark", id) is not None:
        return refused(Code.ALREADY_REGISTERED, KIND.name)
    lookups = tuple(sorted(_lookups(signer.id, budget, payload.budget_line)))
    mark = Object("mark", id, signer.id, "active", payload.valid_until, policy, lookups, 0)
    return Plan(objects=(mark,), facts={"mark": b64(id)})


def _lookups(owner: bytes, budget: Account, line: str) -> Iterator[tuple[str, bytes]]:
    """How the mark is found: while it lasts by its budget, for ever by its owner, its budget line
    and the mark above it."""
    yield from (("budget", budget.id), ("line", line.encode()), ("owner", owner))
    if budget.mark:
        yield ("parent", id_of(budget.mark))


def _last_moment(known: Known, budget: Account, signer: Signer, at: int) -> int:
    """When the mark must have ended (ms UTC): before the one above it. Raises Refusal where the
    signer may begin no mark on this budget."""
    if not budget.mark:
        if signer.party.role not in BEGINS:
            raise Refusal(refused(Code.ROLE_NOT_ADMITTED, KIND.name, role=signer.party.role.value))
        return at + AHEAD_MAX_MS
    if not marked_of(known, budget).supplier:
        raise Refusal(refused(Code.NO_AUTHORITY, KIND.name, member="budget"))
    above = lineage(known, budget.mark)
    if len(above) >= LINEAGE_MAX:
        raise Refusal(refused(Code.MARK_DEPTH, KIND.name, most=LINEAGE_MAX))
    return above[0][1].valid_until - 1


def _ended(object_: Object, known: Known, at: int) -> Plan:
    """The mark after its time. What is left of it returns account by account (`mark_account/1`)."""
    lookups = tuple(row for row in object_.lookups if row[0] != "budget")
    body = policy_in(object_)
    return Plan(
        objects=(Object("mark", object_.key, object_.owner, "ended", None, body, lookups, 0),)
    )


DUE = DueKind("mark", _ended)
KIND = Kind(PutMark, ANYONE, _plan, _needs)
