"""Names under which an account is paid: alias/1, alias_drop/1, alias_pay/1."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import strategies as st

from ledger.core.alias import commitment_of
from ledger.core.ids import b64, unb64
from ledger.writer.answers import Answer, Taken
from tests.builders import DAY, HOUR, World
from tests.kinds.sample import Sample
from tests.kinds.table import AMOUNTS, NOBODY, C, account, bad, issue_account
from tests.rules.till import Sale

_NEVER_USED = itertools.count(1)
NO_ALIAS = b64(bytes(32))


def committed(word: str) -> str:
    """A commitment as tests make them: its salt is the word's."""
    return b64(commitment_of(word.encode()[:16].ljust(16, b"."), "random", word))


def bind(world: World, word: str, payee: str = "aigul", form: str = "phone", *,
         signer: str = "bank", asset: str = "KZTD", ends_at: int | None = None) -> str:  # fmt: skip
    """Bind an alias; its id."""
    alias = committed(word)
    world.do(signer, "alias/1", alias=alias, account=world.accounts[payee, asset], form=form,
             ends_at=ends_at)  # fmt: skip
    return alias


def pay(world: World, alias: str, amount: str, payer: str = "daniyar",
        asset: str = "KZTD") -> Answer:  # fmt: skip
    """Pay to an alias."""
    return world.offer(world.sign(payer, "alias_pay/1", from_=world.accounts[payer, asset],
                                  alias=alias, amount=amount))  # fmt: skip


def _to_drop(world: World) -> None:
    world.to_drop = bind(world, "to drop")


def _to_pay(world: World) -> None:
    world.alias = bind(world, "to pay", form="one_time", signer="aigul",
                       ends_at=world.door.time() + DAY)  # fmt: skip


SAMPLES = {
    "alias/1": Sample(
        "bank",
        lambda w: {"alias": committed("+77000000001"), "account": w.accounts["aigul", "KZTD"],
                   "form": "phone", "ends_at": None},
    ),
    "alias_drop/1": Sample("aigul", lambda w: {"alias": w.to_drop}, before=_to_drop),
    "alias_pay/1": Sample(
        "daniyar",
        lambda w: {"from_": w.accounts["daniyar", "KZTD"], "alias": w.alias, "amount": "1290.00"},
        before=_to_pay,
    ),
}  # fmt: skip


def everything(world: World) -> None:
    """Aliases that are in use, dropped, spent, and one that will expire."""
    for amount in ("1.00", "2.00"):
        assert isinstance(pay(world, bind(world, f"in use {amount}"), amount), Taken)
    world.do("aigul", "alias_drop/1", alias=bind(world, "dropped"))
    once = bind(world, "spent", form="one_time", signer="aigul")
    assert isinstance(pay(world, once, "3.00"), Taken)
    assert not isinstance(pay(world, once, "3.00"), Taken)
    bind(world, "short-lived", ends_at=world.door.time() + HOUR)


def _dropped(world: World) -> None:
    world.do("bank", "alias_drop/1", alias=world.to_drop)
    world.do("aigul", "alias_drop/1", alias=world.alias)


def _spent(world: World) -> None:
    assert isinstance(pay(world, world.alias, "1.00"), Taken)


def _expired(world: World) -> None:
    due = world.door.at = world.door.load(("object", "alias", unb64(world.alias, 32))).due
    world.do("operator", "expire/1", type="alias", key=world.alias, due=due)


def _of_another_bank(world: World) -> str:
    """A bank alias of one of this bank's clients, paid by a client of the central bank."""
    return bind(world, "of the bank", form="bank")


def _of(member: str) -> list[Any]:
    return [
        bad("a commitment spelled otherwise", "id.base64", **{member: "A" * 42 + "B"}),
        bad("a short commitment", "payload.member", **{member: "A" * 42}),
        bad("a number for a commitment", "payload.member", **{member: 77_000_000_001}),
        bad("the number itself", "payload.member", **{member: "+77000000001"}),
    ]


REFUSALS = {
    "alias/1": [
        bad("of a number, by its owner", C.NO_AUTHORITY, "aigul"),
        bad("of a bank's word, by the owner", C.NO_AUTHORITY, "aigul", form="bank"),
        bad("by another", C.NO_AUTHORITY, "daniyar", form="random"),
        bad("of another's account", C.NO_AUTHORITY, "aigul", form="random",
            account=account("daniyar", "KZTD")),
        bad("of a number, by another bank", C.NO_AUTHORITY, "bank2"),
        bad("of no account", C.NO_AUTHORITY, account=NOBODY),
        bad("of a bank's own account, by itself", C.NO_AUTHORITY,
            account=account("bank", "KZTD")),
        bad("of the account that money is issued from", C.NO_AUTHORITY,
            account=issue_account("KZTD")),
        bad("that ends now", C.DATES_CONFLICT, ends_at=lambda w: w.door.time()),
        bad("used before", C.ALREADY_REGISTERED, alias=lambda w: w.alias),
        bad("used before and dropped", C.ALREADY_REGISTERED, before=_dropped,
            alias=lambda w: w.to_drop),
        bad("of a form nobody knows", "payload.member", form="email"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *_of("alias"),
    ],
    "alias_drop/1": [
        bad("by another", C.ALIAS_UNKNOWN, "daniyar"),
        bad("by a merchant", C.ALIAS_UNKNOWN, "cafe"),
        bad("by another bank", C.ALIAS_UNKNOWN, "bank2"),
        bad("of nothing", C.ALIAS_UNKNOWN, alias=NO_ALIAS),
        bad("twice", C.STATUS_CONFLICT, before=_dropped),
        bad("after it was spent", C.STATUS_CONFLICT, before=_spent, alias=lambda w: w.alias),
        bad("after its end", C.STATUS_CONFLICT, before=_expired, alias=lambda w: w.alias),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *_of("alias"),
    ],
    "alias_pay/1": [
        bad("from another's account", C.NO_AUTHORITY, from_=account("cafe", "KZTD")),
        bad("to nothing", C.ALIAS_UNKNOWN, alias=NO_ALIAS),
        bad("dropped", C.STATUS_CONFLICT, before=_dropped),
        bad("spent", C.STATUS_CONFLICT, before=_spent),
        bad("after its end", C.STATUS_CONFLICT, before=_expired),
        bad("from another asset", C.ASSET_DIFFERS, from_=account("daniyar", "tUSDT"),
            amount="1.000000"),
        bad("to oneself", C.SAME_ACCOUNT, "aigul", from_=account("aigul", "KZTD")),
        bad("of another bank's client", C.TARGET_NOT_ADMITTED, "exchange",
            from_=account("exchange", "KZTD"), alias=_of_another_bank, amount="0.01"),
        bad("more than there is", C.FUNDS, amount="90000000.00"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *AMOUNTS,
        *_of("alias"),
    ],
}  # fmt: skip


def by_alias_pay(world: World, sale: Sale, scene: Any) -> Answer:
    """The payer pays to the merchant's phone number, after the scene."""
    alias = bind(world, f"shop {next(_NEVER_USED)}", sale.payee(), asset=sale.asset)
    scene(world)
    return pay(world, alias, sale.units(world), sale.payer, sale.asset)


def _try_to_pay(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    """Crypto to an alias of a merchant's account, or of somebody's."""
    asset = draw(st.sampled_from(("tUSDT", "tBTC")))
    payer = draw(st.sampled_from(("aigul", "cafe", "guest", "market", "exchange")))
    payee = draw(st.sampled_from(("cafe", "market", "aigul")))
    form = draw(st.sampled_from(("phone", "random", "one_time", "bank")))
    alias = bind(world, f"tried {next(_NEVER_USED)}", payee, form, asset=asset)
    units = "0.000005" if asset == "tUSDT" else "0.00000005"
    return payer, {"from_": world.accounts[payer, asset], "alias": alias, "amount": units}


MOVES = {"alias_pay/1": (by_alias_pay,)}
JUDGED_AS = {"by_alias_pay": "by_transfer"}
STILL = frozenset({"alias/1", "alias_drop/1"})
TRIES: dict[str, Any] = {
    name: lambda draw, world, name=name: (SAMPLES[name].signer, SAMPLES[name].members(world))
    for name in SAMPLES
} | {"alias_pay/1": _try_to_pay}
