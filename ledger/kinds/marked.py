"""Marks as the kinds and the guard (`ledger.marks`) see them: policies with what binds above them,
accounts that bear a mark, the budget they came from. No kind itself.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.account import Account, AccountKind
from ledger.core.decision import Code, refused
from ledger.core.ids import b64
from ledger.core.mark import UNMARK, Categories, Marked, MarkPolicy
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.party import Party
from ledger.core.vat import VAT
from ledger.kinds.kind import Refusal, account_needs, id_of, named_account, require


def named_mark(known: Known, mark: str, at: int, kind: str) -> Object:
    """The mark of this id, or MARK_UNKNOWN, or MARK_ENDED where its time is over."""
    found = require(known.object("mark", id_of(mark)), Code.MARK_UNKNOWN, kind, mark=mark)
    if found.status != "active" or policy_in(found).valid_until <= at:
        raise Refusal(refused(Code.MARK_ENDED, kind, mark=mark))
    return found


def policy_in(object_: Object) -> MarkPolicy:
    """The body of a mark."""
    return body_of(object_, MarkPolicy)


def policy_of(known: Known, mark: str) -> MarkPolicy:
    """The policy of a mark that an account bears."""
    found = known.object("mark", id_of(mark))
    if found is None:
        raise AssertionError(f"an account bears mark {mark}, which is not there")
    return policy_in(found)


def lineage(known: Known, mark: str) -> list[tuple[str, MarkPolicy]]:
    """The mark and those above it, itself first, each with its policy."""
    found: list[tuple[str, MarkPolicy]] = []
    while mark:
        policy = policy_of(known, mark)
        found.append((mark, policy))
        mark = budget_of(known, policy).mark
    return found


def is_final(known: Known, policy: MarkPolicy, payee: bytes, party: Party) -> bool:
    """Whether this party (its id and body) is a final payee, at whom the money is unmarked."""
    if policy.on_final != UNMARK:
        return False
    if b64(payee) in policy.payees:
        return True
    if not policy.has_finals or (policy.roles and party.role not in policy.roles):
        return False
    if not policy.categories:
        return True
    attested = known.body("categories", payee, Categories)
    return attested is not None and not set(policy.categories).isdisjoint(attested.codes)


def budget_of(known: Known, policy: MarkPolicy) -> Account:
    """The account that the mark's money came from and returns to."""
    return named_account(known, id_of(policy.budget))


def home_of(known: Known, account: Account) -> tuple[list[str], Account]:
    """Where money that this account paid comes back to: the account itself, or once it is closed
    its mark's budget, or the budget above that; and the marks that are behind it by then."""
    ended: list[str] = []
    while account.mark and account.status == "closed":
        ended.append(account.mark)
        account = budget_of(known, policy_of(known, account.mark))
    return ended, account


def marked_of(known: Known, account: Account) -> Marked:
    """What is remembered of an account that bears a mark; of what is held beside a frozen one, what
    is remembered of that."""
    id = account.id
    if account.kind == AccountKind.HELD:
        (id,) = known.lookup("freeze", "held", id)
    found = known.object("marked", id)
    if found is None:
        raise AssertionError(f"account {b64(account.id)} bears a mark that nobody gave it")
    return body_of(found, Marked)


def marked_account(known: Known, id: bytes, kind: str, which: str) -> Account:
    """The account that bears a mark, in whatever status, or ACCOUNT_UNKNOWN / ACCOUNT_KIND."""
    account = known.account(id)
    if account is None:
        raise Refusal(refused(Code.ACCOUNT_UNKNOWN, kind, member=which))
    if known.object("marked", id) is None:
        raise Refusal(refused(Code.ACCOUNT_KIND, kind, member=which, kind=account.kind.value))
    return account


def check_ends(known: Known, account: Account, ends_at: int, kind: str) -> None:
    """DATES_CONFLICT where marked money would be reserved up to the end of its mark or beyond: what
    returns must find its account open."""
    if account.mark == VAT:
        raise Refusal(refused(Code.ACCOUNT_KIND, kind, member="from", kind=account.kind.value))
    if account.mark and policy_of(known, account.mark).valid_until <= ends_at:
        raise Refusal(refused(Code.DATES_CONFLICT, kind, member="ends_at"))


def mark_needs(known: Known, mark: str) -> Iterator[Need]:
    """Needs of `lineage`, and of what returns to the budget. A prefetch."""
    need: Need = ("object", "mark", id_of(mark))
    yield need
    policy = known.values.get(need)
    if policy is None:
        return
    budget = id_of(policy.body.budget)
    yield from account_needs(known, budget)
    account = known.values.get(("account", budget))
    if account is not None and account.mark:
        yield from mark_needs(known, account.mark)


def marked_needs(known: Known, id: bytes) -> Iterator[Need]:
    """Needs of an account that bears a mark: itself, what is remembered of it, its mark."""
    yield from account_needs(known, id)
    yield ("object", "marked", id)
    account = known.values.get(("account", id))
    if account is not None and account.mark not in ("", VAT):
        yield from mark_needs(known, account.mark)
