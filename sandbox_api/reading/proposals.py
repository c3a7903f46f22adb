"""Proposals as they are told: what waits for further keys, who agreed, how many must (D2).

A party's open proposals are found by a look-up row, page by page; nothing is scanned. One whose
time is over stands here until the writer's next batch ends it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from ledger.core.ids import TransactionId, b64, unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.party import Party, Role
from ledger.core.proposal import Proposal
from ledger.decide import keys_agreed, keys_to_agree
from ledger.kinds.propose import OPEN
from ledger.rules.pack import Row, pack_in_force
from ledger.store.reader import Snapshot
from sandbox_api.limits import PAGE_BYTES_MAX, PAYLOADS_READ
from sandbox_api.reading.known import object_of, page_of, read_with
from sandbox_api.wire_proposals import ProposalBody, ProposalsBody

PROPOSAL: Final = "proposal"
"""The type of object."""


def proposal(view: Snapshot, id: bytes, at: int) -> ProposalBody | None:
    """A proposal by its id, whatever became of it; None where there is none."""
    found = object_of(view, PROPOSAL, id)
    return None if found is None else _bodies(view, (found,), at)[0]


def open_proposals(
    view: Snapshot, party: bytes, after: bytes, limit: int, at: int
) -> ProposalsBody:
    """A page of what a party's keys have before them, oldest `not_after` first. It ends early where
    its payloads would come to more than `PAGE_BYTES_MAX`, and no more of them are read."""
    page: list[Object] = []
    room = PAGE_BYTES_MAX
    while True:
        count = min(PAYLOADS_READ, limit - len(page))
        found, more = page_of(view, PROPOSAL, OPEN, party, after, count)
        for one in found:
            room -= len(body_of(one, Proposal).payload)
            if page and room < 0:
                return ProposalsBody(_bodies(view, page, at), b64(page[-1].key))
            page.append(one)
        if more is None or len(page) == limit:
            return ProposalsBody(_bodies(view, page, at), more)
        after = page[-1].key


def _bodies(view: Snapshot, found: Sequence[Object], at: int) -> tuple[ProposalBody, ...]:
    """All of them with one prefetch of their keys. `at`: for the rules then in force."""

    def needs(known: Known) -> Iterator[Need]:
        for one in found:
            yield ("object", "party", one.owner)
            for kid in body_of(one, Proposal).approvals:
                yield ("object", "key", unb64(kid, 32))

    def told(known: Known) -> tuple[ProposalBody, ...]:
        rows = pack_in_force(known).in_force(at)
        return tuple(_body(one, known, rows) for one in found)

    return read_with(view, told, needs)


def _body(found: Object, known: Known, rows: tuple[Row, ...]) -> ProposalBody:
    body = body_of(found, Proposal)
    return ProposalBody(
        id=b64(found.key),
        party=b64(found.owner),
        kind=body.kind,
        status=found.status,
        payload=msgspec.json.decode(body.payload),
        approvals=body.approvals,
        agreed=keys_agreed(body, known),
        needed=keys_to_agree(body.kind, _role_of(found, known), rows),
        ends_at=found.due,
        transaction=str(TransactionId(body.not_after, unb64(body.digest, 32))),
        written=found.written,
    )


def _role_of(proposal: Object, known: Known) -> Role:
    """The role of the party whose keys must agree."""
    party = known.body("party", proposal.owner, Party)
    if party is None:
        raise AssertionError(f"proposal {b64(proposal.key)} belongs to no party")
    return party.role
