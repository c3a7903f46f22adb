"""Purses as their kinds see them: which, whose, what the pack admits, and settling a chain.

Shared by `purse/1`, `purse_load/1`, `purse_deposit/1`, `purse_unload/1`, `purse_fraud/1`; no kind
itself. The layout and what contradicts what: docs/offline.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from msgspec import structs

from ledger.core.account import Account, AccountKind
from ledger.core.amount import format_amount
from ledger.core.asset import AssetClass
from ledger.core.decision import Code, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.offline import LOADED, Chain, Payment, purse_id
from ledger.core.plan import Facts, Movement, Plan
from ledger.core.purse import Purse, Settled
from ledger.kinds.kind import (
    Refusal,
    account_needs,
    asset_of,
    id_of,
    movement_between,
    open_account,
    receiving_account,
    require,
)
from ledger.rules import purse as rule
from ledger.rules.pack import pack_in_force, parameters_in

FROZEN_PURSES = ("frozen", b"")
"""Look-up row of a purse while it is frozen: what the notice to devices lists."""


def admitted(known: Known, account: Account, at: int, kind: str) -> rule.Parameters:
    """What the pack in force says of purses, or OFFLINE_NOT_ADMITTED: it says nothing, the money is
    no digital tenge, or it is marked and the pack keeps marks off purses."""
    terms = parameters_in(pack_in_force(known).in_force(at), rule.Parameters)
    asset = asset_of(known, account.asset, kind)
    if terms is None or asset.class_ != AssetClass.DIGITAL_TENGE:
        raise Refusal(refused(Code.OFFLINE_NOT_ADMITTED, kind, asset=account.asset))
    if account.mark and not terms.marked:
        raise Refusal(
            refused(Code.OFFLINE_NOT_ADMITTED, kind, asset=account.asset, mark=account.mark)
        )
    return terms


def purse_of(object_: Object) -> Purse:
    """The body of a purse."""
    if not isinstance(object_.body, Purse):
        raise AssertionError(f"object purse holds {object_.body!r}")
    return object_.body


def settled_of(object_: Object) -> Settled:
    """The body of a settled payment."""
    if not isinstance(object_.body, Settled):
        raise AssertionError(f"object purse_payment holds {object_.body!r}")
    return object_.body


def purse_needs(known: Known, id: bytes) -> Iterator[Need]:
    """Needs of whatever moves money of a purse: itself, its account, the two wallets behind it."""
    need: Need = ("object", "purse", id)
    yield need
    yield from account_needs(known, id)
    purse = known.values.get(need)
    if purse is not None:
        body = purse_of(purse)
        yield from account_needs(known, id_of(body.home), id_of(body.covers))


def chain_needs(known: Known, chain: Chain) -> Iterator[Need]:
    """Needs of settling a chain."""
    for link, id in zip(chain.links, chain.ids(), strict=True):
        payment, purse = link.payment, purse_id(link.payment.payer)
        yield ("object", "purse_payment", id)
        yield from purse_needs(known, purse)
        yield from purse_needs(known, payment.payee)
        for counter in (payment.counter - 1, payment.counter, payment.counter + 1):
            place: Need = ("lookup", "purse_payment", "place", _place(purse, counter))
            yield place
            for other in known.values.get(place, ()):
                yield ("object", "purse_payment", other)


def contradiction(one: Payment, other: Payment, ledger: bytes) -> bool:
    """Whether two payments of one device cannot both be an honest device's."""
    if one.payer != other.payer or one.id(ledger) == other.id(ledger):
        return False
    first, second = sorted((one, other), key=lambda payment: payment.counter)
    if first.counter == second.counter:
        return True
    if first.counter + 1 == second.counter and second.previous != first.id(ledger):
        return True
    overlap = first.spent < second.spent + second.amount and (
        second.spent < first.spent + first.amount
    )
    return first.source == second.source and overlap


def frozen(purse: Object) -> Object:
    """The purse as it stands when its device has contradicted itself."""
    rows = tuple(sorted({*purse.lookups, FROZEN_PURSES}))
    return structs.replace(purse, status="frozen", lookups=rows)


def settle(chain: Chain, known: Known, kind: str) -> Settling:
    """What settling the chain's payments does, each that is not settled yet; raises Refusal."""
    if all(known.object("purse_payment", id) is not None for id in chain.ids()):
        raise Refusal(refused(Code.PAYMENT_SETTLED, kind, payment=b64(chain.ids()[-1])))
    settling = Settling(chain, known, kind)
    for place in range(len(chain.links)):
        settling.take(place)
    return settling


def is_unload(payment: Payment, purse: Purse) -> bool:
    """Whether the device empties itself into its owner's wallet."""
    return b64(payment.payee) == purse.home


@dataclass
class Settling:
    """A chain on its way into the ledger: what its payments do, one after another.

    `purses` and `payments` hold what has changed so far, by key. `contradicted`: the id of the
    purse that this chain proves a fraud of, and the payment it contradicts, where it is one.
    """

    chain: Chain
    known: Known
    kind: str
    movements: list[Movement] = field(default_factory=list)
    purses: dict[bytes, Object] = field(default_factory=dict)
    payments: dict[bytes, Object] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)

    def plan(self) -> Plan:
        """All of it."""
        return Plan(
            movements=tuple(self.movements),
            objects=(*self.purses.values(), *self.payments.values()),
            facts=self.facts,
        )

    def take(self, place: int) -> None:
        """Settle the payment of this link, unless it is settled; raises Refusal."""
        payment, id = self.chain.links[place].payment, self.chain.ids()[place]
        if self._settled(id) is not None:
            return
        purse = self._payer(payment)
        body = purse_of(purse)
        self._check(payment, body, place + 1)
        source = self._source(payment, body)
        if payment.spent + payment.amount > source.worth:
            raise Refusal(refused(Code.SOURCE_EXCEEDED, self.kind, payment=b64(id)))
        other = self._contradicted(payment, id)
        overspent = source.claimed + payment.amount > source.worth
        fault = other is not None or overspent
        if fault:
            purse = frozen(purse)
            self.facts["fraud"] = b64(purse.key)
            if other is not None:
                self.facts["against"] = b64(other)
        got = min(payment.amount, source.left)
        cover = 0
        if is_unload(payment, body):
            got = 0 if fault else got
        elif overspent and body.bearer == rule.Bearer.ISSUING_BANK:
            cover = 0 if b64(payment.payee) == body.covers else payment.amount - got
        self._move(purse, payment, got, cover)
        self._used(purse, payment, got, cover)
        paid = got + cover
        status = "covered" if cover else "paid" if paid == payment.amount else "short"
        row = Settled(
            b64(purse.key), b64(payment.payee), payment.counter, b64(payment.previous),
            b64(payment.source), payment.amount, paid,
        )  # fmt: skip
        rows = (("place", _place(purse.key, payment.counter)),
                *(("account", key) for key in sorted({purse.key, payment.payee})))  # fmt: skip
        self.payments[id] = Object(
            "purse_payment", id, purse.owner, status, None, row, tuple(sorted(rows)), 0
        )
        self.facts |= {"payment": b64(id), "purse": b64(purse.key), "paid": str(paid)}

    def _payer(self, payment: Payment) -> Object:
        """The purse of the device that signed, not closed yet."""
        key = purse_id(payment.payer)
        purse = self.purses.get(key) or self.known.object("purse", key)
        purse = require(purse, Code.PURSE_UNKNOWN, self.kind, purse=b64(key))
        if purse_of(purse).device != b64(payment.payer):
            raise Refusal(refused(Code.PURSE_UNKNOWN, self.kind, purse=b64(key)))
        if purse.status == "closed":
            raise Refusal(refused(Code.STATUS_CONFLICT, self.kind, status=purse.status))
        return purse

    def _check(self, payment: Payment, body: Purse, hop: int) -> None:
        """What the payee could check with no network: the purse's own terms."""
        if payment.at >= body.ends_at:
            raise Refusal(refused(Code.DATES_CONFLICT, self.kind, member="at"))
        if is_unload(payment, body):
            return
        if hop > body.hops:
            raise Refusal(refused(Code.HOPS, self.kind, hops=hop, limit=body.hops))
        if payment.amount > body.payment_max:
            scale = self._asset(payment)
            raise Refusal(
                refused(
                    Code.PURSE_CAP, self.kind, member="payment_max",
                    amount=format_amount(payment.amount, scale),
                    limit=format_amount(body.payment_max, scale),
                )
            )  # fmt: skip

    def _asset(self, payment: Payment) -> int:
        """The scale of what is on the payer's purse."""
        return asset_of(self.known, self._account(purse_id(payment.payer)).asset, self.kind).scale

    def _source(self, payment: Payment, body: Purse) -> _Source:
        """What the payment is made out of, as it stands now."""
        if payment.source == LOADED:
            return _Source(body.loaded, body.claimed, body.loaded - body.used)
        parent = self._settled(payment.source)
        if parent is None:
            raise AssertionError("a chain settles what comes first first")
        row = settled_of(parent)
        return _Source(row.amount, row.claimed, row.paid - row.used)

    def _contradicted(self, payment: Payment, id: bytes) -> bytes | None:
        """A settled payment of the device that this one contradicts by number or by name."""
        key, counter = purse_id(payment.payer), payment.counter
        for other in self._at(key, counter):
            return other
        before = self._at(key, counter - 1)
        if before and payment.previous not in before:
            return before[0]
        for other in self._at(key, counter + 1):
            found = self._settled(other)
            if found is not None and settled_of(found).previous != b64(id):
                return other
        return None

    def _at(self, purse: bytes, counter: int) -> tuple[bytes, ...]:
        """Ids of the device's settled payments of this number."""
        place = _place(purse, counter)
        new = (id for id, one in self.payments.items() if ("place", place) in one.lookups)
        return (*self.known.lookup("purse_payment", "place", place), *new)

    def _settled(self, id: bytes) -> Object | None:
        return self.payments.get(id) or self.known.object("purse_payment", id)

    def _move(self, purse: Object, payment: Payment, got: int, cover: int) -> None:
        """The money's way to the payee: off the purse, and from the bank behind it."""
        target, body = self._payee(payment), purse_of(purse)
        parts = ((purse.key, got, "offline"), (id_of(body.covers), cover, "purse_cover"))
        for source, amount, purpose in parts:
            account = self._account(source)
            if account.mark != target.mark:
                asset = account.asset
                raise Refusal(refused(Code.OFFLINE_NOT_ADMITTED, self.kind, asset=asset))
            if amount:
                if purpose == "purse_cover":
                    account = open_account(self.known, source, self.kind, "covers")
                self.movements.append(
                    movement_between(self.known, account, target, amount, purpose)
                )

    def _payee(self, payment: Payment) -> Account:
        """Where the money goes: to the payee's purse, home where that has closed, or a wallet."""
        account = self.known.account(payment.payee)
        if account is None or account.kind != AccountKind.PURSE:
            return receiving_account(self.known, payment.payee, self.kind, "payee")
        if account.status == "open":
            return account
        purse = self.known.object("purse", payment.payee)
        if purse is None:
            raise AssertionError(f"account {b64(payment.payee)} is a purse's, which is not there")
        return receiving_account(self.known, id_of(purse_of(purse).home), self.kind, "payee")

    def _used(self, purse: Object, payment: Payment, got: int, cover: int) -> None:
        """What the payment took of its source, and what the bank paid for the device."""
        body = purse_of(purse)
        body = structs.replace(body, covered=body.covered + cover)
        if payment.source == LOADED:
            body = structs.replace(
                body, claimed=body.claimed + payment.amount, used=body.used + got
            )
        else:
            parent = self._settled(payment.source)
            if parent is None:
                raise AssertionError("a chain settles what comes first first")
            row = settled_of(parent)
            row = structs.replace(row, claimed=row.claimed + payment.amount, used=row.used + got)
            self.payments[payment.source] = structs.replace(parent, body=row)
        self.purses[purse.key] = structs.replace(purse, body=body)

    def _account(self, id: bytes) -> Account:
        account = self.known.account(id)
        if account is None:
            raise AssertionError(f"a purse names account {b64(id)}, which is not there")
        return account


@dataclass(frozen=True)
class _Source:
    """What a payment is made out of: `worth` as its payer may claim it, what settled payments have
    `claimed`, what is `left` to be paid out."""

    worth: int
    claimed: int
    left: int


def _place(purse: bytes, counter: int) -> bytes:
    """The look-up value of a device's payment of this number."""
    return purse + counter.to_bytes(5, "big")
