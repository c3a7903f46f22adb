"""Locked money in the simulation: made on all conditions, released, given back, put off, forgotten.

The model's side of it is `model.Locked`: who may end it, until when, what then moves.
"""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ledger.core.ids import b64
from tests.builders import HOUR, derived
from tests.simulation.choice import newest
from tests.simulation.model import Locked

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

PAYERS = ("aigul", "aigul 2", "daniyar", "cafe", "bank")
PAYEES = ("aigul", "daniyar", "cafe", "market", "exchange", "bank")
ARBITER = "afsa"
SECRET = b"a secret of the simulation"


def pass_time(run: Traffic, until: int) -> None:
    """What is over goes back to its payer, whether or not anybody asks."""
    for id, made in run.model.locked.items():
        if made.status == "locked" and made.ends_at <= until:
            _end(run, id, made, "expired", made.payer)


def lock(run: Traffic) -> Act:
    """Money is locked for a moment or for hours; sometimes there is too little, or no time."""
    payer = run.dice.choice(PAYERS)
    payee = run.dice.choice([name for name in PAYEES if name != payer])
    asset = run.dice.choice(("KZTD", "KZTD", "tUSDT"))
    units = run.amount(payer, asset)
    condition = run.dice.choice(("two_party", "three_party", "hash"))
    more = {"three_party": {"arbiter": run.world.parties[ARBITER]},
            "hash": {"hash": b64(sha256(SECRET).digest())}}.get(condition, {})  # fmt: skip
    ends_at = run.at + run.dice.choice((0, 1, HOUR, 9 * HOUR, 40 * HOUR))
    accounts, scale = run.world.accounts, {"KZTD": 2, "tUSDT": 6}[asset]
    jws = run.sign(
        payer, "lock/1", from_=accounts[payer, asset], to=accounts[payee, asset], ends_at=ends_at,
        amount=f"{units // 10**scale}.{units % 10**scale:0{scale}}",
        condition={"type": condition} | more,
    )  # fmt: skip
    id = derived(jws.decode(), "lock")
    made = Locked(payer, payee, asset, units, ends_at, condition)
    if ends_at <= run.at and (payer, asset) not in run.model.frozen:
        return jws, {"DATES_CONFLICT"}, None

    def then() -> None:
        accounts[f"lock {id}", asset] = id
        run.model.move(payer, f"lock {id}", asset, units)
        run.model.locked[id] = made

    return jws, run.model.transfer(payer, payee, asset, units) - {"HOLDING_MAX"}, then


def release(run: Traffic) -> Act:
    """Somebody lets it go: who may, or not; with the secret, without, with another."""
    if (picked := _picked(run)) is None:
        return run.instead(lock)
    id, made = picked
    signer = run.dice.choice((made.payer, made.payer, made.payee, ARBITER, ARBITER))
    asked = SECRET if made.condition == "hash" else None
    shown = run.dice.choice((asked, asked, asked, SECRET, b"another", None))
    jws = run.sign(signer, "release/1", lock=id, preimage=None if shown is None else b64(shown))
    faults = made.release(_party(signer), ARBITER)
    if not faults and shown != asked:
        faults = {"PREIMAGE_WRONG"}
    if not faults and _party(made.payer) != made.payee:
        faults = run.model.room(made.payee, made.asset, made.amount)
    return jws, faults, lambda: _end(run, id, made, "released", made.payee)


def cancel(run: Traffic) -> Act:
    """Somebody gives it back: who may, or not."""
    if (picked := _picked(run)) is None:
        return run.instead(lock)
    id, made = picked
    signer = run.dice.choice((made.payer, made.payee, ARBITER))
    jws = run.sign(signer, "cancel/1", lock=id)
    faults = made.cancel(_party(signer), ARBITER)
    return jws, faults, lambda: _end(run, id, made, "cancelled", made.payer)


def put_off(run: Traffic) -> Act:
    """It ends later; or somebody would have it end earlier, or has no say."""
    if (picked := _picked(run)) is None:
        return run.instead(lock)
    id, made = picked
    signer = run.dice.choice((made.payer, made.payer, made.payer, made.payee))
    ends_at = made.ends_at + run.dice.choice((-1, 0, 1, 5 * HOUR, 30 * HOUR))
    jws = run.sign(signer, "extend/1", lock=id, ends_at=ends_at)
    faults = made.extend(_party(signer), ends_at)
    return jws, faults, lambda: setattr(made, "ends_at", ends_at)


def _end(run: Traffic, id: str, made: Locked, status: str, to: str) -> None:
    made.status = status
    returns = _party(made.payer) == _party(to)
    run.model.move(f"lock {id}", to, made.asset, made.amount, returns=returns)
    assert run.model.balances.pop((f"lock {id}", made.asset)) == 0


def _party(name: str) -> str:
    return name.removesuffix(" 2")


def _picked(run: Traffic) -> tuple[str, Any] | None:
    return newest(run.dice, run.model.locked, lambda made: not made.ended())


ACTS = (lock, release, cancel, put_off)
WEIGHTS = (6, 5, 2, 2)
