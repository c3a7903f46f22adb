"""Amounts and rates: decimal strings on the wire, whole minor units inside (D2), never a float.

Pure. An amount has exactly as many fraction digits as its asset's scale ("1290.00" for tenge,
scale 2); inside it is an `int` of minor units, 0 <= n < 2**63. Nothing is rounded on reading: what
has another form is refused. A rate is tenge for one whole unit of an asset; rounding happens only
where value and amount are turned into each other, and each function says which way.
"""

from __future__ import annotations

import re
from functools import lru_cache

import msgspec

from ledger.errors import Malformed

AMOUNT_LIMIT = 1 << 63
"""Amounts in minor units are below this."""

SCALE_MAX = 8
"""No asset has more fraction digits."""

TENGE_SCALE = 2
"""A tenge is 100 tiyn."""

RATE_DIGITS = 8
"""A rate has at most so many fraction digits."""

_RATE = re.compile(r"(0|[1-9][0-9]{0,9})(?:\.([0-9]{0,7}[1-9]))?")


def parse_amount(text: str, scale: int, *, zero: bool = False) -> int:
    """Minor units that `text` means for an asset of `scale`; zero only where `zero` allows it.

    Raises `Malformed`: "amount.form" (another spelling), "amount.zero", "amount.range".
    """
    if not isinstance(text, str) or _form(scale).fullmatch(text) is None:
        raise Malformed("amount.form", f"write the amount as in {_example(scale)}: {_words(scale)}")
    # The largest amount has 19 digits; `int` never sees many more.
    units = int(text.replace(".", "", 1)) if len(text) <= 20 else AMOUNT_LIMIT
    if units >= AMOUNT_LIMIT:
        raise Malformed(
            "amount.range", f"the largest amount is {format_amount(AMOUNT_LIMIT - 1, scale)}"
        )
    if units == 0 and not zero:
        raise Malformed("amount.zero", "the amount must be above zero")
    return units


def format_amount(units: int, scale: int) -> str:
    """The wire form of `units` minor units; issue accounts run below zero, so a sign is allowed."""
    sign = "-" if units < 0 else ""
    digits = str(abs(units)).rjust(scale + 1, "0")
    return f"{sign}{digits[:-scale]}.{digits[-scale:]}" if scale else sign + digits


class Rate(msgspec.Struct, frozen=True):
    """Tenge for one whole unit of an asset, above zero; `e8` counts hundred-millionths of a tenge.

    On the wire it is a decimal string with at most 8 fraction digits, none of them a trailing
    zero ("512.3"), and at most 10 digits before the point.
    """

    e8: int

    def __str__(self) -> str:
        whole, part = divmod(self.e8, 10**RATE_DIGITS)
        return f"{whole}.{part:0{RATE_DIGITS}}".rstrip("0").rstrip(".")

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read the wire form; raises `Malformed` ("rate.form", "rate.zero")."""
        found = _RATE.fullmatch(text) if isinstance(text, str) else None
        if found is None:
            raise Malformed(
                "rate.form",
                'write the rate as in "512.3": up to 10 digits, then at most 8 after a point,'
                " no trailing zero, no sign",
            )
        e8 = int(found[1]) * 10**RATE_DIGITS + int((found[2] or "").ljust(RATE_DIGITS, "0"))
        if e8 == 0:
            raise Malformed("rate.zero", "a rate must be above zero")
        return cls(e8)


def value_in_tenge(amount: int, scale: int, rate: Rate) -> int:
    """What `amount` minor units are worth, in tiyn, rounded to the nearest; half goes up.

    Raises `Malformed("amount.range")` where the value would not be an amount.
    """
    unit = _unit(scale)
    return _in_range((2 * amount * rate.e8 + unit) // (2 * unit))


def amount_for(value: int, scale: int, rate: Rate) -> int:
    """The least minor units whose exact value is at least `value` tiyn: rounded up.

    A payer never underpays: `value_in_tenge` of the answer is at least `value`. Raises
    `Malformed("amount.range")` where the answer would not be an amount.
    """
    return _in_range(-(-value * _unit(scale) // rate.e8))


def _unit(scale: int) -> int:
    """Minor units times `e8`, over this, are tiyn."""
    unit: int = 10 ** (scale + RATE_DIGITS - TENGE_SCALE)
    return unit


def _in_range(units: int) -> int:
    if not 0 <= units < AMOUNT_LIMIT:
        raise Malformed("amount.range", "at this rate the amount leaves 0 to 2**63 - 1 minor units")
    return units


@lru_cache(maxsize=SCALE_MAX + 1)
def _form(scale: int) -> re.Pattern[str]:
    if not 0 <= scale <= SCALE_MAX:
        raise AssertionError(f"an asset's scale is 0 to {SCALE_MAX}, not {scale}")
    fraction = rf"\.[0-9]{{{scale}}}" if scale else ""
    return re.compile(rf"(?:0|[1-9][0-9]*){fraction}")


def _example(scale: int) -> str:
    return '"' + format_amount(1290 * 10**scale, scale) + '"'


def _words(scale: int) -> str:
    digits = f"exactly {scale} digits after the point" if scale else "no point"
    return f"{digits}, no sign, no leading zeros, a string"
