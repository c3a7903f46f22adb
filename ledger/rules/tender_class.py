"""tender_class/1: only the listed asset classes may be a direct tender inside a zone."""

from __future__ import annotations

import msgspec

from ledger.core.asset import NEVER_TENDER_CLASSES, AssetClass
from ledger.core.decision import Code
from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`classes`: asset classes admitted as a direct tender."""

    classes: tuple[AssetClass, ...]


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Refuse a class that is not admitted; what is never a tender is `tender_never`'s business."""
    asset = case.movement.asset
    if not case.tender or asset.class_ in NEVER_TENDER_CLASSES:
        return None
    if asset.class_ in parameters.classes:
        return None
    admitted = [class_.value for class_ in parameters.classes]
    return Finding(
        Code.ASSET_CLASS_NOT_ADMITTED,
        {"asset": asset.code, "class": asset.class_.value, "admitted": admitted},
    )


RULE = Rule("tender_class/1", Parameters, check)
