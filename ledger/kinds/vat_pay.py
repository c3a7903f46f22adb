"""vat_pay/1: pay VAT to the budget, from the taxpayer's own VAT account."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from ledger.core import counters
from ledger.core.amount import parse_amount
from ledger.core.decision import Refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Plan
from ledger.core.transaction import AmountText, Id, Payload, Signer, Transaction
from ledger.kinds.kind import (
    ANYONE,
    Kind,
    account_needs,
    arrival,
    asset_of,
    id_of,
    movement_between,
    named_account,
    own_account,
    payload_of,
)
from ledger.kinds.taxed import check_party, taxpayer_needs, taxpayer_of

VAT_PAY = "vat_pay"
"""Purpose of the movement."""


class PayVat(Payload, frozen=True, forbid_unknown_fields=True, tag="vat_pay/1"):
    """`amount` from the signer's VAT account to the budget it is registered for."""

    from_: Id = msgspec.field(name="from")
    amount: AmountText


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    id = id_of(payload_of(tx, PayVat).from_)
    yield from account_needs(known, id)
    account = known.values.get(("account", id))
    if account is not None:
        yield from taxpayer_needs(known, account.owner)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, PayVat)
    source = own_account(known, id_of(payload.from_), signer, KIND.name)
    check_party(known, source, signer.id, KIND.name, "from")
    budget = named_account(known, id_of(taxpayer_of(known, signer.id, KIND.name).budget))
    amount = parse_amount(payload.amount, asset_of(known, source.asset, KIND.name).scale)
    return Plan(
        movements=(movement_between(known, source, arrival(known, budget), amount, VAT_PAY),),
        counts=((counters.VAT_PAID, 0, signer.id, "", amount),),
    )


KIND = Kind(PayVat, ANYONE, _plan, _needs)
