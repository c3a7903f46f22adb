"""Decisions: accepted with a plan, or refused with every reason.

The codes stand in order of precedence: authority first, then what the transaction names, then the
rules of the pack, funds last. Two faults always give the same order. Sentences for people live in
the catalogue at the edge; here are codes and typed parameters only.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Code(StrEnum):
    """Why not. Stable; documented in docs/refusal-codes.md in this order."""

    # The envelope against this ledger and this time.
    LEDGER_OTHER = "LEDGER_OTHER"
    EXPIRED = "EXPIRED"
    NOT_AFTER_TOO_FAR = "NOT_AFTER_TOO_FAR"
    # Who signed.
    KEY_UNKNOWN = "KEY_UNKNOWN"
    KEY_NOT_ACTIVE = "KEY_NOT_ACTIVE"
    ROLE_NOT_ADMITTED = "ROLE_NOT_ADMITTED"
    NOT_ISSUER = "NOT_ISSUER"
    NO_AUTHORITY = "NO_AUTHORITY"
    APPROVALS_MISSING = "APPROVALS_MISSING"
    APPROVED_ALREADY = "APPROVED_ALREADY"
    # What the transaction names.
    ALREADY_REGISTERED = "ALREADY_REGISTERED"
    PARTY_UNKNOWN = "PARTY_UNKNOWN"
    ASSET_UNKNOWN = "ASSET_UNKNOWN"
    ASSET_NOT_ADMITTED = "ASSET_NOT_ADMITTED"
    ACCOUNT_UNKNOWN = "ACCOUNT_UNKNOWN"
    ACCOUNT_FROZEN = "ACCOUNT_FROZEN"
    ACCOUNT_NOT_OPEN = "ACCOUNT_NOT_OPEN"
    ACCOUNT_KIND = "ACCOUNT_KIND"
    MARK_NOT_CONVERTIBLE = "MARK_NOT_CONVERTIBLE"
    ACCOUNT_NOT_EMPTY = "ACCOUNT_NOT_EMPTY"
    ACCOUNT_IN_USE = "ACCOUNT_IN_USE"
    TARGET_NOT_ADMITTED = "TARGET_NOT_ADMITTED"
    SAME_ACCOUNT = "SAME_ACCOUNT"
    PAYEE_TWICE = "PAYEE_TWICE"
    ASSET_DIFFERS = "ASSET_DIFFERS"
    AMOUNT_FORM = "AMOUNT_FORM"
    SHARES_SUM = "SHARES_SUM"
    ZONE_UNKNOWN = "ZONE_UNKNOWN"
    PERMIT_UNKNOWN = "PERMIT_UNKNOWN"
    VENUE_UNKNOWN = "VENUE_UNKNOWN"
    VENUE_NOT_ACTIVE = "VENUE_NOT_ACTIVE"
    PROPOSAL_UNKNOWN = "PROPOSAL_UNKNOWN"
    RECOVERY_UNKNOWN = "RECOVERY_UNKNOWN"
    ASK_UNKNOWN = "ASK_UNKNOWN"
    ASKS_OPEN_MAX = "ASKS_OPEN_MAX"
    HOLD_UNKNOWN = "HOLD_UNKNOWN"
    CONSENT_UNKNOWN = "CONSENT_UNKNOWN"
    CONSENT_NOT_ACTIVE = "CONSENT_NOT_ACTIVE"
    CONSENT_SCOPE = "CONSENT_SCOPE"
    CONSENT_CAP_PAYMENT = "CONSENT_CAP_PAYMENT"
    CONSENT_CAP_DAY = "CONSENT_CAP_DAY"
    ALIAS_UNKNOWN = "ALIAS_UNKNOWN"
    LOCK_UNKNOWN = "LOCK_UNKNOWN"
    LINK_UNKNOWN = "LINK_UNKNOWN"
    PURSE_UNKNOWN = "PURSE_UNKNOWN"
    PURSE_TERMS = "PURSE_TERMS"
    OFFLINE_NOT_ADMITTED = "OFFLINE_NOT_ADMITTED"
    MARK_UNKNOWN = "MARK_UNKNOWN"
    MARK_DEPTH = "MARK_DEPTH"
    EVENT_EXPIRED = "EVENT_EXPIRED"
    VAT_UNREGISTERED = "VAT_UNREGISTERED"
    VAT_CATEGORY = "VAT_CATEGORY"
    VAT_SPLIT = "VAT_SPLIT"
    VAT_CLAIM = "VAT_CLAIM"
    CLAIM_UNKNOWN = "CLAIM_UNKNOWN"
    # The purpose that is bound to money.
    MARK_ENDED = "MARK_ENDED"
    MARK_BOUND = "MARK_BOUND"
    MARK_PAYEE = "MARK_PAYEE"
    MARK_GOODS = "MARK_GOODS"
    MARK_CONDITION = "MARK_CONDITION"
    MARK_PAYEE_MAX = "MARK_PAYEE_MAX"
    STATUS_CONFLICT = "STATUS_CONFLICT"
    KEY_LAST = "KEY_LAST"
    DATES_CONFLICT = "DATES_CONFLICT"
    PACK_UNKNOWN = "PACK_UNKNOWN"
    PREIMAGE_WRONG = "PREIMAGE_WRONG"
    NOT_DUE = "NOT_DUE"
    QUOTE_KEY = "QUOTE_KEY"
    QUOTE_EXPIRED = "QUOTE_EXPIRED"
    QUOTE_USED = "QUOTE_USED"
    QUOTE_TAKER = "QUOTE_TAKER"
    REQUEST_EXPIRED = "REQUEST_EXPIRED"
    REQUEST_PAID = "REQUEST_PAID"
    TENDER_NOT_OFFERED = "TENDER_NOT_OFFERED"
    TENDER_VALUE = "TENDER_VALUE"
    QUOTE_VALUE = "QUOTE_VALUE"
    PAYMENT_UNKNOWN = "PAYMENT_UNKNOWN"
    REFUND_TOO_MUCH = "REFUND_TOO_MUCH"
    CAPTURE_TOO_MUCH = "CAPTURE_TOO_MUCH"
    PAYMENT_SETTLED = "PAYMENT_SETTLED"
    SOURCE_EXCEEDED = "SOURCE_EXCEEDED"
    HOPS = "HOPS"
    PURSE_CAP = "PURSE_CAP"
    NO_CONTRADICTION = "NO_CONTRADICTION"
    CLOCK_BACKWARDS = "CLOCK_BACKWARDS"
    # The rules of the pack, over movements.
    PACK_EMPTY = "PACK_EMPTY"
    TENDER_NEVER = "TENDER_NEVER"
    TERMINAL_UNKNOWN = "TERMINAL_UNKNOWN"
    ZONE_OUTSIDE = "ZONE_OUTSIDE"
    ZONE_NOT_ACTIVE = "ZONE_NOT_ACTIVE"
    ZONE_NOT_YET = "ZONE_NOT_YET"
    ZONE_ENDED = "ZONE_ENDED"
    ZONE_CLOSED = "ZONE_CLOSED"
    ASSET_CLASS_NOT_ADMITTED = "ASSET_CLASS_NOT_ADMITTED"
    ASSET_NOT_LISTED = "ASSET_NOT_LISTED"
    PERMIT_MISSING = "PERMIT_MISSING"
    PERMIT_NOT_VALID = "PERMIT_NOT_VALID"
    RATE_MISSING = "RATE_MISSING"
    RATE_STALE = "RATE_STALE"
    KYC_TIER = "KYC_TIER"
    CAP_PAYMENT = "CAP_PAYMENT"
    CAP_DAY = "CAP_DAY"
    ZONE_CAP_PAYMENT = "ZONE_CAP_PAYMENT"
    ZONE_CAP_DAY = "ZONE_CAP_DAY"
    HOLDING_MAX = "HOLDING_MAX"
    DECLINED_BY_COMPLIANCE = "DECLINED_BY_COMPLIANCE"
    # Money last.
    BALANCE_RANGE = "BALANCE_RANGE"
    INVENTORY = "INVENTORY"
    FUNDS = "FUNDS"


PRECEDENCE: dict[Code, int] = {code: place for place, code in enumerate(Code)}


class Audience(StrEnum):
    """Who may read a reason: both parties, the paying side alone, or only the supervisor."""

    PARTIES = "parties"
    OWN_SIDE = "own_side"
    SUPERVISOR = "supervisor"


class Basis(msgspec.Struct, frozen=True):
    """On what a rule rests: status LAW, PILOT, DRAFT or HYPOTHETICAL, and a source key."""

    status: str
    source: str


Params = dict[str, str | int | list[str]]
"""Typed parameters of a reason: amounts as decimal strings, times in ms UTC, ids base64url."""


class Reason(msgspec.Struct, frozen=True, omit_defaults=True):
    """One failed check. `rule` is the rule's or kind's versioned name; `params` say what failed and
    what would make it pass."""

    code: Code
    rule: str
    params: Params = {}
    basis: Basis | None = None
    audience: Audience = Audience.PARTIES


class Refused(msgspec.Struct, frozen=True):
    """Refused, with all failed checks in order of precedence."""

    reasons: tuple[Reason, ...]


def refused(code: Code, rule: str, **params: str | int | list[str]) -> Refused:
    """A refusal for one reason, as a kind gives it."""
    return Refused((Reason(code, rule, params),))


def in_precedence(reasons: list[Reason]) -> tuple[Reason, ...]:
    """The reasons in fixed order: by code, then by rule."""
    return tuple(sorted(reasons, key=lambda reason: (PRECEDENCE[reason.code], reason.rule)))
