"""Holds: hold/1, hold_request/1, capture/1, void/1."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import strategies as st

from ledger.core.amount import format_amount
from ledger.core.ids import b64, unb64
from ledger.core.objects import Object
from ledger.writer.answers import Answer, Taken
from tests.builders import DAY, HOUR, World, derived
from tests.kinds.pure import MORNING
from tests.kinds.sample import Sample
from tests.kinds.table import AMOUNTS, NOBODY, C, account, bad, issue_account
from tests.rules.till import Sale


def hold(world: World, amount: str = "1290.00", *, payer: str = "aigul", payee: str = "cafe",
         asset: str = "KZTD", ahead: int = DAY) -> str:  # fmt: skip
    """Hold money; the hold's id."""
    jws = world.do(payer, "hold/1", from_=world.accounts[payer, asset], amount=amount,
                   to=world.accounts[payee, asset], ends_at=world.door.time() + ahead)  # fmt: skip
    return derived(jws, "hold")


def hold_request(world: World, request: str, *, payer: str = "aigul", asset: str = "tUSDT",
                 ahead: int = DAY) -> str:  # fmt: skip
    """Hold what a till asks for; the hold's id."""
    jws = world.do(payer, "hold_request/1", from_=world.accounts[payer, asset],
                   request=request, ends_at=world.door.time() + ahead)  # fmt: skip
    return derived(jws, "hold")


def capture(world: World, id: str, amount: str, *, payee: str = "cafe", last: bool = False) -> None:
    """Take a part of it."""
    world.do(payee, "capture/1", hold=id, amount=amount, last=last)


def held(world: World, id: str) -> Object:
    """The hold as it is."""
    found: Object = world.door.load(("object", "hold", unb64(id, 16)))
    return found


def expire(world: World, id: str) -> None:
    """Let its time come."""
    due = held(world, id).due
    assert due is not None
    world.door.at = max(world.door.at, due)
    world.do("operator", "expire/1", type="hold", key=id, due=due)


def _to_capture(world: World) -> None:
    world.to_capture = hold(world)


def _to_void(world: World) -> None:
    world.at_till = hold_request(world, Sale().request(world))


def _members(world: World) -> dict[str, Any]:
    return {"from_": world.accounts["aigul", "KZTD"], "to": world.accounts["cafe", "KZTD"],
            "amount": "1290.00", "ends_at": world.door.time() + DAY}  # fmt: skip


SAMPLES = {
    "hold/1": Sample("aigul", _members, ("hold",)),
    "hold_request/1": Sample(
        "aigul",
        lambda w: {"from_": w.accounts["aigul", "tUSDT"], "request": Sale().request(w),
                   "ends_at": w.door.time() + DAY},
        ("hold", "payment"),
    ),
    "capture/1": Sample(
        "cafe", lambda w: {"hold": w.to_capture, "amount": "90.00", "last": False},
        before=_to_capture,
    ),
    "void/1": Sample("cafe", lambda w: {"hold": w.at_till}, before=_to_void),
}  # fmt: skip


def everything(world: World) -> None:
    """Holds captured in parts, let go of, of which nothing was taken, and two that will expire."""
    first = hold(world)
    capture(world, first, "90.00")
    capture(world, first, "200.00", last=True)
    second = hold_request(world, world.request("till-cafe", "1290.00"))
    capture(world, second, "1.000000")
    world.do("cafe", "void/1", hold=second)
    world.do("cafe", "void/1", hold=hold_request(world, world.request("till-cafe", "10.00")))
    hold(world, ahead=HOUR)
    capture(world, hold_request(world, world.request("till-cafe", "20.00"), ahead=HOUR), "0.010000")


def _captured(world: World) -> None:
    capture(world, world.to_capture, "1290.00")
    capture(world, world.at_till, "1.000000", last=True)


def _voided(world: World) -> None:
    for id in (world.to_capture, world.at_till):
        world.do("cafe", "void/1", hold=id)


def _expired(world: World) -> None:
    expire(world, world.to_capture)
    expire(world, world.at_till)


def _overdue(world: World) -> None:
    """The clock stands at its end, and nobody has ended it yet."""
    world.door.at += DAY


def _forms() -> list[Any]:
    return [
        bad("an id spelled otherwise", "id.base64", hold="A" * 21 + "B"),
        bad("a short id", "payload.member", hold="A" * 21),
        bad("a number for an id", "payload.member", hold=7),
    ]


def _over() -> list[Any]:
    return [
        bad("by nobody whom it concerns", C.HOLD_UNKNOWN, "market"),
        bad("by another person", C.HOLD_UNKNOWN, "daniyar"),
        bad("by the payer", C.NO_AUTHORITY, "aigul"),
        bad("of nothing", C.HOLD_UNKNOWN, hold=NOBODY),
        bad("of an object of another type", C.HOLD_UNKNOWN, hold=lambda w: w.zone),
        bad("what is captured", C.STATUS_CONFLICT, before=_captured),
        bad("what is void", C.STATUS_CONFLICT, before=_voided),
        bad("what has expired", C.STATUS_CONFLICT, before=_expired),
        bad("what is over and not ended", C.STATUS_CONFLICT, before=_overdue),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *_forms(),
    ]


_ENDS = [
    bad("that ends now", C.DATES_CONFLICT, ends_at=lambda w: w.door.time()),
    bad("that ended", C.DATES_CONFLICT, ends_at=lambda w: w.door.time() - 1),
    bad("that lasts too long", C.DATES_CONFLICT, ends_at=lambda w: w.door.time() + 30 * DAY + 1),
    bad("without an end", "payload.member", ends_at=None),
]


def _paid(world: World) -> str:
    request = Sale().request(world)
    assert isinstance(world.pay("guest", "tUSDT", request), Taken)
    return request


def _held(world: World) -> str:
    request = Sale().request(world)
    hold_request(world, request, payer="guest")
    return request


def _let_go(world: World) -> str:
    request = Sale().request(world)
    world.do("cafe", "void/1", hold=hold_request(world, request, payer="guest"))
    return request


REFUSALS = {
    "hold/1": [
        *AMOUNTS,
        *_ENDS,
        bad("of another's money", C.NO_AUTHORITY, from_=account("guest", "KZTD")),
        bad("of nobody's money", C.NO_AUTHORITY, from_=NOBODY),
        bad("of what is held already", C.ACCOUNT_KIND, from_=lambda w: w.to_capture),
        bad("for nobody", C.ACCOUNT_UNKNOWN, to=NOBODY),
        bad("for a hold", C.ACCOUNT_KIND, to=lambda w: w.to_capture),
        bad("for itself", C.SAME_ACCOUNT, to=account("aigul", "KZTD")),
        bad("for another asset", C.ASSET_DIFFERS, to=account("cafe", "tUSDT")),
        bad("from the issue account", C.ACCOUNT_KIND, "nbk", from_=issue_account("KZTD")),
        bad("for the issue account", C.ACCOUNT_KIND, to=issue_account("KZTD")),
        bad("more than there is", C.FUNDS, amount="1000000.01"),
        bad("crypto for a merchant", C.ZONE_OUTSIDE, from_=account("aigul", "tUSDT"),
            to=account("market", "tUSDT"), amount="1.000000"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    ],
    "hold_request/1": [
        *_ENDS,
        bad("with another's money", C.NO_AUTHORITY, from_=account("guest", "tUSDT")),
        bad("with nobody's money", C.NO_AUTHORITY, from_=NOBODY),
        bad("in an asset that is not asked for", C.TENDER_NOT_OFFERED,
            from_=account("aigul", "KZTD")),
        bad("of an unknown till", C.TERMINAL_UNKNOWN,
            request=lambda w: Sale(till="till-cafe-9").request(w)),
        bad("too late", C.REQUEST_EXPIRED, request=lambda w: Sale().request(w, ahead=-1)),
        bad("what is paid", C.REQUEST_PAID, request=_paid),
        bad("what is held", C.REQUEST_PAID, request=_held),
        bad("what was held", C.REQUEST_PAID, request=_let_go),
        bad("for another merchant", C.TARGET_NOT_ADMITTED,
            request=lambda w: Sale(merchant="market").request(w)),
        bad("another amount than the rate says", C.TENDER_VALUE,
            request=lambda w: Sale(amount="1.000000").request(w)),
        bad("for an account of another asset", C.ASSET_DIFFERS,
            request=lambda w: Sale(account=w.accounts["cafe", "tBTC"]).request(w)),
        bad("for nobody", C.ACCOUNT_UNKNOWN, request=lambda w: Sale(account=NOBODY).request(w)),
        bad("outside", C.ZONE_OUTSIDE, request=lambda w: Sale(till="till-market").request(w)),
        bad("no request", "envelope.segments", request=""),
        bad("a total of nothing", "amount.zero", request=lambda w: Sale().request(w, total="0.00")),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    ],
    "capture/1": [
        *AMOUNTS,
        *_over(),
        bad("a tiyn too much", C.CAPTURE_TOO_MUCH, amount="1290.01"),
        bad("more than is left", C.CAPTURE_TOO_MUCH, amount="1290.00",
            before=lambda w: capture(w, w.to_capture, "0.01")),
        bad("crypto in the form of tenge", "amount.form", hold=lambda w: w.at_till,
            amount="1.00"),
        bad("crypto too much", C.CAPTURE_TOO_MUCH, hold=lambda w: w.at_till, amount="2.484354"),
        bad("of a wallet", C.HOLD_UNKNOWN, hold=account("cafe", "KZTD")),
    ],
    "void/1": _over(),
}  # fmt: skip


def by_hold(world: World, sale: Sale, scene: Any) -> Answer:
    """The payer holds the money straight for the merchant's account."""
    scene(world)
    return world.offer(
        world.sign(
            sale.payer, "hold/1", from_=world.accounts[sale.payer, sale.asset],
            to=world.accounts[sale.payee(), sale.asset], amount=sale.units(world),
            ends_at=world.door.time() + DAY,
        )
    )  # fmt: skip


def by_hold_request(world: World, sale: Sale, scene: Any) -> Answer:
    """The till asks, the payer holds."""
    scene(world)
    return world.offer(
        world.sign(
            sale.payer, "hold_request/1", from_=world.accounts[sale.payer, sale.asset],
            request=sale.request(world), ends_at=world.door.time() + DAY,
        )
    )  # fmt: skip


def _before(world: World, sale: Sale) -> str:
    """Yesterday the guest's money was held at the café's till, for longer than any scene lasts."""
    now, world.door.at = world.door.at, MORNING - DAY
    asset = sale.asset if sale.asset in world.sales else "tUSDT"
    id = hold_request(world, Sale(asset=asset, total="129.00").request(world), payer="guest",
                      asset=asset)  # fmt: skip
    world.door.at = now
    need = ("object", "hold", unb64(id, 16))
    world.door.state.values[need] = msgspec.structs.replace(world.door.load(need), due=1 << 46)
    return id


def by_capture(world: World, sale: Sale, scene: Any) -> Answer:
    """What was held at the till before the scene is captured after it, in parts and whole."""
    id = _before(world, sale)
    scene(world)
    left = world.door.load(("account", unb64(id, 16)))
    amount = format_amount(left.balance, world.ASSETS[left.asset][1])
    return world.offer(world.sign("cafe", "capture/1", hold=id, amount=amount, last=True))


def by_void(world: World, sale: Sale, scene: Any) -> Answer:
    """The same, let go of."""
    id = _before(world, sale)
    scene(world)
    return world.offer(world.sign("cafe", "void/1", hold=id))


def by_expiry(world: World, sale: Sale, scene: Any) -> Answer:
    """The same, when its time has come."""
    id = _before(world, sale)
    scene(world)
    due = held(world, id).due
    world.door.at = due
    return world.offer(world.sign("operator", "expire/1", type="hold", key=id, due=due))


MOVES: dict[str, Any] = {
    "hold/1": (by_hold,),
    "hold_request/1": (by_hold_request,),
    "capture/1": (by_capture,),
    "void/1": (by_void,),
    "expire/1": (by_expiry,),
}
JUDGED_AS = {
    "by_hold": "by_transfer",
    "by_hold_request": "by_pay",
    "by_capture": "by_refund_in_tenge",
    "by_void": "by_refund_in_tenge",
    "by_expiry": "by_time",
}


def _a_hold(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    """Anybody holds crypto for anybody."""
    names = st.sampled_from(("aigul", "daniyar", "guest", "cafe", "market", "exchange"))
    payer, payee = draw(names), draw(names)
    return payer, {
        "from_": world.accounts[payer, "tUSDT"], "to": world.accounts[payee, "tUSDT"],
        "amount": "0.010000", "ends_at": world.door.time() + draw(st.sampled_from((1, DAY))),
    }  # fmt: skip


def _a_hold_at_a_till(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    """A shopper holds what any till asks for."""
    payer = draw(st.sampled_from(("aigul", "guest", "market")))
    till = draw(st.sampled_from(("till-cafe", "till-market", "till-market-in", "till-cafe-out")))
    request = Sale(till=till, total="10.00").request(world, reusable=draw(st.booleans()))
    return payer, {"from_": world.accounts[payer, "tUSDT"], "request": request,
                   "ends_at": world.door.time() + DAY}  # fmt: skip


def _some_hold(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    """The payee of any hold there is, or was."""
    values = world.door.state.values
    found = sorted(
        value.key for need, value in values.items()
        if need[:2] == ("object", "hold") and value is not None
    )  # fmt: skip
    key = draw(st.sampled_from(found))
    payee = values["object", "hold", key].body.payee
    signer = next(name for (name, _), id in world.accounts.items() if id == payee)
    return signer, {"hold": b64(key)}


def _a_capture(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    signer, members = _some_hold(draw, world)
    asset = world.door.load(("account", unb64(members["hold"], 16))).asset
    amount = format_amount(draw(st.sampled_from((1, 5_000))), world.ASSETS[asset][1])
    return signer, members | {"amount": amount, "last": draw(st.booleans())}


TRIES: dict[str, Any] = {
    "hold/1": _a_hold,
    "hold_request/1": _a_hold_at_a_till,
    "capture/1": _a_capture,
    "void/1": _some_hold,
}
