"""PURE: where VAT-marked money may go, for the guard over marks (`ledger.marks`).

To a taxpayer's VAT account as the VAT part of a payment; from it as the VAT part of another
taxpayer's invoice, to the budget, or back to whoever paid it when a sale is refunded. Nothing else.
"""

from __future__ import annotations

from ledger.core.account import Account, AccountKind
from ledger.core.ids import b64
from ledger.core.needs import Known
from ledger.core.objects import body_of
from ledger.core.payment import Payment
from ledger.core.plan import Movement, Plan
from ledger.core.vat import VAT, Taxpayer, VatPart
from ledger.kinds.kind import arrival, id_of, named_account
from ledger.kinds.marked import home_of
from ledger.kinds.taxed import VAT_PART
from ledger.kinds.vat_pay import VAT_PAY


def may_move(movement: Movement, plan: Plan, known: Known) -> bool:
    """Whether a movement from or to a VAT account is one of those that there are."""
    source, target = movement.source, movement.target
    if AccountKind.HELD in (source.kind, target.kind) and source.owner == target.owner:
        return source.mark == target.mark
    if movement.purpose == VAT_PART:
        return _is_vat_account(target, known)
    if movement.purpose == VAT_PAY:
        taxpayer = _taxpayer(source, known)
        return taxpayer is not None and _is(target, taxpayer.budget, known)
    return movement.purpose == "refund" and _gives_back(movement, plan, known)


def _taxpayer(account: Account, known: Known) -> Taxpayer | None:
    found = known.object("taxpayer", account.owner)
    return None if found is None else body_of(found, Taxpayer)


def _is_vat_account(account: Account, known: Known) -> bool:
    """Whether this is its owner's VAT account, or what is held beside it."""
    taxpayer = _taxpayer(account, known)
    return taxpayer is not None and account.mark == VAT and _is(account, taxpayer.account, known)


def _is(account: Account, named: str, known: Known) -> bool:
    """Whether this is the named account, or where its money arrives while it is frozen."""
    wanted = named_account(known, id_of(named))
    return account.id in (wanted.id, arrival(known, wanted).id)


def _gives_back(movement: Movement, plan: Plan, known: Known) -> bool:
    """Whether VAT goes back to where the refunded payment took it from, and no more of it than the
    refund gives back."""
    made = {object_.type: object_ for object_ in plan.objects}
    if "vat_part" not in made or "payment" not in made:
        return False
    part, payment = body_of(made["vat_part"], VatPart), body_of(made["payment"], Payment)
    before = known.body("vat_part", made["vat_part"].key, VatPart)
    touching = (m.amount for m in plan.movements if VAT in (m.source.mark, m.target.mark))
    if before is None or sum(touching) > part.back - before.back:
        return False
    if b64(movement.source.owner) != part.seller:
        return False
    if part.from_vat:
        return _is(movement.target, part.from_vat, known)
    payer = named_account(known, id_of(payment.payer))
    if payer.mark:
        return _is(movement.target, b64(home_of(known, payer)[1].id), known)
    return movement.target.owner == payer.owner and movement.target.mark != VAT
