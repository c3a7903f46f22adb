"""Quotes and what takes them: venue/1, exchange/1, convert_pay/1, deliver/1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from hypothesis import strategies as st

from ledger.core.amount import format_amount
from ledger.core.envelope import seal
from ledger.core.ids import b64, unb64
from ledger.core.quote import Quote
from ledger.kinds import read_statement
from ledger.writer.answers import Answer
from tests.builders import DAY, HOUR, World, key_of, request_id
from tests.kinds.sample import Sample
from tests.kinds.table import NOBODY, C, account, bad, issue_account, party
from tests.rules.till import Sale

Side = tuple[str, str] | dict[str, str]
"""Asset and amount, with the maker's own account; or the member whole."""

TOTAL: Side = ("KZTD", "1290.00")
COINS: Side = ("tUSDT", "2.500000")
PRICE: Side = ("KZTD", "7.00")
DEED: Side = ("tDEED", "1")


def quote(world: World, gives: Side = TOTAL, gets: Side = COINS, *, maker: str = "exchange",
          signer: str = "", ahead: int = HOUR, **members: Any) -> str:  # fmt: skip
    """What `maker` gives for what it gets, signed; `members` replace those of the payload."""

    def side(each: Side) -> dict[str, str]:
        if isinstance(each, dict):
            return each
        asset, amount = each
        return {"account": world.accounts[maker, asset], "asset": asset, "amount": amount}

    said = {"gives": side(gives), "gets": side(gets), "taker": None} | members
    key = key_of(signer or maker)
    return seal(
        world.signing.payload("quote/1", ahead, **said),
        kid=key.kid, typ="tenge-quote", sign=key.sign,
    )  # fmt: skip


def offer(world: World, *, seller: str = "daniyar", price: Side = PRICE, thing: Side = DEED,
          **members: Any) -> str:  # fmt: skip
    """A seller's offer of a title for tenge."""
    return quote(world, thing, price, maker=seller, **members)


def quote_id(jws: str) -> str:
    """Id of a quote."""
    return b64(read_statement(jws, Quote)[0].id)


def license_venue(world: World, venue: str = "exchange", status: str = "active",
                  assets: tuple[str, ...] = ("tUSDT", "tBTC")) -> None:  # fmt: skip
    """The supervisor licenses an exchange."""
    world.do("afsa", "venue/1", venue=world.parties[venue], assets=list(assets), status=status)


def stock(world: World, venue: str = "exchange", amount: str = "1000000.00") -> None:
    """Tenge for an exchange to give."""
    world.do("bank", "transfer/1", from_=world.accounts["bank", "KZTD"],
             to=world.accounts[venue, "KZTD"], amount=amount)  # fmt: skip


def ready(world: World) -> None:
    """A licensed venue that has tenge, once."""
    if not getattr(world, "venue_ready", False):
        license_venue(world)
        stock(world)
        world.venue_ready = True


def take(world: World, jws: str, taker: str = "aigul", kind: str = "exchange/1", *,
         source: str = "", target: str = "") -> Answer:  # fmt: skip
    """Take a quote from and to one's own accounts of its assets."""
    body = read_statement(jws, Quote)[0].body
    source = source or world.accounts[taker, body.gets.asset]
    target = target or world.accounts[taker, body.gives.asset]
    return world.offer(world.sign(taker, kind, from_=source, to=target, quote=jws))


def convert(world: World, request: str, jws: str, payer: str = "aigul") -> Answer:
    """Pay a till's request with what the quote gets."""
    asset = read_statement(jws, Quote)[0].body.gets.asset
    return world.offer(world.sign(payer, "convert_pay/1", request=request, quote=jws,
                                  from_=world.accounts[payer, asset]))  # fmt: skip


def till(world: World, total: str = "1290.00", **members: Any) -> str:
    """What the market's till asks for, outside every zone."""
    return Sale(asset="KZTD", till="till-market", total=total).request(world, **members)


def _exchange(world: World) -> dict[str, Any]:
    return {"from_": world.accounts["aigul", "tUSDT"], "to": world.accounts["aigul", "KZTD"],
            "quote": quote(world)}  # fmt: skip


def _convert_pay(world: World) -> dict[str, Any]:
    return {"from_": world.accounts["aigul", "tUSDT"], "request": till(world),
            "quote": quote(world)}  # fmt: skip


def _deliver(world: World) -> dict[str, Any]:
    return {"from_": world.accounts["aigul", "KZTD"], "to": world.accounts["aigul", "tDEED"],
            "quote": offer(world)}  # fmt: skip


SAMPLES = {
    "venue/1": Sample(
        "afsa",
        lambda w: {"venue": w.parties["exchange"], "assets": ["tUSDT", "tBTC", "tPASS"],
                   "status": "active"},
        before=ready,
    ),
    "exchange/1": Sample("aigul", _exchange, before=ready),
    "convert_pay/1": Sample("aigul", _convert_pay, ("payment",), before=ready),
    "deliver/1": Sample("aigul", _deliver),
}  # fmt: skip


def everything(world: World) -> None:
    """Crypto sold and bought, a purchase converted and half given back, a title delivered, a venue
    suspended and licensed anew."""
    ready(world)
    take(world, quote(world))
    take(world, quote(world, ("tBTC", "0.00010000"), ("KZTD", "4900.00")))
    request = world.signing.request(
        "till-market",
        total="1290.00",
        tenders=[
            {"asset": "KZTD", "account": world.accounts["market", "KZTD"], "amount": "1290.00"}
        ],
    )
    convert(world, request, quote(world))
    world.do(
        "market",
        "refund/1",
        payment=request_id(request),
        amount="645.00",
        from_=world.accounts["market", "KZTD"],
        to=world.accounts["aigul", "KZTD"],
    )
    take(world, quote(world, ("tGOLD", "1.00"), PRICE, maker="daniyar"), kind="deliver/1")
    license_venue(world, status="suspended")
    license_venue(world)  # fmt: skip


# Refusals -----------------------------------------------------------------------------------------


def _with(**changes: Any) -> Callable[[World], str]:
    """The good quote with some of it changed; callables are asked for the world's own."""

    def made(world: World) -> str:
        found = {name: value(world) if callable(value) else value
                 for name, value in changes.items()}  # fmt: skip
        return quote(world, **found)

    return made


def _offer_with(**changes: Any) -> Callable[[World], str]:
    return lambda world: offer(world, **changes)


def _side(name: str, asset: str, amount: str, *, called: str = "") -> Callable[[World], Any]:
    return lambda w: {"account": w.accounts[name, asset], "asset": called or asset,
                      "amount": amount}  # fmt: skip


def _used(world: World) -> str:
    jws = quote(world)
    assert take(world, jws, "guest").index
    return jws


def _used_offer(world: World) -> str:
    jws = offer(world)
    assert take(world, jws, "guest", "deliver/1").index
    return jws


def _set(need: Callable[[World], Any], **changes: Any) -> Callable[[World], None]:
    """As other kinds will leave it."""

    def play(world: World) -> None:
        held = world.door.load(need(world))
        world.door.state.values[need(world)] = msgspec.structs.replace(held, **changes)

    return play


def _account_need(name: str, asset: str) -> Callable[[World], Any]:
    return lambda world: ("account", unb64(world.accounts[name, asset], 16))


def _key_need(name: str) -> Callable[[World], Any]:
    return lambda world: ("object", "key", unb64(key_of(name).kid, 32))


def _marked(name: str, asset: str) -> Callable[[World], None]:
    return _set(_account_need(name, asset), mark="school-meals")


def _frozen(name: str, asset: str) -> Callable[[World], None]:
    return _set(_account_need(name, asset), status="frozen")


def _closed(name: str, asset: str) -> Callable[[World], None]:
    return _set(_account_need(name, asset), status="closed")


def _sold_out(world: World) -> None:
    """The exchange gives back what tenge it has."""
    held = world.door.load(_account_need("exchange", "KZTD")(world)).balance
    world.do("exchange", "transfer/1", from_=world.accounts["exchange", "KZTD"],
             to=world.accounts["bank", "KZTD"], amount=format_amount(held, 2))  # fmt: skip


def _unlicensed(world: World) -> str:
    world.open("nbk", "exchange2", "KZTD")
    world.open("nbk", "exchange2", "tUSDT")
    return quote(world, maker="exchange2")


def _tampered(world: World) -> str:
    header, payload, signature = quote(world).split(".")
    last = "A" if signature[0] != "A" else "B"
    return ".".join((header, payload, last + signature[1:]))


QUOTES = [
    bad("from another's account", C.NO_AUTHORITY, from_=account("guest", "tUSDT")),
    bad("from no account", C.NO_AUTHORITY, from_=NOBODY),
    bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    bad("by who quoted", C.TARGET_NOT_ADMITTED, "exchange", from_=account("exchange", "tUSDT")),
    bad("of another ledger", C.LEDGER_OTHER, quote=_with(ledger="A" * 22)),
    bad("too late", C.QUOTE_EXPIRED, quote=_with(ahead=-1)),
    bad("too early", C.QUOTE_EXPIRED, quote=_with(ahead=DAY + 1)),
    bad("used already", C.QUOTE_USED, quote=_used),
    bad("for another taker", C.QUOTE_TAKER, quote=_with(taker=party("guest"))),
    bad("by an unknown key", C.QUOTE_KEY, quote=_with(signer="nobody")),
    bad("by a till's key", C.QUOTE_KEY, quote=_with(signer="till-cafe")),
    bad("by another's key", C.QUOTE_KEY, quote=_with(signer="daniyar")),
    bad(
        "by a key that is revoked",
        C.QUOTE_KEY,
        before=_set(_key_need("exchange"), status="revoked"),
    ),
    bad(
        "that gives from another's account",
        C.QUOTE_KEY,
        quote=_with(gives=_side("bank", "KZTD", "1290.00")),
    ),
    bad(
        "that gets for another's account",
        C.QUOTE_KEY,
        quote=_with(gets=_side("daniyar", "tUSDT", "2.500000")),
    ),
    bad(
        "that gives from no account",
        C.QUOTE_KEY,
        quote=_with(gives={"account": NOBODY, "asset": "KZTD", "amount": "1290.00"}),
    ),
    bad(
        "that calls its asset otherwise",
        C.ASSET_DIFFERS,
        quote=_with(gives=_side("exchange", "tUSDT", "1.000000", called="KZTD")),
    ),
    bad(
        "of a venue that is suspended",
        C.VENUE_NOT_ACTIVE,
        before=lambda w: license_venue(w, status="suspended"),
    ),
    bad(
        "of a venue that is revoked",
        C.VENUE_NOT_ACTIVE,
        before=lambda w: license_venue(w, status="revoked"),
    ),
    bad(
        "of a venue licensed for another asset",
        C.ASSET_NOT_ADMITTED,
        before=lambda w: license_venue(w, assets=("tBTC",)),
    ),
    bad("of an exchange without a licence", C.VENUE_UNKNOWN, quote=_unlicensed),
    bad("of a person", C.VENUE_UNKNOWN, quote=_with(maker="daniyar")),
    bad("of a merchant", C.VENUE_UNKNOWN, quote=_with(maker="market")),
    bad("with money marked by the taker", C.MARK_NOT_CONVERTIBLE, before=_marked("aigul", "tUSDT")),
    bad(
        "with money marked by who quoted",
        C.MARK_NOT_CONVERTIBLE,
        before=_marked("exchange", "KZTD"),
    ),
    bad("from a frozen account", C.ACCOUNT_FROZEN, before=_frozen("aigul", "tUSDT")),
    bad("when who quoted is frozen", C.INVENTORY, before=_frozen("exchange", "KZTD")),
    bad("when who quoted has closed it", C.ACCOUNT_NOT_OPEN, before=_closed("exchange", "tUSDT")),
    bad("from an account of another asset", C.ASSET_DIFFERS, from_=account("aigul", "tBTC")),
    bad("when the inventory ran out", C.INVENTORY, before=_sold_out),
    bad("more than the taker has", C.FUNDS, quote=_with(gets=("tUSDT", "10000.000001"))),
    bad("no quote", "envelope.segments", quote=""),
    bad("a quote signed badly", "bad_signature", quote=_tampered),
    bad("an amount of another form", "amount.form", quote=_with(gets=("tUSDT", "2.5"))),
    bad("for nothing", "amount.zero", quote=_with(gets=("tUSDT", "0.000000"))),
    bad("a quote with a note", "payload.member", quote=_with(note="cheap")),
    bad("a till's request for a quote", "envelope.typ", quote=till),
]
"""What whoever takes a venue's quote is refused for."""

_TAKEN = [
    bad("for another's account", C.NO_AUTHORITY, to=account("guest", "KZTD")),
    bad("for no account", C.NO_AUTHORITY, to=NOBODY),
    bad("for a marked account", C.MARK_NOT_CONVERTIBLE, before=_marked("aigul", "KZTD")),
    bad("for a closed account", C.ACCOUNT_NOT_OPEN, before=_closed("aigul", "KZTD")),
    bad("for an account of another asset", C.ASSET_DIFFERS, to=account("aigul", "tBTC")),
]


def _paid(world: World) -> str:
    request = till(world)
    world.do("guest", "pay/1", from_=world.accounts["guest", "KZTD"], request=request)
    return request


def _venue(**changes: Any) -> dict[str, Any]:
    return {"venue": party("exchange"), "assets": ["tUSDT"], "status": "active"} | changes


REFUSALS = {
    "venue/1": [
        bad("by an exchange itself", C.ROLE_NOT_ADMITTED, "exchange"),
        bad("by a bank", C.ROLE_NOT_ADMITTED, "bank"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("by another supervisor", C.NO_AUTHORITY, "afsa2"),
        bad("of nobody", C.PARTY_UNKNOWN, venue=NOBODY),
        bad("of a merchant", C.TARGET_NOT_ADMITTED, venue=party("market")),
        bad("of a person", C.TARGET_NOT_ADMITTED, venue=party("aigul")),
        bad("of a bank", C.TARGET_NOT_ADMITTED, venue=party("bank")),
        bad("for an unknown asset", C.ASSET_UNKNOWN, assets=["tNONE"]),
        bad("for tenge", C.ASSET_NOT_ADMITTED, assets=["KZTD"]),
        bad("for a title", C.ASSET_NOT_ADMITTED, assets=["tUSDT", "tDEED"]),
        bad("suspended before it was licensed", C.VENUE_UNKNOWN, venue=party("exchange2"),
            status="suspended"),
        bad("after it was revoked", C.STATUS_CONFLICT,
            before=lambda w: license_venue(w, status="revoked")),
        bad("for one asset twice", "venue.assets", assets=["tUSDT", "tUSDT"]),
        bad("for nothing", "payload.member", assets=[]),
        bad("in another status", "payload.member", status="open"),
        bad("an id spelled otherwise", "id.base64", venue="A" * 21 + "B"),
    ],
    "exchange/1": [
        *QUOTES,
        *_TAKEN,
        bad("of a title", C.ASSET_NOT_ADMITTED, quote=_with(gets=("tDEED", "1")),
            from_=account("aigul", "tDEED")),
        bad("for a security token", C.ASSET_NOT_ADMITTED, quote=_with(gives=("tGOLD", "1.00")),
            to=account("aigul", "tGOLD")),
        bad("of tenge for tenge", C.ASSET_NOT_ADMITTED, quote=_with(gets=("KZTD", "1291.00")),
            from_=account("aigul", "KZTD")),
        bad("by a merchant that would buy", C.ZONE_OUTSIDE, "cafe",
            quote=_with(gives=COINS, gets=PRICE), from_=account("cafe", "KZTD"),
            to=account("cafe", "tUSDT"), before=lambda w: stock(w, "cafe")),
        bad("of a licensed venue's coins before its tenge", C.INVENTORY,
            quote=_with(gives=("tUSDT", "90000000.000000"), gets=("KZTD", "1.00")),
            from_=account("aigul", "KZTD"), to=account("aigul", "tUSDT")),
    ],
    "convert_pay/1": [
        *QUOTES,
        bad("what is paid", C.REQUEST_PAID, request=_paid),
        bad("what ran out", C.REQUEST_EXPIRED, request=lambda w: till(w, ahead=-1)),
        bad("of an unknown till", C.TERMINAL_UNKNOWN,
            request=lambda w: Sale(asset="KZTD", till="till-market-9").request(w)),
        bad("what asks for crypto alone", C.TENDER_NOT_OFFERED,
            request=lambda w: Sale().request(w)),
        bad("for another merchant", C.TARGET_NOT_ADMITTED,
            request=lambda w: Sale(asset="KZTD", till="till-market", merchant="cafe").request(w)),
        bad("less than the total", C.QUOTE_VALUE, quote=_with(gives=("KZTD", "1289.99"))),
        bad("more than the total", C.QUOTE_VALUE, quote=_with(gives=("KZTD", "1290.01"))),
        bad("a tender that is not the total", C.TENDER_VALUE,
            request=lambda w: Sale(asset="KZTD", till="till-market", amount="1.00").request(w)),
        bad("in tenge", C.ASSET_NOT_ADMITTED, quote=_with(gets=("KZTD", "1300.00")),
            from_=account("aigul", "KZTD")),
        bad("into crypto", C.ASSET_NOT_ADMITTED, quote=_with(gives=("tBTC", "0.00002688"))),
        bad("for a merchant whose account is closed", C.ACCOUNT_NOT_OPEN,
            before=_closed("market", "KZTD")),
        bad("no request", "envelope.segments", request=""),
        bad("a quote for a request", "envelope.typ", request=quote),
    ],
    "deliver/1": [
        bad("from another's account", C.NO_AUTHORITY, from_=account("guest", "KZTD")),
        bad("from no account", C.NO_AUTHORITY, from_=NOBODY),
        bad("for another's account", C.NO_AUTHORITY, to=account("guest", "tDEED")),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("by the seller", C.TARGET_NOT_ADMITTED, "daniyar", from_=account("daniyar", "KZTD")),
        bad("too late", C.QUOTE_EXPIRED, quote=_offer_with(ahead=-1)),
        bad("sold already", C.QUOTE_USED, quote=_used_offer),
        bad("for another buyer", C.QUOTE_TAKER,
            quote=lambda w: offer(w, taker=w.parties["guest"])),
        bad("signed by another than the owner", C.QUOTE_KEY, quote=_offer_with(signer="guest")),
        bad("signed by a key that is revoked", C.QUOTE_KEY,
            before=_set(_key_need("daniyar"), status="revoked")),
        bad("of what the seller does not own", C.INVENTORY,
            quote=_offer_with(thing=("tDEED", "1000001"))),
        bad("without the money", C.FUNDS, quote=_offer_with(price=("KZTD", "1000000.01"))),
        bad("for crypto", C.ASSET_NOT_ADMITTED, quote=_offer_with(price=COINS),
            from_=account("aigul", "tUSDT")),
        bad("of crypto", C.ASSET_NOT_ADMITTED, quote=_offer_with(thing=COINS),
            to=account("aigul", "tUSDT")),
        bad("of tenge", C.ASSET_NOT_ADMITTED, quote=_offer_with(thing=("KZTD", "6.00")),
            to=account("aigul", "KZTD")),
        bad("a title for a token", C.ASSET_NOT_ADMITTED, quote=_offer_with(price=("tGOLD", "1.00")),
            from_=account("aigul", "tGOLD")),
        bad("for marked money", C.MARK_NOT_CONVERTIBLE, before=_marked("aigul", "KZTD")),
        bad("a title in the form of tenge", "amount.form",
            quote=_offer_with(thing=("tDEED", "1.00"))),
        bad("no offer", "envelope.segments", quote=""),
        bad("an issue account", C.ACCOUNT_KIND, "exchange", from_=issue_account("tDEED")),
    ],
}  # fmt: skip


# The zone -----------------------------------------------------------------------------------------


def _stocked(world: World) -> None:
    """Licensed and stocked before the scene, whatever pack comes in it."""
    license_venue(world)
    stock(world)


def by_exchange(world: World, sale: Sale, scene: Any) -> Answer:
    """The guest sells crypto to a venue: no sale at a till, and bound to no zone."""
    _stocked(world)
    scene(world)
    return take(world, quote(world, ("KZTD", "500.00"), ("tUSDT", "1.000000")), "guest")


def by_convert_pay(world: World, sale: Sale, scene: Any) -> Answer:
    """The guest pays the till outside with crypto, and its merchant receives tenge."""
    _stocked(world)
    scene(world)
    request = till(world, "500.00")
    return convert(world, request, quote(world, ("KZTD", "500.00"), ("tUSDT", "1.000000")), "guest")


def by_convert_pay_inside(world: World, sale: Sale, scene: Any) -> Answer:
    """The same at the till inside: it is judged no otherwise there."""
    _stocked(world)
    scene(world)
    request = Sale(asset="KZTD", total="500.00").request(world)
    return convert(world, request, quote(world, ("KZTD", "500.00"), ("tUSDT", "1.000000")), "guest")


def by_deliver(world: World, sale: Sale, scene: Any) -> Answer:
    """The guest buys a title of Daniyar's for tenge."""
    scene(world)
    return take(world, offer(world), "guest", "deliver/1")


MOVES: dict[str, Any] = {
    "exchange/1": (by_exchange,),
    "convert_pay/1": (by_convert_pay, by_convert_pay_inside),
    "deliver/1": (by_deliver,),
}
JUDGED_AS = dict.fromkeys(
    ("by_exchange", "by_convert_pay", "by_convert_pay_inside", "by_deliver"), "by_refund_in_tenge"
)
STILL = frozenset({"venue/1"})

_HOLDERS = ("aigul", "cafe", "daniyar", "exchange", "guest", "market")
_ASSETS = ("KZTD", "tBTC", "tDEED", "tUSDT")


def _some_quote(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    """Anybody quotes anything to anybody; who takes it, with accounts of its own or another's."""
    maker, taker, other = draw(st.permutations(_HOLDERS))[:3]
    gives, gets = draw(st.permutations(_ASSETS))[:2]
    if draw(st.booleans()):
        maker = "exchange" if taker != "exchange" else "exchange2"
        taker = taker if taker != "exchange" else "cafe"
        gives, gets = draw(st.sampled_from((("KZTD", "tUSDT"), ("tUSDT", "KZTD"))))
    for name in (maker, taker, other):
        for asset in (gives, gets):
            if (name, asset) not in world.accounts:
                world.open("nbk" if name.startswith("exchange") else "bank", name, asset)
    sides = [(asset, format_amount(draw(st.integers(1, 99)), world.ASSETS[asset][1]))
             for asset in (gives, gets)]  # fmt: skip
    jws = quote(world, *sides, maker=maker)
    to = world.accounts[draw(st.sampled_from((taker, taker, other))), gives]
    return taker, {"from_": world.accounts[taker, gets], "to": to, "quote": jws}


def _try_convert(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    """A till's request, converted by whatever quote; half of them in good order."""
    total = format_amount(draw(st.integers(1, 99)), 2)
    name = draw(st.sampled_from(("till-cafe", "till-market", "till-market-in")))
    asset = draw(st.sampled_from(("KZTD", "KZTD", "tUSDT")))
    request = Sale(asset=asset, till=name, total=total).request(world)
    if draw(st.booleans()):
        taker, members = _some_quote(draw, world)
        return taker, {"from_": members["from_"], "quote": members["quote"], "request": request}
    payer = draw(st.sampled_from(("aigul", "cafe", "guest", "market")))
    maker = draw(st.sampled_from(("cafe", "exchange", "exchange", "market")))
    jws = quote(world, ("KZTD", total), ("tUSDT", "0.000100"), maker=maker)
    return payer, {"from_": world.accounts[payer, "tUSDT"], "quote": jws, "request": request}


def _try_venue(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    venue = world.parties[draw(st.sampled_from(("cafe", "exchange", "exchange", "exchange2")))]
    status = draw(st.sampled_from(("active", "active", "suspended")))
    return "afsa", {"venue": venue, "assets": ["tUSDT", "tBTC"], "status": status}


TRIES: dict[str, Any] = {
    "venue/1": _try_venue,
    "exchange/1": _some_quote,
    "convert_pay/1": _try_convert,
    "deliver/1": _some_quote,
}
