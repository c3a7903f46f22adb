"""What the HTTP API says of proposals. Conventions are those of `sandbox_api.wire`."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from sandbox_api.wire import IdText, Index, KidText, TransactionText


class ProposalBody(msgspec.Struct, frozen=True):
    """What several keys of a party must agree to. `kind` and `payload` are what is to be done;
    `approvals` the kids of the keys that agree, the proposer's first; `agreed` how many of them are
    still in use; `needed` how many the rule pack now in force asks for. `status`: `open`, `done`,
    `withdrawn` or `expired`; `ends_at` (ms UTC) is null unless it is open. `transaction` proposed
    it; `written` is the entry that changed it last: of one that is done, the entry that did it."""

    id: IdText
    party: IdText
    kind: str
    status: str
    payload: dict[str, Any]
    approvals: tuple[KidText, ...]
    agreed: int
    needed: Annotated[int, Meta(ge=2)]
    ends_at: int | None
    transaction: TransactionText
    written: Index


class ProposalsBody(msgspec.Struct, frozen=True):
    """A page of a party's open proposals; `next` is the next page's `after`, null at the end."""

    proposals: tuple[ProposalBody, ...]
    next: IdText | None
