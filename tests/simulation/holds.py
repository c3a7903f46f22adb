"""What is held in the simulation: between anybody, or at a till; captured, let go of, run out.

The model's side of it is `model.Held`: the money stands in a purse of its own until it is taken or
goes back.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.builders import HOUR, derived, request_id
from tests.simulation.choice import newest
from tests.simulation.model import Held

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

ENDS = (-1, 0, 1, HOUR, 9 * HOUR, 40 * HOUR, 90 * HOUR)


def hold(run: Traffic) -> Act:
    """Somebody reserves money for anybody."""
    payer = run.dice.choice(("aigul", "daniyar"))
    payee = run.dice.choice(("cafe", "market", "bank", "aigul 2"))
    asset = run.dice.choice(("KZTD", "KZTD", "tUSDT"))
    units, ends_at = run.amount(payer, asset), run.at + run.dice.choice(ENDS)
    accounts = run.world.accounts
    jws = run.sign(payer, "hold/1", from_=accounts[payer, asset], to=accounts[payee, asset],
                   amount=run.text(units, asset), ends_at=ends_at)  # fmt: skip
    made = Held(payer, payee, asset, units, None, ends_at)
    faults = run.model.transfer(payer, payee, asset, units)
    return _made(run, jws, made, faults)


def hold_at_till(run: Traffic) -> Act:
    """A shopper holds what a till asks for."""
    payer = run.dice.choice(("aigul", "daniyar"))
    merchant = run.dice.choice(("cafe", "cafe", "market"))
    asset = run.dice.choice(("KZTD", "KZTD", "tUSDT", "tBTC"))
    total = run.dice.choice((1, 129_000, 20_000_000))
    request, due = run.request(merchant, total)
    ends_at = run.at + run.dice.choice(ENDS)
    jws = run.sign(payer, "hold_request/1", from_=run.world.accounts[payer, asset],
                   request=request, ends_at=ends_at)  # fmt: skip
    made = Held(payer, merchant, asset, due[asset], total, ends_at, request_id(request),
                run.model.day(run.at))  # fmt: skip
    faults = run.model.pay(payer, merchant, asset, due[asset], total, run.at)
    return _made(run, jws, made, faults)


def capture(run: Traffic) -> Act:
    """The payee takes some, all, or too much; now and then somebody else tries."""
    if (picked := _picked(run)) is None:
        return run.instead(hold)
    id, held = picked
    left = held.amount - held.captured
    units = max(1, run.dice.choice((1, left // 3, left // 2, left, left + 1)))
    last = run.dice.random() < 0.3
    signer, faults = _by(run, held)
    jws = run.sign(signer, "capture/1", hold=id, amount=run.text(units, held.asset), last=last)
    if not faults:
        faults = held.closed() or ({"CAPTURE_TOO_MUCH"} if units > left else set())
    if not faults and held.payer != held.payee.removesuffix(" 2"):
        faults = run.model.room(held.payee, held.asset, units)
    return jws, faults, lambda: run.model.captured(id, units, last)


def let_go(run: Traffic) -> Act:
    if (picked := _picked(run)) is None:
        return run.instead(hold)
    id, held = picked
    signer, faults = _by(run, held)
    jws = run.sign(signer, "void/1", hold=id)
    return jws, faults or held.closed(), lambda: run.model.unheld(id, "void")


def run_out(run: Traffic) -> None:
    """What is over by the run's time has gone back."""
    for id, held in run.model.holds.items():
        if held.status == "open" and held.ends_at <= run.at:
            run.model.unheld(id, "expired")


def _made(run: Traffic, jws: bytes, made: Held, faults: set[str]) -> Act:
    id = derived(jws.decode(), "hold")
    run.world.accounts[id, made.asset] = id
    if made.ends_at <= run.at:
        faults = {"DATES_CONFLICT"}
    return jws, faults - {"HOLDING_MAX"}, lambda: run.model.hold(id, made)


def _by(run: Traffic, held: Held) -> tuple[str, set[str]]:
    """Who tries it, and what they hear if it is not for them to."""
    draw = run.dice.random()
    if draw < 0.05 and held.payee != "aigul 2":
        return held.payer, {"NO_AUTHORITY"}
    if draw < 0.1:
        return "exchange", {"HOLD_UNKNOWN"}
    return held.payee, set()


def _picked(run: Traffic) -> tuple[str, Any] | None:
    return newest(run.dice, run.model.holds, lambda held: not held.closed())


ACTS = (hold, hold_at_till, capture, let_go)
WEIGHTS = (4, 4, 8, 2)
