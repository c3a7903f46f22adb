"""A dry run: the writer's own decision on what a reader sees, with the trace of every rule (D6)."""

from __future__ import annotations

from ledger.core.amount import format_amount
from ledger.core.decision import Audience, Refused
from ledger.core.ids import b64
from ledger.core.needs import Known
from ledger.core.plan import Plan
from ledger.decide import Accepted, Traced, decide, needs, trace
from ledger.writer.reading import check_new_keys, check_signatures, signature_needs
from sandbox_api.front import Checked
from sandbox_api.parts import Parts
from sandbox_api.problems import audible, reason_body
from sandbox_api.reading.known import read_with
from sandbox_api.wire import AccountAfter, DryRun, PostingBody, TraceLine


def dry_run(parts: Parts, checked: Checked, lang: str) -> DryRun:
    """What would come of a transaction now: nothing, where the ledger has it already.

    Raises BadSignature, Malformed as submitting would.
    """
    transaction, at = checked.transaction, parts.door.time()
    check_new_keys(transaction)

    def decision(known: Known) -> tuple[Accepted | Refused, list[Traced]]:
        if not checked.offer.verified:
            check_signatures(transaction, known)
        return (
            decide(transaction, known, at, parts.ledger),
            trace(transaction, known, at, parts.ledger),
        )

    with parts.reader.snapshot() as view:
        size = view.head().size
        if view.find([transaction.id]):
            return DryRun(True, at, size, (), (), {}, (), ())  # again: the first receipt, no more
        decided, traced = read_with(
            view,
            decision,
            lambda known: (*signature_needs(transaction), *needs(transaction, known, at)),
        )
    lines = tuple(_line(one) for one in traced if not _is_secret(one))
    if isinstance(decided, Refused):
        reasons = tuple(reason_body(reason, lang) for reason in audible(decided.reasons))
        return DryRun(False, at, size, (), (), {}, reasons, lines)
    postings, balances = _outcome(decided.plan)
    return DryRun(True, at, size, postings, balances, dict(decided.plan.facts), (), lines)


def _outcome(plan: Plan) -> tuple[tuple[PostingBody, ...], tuple[AccountAfter, ...]]:
    postings: list[PostingBody] = []
    left: dict[bytes, int] = {}
    shown: dict[bytes, AccountAfter] = {}
    for movement in plan.movements:
        source, target, scale = movement.source, movement.target, movement.asset.scale
        amount = format_amount(movement.amount, scale)
        postings.append(PostingBody(b64(source.id), b64(target.id), source.asset, amount))
        for account, by in ((source, -movement.amount), (target, movement.amount)):
            left[account.id] = left.get(account.id, account.balance) + by
            balance = format_amount(left[account.id], scale)
            shown[account.id] = AccountAfter(b64(account.id), account.asset, balance)
    return tuple(postings), tuple(shown.values())


def _line(traced: Traced) -> TraceLine:
    row, reason = traced.row, traced.reason
    return TraceLine(
        rule=row.rule.name,
        passed=reason is None,
        applies=traced.applies,
        params={} if reason is None else reason.params,
        basis=row.basis,
        code=None if reason is None else reason.code,
    )


def _is_secret(traced: Traced) -> bool:
    return traced.reason is not None and traced.reason.audience is Audience.SUPERVISOR
