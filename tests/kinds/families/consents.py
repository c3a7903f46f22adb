"""Services that pay in a person's name: consent/1, consent_revoke/1, consent_pay/1."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from ledger.core.ids import unb64
from ledger.writer.answers import Answer, Taken
from tests.builders import DAY, HOUR, World, derived
from tests.kinds.sample import Sample
from tests.kinds.table import AMOUNTS, NOBODY, C, account, bad, issue_account, party
from tests.rules.till import Sale

SERVICE = "market"
"""A shop with a subscription, which pays from its clients' accounts."""


def terms(world: World, payer: str = "aigul", service: str = SERVICE, asset: str = "KZTD",
          **changes: Any) -> dict[str, Any]:  # fmt: skip
    """Members of a consent to pay anybody for a month: 5,000 at once, 6,000 a day."""
    base = {
        "account": world.accounts[payer, asset], "service": world.parties[service],
        "scopes": ["pay"], "cap_payment": "5000.00", "cap_day": "6000.00",
        "ends_at": world.door.time() + 30 * DAY,
    }  # fmt: skip
    return base | changes


def give(world: World, payer: str = "aigul", **changes: Any) -> str:
    """Give a consent; its id."""
    return derived(world.do(payer, "consent/1", **terms(world, payer, **changes)), "consent")


def pay(world: World, consent: str, amount: str, to: str = "daniyar", *, service: str = SERVICE,
        asset: str = "KZTD") -> Answer:  # fmt: skip
    """The service pays within a consent."""
    return world.offer(world.sign(service, "consent_pay/1", consent=consent, amount=amount,
                                  to=world.accounts[to, asset]))  # fmt: skip


def _to_revoke(world: World) -> None:
    world.to_revoke = give(world)


def _to_use(world: World) -> None:
    world.to_use = give(world)


SAMPLES = {
    "consent/1": Sample("aigul", terms, ("consent",)),
    "consent_revoke/1": Sample("aigul", lambda w: {"consent": w.to_revoke}, before=_to_revoke),
    "consent_pay/1": Sample(
        SERVICE,
        lambda w: {"consent": w.to_use, "to": w.accounts["daniyar", "KZTD"], "amount": "1290.00"},
        before=_to_use,
    ),
}


def everything(world: World) -> None:
    """A consent that is used and revoked, one that the service gives up, one that will expire."""
    used = give(world)
    for amount in ("1290.00", "4710.00"):
        assert isinstance(pay(world, used, amount), Taken)
    assert not isinstance(pay(world, used, "0.01"), Taken)
    world.do("aigul", "consent_revoke/1", consent=used)
    world.do(SERVICE, "consent_revoke/1", consent=give(world))
    give(world, ends_at=world.door.time() + HOUR)


def _revoked(world: World) -> None:
    for id in (world.to_revoke, world.to_use):
        world.do("aigul", "consent_revoke/1", consent=id)


def _expired(world: World) -> None:
    world.door.at += 30 * DAY
    for id in (world.to_revoke, world.to_use):
        due = world.door.load(("object", "consent", unb64(id, 16))).due
        world.do("operator", "expire/1", type="consent", key=id, due=due)


def _spent(world: World) -> None:
    assert isinstance(pay(world, world.to_use, "5000.00"), Taken)


def _poor(world: World) -> None:
    held = world.door.load(("account", unb64(world.accounts["aigul", "KZTD"], 16))).balance
    world.do("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
             to=world.accounts["guest", "KZTD"], amount=f"{held // 100 - 100}.00")  # fmt: skip


def _only(*scopes: str) -> Any:
    return lambda world: give(world, scopes=list(scopes))


def _given_to_the_bank(world: World) -> str:
    return give(world, service="bank")


def _of(member: str) -> list[Any]:
    return [
        bad("an id spelled otherwise", "id.base64", **{member: "A" * 21 + "B"}),
        bad("a short id", "payload.member", **{member: "A" * 21}),
        bad("a number for an id", "payload.member", **{member: 7}),
    ]


REFUSALS = {
    "consent/1": [
        bad("another's account", C.NO_AUTHORITY, account=account("daniyar", "KZTD")),
        bad("by another", C.NO_AUTHORITY, "daniyar"),
        bad("no account", C.NO_AUTHORITY, account=NOBODY),
        bad("the account that money is issued from", C.NO_AUTHORITY,
            account=issue_account("KZTD")),
        bad("to nobody", C.PARTY_UNKNOWN, service=NOBODY),
        bad("to oneself", C.TARGET_NOT_ADMITTED, service=party("aigul")),
        bad("that ends now", C.DATES_CONFLICT, ends_at=lambda w: w.door.time()),
        bad("that ended", C.DATES_CONFLICT, ends_at=lambda w: w.door.time() - 1),
        bad("for longer than a year", C.DATES_CONFLICT,
            ends_at=lambda w: w.door.time() + 366 * DAY + 1),
        bad("without an end", "payload.member", ends_at=None),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("by a bank", C.ROLE_NOT_ADMITTED, "bank"),
        bad("of no scope", "payload.member", scopes=[]),
        bad("of a scope nobody knows", "payload.member", scopes=["read"]),
        bad("of a scope twice", "consent.scopes", scopes=["pay", "pay"]),
        bad("of one scope for a list", "payload.member", scopes="pay"),
        bad("of a cap of nothing", "amount.zero", cap_payment="0.00"),
        bad("of a cap in milli-tenge", "amount.form", cap_day="1.000"),
        bad("of no cap", "payload.member", cap_day=None),
        *_of("service"),
    ],
    "consent_revoke/1": [
        bad("by a stranger", C.CONSENT_UNKNOWN, "daniyar"),
        bad("by the bank", C.CONSENT_UNKNOWN, "bank"),
        bad("of nothing", C.CONSENT_UNKNOWN, consent=NOBODY),
        bad("of an object of another type", C.CONSENT_UNKNOWN, consent=lambda w: w.zone),
        bad("twice", C.CONSENT_NOT_ACTIVE, before=_revoked),
        bad("twice, by the service", C.CONSENT_NOT_ACTIVE, SERVICE, before=_revoked),
        bad("after its end", C.CONSENT_NOT_ACTIVE, before=_expired),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *_of("consent"),
    ],
    "consent_pay/1": [
        bad("of nothing", C.CONSENT_UNKNOWN, consent=NOBODY),
        bad("by another service", C.CONSENT_UNKNOWN, "cafe"),
        bad("by who gave it", C.CONSENT_UNKNOWN, "aigul"),
        bad("another service's", C.CONSENT_UNKNOWN, consent=_given_to_the_bank),
        bad("revoked", C.CONSENT_NOT_ACTIVE, before=_revoked),
        bad("after its end", C.CONSENT_NOT_ACTIVE, before=_expired),
        bad("to no account", C.ACCOUNT_UNKNOWN, to=NOBODY),
        bad("to the account it comes from", C.SAME_ACCOUNT, to=account("aigul", "KZTD")),
        bad("to the account that money is issued from", C.ACCOUNT_KIND,
            to=issue_account("KZTD")),
        bad("to an account of another asset", C.ASSET_DIFFERS, to=account("daniyar", "tUSDT")),
        bad("to a person, where merchants are meant", C.CONSENT_SCOPE,
            consent=_only("pay_merchant")),
        bad("to another, where one's own are meant", C.CONSENT_SCOPE, consent=_only("sweep")),
        bad("over the cap of a payment", C.CONSENT_CAP_PAYMENT, amount="5000.01"),
        bad("over the cap of a day", C.CONSENT_CAP_DAY, before=_spent, amount="1000.01"),
        bad("more than there is", C.FUNDS, before=_poor, amount="1000.00"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *AMOUNTS,
        *_of("to"),
    ],
}  # fmt: skip

WIDE = {"cap_payment": "90000000", "cap_day": "90000000"}


def wide(world: World, asset: str) -> dict[str, str]:
    """Caps that bind nobody."""
    scale = world.ASSETS[asset][1]
    return {name: cap + ("." + "0" * scale if scale else "") for name, cap in WIDE.items()}


def by_consent_pay(world: World, sale: Sale, scene: Any) -> Answer:
    """A service pays the merchant out of the payer's account, after the scene."""
    id = give(world, sale.payer, service="bank", asset=sale.asset, **wide(world, sale.asset))
    scene(world)
    return pay(world, id, sale.units(world), sale.payee(), service="bank", asset=sale.asset)


def _try_to_pay(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    """Someone's crypto, to whomever: half the time by a consent that allows it."""
    asset = draw(st.sampled_from(("tUSDT", "tBTC")))
    payer = draw(st.sampled_from(("aigul", "cafe", "guest", "market")))
    scopes = draw(st.sampled_from((["pay"], ["pay_merchant"], ["sweep"])))
    id = give(world, payer, service="bank", asset=asset, scopes=scopes, **wide(world, asset))
    to = draw(st.sampled_from(("cafe", "market", "aigul", "daniyar", "exchange")))
    units = "0.000005" if asset == "tUSDT" else "0.00000005"
    return "bank", {"consent": id, "to": world.accounts[to, asset], "amount": units}


MOVES = {"consent_pay/1": (by_consent_pay,)}
JUDGED_AS = {"by_consent_pay": "by_transfer"}
STILL = frozenset({"consent/1", "consent_revoke/1"})
TRIES: dict[str, Any] = {
    name: lambda draw, world, name=name: (SAMPLES[name].signer, SAMPLES[name].members(world))
    for name in SAMPLES
} | {"consent_pay/1": _try_to_pay}
