"""The counter catalogue: running sums kept from entry 0 whichever pack is in force.

Days and months are Kazakhstan's (UTC+5 without daylight saving since 1 March 2024), fixed for the
ledger's life, so that what a cap reads never depends on a pack. Values are tiyn of the value in
tenge that the movement's facts fixed, where nothing else is said; a movement without a value in
tenge counts 0. A sum stops at `COUNTER_MAX`: whoever moves the same quadrillions to and fro is over
every cap anyway.
"""

from __future__ import annotations

from functools import lru_cache

DAY_MS = 86_400_000
LOCAL_OFFSET_MS = 5 * 3_600_000

OUT_DAY = "out.day"
"""By paying party, asset class and local day: value paid out to other parties."""
OUT_MONTH = "out.month"
"""The same by local month."""
IN_DAY = "in.day"
"""By receiving party, asset class and local day: value received from other parties."""
TENDER_DAY = "tender.day"
"""By paying party and local day, all classes together: value of direct payments in crypto."""
ZONE_DAY = "zone.day"
"""By zone and local day: value of direct payments in crypto at its terminals."""
CONSENT_DAY = "consent.day"
"""By consent and local day: minor units that its service has paid, in the account's asset."""
ASKS_OPEN = "asks.open"
"""By payer and payee (id as text): requests to pay that wait for an answer, a number."""
MARK_ALLOCATED = "mark.allocated"
"""By mark: minor units allocated to it from its budget."""
MARK_PAID = "mark.paid"
"""By mark: minor units that final payees have had of it, refunds taken off."""
MARK_RETURNED = "mark.returned"
"""By mark: minor units that returned to its budget."""
MARK_PAYEE = "mark.payee"
"""By mark and payee (party id as text): minor units paid or reserved, by its children too."""
MARK_CONFIRMED = "mark.confirmed"
"""By mark and condition of a payee (`core.mark`): minor units that oracles have confirmed."""
VAT_OUTPUT = "vat.output"
"""By taxpayer: tiyn of VAT in what it sold, refunds taken off."""
VAT_INPUT = "vat.input"
"""By taxpayer: tiyn of VAT in invoices that it paid, refunds taken off."""
VAT_CREDIT = "vat.credit"
"""By taxpayer: tiyn of VAT that it paid with other money than its VAT account's, and has not had
back."""
VAT_PAID = "vat.paid"
"""By taxpayer: tiyn of VAT paid to the budget, what it gave back taken off."""
VAT_ZERO = "vat.zero"
"""By taxpayer: tiyn of its sales at a rate of 0, refunds taken off."""
VAT_CLAIMED = "vat.claimed"
"""By taxpayer: tiyn of VAT that it claims or has claimed back, without what was denied."""
ISSUED = "issued"
"""By asset code: minor units ever issued."""
REDEEMED = "redeemed"
"""By asset code: minor units ever redeemed."""


COUNTER_MAX = 2**63 - 1
"""No counter goes higher; there it stays."""


def add(sum: int, by: int) -> int:
    """The counter after one more. `by` is negative where what was counted did not come about; short
    of `COUNTER_MAX` the order of parts makes no difference."""
    total = sum + by
    return total if total <= COUNTER_MAX else COUNTER_MAX


def local_day(at: int) -> int:
    """Number of the local day since 1 January 1970 that holds the time `at` (ms UTC)."""
    return (at + LOCAL_OFFSET_MS) // DAY_MS


def next_midnight(at: int) -> int:
    """ms UTC of the first local midnight after `at`."""
    return (local_day(at) + 1) * DAY_MS - LOCAL_OFFSET_MS


def local_month(at: int) -> int:
    """Number of the local month that holds `at`: year * 12 + month - 1."""
    return _month_of(local_day(at))


@lru_cache(maxsize=64)
def _month_of(day: int) -> int:
    year, month = _year_month(day)
    return year * 12 + month - 1


def _year_month(day: int) -> tuple[int, int]:
    """Year and month of a day number, proleptic Gregorian, in integers only."""
    shifted = day + 719_468
    era = shifted // 146_097
    of_era = shifted - era * 146_097
    year_of_era = (of_era - of_era // 1460 + of_era // 36_524 - of_era // 146_096) // 365
    day_of_year = of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted_month = (5 * day_of_year + 2) // 153
    month = shifted_month + 3 if shifted_month < 10 else shifted_month - 9
    return year_of_era + era * 400 + (1 if month <= 2 else 0), month
