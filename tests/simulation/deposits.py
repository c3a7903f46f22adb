"""Bank money in the simulation: limits of holdings, links that come and go, money turned into
deposit and back, and the café's nightly sweep.

The model's side is in `model.Model`: `limits`, `links`, and what `move` lets flow.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders import pack_text
from tests.kinds.families.deposits import CLIENTS, DEPOSIT, converting, linking, open_deposits
from tests.kinds.families.purses import RULE as PURSES
from tests.kinds.families.vat import RATES
from tests.kinds.test_deposits import LIMITS
from tests.simulation import locks
from tests.simulation.model import ALMATY_MS, DAY_MS

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

LIMITED = pack_text() + LIMITS.format(person="1500000.00", merchant="400000.00") + PURSES + RATES
"""The rules of the simulation."""

PERSON_MAX, MERCHANT_MAX = 1_500_000_00, 400_000_00


def begin(run: Traffic) -> None:
    """Limits in force, deposits of all clients, a link and a sweep of the café."""
    world, model = run.world, run.model
    open_deposits(world)
    world.do("nbk", "pack/1", text=LIMITED)
    model.limits = dict.fromkeys(("aigul", "aigul 2", "daniyar"), PERSON_MAX)
    model.limits |= dict.fromkeys(("cafe", "market"), MERCHANT_MAX)
    for name in CLIENTS:
        model.balances[name, DEPOSIT] = run.balance(name, DEPOSIT)
    world.do("bank", "link/1", **linking(world, "cafe", reverse=False))
    model.links["cafe"] = False
    world.do("cafe", "sweep/1", wallet=world.accounts["cafe", "KZTD"], on=True)
    model.swept = True


def convert(run: Traffic) -> Act:
    """The client or its bank turns deposit into tenge or back; the client only with a link."""
    name = run.dice.choice(("aigul", "daniyar", "cafe"))
    kind = run.dice.choice(("fund/1", "defund/1"))
    units = run.amount(name, DEPOSIT if kind == "fund/1" else "KZTD")
    signer = run.dice.choice((name, "bank"))
    amount = f"{units // 100}.{units % 100:02}"
    jws = run.sign(signer, kind, **converting(run.world, name, amount))
    if signer == name and name not in run.model.links:
        return jws, {"LINK_UNKNOWN"}, None
    if kind == "fund/1":
        return jws, run.model.funds_deposit(name, units), lambda: run.model.fund(name, units)
    faults = set() if units <= run.model.has(name, "KZTD") else {"FUNDS"}
    return jws, faults, lambda: run.model.defund(name, units)


def relink(run: Traffic) -> Act:
    """The bank links somebody or ends a link; sometimes what is so already."""
    name = run.dice.choice(("aigul", "daniyar"))
    links = run.model.links
    if run.dice.random() < 0.75:
        reverse = run.dice.random() < 0.7
        jws = run.sign("bank", "link/1", **linking(run.world, name, reverse))
        faults = {"ALREADY_REGISTERED"} if name in links else set()

        def then() -> None:
            links[name] = reverse
            run.model.unlinked.add(name)

        return jws, faults, then
    jws = run.sign("bank", "unlink/1", wallet=run.world.accounts[name, "KZTD"])
    if name in links:
        return jws, set(), lambda: links.pop(name)
    known = name in run.model.unlinked
    return jws, {"STATUS_CONFLICT" if known else "LINK_UNKNOWN"}, None


def overspend(run: Traffic) -> Act:
    """Somebody whose link lets money come back pays a tiyn more than there is."""
    linked = [name for name, reverse in sorted(run.model.links.items()) if reverse]
    if not linked:
        return run.instead(relink)
    name = run.dice.choice(linked)
    units, accounts = run.model.has(name, "KZTD") + 1, run.world.accounts
    jws = run.sign(name, "transfer/1", from_=accounts[name, "KZTD"], to=accounts["bank", "KZTD"],
                   amount=run.text(units, "KZTD"))  # fmt: skip
    faults = run.model.transfer(name, "bank", "KZTD", units)
    return jws, faults, lambda: run.model.move(name, "bank", "KZTD", units)


def nightly(run: Traffic) -> Act:
    """The café's sweep is switched; sometimes to what it is."""
    on = run.dice.random() < 0.6
    wallet = run.world.accounts["cafe", "KZTD"]
    jws = run.sign(run.dice.choice(("cafe", "bank")), "sweep/1", wallet=wallet, on=on)
    faults = {"STATUS_CONFLICT"} if run.model.swept == on else set()
    return jws, faults, lambda: setattr(run.model, "swept", on)


def night(run: Traffic, before: int) -> None:
    """What falls due while time goes on from `before` to `run.at`, a midnight in its order: what
    was locked until then is swept too, what comes back later is not."""
    model = run.model
    midnight = (model.day(before) + 1) * DAY_MS - ALMATY_MS
    if midnight <= run.at:
        locks.pass_time(run, midnight)
        if model.swept and (held := model.has("cafe", "KZTD")):
            model.defund("cafe", held)
            model.flows["swept"] += 1
    locks.pass_time(run, run.at)


ACTS = (convert, relink, overspend, nightly)
WEIGHTS = (6, 3, 2, 1)
