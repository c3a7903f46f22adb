"""Races for digital VAT: an invoice is paid once, what a VAT account holds goes one way, a payment
is claimed once, and a claim is denied or paid.

Front ends race in processes of their own. On SQLite all share the one writer; on PostgreSQL two
nodes' writers serve one ledger.
"""

from __future__ import annotations

import pytest

from ledger.clock import system_ms
from ledger.core import counters
from ledger.core.decision import Code
from ledger.core.ids import ID_BYTES, unb64
from ledger.core.needs import Need
from ledger.keyring import Keyring
from ledger.writer.answers import Declined, Taken
from tests.builders import derived, pack_text
from tests.kinds.families.vat import (
    CLAIMS,
    RATES,
    attest,
    bought,
    fund,
    invoice,
    paying,
    register,
    treasury,
)
from tests.reliability.racer import FRONT_ENDS, Racers, codes, one_of, over, told
from tests.reliability.town import Site
from tests.scale import rounds

ROUNDS = rounds(40)
PAYERS = ["person 00", "person 01", "person 02", "person 03"]
WAITING_S = 60
"""How long a claim waits here: the least that a pack may say."""


@pytest.fixture
def vat(site: Site, racers: Racers) -> Site:
    """The site with two taxpayers, reached by the racers' nodes."""
    world = site.world
    if "revenue" not in world.parties:
        rules = RATES + CLAIMS.format(seconds=WAITING_S)
        world.do("nbk", "pack/1", text=pack_text().rstrip() + "\n" + rules)
        treasury(world)
        world.vat = {name: register(world, name) for name in ("market", "cafe")}
        fund(world, "revenue", "100000.00")
        fund(world, "cafe", "500000.00")
        bought(world, "bank", "cafe", ("zero", "900000.00"))
        attest(world, "cafe", 1, exporter=True)
    return site


def figures(site: Site, name: str) -> list[int]:
    """Output, input, paid, credit of a taxpayer."""
    measures = (counters.VAT_OUTPUT, counters.VAT_INPUT, counters.VAT_PAID, counters.VAT_CREDIT)
    owner = unb64(site.world.parties[name], ID_BYTES)
    needs: list[Need] = [("counter", measure, 0, owner, "") for measure in measures]
    found = site.reader().load(needs)
    return [found[need] for need in needs]


def balanced(site: Site, name: str) -> None:
    """The identity, with the balance as the leaves tell it."""
    output, input_, paid, credit = figures(site, name)
    has = site.judge().balances.get(site.world.vat[name], 0)
    assert output - input_ == paid + has - credit


def test_an_invoice_is_paid_once(vat: Site, racers: Racers) -> None:
    world = vat.world
    before = figures(vat, "market")[0]
    for done in range(1, ROUNDS + 1):
        jws = invoice(world, ("standard", "1.16"))
        work = [[world.sign(payer, "invoice_pay/1", **paying(world, payer, jws))]
                for payer in PAYERS]  # fmt: skip

        one_of(told(racers.race(work)), Code.REQUEST_PAID)

        assert figures(vat, "market")[0] == before + done * 16
    balanced(vat, "market")


def test_vat_goes_to_the_budget_or_to_a_supplier(vat: Site, racers: Racers) -> None:
    """The account holds 16.00, and each way takes 10.00 of it."""
    world = vat.world
    for _ in range(ROUNDS):
        has = vat.judge().balances.get(world.vat["market"], 0)
        if has:
            world.do("market", "vat_pay/1", from_=world.vat["market"], amount=_text(has))
        bought(world, "bank", "market", ("standard", "116.00"))
        bill = invoice(world, ("standard", "72.50"), seller="cafe")  # holds 10.00
        own = world.vat["market"]
        work = [
            [world.sign("market", "vat_pay/1", from_=own, amount="10.00")]
            if place % 2
            else [world.sign("market", "invoice_pay/1", **paying(world, "market", bill, own))]
            for place in range(FRONT_ENDS)
        ]

        answers = told(racers.race(work))

        won = [place for place, one in enumerate(answers) if isinstance(one, Taken)]
        assert len(won) == 1
        paid = set() if won[0] % 2 else {Code.REQUEST_PAID}
        assert set(codes(*answers)) <= {Code.FUNDS} | paid
        assert vat.judge().balances[world.vat["market"]] == 6_00
    balanced(vat, "market")
    balanced(vat, "cafe")


def test_a_payment_is_claimed_once(vat: Site, racers: Racers) -> None:
    for _ in range(ROUNDS):
        claims = _claims(vat, FRONT_ENDS)

        answers = told(racers.race([[jws] for jws in claims]))

        won = answers.index(one_of(answers, Code.STATUS_CONFLICT))
        vat.world.do("revenue", "vat_deny/1", claim=derived(claims[won], "claim"), order="D-1")
    balanced(vat, "cafe")


def test_a_claim_is_denied_or_paid(vat: Site, racers: Racers) -> None:
    """The clock jumps over the end of the delay while the treasury denies."""
    world = vat.world
    operator = Keyring.open_or_create(vat.keyring).key("operator")
    offset = denied = 0
    try:
        for _ in range(ROUNDS):
            (jws,) = _claims(vat, 1)
            assert isinstance(world.offer(jws), Taken)
            id = derived(jws, "claim")
            offset += WAITING_S * 1000
            jump = world.sign(operator, "clock/1", offset=offset, frozen_at=None)
            deny = [world.sign("revenue", "vat_deny/1", claim=id, order=f"D-{n}")
                    for n in range(FRONT_ENDS - 1)]  # fmt: skip
            before = vat.judge().balances[world.accounts["cafe", "KZTD"]]

            answers = told(racers.race([[jump], *([one] for one in deny)]))

            world.signing.now = lambda by=offset: system_ms() + by
            world.do("bank", "transfer/1", from_=world.accounts["bank", "KZTD"],
                     to=world.accounts["person 00", "KZTD"], amount="0.01")  # fmt: skip
            found = over(vat, "vat_claim", id)
            won = [one for one in answers[1:] if isinstance(one, Taken)]
            assert set(codes(*[one for one in answers[1:] if isinstance(one, Declined)])) <= {
                Code.STATUS_CONFLICT
            }
            assert found.status == ("denied" if won else "paid")
            assert len(won) <= 1
            came = vat.judge().balances[world.accounts["cafe", "KZTD"]] - before
            assert came == (0 if won else 16)
            denied += len(won)
            balanced(vat, "cafe")
    finally:
        world.signing.now = lambda: system_ms() + offset
    print(f"{denied} of {ROUNDS} were denied")


def _claims(site: Site, so_many: int) -> list[str]:
    """Claims of one new payment of the café's, whose seller has filed."""
    world = site.world
    payment = bought(world, "cafe", "market", ("standard", "1.16"))
    attest(world, "market", site.remembered("vat_part", payment).body.at)
    to = world.accounts["cafe", "KZTD"]
    return [world.sign("cafe", "vat_claim/1", payments=[payment], to=to) for _ in range(so_many)]


def _text(tiyn: int) -> str:
    return f"{tiyn // 100}.{tiyn % 100:02d}"
