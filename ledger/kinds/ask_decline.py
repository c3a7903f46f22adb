"""ask_decline/1: say no to an ask. Any key of the party that is asked signs."""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Refused
from ledger.core.needs import Known, Need
from ledger.core.plan import Facts, Plan
from ledger.core.transaction import Id, Payload, Signer, Transaction
from ledger.kinds.ask import ended, one_less, open_ask
from ledger.kinds.kind import ANYONE, Kind, id_of, payload_of


class DeclineAsk(Payload, frozen=True, forbid_unknown_fields=True, tag="ask_decline/1"):
    """`ask`: its id."""

    ask: Id


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    yield ("object", "ask", id_of(payload_of(tx, DeclineAsk).ask))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, DeclineAsk)
    ask = open_ask(known, payload.ask, signer, KIND.name, by_payer=True)
    facts: Facts = {"ask": payload.ask}
    return Plan(objects=(ended(ask, "declined"),), counts=(one_less(ask),), facts=facts)


KIND = Kind(DeclineAsk, ANYONE, _plan, _needs)
