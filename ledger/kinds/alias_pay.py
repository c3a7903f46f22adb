"""alias_pay/1: move money from one's own account to the one that an alias names when it is decided.

A one-time alias is spent by the same entry, so of two payments to it exactly one passes.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from ledger.core.alias import BANK, ONE_TIME, Alias
from ledger.core.decision import Code, Refused, refused
from ledger.core.ids import unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import body_of
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.alias import Commitment, active_alias, ended
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    account_needs,
    amount_in,
    id_of,
    movement_between,
    own_account,
    payload_of,
    receiving_account,
)


class PayAlias(Payload, frozen=True, forbid_unknown_fields=True, tag="alias_pay/1"):
    """`amount`, in the asset of both accounts, to whom `alias` (the commitment) names."""

    from_: Id = msgspec.field(name="from")
    alias: Commitment
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, PayAlias)
    need: Need = ("object", "alias", unb64(payload.alias, 32))
    yield need
    yield from account_needs(known, id_of(payload.from_))
    alias: Any = known.values.get(need)
    if alias is not None:
        yield from account_needs(known, id_of(alias.body.account))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, PayAlias)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    found = known.object("alias", unb64(payload.alias, 32))
    alias = active_alias(found, payload.alias, KIND.name)
    terms = body_of(alias, Alias)
    target = receiving_account(known, id_of(terms.account), KIND.name, "alias")
    amount = amount_in(known, source, payload.amount, KIND.name)
    movement = movement_between(known, source, target, amount, "transfer")
    banks = movement.source_party.registrar, movement.target_party.registrar
    if terms.form == BANK and banks[0] != banks[1]:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="alias")
    spent = (ended(alias, "spent"),) if terms.form == ONE_TIME else ()
    return Plan(movements=(movement,), objects=spent, facts={"alias": payload.alias})


KIND = Kind(PayAlias, ANYONE, _plan, _needs)
