"""terminal/1: certify a till: its public key, its merchant and its registered place.

Signed by the bank that registered the merchant. Rules read this place, never a phone's (D11).
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.decision import Code, Refused, refused
from ledger.core.geometry import Point, check_point
from ledger.core.ids import b64, thumbprint, unb64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object
from ledger.core.party import Role
from ledger.core.plan import Plan
from ledger.core.transaction import Id, Kid, Payload, Signer, Transaction
from ledger.core.zone import Terminal
from ledger.kinds.kind import Kind, id_of, party_need, party_of, payload_of
from ledger.kinds.party import is_registered, key_needs


class RegisterTerminal(Payload, frozen=True, forbid_unknown_fields=True, tag="terminal/1"):
    """`place`: [longitude, latitude] in 1e-7 degree. `key`: the till's public key, base64url."""

    merchant: Id
    key: Kid
    place: Point


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    payload = payload_of(tx, RegisterTerminal)
    yield party_need(payload.merchant)
    yield from key_needs(payload.key)


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, RegisterTerminal)
    check_point(payload.place)
    merchant = id_of(payload.merchant)
    party = party_of(known, merchant, KIND.name)
    if party.registrar != b64(signer.id):
        return refused(Code.NO_AUTHORITY, KIND.name, member="merchant")
    if party.role != Role.MERCHANT:
        return refused(Code.TARGET_NOT_ADMITTED, KIND.name, member="merchant")
    if is_registered(known, payload.key):
        return refused(Code.ALREADY_REGISTERED, KIND.name, member="key")
    terminal = Object(
        "terminal", thumbprint(unb64(payload.key, 32)), merchant, "active", None,
        Terminal(payload.key, payload.place), (), 0,
    )  # fmt: skip
    return Plan(objects=(terminal,))


KIND = Kind(
    RegisterTerminal,
    frozenset({Role.BANK}),
    _plan,
    _needs,
    keys=lambda payload: (payload.key,) if isinstance(payload, RegisterTerminal) else (),
)
