"""freeze/1: freeze an account by an order of a court or of the financial monitoring agency.

It pays nobody from then on. What arrives for it is accepted or held as the pack in force now says;
where it is held, the account it waits on is opened here, or the one of an earlier freeze serves.
"""

from __future__ import annotations

from collections.abc import Iterator

from ledger.core.account import AccountKind
from ledger.core.decision import Code, Refused, refused
from ledger.core.freeze import FROZEN, Freeze, Policy
from ledger.core.ids import b64, derive_key
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.party import Role
from ledger.core.plan import Facts, Opening, Plan
from ledger.core.transaction import Id, Label, Payload, Signer, Transaction
from ledger.kinds.kind import Kind, account_needs, id_of, payload_of, wallet
from ledger.rules import frozen_income
from ledger.rules.pack import pack_in_force, parameters_in


class FreezeAccount(Payload, frozen=True, forbid_unknown_fields=True, tag="freeze/1"):
    """`order`: the order's reference, nothing that names a person."""

    account: Id
    order: Label


def _needs(tx: Transaction, known: Known) -> Iterator[Need]:
    id = id_of(payload_of(tx, FreezeAccount).account)
    yield from account_needs(known, id)
    yield ("object", "freeze", id)
    yield ("account", derive_key(tx.id, "held"))


def _plan(tx: Transaction, signer: Signer, known: Known, at: int) -> Plan | Refused:
    payload = payload_of(tx, FreezeAccount)
    account = wallet(known, id_of(payload.account), KIND.name, "account")
    if account.status != "open":
        return refused(Code.STATUS_CONFLICT, KIND.name, status=account.status)
    before = known.object("freeze", account.id)
    held = None if before is None else body_of(before, Freeze).held
    policy = policy_in_force(known, at)
    openings: tuple[Opening, ...] = ()
    if policy is Policy.HOLD and held is None:
        id = derive_key(tx.id, "held")
        if known.account(id) is not None:
            return refused(Code.ALREADY_REGISTERED, KIND.name)
        openings = (Opening(id, account.owner, account.asset, AccountKind.HELD, account.mark),)
        held = b64(id)
    facts: Facts = {"policy": policy.value}
    if policy is Policy.HOLD and held is not None:
        facts["held"] = held
    body = Freeze(payload.order, policy, held)
    lookups = () if held is None else (("held", id_of(held)),)
    return Plan(
        openings=openings,
        objects=(Object("freeze", account.id, signer.id, FROZEN, None, body, lookups, 0),),
        statuses=((account.id, FROZEN),),
        facts=facts,
    )


def policy_in_force(known: Known, at: int) -> Policy:
    """What the pack in force says of money that arrives for an account frozen now."""
    rows = pack_in_force(known).in_force(at)
    parameters = parameters_in(rows, frozen_income.Parameters)
    return Policy.ACCEPT if parameters is None else parameters.policy


KIND = Kind(FreezeAccount, frozenset({Role.SUPERVISOR}), _plan, _needs)
