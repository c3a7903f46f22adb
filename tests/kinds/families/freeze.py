"""Orders of a court: freeze/1, unfreeze/1, forced_debit/1, seize/1, dispose/1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from ledger.core.ids import unb64
from ledger.writer.answers import Answer
from tests.builders import DAY, World, derived, pack_text
from tests.kinds.sample import Sample
from tests.kinds.table import AMOUNTS, NOBODY, C, account, bad, issue_account
from tests.rules.till import Sale

HOLDING = """
[[rule]]
rule = "frozen_income/1"
valid_from = 2023-04-01
status = "HYPOTHETICAL"
source = "N15"
parameters = { policy = "hold" }
"""
"""A row by which money for a frozen account is held."""

AFAR = (51_9000000, 47_1000000)
"""A place far from every other zone."""

LABEL = "order 2-1174-2030"


def freeze(world: World, account: str, policy: str = "accept") -> str:
    """Freeze an account as a pack with this policy does it; the held account's id if it opens one,
    which only the first freeze with `hold` does."""
    if policy == "hold":
        world.do("nbk", "pack/1", text=pack_text() + HOLDING)
    jws = world.do("afsa", "freeze/1", account=account, order=LABEL)
    if policy == "hold":
        world.do("nbk", "pack/1", text=pack_text())
    return derived(jws, "held")


def resident(world: World, name: str, *assets: str) -> None:
    """A new client of the bank with accounts and some money in each."""
    world.register("bank", name, "person", 2)
    for asset in assets:
        world.open("bank", name, asset)
        fund(world, world.accounts[name, asset], asset)


def fund(world: World, to: str, asset: str) -> None:
    """Nine whole units to an account."""
    source = "bank" if asset == "KZTD" else "exchange"
    amount = "9." + "0" * world.ASSETS[asset][1]
    world.do(source, "transfer/1", from_=world.accounts[source, asset], to=to, amount=amount)


def _to_freeze(world: World) -> None:
    resident(world, "arman", "KZTD", "tUSDT")


def _to_unfreeze(world: World) -> None:
    resident(world, "botagoz", "KZTD", "tUSDT")
    world.held = freeze(world, world.accounts["botagoz", "KZTD"], "hold")
    fund(world, world.accounts["botagoz", "KZTD"], "KZTD")


def _to_debit(world: World) -> None:
    resident(world, "serik", "KZTD", "tUSDT")
    freeze(world, world.accounts["serik", "KZTD"])


def _to_seize(world: World) -> None:
    resident(world, "dana", "KZTD", "tUSDT")


def _to_dispose(world: World) -> None:
    resident(world, "zhanar", "tUSDT", "tBTC")
    world.do("afsa", "seize/1", from_=world.accounts["zhanar", "tUSDT"], amount="5.000000",
             order=LABEL)  # fmt: skip


SAMPLES = {
    "freeze/1": Sample(
        "afsa", lambda w: {"account": w.accounts["arman", "KZTD"], "order": LABEL},
        ("held",), before=_to_freeze,
    ),
    "unfreeze/1": Sample(
        "afsa", lambda w: {"account": w.accounts["botagoz", "KZTD"], "order": LABEL},
        before=_to_unfreeze,
    ),
    "forced_debit/1": Sample(
        "afsa",
        lambda w: {"from_": w.accounts["serik", "KZTD"], "to": w.accounts["guest", "KZTD"],
                   "amount": "2.00", "order": LABEL},
        before=_to_debit,
    ),
    "seize/1": Sample(
        "afsa",
        lambda w: {"from_": w.accounts["dana", "tUSDT"], "amount": "2.000000", "order": LABEL},
        ("reserve",), before=_to_seize,
    ),
    "dispose/1": Sample(
        "nbk",
        lambda w: {"to": w.accounts["exchange", "tUSDT"], "amount": "2.000000", "order": LABEL},
        before=_to_dispose,
    ),
}  # fmt: skip


def everything(world: World) -> None:
    """A freeze that is lifted with money held, one that stays, a debit, a seizure, a disposal."""
    _to_freeze(world)
    _to_unfreeze(world)
    _to_debit(world)
    _to_seize(world)
    _to_dispose(world)
    if ("guest", "KZTD") not in world.accounts:
        resident(world, "guest", "KZTD")
    for kind, sample in SAMPLES.items():
        world.do(sample.signer, kind, **sample.members(world))


def _by(sample: str) -> Callable[[World], None]:
    """The kind's own sample, done before."""

    def play(world: World) -> None:
        one = SAMPLES[sample]
        world.do(one.signer, sample, **one.members(world))

    return play


def _frozen_by_another(world: World) -> str:
    world.do("afsa2", "freeze/1", account=world.accounts["arman", "KZTD"], order=LABEL)
    return world.accounts["arman", "KZTD"]


def _closed(name: str, asset: str) -> Callable[[World], None]:
    """As the kind that closes accounts leaves it."""

    def play(world: World) -> None:
        need = ("account", unb64(world.accounts[name, asset], 16))
        was = world.door.load(need)
        world.door.state.values[need] = msgspec.structs.replace(was, status="closed")

    return play


def _reserve(asset: str = "tUSDT") -> Callable[[World], str]:
    def find(world: World) -> str:
        found: str = world.door.load(("object", "reserve", asset.encode())).body.account
        return found

    return find


def _ids(member: str) -> list[Any]:
    return [
        bad("an id spelled otherwise", "id.base64", **{member: "A" * 21 + "B"}),
        bad("a short id", "payload.member", **{member: "A" * 21}),
        bad("a number for an id", "payload.member", **{member: 7}),
    ]


ORDERS = [
    bad("an order without a reference", "payload.member", order=""),
    bad("a reference of 65 characters", "payload.member", order="A" * 65),
    bad("a reference that is prose", "payload.member", order="against Mr. A., see annex"),
    bad("a reference of two lines", "payload.member", order="A\nB"),
    bad("a number for a reference", "payload.member", order=7),
]
UNITS = [
    bad("amount of nothing", "amount.zero", amount="0.000000"),
    bad("amount in another form", "amount.form", amount="1.0"),
    bad("amount below zero", "amount.form", amount="-1.000000"),
    bad("amount of 2**63", "amount.range", amount="9223372036854.775808"),
]

REFUSALS = {
    "freeze/1": [
        bad("of no account", C.ACCOUNT_UNKNOWN, account=NOBODY),
        bad("of what is outstanding", C.ACCOUNT_KIND, account=issue_account("KZTD")),
        bad("of what is held", C.ACCOUNT_KIND, account=lambda w: w.held),
        bad("of the reserve", C.ACCOUNT_KIND, account=_reserve()),
        bad("of an account that is frozen", C.STATUS_CONFLICT,
            account=account("botagoz", "KZTD")),
        bad("of an account that is closed", C.STATUS_CONFLICT, before=_closed("arman", "KZTD")),
        bad("twice", C.STATUS_CONFLICT, before=_by("freeze/1")),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("by the account's bank", C.ROLE_NOT_ADMITTED, "bank"),
        *ORDERS,
        *_ids("account"),
    ],
    "unfreeze/1": [
        bad("of no account", C.ACCOUNT_UNKNOWN, account=NOBODY),
        bad("of what is outstanding", C.ACCOUNT_KIND, account=issue_account("KZTD")),
        bad("of what is held", C.ACCOUNT_KIND, account=lambda w: w.held),
        bad("of an account that is open", C.STATUS_CONFLICT, account=account("guest", "KZTD")),
        bad("of an account that is closed", C.STATUS_CONFLICT, before=_closed("botagoz", "KZTD")),
        bad("twice", C.STATUS_CONFLICT, before=_by("unfreeze/1")),
        bad("of what another froze", C.NO_AUTHORITY, account=_frozen_by_another),
        bad("by another supervisor", C.NO_AUTHORITY, "afsa2"),
        bad("by the owner", C.ROLE_NOT_ADMITTED, "aigul"),
        bad("by the account's bank", C.ROLE_NOT_ADMITTED, "bank"),
        *ORDERS,
        *_ids("account"),
    ],
    "forced_debit/1": [
        bad("of no account", C.ACCOUNT_UNKNOWN, from_=NOBODY),
        bad("to no account", C.ACCOUNT_UNKNOWN, to=NOBODY),
        bad("of what is outstanding", C.ACCOUNT_KIND, from_=issue_account("KZTD")),
        bad("of the reserve", C.ACCOUNT_KIND, from_=_reserve()),
        bad("out of being", C.ACCOUNT_KIND, to=issue_account("KZTD")),
        bad("to what is held", C.ACCOUNT_KIND, to=lambda w: w.held),
        bad("of an account that is closed", C.ACCOUNT_NOT_OPEN, before=_closed("serik", "KZTD")),
        bad("to an account that is closed", C.ACCOUNT_NOT_OPEN, before=_closed("guest", "KZTD")),
        bad("of crypto", C.ASSET_NOT_ADMITTED, from_=account("serik", "tUSDT")),
        bad("to crypto", C.ASSET_DIFFERS, to=account("guest", "tUSDT")),
        bad("to itself", C.TARGET_NOT_ADMITTED, to=account("serik", "KZTD")),
        bad("from what is held to its owner", C.TARGET_NOT_ADMITTED,
            from_=lambda w: w.held, to=account("botagoz", "KZTD")),
        bad("of more than there is", C.FUNDS, amount="9.01"),
        bad("by the creditor", C.ROLE_NOT_ADMITTED, "aigul"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        *AMOUNTS,
        *ORDERS,
        *_ids("from_"),
        *_ids("to"),
    ],
    "seize/1": [
        bad("of no account", C.ACCOUNT_UNKNOWN, from_=NOBODY),
        bad("of what is outstanding", C.ACCOUNT_KIND, from_=issue_account("tUSDT")),
        bad("of what is seized", C.ACCOUNT_KIND, from_=_reserve()),
        bad("of an account that is closed", C.ACCOUNT_NOT_OPEN, before=_closed("dana", "tUSDT")),
        bad("of tenge", C.ASSET_NOT_ADMITTED, from_=account("dana", "KZTD"), amount="1.00"),
        bad("of tenge that is held", C.ASSET_NOT_ADMITTED, from_=lambda w: w.held),
        bad("of more than there is", C.FUNDS, amount="9.000001"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("by the exchange", C.ROLE_NOT_ADMITTED, "exchange"),
        *UNITS,
        *ORDERS,
        *_ids("from_"),
    ],
    "dispose/1": [
        bad("to no account", C.ACCOUNT_UNKNOWN, to=NOBODY),
        bad("out of being", C.ACCOUNT_KIND, to=issue_account("tUSDT")),
        bad("to the reserve", C.ACCOUNT_KIND, to=_reserve()),
        bad("to a person", C.TARGET_NOT_ADMITTED, to=account("guest", "tUSDT")),
        bad("to a merchant", C.TARGET_NOT_ADMITTED, to=account("cafe", "tUSDT")),
        bad("to a bank", C.TARGET_NOT_ADMITTED, to=account("bank", "tUSDT")),
        bad("to an account that is closed", C.ACCOUNT_NOT_OPEN,
            before=_closed("exchange", "tUSDT")),
        bad("of an asset that was never seized", C.ACCOUNT_UNKNOWN,
            to=account("exchange", "tBTC"), amount="1.00000000"),
        bad("of tenge", C.ACCOUNT_UNKNOWN, to=account("exchange", "KZTD"), amount="1.00"),
        bad("of more than there is", C.FUNDS, amount="5.000001"),
        bad("by who seized it", C.ROLE_NOT_ADMITTED, "afsa"),
        bad("by the exchange", C.ROLE_NOT_ADMITTED, "exchange"),
        *UNITS,
        *ORDERS,
        *_ids("to"),
    ],
}  # fmt: skip


def _freeze_payee(world: World, sale: Sale, policy: str) -> None:
    """The account that is to be paid is frozen before the scene."""
    found = world.accounts.get((sale.payee(), sale.asset))
    if found is not None:
        freeze(world, found, policy)


def by_pay_to_frozen(world: World, sale: Sale, scene: Any) -> Answer:
    """The till asks for a merchant whose account is frozen; what it gets is held."""
    _freeze_payee(world, sale, "hold")
    scene(world)
    return world.pay(sale.payer, sale.asset, sale.request(world))


def by_transfer_to_frozen(world: World, sale: Sale, scene: Any) -> Answer:
    """The payer sends money straight to the merchant's frozen account."""
    _freeze_payee(world, sale, "hold")
    scene(world)
    return world.transfer(sale.payer, sale.payee(), sale.asset, sale.units(world))


def by_unfreeze(world: World, sale: Sale, scene: Any) -> Answer:
    """What the café took in another zone while it was frozen comes to it whatever is so."""
    cafe, (lon, lat) = world.accounts["cafe", "tUSDT"], AFAR
    ring = [[lon - 9, lat - 9], [lon + 9, lat - 9], [lon, lat + 9]]
    zone = world.draw(name="Afar", area={"outer": ring, "holes": []})
    now = world.door.at
    world.do("afsa", "permit/1", merchant=world.parties["cafe"], zone=zone, valid_from=now,
             valid_until=now + 900 * DAY)  # fmt: skip
    world.certify("till-cafe-afar", "cafe", AFAR)
    held = freeze(world, cafe, "hold")
    request = Sale(total="1.00", till="till-cafe-afar").request(world)
    world.do("guest", "pay/1", from_=world.accounts["guest", "tUSDT"], request=request)
    assert world.door.load(("account", unb64(held, 16))).balance
    scene(world)
    return world.offer(world.sign("afsa", "unfreeze/1", account=cafe, order=LABEL))


def by_forced_debit(world: World, sale: Sale, scene: Any) -> Answer:
    """A debtor's tenge goes to the merchant by order of a court: bound to no zone."""
    freeze(world, world.accounts["aigul", "KZTD"])
    scene(world)
    return world.offer(world.sign(
        "afsa", "forced_debit/1", from_=world.accounts["aigul", "KZTD"],
        to=world.accounts["cafe", "KZTD"], amount="1.00", order=LABEL,
    ))  # fmt: skip


def by_seize(world: World, sale: Sale, scene: Any) -> Answer:
    """A merchant's crypto is seized: no payment, and bound to no zone."""
    scene(world)
    return world.offer(world.sign(
        "afsa", "seize/1", from_=world.accounts["cafe", "tUSDT"], amount="0.000001", order=LABEL
    ))  # fmt: skip


def by_dispose(world: World, sale: Sale, scene: Any) -> Answer:
    """What was seized is given to an exchange: no payment either."""
    world.do("afsa", "seize/1", from_=world.accounts["guest", "tUSDT"], amount="1.000000",
             order=LABEL)  # fmt: skip
    scene(world)
    return world.offer(world.sign(
        "nbk", "dispose/1", to=world.accounts["exchange", "tUSDT"], amount="1.000000", order=LABEL
    ))  # fmt: skip


MOVES = {
    "unfreeze/1": (by_unfreeze, by_pay_to_frozen, by_transfer_to_frozen),
    "forced_debit/1": (by_forced_debit,),
    "seize/1": (by_seize,),
    "dispose/1": (by_dispose,),
}
JUDGED_AS = {
    "by_unfreeze": "by_redeem",
    "by_pay_to_frozen": "by_pay",
    "by_transfer_to_frozen": "by_transfer",
    "by_forced_debit": "by_redeem",
    "by_seize": "by_redeem",
    "by_dispose": "by_redeem",
}
STILL = frozenset({"freeze/1"})
TRIES: dict[str, Any] = {
    name: lambda draw, world, name=name: (SAMPLES[name].signer, SAMPLES[name].members(world))
    for name in SAMPLES
}
