"""purse_block/1: freeze the purse on a device that is lost or stolen. Its owner signs, or its bank.

With the next notice no payee takes anything from it. What it paid before still comes in, and what
is left goes home when it closes: only its device could have taken it off sooner.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.plan import Plan
from ledger.core.purse import Purse
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of, require
from ledger.kinds.purses import frozen


class BlockPurse(Payload, frozen=True, forbid_unknown_fields=True, tag="purse_block/1"):
    """`purse`: its id."""

    purse: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "purse", id_of(payload_of(tx, BlockPurse).purse))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    id = payload_of(tx, BlockPurse).purse
    purse = known.object("purse", id_of(id))
    purse = require(purse, Code.PURSE_UNKNOWN, KIND.name, purse=id)
    if signer.id != purse.owner and b64(signer.id) != body_of(purse, Purse).bank:
        return refused(Code.NO_AUTHORITY, KIND.name, member="purse")
    if purse.status != "open":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=purse.status)
    return Plan(objects=(frozen(purse),), facts={"purse": id})


KIND = Kind(BlockPurse, ANYONE, _plan, _needs)
