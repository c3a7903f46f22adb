"""PURE: deciding. A function of a transaction, what it reads, and a time (design D3, D6).

The order of a decision: the envelope against this ledger, who signed, what the kind would do, every
rule of the pack in force over every movement, funds last. No kind can opt out of a rule: rules see
the movements of the plan, whichever kind made them. The writer, the dry run and the deciding audit
all come through here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.core import counters
from ledger.core.account import AccountKind
from ledger.core.amount import format_amount
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Code, Params, Reason, Refused, in_precedence, refused
from ledger.core.geometry import Point
from ledger.core.ids import b64, derive_key, thumbprint, unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import PackInForce
from ledger.core.party import Party, Role
from ledger.core.plan import Movement, Plan
from ledger.core.state import AMOUNT_MAX
from ledger.core.transaction import NOT_AFTER_AHEAD_MAX_MS, Signer, Transaction
from ledger.kinds import KINDS
from ledger.kinds.genesis import GenesisPayload
from ledger.kinds.kind import Kind, Refusal, id_of
from ledger.kinds.pay import Pay
from ledger.kinds.refund import Refund
from ledger.rules.pack import Pack, Row, read_pack
from ledger.rules.rule import Case, case_needs, case_of

LEDGER = "ledger/1"
"""Name under which the checks of this module give their reasons."""

_EMPTY = Pack("", "", ())


class Accepted(msgspec.Struct, frozen=True):
    """What the transaction does, complete: movements, objects, counter sums, facts; and the digest
    of the pack it passed."""

    plan: Plan
    pack: str


class Traced(msgspec.Struct, frozen=True):
    """One rule over one movement, for a dry run. `applies`: whether the movement is a tender."""

    row: Row
    applies: bool
    reason: Reason | None


def decide(tx: Transaction, known: Known, at: int, ledger: str) -> Accepted | Refused:
    """Accept or refuse. Raises NeedMissing where something was not loaded, Malformed where what a
    payload holds cannot be read (an amount, an id, a pack)."""
    pack = pack_in_force(known)
    rows = pack.in_force(at)
    drafted = draft(tx, known, at, ledger, bool(rows))
    if isinstance(drafted, Refused):
        return drafted
    reasons: list[Reason] = []
    cases = [case_of(movement, known, at) for movement in drafted.movements]
    for case in cases:
        reasons += judge(case, rows)
    reasons += _money(drafted.movements, known)
    if reasons:
        return Refused(in_precedence(reasons))
    zone = next((case.zone.key for case in cases if case.zone is not None), None)
    return Accepted(settle(drafted, zone, at), pack.digest)


def draft(tx: Transaction, known: Known, at: int, ledger: str, ruled: bool) -> Plan | Refused:
    """What the kind would do: all checks but rules and funds. The audit re-applies through this.

    `ruled`: whether any rule is in force; without one almost everything is refused.
    """
    kind = KINDS[type(tx.payload)]
    checked = _envelope(tx, kind, known, at, ledger)
    if isinstance(checked, Refused):
        return checked
    if not ruled and not kind.without_pack:
        return refused(Code.PACK_EMPTY, LEDGER)
    try:
        return kind.plan(tx, checked, known, at)
    except Refusal as refusal:
        return refusal.refusal


def settle(plan: Plan, zone: bytes | None, at: int) -> Plan:
    """The plan with the counters of direct payments, fed whichever pack is in force, and what the
    deciding zone fixes: its own counter and its fact."""
    day = counters.local_day(at)
    counts = list(plan.counts)
    for movement in plan.movements:
        if movement.place is None or movement.purpose == "refund":
            continue
        if movement.asset.class_ in TENGE_CLASSES:
            continue
        value = movement.value or 0
        counts.append((counters.TENDER_DAY, day, movement.source.owner, "", value))
        if zone is not None:
            counts.append((counters.ZONE_DAY, day, zone, "", value))
    facts = plan.facts if zone is None else {**plan.facts, "zone": b64(zone)}
    if not counts and zone is None:
        return plan
    return msgspec.structs.replace(plan, counts=tuple(counts), facts=facts)


def judge(case: Case, rows: tuple[Row, ...]) -> Iterator[Reason]:
    """Reasons of all these rules that the movement fails."""
    for row in rows:
        finding = row.rule.check(case, row.parameters)
        if finding is not None:
            yield Reason(finding.code, row.rule.name, finding.params, row.basis, finding.audience)


def trace(tx: Transaction, known: Known, at: int, ledger: str) -> list[Traced]:
    """Every rule in force over every movement, passed or not; none where the kind refuses."""
    rows = pack_in_force(known).in_force(at)
    drafted = draft(tx, known, at, ledger, bool(rows))
    if isinstance(drafted, Refused):
        return []
    cases = [case_of(movement, known, at) for movement in drafted.movements]
    return [
        Traced(row, case.tender, next(judge(case, (row,)), None)) for case in cases for row in rows
    ]


def pack_in_force(known: Known) -> Pack:
    """The current rule pack; an empty one before the first."""
    current = known.lookup("pack", "current", b"")
    if not current:
        return _EMPTY
    body = known.body("pack", current[0], PackInForce)
    if body is None:
        raise AssertionError("the look-up names a pack that is not there")
    return read_pack(body.text, body.base)


def needs(tx: Transaction, known: Known, at: int) -> Iterator[Need]:
    """Everything a decision on `tx` is known to read: called again while it finds new needs, at
    most four rounds (D8). A prefetch: what it misses is loaded one by one."""
    key: Need = ("object", "key", tx.kid)
    yield key
    yield ("object", "genesis", b"")
    current: Need = ("lookup", "pack", "current", b"")
    yield current
    signer = known.values.get(key)
    if signer is not None:
        yield ("object", "party", signer.owner)
    for digest in known.values.get(current, ()):
        yield ("object", "pack", digest)
    yield from KINDS[type(tx.payload)].needs(tx, known)
    yield from _rule_needs(tx, known, at)


def _rule_needs(tx: Transaction, known: Known, at: int) -> Iterator[Need]:
    """Needs of the rules for the kinds that happen at a till."""
    if isinstance(tx.payload, Pay):
        if tx.request is None:
            return
        source_id, terminal = id_of(tx.payload.from_), tx.request.terminal
    elif isinstance(tx.payload, Refund):
        payment = known.values.get(("object", "payment", id_of(tx.payload.payment)))
        if payment is None:
            return
        source_id, terminal = id_of(tx.payload.from_), unb64(payment.body.terminal, 32)
    else:
        return
    source = known.values.get(("account", source_id))
    till: Any = known.values.get(("object", "terminal", terminal))
    asset: Any = source and known.values.get(("object", "asset", source.asset.encode()))
    if source is None or till is None or asset is None or asset.body.class_ in TENGE_CLASSES:
        return
    point: Point = till.body.place
    yield from case_needs(known, source, source, point, till.owner, at)


def _envelope(tx: Transaction, kind: Kind, known: Known, at: int, ledger: str) -> Signer | Refused:
    """The envelope against this ledger and this time, and who signed."""
    if isinstance(tx.payload, GenesisPayload):
        return _first_signer(tx, tx.payload)
    not_after = tx.id.not_after
    if tx.payload.ledger != ledger:
        return refused(Code.LEDGER_OTHER, LEDGER, ledger=ledger)
    if not_after < at:
        return refused(Code.EXPIRED, LEDGER, not_after=not_after, at=at)
    if not_after > at + NOT_AFTER_AHEAD_MAX_MS:
        limit = at + NOT_AFTER_AHEAD_MAX_MS
        return refused(Code.NOT_AFTER_TOO_FAR, LEDGER, not_after=not_after, limit=limit)
    key = known.object("key", tx.kid)
    if key is None:
        return refused(Code.KEY_UNKNOWN, LEDGER, kid=b64(tx.kid))
    if key.status != "active":
        return refused(Code.KEY_NOT_ACTIVE, LEDGER, kid=b64(tx.kid), status=key.status)
    party = known.body("party", key.owner, Party)
    if party is None:
        raise AssertionError(f"key {b64(tx.kid)} belongs to no party")
    if party.role not in kind.roles:
        return refused(Code.ROLE_NOT_ADMITTED, LEDGER, role=party.role.value)
    return Signer(tx.kid, key.owner, party)


def _first_signer(tx: Transaction, payload: GenesisPayload) -> Signer | Refused:
    """Genesis is signed by the key it registers: nobody was there before."""
    if tx.kid != thumbprint(unb64(payload.central_bank, 32)):
        return refused(Code.KEY_UNKNOWN, LEDGER, kid=b64(tx.kid))
    id = derive_key(tx.id, "central_bank")
    return Signer(tx.kid, id, Party(Role.CENTRAL_BANK, 3, b64(id)))


def _money(movements: tuple[Movement, ...], known: Known) -> list[Reason]:
    """Funds, and sums that would leave what can be counted; movements act one after another. All
    that was ever issued of an asset stays countable, so its supply is exact for ever."""
    reasons: list[Reason] = []
    moved: dict[bytes, int] = {}
    for movement in movements:
        source, target, amount = movement.source, movement.target, movement.amount
        left = moved.get(source.id, source.balance) - amount
        gained = moved.get(target.id, target.balance) + amount
        if left < 0 and source.kind != AccountKind.ISSUE:
            reasons.append(_reason(Code.FUNDS, movement, left + amount))
        issued = 0
        if movement.purpose == "issue":
            issued = known.counter(counters.ISSUED, 0, source.asset.encode(), "")
        if left < -AMOUNT_MAX or gained > AMOUNT_MAX or issued + amount > AMOUNT_MAX:
            reasons.append(_reason(Code.BALANCE_RANGE, movement, left + amount))
        moved[source.id], moved[target.id] = left, gained
    return reasons


def _reason(code: Code, movement: Movement, available: int) -> Reason:
    scale = movement.asset.scale
    params: Params = {
        "asset": movement.asset.code,
        "amount": format_amount(movement.amount, scale),
    }
    if code == Code.FUNDS:
        params["available"] = format_amount(available, scale)
    return Reason(code, LEDGER, params)
