"""alias_drop/1: an alias names its account no more, from this entry on. Its commitment is never
used again: whoever takes the number next is bound under another salt.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Refused
from ledger.core.ids import unb64
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import Payload, Signer, Transaction
from ledger.kinds.alias import SIGNERS, Commitment, active_alias, ended
from ledger.kinds.kind import Kind, is_registrar, payload_of


class DropAlias(Payload, frozen=True, forbid_unknown_fields=True, tag="alias_drop/1"):
    """`alias`: the commitment."""

    alias: Commitment


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    need: Need = ("object", "alias", unb64(payload_of(tx, DropAlias).alias, 32))
    yield need
    alias = known.values.get(need)
    if alias is not None:
        yield ("object", "party", alias.owner)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    text = payload_of(tx, DropAlias).alias
    found = known.object("alias", unb64(text, 32))
    theirs = found is not None and (
        found.owner == signer.id or is_registrar(known, found.owner, signer)
    )
    alias = active_alias(found if theirs else None, text, KIND.name)
    return Plan(objects=(ended(alias, "dropped"),), facts={"alias": text})


KIND = Kind(DropAlias, SIGNERS, _plan, _needs)
