"""Offline purses in the simulation: made, loaded, paid with, brought in late and in any order,
emptied, cheated with, closed by the clock. Whom a purse belongs to has no other business.

The model is a dict of purses and one of payments: each source has what it is worth, what was
claimed of it and what it paid.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledger.core.ids import unb64
from ledger.core.offline import LOADED, Chain, Payment
from tests.builders import DAY
from tests.kinds.devices import Device, text_of
from tests.kinds.families.purses import GRACE

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

OWNERS = ("olzhas", "saule", "timur")
PURSE_MAX, PAYMENT_MAX = 500_00, 200_00
KEPT = 12
"""How many of the newest purses and chains somebody picks from."""


@dataclass
class Source:
    """Minor units: what a payer may claim of it, what was claimed, what there is to pay out."""

    worth: int
    claimed: int = 0
    left: int = 0


@dataclass
class Made:
    """A purse. `sources` are its loads under b"", and what it received by the payment's id."""

    owner: str
    ends_at: int
    sources: dict[bytes, Source]
    covered: int = 0
    frozen: bool = False
    closed: bool = False


@dataclass
class Books:
    """Purses by id (text), and what is settled: the previous and the number of each payment."""

    purses: dict[str, Made] = field(default_factory=dict)
    settled: dict[bytes, Payment] = field(default_factory=dict)


@dataclass
class Purses:
    """The devices, what they signed, and the books."""

    books: Books = field(default_factory=Books)
    devices: dict[str, Device] = field(default_factory=dict)
    chains: list[Chain] = field(default_factory=list)
    number: int = 0


def begin(run: Traffic) -> None:
    """Three people with money, and no purse yet."""
    for name in OWNERS:
        run.world.register("bank", name, "person", 2)
        run.world.open("bank", name, "KZTD")
        run.world.do("bank", "transfer/1", from_=run.world.accounts["bank", "KZTD"],
                     to=run.world.accounts[name, "KZTD"], amount="100000.00")  # fmt: skip
        run.model.balances[name, "KZTD"] = 100_000_00


def make_purse(run: Traffic) -> Act:
    """A new device for somebody, for days; sometimes for no time."""
    owner = run.dice.choice(OWNERS)
    run.purses.number += 1
    device = Device(run.world, f"simulated {run.purses.number}")
    ends_at = run.at + run.dice.choice((0, 4 * DAY, 9 * DAY))
    accounts = run.world.accounts
    jws = run.sign(
        "bank", "purse/1", home=accounts[owner, "KZTD"], covers=accounts["bank", "KZTD"],
        device=device.public, payment_max=run.text(PAYMENT_MAX, "KZTD"), hops=3, ends_at=ends_at,
        purse_max=run.text(PURSE_MAX, "KZTD"),
    )  # fmt: skip

    def then() -> None:
        accounts[f"purse {device.text}", "KZTD"] = device.text
        run.model.balances[f"purse {device.text}", "KZTD"] = 0
        run.purses.devices[device.text] = device
        run.purses.books.purses[device.text] = Made(owner, ends_at, {LOADED: Source(0)})

    return jws, {"DATES_CONFLICT"} if ends_at == run.at else set(), then


def load_purse(run: Traffic) -> Act:
    """Money for a purse: it may be closed, frozen, over, or full."""
    if (id := _picked(run)) is None:
        return run.instead(make_purse)
    made, held = run.purses.books.purses[id], run.model.has(f"purse {id}", "KZTD")
    units = run.dice.choice((1, 50_00, 150_00, PURSE_MAX - held, PURSE_MAX - held + 1))
    units = max(1, units)
    jws = run.sign(made.owner, "purse_load/1", from_=run.world.accounts[made.owner, "KZTD"],
                   purse=id, amount=run.text(units, "KZTD"))  # fmt: skip

    def then() -> None:
        made = run.purses.books.purses[id]
        run.model.move(made.owner, f"purse {id}", "KZTD", units)
        made.sources[LOADED].worth += units
        made.sources[LOADED].left += units

    if made.closed or made.frozen:
        return jws, {"STATUS_CONFLICT"}, then
    if run.at >= made.ends_at:
        return jws, {"DATES_CONFLICT"}, then
    if held + units > PURSE_MAX:
        return jws, {"PURSE_CAP"}, then
    return jws, run.model.funds(made.owner, "KZTD", units), then


def bring_in(run: Traffic) -> Act:
    """Somebody pays somebody offline a few times, and somebody brings something in."""
    for _ in range(run.dice.choice((1, 2, 3))):
        _pay(run)
    if not run.purses.chains:
        return run.instead(load_purse)
    waiting = [chain for chain in run.purses.chains if _comes_in(run, chain)]
    any_ = not waiting or run.dice.random() < 0.15
    among = run.purses.chains[-KEPT:] if any_ else waiting[-KEPT:]
    chain = max(run.dice.choice(among), run.dice.choice(among), key=lambda one: len(one.links))
    signer = run.dice.choice((*OWNERS, "exchange", "cafe"))
    jws = run.sign(signer, "purse_deposit/1", chain=text_of(chain))
    faults, then = _settling(run, chain)
    return jws, faults, then


def empty(run: Traffic) -> Act:
    """An owner takes back what a device has from one source; or what it has not any more."""
    picked = _spendable(run, run.dice.random() < 0.15)
    if picked is None:
        return run.instead(load_purse)
    device, source, amount, more = picked
    made = run.purses.books.purses[device.text]
    chain = device.pay(run.world.accounts[made.owner, "KZTD"], amount, source, **more)
    jws = run.sign(made.owner, "purse_unload/1", chain=text_of(chain))
    if made.frozen or made.closed:
        return jws, {"STATUS_CONFLICT"}, None
    faults, then = _settling(run, chain)
    return jws, faults, then


def show_fraud(run: Traffic) -> Act:
    """Two payments that clash are shown; or two that do not."""
    if (id := _spent(run)) is None:
        return run.instead(make_purse)
    device, made, payee = run.purses.devices[id], run.purses.books.purses[id], OWNERS[0]
    to = run.world.accounts[payee, "KZTD"]
    one = device.again(to, 1_00)
    clash = run.dice.random() < 0.8
    other = device.again(to, 2_00) if clash else one
    jws = run.sign("cafe", "purse_fraud/1", one=text_of(one), other=text_of(other))

    def then() -> None:
        run.purses.books.purses[id].frozen = True

    if not clash:
        return jws, {"NO_CONTRADICTION"}, then
    return jws, {"STATUS_CONFLICT"} if made.frozen or made.closed else set(), then


def block(run: Traffic) -> Act:
    """A device is lost: its owner says so, or the bank; somebody else has no say."""
    if (id := _spent(run)) is None:
        return run.instead(make_purse)
    made = run.purses.books.purses[id]
    signer = run.dice.choice((made.owner, "bank", "exchange"))
    jws = run.sign(signer, "purse_block/1", purse=id)

    def then() -> None:
        run.purses.books.purses[id].frozen = True

    if signer == "exchange":
        return jws, {"NO_AUTHORITY"}, None
    return jws, {"STATUS_CONFLICT"} if made.frozen or made.closed else set(), then


def run_out(run: Traffic) -> None:
    """What is closed by the run's time has been paid out: to the bank what it covered, and home."""
    for id, made in run.purses.books.purses.items():
        if made.closed or made.ends_at + GRACE > run.at:
            continue
        made.closed, held = True, run.model.has(f"purse {id}", "KZTD")
        back = min(held, made.covered)
        run.model.move(f"purse {id}", "bank", "KZTD", back)
        run.model.move(f"purse {id}", made.owner, "KZTD", held - back)


def check_variety(run: Traffic) -> None:
    """Enough has happened: money over all hops, frauds that the bank paid, purses that closed."""
    made = run.purses.books.purses.values()
    assert any(one.closed for one in made)
    assert any(one.frozen for one in made)
    assert any(one.covered for one in made)
    hops = {len(chain.links) for chain in run.purses.chains
            if chain.ids()[-1] in run.purses.books.settled}  # fmt: skip
    assert hops >= {1, 2}


def _pay(run: Traffic) -> None:
    """A device pays another, or the exchange's wallet; now and then it cheats."""
    picked = _spendable(run, run.dice.random() < 0.1)
    if picked is None:
        return
    device, source, amount, more = picked
    if source is not None and len(source.links) >= 3:
        return
    others = [id for id in _newest(run) if id != device.text]
    to = run.dice.choice([*others, run.world.accounts["exchange", "KZTD"]])
    amount = max(1, amount * run.dice.choice((10, 50, 100)) // 100)
    run.purses.chains.append(device.pay(to, min(amount, PAYMENT_MAX), source, **more))


def _spendable(
    run: Traffic, cheats: bool
) -> tuple[Device, Chain | None, int, dict[str, int]] | None:
    """A device that still may pay, a source of it, and what it has there; for a cheat all of it."""
    found = []
    for id in _newest(run):
        made, device = run.purses.books.purses[id], run.purses.devices[id]
        if run.at >= made.ends_at:
            continue
        received = [chain for chain in run.purses.chains if chain.last.payee == device.id]
        for source in (None, *received):
            worth = made.sources[LOADED].worth if source is None else source.last.amount
            parent = LOADED if source is None else source.ids()[-1]
            left = worth if cheats else worth - device.spent.get(parent, 0)
            if left > 0:
                found.append((device, source, left, {"spent": 0} if cheats else {}))
    on = [one for one in found if one[1] is not None and len(one[1].links) < 3]
    if on and run.dice.random() < 0.5:
        return run.dice.choice(on)  # money goes on, or it would seldom go far
    return run.dice.choice(found) if found else None


def _settling(run: Traffic, chain: Chain) -> tuple[set[str], Any]:
    """What the ledger will say of a chain, and what follows."""
    books = copy.deepcopy(run.purses.books)
    moves: list[tuple[str, str, int]] = []
    if all(id in books.settled for id in chain.ids()):
        return {"PAYMENT_SETTLED"}, None
    for id, link in zip(chain.ids(), chain.links, strict=True):
        if id in books.settled:
            continue
        name = _payer_id(run, link.payment)
        if books.purses[name].closed:
            return {"STATUS_CONFLICT"}, None
        _settle(run, books, name, id, link.payment, moves)

    covers = sum(amount for source, _, amount in moves if source == "bank")
    if covers > run.model.has("bank", "KZTD"):
        return {"FUNDS"}, None

    def then() -> None:
        run.purses.books = books
        for source, target, amount in moves:
            run.model.move(source, target, "KZTD", amount)

    return set(), then


def _settle(
    run: Traffic, books: Books, name: str, id: bytes, one: Payment,
    moves: list[tuple[str, str, int]],
) -> None:  # fmt: skip
    """One payment, in the books."""
    made = books.purses[name]
    source = made.sources[one.source]
    mine = {key: each for key, each in books.settled.items() if each.payer == one.payer}
    before = [key for key, each in mine.items() if each.counter == one.counter - 1]
    clash = any(
        each.counter == one.counter or (each.counter == one.counter + 1 and each.previous != id)
        for each in mine.values()
    ) or (before and one.previous not in before)
    overspent = source.claimed + one.amount > source.worth
    got = min(one.amount, source.left)
    unloads = one.payee == _bytes(run.world.accounts[made.owner, "KZTD"])
    if clash or overspent:
        made.frozen = True
        got = 0 if unloads else got
    bears = overspent and not unloads
    cover = min(one.amount - got, PURSE_MAX - made.covered) if bears else 0
    source.claimed += one.amount
    source.left -= got
    made.covered += cover
    target = _target(run, books, one.payee)
    moves += [(f"purse {name}", target, got)] if got else []
    moves += [("bank", target, cover)] if cover else []
    books.settled[id] = one
    payee = next((key for key, each in run.purses.devices.items() if each.id == one.payee), None)
    if payee is not None:
        books.purses[payee].sources[id] = Source(one.amount, 0, got + cover)


def _target(run: Traffic, books: Books, payee: bytes) -> str:
    """Who has the money then: a purse, whoever's purse has closed, the exchange, an owner."""
    for id, device in run.purses.devices.items():
        if device.id == payee:
            made = books.purses[id]
            return made.owner if made.closed else f"purse {id}"
    return next(
        name for name in ("exchange", *OWNERS)
        if _bytes(run.world.accounts[name, "KZTD"]) == payee
    )  # fmt: skip


def _comes_in(run: Traffic, chain: Chain) -> bool:
    """Whether the chain is not settled, and no purse that would pay now is closed."""
    settled = run.purses.books.settled
    left = [link.payment for id, link in zip(chain.ids(), chain.links, strict=True)
            if id not in settled]  # fmt: skip
    return bool(left) and not any(_payer(run, one).closed for one in left)


def _payer(run: Traffic, payment: Payment) -> Made:
    return run.purses.books.purses[_payer_id(run, payment)]


def _payer_id(run: Traffic, payment: Payment) -> str:
    devices = run.purses.devices.items()
    return next(id for id, one in devices if one.key.public_key == payment.payer)


def _bytes(id: str) -> bytes:
    return unb64(id, 16)


def _newest(run: Traffic) -> list[str]:
    return list(run.purses.books.purses)[-KEPT:]


def _picked(run: Traffic) -> str | None:
    """A purse: four times of five one that can be loaded."""
    books, found = run.purses.books.purses, _newest(run)
    good = [id for id in found if not books[id].frozen and run.at < books[id].ends_at]
    if good and run.dice.random() < 0.8:
        found = good
    return run.dice.choice(found) if found else None


def _spent(run: Traffic) -> str | None:
    """A purse to be frozen: as a rule one whose time is over, so that others go on."""
    books = run.purses.books.purses
    live = [id for id, made in books.items() if not made.frozen and not made.closed]
    over = [id for id in live if run.at >= books[id].ends_at]
    found = over or live
    return run.dice.choice(found) if found and run.dice.random() < 0.9 else _picked(run)


ACTS = (make_purse, load_purse, bring_in, empty, show_fraud, block)
WEIGHTS = (4, 4, 14, 2, 1, 1)
