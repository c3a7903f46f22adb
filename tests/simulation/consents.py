"""Consents and aliases in the simulation: services that pay in a person's name, names that are
paid. The model's side is `model.Consented` and `model.Named`.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from tests.builders import HOUR, derived
from tests.kinds.families.aliases import committed
from tests.simulation.choice import newest
from tests.simulation.model import Consented, Named

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

SCALES = {"KZTD": 2, "tUSDT": 6}
SERVICES = ("market", "bank")


def _text(units: int, asset: str) -> str:
    return f"{Decimal(units).scaleb(-SCALES[asset]):f}"


def give_consent(run: Traffic) -> Act:
    """A shopper lets a service pay, for a moment or for days."""
    owner, service = run.dice.choice(("aigul", "daniyar")), run.dice.choice(SERVICES)
    asset = run.dice.choice(("KZTD", "KZTD", "tUSDT"))
    scopes = run.dice.choice((("pay",), ("pay_merchant",), ("sweep", "pay_merchant")))
    cap = run.dice.randrange(1, 10**6)
    ends_at = run.at + run.dice.choice((0, 1, 9 * HOUR, 40 * HOUR, 400 * HOUR))
    made = Consented(owner, service, asset, scopes, cap, 2 * cap, ends_at)
    jws = run.sign(owner, "consent/1", account=run.world.accounts[owner, asset],
                   service=run.world.parties[service], scopes=scopes, ends_at=ends_at,
                   cap_payment=_text(cap, asset), cap_day=_text(2 * cap, asset))  # fmt: skip
    faults = {"DATES_CONFLICT"} if ends_at <= run.at else set()
    id = derived(jws.decode(), "consent")
    return jws, faults, lambda: run.model.consents.update({id: made})


def use_consent(run: Traffic) -> Act:
    """The service pays somebody: a part of the cap, all of it, or a unit more."""
    if (picked := _picked(run)) is None:
        return run.instead(give_consent)
    id, made = picked
    target = run.dice.choice(("cafe", "market", "bank", "aigul 2"))
    cap = made.cap_payment
    units = run.dice.choice((1, cap // 2 + 1, cap, cap, cap + 1))
    signer = made.service if run.dice.random() < 0.9 else "exchange"
    jws = run.sign(signer, "consent_pay/1", consent=id, amount=_text(units, made.asset),
                   to=run.world.accounts[target, made.asset])  # fmt: skip
    if signer != made.service:
        return jws, {"CONSENT_UNKNOWN"}, None
    at = run.at
    faults = made.use(target, run.model.merchants, units, at)
    faults = faults or run.model.transfer(made.owner, target, made.asset, units)

    def then() -> None:
        run.model.move(made.owner, target, made.asset, units)
        made.used(units, at)

    return jws, faults, then


def revoke_consent(run: Traffic) -> Act:
    """Either side ends it, or tries to when it is over."""
    if (picked := _picked(run)) is None:
        return run.instead(give_consent)
    id, made = picked
    signer = run.dice.choice((made.owner, made.service))
    jws = run.sign(signer, "consent_revoke/1", consent=id)
    return jws, made.over(run.at), lambda: setattr(made, "revoked", True)


def bind_alias(run: Traffic) -> Act:
    """The bank binds a number, or a word for one payment."""
    target = run.dice.choice(("aigul", "aigul 2", "daniyar", "cafe"))
    asset, form = run.dice.choice(tuple(SCALES)), run.dice.choice(("phone", "one_time"))
    alias = committed(f"+7700000{run.dice.randrange(10_000):04}")
    jws = run.sign("bank", "alias/1", alias=alias, form=form, ends_at=None,
                   account=run.world.accounts[target, asset])  # fmt: skip
    faults = {"ALREADY_REGISTERED"} if alias in run.model.aliases else set()
    if (target, asset) in run.model.frozen:
        faults = {"ACCOUNT_FROZEN"}
    made = Named(target, asset, form == "one_time")
    return jws, faults, lambda: run.model.aliases.update({alias: made})


def pay_alias(run: Traffic) -> Act:
    """Somebody pays to a name; a second time to one that is good for one payment."""
    picked = newest(run.dice, run.model.aliases, lambda made: not made.spent)
    if picked is None:
        return run.instead(bind_alias)
    alias, made = picked
    payer = run.dice.choice(("aigul", "daniyar", "exchange"))
    units = run.amount(payer, made.asset)
    jws = run.sign(payer, "alias_pay/1", from_=run.world.accounts[payer, made.asset],
                   alias=alias, amount=_text(units, made.asset))  # fmt: skip
    if made.spent:
        return jws, {"STATUS_CONFLICT"}, None
    if payer == made.target:
        return jws, {"SAME_ACCOUNT"}, None

    def then() -> None:
        run.model.move(payer, made.target, made.asset, units)
        made.spent = made.once

    return jws, run.model.transfer(payer, made.target, made.asset, units), then


def _picked(run: Traffic) -> tuple[str, Consented] | None:
    return newest(run.dice, run.model.consents, lambda made: not made.over(run.at))


ACTS = (give_consent, use_consent, revoke_consent, bind_alias, pay_alias)
WEIGHTS = (1, 2, 1, 1, 1)
