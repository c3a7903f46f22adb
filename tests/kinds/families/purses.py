"""Offline purses: purse/1, purse_load/1, purse_deposit/1, purse_unload/1, purse_fraud/1,
purse_block/1, and expire/1 of a purse."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

from msgspec.structs import replace

from ledger.core.ids import b64
from ledger.core.objects import Object
from ledger.core.offline import Chain, Link
from ledger.rules.pack import pack_in_force
from ledger.writer.answers import Answer
from tests.builders import DAY, HOUR, World, key_of
from tests.kinds.devices import Device, blank, text_of
from tests.kinds.pure import public
from tests.kinds.sample import Sample
from tests.kinds.table import AMOUNTS, NOBODY, C, account, bad, issue_account, pack_now
from tests.rules.till import Sale

RULE = """
[[rule]]
rule = "purse/1"
valid_from = 2025-05-29
status = "HYPOTHETICAL"
source = "N5"
parameters = { purse_max = "100000.00", payment_max = "50000.00", hops_max = 3, \
term_max_s = 5184000, grace_s = 864000, bearer = "issuing_bank" }
"""
GRACE = 10 * DAY
TERM = 30 * DAY


def admit(world: World, rule: str = RULE) -> None:
    """Put a pack in force that admits purses, with all that is in force now."""
    text = pack_now(world)
    if 'rule = "purse/1"' not in text:
        world.do("nbk", "pack/1", text=text.rstrip() + "\n" + rule)


def terms(world: World, name: str, **other: Any) -> dict[str, Any]:
    """Members of a purse for the named one."""
    return {
        "home": world.accounts[name, "KZTD"], "covers": world.accounts["bank", "KZTD"],
        "device": Device(world, name).public, "payment_max": "20000.00", "purse_max": "50000.00",
        "hops": 3, "ends_at": world.door.time() + TERM,
    } | other  # fmt: skip


def make(world: World, name: str, load: str = "", **other: Any) -> Device:
    """A purse for the named one, with so much on it; the device."""
    world.do("bank", "purse/1", **terms(world, name, **other))
    device = Device(world, name)
    if load:
        world.do(name, "purse_load/1", from_=world.accounts[name, "KZTD"], purse=device.text,
                 amount=load)  # fmt: skip
    return device


def purse(world: World, device: Device) -> Object:
    """The purse as the ledger has it."""
    found: Object = world.door.load(("object", "purse", device.id))
    return found


def deposit(world: World, chain: Chain, signer: str = "market") -> Answer:
    """Offer a chain."""
    return world.offer(world.sign(signer, "purse_deposit/1", chain=text_of(chain)))


def expire(world: World, device: Device) -> None:
    """Let the purse's time come, and end it as the writer does."""
    due = purse(world, device).due
    assert due is not None
    world.door.at = due
    world.do("operator", "expire/1", type="purse", key=device.text, due=due)


def _prepare(world: World) -> None:
    """Three purses, two of them loaded; a payment over two hops, one emptied, two that clash."""
    if hasattr(world, "devices"):
        return
    admit(world)
    aigul, daniyar = make(world, "aigul", "5000.00"), make(world, "daniyar", "5000.00")
    guest = make(world, "guest")
    world.devices = {"aigul": aigul, "daniyar": daniyar, "guest": guest}
    world.first = aigul.pay(daniyar.text, 1_290_00)
    world.second = daniyar.pay(guest.text, 290_00, world.first)
    world.brought = aigul.pay(daniyar.text, 10_00)
    world.do("daniyar", "purse_deposit/1", chain=text_of(world.brought))
    world.emptied = daniyar.pay(world.accounts["daniyar", "KZTD"], 1000_00, world.first)
    world.clash = daniyar.pay(guest.text, 50_00), daniyar.again(guest.text, 60_00)


SAMPLES = {
    "purse/1": Sample("bank", lambda w: terms(w, "cafe"), before=_prepare),
    "purse_load/1": Sample(
        "aigul",
        lambda w: {"from_": w.accounts["aigul", "KZTD"], "purse": w.devices["aigul"].text,
                   "amount": "1290.00"},
        before=_prepare,
    ),
    "purse_deposit/1": Sample("guest", lambda w: {"chain": text_of(w.second)}, before=_prepare),
    "purse_unload/1": Sample("daniyar", lambda w: {"chain": text_of(w.emptied)}, before=_prepare),
    "purse_block/1": Sample(
        "aigul", lambda w: {"purse": w.devices["aigul"].text}, before=_prepare
    ),
    "purse_fraud/1": Sample(
        "guest",
        lambda w: {"one": text_of(w.clash[0]), "other": text_of(w.clash[1])},
        before=_prepare,
    ),
}  # fmt: skip


def everything(world: World) -> None:
    """Purses that pay over two hops, are emptied, cheat and are covered, and one that closes."""
    admit(world)
    world.register("bank", "guest of purses", "person", 2)
    world.open("bank", "guest of purses", "KZTD")
    aigul, daniyar = make(world, "aigul", "500.00"), make(world, "daniyar", "40.00")
    guest = make(world, "guest of purses", ends_at=world.door.time() + HOUR)
    first = aigul.pay(daniyar.text, 300_00)
    second = daniyar.pay(guest.text, 100_00, first)
    world.do("market", "purse_deposit/1", chain=text_of(second))
    emptied = daniyar.pay(world.accounts["daniyar", "KZTD"], 200_00, first)
    world.do("daniyar", "purse_unload/1", chain=text_of(emptied))
    cheated = aigul.again(world.accounts["cafe", "KZTD"], 500_00)
    world.do("cafe", "purse_deposit/1", chain=text_of(cheated))
    clash = daniyar.pay(guest.text, 20_00), daniyar.again(guest.text, 30_00)
    lost = make(world, "market")
    world.do("bank", "purse_block/1", purse=lost.text)
    world.do("market", "purse_fraud/1", one=text_of(clash[0]), other=text_of(clash[1]))


Play = Callable[[World], Any]


def _closed(*names: str) -> Play:
    return lambda world: [expire(world, world.devices[name]) for name in names]


def _frozen(name: str) -> Play:
    def play(world: World) -> None:
        device = world.devices[name]
        one, other = device.again(NOBODY, 1), device.again(NOBODY, 2)
        world.do("market", "purse_fraud/1", one=text_of(one), other=text_of(other))

    return play


def _with(change: Callable[[World], Chain]) -> Callable[[World], str]:
    return lambda world: text_of(change(world))


def _first(**other: Any) -> Callable[[World], str]:
    """Aigul's next payment to Daniyar, with these members otherwise."""

    def made(world: World) -> str:
        aigul, to = world.devices["aigul"], world.devices["daniyar"].text
        found = {name: value(world) if callable(value) else value for name, value in other.items()}
        return text_of(aigul.again(to, found.pop("amount", 5_00), **found))

    return made


def _to(payee: Callable[[World], str]) -> Callable[[World], str]:
    return lambda world: text_of(world.devices["aigul"].again(payee(world), 5_00))


def _signed_by(name: str) -> Callable[[World], str]:
    """Aigul's payment with somebody else's signature."""

    def made(world: World) -> str:
        link = world.first.links[0]
        signature = key_of(name).sign(link.payment.signed(world.first.ledger))
        payment = replace(link.payment, signature=signature)
        return text_of(replace(world.first, links=(replace(link, payment=payment),)))

    return made


def _unknown(world: World) -> str:
    return text_of(Device(world, "nobody").again(world.devices["guest"].text, 5_00))


def _other_ledger(world: World) -> str:
    device = Device(world, "aigul")
    link = world.first.links[0]
    signature = device.key.sign(link.payment.signed(b"another ledger!!"))
    links = (Link(blank(device.key.public_key), replace(link.payment, signature=signature)),)
    return text_of(Chain(b"another ledger!!", links))


def _three_and_one(world: World) -> str:
    """Over four devices: the last is a hop too many."""
    chain, names = world.second, ("guest", "aigul", "daniyar")
    for name, to in pairwise(names):
        chain = world.devices[name].again(world.devices[to].text, 10_00, chain)
    return text_of(chain)


def _few_hops(world: World) -> str:
    """Of a purse that may pay only what was loaded on it."""
    short = make(world, "market", hops=1)
    paid = world.devices["aigul"].again(short.text, 5_00)
    return text_of(short.again(world.devices["guest"].text, 5_00, paid))


def _forms(member: str) -> list[Any]:
    """Rows for what is no chain."""
    good = text_of
    return [
        bad("no chain", "payload.member", **{member: ""}),
        bad("a number for a chain", "payload.member", **{member: 7}),
        bad("too long a text", "payload.member", **{member: "A" * 2_049}),
        bad("a chain spelled otherwise", "id.base64", **{member: "AB"}),
        bad("a chain in other letters", "id.base64", **{member: "чек"}),
        bad("another form", "offline.form",
            **{member: lambda w: b64(b"\x04" + w.first.to_bytes()[1:])}),
        bad("a byte too few", "offline.size",
            **{member: lambda w: b64(w.first.to_bytes()[:-1])}),
        bad("a byte too many", "offline.size",
            **{member: lambda w: b64(w.first.to_bytes() + b"\0")}),
        bad("no links", "offline.hops", **{member: lambda w: b64(w.first.to_bytes()[:17] + b"\0")}),
        bad("signed by another device", "bad_signature", **{member: _signed_by("guest device")}),
        bad("on another ledger", C.LEDGER_OTHER, **{member: _other_ledger}),
        bad("links that do not hang together", "offline.payee",
            **{member: lambda w: good(replace(w.first, links=w.first.links * 2))}),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    ]  # fmt: skip


def _settled(world: World) -> None:
    world.do("guest", "purse_deposit/1", chain=text_of(world.second))
    world.do("daniyar", "purse_unload/1", chain=text_of(world.emptied))


def _wide(member: str, value: Any) -> Any:
    return bad(f"a wider {member} than the pack's", C.PURSE_TERMS, **{member: value})


def _narrow(world: World) -> None:
    """A pack that admits two hops."""
    world.do("nbk", "pack/1", text=pack_now(world).replace("hops_max = 3", "hops_max = 2"))


def _barred(world: World) -> None:
    """A pack that says nothing of purses."""
    world.do("nbk", "pack/1", text=pack_now(world).replace(RULE.strip(), ""))


def _late(world: World) -> None:
    world.door.at = purse(world, world.devices["aigul"]).body.ends_at


REFUSALS = {
    "purse/1": [
        bad("by a person", C.ROLE_NOT_ADMITTED, "aigul"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("for nobody's wallet", C.NO_AUTHORITY, home=NOBODY),
        bad("for no client of the bank", C.NO_AUTHORITY, home=account("exchange", "KZTD")),
        bad("for an issue account", C.NO_AUTHORITY, home=issue_account("KZTD")),
        bad("for a purse", C.ACCOUNT_KIND, home=lambda w: w.devices["aigul"].text),
        bad("that a client covers", C.NO_AUTHORITY, covers=account("cafe", "KZTD")),
        bad("that nobody covers", C.NO_AUTHORITY, covers=NOBODY),
        bad("for crypto", C.OFFLINE_NOT_ADMITTED, home=account("cafe", "tUSDT")),
        bad("covered in crypto", C.ASSET_DIFFERS, covers=account("bank", "tUSDT")),
        bad("where the pack knows none", C.OFFLINE_NOT_ADMITTED, before=_barred),
        bad("a device that has one", C.ALREADY_REGISTERED, device=public("aigul device")),
        bad("a party's key", C.ALREADY_REGISTERED, device=public("aigul")),
        bad("a till's key", C.ALREADY_REGISTERED, device=public("till-cafe")),
        _wide("payment_max", "50000.01"), _wide("purse_max", "100000.01"),
        bad("more hops than the pack's", C.PURSE_TERMS, before=_narrow),
        bad("that ends now", C.DATES_CONFLICT, ends_at=lambda w: w.door.time()),
        bad("that ends too late", C.DATES_CONFLICT, ends_at=lambda w: w.door.time() + 60 * DAY + 1),
        bad("of no hops", "payload.member", hops=0),
        bad("of four hops", "payload.member", hops=4),
        bad("a maximum of nothing", "amount.zero", payment_max="0.00"),
        bad("a maximum in another form", "amount.form", purse_max="5e4"),
        bad("a key of 31 bytes", "payload.member", device="A" * 42),
        bad("a key spelled otherwise", "id.base64", device="A" * 42 + "B"),
        bad("a key that is no point", "key.point", device="A" * 43),
    ],
    "purse_load/1": [
        bad("from somebody else's wallet", C.NO_AUTHORITY, from_=account("daniyar", "KZTD")),
        bad("from nobody's", C.NO_AUTHORITY, from_=NOBODY),
        bad("by somebody else", C.NO_AUTHORITY, "daniyar"),
        bad("somebody else's purse", C.NO_AUTHORITY, purse=lambda w: w.devices["guest"].text),
        bad("no purse", C.PURSE_UNKNOWN, purse=NOBODY),
        bad("a wallet", C.PURSE_UNKNOWN, purse=account("aigul", "KZTD")),
        bad("from the purse", C.ACCOUNT_KIND, from_=lambda w: w.devices["aigul"].text),
        bad("with crypto", C.OFFLINE_NOT_ADMITTED, from_=account("aigul", "tUSDT"),
            amount="1.000000"),
        bad("with a security token", C.OFFLINE_NOT_ADMITTED, from_=account("aigul", "tGOLD")),
        bad("where the pack knows none", C.OFFLINE_NOT_ADMITTED, before=_barred),
        bad("above its cap", C.PURSE_CAP, amount="45010.01"),
        bad("when its time is over", C.DATES_CONFLICT, before=_late),
        bad("when it is frozen", C.STATUS_CONFLICT, before=_frozen("aigul")),
        bad("when it is closed", C.STATUS_CONFLICT, before=_closed("aigul", "daniyar", "guest")),
        bad("more than there is", C.FUNDS, before=lambda w: w.do(
            "aigul", "transfer/1", from_=w.accounts["aigul", "KZTD"],
            to=w.accounts["daniyar", "KZTD"], amount="992000.00")),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *AMOUNTS,
    ],
    "purse_deposit/1": [
        bad("what was brought before", C.PAYMENT_SETTLED, chain=_with(lambda w: w.brought)),
        bad("once more", C.PAYMENT_SETTLED, before=_settled),
        bad("of no purse", C.PURSE_UNKNOWN, chain=_unknown),
        bad("from a closed purse", C.STATUS_CONFLICT, before=_closed("aigul", "daniyar", "guest")),
        bad("made after its end", C.DATES_CONFLICT,
            chain=_first(at=lambda w: purse(w, w.devices["aigul"]).body.ends_at)),
        bad("more than one payment may be", C.PURSE_CAP, chain=_first(amount=20000_01)),
        bad("more than was loaded", C.SOURCE_EXCEEDED, chain=_first(spent=4999_00)),
        bad("more than was received", C.SOURCE_EXCEEDED,
            chain=_with(lambda w: w.devices["daniyar"].again(
                w.devices["guest"].text, 1290_01, w.first, spent=0))),
        bad("out of a purse of one hop", C.HOPS, chain=_few_hops),
        bad("over four hops", "offline.hops", chain=_three_and_one),
        bad("to nobody", C.ACCOUNT_UNKNOWN, chain=_to(lambda w: NOBODY)),
        bad("to itself", C.SAME_ACCOUNT, chain=_to(lambda w: w.devices["aigul"].text)),
        bad("to an issue account", C.ACCOUNT_KIND, chain=_to(issue_account("KZTD"))),
        bad("to a wallet of crypto", C.ASSET_DIFFERS, chain=_to(account("cafe", "tUSDT"))),
        bad("to its own wallet", C.TARGET_NOT_ADMITTED, chain=_to(account("aigul", "KZTD"))),
        *_forms("chain"),
    ],
    "purse_unload/1": [
        bad("by somebody else", C.NO_AUTHORITY, "aigul"),
        bad("by the bank", C.NO_AUTHORITY, "bank"),
        bad("of no purse", C.PURSE_UNKNOWN, chain=_unknown),
        bad("to another's purse", C.TARGET_NOT_ADMITTED, "daniyar",
            chain=_with(lambda w: w.second)),
        bad("once more", C.PAYMENT_SETTLED, before=_settled),
        bad("when it is frozen", C.STATUS_CONFLICT, before=_frozen("daniyar")),
        bad("when it is closed", C.STATUS_CONFLICT, before=_closed("aigul", "daniyar", "guest")),
        bad("more than was received", C.SOURCE_EXCEEDED,
            chain=_with(lambda w: w.devices["daniyar"].again(
                w.accounts["daniyar", "KZTD"], 1290_01, w.first, spent=0))),
        bad("signed after its end", C.DATES_CONFLICT,
            chain=_with(lambda w: w.devices["daniyar"].again(
                w.accounts["daniyar", "KZTD"], 5_00,
                at=purse(w, w.devices["daniyar"]).body.ends_at))),
        *_forms("chain"),
    ],
    "purse_block/1": [
        bad("by somebody else", C.NO_AUTHORITY, "daniyar"),
        bad("by the central bank", C.NO_AUTHORITY, "nbk"),
        bad("by the exchange", C.NO_AUTHORITY, "exchange"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("of nothing", C.PURSE_UNKNOWN, purse=NOBODY),
        bad("of a wallet", C.PURSE_UNKNOWN, purse=account("aigul", "KZTD")),
        bad("twice", C.STATUS_CONFLICT, before=lambda w: w.do(
            "bank", "purse_block/1", purse=w.devices["aigul"].text)),
        bad("of one that cheated", C.STATUS_CONFLICT, before=_frozen("aigul")),
        bad("of a closed one", C.STATUS_CONFLICT, before=_closed("aigul", "daniyar", "guest")),
        bad("an id spelled otherwise", "id.base64", purse="A" * 21 + "B"),
        bad("a short id", "payload.member", purse="A" * 21),
        bad("a number for an id", "payload.member", purse=7),
    ],
    "purse_fraud/1": [
        bad("of one payment", C.NO_CONTRADICTION, one=_with(lambda w: w.clash[1])),
        bad("of two devices", C.NO_CONTRADICTION, one=_with(lambda w: w.first)),
        bad("of two honest payments", C.NO_CONTRADICTION, other=_with(lambda w: w.second)),
        bad("of no purse", C.PURSE_UNKNOWN, one=_unknown),
        bad("of a frozen purse", C.STATUS_CONFLICT, before=_frozen("daniyar")),
        bad("of a closed purse", C.STATUS_CONFLICT, before=_closed("aigul", "daniyar", "guest")),
        *_forms("one"),
        bad("no second", "payload.member", other=None),
        bad("a second by another device", "bad_signature", other=_signed_by("guest device")),
    ],
}  # fmt: skip


def by_load(world: World, sale: Sale, scene: Play) -> Answer:
    """Somebody puts tenge of their own on a purse of their own: no sale, and bound to no zone."""
    _prepare(world)
    scene(world)
    device = world.devices["daniyar"]
    if pack_in_force(world.door.state).in_force(world.door.at):
        admit(world)
        device = make(world, "cafe")
    owner = device.name
    return world.offer(world.sign(
        owner, "purse_load/1", from_=world.accounts[owner, "KZTD"], purse=device.text,
        amount="1.00",
    ))  # fmt: skip


def by_deposit(world: World, sale: Sale, scene: Play) -> Answer:
    """The merchant brings in what it was paid offline, in tenge as ever, before the scene."""
    _prepare(world)
    paid = world.devices["aigul"].again(world.accounts[sale.payee(), "KZTD"], 5_00)
    scene(world)
    return deposit(world, paid, sale.payee())


def by_unload(world: World, sale: Sale, scene: Play) -> Answer:
    """A person takes back what was received offline before the scene."""
    _prepare(world)
    scene(world)
    return world.offer(world.sign("daniyar", "purse_unload/1", chain=text_of(world.emptied)))


def by_end_of_purse(world: World, sale: Sale, scene: Play) -> Answer:
    """What is left on a purse goes home by the clock."""
    _prepare(world)
    device = world.devices["aigul"]
    scene(world)
    due = purse(world, device).due
    assert due is not None
    world.door.at = max(world.door.at, due)
    jws = world.sign("operator", "expire/1", type="purse", key=device.text, due=due)
    return world.offer(jws)


MOVES = {
    "purse_load/1": (by_load,),
    "purse_deposit/1": (by_deposit,),
    "purse_unload/1": (by_unload,),
    "expire/1": (by_end_of_purse,),
}
JUDGED_AS = {
    "by_load": "by_redeem",
    "by_deposit": "by_redeem",
    "by_unload": "by_redeem",
    "by_end_of_purse": "by_time",
}
STILL = frozenset({"purse/1", "purse_fraud/1", "purse_block/1"})


def _try_load(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    from hypothesis import strategies as st

    asset = draw(st.sampled_from(("KZTD", "tUSDT", "tBTC")))
    names = sorted(name for name, code in world.accounts if code == asset)
    device = draw(st.sampled_from([*world.devices.values()]))
    amount = {"tBTC": "0.00000099", "tUSDT": "1.000000", "KZTD": "1.00"}[asset]
    payer = draw(st.sampled_from(names))
    return payer, {
        "from_": world.accounts[payer, asset], "purse": device.text, "amount": amount,
    }  # fmt: skip


def _try_deposit(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    from hypothesis import strategies as st

    asset = draw(st.sampled_from(("KZTD", "tUSDT", "tBTC")))
    names = sorted(name for name, code in world.accounts if code == asset)
    payee = world.accounts[draw(st.sampled_from([*names, "cafe", "market"])), asset]
    device = draw(st.sampled_from([*world.devices.values()]))
    return "guest", {"chain": text_of(device.again(payee, draw(st.integers(1, 90_000))))}


TRIES: dict[str, Any] = {
    **{
        name: lambda draw, world, name=name: (SAMPLES[name].signer, SAMPLES[name].members(world))
        for name in ("purse/1", "purse_unload/1", "purse_fraud/1", "purse_block/1")
    },
    "purse_load/1": _try_load,
    "purse_deposit/1": _try_deposit,
}
