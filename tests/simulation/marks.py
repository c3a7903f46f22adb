"""Marked money in the simulation: allocated, passed to a supplier, paid, given back; and tried
where it may not go. The model's side is `Marked`: three sums beside the balances.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from ledger.core import counters
from ledger.core.ids import unb64
from ledger.core.needs import Need
from tests.kinds.families.marks import mark, marked

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

OWNER, VOUCHER, SUPPLY = "programme", "voucher", "supply"
HOLDERS = {VOUCHER: "aigul", SUPPLY: "cafe"}
"""Whose the marked accounts are."""
FINAL = ("market", "daniyar")
OTHERS = ("aigul", "cafe", "exchange", "bank", OWNER)
FULL = 50_000_00
"""What a marked account has at the most, far below any limit of holdings."""


@dataclass
class Marked:
    """What was ever allocated, paid out of the mark, returned."""

    mark: str
    allocated: int = 0
    paid: int = 0
    returned: int = 0


def begin(run: Traffic) -> Marked:
    """A programme of its own, with money, a holder's and a supplier's account."""
    world, accounts = run.world, run.world.accounts
    world.register("nbk", OWNER, "treasury", 3)
    world.open("nbk", OWNER, "KZTD")
    world.do("bank", "transfer/1", from_=accounts["bank", "KZTD"], to=accounts[OWNER, "KZTD"],
             amount="500000.00")  # fmt: skip
    budget = accounts[OWNER, "KZTD"]
    payees = [world.parties[name] for name in FINAL]
    id = mark(world, OWNER, budget, categories=[], payees=payees)
    for name, owner in HOLDERS.items():
        accounts[name, "KZTD"] = marked(world, id, owner, signer=OWNER, supplier=name == SUPPLY)
    for name in (OWNER, *HOLDERS):
        run.model.balances[name, "KZTD"] = run.balance(name, "KZTD")
    return Marked(id)


def agree(run: Traffic) -> None:
    """The three sums, and that they and the balances are all that was allocated."""
    made = run.marked
    names = (counters.MARK_ALLOCATED, counters.MARK_PAID, counters.MARK_RETURNED)
    needs: list[Need] = [("counter", name, 0, unb64(made.mark, 16), "") for name in names]
    found = run.reader.load(needs)
    assert [found[need] for need in needs] == [made.allocated, made.paid, made.returned]
    held = sum(run.model.has(name, "KZTD") for name in HOLDERS)
    assert made.allocated == made.paid + held + made.returned


def allocate(run: Traffic) -> Act:
    """From the budget to either account, or somebody else tries."""
    target = run.dice.choice(tuple(HOLDERS))
    if run.model.has(target, "KZTD") > FULL:
        return run.instead(spend)
    units = run.dice.choice((1, 100_00, 2_500_00, 5_000_00))
    jws = _signed(run, OWNER, "allocate/1", OWNER, target, units)

    def then() -> None:
        run.model.move(OWNER, target, "KZTD", units)
        run.marked.allocated += units

    return jws, run.model.transfer(OWNER, target, "KZTD", units), then


def spend(run: Traffic) -> Act:
    """Marked money pays whom it may, or tries whom it may not."""
    source = run.dice.choice(tuple(HOLDERS))
    finals = (*FINAL, *FINAL, *((SUPPLY,) * 3 if source == VOUCHER else ()))
    target = run.dice.choice((*finals, *OTHERS[:-1]))
    units = run.amount(source, "KZTD")
    jws = _signed(run, HOLDERS[source], "transfer/1", source, target, units)

    def then() -> None:
        run.model.move(source, target, "KZTD", units)
        run.marked.paid += units if target in FINAL else 0

    if target in OTHERS:
        return jws, {"MARK_PAYEE"}, None
    return jws, run.model.transfer(source, target, "KZTD", units), then


def give_back(run: Traffic) -> Act:
    """Its holder, or of a voucher the programme's owner, lets marked money return; a supplier's is
    its own to give."""
    source = run.dice.choice(tuple(HOLDERS))
    signer = run.dice.choice((HOLDERS[source], HOLDERS[source], OWNER))
    units = max(1, run.model.has(source, "KZTD") // run.dice.choice((1, 3, 10)))
    jws = run.sign(signer, "mark_return/1", from_=run.world.accounts[source, "KZTD"],
                   amount=run.text(units, "KZTD"))  # fmt: skip

    def then() -> None:
        run.model.move(source, OWNER, "KZTD", units)
        run.marked.returned += units

    if signer == OWNER and source == SUPPLY:
        return jws, {"NO_AUTHORITY"}, None
    return jws, run.model.transfer(source, OWNER, "KZTD", units), then


def colour(run: Traffic) -> Act:
    """Ordinary money is put on a marked account, which it may not; or on the budget itself."""
    source = run.dice.choice(("bank", "exchange"))
    target = run.dice.choice((*HOLDERS, OWNER, OWNER))
    units = run.dice.choice((1, 50_00))
    jws = _signed(run, source, "transfer/1", source, target, units)
    if target in HOLDERS:
        frozen = (source, "KZTD") in run.model.frozen
        return jws, {"ACCOUNT_FROZEN"} if frozen else {"MARK_BOUND"}, None
    faults = run.model.transfer(source, target, "KZTD", units)
    return jws, faults, lambda: run.model.move(source, target, "KZTD", units)


def _signed(run: Traffic, by: str, kind: str, source: str, target: str, units: int) -> bytes:
    accounts = run.world.accounts
    return run.sign(by, kind, from_=accounts[source, "KZTD"], to=accounts[target, "KZTD"],
                    amount=run.text(units, "KZTD"))  # fmt: skip


ACTS = (allocate, spend, give_back, colour)
WEIGHTS = (2, 4, 1, 1)
