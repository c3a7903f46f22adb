"""Problems: every answer that is not a success, as RFC 9457 `application/problem+json`.

HTTP statuses are known here alone: of refusal codes (`STATUS_OF`), of the sandbox's own codes
(`OWN`), of errors the ledger raises. A code is stable and for programs; sentences are for people
and come from `sandbox_api.sentences`. `retryable` says that nothing happened and that the same
bytes may be sent again soon; a refusal never is, though money or an hour may change its outcome.
Who reads which reason is decided here too: a reason for the supervisor alone becomes
`DECLINED_BY_COMPLIANCE` for everyone else (D6).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import msgspec

from ledger.core.decision import Audience, Basis, Code, Params, Reason, in_precedence
from ledger.errors import (
    BadSignature,
    DoorShut,
    LedgerError,
    LogDamaged,
    Malformed,
    Overloaded,
    StoreProblem,
)
from ledger.writer.answers import Busy, Declined, Unread
from sandbox_api import sentences

PROBLEM_JSON: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:tenge-sandbox:problem:"
"""`type` is this and the code: an identifier (RFC 9457 part 3.1.1), nothing to open."""

_FORBIDDEN, _CONFLICT, _UNFIT = 403, 409, 422

STATUS_OF: Final[Mapping[Code, int]] = {
    Code.LEDGER_OTHER: _UNFIT,
    Code.EXPIRED: _UNFIT,
    Code.NOT_AFTER_TOO_FAR: _UNFIT,
    Code.KEY_UNKNOWN: _FORBIDDEN,
    Code.KEY_NOT_ACTIVE: _FORBIDDEN,
    Code.ROLE_NOT_ADMITTED: _FORBIDDEN,
    Code.NOT_ISSUER: _FORBIDDEN,
    Code.NO_AUTHORITY: _FORBIDDEN,
    Code.APPROVALS_MISSING: _FORBIDDEN,
    Code.APPROVED_ALREADY: _CONFLICT,
    Code.ALREADY_REGISTERED: _CONFLICT,
    Code.PARTY_UNKNOWN: _UNFIT,
    Code.ASSET_UNKNOWN: _UNFIT,
    Code.ASSET_NOT_ADMITTED: _UNFIT,
    Code.ACCOUNT_UNKNOWN: _UNFIT,
    Code.ACCOUNT_FROZEN: _CONFLICT,
    Code.ACCOUNT_NOT_OPEN: _CONFLICT,
    Code.ACCOUNT_KIND: _UNFIT,
    Code.MARK_NOT_CONVERTIBLE: _FORBIDDEN,
    Code.ACCOUNT_NOT_EMPTY: _CONFLICT,
    Code.ACCOUNT_IN_USE: _CONFLICT,
    Code.TARGET_NOT_ADMITTED: _FORBIDDEN,
    Code.SAME_ACCOUNT: _UNFIT,
    Code.PAYEE_TWICE: _UNFIT,
    Code.ASSET_DIFFERS: _UNFIT,
    Code.AMOUNT_FORM: _UNFIT,
    Code.SHARES_SUM: _UNFIT,
    Code.ZONE_UNKNOWN: _UNFIT,
    Code.PERMIT_UNKNOWN: _UNFIT,
    Code.VENUE_UNKNOWN: _FORBIDDEN,
    Code.VENUE_NOT_ACTIVE: _FORBIDDEN,
    Code.PROPOSAL_UNKNOWN: _UNFIT,
    Code.RECOVERY_UNKNOWN: _UNFIT,
    Code.ASK_UNKNOWN: _UNFIT,
    Code.ASKS_OPEN_MAX: _FORBIDDEN,
    Code.HOLD_UNKNOWN: _UNFIT,
    Code.CONSENT_UNKNOWN: _FORBIDDEN,
    Code.CONSENT_NOT_ACTIVE: _CONFLICT,
    Code.CONSENT_SCOPE: _FORBIDDEN,
    Code.CONSENT_CAP_PAYMENT: _FORBIDDEN,
    Code.CONSENT_CAP_DAY: _FORBIDDEN,
    Code.ALIAS_UNKNOWN: _UNFIT,
    Code.LOCK_UNKNOWN: _UNFIT,
    Code.LINK_UNKNOWN: _UNFIT,
    Code.PURSE_UNKNOWN: _UNFIT,
    Code.PURSE_TERMS: _FORBIDDEN,
    Code.OFFLINE_NOT_ADMITTED: _FORBIDDEN,
    Code.MARK_UNKNOWN: _UNFIT,
    Code.MARK_DEPTH: _CONFLICT,
    Code.EVENT_EXPIRED: _CONFLICT,
    Code.VAT_UNREGISTERED: _UNFIT,
    Code.VAT_CATEGORY: _UNFIT,
    Code.VAT_SPLIT: _UNFIT,
    Code.VAT_CLAIM: _FORBIDDEN,
    Code.CLAIM_UNKNOWN: _UNFIT,
    Code.MARK_ENDED: _CONFLICT,
    Code.MARK_BOUND: _FORBIDDEN,
    Code.MARK_PAYEE: _FORBIDDEN,
    Code.MARK_GOODS: _FORBIDDEN,
    Code.MARK_CONDITION: _FORBIDDEN,
    Code.MARK_PAYEE_MAX: _FORBIDDEN,
    Code.STATUS_CONFLICT: _CONFLICT,
    Code.KEY_LAST: _CONFLICT,
    Code.DATES_CONFLICT: _CONFLICT,
    Code.PACK_UNKNOWN: _UNFIT,
    Code.PREIMAGE_WRONG: _UNFIT,
    Code.NOT_DUE: _CONFLICT,
    Code.QUOTE_KEY: _FORBIDDEN,
    Code.QUOTE_EXPIRED: _CONFLICT,
    Code.QUOTE_USED: _CONFLICT,
    Code.QUOTE_TAKER: _FORBIDDEN,
    Code.REQUEST_EXPIRED: _CONFLICT,
    Code.REQUEST_PAID: _CONFLICT,
    Code.TENDER_NOT_OFFERED: _UNFIT,
    Code.TENDER_VALUE: _UNFIT,
    Code.QUOTE_VALUE: _UNFIT,
    Code.PAYMENT_UNKNOWN: _UNFIT,
    Code.REFUND_TOO_MUCH: _UNFIT,
    Code.CAPTURE_TOO_MUCH: _UNFIT,
    Code.PAYMENT_SETTLED: _CONFLICT,
    Code.SOURCE_EXCEEDED: _UNFIT,
    Code.HOPS: _FORBIDDEN,
    Code.PURSE_CAP: _FORBIDDEN,
    Code.NO_CONTRADICTION: _UNFIT,
    Code.CLOCK_BACKWARDS: _CONFLICT,
    Code.PACK_EMPTY: _FORBIDDEN,
    Code.TENDER_NEVER: _FORBIDDEN,
    Code.TERMINAL_UNKNOWN: _FORBIDDEN,
    Code.ZONE_OUTSIDE: _FORBIDDEN,
    Code.ZONE_NOT_ACTIVE: _FORBIDDEN,
    Code.ZONE_NOT_YET: _FORBIDDEN,
    Code.ZONE_ENDED: _FORBIDDEN,
    Code.ZONE_CLOSED: _FORBIDDEN,
    Code.ASSET_CLASS_NOT_ADMITTED: _FORBIDDEN,
    Code.ASSET_NOT_LISTED: _FORBIDDEN,
    Code.PERMIT_MISSING: _FORBIDDEN,
    Code.PERMIT_NOT_VALID: _FORBIDDEN,
    Code.RATE_MISSING: _FORBIDDEN,
    Code.RATE_STALE: _FORBIDDEN,
    Code.KYC_TIER: _FORBIDDEN,
    Code.CAP_PAYMENT: _FORBIDDEN,
    Code.CAP_DAY: _FORBIDDEN,
    Code.ZONE_CAP_PAYMENT: _FORBIDDEN,
    Code.ZONE_CAP_DAY: _FORBIDDEN,
    Code.HOLDING_MAX: _FORBIDDEN,
    Code.DECLINED_BY_COMPLIANCE: _FORBIDDEN,
    Code.BALANCE_RANGE: _UNFIT,
    Code.INVENTORY: _CONFLICT,
    Code.FUNDS: _UNFIT,
}
"""The HTTP status of a refusal whose first reason has this code."""


class Kind(NamedTuple):
    """One of the sandbox's own problems: status, title, and whether to try again."""

    status: int
    title: str
    retryable: bool = False


OWN: Final[Mapping[str, Kind]] = {
    "auth.missing": Kind(401, "An API key is needed"),
    "auth.unknown": Kind(401, "This API key is not known"),
    "auth.scope": Kind(403, "This API key may not do that"),
    "host.unknown": Kind(421, "This server does not answer to that name"),
    "origin.cross": Kind(403, "Another site's page may not call this API"),
    "not_found": Kind(404, "There is no such thing"),
    "route.unknown": Kind(404, "There is no such path"),
    "route.method": Kind(405, "This path has no such method"),
    "body.length": Kind(411, "Say how long the body is: Content-Length"),
    "body.size": Kind(413, "The body is too long"),
    "body.type": Kind(415, "This content type is not read here"),
    "body.encoding": Kind(415, "Send the body without content encoding"),
    "body.empty": Kind(400, "A body is needed"),
    "batch.lines": Kind(413, "Too many lines in one batch"),
    "request.malformed": Kind(400, "The request cannot be read"),
    "request.query": Kind(400, "A query parameter cannot be read"),
    "request.path": Kind(404, "No thing has such an id"),
    "events.filter": Kind(403, "This key reads events of named accounts and requests only"),
    "request.refused": Kind(422, "The payment request cannot be shown"),
    "record.retained": Kind(409, "This record is kept until its term is over"),
    "record.term": Kind(422, "A record's term lies ahead"),
    "record.party": Kind(422, "The record is of a party that the ledger does not know"),
    "record.full": Kind(409, "This party has as many records as are kept"),
    "alias.word": Kind(422, "Words of this form look otherwise"),
    "alias.taken": Kind(409, "Somebody is paid under this word"),
    "alias.budget": Kind(429, "This API key has asked for too many names"),
    "mark.large": Kind(422, "This programme is too large to be summed here"),
    "till.unknown": Kind(404, "There is no such till"),
    "price_source": Kind(503, "There are no prices now"),
    "overloaded": Kind(503, "The sandbox is busy", retryable=True),
    "door_shut": Kind(503, "The ledger's writer is away", retryable=True),
    "store_problem": Kind(503, "The database does not answer", retryable=True),
    "log_damaged": Kind(503, "The stored log is damaged"),
    "internal": Kind(500, "The sandbox made a mistake"),
    "internal_error": Kind(500, "The sandbox made a mistake"),
}
"""Codes of problems that are neither refusals nor faults of an envelope or payload."""

_UNREADABLE = Kind(400, "The bytes cannot be read")
_BAD_SIGNATURE = Kind(401, "The signature is not good")
_REFUSED_TITLE: Final = "Refused"
_TITLES = {401: "The signature is not good", 403: "Refused by authority or rules",
           409: "Refused: it conflicts with what is", 422: "Refused for money or form"}  # fmt: skip


class ReasonBody(msgspec.Struct, frozen=True):
    """One failed check, with its sentence in the asked language. `params` are typed: amounts as
    decimal strings, times in ms UTC, ids base64url."""

    code: str
    rule: str
    sentence: str
    basis: Basis | None
    params: Params


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """A problem as it is sent. `detail` is for people, `hint` for programmers: English, and nearer
    to the fault. `where` names the member at fault; `reasons` stand in precedence; `at` and `size`
    say on which head of the ledger it was decided."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    retryable: bool
    instance: str = ""
    request_id: str = ""
    hint: str = ""
    where: str = ""
    id: str = ""
    at: int | None = None
    size: int | None = None
    reasons: tuple[ReasonBody, ...] = ()


class Problem(Exception):
    """Ends a request with a problem. Nothing is refused by this: it carries an answer outward."""

    def __init__(
        self, code: str, detail: str = "", *, where: str = "", retry_after_s: int = 0
    ) -> None:
        super().__init__(detail or code)
        self.code: Final = code
        self.detail: Final = detail
        self.where: Final = where
        self.retry_after_s: Final = retry_after_s


class Refusal(Exception):
    """Ends a request with a refusal and its reasons; `id` is the transaction's."""

    def __init__(self, declined: Declined, id: str = "") -> None:
        super().__init__(declined.reasons[0].code)
        self.declined: Final = declined
        self.id: Final = id


def kind_of(code: str) -> Kind:
    """Status, title and retryability of any code that a problem may carry."""
    own = OWN.get(code)
    if own is not None:
        return own
    if code == "bad_signature":
        return _BAD_SIGNATURE
    if code in Code.__members__:
        status = STATUS_OF[Code[code]]
        return Kind(status, _TITLES[status])
    return _UNREADABLE


def problem_of(code: str, detail: str, lang: str, *, where: str = "") -> ProblemBody:
    """The body for one code; `detail` is what is known of the fault beside its code, in English."""
    kind = kind_of(code)
    sentence = sentences.problem(code, lang, detail or kind.title)
    return ProblemBody(
        type=TYPE_PREFIX + code,
        title=kind.title,
        status=kind.status,
        code=code,
        detail=sentence,
        retryable=kind.retryable,
        hint="" if detail in sentence else detail,
        where=where,
    )


def problem_of_refusal(
    declined: Declined, lang: str, *, id: str = "", supervisor: bool = False
) -> ProblemBody:
    """The body for a refusal, its reasons cut to what the reader may know."""
    reasons = audible(declined.reasons, supervisor=supervisor)
    bodies = tuple(reason_body(reason, lang) for reason in reasons)
    code = reasons[0].code
    status = STATUS_OF[code]
    return ProblemBody(
        type=TYPE_PREFIX + code,
        title=_TITLES[status],
        status=status,
        code=code,
        detail=bodies[0].sentence,
        retryable=False,
        id=id,
        at=declined.at,
        size=declined.size,
        reasons=bodies,
    )


def problem_of_answer(answer: Unread | Busy, lang: str) -> ProblemBody:
    """The body for a writer's answer that is neither an entry nor a refusal."""
    if isinstance(answer, Unread):
        return problem_of(answer.code, answer.message, lang, where=answer.where)
    return problem_of("overloaded", answer.message, lang)


def reason_body(reason: Reason, lang: str) -> ReasonBody:
    """One reason as it is sent."""
    sentence = sentences.render(reason, lang)
    return ReasonBody(reason.code, reason.rule, sentence, reason.basis, reason.params)


def audible(reasons: Iterable[Reason], *, supervisor: bool = False) -> tuple[Reason, ...]:
    """The reasons as someone other than a supervisor may read them: never a suspicion (D6)."""
    if supervisor:
        return tuple(reasons)
    heard: dict[tuple[str, str], Reason] = {}
    for reason in reasons:
        if reason.audience is Audience.SUPERVISOR:
            reason = Reason(Code.DECLINED_BY_COMPLIANCE, "compliance/1")
        heard.setdefault((reason.code, reason.rule), reason)
    return in_precedence(list(heard.values()))


def problem_of_error(error: LedgerError) -> Problem:
    """What the ledger raised, as a problem. Texts of store and log stay here: they name files."""
    match error:
        case Malformed():
            return Problem(error.code, str(error), where=error.where)
        case BadSignature():
            return Problem(error.code, str(error))
        case Overloaded():
            return Problem(error.code, str(error), retry_after_s=error.retry_after_s)
        case DoorShut():
            return Problem(error.code, retry_after_s=1)
        case StoreProblem():
            return Problem(error.code, retry_after_s=1)
        case LogDamaged():
            return Problem(error.code)
    return Problem("internal")


def statuses(codes: Sequence[str]) -> dict[int, tuple[str, ...]]:
    """Codes by HTTP status, for the OpenAPI document."""
    found: dict[int, list[str]] = {}
    for code in codes:
        found.setdefault(kind_of(code).status, []).append(code)
    return {status: tuple(of_status) for status, of_status in sorted(found.items())}
