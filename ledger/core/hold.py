"""What the ledger remembers of a hold: money of a payer, reserved for one payee until it ends.

The money itself is the balance of the account with the hold's own id (kind `hold`, owned by the
payer); nothing here repeats it.
"""

from __future__ import annotations

import msgspec


class Hold(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `hold`, owned by the payer. Its due time is when it ends.

    `payer` and `payee`: ids (base64url) of the wallets it came from and may go to. `amount`: minor
    units held at first; `captured`: of them, what the payee has taken. `value`: tiyn that `amount`
    was worth when it was held, None where no rate fixed it. `payment`: the id of the payment that
    captures make, where a till asked for the money. `day` and `zone`: the local day, and the
    deciding zone (base64url), for which `value` was counted as a direct payment in crypto; None
    where it was not counted. Status: `open`, `captured`, `void`, `expired`.
    """

    payer: str
    payee: str
    amount: int
    captured: int = 0
    value: int | None = None
    payment: str | None = None
    day: int | None = None
    zone: str | None = None


def worth(hold: Hold, amount: int) -> int:
    """Tiyn that the first `amount` minor units of the hold are worth, rounded down. A part is worth
    what it adds, so the parts of a whole are worth exactly what was held."""
    return amount * (hold.value or 0) // hold.amount
