"""Claims of VAT as their kinds see them: what ends one, and what it names. No kind itself."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from ledger.core import counters
from ledger.core.ids import b64
from ledger.core.needs import Known, Need
from ledger.core.objects import Object, body_of
from ledger.core.plan import Plan
from ledger.core.vat import Claim
from ledger.kinds.kind import account_needs, id_of
from ledger.kinds.taxed import taxpayer_needs


def closed(claim: Object, status: str) -> Object:
    """The claim when it is over: the account that it would be paid to may close."""
    lookups = (("taxpayer", claim.owner),)
    return structs.replace(claim, status=status, due=None, lookups=lookups)


def denied(object_: Object, known: Known) -> Plan:
    """The claim is denied; its payments may be claimed again."""
    claim = body_of(object_, Claim)
    parts = tuple(structs.replace(part, status="paid") for part in parts_of(known, claim))
    return Plan(
        objects=(closed(object_, "denied"), *parts),
        counts=((counters.VAT_CLAIMED, 0, object_.owner, "", -claim.amount),),
        facts={"claim": b64(object_.key)},
    )


def parts_of(known: Known, claim: Claim) -> Iterator[Object]:
    """The VAT parts that a claim names."""
    for payment in claim.payments:
        part = known.object("vat_part", id_of(payment))
        if part is None:
            raise AssertionError(f"a claim names payment {payment}, which has no VAT")
        yield part


def claim_needs(object_: Object, known: Known) -> Iterator[Need]:
    """Needs of what ends a claim."""
    claim = body_of(object_, Claim)
    yield from taxpayer_needs(known, object_.owner)
    yield from account_needs(known, id_of(claim.to))
    yield ("counter", counters.VAT_ZERO, 0, object_.owner, "")
    yield ("counter", counters.VAT_CLAIMED, 0, object_.owner, "")
    for payment in claim.payments:
        yield ("object", "vat_part", id_of(payment))
