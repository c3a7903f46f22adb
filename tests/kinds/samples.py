"""One good transaction of every kind, in a world where each of them passes: what refusals bend and
what vectors pin. A new kind without a sample fails the tests.
"""

from __future__ import annotations

from tests.builders import ALATAU, DAY, HOUR, World, pack_text, request_id
from tests.kinds.families import SAMPLES as OF_FAMILIES
from tests.kinds.pure import MORNING, public
from tests.kinds.sample import Sample
from tests.rules.till import Sale, sale_world


def sample_world() -> World:
    """A world in which the sample of every kind passes."""
    world = bare_world()
    for sample in SAMPLES.values():
        if sample.before is not None:
            sample.before(world)
    return world


def bare_world() -> World:
    """The world of sales, with a second zone that is suspended and ends in an hour, a zone that is
    over, and a sale to be refunded: pinned in `world.json`, so what later kinds need to find is in
    the `before` of their own samples."""
    world = sale_world()
    world.resting = world.draw(name="Resting", ends_at=MORNING + HOUR)
    world.do("afsa", "zone_suspend/1", zone=world.resting)
    world.over = world.draw(name="Over", ends_at=MORNING + 1)
    world.door.at = MORNING + 1
    return world


def _request(world: World) -> str:
    return Sale().request(world)


SAMPLES: dict[str, Sample] = {
    "party/1": Sample(
        "bank", lambda w: {"role": "person", "tier": 1, "key": public("newcomer")}, ("party",)
    ),
    "key/1": Sample(
        "aigul", lambda w: {"party": w.parties["aigul"], "key": public("second phone")}
    ),
    "tier/1": Sample("bank", lambda w: {"party": w.parties["daniyar"], "tier": 3}),
    "account/1": Sample(
        "bank", lambda w: {"owner": w.parties["guest"], "asset": "tDEED"}, ("account",)
    ),
    "asset/1": Sample(
        "afsa",
        lambda w: {"code": "tETH", "asset_class": "crypto", "scale": 8,
                   "issuer": w.parties["exchange"]},
        ("issue",),
    ),
    "pack/1": Sample("nbk", lambda w: {"text": pack_text() + "# once more\n"}),
    "rate/1": Sample("exchange", lambda w: {"asset": "tUSDT", "rate": "520.5"}, ("rate",)),
    "zone_draw/1": Sample("afsa", lambda w: {"terms": w.terms(name="New")}, ("zone",)),
    "zone_change/1": Sample(
        "afsa", lambda w: {"zone": w.zone, "terms": w.terms(cap_day="1000000.00")}
    ),
    "zone_suspend/1": Sample("afsa", lambda w: {"zone": w.zone}),
    "zone_resume/1": Sample("afsa", lambda w: {"zone": w.resting}),
    "permit/1": Sample(
        "afsa",
        lambda w: {"merchant": w.parties["market"], "zone": w.zone, "valid_from": MORNING,
                   "valid_until": MORNING + DAY},
        ("permit",),
    ),
    "permit_revoke/1": Sample("afsa", lambda w: {"permit": w.permit}),
    "terminal/1": Sample(
        "bank",
        lambda w: {"merchant": w.parties["cafe"], "key": public("till-cafe-2"),
                   "place": list(ALATAU)},
    ),
    "issue/1": Sample("nbk", lambda w: {"to": w.accounts["bank", "KZTD"], "amount": "1000.00"}),
    "redeem/1": Sample(
        "nbk", lambda w: {"from_": w.accounts["bank", "KZTD"], "amount": "1000.00"}
    ),
    "transfer/1": Sample(
        "aigul",
        lambda w: {"from_": w.accounts["aigul", "KZTD"], "to": w.accounts["daniyar", "KZTD"],
                   "amount": "1290.00"},
    ),
    "pay/1": Sample(
        "aigul",
        lambda w: {"from_": w.accounts["aigul", "tUSDT"], "request": _request(w)},
        ("payment",),
    ),
    "refund/1": Sample(
        "cafe",
        lambda w: {"payment": w.sales["tUSDT"], "from_": w.accounts["cafe", "tUSDT"],
                   "to": w.accounts["guest", "tUSDT"], "amount": "1.000000"},
    ),
    "clock/1": Sample("operator", lambda w: {"offset": 0, "frozen_at": MORNING + DAY}),
    "expire/1": Sample(
        "operator", lambda w: {"type": "zone", "key": w.over, "due": MORNING + 1}
    ),
} | OF_FAMILIES  # fmt: skip
"""Every kind but `genesis/1`, which begins a ledger and is made with it."""

__all__ = ["SAMPLES", "Sample", "bare_world", "request_id", "sample_world"]
