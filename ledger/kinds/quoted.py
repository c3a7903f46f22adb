"""What taking a quote means, shared by the kinds that embed one: `exchange/1`, `convert_pay/1`,
`deliver/1`. Two movements of one entry: what the taker pays, and what whoever quoted gives.

The quote's signature was checked with the transaction's own. Here is checked that its key is still
in use and that the accounts it names are its party's. What the party that quoted holds is nobody
else's business: that it is too little is told by `ledger.decide` without a balance.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core.account import Account
from ledger.core.amount import parse_amount
from ledger.core.asset import CRYPTO_CLASSES, Asset, AssetClass
from ledger.core.decision import Code, refused
from ledger.core.freeze import FROZEN
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.plan import Facts, Movement
from ledger.core.quote import Quote, Side, UsedQuote
from ledger.core.transaction import (
    NOT_AFTER_AHEAD_MAX_MS,
    Embedded,
    Id,
    Payload,
    Signer,
    Transaction,
)
from ledger.core.venue import Venue, VenueStatus
from ledger.kinds.kind import (
    Refusal,
    account_needs,
    arrival,
    asset_of,
    embedded_of,
    id_of,
    movement_between,
    own_account,
    payee_account,
    receiving_account,
    require,
)


class Taking(Payload, frozen=True, forbid_unknown_fields=True):
    """`quote`: the JWS of whoever quoted, whole. `from`: the taker's account that pays what the
    quote gets; `to`: the taker's account for what it gives."""

    from_: Id = msgspec.field(name="from")
    to: Id
    quote: str


class Leg(msgspec.Struct, frozen=True):
    """One side of a quote as the ledger knows it: the account of whoever quoted, its asset, and
    minor units."""

    account: Account
    asset: Asset
    amount: int


class Quoted(msgspec.Struct, frozen=True):
    """A quote that the signer may take now, paying from `source`. `maker`: the party that quoted
    (16 bytes). `value`: the tenge of one of its sides in tiyn, None where it has no such side."""

    source: Account
    id: bytes
    maker: bytes
    gives: Leg
    gets: Leg
    value: int | None

    def used(self, signer: Signer) -> Object:
        """What the ledger remembers, so that the quote is taken once."""
        return Object("quote", self.id, self.maker, "used", None, UsedQuote(b64(signer.id)), (), 0)

    @property
    def facts(self) -> Facts:
        """What the entry says of it."""
        facts: Facts = {"quote": b64(self.id)}
        if self.value is not None:
            facts["value"] = str(self.value)
        return facts


def quote_of(tx: Transaction) -> Embedded[Quote]:
    """The quote that the transaction embeds."""
    return embedded_of(tx, Quote)


def embeds_quote(payload: Payload) -> tuple[tuple[type[Quote], str], ...]:
    """The quote in a payload that takes one."""
    if not isinstance(payload, Taking):
        raise AssertionError(f"{payload!r} takes no quote")
    return ((Quote, payload.quote),)


def quote_need(tx: Transaction) -> Need:
    """The need for the used quote, as a rule not there."""
    return ("object", "quote", quote_of(tx).id)


def offered(tx: Transaction) -> frozenset[bytes]:
    """Accounts that pay because their owner quoted: the signer must not hear what they hold."""
    quotes = (each.body for each in tx.embedded if isinstance(each.body, Quote))
    return frozenset(id_of(quote.gives.account) for quote in quotes)


def quoted_needs(tx: Transaction, known: Known) -> Iterator[Need]:
    """Needs of `quoted`."""
    quote = quote_of(tx)
    key: Need = ("object", "key", quote.kid)
    yield key
    yield quote_need(tx)
    yield from account_needs(known, id_of(quote.body.gives.account), id_of(quote.body.gets.account))


def venue_needs(tx: Transaction, known: Known) -> Iterator[Need]:
    """Needs of `check_venue`."""
    key = known.values.get(("object", "key", quote_of(tx).kid))
    if key is not None:
        yield ("object", "venue", key.owner)


def taking_needs(tx: Transaction, known: Known, taking: Taking) -> Iterator[Need]:
    """Needs of `settlement`."""
    yield from quoted_needs(tx, known)
    yield from account_needs(known, id_of(taking.from_), id_of(taking.to))


def quoted(tx: Transaction, signer: Signer, known: Known, at: int, from_: str, kind: str) -> Quoted:
    """The quote, checked: taken with an account of the signer's, by a key in use, of this ledger,
    in time, not used, for this taker, from and to open accounts of whoever quoted; no money of it
    is marked. Raises Refusal."""
    source = own_account(known, id_of(from_), signer, kind)
    quote = quote_of(tx)
    body = quote.body
    kid = b64(quote.kid)
    key = require(known.object("key", quote.kid), Code.QUOTE_KEY, kind, kid=kid)
    if key.status != "active":
        raise Refusal(refused(Code.QUOTE_KEY, kind, kid=kid, status=key.status))
    if body.ledger != tx.payload.ledger:
        raise Refusal(refused(Code.LEDGER_OTHER, kind, member="quote"))
    if not at <= body.not_after <= at + NOT_AFTER_AHEAD_MAX_MS:
        raise Refusal(refused(Code.QUOTE_EXPIRED, kind, not_after=body.not_after, at=at))
    if known.object("quote", quote.id) is not None:
        raise Refusal(refused(Code.QUOTE_USED, kind, quote=b64(quote.id)))
    if body.taker is not None and id_of(body.taker) != signer.id:
        raise Refusal(refused(Code.QUOTE_TAKER, kind, quote=b64(quote.id)))
    if key.owner == signer.id:
        raise Refusal(refused(Code.TARGET_NOT_ADMITTED, kind, member="quote"))
    for side, member in ((body.gives, "quote.gives"), (body.gets, "quote.gets")):
        account = known.account(id_of(side.account))
        if account is None or account.owner != key.owner:
            raise Refusal(refused(Code.QUOTE_KEY, kind, kid=kid, member=member))
    paying = payee_account(known, id_of(body.gives.account), kind, "quote.gives")
    paid = payee_account(known, id_of(body.gets.account), kind, "quote.gets")
    check_unmarked(source, kind)
    gives = _leg(known, paying, body.gives, kind)
    gets = _leg(known, paid, body.gets, kind)
    if paying.status == FROZEN:  # an order, which is no taker's business: there is nothing to give
        amount = body.gives.amount
        raise Refusal(refused(Code.INVENTORY, kind, asset=paying.asset, amount=amount))
    value = next((leg.amount for leg in (gives, gets) if is_tenge(leg)), None)
    return Quoted(source, quote.id, key.owner, gives, gets, value)


def _leg(known: Known, account: Account, side: Side, kind: str) -> Leg:
    asset = asset_of(known, account.asset, kind)
    if side.asset != account.asset:
        refusal = refused(Code.ASSET_DIFFERS, kind, asset=side.asset, other=account.asset)
        raise Refusal(refusal)
    check_unmarked(account, kind)
    return Leg(account, asset, parse_amount(side.amount, asset.scale))


def check_unmarked(account: Account, kind: str) -> None:
    """Marked money is for its purpose: it is changed into nothing else while it is marked."""
    if account.mark:
        raise Refusal(refused(Code.MARK_NOT_CONVERTIBLE, kind, asset=account.asset))


def check_venue(known: Known, quote: Quoted, kind: str) -> None:
    """Who quoted is licensed for what it changes, now. Raises Refusal."""
    id = b64(quote.maker)
    venue = require(known.object("venue", quote.maker), Code.VENUE_UNKNOWN, kind, venue=id)
    if venue.status != VenueStatus.ACTIVE:
        raise Refusal(refused(Code.VENUE_NOT_ACTIVE, kind, venue=id, status=venue.status))
    assets = body_of(venue, Venue).assets
    for leg in (quote.gives, quote.gets):
        code = leg.asset.code
        if not is_tenge(leg) and code not in assets:
            raise Refusal(refused(Code.ASSET_NOT_ADMITTED, kind, asset=code))


def is_tenge(leg: Leg) -> bool:
    """Whether this side is in digital tenge."""
    return leg.asset.class_ == AssetClass.DIGITAL_TENGE


def is_crypto(leg: Leg) -> bool:
    """Whether this side is in one of the crypto classes."""
    return leg.asset.class_ in CRYPTO_CLASSES


def payment_of(known: Known, quote: Quoted, purpose: str) -> Movement:
    """What the taker pays to whoever quoted. Raises Refusal."""
    target, amount = arrival(known, quote.gets.account), quote.gets.amount
    return movement_between(known, quote.source, target, amount, purpose, value=quote.value)


def settlement(
    known: Known, quote: Quoted, signer: Signer, to: str, kind: str, purpose: str
) -> tuple[Movement, Movement]:
    """Both movements of a quote that the signer takes, to its own account `to`. Raises Refusal."""
    pays = payment_of(known, quote, purpose)
    own = known.account(id_of(to))
    if own is None or own.owner != signer.id:
        raise Refusal(refused(Code.NO_AUTHORITY, kind, member="to"))
    target = receiving_account(known, own.id, kind, "to")
    check_unmarked(own, kind)
    gives, amount = quote.gives.account, quote.gives.amount
    return pays, movement_between(known, gives, target, amount, purpose, value=quote.value)
