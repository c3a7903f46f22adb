"""The reserve holds what was seized less what was disposed of, at every entry there ever was."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from ledger.audit import audit_database
from ledger.core.amount import format_amount
from ledger.store import open_reading
from ledger.writer.answers import Declined, Offer, Taken
from sandbox_api.reading.freeze import reserve
from tests.builders import World
from tests.kinds.families.freeze import LABEL
from tests.kinds.frozen import begin, reopen, url_of
from tests.scale import SCALE

SCALES = {"tUSDT": 6, "tBTC": 8}
ACTS = st.lists(
    st.tuples(
        st.sampled_from(("seize", "seize", "dispose", "transfer")),
        st.sampled_from(("tUSDT", "tBTC")),
        st.sampled_from(("aigul", "daniyar")),
        st.sampled_from((1, 7, 40_000_000, 99_999_999, 10_000_000_000)),
    ),
    min_size=1,
    max_size=25,
)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> tuple[World, Path]:
    folder = tmp_path_factory.mktemp("reserve")
    world = begin(folder)
    world.door.close()
    return world, folder


def _signed(world: World, act: str, asset: str, name: str, units: int) -> str:
    amount, account = format_amount(units, SCALES[asset]), world.accounts[name, asset]
    if act == "seize":
        return world.sign("afsa", "seize/1", from_=account, amount=amount, order=LABEL)
    if act == "dispose":
        to = world.accounts["exchange", asset]
        return world.sign("nbk", "dispose/1", to=to, amount=amount, order=LABEL)
    to = world.accounts["daniyar" if name == "aigul" else "aigul", asset]
    return world.sign(name, "transfer/1", from_=account, to=to, amount=amount)


@seed(20_261_122)
@settings(
    max_examples=15 * SCALE,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(acts=ACTS)
def test_holdings_are_seizures_less_disposals_at_every_past_entry(
    template: tuple[World, Path],
    tmp_path_factory: pytest.TempPathFactory,
    acts: list[tuple[str, str, str, int]],
) -> None:
    folder = tmp_path_factory.mktemp("run")
    world = reopen(*template, folder)
    reader = open_reading(url_of(folder))
    start = reader.head().size
    supply = reader.balances()
    holdings = [{"tUSDT": 0, "tBTC": 0}]
    try:
        for act, asset, name, units in acts:
            jws = _signed(world, act, asset, name, units)
            answer = world.door.submit([Offer(jws.encode(), False)])[0]
            assert isinstance(answer, Taken | Declined)
            if isinstance(answer, Taken):
                by = {"seize": units, "dispose": -units, "transfer": 0}[act]
                holdings.append(holdings[-1] | {asset: holdings[-1][asset] + by})

        with reader.snapshot() as view:
            for past, expected in enumerate(holdings):
                found = {one.asset: one.amount for one in reserve(view, start - 1 + past).holdings}
                assert found == {
                    asset: format_amount(expected[asset], SCALES[asset]) for asset in found
                }
                assert {asset for asset, units in expected.items() if units} <= found.keys()
            assert reserve(view, None) == reserve(view, start + len(holdings) - 2)
            assert view.balances() == supply
    finally:
        reader.close()
        world.door.close()
    verdict = audit_database(url_of(folder), decides=True, workers=1)
    assert verdict.is_sound, verdict.findings
