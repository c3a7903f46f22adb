"""Consents: what a person lets a service do with one of their accounts, until it ends.

A consent is no money and no account: what a service starts within it moves from the person's own
account under the rules that bind the person.
"""

from __future__ import annotations

import msgspec

PAY = "pay"
"""Scope: pay anybody."""
PAY_MERCHANT = "pay_merchant"
"""Scope: pay merchants."""
SWEEP = "sweep"
"""Scope: move money to other accounts of the same person."""


class Consent(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `consent`, owned by the person who gave it.

    `service` (a party) and `account` are ids in base64url, `scopes` of the list above. Caps are
    minor units of the account's asset: `cap_payment` for one payment, `cap_day` for one local day,
    each itself inside. Status: `active`, `revoked`, `expired`. Its due time is when it expires.
    Look-ups: `account` and `service`, also after its end.
    """

    service: str
    account: str
    scopes: tuple[str, ...]
    cap_payment: int
    cap_day: int
