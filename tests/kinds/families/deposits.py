"""Bank money and limits: fund/1, defund/1, link/1, unlink/1, sweep/1."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.core.ids import unb64
from ledger.writer.answers import Answer
from tests.builders import World
from tests.kinds.sample import Sample
from tests.kinds.table import AMOUNTS, NOBODY, C, account, bad, issue_account
from tests.rules.till import Sale

DEPOSIT = "dBANK"
"""The bank's deposits as an asset."""

CLIENTS = ("aigul", "daniyar", "market", "cafe")


def open_deposits(world: World) -> None:
    """The bank's deposits: each client of the world has an account with 500,000.00."""
    if ("bank", DEPOSIT) in world.accounts:
        return
    open_deposit(world, *CLIENTS)
    for name in CLIENTS:
        world.do("bank", "issue/1", to=world.accounts[name, DEPOSIT], amount="500000.00")


def open_deposit(world: World, *names: str) -> None:
    """The bank's deposits, and an account of each of these clients and of the bank."""
    world.ASSETS = world.ASSETS | {DEPOSIT: ("deposit", 2)}  # type: ignore[misc]
    world.do("nbk", "asset/1", code=DEPOSIT, asset_class="deposit", scale=2,
             issuer=world.parties["bank"])  # fmt: skip
    for name in names:
        world.open("bank", name, DEPOSIT)
    world.open("nbk", "bank", DEPOSIT)


def link(world: World, name: str, reverse: bool = True) -> None:
    """Link somebody's wallet to the deposit."""
    world.do("bank", "link/1", **linking(world, name, reverse))


def linking(world: World, name: str, reverse: bool = True) -> dict[str, Any]:
    """Members of the link of somebody's wallet."""
    return {"wallet": world.accounts[name, "KZTD"], "deposit": world.accounts[name, DEPOSIT],
            "settlement": world.accounts["bank", "KZTD"], "reverse": reverse}  # fmt: skip


def converting(world: World, name: str, amount: str = "1500.00") -> dict[str, Any]:
    """Members of somebody's fund or defund."""
    members = linking(world, name) | {"amount": amount}
    del members["reverse"]
    return members


def status_of(world: World, type_: str, wallet: str) -> str:
    """Of a link or sweep by the wallet's id; "" where there is none."""
    found = world.door.load(("object", type_, unb64(wallet, 16)))
    return "" if found is None else str(found.status)


def linked(name: str) -> Callable[[World], None]:
    """The deposits, and this client's link."""

    def play(world: World) -> None:
        open_deposits(world)
        if status_of(world, "link", world.accounts[name, "KZTD"]) != "active":
            link(world, name)

    return play


SAMPLES = {
    "fund/1": Sample("aigul", lambda w: converting(w, "aigul"), before=linked("aigul")),
    "defund/1": Sample("aigul", lambda w: converting(w, "aigul"), before=linked("aigul")),
    "link/1": Sample("bank", lambda w: linking(w, "daniyar"), before=open_deposits),
    "unlink/1": Sample(
        "bank", lambda w: {"wallet": w.accounts["cafe", "KZTD"]}, before=linked("cafe")
    ),
    "sweep/1": Sample(
        "market", lambda w: {"wallet": w.accounts["market", "KZTD"], "on": True},
        before=linked("market"),
    ),
}  # fmt: skip


def everything(world: World) -> None:
    """Links, one of them ended; money there and back; a sweep that will come at midnight."""
    open_deposits(world)
    for name in ("aigul", "market", "cafe"):
        link(world, name)
    world.do("aigul", "fund/1", **converting(world, "aigul"))
    world.do("bank", "defund/1", **converting(world, "aigul", "700.00"))
    world.do("bank", "unlink/1", wallet=world.accounts["cafe", "KZTD"])
    world.do("market", "sweep/1", wallet=world.accounts["market", "KZTD"], on=True)


def _unlinked(name: str) -> Callable[[World], None]:
    return lambda world: world.do("bank", "unlink/1", wallet=world.accounts[name, "KZTD"]) and None


def _swept(world: World) -> None:
    world.do("bank", "sweep/1", wallet=world.accounts["market", "KZTD"], on=True)


def _other_bank(world: World) -> None:
    """Another bank's deposits, with an account of the same client."""
    world.do("nbk", "asset/1", code="dOTHER", asset_class="deposit", scale=2,
             issuer=world.parties["bank2"])  # fmt: skip
    world.open("bank", "aigul", "dOTHER")
    world.open("bank", "daniyar", "dOTHER")
    world.open("nbk", "bank2", "KZTD")


_CONVERSION = [
    *AMOUNTS,
    bad("by another client", C.NO_AUTHORITY, "daniyar"),
    bad("by another bank", C.NO_AUTHORITY, "bank2"),
    bad("by the central bank", C.NO_AUTHORITY, "nbk"),
    bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    bad("between two owners", C.TARGET_NOT_ADMITTED, "bank",
        deposit=account("daniyar", DEPOSIT)),
    bad("by a bank for another's deposit", C.NOT_ISSUER, "bank", before=_other_bank,
        deposit=account("aigul", "dOTHER"), settlement=account("bank2", "KZTD")),
    bad("through a wallet of no bank", C.TARGET_NOT_ADMITTED,
        settlement=account("market", "KZTD")),
    bad("through nothing", C.ACCOUNT_UNKNOWN, settlement=NOBODY),
    bad("through the account it is issued from", C.ACCOUNT_KIND, settlement=issue_account("KZTD")),
    bad("through the bank's deposit account", C.ASSET_DIFFERS, settlement=account("bank", DEPOSIT)),
    bad("without a link", C.LINK_UNKNOWN, before=_unlinked("aigul")),
    bad("of crypto", C.ASSET_NOT_ADMITTED, wallet=account("aigul", "tUSDT")),
    bad("of tenge as a deposit", C.ASSET_NOT_ADMITTED, deposit=account("aigul", "KZTD")),
    bad("more than there is", C.FUNDS, amount="90000000.00"),
    bad("an id spelled otherwise", "id.base64", wallet="A" * 21 + "B"),
]  # fmt: skip

REFUSALS = {
    "fund/1": [
        *_CONVERSION,
        bad("from nothing", C.NO_AUTHORITY, deposit=NOBODY),
        bad("to nothing", C.ACCOUNT_UNKNOWN, wallet=NOBODY),
    ],
    "defund/1": [
        *_CONVERSION,
        bad("from nothing", C.NO_AUTHORITY, wallet=NOBODY),
        bad("to nothing", C.ACCOUNT_UNKNOWN, deposit=NOBODY),
    ],
    "link/1": [
        bad("by the client", C.ROLE_NOT_ADMITTED, "daniyar"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("by another bank", C.NO_AUTHORITY, "bank2"),
        bad("of nothing", C.NO_AUTHORITY, wallet=NOBODY),
        bad("of the bank's own", C.NO_AUTHORITY, wallet=account("bank", "KZTD"),
            deposit=account("bank", DEPOSIT)),
        bad("to nothing", C.ACCOUNT_UNKNOWN, deposit=NOBODY),
        bad("to another's deposit", C.TARGET_NOT_ADMITTED, deposit=account("aigul", DEPOSIT)),
        bad("to another bank's deposit", C.NOT_ISSUER, before=_other_bank,
            deposit=account("daniyar", "dOTHER"), settlement=account("bank2", "KZTD")),
        bad("through another's wallet", C.TARGET_NOT_ADMITTED,
            settlement=account("exchange", "KZTD")),
        bad("through nothing", C.ACCOUNT_UNKNOWN, settlement=NOBODY),
        bad("of a wallet of crypto", C.ASSET_NOT_ADMITTED, wallet=account("daniyar", "tUSDT")),
        bad("of a deposit as a wallet", C.ASSET_NOT_ADMITTED, wallet=account("daniyar", DEPOSIT)),
        bad("twice", C.ALREADY_REGISTERED,
            before=lambda world: link(world, "daniyar")),
        bad("of a short id", "payload.member", wallet="A" * 21),
        bad("with a word for truth", "payload.member", reverse="yes"),
    ],
    "unlink/1": [
        bad("by the client", C.ROLE_NOT_ADMITTED, "aigul"),
        bad("by the merchant", C.ROLE_NOT_ADMITTED, "cafe"),
        bad("by another bank", C.NO_AUTHORITY, "bank2"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("of nothing", C.LINK_UNKNOWN, wallet=NOBODY),
        bad("of what was never linked", C.LINK_UNKNOWN, wallet=account("daniyar", "KZTD")),
        bad("of the deposit", C.LINK_UNKNOWN, wallet=account("cafe", DEPOSIT)),
        bad("twice", C.STATUS_CONFLICT, before=_unlinked("cafe")),
        bad("of an id spelled otherwise", "id.base64", wallet="A" * 21 + "B"),
        bad("of a number", "payload.member", wallet=7),
    ],
    "sweep/1": [
        bad("by another merchant", C.NO_AUTHORITY, "cafe"),
        bad("by another bank", C.NO_AUTHORITY, "bank2"),
        bad("by a person", C.ROLE_NOT_ADMITTED, "aigul"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("of nothing", C.NO_AUTHORITY, wallet=NOBODY),
        bad("of a person's wallet", C.TARGET_NOT_ADMITTED, "bank",
            wallet=account("aigul", "KZTD")),
        bad("of a wallet of crypto", C.LINK_UNKNOWN, wallet=account("market", "tUSDT")),
        bad("of what is linked no more", C.LINK_UNKNOWN, before=_unlinked("market")),
        bad("twice", C.STATUS_CONFLICT, before=_swept),
        bad("off before it is on", C.STATUS_CONFLICT, on=False),
        bad("with a word for truth", "payload.member", on="yes"),
        bad("of an id spelled otherwise", "id.base64", wallet="A" * 21 + "B"),
    ],
}  # fmt: skip


def by_fund(world: World, sale: Sale, scene: Any) -> Answer:
    """The merchant turns its own deposit into tenge: no sale, and bound to no zone."""
    linked("cafe")(world)
    scene(world)
    return world.offer(world.sign("cafe", "fund/1", **converting(world, "cafe")))


def by_defund(world: World, sale: Sale, scene: Any) -> Answer:
    """The other way, with what it was paid in tenge."""
    linked("cafe")(world)
    scene(world)
    return world.offer(world.sign("cafe", "defund/1", **converting(world, "cafe", "1.00")))


def by_sweep(world: World, sale: Sale, scene: Any) -> Answer:
    """What it was paid in tenge is to go to its deposit at midnight."""
    linked("cafe")(world)
    scene(world)
    wallet = world.accounts["cafe", "KZTD"]
    return world.offer(world.sign("cafe", "sweep/1", wallet=wallet, on=True))


MOVES = {"fund/1": (by_fund,), "defund/1": (by_defund,), "sweep/1": (by_sweep,)}
JUDGED_AS = dict.fromkeys(("by_fund", "by_defund", "by_sweep"), "by_redeem")
STILL = frozenset({"link/1", "unlink/1"})
TRIES: dict[str, Any] = {
    name: lambda draw, world, name=name: (SAMPLES[name].signer, SAMPLES[name].members(world))
    for name in SAMPLES
}
