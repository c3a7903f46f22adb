"""ask_withdraw/1: take an ask back. Any key of the party that made it signs."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Facts, Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.ask import ended, one_less, open_ask
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of


class WithdrawAsk(Payload, frozen=True, forbid_unknown_fields=True, tag="ask_withdraw/1"):
    """`ask`: its id."""

    ask: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "ask", id_of(payload_of(tx, WithdrawAsk).ask))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, WithdrawAsk)
    ask = open_ask(known, payload.ask, signer, KIND.name, by_payer=False)
    facts: Facts = {"ask": payload.ask}
    return Plan(objects=(ended(ask, "withdrawn"),), counts=(one_less(ask),), facts=facts)


KIND = Kind(WithdrawAsk, ANYONE, _plan, _needs)
