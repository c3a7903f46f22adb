"""What a kind of transaction is, and checks that several kinds share.

A kind is one module: payload, who may sign, what it needs, what it would do, what happens when its
objects fall due. `plan` is a pure function; it returns a Plan or a Refused value. It says nothing
of rules and funds: those are judged over the plan's movements for every kind alike
(`ledger.decide`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from ledger.core.account import Account, AccountKind
from ledger.core.amount import parse_amount
from ledger.core.asset import TENGE_CLASSES, Asset
from ledger.core.decision import Code, Refused, refused
from ledger.core.freeze import FROZEN, Freeze, Policy
from ledger.core.ids import ID_BYTES, b64, unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.party import Party, Role
from ledger.core.plan import Movement, Place, Plan
from ledger.core.transaction import Embedded, Payload, Proof, Signer, Statement, Transaction

B = TypeVar("B")

ANYONE = frozenset(Role) - {Role.OPERATOR}
"""Every role but the operator, whose key the server holds: it may only move time on (D9)."""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of transaction, as its module declares it.

    `roles`: who may sign it. `needs` is a prefetch (core.needs). `keys` names public keys
    (base64url) that the transaction would register: the shell checks that they are good points.
    `embeds` gives what a second party signed inside it: the type of each statement and its JWS;
    `proofs` what a device signed offline, with the keys that stand there.
    `large`: the payload may have 40,000 bytes. `without_pack`: may be done while no rule is in
    force. `alone`: it cannot be proposed. `fresh`: what it would make, where a batch looks that up
    at once because it is as a rule not there. `lone`: whether this signer may do it alone though
    the pack asks for several keys, because there is nobody else yet who could agree.
    """

    payload: type[Payload]
    roles: frozenset[Role]
    plan: Callable[[Transaction, Signer, Known, int], Plan | Refused]
    needs: Callable[[Transaction, Known], Iterator[Need]]
    keys: Callable[[Payload], tuple[str, ...]] = lambda payload: ()
    embeds: Callable[[Payload], tuple[tuple[type[Statement], str], ...]] = lambda payload: ()
    proofs: Callable[[Payload], tuple[Proof, ...]] = lambda payload: ()
    large: bool = False
    without_pack: bool = False
    alone: bool = False
    fresh: Callable[[Transaction], Need] | None = None
    lone: Callable[[Signer, Known], bool] = lambda signer, known: False
    name: str = field(init=False)
    """The versioned name, as in `transfer/1`."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", kind_name(self.payload))


def kind_name(payload: type[Payload]) -> str:
    """The versioned name of the kind with this payload, as in `transfer/1`."""
    return str(payload.__struct_config__.tag)


@dataclass(frozen=True, slots=True)
class DueKind:
    """What becomes of objects of `type` when their due time comes. `ended` must never refuse, and
    an object that goes on is due again at a later time than the one given. `needs` is a prefetch.
    """

    type: str
    ended: Callable[[Object, Known, int], Plan]
    needs: Callable[[Object, Known], Iterator[Need]] = lambda object_, known: iter(())


class Refusal(Exception):
    """Carries a refusal out of the checks below; `plan_or_refusal` turns it back into a value."""

    def __init__(self, refusal: Refused) -> None:
        super().__init__(refusal)
        self.refusal = refusal


P = TypeVar("P", bound=Payload)
S = TypeVar("S", bound=Statement)


def payload_of(tx: Transaction, type_: type[P]) -> P:
    """The payload as this kind's own type."""
    if not isinstance(tx.payload, type_):
        raise AssertionError(f"{type_.__name__} was asked to read {tx.payload!r}")
    return tx.payload


def embedded_of(tx: Transaction, type_: type[S]) -> Embedded[S]:
    """The first statement of this type that the transaction embeds."""
    for embedded in tx.embedded:
        if isinstance(embedded.body, type_):
            return embedded
    raise AssertionError(f"a transaction was read without its {type_.__name__}")


@lru_cache(maxsize=1 << 16)
def id_of(text: str) -> bytes:
    """The 16 bytes of an id; raises Malformed on any other spelling."""
    return unb64(text, ID_BYTES)


def party_need(text: str) -> Need:
    """The need for a party by its id as text."""
    return ("object", "party", id_of(text))


def require(found: B | None, code: Code, kind: str, **params: str) -> B:
    """`found`, or the refusal `code` where there is nothing."""
    if found is None:
        raise Refusal(refused(code, kind, **params))
    return found


def party_of(known: Known, id: bytes, kind: str) -> Party:
    """The body of a registered party, or PARTY_UNKNOWN."""
    found = known.body("party", id, Party)
    if found is None:
        raise Refusal(refused(Code.PARTY_UNKNOWN, kind))
    return found


def asset_of(known: Known, code: str, kind: str) -> Asset:
    """The body of a registered asset, or ASSET_UNKNOWN."""
    found = known.body("asset", code.encode(), Asset)
    if found is None:
        raise Refusal(refused(Code.ASSET_UNKNOWN, kind, asset=code))
    return found


def wallet(known: Known, id: bytes, kind: str, which: str) -> Account:
    """The wallet in whatever status, or ACCOUNT_UNKNOWN / ACCOUNT_KIND; `which` names the member.
    What is outstanding moves by `issue` and `redeem` alone: see `issue_account`."""
    account = known.account(id)
    if account is None:
        raise Refusal(refused(Code.ACCOUNT_UNKNOWN, kind, member=which))
    if account.kind != AccountKind.WALLET:
        raise Refusal(refused(Code.ACCOUNT_KIND, kind, member=which, kind=account.kind.value))
    return account


def open_account(known: Known, id: bytes, kind: str, which: str) -> Account:
    """The wallet, open, so that it may pay, or ACCOUNT_UNKNOWN / ACCOUNT_KIND / ACCOUNT_FROZEN /
    ACCOUNT_NOT_OPEN. Who is paid is asked for by `receiving_account`."""
    account = wallet(known, id, kind, which)
    if account.status == FROZEN:
        raise Refusal(refused(Code.ACCOUNT_FROZEN, kind, member=which))
    if account.status != "open":
        raise Refusal(refused(Code.ACCOUNT_NOT_OPEN, kind, member=which, status=account.status))
    return account


def payee_account(known: Known, id: bytes, kind: str, which: str) -> Account:
    """The wallet that may be paid, now or later: open or frozen. ACCOUNT_UNKNOWN / ACCOUNT_KIND /
    ACCOUNT_NOT_OPEN."""
    account = wallet(known, id, kind, which)
    if account.status not in ("open", FROZEN):
        raise Refusal(refused(Code.ACCOUNT_NOT_OPEN, kind, member=which, status=account.status))
    return account


def receiving_account(known: Known, id: bytes, kind: str, which: str) -> Account:
    """The account that money for this wallet is credited to now: the wallet, or where its freeze
    holds what arrives, the held account beside it (of the same owner and asset). Refuses as
    `payee_account` does."""
    return arrival(known, payee_account(known, id, kind, which))


def arrival(known: Known, account: Account) -> Account:
    """Where money for this wallet arrives, whatever its status: the held account where it is frozen
    and its freeze says to hold, else the wallet itself. Refuses nothing, so that what ends by time
    can give back what it reserved."""
    if account.status != FROZEN:
        return account
    freeze = known.object("freeze", account.id)
    body = None if freeze is None else body_of(freeze, Freeze)
    if body is None or body.policy is not Policy.HOLD:
        return account
    if body.held is None:
        raise AssertionError(f"what arrives for account {account.id.hex()} has no place")
    return named_account(known, id_of(body.held))


def amount_in(known: Known, account: Account, text: str, kind: str) -> int:
    """An amount above 0 in the account's asset, minor units; raises Malformed."""
    return parse_amount(text, asset_of(known, account.asset, kind).scale)


def issue_account(known: Known, asset: Asset) -> Account:
    """The account on which what is outstanding of an asset stands negative."""
    return named_account(known, id_of(asset.issue_account))


def named_account(known: Known, id: bytes) -> Account:
    """The account that an object of the ledger names, in whatever status: it is always there."""
    account = known.account(id)
    if account is None:
        raise AssertionError(f"an object names account {id.hex()}, which is not there")
    return account


def answers_for(known: Known, account: Account, signer: Signer) -> bool:
    """Whether the account is the signer's own, or of a party that the signer registered."""
    return account.owner == signer.id or is_registrar(known, account.owner, signer)


def is_registrar(known: Known, party: bytes, signer: Signer) -> bool:
    """Whether the signer registered this party."""
    body = known.body("party", party, Party)
    return body is not None and body.registrar == b64(signer.id)


def own_account(known: Known, id: bytes, signer: Signer, kind: str) -> Account:
    """The signer's own account to pay from. Who has no authority over it hears only that, and the
    same whether or not it exists."""
    account = known.account(id)
    if account is None or account.owner != signer.id:
        raise Refusal(refused(Code.NO_AUTHORITY, kind, member="from"))
    return open_account(known, id, kind, "from")


def movement_between(
    known: Known,
    source: Account,
    target: Account,
    amount: int,
    purpose: str,
    *,
    value: int | None = None,
    place: Place | None = None,
) -> Movement:
    """The movement with parties and asset resolved; refuses the same account and another asset.

    Money in tenge is its own value; of other assets `value` is what a rate fixed, or None.
    """
    if source.id == target.id:
        raise Refusal(refused(Code.SAME_ACCOUNT, purpose))
    if source.asset != target.asset:
        raise Refusal(refused(Code.ASSET_DIFFERS, purpose, asset=source.asset, other=target.asset))
    asset = asset_of(known, source.asset, purpose)
    if asset.class_ in TENGE_CLASSES:
        value = amount
    return Movement(
        source,
        party_of(known, source.owner, purpose),
        target,
        party_of(known, target.owner, purpose),
        asset,
        amount,
        purpose,
        value,
        place,
    )


def account_needs(known: Known, *ids: bytes) -> Iterator[Need]:
    """Needs of a movement among these accounts: the accounts, their owners, their assets."""
    for id in ids:
        need: Need = ("account", id)
        yield need
        account = known.values.get(need)
        if account is not None:
            yield ("object", "party", account.owner)
            yield ("object", "asset", account.asset.encode())
            if account.status == FROZEN:
                yield from _freeze_needs(known, id)


def _freeze_needs(known: Known, id: bytes) -> Iterator[Need]:
    """Needs of `arrival` at a frozen account."""
    need: Need = ("object", "freeze", id)
    yield need
    freeze = known.values.get(need)
    if freeze is not None and freeze.body.held is not None:
        yield ("account", id_of(freeze.body.held))
