"""Amounts have one spelling a scale (C5); values round half up, what a payer owes rounds up."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.amount import (
    AMOUNT_LIMIT,
    SCALE_MAX,
    Rate,
    amount_for,
    format_amount,
    parse_amount,
    value_in_tenge,
)
from ledger.errors import Malformed

scales = st.integers(0, SCALE_MAX)
amounts = st.one_of(st.integers(0, AMOUNT_LIMIT - 1), st.integers(0, 10_000))
rates = st.one_of(st.integers(1, 10**18 - 1), st.integers(1, 10**11)).map(Rate)


def code_of(read: Callable[[], object]) -> str | None:
    try:
        read()
    except Malformed as refusal:
        return refusal.code
    return None


@pytest.mark.parametrize(
    ("text", "scale", "units"),
    [
        pytest.param("1290.00", 2, 129_000, id="a price in tenge"),
        pytest.param("0.50", 2, 50, id="half a tenge"),
        pytest.param("0.01", 2, 1, id="one tiyn"),
        pytest.param("5", 0, 5, id="no fraction digits"),
        pytest.param("10", 0, 10, id="a zero at the end"),
        pytest.param("0.00000001", 8, 1, id="the smallest of scale 8"),
        pytest.param("92233720368547758.07", 2, 2**63 - 1, id="the largest, scale 2"),
        pytest.param("9223372036854775807", 0, 2**63 - 1, id="the largest, scale 0"),
        pytest.param("92233720368.54775807", 8, 2**63 - 1, id="the largest, scale 8"),
    ],
)
def test_an_amount_is_read(text: str, scale: int, units: int) -> None:
    assert parse_amount(text, scale) == units
    assert format_amount(units, scale) == text


@pytest.mark.parametrize(
    ("text", "scale", "code"),
    [
        pytest.param("0.00", 2, "amount.zero", id="zero"),
        pytest.param("0", 0, "amount.zero", id="zero, scale 0"),
        pytest.param("-0.00", 2, "amount.form", id="minus zero"),
        pytest.param("-1.00", 2, "amount.form", id="below zero"),
        pytest.param("+1.00", 2, "amount.form", id="a plus"),
        pytest.param("9223372036854775808", 0, "amount.range", id="2**63"),
        pytest.param("92233720368547758.08", 2, "amount.range", id="2**63, scale 2"),
        pytest.param("9999999999999999999", 0, "amount.range", id="all nines"),
        pytest.param("18446744073709551616", 0, "amount.range", id="2**64"),
        pytest.param("9" * 5_000, 0, "amount.range", id="5,000 digits"),
        pytest.param("1.0", 2, "amount.form", id="a digit short"),
        pytest.param("1.000", 2, "amount.form", id="a digit too many"),
        pytest.param("1", 2, "amount.form", id="no point"),
        pytest.param("1.", 2, "amount.form", id="a point alone"),
        pytest.param("1.", 0, "amount.form", id="a point alone, scale 0"),
        pytest.param(".50", 2, "amount.form", id="nothing before the point"),
        pytest.param("1.0", 0, "amount.form", id="a fraction where there is none"),
        pytest.param("00.50", 2, "amount.form", id="two zeros before the point"),
        pytest.param("01.00", 2, "amount.form", id="a leading zero"),
        pytest.param("1e3", 0, "amount.form", id="an exponent"),
        pytest.param("1E3.00", 2, "amount.form", id="an exponent before the point"),
        pytest.param("0x10", 0, "amount.form", id="hex"),
        pytest.param("1_000.00", 2, "amount.form", id="an underscore"),
        pytest.param("1,000.00", 2, "amount.form", id="a comma for thousands"),
        pytest.param("1290,00", 2, "amount.form", id="a comma for the point"),
        pytest.param("1 290.00", 2, "amount.form", id="a space"),
        pytest.param(" 1290.00", 2, "amount.form", id="a space before"),
        pytest.param("1290.00\n", 2, "amount.form", id="a newline after"),
        pytest.param("١٢.٥٠", 2, "amount.form", id="Arabic digits"),
        pytest.param("\uff11\uff12.50", 2, "amount.form", id="wide digits"),
        pytest.param("NaN", 0, "amount.form", id="not a number"),
        pytest.param("Infinity", 0, "amount.form", id="infinity"),
        pytest.param("", 0, "amount.form", id="empty"),
        pytest.param("1290.00 KZT", 2, "amount.form", id="a currency"),
        pytest.param("1\u0000.00", 2, "amount.form", id="a NUL"),
        pytest.param(1290, 0, "amount.form", id="a number"),
        pytest.param(1290.0, 2, "amount.form", id="a float"),
        pytest.param(True, 0, "amount.form", id="true"),
        pytest.param(None, 0, "amount.form", id="null"),
        pytest.param(b"5", 0, "amount.form", id="bytes"),
    ],
)
def test_another_spelling_of_an_amount_is_refused(text: Any, scale: int, code: str) -> None:
    assert code_of(lambda: parse_amount(text, scale)) == code


def test_zero_is_read_where_it_is_allowed() -> None:
    assert parse_amount("0.00", 2, zero=True) == 0
    assert code_of(lambda: parse_amount("-0.00", 2, zero=True)) == "amount.form"


def test_a_refusal_shows_what_would_pass() -> None:
    with pytest.raises(Malformed, match=r'"1290\.00".*exactly 2 digits'):
        parse_amount("1290", 2)
    with pytest.raises(Malformed, match=r'"1290".*no point'):
        parse_amount("1290.0", 0)
    with pytest.raises(Malformed, match=r"92233720368547758\.07"):
        parse_amount("99999999999999999.99", 2)


@given(amounts, scales)
def test_an_amount_comes_back_from_its_text(units: int, scale: int) -> None:
    assert parse_amount(format_amount(units, scale), scale, zero=True) == units


@given(st.text("0123456789.-+eE_ ", max_size=24), scales)
def test_what_is_read_is_written_the_same(text: str, scale: int) -> None:
    try:
        units = parse_amount(text, scale, zero=True)
    except Malformed:
        return
    assert format_amount(units, scale) == text


def test_what_an_issuer_owes_is_shown_below_zero() -> None:
    assert format_amount(-129_050, 2) == "-1290.50"
    assert format_amount(-5, 2) == "-0.05"
    assert format_amount(-5, 0) == "-5"


@pytest.mark.parametrize(
    ("text", "e8"),
    [
        pytest.param("512.3", 51_230_000_000, id="tenge for a dollar"),
        pytest.param("1", 100_000_000, id="one"),
        pytest.param("10", 1_000_000_000, id="a zero before the point"),
        pytest.param("0.00000001", 1, id="the smallest"),
        pytest.param("9999999999.99999999", 10**18 - 1, id="the largest"),
        pytest.param("44123456.7", 4_412_345_670_000_000, id="tenge for a bitcoin"),
    ],
)
def test_a_rate_is_read(text: str, e8: int) -> None:
    assert Rate.parse(text) == Rate(e8)
    assert str(Rate(e8)) == text


@pytest.mark.parametrize(
    ("text", "code"),
    [
        pytest.param("0", "rate.zero", id="zero"),
        pytest.param("512.30", "rate.form", id="a trailing zero"),
        pytest.param("512.0", "rate.form", id="a fraction of zero"),
        pytest.param("512.", "rate.form", id="a point alone"),
        pytest.param(".5", "rate.form", id="nothing before the point"),
        pytest.param("0512", "rate.form", id="a leading zero"),
        pytest.param("-1", "rate.form", id="a sign"),
        pytest.param("1e3", "rate.form", id="an exponent"),
        pytest.param("512,3", "rate.form", id="a comma"),
        pytest.param("0.000000001", "rate.form", id="nine digits after the point"),
        pytest.param("10000000000", "rate.form", id="eleven digits before it"),
        pytest.param("512.3\n", "rate.form", id="a newline"),
        pytest.param("٥١٢", "rate.form", id="Arabic digits"),
        pytest.param("", "rate.form", id="empty"),
        pytest.param(512, "rate.form", id="a number"),
        pytest.param(512.3, "rate.form", id="a float"),
        pytest.param(None, "rate.form", id="null"),
    ],
)
def test_another_spelling_of_a_rate_is_refused(text: Any, code: str) -> None:
    assert code_of(lambda: Rate.parse(text)) == code


@given(rates)
def test_a_rate_comes_back_from_its_text(rate: Rate) -> None:
    assert Rate.parse(str(rate)) == rate


@pytest.mark.parametrize(
    ("amount", "scale", "rate", "tiyn"),
    [
        pytest.param(1_000_000, 6, "512.3", 51_230, id="one USDT"),
        pytest.param(1, 6, "512.3", 0, id="a millionth: 0.05 tiyn"),
        pytest.param(1, 0, "0.005", 1, id="exactly half goes up"),
        pytest.param(1, 0, "0.00499999", 0, id="just under half goes down"),
        pytest.param(3, 0, "0.005", 2, id="one and a half goes up to two"),
        pytest.param(129_000, 2, "1", 129_000, id="tenge itself"),
        pytest.param(0, 6, "512.3", 0, id="nothing"),
    ],
)
def test_a_value_is_rounded_half_up(amount: int, scale: int, rate: str, tiyn: int) -> None:
    assert value_in_tenge(amount, scale, Rate.parse(rate)) == tiyn


@pytest.mark.parametrize(
    ("tiyn", "scale", "rate", "amount"),
    [
        pytest.param(51_230, 6, "512.3", 1_000_000, id="one USDT to the digit"),
        pytest.param(51_231, 6, "512.3", 1_000_020, id="a tiyn more: 19.52 more, so 20"),
        pytest.param(1, 0, "512.3", 1, id="a tiyn costs a whole unit of scale 0"),
        pytest.param(0, 6, "512.3", 0, id="nothing"),
    ],
)
def test_what_is_owed_is_rounded_up(tiyn: int, scale: int, rate: str, amount: int) -> None:
    assert amount_for(tiyn, scale, Rate.parse(rate)) == amount


def exact_value(amount: int, scale: int, rate: Rate) -> Fraction:
    return Fraction(amount, 10**scale) * Fraction(rate.e8, 10**8) * 100


@given(amounts, scales, rates)
def test_a_value_is_nearest_to_the_exact_one(amount: int, scale: int, rate: Rate) -> None:
    exact = exact_value(amount, scale, rate)
    expected = (exact + Fraction(1, 2)).__floor__()
    if expected >= AMOUNT_LIMIT:
        assert code_of(lambda: value_in_tenge(amount, scale, rate)) == "amount.range"
    else:
        assert value_in_tenge(amount, scale, rate) == expected


@given(amounts, scales, rates)
def test_a_payer_never_underpays_and_never_by_a_unit_too_much(
    value: int, scale: int, rate: Rate
) -> None:
    try:
        amount = amount_for(value, scale, rate)
    except Malformed:
        assert exact_value(AMOUNT_LIMIT - 1, scale, rate) < value
        return
    assert exact_value(amount, scale, rate) >= value
    assert amount == 0 or exact_value(amount - 1, scale, rate) < value
    if exact_value(amount, scale, rate) < AMOUNT_LIMIT - 1:
        assert value_in_tenge(amount, scale, rate) >= value


def test_an_asset_of_a_finer_scale_is_a_mistake_of_ours() -> None:
    with pytest.raises(AssertionError, match="not 9"):
        parse_amount("1", 9)
