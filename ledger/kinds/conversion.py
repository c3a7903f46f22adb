"""Turning deposit money into digital tenge and back: what fund, defund, links, the sweep and the
waterfall share. Each way is one entry of two assets: as much deposit as is redeemed comes as tenge
from the bank's own wallet, as much tenge as goes to it is issued as deposit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

import msgspec

from ledger.core import counters
from ledger.core.account import Account, AccountKind
from ledger.core.asset import Asset, AssetClass
from ledger.core.decision import Code, refused
from ledger.core.ids import b64
from ledger.core.link import Link
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.plan import Movement
from ledger.core.state import AMOUNT_MAX
from ledger.core.transaction import Signer
from ledger.kinds.kind import (
    Refusal,
    account_needs,
    answers_for,
    asset_of,
    id_of,
    issue_account,
    movement_between,
    named_account,
    open_account,
)


class Routed(Protocol):
    """A payload that names three of a route's accounts by their ids; the fourth follows."""

    @property
    def wallet(self) -> str:
        """The client's wallet of digital tenge."""

    @property
    def deposit(self) -> str:
        """The client's deposit."""

    @property
    def settlement(self) -> str:
        """The bank's own wallet of digital tenge."""


class Route(msgspec.Struct, frozen=True):
    """The four accounts that a conversion moves: a client's wallet and deposit, its bank's own
    wallet, the deposit's issue account."""

    wallet: Account
    deposit: Account
    settlement: Account
    issue: Account

    def to_wallet(self, known: Known, amount: int, purpose: str) -> tuple[Movement, Movement]:
        """`amount` tiyn of the deposit become tenge."""
        return (
            movement_between(known, self.deposit, self.issue, amount, "redeem"),
            movement_between(known, self.settlement, self.wallet, amount, purpose),
        )

    def to_deposit(self, known: Known, amount: int, purpose: str) -> tuple[Movement, Movement]:
        """`amount` tiyn of tenge become deposit."""
        return (
            movement_between(known, self.wallet, self.settlement, amount, purpose),
            movement_between(known, self.issue, self.deposit, amount, "issue"),
        )

    def can_issue(self, known: Known, amount: int) -> bool:
        """Whether all that was ever issued of the deposit stays countable with so much more."""
        issued = known.counter(counters.ISSUED, 0, self.deposit.asset.encode(), "")
        return issued + amount <= AMOUNT_MAX


def link_of(object_: Object | None) -> Link | None:
    """The body of a link that is active, or None."""
    if object_ is None or object_.status != "active":
        return None
    return body_of(object_, Link)


def active_link(known: Known, wallet: bytes, kind: str) -> Link:
    """The wallet's link, or LINK_UNKNOWN."""
    link = link_of(known.object("link", wallet))
    if link is None:
        raise Refusal(refused(Code.LINK_UNKNOWN, kind, wallet=b64(wallet)))
    return link


def route_of(known: Known, wallet: Account, link: Link) -> Route | None:
    """The accounts of a link, or None where one of them is not open."""
    deposit, settlement, issue = (
        named_account(known, id_of(id)) for id in (link.deposit, link.settlement, link.issue)
    )
    if any(account.status != "open" for account in (wallet, deposit, settlement, issue)):
        return None
    return Route(wallet, deposit, settlement, issue)


def route_between(
    known: Known, wallet: Account, deposit: Account, settlement: str, kind: str
) -> tuple[Route, Asset]:
    """The accounts a conversion would move, checked against one another; and the deposit's asset.
    The authority over them is the caller's to check. Raises Refusal."""
    asset = asset_of(known, deposit.asset, kind)
    for account, class_ in ((deposit, AssetClass.DEPOSIT), (wallet, AssetClass.DIGITAL_TENGE)):
        if asset_of(known, account.asset, kind).class_ != class_:
            raise Refusal(refused(Code.ASSET_NOT_ADMITTED, kind, asset=account.asset))
        if account.mark:
            raise Refusal(refused(Code.ACCOUNT_KIND, kind, kind=account.kind.value))
    if wallet.owner != deposit.owner:
        raise Refusal(refused(Code.TARGET_NOT_ADMITTED, kind, member="wallet"))
    bank = open_account(known, id_of(settlement), kind, "settlement")
    if bank.owner != id_of(asset.issuer) or bank.mark:
        raise Refusal(refused(Code.TARGET_NOT_ADMITTED, kind, member="settlement"))
    if bank.asset != wallet.asset:
        raise Refusal(refused(Code.ASSET_DIFFERS, kind, asset=wallet.asset, other=bank.asset))
    return Route(wallet, deposit, bank, issue_account(known, asset)), asset


def client_account(known: Known, id: bytes, signer: Signer, kind: str, which: str) -> Account:
    """An open account that is the signer's or of a party it registered. Others hear NO_AUTHORITY,
    and the same whether or not it exists."""
    account = known.account(id)
    if account is None or not answers_for(known, account, signer):
        raise Refusal(refused(Code.NO_AUTHORITY, kind, member=which))
    return open_account(known, id, kind, which)


def agreed_route(
    known: Known, asked: Routed, signer: Signer, kind: str, *, pays: Literal["wallet", "deposit"]
) -> Route:
    """The accounts, where whoever signs may convert between them: the deposit's bank for its
    client, or the client where the bank has linked them. `pays`: the side that money leaves, which
    is looked at first. Raises Refusal."""
    if pays == "wallet":
        wallet = client_account(known, id_of(asked.wallet), signer, kind, "wallet")
        deposit = open_account(known, id_of(asked.deposit), kind, "deposit")
    else:
        deposit = client_account(known, id_of(asked.deposit), signer, kind, "deposit")
        wallet = open_account(known, id_of(asked.wallet), kind, "wallet")
    route, asset = route_between(known, wallet, deposit, asked.settlement, kind)
    if asset.issuer == b64(signer.id):
        return route
    if wallet.owner != signer.id:
        raise Refusal(refused(Code.NOT_ISSUER, kind, asset=asset.code))
    link = active_link(known, wallet.id, kind)
    if (link.deposit, link.settlement) != (asked.deposit, asked.settlement):
        raise Refusal(refused(Code.LINK_UNKNOWN, kind, wallet=b64(wallet.id)))
    return route


def route_needs(known: Known, asked: Routed) -> Iterator[Need]:
    """What `agreed_route` and the movements along it read. A prefetch."""
    wallet, deposit = id_of(asked.wallet), id_of(asked.deposit)
    yield ("object", "link", wallet)
    yield from account_needs(known, wallet, deposit, id_of(asked.settlement))
    account = known.values.get(("account", deposit))
    asset = account and known.values.get(("object", "asset", account.asset.encode()))
    if asset:
        yield from account_needs(known, id_of(asset.body.issue_account))
        yield ("counter", counters.ISSUED, 0, asset.key, "")


def link_needs(known: Known, wallet: Account) -> Iterator[Need]:
    """What a wallet's link leads to, if it has one. A prefetch."""
    asset = known.values.get(("object", "asset", wallet.asset.encode()))
    if wallet.kind != AccountKind.WALLET or asset is None:
        return
    if asset.body.class_ != AssetClass.DIGITAL_TENGE:
        return
    need: Need = ("object", "link", wallet.id)
    yield need
    link = link_of(known.values.get(need))
    if link is not None:
        ids = (link.deposit, link.settlement, link.issue)
        yield from account_needs(known, *map(id_of, ids))
        yield ("counter", counters.ISSUED, 0, link.asset.encode(), "")
