"""Seeded random traffic of all kinds through a real ledger in a SQLite file, held against the dict
model after each step (R13): batches, copies, replays, hostile bytes, forged signatures, expiry,
refunds in two assets, caps; at the end the audit decides it all anew. The same seed gives the same
final state. Printed: scale, seed, steps.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from pathlib import Path
from typing import Any

import pytest

from ledger.audit import audit_database
from ledger.core.ids import b64, unb64
from ledger.store import open_reading
from ledger.writer.answers import Answer, Declined, Offer, Taken, Unread
from tests.builders import HOUR, World, derived, key_of, request_id
from tests.kinds.frozen import FAR, begin, reopen, state_hash, url_of
from tests.scale import SCALE
from tests.simulation import (
    asks,
    consents,
    deposits,
    exchange,
    freezes,
    holds,
    keys,
    locks,
    marks,
    proposals,
    purses,
    vat,
)
from tests.simulation.choice import Choice
from tests.simulation.model import DEPOSIT, Model, Sale

STEPS = 2_000 * SCALE
HAPPENS = 4
"""How often every act happens, at the least, in so many steps."""
ASSETS = {"KZTD": 2, "tUSDT": 6, "tBTC": 8}
COUNTED = (*ASSETS, DEPOSIT)
RATES = {"tUSDT": Decimal("519.25"), "tBTC": Decimal(48_000_000)}
HOLDERS = ("aigul", "aigul 2", "daniyar", "cafe", "market", "exchange", "bank")
"""Who holds accounts; "aigul 2" is her second account of each asset."""
SHOPPERS = ("aigul", "daniyar")


def text(units: int, asset: str) -> str:
    return f"{Decimal(units).scaleb(-ASSETS[asset]):f}"


class Traffic:
    """One run: the ledger, its model, and the dice."""

    def __init__(self, folder: Path, world: World, seed: int) -> None:
        self.folder, self.world, self.dice = folder, world, random.Random(seed)
        self.reader = open_reading(url_of(folder))
        self.at = FAR
        self.model = Model(merchants=frozenset({"cafe", "market"}))
        self.model.tiers = {"aigul": 2, "daniyar": 0, "cafe": 3, "market": 3, "exchange": 3,
                            "bank": 3}  # fmt: skip
        self.seen: list[tuple[bytes, int]] = []  # accepted bytes and their entry
        self.choice = Choice(WEIGHTS)
        self.acting: Chosen = transfer
        world.parties["aigul 2"] = world.parties["aigul"]
        for asset in ASSETS:
            world.open("bank", "aigul 2", asset)
        proposals.begin(self)
        self.keyring = keys.Keyring()
        self.asks = asks.Asks()
        keys.begin(self)
        deposits.begin(self)
        self.desk = exchange.Desk()
        exchange.begin(self)
        self.purses = purses.Purses()
        purses.begin(self)
        self.marked = marks.begin(self)
        self.books = vat.begin(self)
        self.start = self.reader.head()
        for asset in ASSETS:
            for name in HOLDERS:
                self.model.balances[name, asset] = self.balance(name, asset)
        self._recount_supply()

    def close(self) -> None:
        self.reader.close()
        self.world.door.close()

    def step(self) -> None:
        """One batch of one to four offers, judged one after another beforehand."""
        if self.dice.random() < 0.08:
            self.pass_time()
        offers: list[tuple[bytes, Any]] = []
        for _ in range(self.dice.choice((1, 1, 2, 4))):
            act = self.choice.next(self.dice)
            if act is pay_again and offers:
                act = pay  # it pays at once, before what this batch has judged already
            jws, faults, then = self.instead(act)
            name = self.acting.__name__
            taken = isinstance(faults, set) and not faults and then is not None
            self.choice.tried[self.acting] += 1
            self.choice.happened[self.acting] += taken or self.acting in HOSTILE
            offers.append((jws, (name, faults, then)))
            if taken:
                then()  # what follows in this batch is judged on it
                if self.dice.random() < 0.1:
                    offers.append((jws, ("copy", "copy", None)))
        answers = self.world.door.submit([Offer(jws, False) for jws, _ in offers])
        for (jws, (name, faults, _)), answer in zip(offers, answers, strict=True):
            self.compare(jws, name, faults, answer)
        self.agree()

    def instead(self, act: Chosen) -> Act:
        """What this act makes; an act that finds nothing to act upon gives way to another."""
        self.acting = act
        return act(self)

    def compare(self, jws: bytes, name: str, faults: Any, answer: Answer) -> None:
        if isinstance(faults, str):
            if faults == "copy":
                assert isinstance(answer, Taken), (name, answer)
                assert answer.repeated
                assert (jws, answer.index) in self.seen
            else:
                assert isinstance(answer, Unread), (name, answer)
                assert answer.code.startswith(faults), (name, answer)
        elif faults:
            assert isinstance(answer, Declined), (name, faults, answer)
            assert {reason.code.value for reason in answer.reasons} == faults, name
            self.model.refusals += 1
        else:
            assert isinstance(answer, Taken), (name, answer)
            assert not answer.repeated
            self.seen.append((jws, answer.index))

    def agree(self) -> None:
        """Every balance, every supply, and that each asset's balances sum to zero."""
        head, start = self.reader.head(), self.start
        assert head.refusals - start.refusals == self.model.refusals
        assert head.events - start.events == head.size - start.size + self.model.refusals
        held: dict[str, int] = {}
        sums: dict[str, int] = {}
        outstanding: dict[str, int] = {}
        for account in self.reader.all_accounts():
            held[b64(account.id)] = account.balance
            sums[account.asset] = sums.get(account.asset, 0) + account.balance
            if account.kind == "issue":
                outstanding[account.asset] = -account.balance
            else:
                assert account.balance >= 0
        for (name, asset), units in self.model.balances.items():
            assert held[self.world.accounts[name, asset]] == units, (name, asset)
        assert set(sums.values()) == {0}
        needs = [("counter", m, 0, a.encode(), "") for m in ("issued", "redeemed") for a in COUNTED]
        found = self.reader.load(needs)
        for asset in COUNTED:
            issued, redeemed = (found["counter", m, 0, asset.encode(), ""]
                                for m in ("issued", "redeemed"))  # fmt: skip
            assert issued == self.model.issued[asset]
            assert redeemed == self.model.redeemed[asset]
            assert issued - redeemed == outstanding[asset]
        spent = {("counter", "tender.day", day, unb64(self.world.parties[name], 16), ""): value
                 for (name, day), value in self.model.spent.items()}  # fmt: skip
        assert self.reader.load(spent) == spent
        marks.agree(self)
        vat.agree(self)

    def balance(self, name: str, asset: str) -> int:
        need = ("account", unb64(self.world.accounts[name, asset], 16))
        balance: int = self.reader.load([need])[need].balance
        return balance

    def remembered(self, type: str, id: str) -> Any:
        """An object of the ledger."""
        need = ("object", type, unb64(id, 16))
        return self.reader.load([need])[need]

    def amount(self, who: str, asset: str) -> int:
        """A small part of what there is, now and then all of it or a unit more."""
        held = self.model.has(who, asset)
        return max(1, self.dice.choice((1, held // 1000, held // 50, held, held + 1)))

    def sign(self, signer: str, kind: str, **members: Any) -> bytes:
        return self.world.sign(signer.removesuffix(" 2"), kind, **members).encode()

    def pass_time(self) -> None:
        """Hours go by; what is due ends; rates are renewed."""
        before, self.at = self.at, self.at + self.dice.choice((1, 5, 20)) * HOUR
        self.world.do("operator", "clock/1", offset=0, frozen_at=self.at)
        deposits.night(self, before)
        for asset, rate in RATES.items():
            jws = self.world.do("exchange", "rate/1", asset=asset, rate=str(rate))
            self.world.rates[asset] = derived(jws, "rate")
        holds.run_out(self)
        purses.run_out(self)

    def text(self, units: int, asset: str) -> str:
        """Minor units as they are written."""
        return text(units, asset)

    def request(self, merchant: str, total: int) -> tuple[str, dict[str, int]]:
        """A till's request, and what it asks for of each asset."""
        return _request(self, merchant, total)

    def _recount_supply(self) -> None:
        for account in self.reader.all_accounts():
            if account.kind == "issue" and account.asset in COUNTED:
                self.model.issued[account.asset] = -account.balance
                self.model.redeemed[account.asset] = 0


Act = tuple[bytes, Any, Any]
"""Signed bytes; the codes they should hear, or how they are unread; what follows if accepted."""
Chosen = Callable[[Traffic], Act]


def transfer(run: Traffic) -> Act:
    source, target = run.dice.sample(HOLDERS, 2)
    asset = run.dice.choice(tuple(ASSETS))
    units = run.amount(source, asset)
    jws = run.sign(source, "transfer/1", from_=run.world.accounts[source, asset],
                   to=run.world.accounts[target, asset], amount=text(units, asset))  # fmt: skip
    faults = run.model.transfer(source, target, asset, units)
    return jws, faults, lambda: run.model.move(source, target, asset, units)


def theft(run: Traffic) -> Act:
    source, thief = run.dice.sample(HOLDERS[1:], 2)
    jws = run.sign(thief, "transfer/1", from_=run.world.accounts[source, "KZTD"],
                   to=run.world.accounts[thief, "KZTD"], amount="1.00")  # fmt: skip
    return jws, {"NO_AUTHORITY"}, None


def _request(run: Traffic, merchant: str, total: int, **members: Any) -> tuple[str, dict[str, int]]:
    due = {"KZTD": total}
    for asset, rate in RATES.items():
        exact = Decimal(total).scaleb(-2) / rate
        due[asset] = int(exact.scaleb(ASSETS[asset]).to_integral_value(ROUND_CEILING))
    tenders = [
        {"asset": asset, "account": run.world.accounts[merchant, asset], "amount": text(n, asset)}
        | ({} if asset == "KZTD" else {"rate": run.world.rates[asset]})
        for asset, n in due.items()
    ]
    said = {"total": text(total, "KZTD"), "tenders": tenders} | members
    return run.world.signing.request(f"till-{merchant}", **said), due


def pay(run: Traffic) -> Act:
    payer, merchant = run.dice.choice(SHOPPERS), run.dice.choice(("cafe", "cafe", "market"))
    asset = run.dice.choice(tuple(ASSETS))
    total = run.dice.choice((1, 99, 129_000, 30_000_000, 50_000_000, 50_000_001))
    reusable = run.dice.random() < 0.2
    request, due = _request(run, merchant, total, reusable=reusable)
    jws = run.sign(payer, "pay/1", from_=run.world.accounts[payer, asset], request=request)
    faults = run.model.pay(payer, merchant, asset, due[asset], total, run.at)
    key = derived(jws.decode(), "payment") if reusable else request_id(request)
    sale, at = Sale(payer, merchant, asset, due[asset], total), run.at
    return jws, faults, lambda: run.model.paid(key, sale, at)


def pay_again(run: Traffic) -> Act:
    """A till's request that is paid already, by anybody: kept by the run when it was paid."""
    request, _ = _request(run, "cafe", 100)
    asset = "KZTD"
    for name in SHOPPERS:
        if run.model.has(name, asset) >= 100:
            first = run.sign(name, "pay/1", from_=run.world.accounts[name, asset], request=request)
            answer = run.world.door.submit([Offer(first, False)])[0]
            if isinstance(answer, Declined):  # the money is promised within this very batch
                run.model.refusals += 1
                return run.instead(transfer)
            run.seen.append((first, answer.index))  # type: ignore[union-attr]
            run.model.paid(request_id(request), Sale(name, "cafe", asset, 100, 100), run.at)
            break
    else:
        return run.instead(transfer)
    other = run.dice.choice(SHOPPERS)
    jws = run.sign(other, "pay/1", from_=run.world.accounts[other, "tUSDT"], request=request)
    return jws, {"REQUEST_PAID"}, None


def refund(run: Traffic) -> Act:
    if not run.model.sales:
        return run.instead(pay)
    key = run.dice.choice(sorted(run.model.sales))
    sale = run.model.sales[key]
    asset = run.dice.choice((sale.asset, "KZTD"))
    whole = sale.amount if asset == sale.asset else sale.value
    units = max(1, run.dice.choice((whole // 3, whole // 2, whole, whole + 1)))
    jws = run.sign(sale.merchant, "refund/1", payment=key, amount=text(units, asset),
                   from_=run.world.accounts[sale.merchant, asset],
                   to=run.world.accounts[sale.payer, asset])  # fmt: skip
    return (jws, run.model.refund(sale, asset, units),
            lambda: run.model.refunded(sale, asset, units))  # fmt: skip


def issue(run: Traffic) -> Act:
    asset = run.dice.choice(tuple(ASSETS))
    signer, holder = ("nbk", "bank") if asset == "KZTD" else ("exchange", "exchange")
    to = run.dice.choice((holder, holder, "market"))
    units = run.dice.randrange(1, 10 ** (ASSETS[asset] + 3))
    jws = run.sign(signer, "issue/1", to=run.world.accounts[to, asset], amount=text(units, asset))

    def then() -> None:
        run.model.issued[asset] += units
        run.model.balances[to, asset] += units

    if to == "market":
        return jws, {"TARGET_NOT_ADMITTED"} if asset == "KZTD" else {"ZONE_OUTSIDE"}, None
    return jws, set(), then


def redeem(run: Traffic) -> Act:
    asset = run.dice.choice(tuple(ASSETS))
    signer, holder = ("nbk", "bank") if asset == "KZTD" else ("exchange", "exchange")
    units = run.amount(holder, asset) // 2 + 1
    jws = run.sign(signer, "redeem/1", from_=run.world.accounts[holder, asset],
                   amount=text(units, asset))  # fmt: skip

    def then() -> None:
        run.model.redeemed[asset] += units
        run.model.balances[holder, asset] -= units

    return jws, run.model.funds(holder, asset, units), then


def switch(run: Traffic) -> Act:
    """The supervisor suspends and resumes; sometimes what is so already."""
    suspend = run.dice.random() < 0.3
    jws = run.sign("afsa", "zone_suspend/1" if suspend else "zone_resume/1", zone=run.world.zone)

    def then() -> None:
        run.model.open = not suspend

    return jws, {"STATUS_CONFLICT"} if run.model.open != suspend else set(), then


def permit(run: Traffic) -> Act:
    """The permit is taken back, or there is a new one; short ones run out by themselves."""
    if run.model.permitted:
        jws = run.sign("afsa", "permit_revoke/1", permit=run.world.permit)
    else:
        jws = run.sign("afsa", "permit/1", merchant=run.world.parties["cafe"], zone=run.world.zone,
                       valid_from=run.at, valid_until=run.at + 10**12)  # fmt: skip
        run.world.permit = derived(jws.decode(), "permit")

    def then() -> None:
        run.model.permitted = not run.model.permitted

    return jws, set(), then


def brief_permit(run: Traffic) -> Act:
    """A permit of another merchant and brief: it only falls due, in the midst of traffic."""
    until = run.at + run.dice.choice((1, HOUR, 9 * HOUR))
    jws = run.sign("afsa", "permit/1", merchant=run.world.parties["market"], zone=run.world.zone,
                   valid_from=run.at, valid_until=until)  # fmt: skip
    return jws, set(), lambda: None


def attest(run: Traffic) -> Act:
    name, tier = run.dice.choice(SHOPPERS), run.dice.choice((0, 1, 2, 2))
    jws = run.sign("bank", "tier/1", party=run.world.parties[name], tier=tier)
    return jws, set(), lambda: run.model.tiers.update({name: tier})


def newcomer(run: Traffic) -> Act:
    """Somebody new is registered; twice with one key is once too often."""
    number = run.dice.randrange(400)
    known = f"newcomer {number}" in run.model.tiers
    key = b64(key_of(f"newcomer {number}").public_key)
    jws = run.sign("bank", "party/1", role="person", tier=1, key=key)
    faults = {"ALREADY_REGISTERED"} if known else set()
    return jws, faults, lambda: run.model.tiers.update({f"newcomer {number}": 1})


def replay(run: Traffic) -> Act:
    if not run.seen:
        return run.instead(transfer)
    return run.dice.choice(run.seen)[0], "copy", None


def forgery(run: Traffic) -> Act:
    """A good transaction whose signature has one bit turned."""
    jws, _, _ = theft(run)
    head, _, signature = jws.rpartition(b".")
    place = run.dice.randrange(80)
    turned = b"B" if signature[place : place + 1] != b"B" else b"C"
    return head + b"." + signature[:place] + turned + signature[place + 1 :], "bad_signature", None


def garbage(run: Traffic) -> Act:
    """Bytes that begin like a transaction and end otherwise, or never were one."""
    jws, _, _ = theft(run)
    cut = run.dice.randrange(len(jws) - 100)
    choice = run.dice.randrange(3)
    if choice == 0:
        return jws[:cut], "envelope", None
    if choice == 1:
        return run.dice.randbytes(run.dice.randrange(200)), "envelope", None
    return jws[:cut] + b"\0" + jws[cut + 1 :], "envelope", None


def stale(run: Traffic) -> Act:
    jws = run.sign("aigul", "transfer/1", ahead=-1, from_=run.world.accounts["aigul", "KZTD"],
                   to=run.world.accounts["bank", "KZTD"], amount="0.01")  # fmt: skip
    return jws, {"EXPIRED"}, None


FAMILIES = (
    proposals, keys, locks, holds, freezes, deposits, consents, asks, exchange, purses, marks,
    vat,
)  # fmt: skip
"""A family is a module with its ACTS and their WEIGHTS."""
OWN = {transfer: 20, pay: 30, refund: 14, issue: 3, redeem: 3, switch: 3, permit: 2,
       brief_permit: 2, attest: 3, newcomer: 4}  # fmt: skip
HOSTILE = {replay: 6, theft: 3, forgery: 2, garbage: 2, stale: 1, pay_again: 2}
"""The ledger takes none of these."""
WEIGHTS: dict[Chosen, int] = OWN | HOSTILE
for family in FAMILIES:
    WEIGHTS.update(zip(family.ACTS, family.WEIGHTS, strict=True))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    folder = tmp_path_factory.mktemp("simulation")
    world = begin(folder)
    world.door.close()
    return world, folder


def run_of(template: tuple[World, Path], folder: Path, seed: int, steps: int) -> str:
    """The final state's hash after so many steps."""
    world, prepared = template
    run = Traffic(folder, reopen(world, prepared, folder), seed)
    try:
        for step in range(steps):
            try:
                run.step()
            except AssertionError as wrong:
                raise AssertionError(f"seed {seed}, step {step}: {wrong}") from wrong
        print(f"scale {SCALE}, seed {seed}: {steps} steps, {run.choice.tried.total()} offers,"
              f" {len(run.seen)} entries, {run.model.refusals} refusals,"
              f" flows {run.model.flows}")  # fmt: skip
        asks.held_against(run, lambda id: run.remembered("ask", id))
        if steps >= STEPS:
            rarest = [(times, act.__name__) for times, act in run.choice.rarest()]
            assert rarest[0][0] >= HAPPENS, rarest[:9]
            answered = {made.status for made in run.asks.made.values()}
            assert answered == {"open", "paid", "declined", "withdrawn"}
            ended = {made.status for made in run.model.proposed.values()}
            assert ended == {"open", "done", "withdrawn"}
            ended = {made.status for made in run.model.locked.values()}
            assert ended >= {"released", "cancelled", "expired"}
            assert "reserve" in {name for name, _ in run.model.balances}
            recovered = {made.status for made in run.keyring.recoveries.values()}
            assert recovered >= {"done", "vetoed"}
            held = {made.status for made in run.model.holds.values()}
            assert held >= {"captured", "void", "expired"}
            assert exchange.ended_in_every_way(run), run.desk
            assert min(run.model.flows.values()) > 0, run.model.flows
            purses.check_variety(run)
    finally:
        run.close()
    verdict = audit_database(url_of(folder), decides=True, workers=1)
    assert verdict.is_sound, verdict.findings
    return state_hash(folder)


@pytest.mark.parametrize("seed", [2026, 7])
def test_the_ledger_does_what_a_dict_would(template, tmp_path, seed):
    run_of(template, tmp_path, seed, STEPS)


def test_one_seed_gives_one_final_state(template, tmp_path):
    hashes = [run_of(template, tmp_path / name, 19, 60 * SCALE) for name in ("one", "two")]

    assert hashes[0] == hashes[1]


def test_two_ledgers_begun_alike_are_alike(tmp_path):
    hashes = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        begin(tmp_path / name).door.close()
        hashes.append(state_hash(tmp_path / name))

    assert hashes[0] == hashes[1]
