"""What the HTTP API and the event stream answer: frozen Structs, encoded as JSON.

Amounts are decimal strings with exactly the asset's fraction digits, times ms UTC, ids base64url
without padding, transaction ids `<not_after>.<43>`. /openapi.json says what these types say.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ledger.core.decision import Basis, Params
from sandbox_api.problems import ProblemBody, ReasonBody
from sandbox_api.wire_freeze import FreezeBody

IdText = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_-]{21}[AQgw]$", description="16 bytes in base64url.")
]
KidText = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$",
        description="A key's RFC 7638 thumbprint, 32 bytes in base64url.",
    ),
]
DigestText = Annotated[
    str,
    Meta(pattern=r"^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$", description="SHA-256 in base64url."),
]
TransactionText = Annotated[
    str,
    Meta(
        pattern=r"^[1-9][0-9]{0,14}\.[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$",
        description="not_after in ms, a dot, SHA-256 of the payload in base64url.",
    ),
]
Index = Annotated[int, Meta(ge=0, lt=1 << 53, description="Index of an entry, from 0.")]
Size = Annotated[int, Meta(ge=0, lt=1 << 53, description="Number of entries.")]


class Jwk(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A public Ed25519 key (RFC 8037)."""

    kty: str
    crv: str
    x: Annotated[str, Meta(max_length=64)]


class Receipted(msgspec.Struct, frozen=True):
    """Accepted and durable: entry `index` of time `at`, in a log of `size` entries. `repeated`:
    these bytes were in the ledger before, and this is their first receipt."""

    id: TransactionText
    index: Index
    at: int
    size: Size
    repeated: bool


class Line(msgspec.Struct, frozen=True):
    """A good line of a batch."""

    id: str
    index: int
    at: int
    size: int


class ProblemLine(msgspec.Struct, frozen=True):
    """A bad line of a batch."""

    problem: ProblemBody


class PostingBody(msgspec.Struct, frozen=True):
    """A posting: `amount` of `asset` from the account `debit` to the account `credit`."""

    debit: str
    credit: str
    asset: str
    amount: str


class AccountAfter(msgspec.Struct, frozen=True):
    """What an account would hold."""

    account: str
    asset: str
    balance: str


class TraceLine(msgspec.Struct, frozen=True):
    """One rule over one movement. `applies` is false where the movement is none that it binds."""

    rule: str
    passed: bool
    applies: bool
    params: Params
    basis: Basis
    code: str | None = None


class DryRun(msgspec.Struct, frozen=True):
    """What would come of a transaction, on the ledger as it is now; nothing was written."""

    accepted: bool
    at: int
    size: Size
    postings: tuple[PostingBody, ...]
    balances: tuple[AccountAfter, ...]
    facts: dict[str, Any]
    reasons: tuple[ReasonBody, ...]
    trace: tuple[TraceLine, ...]


class TransactionOut(msgspec.Struct, frozen=True):
    """A transaction that the ledger has accepted, or has refused last time it came.

    `leaf` is the log's own line of it, byte for byte: with the receipt it proves the entry offline.
    """

    id: TransactionText
    status: str
    index: int | None
    at: int
    kind: str
    signer: KidText
    payload: dict[str, Any]
    postings: tuple[PostingBody, ...]
    facts: dict[str, Any]
    pack: str | None
    reasons: tuple[ReasonBody, ...]
    leaf: str | None


class PartyBody(msgspec.Struct, frozen=True):
    """A party: pseudonymous, a role and an attested tier."""

    id: IdText
    role: str
    tier: int
    status: str
    registrar: str


class KeyBody(msgspec.Struct, frozen=True):
    """A key, of a party or of a till."""

    kid: KidText
    jwk: Jwk
    of: str
    owner: IdText
    status: str


class AccountBody(msgspec.Struct, frozen=True):
    """An account as of the log's newest entry (`size`). `mark` is the purpose that its money is
    bound to, null for ordinary money; `freeze` is null unless it is frozen."""

    id: IdText
    owner: IdText
    asset: str
    kind: str
    mark: str | None
    status: str
    balance: str
    scale: int
    size: Size
    freeze: FreezeBody | None


class AccountsBody(msgspec.Struct, frozen=True):
    """A page of a party's accounts, oldest first; `next` is the next page's `after`, null at the
    end."""

    accounts: tuple[AccountBody, ...]
    next: IdText | None


class BalanceBody(msgspec.Struct, frozen=True):
    """A balance just after the entry `index`."""

    account: IdText
    asset: str
    balance: str
    index: int


class StatementRow(msgspec.Struct, frozen=True):
    """One movement on an account. `amount` is signed as the account sees it; `value` in tenge where
    the entry fixed one."""

    index: int
    at: int
    id: str
    kind: str
    amount: str
    balance: str
    other: str
    value: str | None


class StatementBody(msgspec.Struct, frozen=True):
    """A page of a statement; `next` is the cursor (`before` or `after`) of the next one."""

    rows: tuple[StatementRow, ...]
    next: int | None


class AssetBody(msgspec.Struct, frozen=True):
    """An asset. `scale`: fraction digits."""

    code: str
    class_: str = msgspec.field(name="class")
    scale: int
    issuer: str


class AssetsBody(msgspec.Struct, frozen=True):
    """All assets."""

    assets: tuple[AssetBody, ...]


class ZoneBody(msgspec.Struct, frozen=True):
    """A testing zone. `geometry` is a GeoJSON Polygon (RFC 7946), longitude first; illustrative,
    not official. Caps in tenge; `hours` are [weekday from Monday 0, opening minute, closing
    minute]."""

    id: IdText
    name: str
    status: str
    supervisor: str
    assets: tuple[str, ...]
    opens_at: int
    ends_at: int | None
    hours: tuple[tuple[int, int, int], ...]
    cap_payment: str | None
    cap_day: str | None
    geometry: dict[str, Any]


class ZonesBody(msgspec.Struct, frozen=True):
    """All zones."""

    zones: tuple[ZoneBody, ...]


class Accepts(msgspec.Struct, frozen=True):
    """Whether an asset is accepted at a place now, and if not, every reason."""

    asset: str
    class_: str = msgspec.field(name="class")
    accepted: bool
    reasons: tuple[ReasonBody, ...]


class LocateBody(msgspec.Struct, frozen=True):
    """What holds at a point: the zone that decides, all that contain it, what a till with a permit
    could accept there."""

    zone: str | None
    zones: tuple[str, ...]
    accepts: tuple[Accepts, ...]


class PlaceBody(msgspec.Struct, frozen=True):
    """A point in decimal degrees, 7 digits."""

    lat: str
    lon: str


class TerminalBody(msgspec.Struct, frozen=True):
    """A till: whose it is, where it is registered, and what is accepted there now."""

    kid: KidText
    merchant: IdText
    name: str | None
    status: str
    place: PlaceBody
    zone: str | None
    accepts: tuple[Accepts, ...]


class RuleBody(msgspec.Struct, frozen=True):
    """A rule of a pack, in force from `since` up to, not including, `until` (ms UTC)."""

    rule: str
    parameters: dict[str, Any]
    basis: Basis
    since: int | None
    until: int | None


class PackBody(msgspec.Struct, frozen=True):
    """A rule pack. `text` is the TOML as it was signed."""

    digest: DigestText
    name: str
    status: str
    text: str
    rules: tuple[RuleBody, ...]


class PackRow(msgspec.Struct, frozen=True):
    """A rule pack in a list."""

    digest: DigestText
    name: str
    status: str


class PacksBody(msgspec.Struct, frozen=True):
    """All packs that were ever in force."""

    packs: tuple[PackRow, ...]


class RateBody(msgspec.Struct, frozen=True):
    """Tenge for one whole unit. `fresh_until`: when rules stop taking it; null: no rule says."""

    id: IdText
    asset: str
    rate: str
    at: int
    fresh_until: int | None


class RatesBody(msgspec.Struct, frozen=True):
    """The newest rate of each asset."""

    rates: tuple[RateBody, ...]


class SupplyRow(msgspec.Struct, frozen=True):
    """issued - redeemed = outstanding = the sum of all balances but the issue account's.

    `balances` is null where there are too many accounts, or too many that moved since, to sum;
    `issued` and `redeemed` where too many issues lie between then and now.
    """

    asset: str
    issued: str | None
    redeemed: str | None
    outstanding: str | None
    balances: str | None


class SupplyBody(msgspec.Struct, frozen=True):
    """Supply of every asset in a log of `size` entries."""

    size: Size
    assets: tuple[SupplyRow, ...]


class RefusalBody(msgspec.Struct, frozen=True):
    """A refused transaction as it was refused last. `size`: the head it met."""

    number: int
    id: str
    kind: str
    signer: str
    at: int
    size: int
    repeats: int
    reasons: tuple[ReasonBody, ...]


class RefusalsBody(msgspec.Struct, frozen=True):
    """A page of refusals, newest first; `next` is the cursor of the next page."""

    refusals: tuple[RefusalBody, ...]
    next: int | None


class InclusionBody(msgspec.Struct, frozen=True):
    """An RFC 6962 audit path: the leaf's sibling first, hashes in standard base64."""

    index: Index
    size: Size
    leaf_hash: str
    root: str
    hashes: tuple[str, ...]


class ConsistencyBody(msgspec.Struct, frozen=True):
    """An RFC 6962 consistency proof, hashes in standard base64."""

    from_: Size = msgspec.field(name="from")
    to: Size
    from_root: str
    to_root: str
    hashes: tuple[str, ...]


class TenderBody(msgspec.Struct, frozen=True):
    """One way to pay a request."""

    asset: str
    account: str
    amount: str
    rate: str | None


class LineBody(msgspec.Struct, frozen=True):
    """Goods of one code within a request. `amount` in tenge."""

    code: str
    amount: str


class PaymentBody(msgspec.Struct, frozen=True):
    """How a request was paid. `value` in tenge; `vat` of it went to the merchant's VAT account,
    null where none was put apart."""

    index: int
    at: int
    id: str
    asset: str
    amount: str
    value: str
    vat: str | None


class LastRefusal(msgspec.Struct, frozen=True):
    """The newest refused attempt to pay a request."""

    at: int
    reasons: tuple[ReasonBody, ...]


class RequestMade(msgspec.Struct, frozen=True):
    """A payment request that wallets can open by its link."""

    id: IdText
    url: str
    qr: str


class PaymentRequestBody(msgspec.Struct, frozen=True):
    """A payment request and what became of it. `vat`: the category of the VAT in it that is put
    apart, or null."""

    id: IdText
    request: str
    terminal: str
    merchant: str | None
    merchant_name: str | None
    status: str
    total: str
    reference: str
    reusable: bool
    not_after: int
    tenders: tuple[TenderBody, ...]
    lines: tuple[LineBody, ...]
    vat: str | None
    payment: PaymentBody | None
    refusal: LastRefusal | None
    url: str


class EventBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """One event: an entry or a refusal. `request`: the payment request that a pay embeds."""

    seq: int
    type: str
    at: int
    kind: str
    id: str
    signer: str
    index: int | None = None
    request: str | None = None
    postings: tuple[PostingBody, ...] | None = None
    facts: dict[str, Any] | None = None
    reasons: tuple[ReasonBody, ...] | None = None


class EventsBody(msgspec.Struct, frozen=True):
    """Events in order. Ask again with `after` = `next`; `head` is the newest event there is."""

    events: tuple[EventBody, ...]
    next: int
    head: int


class JoinedAccountBody(msgspec.Struct, frozen=True):
    """An account of someone who joined."""

    id: IdText
    asset: str
    balance: str


class OnboardedBody(msgspec.Struct, frozen=True):
    """A client of the demo bank."""

    party: IdText
    kid: KidText
    tier: int
    bank: str
    accounts: tuple[JoinedAccountBody, ...]


class TillAccountBody(msgspec.Struct, frozen=True):
    """An account that a till may ask money to."""

    id: str
    asset: str


class TillEnrolledBody(msgspec.Struct, frozen=True):
    """A device that is a till now."""

    kid: KidText
    till: str
    merchant: IdText
    name: str
    place: PlaceBody
    accounts: tuple[TillAccountBody, ...]


class PersonaBody(msgspec.Struct, frozen=True):
    """An invented party of the sandbox's world. `officers`: names of its further keys."""

    name: str
    title: str
    role: str
    party: str
    accounts: tuple[TillAccountBody, ...]
    officers: tuple[str, ...]


class TillPlaceBody(msgspec.Struct, frozen=True):
    """A till that a device can be enrolled as."""

    till: str
    name: str
    merchant: str
    place: PlaceBody


class SandboxBody(msgspec.Struct, frozen=True):
    """Where everything is. `log_key`: the log's public key as verifiers take it (C2SP vkey)."""

    name: str
    ledger: IdText
    log_key: str
    time: int
    size: Size
    stream_url: str
    submit_url: str
    assets: tuple[AssetBody, ...]
    personas: tuple[PersonaBody, ...]
    tills: tuple[TillPlaceBody, ...]
    notice: str


class HealthBody(msgspec.Struct, frozen=True):
    """That this process answers and reads the ledger."""

    status: str
    size: Size
