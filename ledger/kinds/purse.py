"""purse/1: a bank certifies a device as a purse: its key, its caps, how long it may pay.

The account that holds the purse's money is opened with it, its id the first 16 bytes of the kid of
the device's key. The caps stay within the pack's, who bears a loss is the pack's to say; both are
fixed here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from ledger.core.account import Account, AccountKind
from ledger.core.amount import parse_amount
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64, unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import Lookup, Object
from ledger.core.offline import purse_id
from ledger.core.party import Role
from ledger.core.plan import Opening, Plan
from ledger.core.purse import Purse
from ledger.core.transaction import AmountText, Id, Kid, Ms, Payload, Signer, Transaction
from ledger.kinds.kind import (
    Kind,
    Refusal,
    account_needs,
    answers_for,
    asset_of,
    id_of,
    open_account,
    own_account,
    payload_of,
)
from ledger.kinds.marked import check_ends
from ledger.kinds.party import is_registered, key_needs
from ledger.kinds.purses import admitted
from ledger.rules import purse as rule


class MakePurse(Payload, frozen=True, forbid_unknown_fields=True, tag="purse/1"):
    """A purse of the owner of the wallet `home`, who is the signer's client, on the device with
    this public key. `covers`: the signer's wallet that losses are paid from. It pays at most
    `payment_max` at once and holds at most `purse_max`, until `ends_at` (ms UTC)."""

    home: Id
    covers: Id
    device: Kid
    payment_max: AmountText
    purse_max: AmountText
    hops: Annotated[int, Meta(ge=1, le=3)]
    ends_at: Ms


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, MakePurse)
    id = purse_id(unb64(payload.device, 32))
    yield ("account", id)
    yield ("object", "purse", id)
    yield from key_needs(payload.device)
    yield from account_needs(known, id_of(payload.home), id_of(payload.covers))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, MakePurse)
    id = purse_id(unb64(payload.device, 32))
    home = _home(known, id_of(payload.home), signer)
    covers = own_account(known, id_of(payload.covers), signer, KIND.name)
    terms = admitted(known, home, at, KIND.name)
    if covers.asset != home.asset:
        return refused(Code.ASSET_DIFFERS, KIND.name, asset=covers.asset, other=home.asset)
    if known.account(id) is not None or is_registered(known, payload.device):
        return refused(Code.ALREADY_REGISTERED, KIND.name, member="device")
    scale = asset_of(known, home.asset, KIND.name).scale
    maxima = _maxima(payload, terms, scale)
    if payload.hops > terms.hops_max:
        return refused(Code.PURSE_TERMS, KIND.name, member="hops", limit=str(terms.hops_max))
    if not at < payload.ends_at <= at + terms.term_max_s * 1000:
        return refused(Code.DATES_CONFLICT, KIND.name, member="ends_at")
    closes_at = payload.ends_at + terms.grace_s * 1000
    check_ends(known, home, closes_at, KIND.name)
    body = Purse(
        payload.device, b64(signer.id), payload.home, payload.covers, terms.bearer.value,
        *maxima, payload.hops, payload.ends_at,
    )  # fmt: skip
    rows = _rows(home, covers)
    return Plan(
        openings=(Opening(id, home.owner, home.asset, AccountKind.PURSE, home.mark),),
        objects=(Object("purse", id, home.owner, "open", closes_at, body, rows, 0),),
        facts={"purse": b64(id), "bearer": body.bearer, "closes_at": closes_at},
    )


def _home(known: Known, id: bytes, signer: Signer) -> Account:
    """The wallet of a client of the signer's, or its own; else NO_AUTHORITY, which says no more."""
    account = known.account(id)
    if account is None or not answers_for(known, account, signer):
        raise Refusal(refused(Code.NO_AUTHORITY, KIND.name, member="home"))
    return open_account(known, id, KIND.name, "home")


def _maxima(payload: MakePurse, terms: rule.Parameters, scale: int) -> tuple[int, int]:
    """What one payment and the purse may be at most, within the pack's, or PURSE_TERMS."""
    found = []
    for member in ("payment_max", "purse_max"):
        asked, limit = parse_amount(getattr(payload, member), scale), getattr(terms, member)
        if asked > parse_amount(limit, scale):
            raise Refusal(refused(Code.PURSE_TERMS, KIND.name, member=member, limit=limit))
        found.append(asked)
    return found[0], found[1]


def _rows(home: Account, covers: Account) -> tuple[Lookup, ...]:
    """By `account` all purses of a wallet, by `open` those that may still move money to a wallet or
    from it."""
    rows = {("account", home.id), ("open", home.id), ("open", covers.id)}
    return tuple(sorted(rows))


KIND = Kind(
    MakePurse,
    frozenset({Role.BANK}),
    _plan,
    _needs,
    keys=lambda payload: (payload.device,) if isinstance(payload, MakePurse) else (),
)
