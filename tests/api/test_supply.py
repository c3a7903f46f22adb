"""Supply at every entry: issued - redeemed = outstanding = the sum of all balances, as it was then.

The figures are held against a sum of one's own over the log's postings, whatever kind made them.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

import sandbox_api.reading.money as money
from ledger.core.amount import parse_amount
from ledger.core.ids import b64
from ledger.log.leaf import decode_leaf
from tests.api.sandbox import Person, Sandbox, on_both
from tests.builders import request_id

pytestmark = on_both

SCALES = {"KZTD": 2, "tUSDT": 6, "tBTC": 8, "tETH": 8}
FIGURES = ("issued", "redeemed", "outstanding", "balances")


@pytest.fixture
def stretch(sandbox: Sandbox, person: Person) -> range:
    """Entries in which money is issued, redeemed, paid, refunded, given back whole, seized and
    disposed of, moved whole to another party, proposed and withdrawn."""
    first = sandbox.reader.head().size
    bank, world = sandbox.world.persona("bank"), sandbox.world
    sandbox.by_two("central-bank", "issue/1", to=bank.account("KZTD"), amount="1000.00")
    for asset in ("KZTD", "tUSDT"):
        request = sandbox.request("cafe", "500.00")
        paid = sandbox.submit(sandbox.pay(person, asset, request)).json
        (leg,) = sandbox.get(f"/v1/transactions/{paid['id']}").json["postings"]
        back = sandbox.sign(
            "cafe", "refund/1", payment=request_id(request), from_=leg["credit"],
            to=leg["debit"], amount=leg["amount"],
        )  # fmt: skip
        assert sandbox.submit(back).status_code == 201
    sandbox.by_two(
        "exchange", "issue/1", to=world.persona("exchange").account("tETH"), amount="3.00000000"
    )
    sandbox.by_two("central-bank", "redeem/1", from_=bank.account("KZTD"), amount="250.00")
    id = sandbox.propose("central-bank", "issue/1", to=bank.account("KZTD"), amount="9.00")
    withdrawn = sandbox.submit(sandbox.sign("central-bank-2", "withdraw/1", proposal=id))
    assert withdrawn.status_code == 201
    held = sandbox.get(f"/v1/accounts/{person.accounts['tUSDT']}/balance").json["balance"]
    everything = sandbox.transfer(person, world.persona("exchange").account("tUSDT"), held, "tUSDT")
    assert sandbox.submit(everything).status_code == 201
    loser = sandbox.joined()
    sandbox.by_two(
        "supervisor", "seize/1", from_=loser.accounts["tUSDT"], amount="40.000000", order="order 7"
    )
    sandbox.by_two(
        "central-bank", "dispose/1", to=world.persona("exchange").account("tUSDT"),
        amount="15.000000", order="order 8",
    )  # fmt: skip
    newcomer = sandbox.joined()
    gift = sandbox.transfer(newcomer, person.accounts["KZTD"], "1.00")
    assert sandbox.submit(gift).status_code == 201
    return range(first - 1, sandbox.reader.head().size)


def sums(sandbox: Sandbox) -> list[dict[str, dict[str, int]]]:
    """After each entry, by asset: issued, redeemed, and what the accounts hold, from the leaves."""
    with sandbox.reader.snapshot() as view:
        kinds = {b64(one.id): one.kind for one in view.all_accounts()}
        leaves = [leaf for _, leaf in view.all_leaves()]
    issued, redeemed, gained, lost = (Counter[str]() for _ in range(4))
    found = []
    for leaf in leaves:
        for leg in decode_leaf(leaf).postings:
            amount = int(leg.amount)
            (issued if kinds[leg.debit] == "issue" else lost)[leg.asset] += amount
            (redeemed if kinds[leg.credit] == "issue" else gained)[leg.asset] += amount
        found.append(
            {
                asset: {
                    "issued": issued[asset], "redeemed": redeemed[asset],
                    "outstanding": issued[asset] - redeemed[asset],
                    "balances": gained[asset] - lost[asset],
                }
                for asset in SCALES
            }
        )  # fmt: skip
    return found


def told(sandbox: Sandbox, index: int) -> dict[str, dict[str, int]]:
    body: dict[str, Any] = sandbox.get(f"/v1/supply?index={index}").json
    assert body["size"] == index + 1
    return {
        row["asset"]: {
            name: parse_amount(row[name], SCALES[row["asset"]], zero=True) for name in FIGURES
        }
        for row in body["assets"]
        if row["asset"] in SCALES
    }


def test_supply_is_proved_at_every_entry(sandbox: Sandbox, stretch: range) -> None:
    expected = sums(sandbox)

    for index in stretch:
        found = told(sandbox, index)
        assert found == expected[index], index
        for row in found.values():
            assert row["issued"] - row["redeemed"] == row["outstanding"] == row["balances"]


def test_supply_is_proved_from_the_first_entry_on(sandbox: Sandbox) -> None:
    expected = sums(sandbox)

    for index in range(0, len(expected), 7):
        assert told(sandbox, index) == expected[index], index


def test_what_nobody_sums_is_null(
    sandbox: Sandbox, stretch: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = stretch.start
    whole = sandbox.get(f"/v1/supply?index={index}").json["assets"]
    monkeypatch.setattr(money, "SUPPLY_MOVED_MAX", 2)

    found = sandbox.get(f"/v1/supply?index={index}").json["assets"]

    assert found == [row | {"balances": None} for row in whole]
    assert all(row["balances"] for row in sandbox.get("/v1/supply").json["assets"])
