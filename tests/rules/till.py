"""One sale at a till, tried by every kind that can move money: what the zone rules' tests share.

`MOVES` is the table of kinds that move money with how each would take this sale's asset to or from
the merchant; `STILL` names the others. A new kind stands in neither, and the tests say so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ledger.core.amount import Rate, amount_for, format_amount, parse_amount
from ledger.core.decision import Code
from ledger.writer.answers import Answer, Declined, Taken
from tests.builders import DAY, World, derived, request_id
from tests.kinds.pure import MORNING, PureLedger, pure_world

RATES = {"tUSDT": "519.25", "tBTC": "48000000", "tPASS": "100", "tGOLD": "30000", "tDEED": "7"}


@dataclass(frozen=True)
class Sale:
    """What is asked for at which till. `amount` and `rate` speak for themselves where they are set;
    `rate` "" leaves it out. `merchant` owns the account that is named, else the till's owner."""

    asset: str = "tUSDT"
    total: str = "1290.00"
    till: str = "till-cafe"
    payer: str = "aigul"
    merchant: str = ""
    amount: str = ""
    rate: str | None = None
    account: str = ""

    def payee(self) -> str:
        return self.merchant or self.till.split("-")[1]

    def units(self, world: World) -> str:
        if self.amount or self.asset == "KZTD":
            return self.amount or self.total
        rate = Rate.parse(RATES[self.asset])
        scale = world.ASSETS[self.asset][1]
        return format_amount(amount_for(parse_amount(self.total, 2), scale, rate), scale)

    def request(self, world: World, **members: Any) -> str:
        tender: dict[str, Any] = {
            "asset": self.asset, "amount": self.units(world),
            "account": self.account or world.accounts[self.payee(), self.asset],
        }  # fmt: skip
        rate = world.rates.get(self.asset) if self.rate is None else self.rate
        if rate:
            tender["rate"] = rate
        said = {"total": self.total, "tenders": [tender]} | members
        return world.signing.request(self.till, **said)


def sale_world() -> World:
    """The small world a day later, with a utility token and a title beside and everything rated.

    Yesterday a guest bought something at the café's till, once with each tender: `world.sales`.
    """
    world = pure_world(MORNING - DAY)
    world.register("bank", "guest", "person", 2)
    world.open("bank", "guest", "tGOLD")
    world.ASSETS = world.ASSETS | {"tPASS": ("utility_token", 2), "tDEED": ("title", 0)}
    for code in ("tPASS", "tDEED"):
        class_, scale = world.ASSETS[code]
        world.do("afsa", "asset/1", code=code, asset_class=class_, scale=scale,
                 issuer=world.parties["exchange"])  # fmt: skip
        world.open("nbk", "exchange", code)
        for name in ("market", "cafe", "aigul", "daniyar", "guest"):
            world.open("bank", name, code)
        amount = format_amount(parse_amount("1000000", 0) * 10**scale, scale)
        for name in ("exchange", "aigul", "daniyar"):
            world.do("exchange", "issue/1", to=world.accounts[name, code], amount=amount)
    quote(world)
    world.sales = {}
    for code, amount in (("KZTD", "9000.00"), ("tUSDT", "9.000000"), ("tBTC", "0.10000000")):
        world.open("bank", "guest", code)
        source = "bank" if code == "KZTD" else "exchange"
        world.do(source, "transfer/1", from_=world.accounts[source, code],
                 to=world.accounts["guest", code], amount=amount)  # fmt: skip
        request = Sale(asset=code).request(world)
        world.do("guest", "pay/1", from_=world.accounts["guest", code], request=request)
        world.sales[code] = request_id(request)
    move(world, MORNING)
    return world


def quote(world: World) -> None:
    """A fresh rate of every asset."""
    for asset, rate in RATES.items():
        jws = world.do("exchange", "rate/1", asset=asset, rate=rate)
        world.rates[asset] = derived(jws, "rate")


def move(world: World, at: int, *, rated: bool = True) -> None:
    """Let it be this time, with fresh rates."""
    world.door.at = at
    if rated:
        quote(world)


Try = Callable[[World, Sale, Callable[[World], None]], Answer]
"""Plays the scene, at its right moment, and makes the one attempt that is judged."""


def by_pay(world: World, sale: Sale, scene: Callable[[World], None]) -> Answer:
    """The till asks, the payer pays."""
    scene(world)
    jws = world.sign(sale.payer, "pay/1", from_=world.accounts[sale.payer, sale.asset],
                     request=sale.request(world))  # fmt: skip
    return world.offer(jws)


def by_refund(world: World, sale: Sale, scene: Callable[[World], None]) -> Answer:
    """Yesterday's sale, given back in kind after the scene."""
    return _refund(world, sale, scene, sale.asset)


def by_refund_in_tenge(world: World, sale: Sale, scene: Callable[[World], None]) -> Answer:
    """The same, given back in tenge at the value fixed when it was paid."""
    world.do("bank", "transfer/1", from_=world.accounts["bank", "KZTD"],
             to=world.accounts["cafe", "KZTD"], amount="5000.00")  # fmt: skip
    return _refund(world, sale, scene, "KZTD")


def _refund(world: World, sale: Sale, scene: Callable[[World], None], back: str) -> Answer:
    paid = Sale(asset=sale.asset if sale.asset in world.sales else "tUSDT")
    scene(world)
    amount = "1290.00" if back == "KZTD" else paid.units(world)
    if back not in (paid.asset, "KZTD"):
        amount = Sale(asset=back).units(world)
    source, target = world.accounts["cafe", back], world.accounts["guest", back]
    payment = world.sales[paid.asset]
    return world.offer(
        world.sign("cafe", "refund/1", payment=payment, from_=source, to=target, amount=amount)
    )


def by_transfer(world: World, sale: Sale, scene: Callable[[World], None]) -> Answer:
    """The payer sends the money straight to the merchant's account."""
    scene(world)
    return world.transfer(sale.payer, sale.payee(), sale.asset, sale.units(world))


def by_issue(world: World, sale: Sale, scene: Callable[[World], None]) -> Answer:
    """The issuer issues straight to the merchant."""
    scene(world)
    issuer = "nbk" if sale.asset == "KZTD" else "exchange"
    to = world.accounts[sale.payee(), sale.asset]
    return world.offer(world.sign(issuer, "issue/1", to=to, amount=sale.units(world)))


def by_redeem(world: World, sale: Sale, scene: Callable[[World], None]) -> Answer:
    """The issuer redeems what an institution holds: no sale, and bound to no zone."""
    scene(world)
    issuer, holder = ("nbk", "bank") if sale.asset == "KZTD" else ("exchange", "exchange")
    from_ = world.accounts[holder, sale.asset]
    return world.offer(world.sign(issuer, "redeem/1", from_=from_, amount=sale.units(world)))


MOVES: dict[str, tuple[Try, ...]] = {
    "pay/1": (by_pay,),
    "refund/1": (by_refund, by_refund_in_tenge),
    "transfer/1": (by_transfer,),
    "issue/1": (by_issue,),
    "redeem/1": (by_redeem,),
}
"""Every kind that moves money, with every way in which it could."""

STILL = frozenset({
    "genesis/1", "party/1", "key/1", "tier/1", "account/1", "asset/1", "pack/1", "rate/1",
    "zone_draw/1", "zone_change/1", "zone_suspend/1", "zone_resume/1", "permit/1",
    "permit_revoke/1", "terminal/1", "clock/1",
})  # fmt: skip
"""Kinds whose plans never hold a movement."""


def codes(answer: Answer) -> tuple[Code, ...]:
    """Codes of a refusal in their order; () is accepted."""
    if isinstance(answer, Taken):
        return ()
    assert isinstance(answer, Declined), answer
    return tuple(reason.code for reason in answer.reasons)


def fingerprint(ledger: PureLedger) -> dict[Any, Any]:
    """All that the state holds: what was only looked for and is not there does not count."""
    state = ledger.state
    held = {need: value for need, value in state.values.items()
            if need[0] in ("account", "object") and value is not None}  # fmt: skip
    return held | dict(state.changes.counters)


__all__ = ["DAY", "MOVES", "STILL", "Sale", "codes", "fingerprint", "move", "quote", "sale_world"]
