"""What the ledger remembers of purses and of payments made with them offline.

The money is the balance of the account with the purse's own id (kind `purse`); nothing here repeats
it. Each source of a purse (all its loads together, each payment received) has its own account: what
it is worth, what was claimed of it, what was paid out.
"""

from __future__ import annotations

import msgspec


class Purse(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `purse`, owned by whose money it is; its key is the account's id.
    Due when it closes.

    `device`: the device's public key. `bank`: the party that certifies it. `home`: the wallet that
    it is emptied into; `covers`: the bank's wallet that losses are paid from. Ids and keys as text.
    `bearer`: `issuing_bank` or `payee`. Maxima and sums in minor units; a payment is good if made
    before `ends_at` (ms UTC). `loaded`: all that was ever loaded; `claimed`: what settled payments
    claimed of it; `used`: what they were paid of it. `covered`: what the bank paid for this device.
    Status: `open`, `frozen` (its device contradicted itself, or is lost), `closed`.
    """

    device: str
    bank: str
    home: str
    covers: str
    bearer: str
    payment_max: int
    purse_max: int
    hops: int
    ends_at: int
    loaded: int = 0
    claimed: int = 0
    used: int = 0
    covered: int = 0


class Settled(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `purse_payment`, owned by whose money it was; its key is the
    payment's id (32 bytes).

    `purse`, `payee`: accounts as text; `previous` and `source`: what the device named, as text.
    `amount`: what the payment says; `paid`: what the payee got; `claimed` and `used`: of that, as a
    source, as in `Purse`. Status: `paid`, `covered` (the bank paid a part or all), `short`.
    """

    purse: str
    payee: str
    counter: int
    previous: str
    source: str
    amount: int
    paid: int
    claimed: int = 0
    used: int = 0
