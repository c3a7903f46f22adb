"""What is asked of somebody: a payee's signed request to pay, which the payer answers or time ends.

A till's request (`core.transaction.Request`) is another thing: it stands in a place and is embedded
by who pays it. An ask is on the ledger from the moment it is made.
"""

from __future__ import annotations

import msgspec


class Ask(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `ask`, owned by the party that asks.

    `payer`: the party that is asked; `account`: the account of it that was named, or "". `payee`:
    the account to be paid; `amount` in minor units of its asset. `paid_by`: the account that paid,
    or "". Status: `open`, `paid`, `declined`, `withdrawn`, `expired`; its due time is when it
    expires. A payment of the same key remembers what was paid, so that it can be refunded.

    Look-ups: `payer` (the party) while it is open, `payee` (the party that asks) for ever.
    """

    payer: str
    account: str
    payee: str
    amount: int
    reference: str
    paid_by: str = ""
