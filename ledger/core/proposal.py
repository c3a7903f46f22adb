"""What is proposed and waits for the approvals of further keys (design D2)."""

from __future__ import annotations

import msgspec


class Proposal(msgspec.Struct, frozen=True, array_like=True):
    """Body of an object of type `proposal`, owned by the party that would do it.

    `payload`: the JSON text of what is to be done, of this `kind`; `not_after` and `digest` are the
    id of the transaction that proposed it; `approvals`: the kids (base64url) of the keys that
    agree, the proposer's first. Status: `open`, `done`, `withdrawn`, `expired`. Its due time is
    when it expires. While it is open a look-up `open` leads to it from its owner. `written` of a
    proposal that is done is the entry that did it.
    """

    kind: str
    payload: str
    not_after: int
    digest: str
    approvals: tuple[str, ...]
