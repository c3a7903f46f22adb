"""Parties, keys, accounts, statements, assets, rates, supply: the books as anyone may read them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from ledger.core import counters
from ledger.core.account import Account, AccountKind
from ledger.core.amount import format_amount
from ledger.core.asset import Asset
from ledger.core.ids import b64, unb64
from ledger.core.needs import Need
from ledger.core.objects import Object, body_of
from ledger.core.party import Key, Party
from ledger.core.payment import Rate
from ledger.core.zone import Terminal
from ledger.store.reader import Snapshot
from sandbox_api.limits import (
    LISTED_MAX,
    SUPPLY_ACCOUNTS_MAX,
    SUPPLY_MOVED_MAX,
    SUPPLY_WALK_ROWS_MAX,
)
from sandbox_api.reading.entries import Scales, entries_at
from sandbox_api.reading.freeze import freeze_body
from sandbox_api.reading.known import account_of, object_of
from sandbox_api.reading.packs import rate_age_max_ms
from sandbox_api.wire import (
    AccountBody,
    AccountsBody,
    AssetBody,
    BalanceBody,
    Jwk,
    KeyBody,
    PartyBody,
    RateBody,
    StatementBody,
    StatementRow,
    SupplyBody,
    SupplyRow,
)

_WALK_PAGE: Final = 500


def party_body(party: Object) -> PartyBody:
    """A party as it is sent."""
    body = body_of(party, Party)
    return PartyBody(b64(party.key), body.role, body.tier, party.status, body.registrar)


def key_body(view: Snapshot, kid: bytes) -> KeyBody | None:
    """A key by its kid, of a party or of a till; None where nobody registered it."""
    for of in ("key", "terminal"):
        found = object_of(view, of, kid)
        if found is not None:
            body = body_of(found, Key) if of == "key" else body_of(found, Terminal)
            jwk = Jwk("OKP", "Ed25519", body.public)
            owner = "party" if of == "key" else "terminal"
            return KeyBody(b64(kid), jwk, owner, b64(found.owner), found.status)
    return None


def account_body(view: Snapshot, id: bytes) -> AccountBody | None:
    """An account by its id, or None."""
    found = account_of(view, id)
    return None if found is None else _account(view, found, Scales(view), view.head().size)


def accounts_of(view: Snapshot, owner: bytes) -> tuple[AccountBody, ...]:
    """A party's accounts, all of every kind, each in order of opening: for its whole file."""
    return told_accounts(view, view.accounts_of(owner))


def accounts_page(
    view: Snapshot, owner: bytes, kind: AccountKind, after: int, limit: int
) -> AccountsBody:
    """A page of a party's accounts of one kind, those numbered above `after`, oldest first."""
    found = view.accounts_of_kind(owner, kind, after=after, limit=limit + 1)
    page = found[:limit]
    more = b64(page[-1].id) if len(found) > len(page) else None
    return AccountsBody(told_accounts(view, page), more)


def told_accounts(view: Snapshot, accounts: Iterable[Account]) -> tuple[AccountBody, ...]:
    """Accounts as they are sent."""
    scales, size = Scales(view), view.head().size
    return tuple(_account(view, account, scales, size) for account in accounts)


def balance_body(view: Snapshot, id: bytes, index: int | None) -> BalanceBody | None:
    """A balance just after an entry, the newest by default; None where there is no such account."""
    account = account_of(view, id)
    if account is None:
        return None
    newest = view.head().size - 1
    at = newest if index is None else min(index, newest)
    units = account.balance if at == newest else view.balance_at(account.number, at)
    balance = format_amount(units, Scales(view).of(account.asset))
    return BalanceBody(b64(id), account.asset, balance, at)


def statement(
    view: Snapshot, id: bytes, before: int | None, after: int | None, limit: int
) -> StatementBody | None:
    """A page of an account's movements; None where there is no such account."""
    account = account_of(view, id)
    if account is None:
        return None
    legs = view.statement(account.number, before=before, after=after, limit=limit)
    scale = Scales(view).of(account.asset)
    others = view.accounts_by_number({leg.other for leg in legs})
    entries = entries_at(view, {leg.index for leg in legs})
    rows = tuple(
        StatementRow(
            index=leg.index,
            at=entries[leg.index].at,
            id=entries[leg.index].told.id,
            kind=entries[leg.index].told.kind,
            amount=format_amount(leg.amount, scale),
            balance=format_amount(leg.balance, scale),
            other=b64(others[leg.other].id),
            value=_value(entries[leg.index].facts.get("value")),
        )
        for leg in legs
    )
    return StatementBody(rows, legs[-1].index if len(legs) >= limit else None)


def asset_objects(view: Snapshot) -> list[Object]:
    """All assets, in order of code."""
    return view.objects("asset", limit=LISTED_MAX)


def assets(view: Snapshot) -> tuple[AssetBody, ...]:
    """All assets as they are sent."""
    bodies = (body_of(found, Asset) for found in asset_objects(view))
    return tuple(AssetBody(one.code, one.class_, one.scale, one.issuer) for one in bodies)


def rates(view: Snapshot, at: int) -> tuple[RateBody, ...]:
    """The newest rate of each asset, and until when the rules in force take it."""
    needs: list[Need] = [("lookup", "rate", "current", found.key) for found in asset_objects(view)]
    keys = [key for found in view.load(needs).values() for key in found]
    age_max_ms = rate_age_max_ms(view, at)
    bodies = []
    for key in keys:
        rate = object_of(view, "rate", key)
        if rate is None:
            continue
        body = body_of(rate, Rate)
        until = None if age_max_ms is None else body.at + age_max_ms
        bodies.append(RateBody(b64(key), body.asset, body.rate, body.at, until))
    return tuple(bodies)


def supply(view: Snapshot, index: int | None) -> SupplyBody:
    """What was issued, redeemed and is outstanding, by asset, now or just after an entry.

    `balances` is the sum over all other accounts, each read as it stood then: it must equal what is
    outstanding. With very many accounts, or very many that moved since, nobody sums them (the audit
    does): it is None. So are `issued` and `redeemed` where more issues lie since than are walked.
    """
    head = view.head()
    size = head.size
    past = index is not None and index < size - 1
    held = _held(view, head.accounts_opened, index if past else None)
    rows = []
    for found in asset_objects(view):
        asset = body_of(found, Asset)
        issue = account_of(view, unb64(asset.issue_account, 16))
        if issue is None:
            raise AssertionError(f"asset {asset.code} has no issue account")
        sums: list[Need] = [
            ("counter", measure, 0, found.key, "")
            for measure in (counters.ISSUED, counters.REDEEMED)
        ]
        issued, redeemed = (view.load(sums)[need] for need in sums)
        outstanding = -issue.balance
        walked: tuple[int, int] | None = (0, 0)
        if past and index is not None:
            outstanding = -view.balance_at(issue.number, index)
            walked = _since(view, issue, index)
        amounts = (
            None if walked is None else issued - walked[0],
            None if walked is None else redeemed - walked[1],
            outstanding,
            None if held is None else held.get(asset.code, 0),
        )
        rows.append(SupplyRow(asset.code, *_formatted(amounts, asset.scale)))
    return SupplyBody(min(index + 1, size) if index is not None else size, tuple(rows))


def _held(view: Snapshot, accounts: int, index: int | None) -> dict[str, int] | None:
    """By asset what all but the issue accounts hold, now or just after an entry; None: too many."""
    if accounts > SUPPLY_ACCOUNTS_MAX:
        return None
    if index is not None:
        return view.balances_at(index, SUPPLY_MOVED_MAX)
    return {asset: held for asset, (held, _) in view.balances().items()}


def _since(view: Snapshot, issue: Account, index: int) -> tuple[int, int] | None:
    """Issued and redeemed after an entry, from the issue account's own postings; None: too many."""
    issued = redeemed = walked = 0
    after = index
    while legs := view.statement(issue.number, after=after, limit=_WALK_PAGE):
        issued -= sum(leg.amount for leg in legs if leg.amount < 0)
        redeemed += sum(leg.amount for leg in legs if leg.amount > 0)
        after, walked = legs[-1].index, walked + len(legs)
        if len(legs) < _WALK_PAGE:
            break
        if walked > SUPPLY_WALK_ROWS_MAX:
            return None
    return issued, redeemed


def _formatted(amounts: Iterable[int | None], scale: int) -> tuple[str | None, ...]:
    return tuple(None if units is None else format_amount(units, scale) for units in amounts)


def _account(view: Snapshot, account: Account, scales: Scales, size: int) -> AccountBody:
    scale = scales.of(account.asset)
    return AccountBody(
        id=b64(account.id),
        owner=b64(account.owner),
        asset=account.asset,
        kind=account.kind,
        mark=account.mark or None,
        status=account.status,
        balance=format_amount(account.balance, scale),
        scale=scale,
        size=size,
        freeze=freeze_body(view, account),
    )


def _value(tiyn: object) -> str | None:
    """A fact of value, which entries hold in tiyn."""
    return None if tiyn is None else format_amount(int(str(tiyn)), 2)
