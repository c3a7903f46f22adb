"""A rule for sharing, worked out for one amount: whole tiyn, which together are the amount."""

from __future__ import annotations

from ledger.core.amount import TENGE_SCALE, format_amount
from sandbox_api.programme.form import Split, tiyn
from sandbox_api.programme.lint import WHOLE


def shared(split: Split, amount: str) -> dict[str, str] | None:
    """What each payee gets of an amount of tenge, in the order of the file; None where it is too
    small for everybody to get something."""
    total = tiyn(amount)
    rest = total - sum(tiyn(one) for _, one in split.fixed)
    found = {payee: tiyn(one) for payee, one in split.fixed}
    for payee, percent in split.shares:
        found[payee] = _rounded(rest * percent, split.rounding)
    if split.remainder is None:
        raise AssertionError(f"{split.name} says not who is paid what is left")
    found[split.remainder] += total - sum(found.values())
    if min(found.values()) <= 0:
        return None
    return {payee: format_amount(one, TENGE_SCALE) for payee, one in found.items()}


def _rounded(hundredths: int, rounding: str | None) -> int:
    """Hundredths of a tiyn as whole tiyn: `down`, or to the nearest, where half goes `half_up` or
    to the even one, `half_even`."""
    whole, part = divmod(hundredths, WHOLE)
    if rounding == "down" or 2 * part < WHOLE:
        return whole
    if 2 * part > WHOLE or rounding == "half_up":
        return whole + 1
    return whole + whole % 2
