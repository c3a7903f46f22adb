"""Shares of an amount: to the tiyn the amount, by the named rounding, against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.amount import format_amount
from sandbox_api.programme.form import Split, tiyn
from sandbox_api.programme.sharing import shared


def rule(rounding: str, *percents: int, fixed: tuple[tuple[str, str], ...] = ()) -> Split:
    shares = tuple((f"p{number}", percent) for number, percent in enumerate(percents))
    return Split(("split", "x"), "x", "market", rounding, "p0", shares, fixed)


@pytest.mark.parametrize(
    ("rounding", "percents", "amount", "told"),
    [
        ("down", (70, 20, 10), "100.00", ["70.00", "20.00", "10.00"]),
        ("down", (70, 20, 10), "0.19", ["0.15", "0.03", "0.01"]),
        ("down", (50, 50), "0.03", ["0.02", "0.01"]),
        ("half_up", (50, 50), "0.03", ["0.01", "0.02"]),
        ("half_even", (50, 50), "0.03", ["0.01", "0.02"]),
        ("half_even", (50, 50), "0.05", ["0.03", "0.02"]),
        ("half_up", (50, 50), "0.05", ["0.02", "0.03"]),
        ("down", (99, 1), "0.50", None),
        ("half_up", (99, 1), "0.50", ["0.49", "0.01"]),
    ],
)
def test_rounding_is_as_it_is_named(
    rounding: str, percents: tuple[int, ...], amount: str, told: list[str] | None
) -> None:
    found = shared(rule(rounding, *percents), amount)

    assert (None if found is None else list(found.values())) == told


def test_fixed_amounts_go_first() -> None:
    found = shared(rule("down", 70, 30, fixed=(("fee", "500.00"),)), "1000.00")

    assert found == {"fee": "500.00", "p0": "350.00", "p1": "150.00"}
    assert shared(rule("down", 70, 30, fixed=(("fee", "500.00"),)), "500.00") is None


@given(
    st.integers(1, 10**15),
    st.lists(st.integers(1, 99), min_size=1, max_size=9).filter(lambda rows: sum(rows) < 100),
    st.sampled_from(["down", "half_up", "half_even"]),
)
def test_shares_are_the_amount_to_the_tiyn(units: int, rest: list[int], rounding: str) -> None:
    percents = (100 - sum(rest), *rest)

    found = shared(rule(rounding, *percents), format_amount(units, 2))

    if found is not None:
        paid = [tiyn(one) for one in found.values()]
        assert sum(paid) == units
        off = [abs(Fraction(units * p, 100) - one) for p, one in zip(percents, paid, strict=True)]
        assert all(one < 1 for one in off[1:]), "no share but the remainder's is a tiyn off"
        assert off[0] < len(percents)
