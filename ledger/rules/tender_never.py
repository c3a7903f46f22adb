"""tender_never/1: security tokens and titles are never a tender, inside a zone or out."""

from __future__ import annotations

import msgspec

from ledger.core.asset import NEVER_TENDER_CLASSES, AssetClass
from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`classes`: asset classes beside those that can never be one in any pack."""

    classes: tuple[AssetClass, ...] = ()


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a tender of such a class wherever it is made."""
    class_ = case.movement.asset.class_
    if not case.tender or (class_ not in NEVER_TENDER_CLASSES and class_ not in parameters.classes):
        return None
    asset = case.movement.asset.code
    return Finding(Code.TENDER_NEVER, {"asset": asset, "class": class_.value})


RULE = Rule("tender_never/1", Parameters, check)
