"""Links between wallets and deposits, and limits of holdings, as anyone may read them.

A link is found by its wallet's id; a party's links by those of its accounts: nothing is scanned.
"""

from __future__ import annotations

from ledger.core.account import Account, AccountKind
from ledger.core.amount import TENGE_SCALE, format_amount
from ledger.core.asset import Asset, AssetClass
from ledger.core.ids import b64
from ledger.core.link import Link
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.party import Party
from ledger.rules.holding_max import LIMITED
from ledger.rules.pack import pack_in_force
from ledger.store.reader import Snapshot
from ledger.waterfall import limits_in_force
from sandbox_api.limits import LISTED_MAX
from sandbox_api.reading.known import account_of, object_of, read_with
from sandbox_api.wire_links import HoldingBody, LinkBody, LinksBody


def link(view: Snapshot, wallet: bytes) -> LinkBody | None:
    """A wallet's link, ended or not; None where it never had one."""
    found = object_of(view, "link", wallet)
    return None if found is None else _body(found, object_of(view, "sweep", wallet))


def links_of(view: Snapshot, party: bytes) -> LinksBody:
    """Links of a party's wallets, the first `LISTED_MAX` of them."""
    found_wallets = view.accounts_of_kind(party, AccountKind.WALLET, limit=LISTED_MAX)
    wallets = [account.id for account in found_wallets]
    needs: list[Need] = [("object", type_, id) for id in wallets for type_ in ("link", "sweep")]
    found = view.load(needs)
    links = ((found["object", "link", id], found["object", "sweep", id]) for id in wallets)
    return LinksBody(tuple(_body(link, sweep) for link, sweep in links if link is not None))


def holding(view: Snapshot, id: bytes, at: int) -> HoldingBody | None:
    """What a wallet holds and may hold at `at` (ms UTC); None where there is no such account."""
    account = account_of(view, id)
    if account is None:
        return None
    scale = read_with(view, lambda known: _asset(known, account)).scale
    balance = format_amount(account.balance, scale)
    limit = read_with(view, lambda known: _limit(known, account, at))
    if limit is None:
        return HoldingBody(b64(id), balance, None, None)
    left = max(0, limit - account.balance)
    return HoldingBody(
        b64(id), balance, format_amount(limit, TENGE_SCALE), format_amount(left, TENGE_SCALE)
    )


def _limit(known: Known, account: Account, at: int) -> int | None:
    limits = limits_in_force(pack_in_force(known).in_force(at))
    party = known.body("party", account.owner, Party)
    if limits is None or party is None or party.role not in LIMITED:
        return None
    is_tenge = _asset(known, account).class_ == AssetClass.DIGITAL_TENGE
    return limits.limit_for(party) if is_tenge and account.kind == AccountKind.WALLET else None


def _asset(known: Known, account: Account) -> Asset:
    found = known.body("asset", account.asset.encode(), Asset)
    if found is None:
        raise AssertionError(f"account {b64(account.id)} holds an unknown asset")
    return found


def _body(found: Object, sweep: Object | None) -> LinkBody:
    body = body_of(found, Link)
    return LinkBody(
        wallet=b64(found.key),
        deposit=body.deposit,
        settlement=body.settlement,
        bank=b64(found.owner),
        asset=body.asset,
        reverse=body.reverse,
        status=found.status,
        sweep_at=None if sweep is None else sweep.due,
        written=found.written,
    )
