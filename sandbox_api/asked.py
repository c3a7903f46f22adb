"""What callers of the HTTP API ask: the types of paths, queries and JSON bodies, read strictly.

What comes back is in `sandbox_api.wire`. Bounds are in `sandbox_api.limits`.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.core.account import AccountKind
from ledger.core.ids import ID_BYTES, unb64
from ledger.core.transaction import Ms
from sandbox_api.limits import FILTERS_MAX, PAGE_ROWS, PAGE_ROWS_MAX, WAIT_S_MAX
from sandbox_api.wire import DigestText, IdText, Index, Jwk, KidText, Size, TransactionText

Count = Annotated[int, Meta(ge=1, le=PAGE_ROWS_MAX, description="Rows in a page at most.")]


class IdPath(msgspec.Struct, frozen=True):
    """A path that names something by a 16-byte id."""

    id: IdText


class KidPath(msgspec.Struct, frozen=True):
    """A path that names a key."""

    kid: KidText


class DigestPath(msgspec.Struct, frozen=True):
    """A path that names a rule pack."""

    digest: DigestText


class TransactionPath(msgspec.Struct, frozen=True):
    """A path that names a transaction."""

    id: TransactionText


class RestPath(msgspec.Struct, frozen=True):
    """A path that goes on."""

    path: Annotated[str, Meta(min_length=1, max_length=200)]


class SubmitQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to submit."""

    dry_run: Annotated[bool, Meta(description="Decide, and write nothing.")] = False


class IndexQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """At which entry or time; the newest entry where both are left out."""

    index: Annotated[
        Index | None, Meta(description="As the ledger stood just after this entry.")
    ] = None
    at: Annotated[
        Ms | None, Meta(description="As it stood at this time of the sandbox (ms UTC).")
    ] = None


class StatementQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page: newest first below `before`, or oldest first above `after`."""

    before: Annotated[Index | None, Meta(description="Entries with a lower index.")] = None
    after: Annotated[Index | None, Meta(description="Entries with a higher index.")] = None
    limit: Count = PAGE_ROWS


class PageQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page, newest first."""

    before: Annotated[Index | None, Meta(description="Numbers below this one.")] = None
    limit: Count = PAGE_ROWS


class AfterIdQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page, in order of id."""

    after: Annotated[IdText | None, Meta(description="Ids above this one.")] = None
    limit: Count = PAGE_ROWS

    @property
    def after_key(self) -> bytes:
        """The 16 bytes of `after`, b"" for none."""
        return b"" if self.after is None else unb64(self.after, ID_BYTES)


class AccountsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Accounts of which kind, and which page, in order of opening."""

    kind: Annotated[AccountKind, Meta(description="What the accounts are for.")] = (
        AccountKind.WALLET
    )
    after: Annotated[IdText | None, Meta(description="Accounts opened after this one.")] = None
    limit: Count = PAGE_ROWS


class MarkedQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of accounts with a mark, in order of opening."""

    after: Annotated[IdText | None, Meta(description="Accounts opened after this one.")] = None
    limit: Count = PAGE_ROWS


class LineQuery(AfterIdQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which budget line, and which page, in order of the marks' ids."""

    line: Annotated[str, Meta(min_length=1, max_length=64, description="As the policies write it.")]


class TraceQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page of a trace, oldest first."""

    after: Annotated[Index | None, Meta(description="Entries with a higher index.")] = None
    limit: Count = PAGE_ROWS


class AfterKidQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page, in order of key id."""

    after: Annotated[KidText | None, Meta(description="Key ids above this one.")] = None
    limit: Count = PAGE_ROWS

    @property
    def after_key(self) -> bytes:
        """The 32 bytes of `after`, b"" for none."""
        return b"" if self.after is None else unb64(self.after, 32)


class PaymentPath(msgspec.Struct, frozen=True):
    """A path that names an offline payment."""

    id: DigestText


class AfterDigestQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which page, in order of id."""

    after: Annotated[DigestText | None, Meta(description="Ids above this one.")] = None
    limit: Count = PAGE_ROWS

    @property
    def after_key(self) -> bytes:
        """The 32 bytes of `after`, b"" for none."""
        return b"" if self.after is None else unb64(self.after, 32)


class HashQuery(AfterIdQuery, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Under which hash, and which page, in order of id."""

    hash: Annotated[DigestText, Meta(description="SHA-256 in base64url.")]


class PointQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A point on the map, decimal degrees (WGS 84)."""

    lat: Annotated[
        str, Meta(pattern=r"^-?[0-9]{1,2}(\.[0-9]{1,7})?$", description="Latitude, degrees.")
    ]
    lon: Annotated[
        str, Meta(pattern=r"^-?[0-9]{1,3}(\.[0-9]{1,7})?$", description="Longitude, degrees.")
    ]


class InclusionQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which entry in which tree."""

    index: Index
    size: Annotated[Size | None, Meta(description="Size of the tree; the newest's by default.")] = (
        None
    )


class ConsistencyQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From which tree to which."""

    from_: Size = msgspec.field(name="from")
    to: Annotated[Size | None, Meta(description="The newest's size by default.")] = None


class EventsQuery(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which events: those after a sequence number, of these accounts and payment requests."""

    after: Annotated[
        Annotated[int, Meta(ge=0, lt=1 << 53)] | None,
        Meta(description="Sequence number seen last, 0 for none; left out: from now on."),
    ] = None
    wait: Annotated[
        int, Meta(ge=0, le=WAIT_S_MAX, description="Seconds to wait for the first event.")
    ] = 0
    limit: Count = PAGE_ROWS
    account: Annotated[tuple[IdText, ...], Meta(max_length=FILTERS_MAX)] = ()
    request: Annotated[tuple[IdText, ...], Meta(max_length=FILTERS_MAX)] = ()


class TransactionBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A transaction in JSON."""

    transaction: Annotated[str, Meta(description="The compact JWS.")]


class RequestBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A payment request in JSON."""

    request: Annotated[str, Meta(description="The compact JWS, signed by the till's key.")]


class OnboardBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who joins."""

    jwk: Jwk


class PurseBodyAsked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which device becomes a purse, and into which wallet it is emptied."""

    jwk: Jwk
    home: IdText


class TillBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which device becomes which till."""

    jwk: Jwk
    till: Annotated[str, Meta(min_length=1, max_length=32, description="`market` or `cafe`.")]
