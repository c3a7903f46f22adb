"""Settling a chain of payments made offline: each payment once for ever, whatever chain brings it.

Shared by `purse_deposit/1` and `purse_unload/1`; no kind itself. Every source has its own account
(`core.purse`), so an overspent one harms those who were paid out of it and nobody else.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import structs

from ledger.core.account import Account, AccountKind
from ledger.core.amount import format_amount
from ledger.core.decision import Code, refused
from ledger.core.ids import b64
from ledger.core.needs import Known
from ledger.core.objects import Object, body_of
from ledger.core.offline import LOADED, Chain, Payment, purse_id
from ledger.core.plan import Facts, Movement
from ledger.core.purse import Purse, Settled
from ledger.kinds.kind import (
    Refusal,
    asset_of,
    id_of,
    movement_between,
    named_account,
    open_account,
    party_of,
    receiving_account,
    require,
)
from ledger.kinds.marked import is_final, lineage
from ledger.kinds.purses import frozen, is_unload, place_of
from ledger.rules import purse as rule


def settle(chain: Chain, known: Known, kind: str) -> Settling:
    """What settling the chain's payments does, each that is not settled yet; raises Refusal."""
    if all(known.object("purse_payment", id) is not None for id in chain.ids()):
        raise Refusal(refused(Code.PAYMENT_SETTLED, kind, payment=b64(chain.ids()[-1])))
    settling = Settling(chain, known, kind)
    for place in range(len(chain.links)):
        settling.take(place)
    return settling


@dataclass
class Settling:
    """A chain on its way into the ledger: what its payments do, one after another.

    `purses` and `payments` hold what has changed so far, by key. Facts tell of the payment settled
    last, and where one proves a fraud, of which purse.
    """

    chain: Chain
    known: Known
    kind: str
    movements: list[Movement] = field(default_factory=list)
    purses: dict[bytes, Object] = field(default_factory=dict)
    payments: dict[bytes, Object] = field(default_factory=dict)
    facts: Facts = field(default_factory=dict)

    @property
    def objects(self) -> tuple[Object, ...]:
        """All that changes."""
        return (*self.purses.values(), *self.payments.values())

    def take(self, place: int) -> None:
        """Settle the payment of this link, unless it is settled; raises Refusal."""
        payment, id = self.chain.links[place].payment, self.chain.ids()[place]
        if self._settled(id) is not None:
            return
        purse = self._payer(payment)
        body = body_of(purse, Purse)
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
        target = self._payee(payment)
        got = min(payment.amount, source.left)
        cover = 0
        if is_unload(payment, body):
            got = 0 if fault else got
        elif overspent and self._is_covered(purse, body, target):
            cover = min(payment.amount - got, max(0, body.purse_max - body.covered))
        self._move(purse, payment, target, (got, cover))
        self._used(purse, payment, got, cover)
        paid = got + cover
        status = "covered" if cover else "paid" if paid == payment.amount else "short"
        row = Settled(
            b64(purse.key), b64(payment.payee), payment.counter, b64(payment.previous),
            b64(payment.source), payment.amount, paid,
        )  # fmt: skip
        rows = (("place", place_of(purse.key, payment.counter)),
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
        if body_of(purse, Purse).device != b64(payment.payer):
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
            scale = self._scale(payment)
            raise Refusal(
                refused(
                    Code.PURSE_CAP, self.kind, member="payment_max",
                    amount=format_amount(payment.amount, scale),
                    limit=format_amount(body.payment_max, scale),
                )
            )  # fmt: skip

    def _scale(self, payment: Payment) -> int:
        """The scale of what is on the payer's purse."""
        return asset_of(
            self.known, named_account(self.known, purse_id(payment.payer)).asset, self.kind
        ).scale

    def _source(self, payment: Payment, body: Purse) -> _Source:
        """What the payment is made out of, as it stands now."""
        if payment.source == LOADED:
            return _Source(body.loaded, body.claimed, body.loaded - body.used)
        parent = self._settled(payment.source)
        if parent is None:
            raise AssertionError("a chain settles what comes first first")
        row = body_of(parent, Settled)
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
            if found is not None and body_of(found, Settled).previous != b64(id):
                return other
        return None

    def _at(self, purse: bytes, counter: int) -> tuple[bytes, ...]:
        """Ids of the device's settled payments of this number."""
        place = place_of(purse, counter)
        new = (id for id, one in self.payments.items() if ("place", place) in one.lookups)
        return (*self.known.lookup("purse_payment", "place", place), *new)

    def _settled(self, id: bytes) -> Object | None:
        return self.payments.get(id) or self.known.object("purse_payment", id)

    def _is_covered(self, purse: Object, body: Purse, target: Account) -> bool:
        """Whether the bank pays this payee what is missing, up to what the purse may hold in all:
        payees may be accounts of the payer's own. It does not pay itself, its money takes on no
        mark, and it stands in for marked money only at whom that may pay."""
        if body.bearer != rule.Bearer.ISSUING_BANK or b64(target.id) == body.covers or target.mark:
            return False
        mark = named_account(self.known, purse.key).mark
        party = party_of(self.known, target.owner, self.kind)
        return all(
            is_final(self.known, policy, target.owner, party)
            for _, policy in lineage(self.known, mark)
        )

    def _move(
        self, purse: Object, payment: Payment, target: Account, parts: tuple[int, int]
    ) -> None:
        """The money's way to the payee: off the purse, and from the bank behind it."""
        (got, cover), body = parts, body_of(purse, Purse)
        if got:
            source = named_account(self.known, purse.key)
            purpose = "purse_unload" if is_unload(payment, body) else "offline"
            self.movements.append(movement_between(self.known, source, target, got, purpose))
        if cover:
            source = open_account(self.known, id_of(body.covers), self.kind, "covers")
            self.movements.append(
                movement_between(self.known, source, target, cover, "purse_cover")
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
        return receiving_account(self.known, id_of(body_of(purse, Purse).home), self.kind, "payee")

    def _used(self, purse: Object, payment: Payment, got: int, cover: int) -> None:
        """What the payment took of its source, and what the bank paid for the device."""
        body = body_of(purse, Purse)
        body = structs.replace(body, covered=body.covered + cover)
        if payment.source == LOADED:
            body = structs.replace(
                body, claimed=body.claimed + payment.amount, used=body.used + got
            )
        else:
            parent = self._settled(payment.source)
            if parent is None:
                raise AssertionError("a chain settles what comes first first")
            row = body_of(parent, Settled)
            row = structs.replace(row, claimed=row.claimed + payment.amount, used=row.used + got)
            self.payments[payment.source] = structs.replace(parent, body=row)
        self.purses[purse.key] = structs.replace(purse, body=body)


@dataclass(frozen=True)
class _Source:
    """What a payment is made out of: `worth` as its payer may claim it, what settled payments have
    `claimed`, what is `left` to be paid out."""

    worth: int
    claimed: int
    left: int
