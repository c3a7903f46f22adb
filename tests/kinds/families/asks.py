"""Split payments and requests to pay: split/1, ask/1, ask_pay/1, ask_decline/1, ask_withdraw/1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from ledger.core.amount import format_amount, parse_amount
from ledger.core.ids import unb64
from ledger.writer.answers import Answer
from tests.builders import DAY, HOUR, World, derived, pack_text
from tests.kinds.sample import Sample
from tests.kinds.table import NOBODY, C, account, bad, issue_account, party
from tests.rules.till import Sale

AHEAD = 60 * DAY

OPEN_MAX = """
[[rule]]
rule = "asks_open/1"
valid_from = 2023-04-01
status = "HYPOTHETICAL"
source = "D2"
parameters = {{ open_max = {open_max} }}
"""
"""A row by which a payee has only so many open asks before a payer."""


def shares_of(world: World, *rows: tuple[str, str], asset: str = "KZTD") -> list[dict[str, str]]:
    """Shares for these people, of these amounts."""
    return [{"to": world.accounts[name, asset], "amount": amount} for name, amount in rows]


def ask(world: World, payee: str = "cafe", asked: str = "aigul", **members: Any) -> str:
    """Ask somebody for 1,290.00 tenge unless said otherwise; the ask's id."""
    made = {
        "to": world.accounts[payee, "KZTD"], "amount": "1290.00", "reference": "INV-17",
        "ends_at": world.door.time() + AHEAD, "payer": world.parties[asked],
    } | members  # fmt: skip
    return derived(world.do(payee, "ask/1", **made), "ask")


def pay(world: World, id: str, payer: str = "aigul", asset: str = "KZTD") -> str:
    """Pay an ask; the signed bytes."""
    return world.do(payer, "ask_pay/1", ask=id, from_=world.accounts[payer, asset])


def _a_split(world: World) -> dict[str, Any]:
    shares = shares_of(world, ("daniyar", "100.00"), ("guest", "0.01"), ("cafe", "1189.99"))
    return {"from_": world.accounts["aigul", "KZTD"], "amount": "1290.00", "shares": shares}


def _an_ask(world: World) -> dict[str, Any]:
    return {
        "to": world.accounts["cafe", "KZTD"], "amount": "1290.00", "reference": "INV-17",
        "ends_at": world.door.time() + AHEAD, "payer": world.parties["aigul"],
    }  # fmt: skip


def _asked(name: str) -> Callable[[World], None]:
    return lambda world: setattr(world, name, ask(world))


SAMPLES = {
    "split/1": Sample("aigul", _a_split),
    "ask/1": Sample("cafe", _an_ask, ("ask",)),
    "ask_pay/1": Sample(
        "aigul",
        lambda w: {"ask": w.to_pay, "from_": w.accounts["aigul", "KZTD"]},
        before=_asked("to_pay"),
    ),
    "ask_decline/1": Sample(
        "aigul", lambda w: {"ask": w.to_decline}, before=_asked("to_decline")
    ),
    "ask_withdraw/1": Sample(
        "cafe", lambda w: {"ask": w.to_take_back}, before=_asked("to_take_back")
    ),
}  # fmt: skip


def everything(world: World) -> None:
    """Asks that are paid and half given back, declined, taken back, and one that will expire."""
    shares = shares_of(world, ("daniyar", "3.00"), ("cafe", "4.00"), ("market", "0.01"))
    world.do("aigul", "split/1", from_=world.accounts["aigul", "KZTD"], amount="7.01",
             shares=shares)  # fmt: skip
    id = ask(world)
    pay(world, id)
    world.do("cafe", "refund/1", payment=id, from_=world.accounts["cafe", "KZTD"],
             to=world.accounts["aigul", "KZTD"], amount="645.00")  # fmt: skip
    world.do("aigul", "ask_decline/1", ask=ask(world))
    world.do("cafe", "ask_withdraw/1", ask=ask(world))
    coins = ask(world, "daniyar", to=world.accounts["daniyar", "tUSDT"], amount="2.000000")
    pay(world, coins, asset="tUSDT")
    ask(world, ends_at=world.door.time() + HOUR)


# Refusals -----------------------------------------------------------------------------------------


def _shares(*rows: tuple[str, str], asset: str = "KZTD") -> Callable[[World], Any]:
    return lambda world: shares_of(world, *rows, asset=asset)


def _share_to(to: Any, amount: Any = "1190.00", **more: Any) -> Callable[[World], Any]:
    def made(world: World) -> Any:
        first = shares_of(world, ("daniyar", "100.00"))
        return [*first, {"to": to(world) if callable(to) else to, "amount": amount} | more]

    return made


def _many(count: int) -> Callable[[World], Any]:
    def made(world: World) -> Any:
        names = [name for name, asset in world.accounts if asset == "KZTD"]
        return shares_of(world, *((names[n % len(names)], "1.00") for n in range(count)))

    return made


def _empty_purse(world: World) -> None:
    held = world.door.load(("account", _bytes(world.accounts["aigul", "KZTD"]))).balance
    rest = format_amount(held - 1_289_99, 2)
    world.do("aigul", "transfer/1", from_=world.accounts["aigul", "KZTD"],
             to=world.accounts["bank", "KZTD"], amount=rest)  # fmt: skip


def _bytes(id: str) -> bytes:
    return unb64(id, 16)


def _crowded(world: World) -> None:
    """Two asks wait already, as many as the pack admits."""
    ask(world)
    ask(world, payer=None, from_=world.accounts["aigul", "KZTD"])
    world.do("nbk", "pack/1", text=pack_text() + OPEN_MAX.format(open_max=2))


SPLIT = [
    bad("from another's account", C.NO_AUTHORITY, "daniyar"),
    bad("from no account", C.NO_AUTHORITY, from_=NOBODY),
    bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    bad("to no account", C.ACCOUNT_UNKNOWN, shares=_share_to(NOBODY)),
    bad("to where money is issued", C.ACCOUNT_KIND, shares=_share_to(issue_account("KZTD"))),
    bad("to oneself too", C.SAME_ACCOUNT, shares=_share_to(account("aigul", "KZTD"))),
    bad("in two assets", C.ASSET_DIFFERS, shares=_share_to(account("guest", "tUSDT"))),
    bad("twice to one account", C.PAYEE_TWICE, shares=_share_to(account("daniyar", "KZTD"))),
    bad("a tiyn short", C.SHARES_SUM, amount="1289.99"),
    bad("a tiyn over", C.SHARES_SUM, amount="1290.01"),
    bad("more than there is, together", C.FUNDS, before=_empty_purse),
    bad("more than there is", C.FUNDS, amount="90000000000.00",
        shares=_share_to(account("guest", "KZTD"), "89999999900.00")),
    bad("crypto to a merchant", C.ZONE_OUTSIDE, amount="2.000000",
        from_=account("aigul", "tUSDT"),
        shares=_shares(("cafe", "1.000000"), ("guest", "1.000000"), asset="tUSDT")),
    bad("one share", "payload.member", amount="1290.00", shares=_shares(("daniyar", "1290.00"))),
    bad("no share", "payload.member", shares=[]),
    bad("33 shares", "payload.member", amount="33.00", shares=_many(33)),
    bad("32 shares, some again", C.PAYEE_TWICE, amount="32.00", shares=_many(32)),
    bad("a share of nothing", "amount.zero", shares=_share_to(account("guest", "KZTD"), "0.00")),
    bad("a share below nothing", "amount.form",
        shares=_share_to(account("guest", "KZTD"), "-1.00")),
    bad("a share in milli-tenge", "amount.form",
        shares=_share_to(account("guest", "KZTD"), "1190.000")),
    bad("a share of 2**63", "amount.range",
        shares=_share_to(account("guest", "KZTD"), "92233720368547758.08")),
    bad("a share with a note", "payload.member",
        shares=_share_to(account("guest", "KZTD"), note="for tea")),
    bad("a share's number", "payload.member", shares=_share_to(account("guest", "KZTD"), 1190)),
    bad("an amount of another form", "amount.form", amount="1290"),
    bad("an id spelled otherwise", "id.base64", shares=_share_to("A" * 21 + "B")),
]  # fmt: skip

ASK = [
    bad("to be paid to another's account", C.NO_AUTHORITY, to=account("market", "KZTD")),
    bad("to no account", C.NO_AUTHORITY, to=NOBODY),
    bad("by another than its owner", C.NO_AUTHORITY, "market"),
    bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    bad("to where one issues money", C.ACCOUNT_KIND, "exchange", to=issue_account("tUSDT")),
    bad("of nobody", C.PARTY_UNKNOWN, payer=NOBODY),
    bad("of no account", C.ACCOUNT_UNKNOWN, payer=None, from_=NOBODY),
    bad("of where money is issued", C.ACCOUNT_KIND, payer=None, from_=issue_account("KZTD")),
    bad("of an account of another asset", C.ASSET_DIFFERS, payer=None,
        from_=account("aigul", "tUSDT")),
    bad("of oneself", C.TARGET_NOT_ADMITTED, payer=party("cafe")),
    bad("of one's own account", C.TARGET_NOT_ADMITTED, payer=None, from_=account("cafe", "KZTD")),
    bad("that ends now", C.DATES_CONFLICT, ends_at=lambda w: w.door.time()),
    bad("that has ended", C.DATES_CONFLICT, ends_at=lambda w: w.door.time() - 1),
    bad("that waits too long", C.DATES_CONFLICT, ends_at=lambda w: w.door.time() + 90 * DAY + 1),
    bad("of a party and an account", "payload.member", from_=account("aigul", "KZTD")),
    bad("of neither", "payload.member", payer=None),
    bad("for nothing", "amount.zero", amount="0.00"),
    bad("in milli-tenge", "amount.form", amount="1.000"),
    bad("for 2**63", "amount.range", amount="92233720368547758.08"),
    bad("for a number", "payload.member", amount=1290),
    bad("without a reference", "payload.member", reference=""),
    bad("with a letter for a reference", "payload.member", reference="A" * 65),
    bad("with a name in Cyrillic", "payload.member", reference="Айгүл"),
    bad("with a newline", "payload.member", reference="INV-17\n"),
    bad("without an end", "payload.member", ends_at=None),
    bad("an id spelled otherwise", "id.base64", payer="A" * 21 + "B"),
    bad("of whom too much is asked", C.ASKS_OPEN_MAX, before=_crowded),
    bad("of an account of whom too much is asked", C.ASKS_OPEN_MAX, before=_crowded, payer=None,
        from_=account("aigul", "KZTD")),
]  # fmt: skip


def _over(what: str) -> Callable[[World], None]:
    """Every sample's ask comes to this end."""
    kinds = {
        "paid": ("aigul", "ask_pay/1"), "declined": ("aigul", "ask_decline/1"),
        "withdrawn": ("cafe", "ask_withdraw/1"),
    }  # fmt: skip

    def play(world: World) -> None:
        for id in (world.to_pay, world.to_decline, world.to_take_back):
            signer, kind = kinds[what]
            more = {"from_": world.accounts["aigul", "KZTD"]} if what == "paid" else {}
            world.do(signer, kind, ask=id, **more)

    return play


def _expired(world: World) -> None:
    world.door.at += AHEAD
    for id in (world.to_pay, world.to_decline, world.to_take_back):
        due = world.door.load(("object", "ask", _bytes(id))).due
        world.do("operator", "expire/1", type="ask", key=id, due=due)


_ANSWERS = [
    bad("of nothing", C.ASK_UNKNOWN, ask=NOBODY),
    bad("of an object of another type", C.ASK_UNKNOWN, ask=lambda w: w.zone),
    bad("what is paid", C.STATUS_CONFLICT, before=_over("paid")),
    bad("what is declined", C.STATUS_CONFLICT, before=_over("declined")),
    bad("what is taken back", C.STATUS_CONFLICT, before=_over("withdrawn")),
    bad("what has expired", C.STATUS_CONFLICT, before=_expired),
    bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    bad("an id spelled otherwise", "id.base64", ask="A" * 21 + "B"),
    bad("a short id", "payload.member", ask="A" * 21),
    bad("a number for an id", "payload.member", ask=7),
    bad("with a word to it", "payload.member", note="later"),
]
"""What everyone who answers an ask is refused for."""


def _of_crypto(payee: str) -> Callable[[World], str]:
    return lambda world: ask(world, payee, to=world.accounts[payee, "tUSDT"], amount="2.000000")


REFUSALS = {
    "split/1": SPLIT,
    "ask/1": ASK,
    "ask_pay/1": [
        *_ANSWERS,
        bad("by a stranger", C.ASK_UNKNOWN, "daniyar", from_=account("daniyar", "KZTD")),
        bad("by who asks", C.ASK_UNKNOWN, "cafe", from_=account("cafe", "KZTD")),
        bad("from another's account", C.NO_AUTHORITY, from_=account("daniyar", "KZTD")),
        bad("from no account", C.NO_AUTHORITY, from_=NOBODY),
        bad("in another asset", C.ASSET_DIFFERS, from_=account("aigul", "tUSDT")),
        bad("without the money", C.FUNDS, ask=lambda w: ask(w, amount="90000000000.00")),
        bad("a merchant in crypto", C.ZONE_OUTSIDE, ask=_of_crypto("cafe"),
            from_=account("aigul", "tUSDT")),
    ],
    "ask_decline/1": [
        *_ANSWERS,
        bad("by a stranger", C.ASK_UNKNOWN, "daniyar"),
        bad("by who asks", C.ASK_UNKNOWN, "cafe"),
    ],
    "ask_withdraw/1": [
        *_ANSWERS,
        bad("by a stranger", C.ASK_UNKNOWN, "market"),
        bad("by who is asked", C.ASK_UNKNOWN, "aigul"),
    ],
}  # fmt: skip


# The zone -----------------------------------------------------------------------------------------


def by_split(world: World, sale: Sale, scene: Any) -> Answer:
    """The payer sends the money straight to the merchant, and one unit to the exchange beside."""
    scene(world)
    scale = world.ASSETS[sale.asset][1]
    units = parse_amount(sale.units(world), scale)
    amounts = [format_amount(each, scale) for each in (units + 1, units, 1)]
    other = "bank" if sale.payee() == "exchange" else "exchange"
    shares = shares_of(world, (sale.payee(), amounts[1]), (other, amounts[2]), asset=sale.asset)
    return world.offer(world.sign(sale.payer, "split/1", amount=amounts[0], shares=shares,
                                  from_=world.accounts[sale.payer, sale.asset]))  # fmt: skip


def by_ask(world: World, sale: Sale, scene: Any) -> Answer:
    """The merchant asks the payer for the money, and the payer pays after the scene."""
    payee = sale.payee()
    id = ask(world, payee, sale.payer, to=world.accounts[payee, sale.asset],
             amount=sale.units(world))  # fmt: skip
    scene(world)
    return world.offer(world.sign(sale.payer, "ask_pay/1", ask=id,
                                  from_=world.accounts[sale.payer, sale.asset]))  # fmt: skip


MOVES = {"split/1": (by_split,), "ask_pay/1": (by_ask,)}
JUDGED_AS = {"by_split": "by_transfer", "by_ask": "by_transfer"}
STILL = frozenset({"ask/1", "ask_decline/1", "ask_withdraw/1"})

_HOLDERS = ("aigul", "cafe", "daniyar", "exchange", "guest", "market")


def _try_split(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    payer, *payees = draw(st.permutations(_HOLDERS))
    asset = draw(st.sampled_from(("tBTC", "tUSDT")))
    scale = world.ASSETS[asset][1]
    units = draw(st.lists(st.integers(1, 99), min_size=2, max_size=5))
    rows = [(name, format_amount(each, scale)) for name, each in zip(payees, units, strict=False)]
    total = format_amount(sum(units[: len(rows)]), scale)
    return payer, {"from_": world.accounts[payer, asset], "amount": total,
                   "shares": shares_of(world, *rows, asset=asset)}  # fmt: skip


def _try_pay(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    payer, payee = draw(st.permutations(_HOLDERS))[:2]
    asset = draw(st.sampled_from(("tBTC", "tUSDT")))
    amount = format_amount(draw(st.integers(1, 9_999)), world.ASSETS[asset][1])
    id = ask(world, payee, payer, to=world.accounts[payee, asset], amount=amount)
    return payer, {"ask": id, "from_": world.accounts[payer, asset]}


TRIES: dict[str, Any] = {
    name: lambda draw, world, name=name: (SAMPLES[name].signer, SAMPLES[name].members(world))
    for name in SAMPLES
} | {"split/1": _try_split, "ask_pay/1": _try_pay}
