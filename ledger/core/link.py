"""Links between a client's wallet of digital tenge and its bank deposit, and daily sweeps."""

from __future__ import annotations

import msgspec


class Link(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `link`, owned by the bank; its key is the wallet's id (16 bytes).

    `deposit`, `settlement`, `issue`: ids (base64url) of the client's deposit account, of the bank's
    own wallet that tenge comes from and goes to, and of the deposit's issue account. `asset` is the
    deposit's code. `reverse`: a payment may take from the deposit what the wallet lacks. Status:
    `active` or `unlinked`. Look-up `deposit`: by the deposit account.
    """

    deposit: str
    settlement: str
    issue: str
    asset: str
    reverse: bool


class Sweep(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `sweep`, owned by the wallet's owner; its key is the wallet's id.

    Each local midnight the wallet's whole balance goes to its linked deposit. Status: `on` or
    `off`; its due time is the next midnight. `by` is the party (base64url) that switched it last.
    """

    by: str
