"""Split payments and requests to pay in the simulation: several are paid at once, somebody asks and
somebody pays, declines, takes back or lets the time run out. What is paid in tenge is given back by
the simulation's refunds like any sale.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ledger.core.ids import unb64
from tests.builders import HOUR, derived
from tests.simulation.choice import newest
from tests.simulation.model import Sale

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

HOLDERS = ("aigul", "aigul 2", "daniyar", "cafe", "market", "exchange", "bank")
SCALES = {"KZTD": 2, "tUSDT": 6, "tBTC": 8}


@dataclass
class Asked:
    """What a payee asks of a payer."""

    payee: str
    payer: str
    asset: str
    amount: int
    ends_at: int
    status: str = "open"

    def closed(self, at: int) -> set[str]:
        return set() if self.status == "open" and at < self.ends_at else {"STATUS_CONFLICT"}


@dataclass
class Asks:
    """All that was ever asked for, by id."""

    made: dict[str, Asked] = field(default_factory=dict)

    def newest(self, run: Traffic) -> tuple[str, Asked] | None:
        return newest(run.dice, self.made, lambda made: not made.closed(run.at))


def _text(units: int, asset: str) -> str:
    whole, rest = divmod(units, 10 ** SCALES[asset])
    return f"{whole}.{rest:0{SCALES[asset]}}"


def _owner(name: str) -> str:
    return name.removesuffix(" 2")


def split(run: Traffic) -> Act:
    """Now and then the shares are a unit more than the amount, or one payee stands twice."""
    payer, *payees = run.dice.sample(HOLDERS, run.dice.choice((3, 3, 6)))
    asset = run.dice.choice(("KZTD", "KZTD", *SCALES))
    parts = [max(1, run.amount(payer, asset) // len(payees)) for _ in payees]
    wrong = run.dice.choice(("", "", "", "", "sum", "twice"))
    if wrong == "twice":
        payees[-1] = payees[0]
    total = sum(parts) - (wrong == "sum")
    accounts = run.world.accounts
    shares = [{"to": accounts[to, asset], "amount": _text(units, asset)}
              for to, units in zip(payees, parts, strict=True)]  # fmt: skip
    jws = run.sign(payer, "split/1", from_=accounts[payer, asset], amount=_text(total, asset),
                   shares=shares)  # fmt: skip
    if (payer, asset) in run.model.frozen:
        return jws, {"ACCOUNT_FROZEN"}, None
    if wrong:
        return jws, {"SHARES_SUM"} if wrong == "sum" else {"PAYEE_TWICE"}, None
    faults = run.model.funds(payer, asset, total)
    for payee, units in zip(payees, parts, strict=True):
        faults |= run.model.transfer(payer, payee, asset, units) - {"FUNDS"}

    def then() -> None:
        for payee, units in zip(payees, parts, strict=True):
            run.model.move(payer, payee, asset, units)

    return jws, faults, then


def ask(run: Traffic) -> Act:
    """By party or by account, for a moment or for hours; now and then of oneself."""
    payee, payer = run.dice.sample(HOLDERS, 2)
    asset = run.dice.choice(("KZTD", "KZTD", *SCALES))
    units, ends_at = run.amount(payer, asset), run.at + run.dice.choice((0, 1, HOUR, 40 * HOUR))
    whom = ({"payer": run.world.parties[payer]} if run.dice.random() < 0.5
            else {"from_": run.world.accounts[payer, asset]})  # fmt: skip
    jws = run.sign(payee, "ask/1", to=run.world.accounts[payee, asset], reference="A-17",
                   amount=_text(units, asset), ends_at=ends_at, **whom)  # fmt: skip
    made = Asked(payee, payer, asset, units, ends_at)
    id = derived(jws.decode(), "ask")
    if _owner(payee) == _owner(payer):
        return jws, {"TARGET_NOT_ADMITTED"}, None
    faults = {"DATES_CONFLICT"} if ends_at <= run.at else set()
    return jws, faults, lambda: run.asks.made.update({id: made})


def pay_ask(run: Traffic) -> Act:
    """By who is asked, now and then by somebody else."""
    if (picked := run.asks.newest(run)) is None:
        return run.instead(ask)
    id, made = picked
    accounts = run.world.accounts
    if run.dice.random() < 0.1:
        from_ = accounts[made.payee, made.asset]
        is_frozen = (made.payee, made.asset) in run.model.frozen
        faults = {"ACCOUNT_FROZEN"} if is_frozen else {"ASK_UNKNOWN"}
        return run.sign(made.payee, "ask_pay/1", ask=id, from_=from_), faults, None
    jws = run.sign(made.payer, "ask_pay/1", ask=id, from_=accounts[made.payer, made.asset])
    transfer = run.model.transfer(made.payer, made.payee, made.asset, made.amount)

    def then() -> None:
        made.status = "paid"
        run.model.move(made.payer, made.payee, made.asset, made.amount)
        if made.asset == "KZTD":
            sale = Sale(made.payer, made.payee, "KZTD", made.amount, made.amount)
            run.model.sales[id] = sale

    if (made.payer, made.asset) in run.model.frozen:
        return jws, {"ACCOUNT_FROZEN"}, None
    return jws, made.closed(run.at) or transfer, then


def end_ask(run: Traffic) -> Act:
    """The payer declines or the payee takes back; now and then the wrong one of them."""
    if (picked := run.asks.newest(run)) is None:
        return run.instead(ask)
    id, made = picked
    kind, status, signer, other = run.dice.choice((
        ("ask_decline/1", "declined", made.payer, made.payee),
        ("ask_withdraw/1", "withdrawn", made.payee, made.payer),
    ))  # fmt: skip
    if run.dice.random() < 0.2:
        return run.sign(other, kind, ask=id), {"ASK_UNKNOWN"}, None
    jws = run.sign(signer, kind, ask=id)
    return jws, made.closed(run.at), lambda: setattr(made, "status", status)


def held_against(run: Traffic, load: Any) -> None:
    """The ledger's own word on every ask is the model's; so is how many are open, by pair."""
    is_open: dict[Any, int] = {}
    for id, made in run.asks.made.items():
        status = "expired" if made.status == "open" and made.ends_at <= run.at else made.status
        assert load(id).status == status, (id, made)
        parties = [run.world.parties[name] for name in (made.payer, made.payee)]
        need = ("counter", "asks.open", 0, unb64(parties[0], 16), parties[1])
        is_open[need] = is_open.get(need, 0) + (status == "open")
    assert run.reader.load(is_open) == is_open


ACTS = (split, ask, pay_ask, end_ask)
WEIGHTS = (4, 5, 8, 4)
