"""Orders in the simulation: accounts are frozen and unfrozen under two packs in turn, creditors are
paid by force, crypto is seized and disposed of.

The model's side of it is `Model.frozen`: what is frozen under which policy, so that money for it
arrives there or on the account beside it, which is "<name> held" here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.builders import derived
from tests.kinds.families.freeze import HOLDING, LABEL
from tests.simulation.deposits import LIMITED

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

SUSPECTS = ("aigul 2", "market", "cafe")
CRYPTO = ("tUSDT", "tBTC")


def other_policy(run: Traffic) -> Act:
    """The other pack: what arrives for what is frozen from now on is held, or is no longer."""
    holds = not run.model.holding
    jws = run.sign("nbk", "pack/1", text=LIMITED + (HOLDING if holds else ""))
    return jws, set(), lambda: setattr(run.model, "holding", holds)


def freeze(run: Traffic) -> Act:
    who, asset = _suspect(run)
    account, beside = run.world.accounts[who, asset], (f"{who} held", asset)
    jws = run.sign("afsa", "freeze/1", account=account, order=LABEL)
    faults = {"STATUS_CONFLICT"} if (who, asset) in run.model.frozen else set()

    def then() -> None:
        run.model.frozen[who, asset] = run.model.holding
        if run.model.holding and beside not in run.world.accounts:
            run.world.accounts[beside] = derived(jws.decode(), "held")
            run.model.balances[beside] = 0

    return jws, faults, then


def unfreeze(run: Traffic) -> Act:
    who, asset = _suspect(run)
    jws = run.sign("afsa", "unfreeze/1", account=run.world.accounts[who, asset], order=LABEL)
    faults = set() if (who, asset) in run.model.frozen else {"STATUS_CONFLICT"}

    def then() -> None:
        del run.model.frozen[who, asset]
        held = f"{who} held"
        if run.model.has(held, asset):
            run.model.move(held, who, asset, run.model.has(held, asset), returns=True)

    return jws, faults, then


def pay_frozen(run: Traffic) -> Act:
    """Somebody pays to what is frozen in a way that holds what arrives; no crypto to a merchant."""
    found = [key for key, holds in sorted(run.model.frozen.items())
             if holds and (key[0] == "aigul 2" or key[1] == "KZTD")]  # fmt: skip
    if not found:
        return run.instead(freeze if run.model.holding else other_policy)
    who, asset = run.dice.choice(found)
    payer, accounts = ("bank" if asset == "KZTD" else "exchange"), run.world.accounts
    jws = run.sign(payer, "transfer/1", from_=accounts[payer, asset],
                   to=accounts[who, asset], amount=run.text(1, asset))  # fmt: skip
    faults = run.model.transfer(payer, who, asset, 1)
    return jws, faults, lambda: run.model.move(payer, who, asset, 1)


def debit(run: Traffic) -> Act:
    """From a frozen account, an open one, or from what is held; now and then not from tenge."""
    source, asset = _source(run, run.dice.choice(("KZTD", "KZTD", "KZTD", "tUSDT")))
    units = run.amount(source, asset)
    jws = run.sign("afsa", "forced_debit/1", from_=run.world.accounts[source, asset],
                   to=run.world.accounts["daniyar", asset], amount=run.text(units, asset),
                   order=LABEL)  # fmt: skip
    faults = run.model.funds(source, asset, units) if asset == "KZTD" else {"ASSET_NOT_ADMITTED"}
    if asset == "KZTD":
        faults = faults | run.model.room("daniyar", asset, units)
    return jws, faults, lambda: run.model.move(source, "daniyar", asset, units)


def seize(run: Traffic) -> Act:
    """Crypto into the reserve, whoever has it; the first of an asset opens its account."""
    source, asset = _source(run, run.dice.choice(CRYPTO))
    units = run.amount(source, asset)
    jws = run.sign("afsa", "seize/1", from_=run.world.accounts[source, asset],
                   amount=run.text(units, asset), order=LABEL)  # fmt: skip

    def then() -> None:
        run.world.accounts.setdefault(("reserve", asset), derived(jws.decode(), "reserve"))
        run.model.move(source, "reserve", asset, units)

    return jws, run.model.funds(source, asset, units), then


def dispose(run: Traffic) -> Act:
    asset = run.dice.choice(CRYPTO)
    units = run.amount("reserve", asset)
    jws = run.sign("nbk", "dispose/1", to=run.world.accounts["exchange", asset],
                   amount=run.text(units, asset), order=LABEL)  # fmt: skip
    there = ("reserve", asset) in run.world.accounts
    faults = run.model.funds("reserve", asset, units) if there else {"ACCOUNT_UNKNOWN"}
    return jws, faults, lambda: run.model.move("reserve", "exchange", asset, units)


def _suspect(run: Traffic) -> tuple[str, str]:
    """An account; not the café's tenge, which `pay_again` pays before the batch is offered."""
    who = run.dice.choice(SUSPECTS)
    return who, run.dice.choice(CRYPTO if who == "cafe" else ("KZTD", *CRYPTO))


def _source(run: Traffic, asset: str) -> tuple[str, str]:
    """Somebody's account of this asset, or what is held beside it; one with money, if any has."""
    names = (*SUSPECTS, *(f"{who} held" for who in SUSPECTS))
    found = [name for name in names if (name, asset) in run.world.accounts]
    return run.dice.choice([n for n in found if run.model.has(n, asset)] or found), asset


ACTS = (other_policy, freeze, pay_frozen, unfreeze, debit, seize, dispose)
WEIGHTS = (1, 3, 1, 5, 1, 1, 1)
