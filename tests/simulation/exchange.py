"""Quotes in the simulation: a venue with little inventory whose licence comes and goes, crypto sold
and bought, purchases converted, gold delivered; quotes kept, taken late, by another, or twice.

The model's side is here: what was quoted and whether it is used, beside balances and sales.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.builders import HOUR, request_id
from tests.kinds.families.exchange import license_venue, quote, quote_id, stock
from tests.simulation.choice import newest
from tests.simulation.model import CAP_DAY, CAP_PAYMENT, Sale

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

TAKERS = ("aigul", "aigul 2", "daniyar", "cafe", "market", "bank")
MERCHANTS = ("cafe", "market")
PEOPLE = ("aigul", "daniyar")
INVENTORY = "300000.00"


@dataclass
class Made:
    """A quote of the venue: what its taker pays and gets, by asset and units."""

    jws: str
    pays: tuple[str, int]
    gets: tuple[str, int]
    taker: str
    ends_at: int
    used: bool = False

    def faults(self, by: str, at: int) -> set[str]:
        if at > self.ends_at:
            return {"QUOTE_EXPIRED"}
        if self.used:
            return {"QUOTE_USED"}
        return {"QUOTE_TAKER"} if self.taker not in ("", _owner(by)) else set()


@dataclass
class Desk:
    """All that the venue ever quoted, by id, and whether its licence is active."""

    made: dict[str, Made] = field(default_factory=dict)
    active: bool = True
    suspended: int = 0
    sold_out: int = 0


def begin(run: Traffic) -> None:
    """A licensed venue with some tenge; gold of two people in the model too."""
    license_venue(run.world)
    stock(run.world, amount=INVENTORY)
    for name in PEOPLE:
        run.model.balances[name, "tGOLD"] = run.balance(name, "tGOLD")


def change(run: Traffic) -> Act:
    """Take a quote of the venue: a new one, or one that was kept."""
    taker, desk = run.dice.choice(TAKERS), run.desk
    kept = newest(run.dice, desk.made, lambda made: not made.faults(taker, run.at))
    made = kept[1] if kept and run.dice.random() < 0.5 else _quoted(run, taker)
    accounts, model = run.world.accounts, run.model
    (pays, paid), (gets, got) = made.pays, made.gets
    jws = run.sign(taker, "exchange/1", quote=made.jws, from_=accounts[taker, pays],
                   to=accounts[taker, gets])  # fmt: skip
    if (taker, pays) in model.frozen:
        return jws, {"ACCOUNT_FROZEN"}, None
    first = made.faults(taker, run.at) or _unlicensed(desk)
    faults = model.funds(taker, pays, paid) | _inventory(run, "exchange", gets, got)
    if gets == "KZTD":
        faults |= model.room(taker, gets, got)
    elif taker in MERCHANTS:
        faults |= {"ZONE_OUTSIDE"} | _caps(run, "exchange", paid)

    def then() -> None:
        made.used = True
        model.move(taker, "exchange", pays, paid)
        model.move("exchange", taker, gets, got)

    return jws, first or faults, then


def convert(run: Traffic) -> Act:
    """A purchase at either till, paid in crypto; now and then the quote is a tiyn off."""
    payer, merchant = run.dice.choice(PEOPLE), run.dice.choice(MERCHANTS)
    model, total = run.model, run.dice.choice((1, 99, 129_000, 9_000_000, 29_000_000))
    request, due = run.request(merchant, total)
    off = run.dice.random() < 0.1
    asset = run.dice.choice(("tUSDT", "tUSDT", "tBTC"))
    gives, gets = ("KZTD", run.text(total + off, "KZTD")), (asset, run.text(due[asset], asset))
    jws = quote(run.world, gives, gets)
    signed = run.sign(payer, "convert_pay/1", request=request, quote=jws,
                      from_=run.world.accounts[payer, asset])  # fmt: skip
    first = _unlicensed(run.desk) or ({"QUOTE_VALUE"} if off else set())
    faults = model.funds(payer, asset, due[asset]) | _inventory(run, "exchange", "KZTD", total)
    faults |= model.room(merchant, "KZTD", total)

    def then() -> None:
        model.move(payer, "exchange", asset, due[asset])
        model.move("exchange", merchant, "KZTD", total)
        model.sales[request_id(request)] = Sale(payer, merchant, "KZTD", total, total)

    return signed, first or faults, then


def deliver(run: Traffic) -> Act:
    """One of two people sells gold to the other, now and then to a shop, which is refused."""
    seller, buyer = run.dice.sample(PEOPLE, 2)
    if run.dice.random() < 0.15:
        buyer = run.dice.choice(MERCHANTS)
    model, units = run.model, run.amount(seller, "tGOLD")
    price = run.dice.choice((1, 30_000, run.amount(buyer, "KZTD")))
    gold, accounts = f"{units // 100}.{units % 100:02}", run.world.accounts
    jws = quote(run.world, ("tGOLD", gold), ("KZTD", run.text(price, "KZTD")), maker=seller)
    signed = run.sign(buyer, "deliver/1", quote=jws, from_=accounts[buyer, "KZTD"],
                      to=accounts[buyer, "tGOLD"])  # fmt: skip
    if (buyer, "KZTD") in model.frozen:
        return signed, {"ACCOUNT_FROZEN"}, None
    faults = model.funds(buyer, "KZTD", price) | model.room(seller, "KZTD", price)
    faults |= _inventory(run, seller, "tGOLD", units)
    if buyer in MERCHANTS:
        faults |= {"TENDER_NEVER", "ZONE_OUTSIDE"} | _caps(run, seller, price)
        if model.tiers[seller] < 1:
            faults |= {"KYC_TIER"}

    def then() -> None:
        model.move(buyer, seller, "KZTD", price)
        model.move(seller, buyer, "tGOLD", units)

    return signed, faults, then


def license_(run: Traffic) -> Act:
    """The licence is suspended for a while, and is active again; now and then as it is already."""
    active = not run.desk.active if run.dice.random() < 0.8 else run.desk.active
    status = "active" if active else "suspended"
    jws = run.sign("afsa", "venue/1", venue=run.world.parties["exchange"], status=status,
                   assets=["tUSDT", "tBTC"])  # fmt: skip
    return jws, set(), lambda: setattr(run.desk, "active", active)


def _quoted(run: Traffic, taker: str) -> Made:
    """A new quote; now and then for a named taker, or in an amount that is not there."""
    crypto = run.dice.choice(("tUSDT", "tBTC"))
    coins = run.dice.choice((1, run.amount(taker, crypto)))
    tenge = run.dice.choice((1, 5_000, 9_000_000, run.model.has("exchange", "KZTD") + 1))
    pays, gets = (crypto, coins), ("KZTD", tenge)
    if run.dice.random() < 0.5:
        pays, gets = ("KZTD", run.amount(taker, "KZTD")), (crypto, coins)
    named = run.dice.choice(("", "", "aigul", "daniyar"))
    ahead = run.dice.choice((0, HOUR, 9 * HOUR))
    jws = quote(run.world, _text(run, gets), _text(run, pays), ahead=ahead,
                taker=run.world.parties[named] if named else None)  # fmt: skip
    made = Made(jws, pays, gets, named, run.at + ahead)
    run.desk.made[quote_id(jws)] = made
    return made


def _text(run: Traffic, side: tuple[str, int]) -> tuple[str, str]:
    asset, units = side
    return asset, run.text(units, asset)


def _unlicensed(desk: Desk) -> set[str]:
    desk.suspended += not desk.active
    return set() if desk.active else {"VENUE_NOT_ACTIVE"}


def _inventory(run: Traffic, maker: str, asset: str, units: int) -> set[str]:
    """Whoever quoted gives what it has; a link of its wallet helps where it has one."""
    lacks = bool(run.model.funds(maker, asset, units))
    run.desk.sold_out += lacks
    return {"INVENTORY"} if lacks else set()


def _caps(run: Traffic, payer: str, value: int) -> set[str]:
    """A tender whose value is known is judged by the caps on direct payments, too."""
    faults = {"CAP_PAYMENT"} if value > CAP_PAYMENT else set()
    spent = run.model.spent.get((payer, run.model.day(run.at)), 0)
    return faults | ({"CAP_DAY"} if spent + value > CAP_DAY else set())


def _owner(name: str) -> str:
    return name.removesuffix(" 2")


def ended_in_every_way(run: Traffic) -> bool:
    """Whether quotes were used and ran out, the venue was closed and sold out."""
    made = run.desk.made.values()
    used = any(each.used for each in made)
    late = any(run.at > each.ends_at and not each.used for each in made)
    return used and late and min(run.desk.suspended, run.desk.sold_out) > 0


ACTS = (change, convert, deliver, license_)
WEIGHTS = (9, 7, 4, 3)
