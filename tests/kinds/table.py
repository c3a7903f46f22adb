"""What tables of refusals are written with: rows, and members that are asked of the world."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ledger.core.decision import Code
from ledger.core.needs import Need
from tests.builders import World

C = Code
NOBODY = "A" * 22


def bad(id: str, code: str, signer: str = "", /, *,
        before: Callable[[World], Any] | None = None, **members: Any) -> Any:  # fmt: skip
    """A row: the good sample with these members (a callable is asked for the world's own)."""
    return pytest.param(code, signer, before, members, id=id)


def account(name: str, asset: str) -> Callable[[World], str]:
    """Somebody's account."""
    return lambda world: world.accounts[name, asset]


def party(name: str) -> Callable[[World], str]:
    """Somebody's party id."""
    return lambda world: world.parties[name]


def issue_account(asset: str) -> Callable[[World], str]:
    """The account that money of this asset is issued from."""
    return lambda world: world.door.load(("object", "asset", asset.encode())).body.issue_account


def pack_now(world: World) -> str:
    """The text of the pack in force."""
    (digest,) = _load(world, ("lookup", "pack", "current", b""))
    text: str = _load(world, ("object", "pack", digest)).body.text
    return text


def _load(world: World, need: Need) -> Any:
    """What a ledger in memory or in a file has of this."""
    if hasattr(world.door, "load"):
        return world.door.load(need)
    store = world.door._store
    store.begin()
    try:
        return store.load([need])[need]
    finally:
        store.rollback()


TENGE_FORMS = ("1", "1.0", "1.000", "01.00", "+1.00", "-1.00", "1,00", " 1.00", "1.00 ", "1e2",
               ".10", "1.", "١.٠٠", "1.00\n", "NaN", "0x1.00")  # fmt: skip
AMOUNTS = [
    *(bad(f"amount {form!r}", "amount.form", amount=form) for form in TENGE_FORMS),
    bad("amount of nothing", "amount.zero", amount="0.00"),
    bad("amount of 2**63", "amount.range", amount="92233720368547758.08"),
    bad("amount of 2**64", "amount.range", amount="184467440737095516.16"),
    *(bad(f"amount {value!r}", "payload.member", amount=value) for value in (1, True, None, "")),
    bad("amount of many digits", "payload.member", amount="1" * 19 + ".00"),
]
"""Ways in which an amount in tenge is none."""
