"""PURE: deciding. A function of a transaction, what it reads, and a time (design D3, D6).

The order of a decision: the envelope against this ledger, who signed, what the kind would do, every
rule of the pack in force over every movement, funds last. Between the plan and the rules, linked
deposits give and take (`ledger.waterfall`) and marks are guarded (`ledger.marks`). No kind can opt
out of a rule: rules see the movements of the plan, whichever kind made them. The writer, the dry
run and the deciding audit all come through here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger import marks, waterfall
from ledger.core import counters
from ledger.core.account import RESERVED, AccountKind
from ledger.core.amount import format_amount
from ledger.core.asset import TENGE_CLASSES
from ledger.core.decision import Code, Params, Reason, Refused, in_precedence, refused
from ledger.core.geometry import Point
from ledger.core.ids import TransactionId, b64, derive_key, thumbprint, unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of, payee_of
from ledger.core.party import Party, Role
from ledger.core.plan import Movement, Plan
from ledger.core.proposal import Proposal
from ledger.core.state import AMOUNT_MAX
from ledger.core.transaction import NOT_AFTER_AHEAD_MAX_MS, Signer, Transaction
from ledger.kinds import KINDS, read_proposed
from ledger.kinds.approve import Approve
from ledger.kinds.expire import Expire
from ledger.kinds.genesis import GenesisPayload
from ledger.kinds.kind import Kind, Refusal, id_of
from ledger.kinds.propose import closed
from ledger.kinds.quoted import offered
from ledger.kinds.refund import Refund
from ledger.kinds.till import AtTill, request_of
from ledger.rules import approvals
from ledger.rules.holding_max import holdings, is_quiet
from ledger.rules.pack import Row, pack_in_force, parameters_in, read_pack
from ledger.rules.rule import Case, case_needs, case_of

LEDGER = "ledger/1"
"""Name under which the checks of this module give their reasons."""


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
    drafted = draft(tx, known, at, ledger, rows)
    if isinstance(drafted, Refused):
        return drafted
    reasons: list[Reason] = []
    _check_payees(drafted, known)
    cases = cases_of(tx, drafted, known, at, rows)
    for case in cases:
        for reason in judge(case, rows):
            if reason not in reasons:
                reasons.append(reason)
    reasons += _money(drafted.movements, known, offered(tx))
    if reasons:
        return Refused(in_precedence(reasons))
    zone = next((case.zone.key for case in cases if case.zone is not None), None)
    return Accepted(settle(drafted, zone, at), pack.digest)


def draft(
    tx: Transaction, known: Known, at: int, ledger: str, rows: tuple[Row, ...]
) -> Plan | Refused:
    """What the kind would do, and what flows from and to linked deposits: all checks but rules and
    funds. The audit re-applies through this.

    `rows`: the rules in force; without one almost everything is refused.
    """
    kind = KINDS[type(tx.payload)]
    signer = _envelope(tx, kind, known, at, ledger)
    if isinstance(signer, Refused):
        return signer
    if not rows and not kind.without_pack:
        return refused(Code.PACK_EMPTY, LEDGER)
    needed = keys_needed(kind.name, signer.party.role, rows)
    if needed > 1 and not kind.lone(signer, known):
        return refused(Code.APPROVALS_MISSING, LEDGER, kind=kind.name, needed=needed)
    try:
        plan = kind.plan(tx, signer, known, at)
        if isinstance(plan, Plan) and isinstance(tx.payload, Approve):
            plan = _approved(plan, signer, known, at, rows)
        if isinstance(plan, Refused):
            return plan
        return marks.guarded(waterfall.flowing(plan, known, rows), tx, known, at)
    except Refusal as refusal:
        return refusal.refusal


def keys_needed(kind: str, role: Role, rows: tuple[Row, ...]) -> int:
    """How many keys of a party of this role must agree to a transaction of this kind."""
    parameters = parameters_in(rows, approvals.Parameters)
    return 1 if parameters is None else parameters.needed(kind, role)


def keys_to_agree(kind: str, role: Role, rows: tuple[Row, ...]) -> int:
    """How many keys must agree to a proposal of this kind before it is done: two at least."""
    return max(2, keys_needed(kind, role, rows))


def keys_agreed(body: Proposal, known: Known) -> int:
    """How many keys agree to a proposal; keys revoked since they agreed count no more."""
    keys = [known.object("key", unb64(kid, 32)) for kid in body.approvals]
    return sum(key is not None and key.status == "active" for key in keys)


def _approved(
    plan: Plan, signer: Signer, known: Known, at: int, rows: tuple[Row, ...]
) -> Plan | Refused:
    """The approval, and with it what was proposed where the number of keys is now full."""
    (proposal,) = plan.objects
    body = body_of(proposal, Proposal)
    agreed = keys_agreed(body, known)
    if agreed < keys_to_agree(body.kind, signer.party.role, rows):
        return plan
    done = executed(proposal, signer.kid)
    kind = KINDS[type(done.payload)]
    if signer.party.role not in kind.roles:
        return refused(Code.ROLE_NOT_ADMITTED, LEDGER, role=signer.party.role.value)
    what = kind.plan(done, signer, known, at)
    if isinstance(what, Refused):
        return what
    return msgspec.structs.replace(
        what,
        objects=(closed(proposal, "done"), *what.objects),
        facts={**what.facts, **plan.facts},
    )


def executed(proposal: Object, kid: bytes) -> Transaction:
    """What a proposal puts forward, as its last approval does it: ids that it creates are derived
    from the transaction that proposed it, so whoever proposes knows them."""
    body = body_of(proposal, Proposal)
    id = TransactionId(body.not_after, unb64(body.digest, 32))
    return Transaction(id, kid, read_proposed(body.payload), b"", ())


def _check_payees(plan: Plan, known: Known) -> None:
    """Money is reserved under the eyes of the rules for the one who is to be paid: a kind that
    names another payee to them than in the object is at fault."""
    for movement in plan.movements:
        target = movement.target
        if target.kind not in RESERVED:
            continue
        of_plan = (o for o in plan.objects if (o.type, o.key) == (target.kind.value, target.id))
        reserved = next(of_plan, None) or known.object(target.kind.value, target.id)
        payee = reserved and known.account(payee_of(reserved))
        party = payee and known.body("party", payee.owner, Party)
        if party != movement.target_party:
            raise AssertionError(f"reserved for another party than the object of {b64(target.id)}")


def cases_of(
    tx: Transaction, plan: Plan, known: Known, at: int, rows: tuple[Row, ...]
) -> list[Case]:
    """What the rules judge: every movement in its context. What ends by time must not be refused,
    so no limit of holdings is judged there."""
    cases = [case_of(movement, known, at) for movement in plan.movements]
    if not cases or isinstance(tx.payload, Expire):
        return cases
    limits = waterfall.limits_in_force(rows)
    if limits is not None and not is_quiet(plan.movements, limits):
        for holding in holdings(plan.movements).values():
            case = cases[holding.place]
            cases[holding.place] = msgspec.structs.replace(case, holding=holding)
    return cases


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
    drafted = draft(tx, known, at, ledger, rows)
    if isinstance(drafted, Refused):
        return []
    cases = cases_of(tx, drafted, known, at, rows)
    return [
        Traced(row, case.tender, next(judge(case, (row,)), None)) for case in cases for row in rows
    ]


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
    rows = _rows_loaded(known, at)
    yield from _money_needs(tx, known, rows)
    if isinstance(tx.payload, Approve):
        yield from _executed_needs(tx.payload, tx.kid, known, at)
    yield from _rule_needs(tx, known, at)


def _money_needs(tx: Transaction, known: Known, rows: tuple[Row, ...]) -> Iterator[Need]:
    """Needs of the kind, and of what is done with its movements before rules judge them."""
    own = KINDS[type(tx.payload)].needs(tx, known)
    yield from marks.needs(waterfall.needs(own, known, rows), known)


def _rows_loaded(known: Known, at: int) -> tuple[Row, ...]:
    """The rules in force, as far as the pack is loaded yet."""
    for digest in known.values.get(("lookup", "pack", "current", b""), ()):
        found = known.values.get(("object", "pack", digest))
        if found is not None:
            return read_pack(found.body.text, found.body.base).in_force(at)
    return ()


def _executed_needs(payload: Approve, kid: bytes, known: Known, at: int) -> Iterator[Need]:
    """Needs of what an approval may do."""
    proposal: Object | None = known.values.get(("object", "proposal", id_of(payload.proposal)))
    if proposal is None:
        return
    for approval in body_of(proposal, Proposal).approvals:
        yield ("object", "key", unb64(approval, 32))
    done = executed(proposal, kid)
    rows = _rows_loaded(known, at)
    yield from _money_needs(done, known, rows)
    yield from _rule_needs(done, known, at)


def _rule_needs(tx: Transaction, known: Known, at: int) -> Iterator[Need]:
    """Needs of the rules for the kinds that happen at a till."""
    if isinstance(tx.payload, AtTill):
        source_id, terminal = id_of(tx.payload.from_), request_of(tx).kid
    elif isinstance(tx.payload, Refund):
        payment = known.values.get(("object", "payment", id_of(tx.payload.payment)))
        if payment is None or not payment.body.terminal:
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


def _money(
    movements: tuple[Movement, ...], known: Known, offered: frozenset[bytes]
) -> list[Reason]:
    """Funds, and sums that would leave what can be counted; movements act one after another. All
    that was ever issued of an asset stays countable, so its supply is exact for ever.

    An account that lacks money is told of once, with all that would leave it. Of the accounts
    that another party `offered` to pay from, nobody hears what they hold."""
    reasons: list[Reason] = []
    moved: dict[bytes, int] = {}
    short: set[bytes] = set()
    for movement in movements:
        source, target, amount = movement.source, movement.target, movement.amount
        left = moved.get(source.id, source.balance) - amount
        gained = moved.get(target.id, target.balance) + amount
        if left < 0 and source.kind != AccountKind.ISSUE and source.id not in short:
            short.add(source.id)
            reasons.append(_funds(movement, movements, left + amount, source.id in offered))
        issued = 0
        if movement.purpose == "issue":
            issued = known.counter(counters.ISSUED, 0, source.asset.encode(), "")
        if left < -AMOUNT_MAX or gained > AMOUNT_MAX or issued + amount > AMOUNT_MAX:
            asset, scale = movement.asset.code, movement.asset.scale
            params: Params = {"asset": asset, "amount": format_amount(amount, scale)}
            reasons.append(Reason(Code.BALANCE_RANGE, LEDGER, params))
        moved[source.id], moved[target.id] = left, gained
    return reasons


def _funds(short: Movement, movements: tuple[Movement, ...], held: int, offered: bool) -> Reason:
    """What the account of the movement that falls short lacks: all that these movements take from
    it, against what it has for them. `held` is what it holds when its turn comes; of an account
    that another party `offered` that is not told."""
    source, scale = short.source.id, short.asset.scale
    before = movements[: next(n for n, each in enumerate(movements) if each is short)]
    taken = sum(each.amount for each in before if each.source.id == source)
    asked = sum(each.amount for each in movements if each.source.id == source)
    if offered:
        amount = format_amount(asked, scale)
        return Reason(Code.INVENTORY, LEDGER, {"asset": short.asset.code, "amount": amount})
    params: Params = {
        "asset": short.asset.code,
        "amount": format_amount(asked, scale),
        "available": format_amount(held + taken, scale),
    }
    return Reason(Code.FUNDS, LEDGER, params)
