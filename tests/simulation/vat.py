"""Digital VAT in the simulation: invoices paid from ordinary money and with VAT, VAT to the budget,
refunds; and VAT tried where it may not go. The model's side is `Books`: four sums a taxpayer beside
the balances, and what was refunded of each payment.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ledger.core import counters
from ledger.core.ids import unb64
from ledger.core.needs import Need
from tests.kinds.families.vat import invoice, invoice_id, paying, register, treasury

if TYPE_CHECKING:
    from tests.simulation.test_simulation import Act, Traffic

TAXPAYERS = ("mill", "press")
BUDGET, BUYER = "revenue", "exchange buyer"
MEASURES = (counters.VAT_OUTPUT, counters.VAT_INPUT, counters.VAT_PAID, counters.VAT_CREDIT)


@dataclass
class Bill:
    """A paid invoice: who bought from whom, gross and VAT, whether VAT paid its VAT, and what of
    the gross went back."""

    id: str
    buyer: str
    seller: str
    gross: int
    vat: int
    with_vat: bool
    back: int = 0


@dataclass
class Books:
    """Output, input, paid and credit by taxpayer; the bills."""

    sums: dict[str, list[int]] = field(default_factory=lambda: {n: [0] * 4 for n in TAXPAYERS})
    bills: list[Bill] = field(default_factory=list)


def begin(run: Traffic) -> Books:
    """A treasury, a buyer with money, and two taxpayers."""
    world, accounts = run.world, run.world.accounts
    treasury(world, BUDGET)
    for name, role in ((BUYER, "bank"), *((name, "merchant") for name in TAXPAYERS)):
        registrar = "nbk" if role == "bank" else "bank"
        world.register(registrar, name, role, 3)
        world.open(registrar, name, "KZTD")
        world.do("bank", "transfer/1", from_=accounts["bank", "KZTD"], to=accounts[name, "KZTD"],
                 amount="20000.00")  # fmt: skip
    for name in TAXPAYERS:
        accounts[_vat(name), "KZTD"] = register(world, name)
    for name in (BUDGET, BUYER, *TAXPAYERS, *map(_vat, TAXPAYERS)):
        run.model.balances[name, "KZTD"] = run.balance(name, "KZTD")
    return Books()


def agree(run: Traffic) -> None:
    """The four sums, and that with the balance they are what they must be."""
    for name, sums in run.books.sums.items():
        owner = unb64(run.world.parties[name], 16)
        needs: list[Need] = [("counter", measure, 0, owner, "") for measure in MEASURES]
        found = run.reader.load(needs)
        assert [found[need] for need in needs] == sums
        output, input_, paid, credit = sums
        assert output - input_ == paid + run.model.has(_vat(name), "KZTD") - credit


def buy(run: Traffic) -> Act:
    """Somebody pays a taxpayer's invoice; a taxpayer perhaps with VAT, or its own."""
    buyer = run.dice.choice((BUYER, BUYER, *TAXPAYERS))
    seller = run.dice.choice(TAXPAYERS)
    with_vat = buyer != BUYER and run.dice.random() < 0.5
    vat = run.dice.choice((16, 1_600, 9_600))
    bill = invoice(run.world, ("standard", run.text(vat * 116 // 16, "KZTD")), seller=seller)
    from_vat = run.world.accounts[_vat(buyer), "KZTD"] if with_vat else None
    jws = run.sign(buyer, "invoice_pay/1", **paying(run.world, buyer, bill, from_vat))
    if buyer == seller:
        return jws, {"TARGET_NOT_ADMITTED"}, None
    made = Bill(invoice_id(bill), buyer, seller, vat * 116 // 16, vat, with_vat)
    own = made.gross - vat if with_vat else made.gross
    faults = run.model.funds(buyer, "KZTD", own)
    faults |= run.model.funds(_vat(buyer), "KZTD", vat) if with_vat else set()

    def then() -> None:
        run.model.move(buyer, seller, "KZTD", made.gross - vat)
        run.model.move(_vat(buyer) if with_vat else buyer, _vat(seller), "KZTD", vat)
        _count(run, made, vat)
        run.books.bills.append(made)

    return jws, faults, then


def pay_budget(run: Traffic) -> Act:
    """VAT to the budget; or it is tried where it may not go."""
    if run.dice.random() < 0.25:
        return _leak(run)
    name = run.dice.choice(TAXPAYERS)
    units = max(1, run.model.has(_vat(name), "KZTD") // run.dice.choice((1, 3, 10)))
    jws = run.sign(name, "vat_pay/1", from_=run.world.accounts[_vat(name), "KZTD"],
                   amount=run.text(units, "KZTD"))  # fmt: skip

    def then() -> None:
        run.model.move(_vat(name), BUDGET, "KZTD", units)
        run.books.sums[name][2] += units

    return jws, run.model.funds(_vat(name), "KZTD", units), then


def give_back(run: Traffic) -> Act:
    """A seller gives some of a bill back, or more than it was."""
    if not run.books.bills:
        return run.instead(buy)
    bill = run.dice.choice(run.books.bills[-6:])
    left = bill.gross - bill.back
    units = run.dice.choice((1, left // 2 + 1, max(1, left), left + 1))
    accounts = run.world.accounts
    jws = run.sign(bill.seller, "refund/1", payment=bill.id, amount=run.text(units, "KZTD"),
                   from_=accounts[bill.seller, "KZTD"],
                   to=accounts[bill.buyer, "KZTD"])  # fmt: skip
    if units > left:
        return jws, {"REFUND_TOO_MUCH"}, None
    vat = bill.vat * (bill.back + units) // bill.gross - bill.vat * bill.back // bill.gross
    from_vat = min(vat, run.model.has(_vat(bill.seller), "KZTD"))
    faults = run.model.funds(bill.seller, "KZTD", units - from_vat)

    def then() -> None:
        to = _vat(bill.buyer) if bill.with_vat else bill.buyer
        run.model.move(bill.seller, bill.buyer, "KZTD", units - vat)
        run.model.move(bill.seller, to, "KZTD", vat - from_vat)
        run.model.move(_vat(bill.seller), to, "KZTD", from_vat)
        bill.back += units
        _count(run, bill, -vat)
        run.books.sums[bill.seller][3] += vat - from_vat

    return jws, faults, then


def _leak(run: Traffic) -> Act:
    """A taxpayer takes VAT for itself, or for somebody else."""
    name = run.dice.choice(TAXPAYERS)
    target = run.dice.choice((*TAXPAYERS, BUDGET, "market"))
    accounts = run.world.accounts
    jws = run.sign(name, "transfer/1", from_=accounts[_vat(name), "KZTD"],
                   to=accounts[target, "KZTD"], amount="0.01")  # fmt: skip
    return jws, {"MARK_BOUND"}, None


def _vat(name: str) -> str:
    return f"{name} vat"


def _count(run: Traffic, bill: Bill, vat: int) -> None:
    """So much more VAT in what was sold."""
    sums = run.books.sums
    sums[bill.seller][0] += vat
    if bill.buyer in sums:
        sums[bill.buyer][1] += vat
        sums[bill.buyer][3] += 0 if bill.with_vat else vat


ACTS = (buy, pay_budget, give_back)
WEIGHTS = (4, 2, 2)
