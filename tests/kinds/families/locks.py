"""Locks: lock/1, release/1, cancel/1, extend/1, and expire/1 of a lock."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from ledger.core.ids import b64, unb64
from ledger.core.objects import Object
from ledger.writer.answers import Answer
from tests.builders import DAY, HOUR, World, derived
from tests.kinds.sample import Sample
from tests.kinds.table import AMOUNTS, NOBODY, C, account, bad, issue_account
from tests.rules.till import Sale

SECRET = b"thirty-two bytes of a true secret"[:32]
TWO = {"type": "two_party"}
HASHED = {"type": "hash", "hash": b64(sha256(SECRET).digest())}
YEAR = 366 * DAY
"""How far ahead a lock may end."""


def three(world: World, arbiter: str = "bank") -> dict[str, str]:
    """The condition of three parties."""
    return {"type": "three_party", "arbiter": world.parties[arbiter]}


def lock(
    world: World, condition: dict[str, str], *, payer: str = "aigul", payee: str = "daniyar",
    asset: str = "KZTD", amount: str = "500.00", ahead: int = DAY,
) -> str:  # fmt: skip
    """Lock money; the lock's id."""
    jws = world.do(
        payer.removesuffix(" 2"), "lock/1", from_=world.accounts[payer, asset],
        to=world.accounts[payee, asset], amount=amount, ends_at=world.door.time() + ahead,
        condition=condition,
    )  # fmt: skip
    return derived(jws, "lock")


def lock_object(world: World, id: str) -> Object:
    """The lock, by its id."""
    found: Object = world.door.load(("object", "lock", unb64(id, 16)))
    return found


def expire(world: World, id: str) -> None:
    """Let the lock's time come, and end it as the writer does."""
    due = lock_object(world, id).due
    assert due is not None
    world.door.at = due
    world.do("operator", "expire/1", type="lock", key=id, due=due)


def _prepare(world: World) -> None:
    world.two = lock(world, TWO)
    world.three = lock(world, three(world))
    world.hashed = lock(world, HASHED)


def _once(world: World) -> None:
    if not hasattr(world, "two"):
        _prepare(world)


SAMPLES = {
    "lock/1": Sample(
        "aigul",
        lambda w: {"from_": w.accounts["aigul", "KZTD"], "to": w.accounts["daniyar", "KZTD"],
                   "amount": "500.00", "ends_at": w.door.time() + DAY, "condition": three(w)},
        ("lock",), before=_once,
    ),
    "release/1": Sample(
        "guest", lambda w: {"lock": w.hashed, "preimage": b64(SECRET)}, before=_once
    ),
    "cancel/1": Sample("daniyar", lambda w: {"lock": w.two}, before=_once),
    "extend/1": Sample(
        "aigul", lambda w: {"lock": w.three, "ends_at": w.door.time() + 2 * DAY}, before=_once
    ),
}  # fmt: skip


def everything(world: World) -> None:
    """Locks that are released in all three ways, cancelled, put off, and one that will expire."""
    _prepare(world)
    world.do("daniyar", "release/1", lock=world.hashed, preimage=b64(SECRET))
    world.do("bank", "release/1", lock=world.three, preimage=None)
    world.do("aigul", "extend/1", lock=world.two, ends_at=world.door.time() + 2 * DAY)
    world.do("aigul", "release/1", lock=world.two, preimage=None)
    world.do("daniyar", "cancel/1", lock=lock(world, TWO, asset="tUSDT", amount="5.000000"))
    lock(world, three(world), ahead=HOUR)


Play = Callable[[World], None]


def _released(world: World) -> None:
    world.do("aigul", "release/1", lock=world.two, preimage=None)
    world.do("bank", "release/1", lock=world.three, preimage=None)
    world.do("aigul", "release/1", lock=world.hashed, preimage=b64(SECRET))


def _cancelled(world: World) -> None:
    for id in (world.two, world.three, world.hashed):
        world.do("daniyar", "cancel/1", lock=id)


def _expired(world: World) -> None:
    for id in (world.two, world.three, world.hashed):
        expire(world, id)


def _at_the_end(world: World) -> None:
    """The very moment at which all three end, before anybody says so."""
    due = lock_object(world, world.two).due
    assert due is not None
    world.door.at = due


def _ended(name: str) -> list[Any]:
    """Rows for what has ended, in each way."""
    named = {"lock": lambda w: getattr(w, name)}
    return [
        bad("what is released", C.STATUS_CONFLICT, before=_released, **named),
        bad("what is cancelled", C.STATUS_CONFLICT, before=_cancelled, **named),
        bad("what has expired", C.STATUS_CONFLICT, before=_expired, **named),
        bad("at its very end", C.STATUS_CONFLICT, before=_at_the_end, **named),
    ]


def _named() -> list[Any]:
    """Rows for names of no lock."""
    return [
        bad("of nothing", C.LOCK_UNKNOWN, lock=NOBODY),
        bad("of an object of another type", C.LOCK_UNKNOWN, lock=lambda w: w.zone),
        bad("an id spelled otherwise", "id.base64", lock="A" * 21 + "B"),
        bad("a short id", "payload.member", lock="A" * 21),
        bad("a number for an id", "payload.member", lock=7),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    ]


def _operator(world: World) -> dict[str, str]:
    genesis = world.door.load(("object", "genesis", b"")).body
    return {"type": "three_party", "arbiter": genesis.operator}


def _hash(text: str) -> dict[str, str]:
    return {"type": "hash", "hash": text}


def _ahead(by: int) -> Callable[[World], int]:
    return lambda world: world.door.time() + by


def _frozen_payer(world: World) -> None:
    world.do("afsa", "freeze/1", account=world.accounts["aigul", "KZTD"], order="order 7")


REFUSALS = {
    "lock/1": [
        bad("from somebody else's account", C.NO_AUTHORITY, from_=account("daniyar", "KZTD")),
        bad("from nobody's account", C.NO_AUTHORITY, from_=NOBODY),
        bad("what is locked already", C.ACCOUNT_KIND, from_=lambda w: w.two),
        bad("for nobody's account", C.ACCOUNT_UNKNOWN, to=NOBODY),
        bad("for an issue account", C.ACCOUNT_KIND, to=issue_account("KZTD")),
        bad("for another lock", C.ACCOUNT_KIND, to=lambda w: w.two),
        bad("for the same account", C.SAME_ACCOUNT, to=account("aigul", "KZTD")),
        bad("for an account of another asset", C.ASSET_DIFFERS, to=account("daniyar", "tUSDT")),
        bad("with an arbiter whom nobody knows", C.PARTY_UNKNOWN,
            condition={"type": "three_party", "arbiter": NOBODY}),
        bad("with the payer as arbiter", C.TARGET_NOT_ADMITTED,
            condition=lambda w: three(w, "aigul")),
        bad("with the payee as arbiter", C.TARGET_NOT_ADMITTED,
            condition=lambda w: three(w, "daniyar")),
        bad("with the operator as arbiter", C.TARGET_NOT_ADMITTED, condition=_operator),
        bad("that ends now", C.DATES_CONFLICT, ends_at=_ahead(0)),
        bad("that ended", C.DATES_CONFLICT, ends_at=_ahead(-1)),
        bad("that ends too late", C.DATES_CONFLICT, ends_at=_ahead(YEAR + 1)),
        bad("more than there is", C.FUNDS, amount="99999999.00"),
        bad("crypto for a merchant", C.ZONE_OUTSIDE, amount="1.000000",
            from_=account("aigul", "tUSDT"), to=account("cafe", "tUSDT")),
        bad("crypto of a merchant's for a person", C.ZONE_OUTSIDE, "cafe", amount="0.100000",
            from_=account("cafe", "tUSDT"), to=account("aigul", "tUSDT")),
        bad("a condition that nobody knows", "payload.member", condition={"type": "four_party"}),
        bad("no condition", "payload.member", condition=None),
        bad("a condition in text", "payload.member", condition="two_party"),
        bad("two parties and an arbiter", "payload.member",
            condition=lambda w: three(w) | {"type": "two_party"}),
        bad("three parties and no arbiter", "payload.member", condition={"type": "three_party"}),
        bad("a hash and an arbiter", "payload.member", condition=lambda w: three(w) | HASHED),
        bad("a hash of 31 bytes", "payload.member", condition=_hash("A" * 42)),
        bad("a hash of 33 bytes", "payload.member", condition=_hash("A" * 44)),
        bad("a hash spelled otherwise", "id.base64", condition=_hash("A" * 42 + "B")),
        bad("an arbiter spelled otherwise", "id.base64",
            condition={"type": "three_party", "arbiter": "A" * 21 + "B"}),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *AMOUNTS,
    ],
    "release/1": [
        bad("with another secret", C.PREIMAGE_WRONG, preimage=b64(b"another")),
        bad("with the hash for a secret", C.PREIMAGE_WRONG, preimage=HASHED["hash"]),
        bad("without the secret", C.PREIMAGE_WRONG, preimage=None),
        bad("by the payer without the secret", C.PREIMAGE_WRONG, "aigul", preimage=None),
        bad("with a secret where none is asked", C.PREIMAGE_WRONG, "aigul", lock=lambda w: w.two),
        bad("with a secret beside the arbiter", C.PREIMAGE_WRONG, "bank", lock=lambda w: w.three),
        bad("between two by the payee", C.NO_AUTHORITY, "daniyar", lock=lambda w: w.two,
            preimage=None),
        bad("between two by a stranger", C.NO_AUTHORITY, lock=lambda w: w.two, preimage=None),
        bad("between three by the payer", C.NO_AUTHORITY, "aigul", lock=lambda w: w.three,
            preimage=None),
        bad("between three by the payee", C.NO_AUTHORITY, "daniyar", lock=lambda w: w.three,
            preimage=None),
        bad("a secret of no bytes", "payload.member", preimage=""),
        bad("a secret of 65 bytes", "payload.member", preimage=b64(bytes(65))),
        bad("a secret spelled otherwise", "id.base64", preimage="A" * 42 + "B"),
        bad("a secret in other letters", "id.base64", preimage="тайна"),
        *_ended("hashed"),
        *_named(),
    ],
    "cancel/1": [
        bad("between two by the payer", C.NO_AUTHORITY, "aigul"),
        bad("between two by a stranger", C.NO_AUTHORITY, "guest"),
        bad("between two by the bank", C.NO_AUTHORITY, "bank"),
        bad("between three by the payer", C.NO_AUTHORITY, "aigul", lock=lambda w: w.three),
        bad("between three by a stranger", C.NO_AUTHORITY, "guest", lock=lambda w: w.three),
        bad("under a hash by the payer", C.NO_AUTHORITY, "aigul", lock=lambda w: w.hashed),
        bad("under a hash by a stranger", C.NO_AUTHORITY, "guest", lock=lambda w: w.hashed),
        *_ended("two"),
        *_named(),
    ],
    "extend/1": [
        bad("by the payee", C.NO_AUTHORITY, "daniyar"),
        bad("by the arbiter", C.NO_AUTHORITY, "bank"),
        bad("by a stranger", C.NO_AUTHORITY, "guest"),
        bad("to the same end", C.DATES_CONFLICT, ends_at=lambda w: lock_object(w, w.three).due),
        bad("to an earlier end", C.DATES_CONFLICT,
            ends_at=lambda w: (lock_object(w, w.three).due or 0) - 1),
        bad("to now", C.DATES_CONFLICT, ends_at=_ahead(0)),
        bad("too far", C.DATES_CONFLICT, ends_at=_ahead(YEAR + 1)),
        bad("to no time", "payload.member", ends_at=None),
        bad("to a time in text", "payload.member", ends_at="tomorrow"),
        bad("while the payer is frozen", C.ACCOUNT_FROZEN, before=_frozen_payer),
        *_ended("three"),
        *_named(),
    ],
}  # fmt: skip


def by_lock(world: World, sale: Sale, scene: Play) -> Answer:
    """The payer locks the money for the merchant instead of sending it."""
    scene(world)
    return world.offer(world.sign(
        sale.payer, "lock/1", from_=world.accounts[sale.payer, sale.asset],
        to=world.accounts[sale.payee(), sale.asset], amount=sale.units(world),
        ends_at=world.door.time() + DAY, condition=TWO,
    ))  # fmt: skip


def _kept(world: World, sale: Sale) -> str:
    """A little of the sale's asset, locked before the scene by one person for another."""
    scale = world.ASSETS[sale.asset][1]
    amount = "1" if not scale else f"1.{'0' * scale}" if scale < 8 else "0.00000001"
    return lock(world, TWO, payer="daniyar", payee="guest", asset=sale.asset, amount=amount,
                ahead=300 * DAY)  # fmt: skip


def by_release(world: World, sale: Sale, scene: Play) -> Answer:
    """What the rules let in before the scene is let go after it."""
    id = _kept(world, sale)
    scene(world)
    return world.offer(world.sign("daniyar", "release/1", lock=id, preimage=None))


def by_cancel(world: World, sale: Sale, scene: Play) -> Answer:
    """The same, given back."""
    id = _kept(world, sale)
    scene(world)
    return world.offer(world.sign("guest", "cancel/1", lock=id))


def by_end_of_lock(world: World, sale: Sale, scene: Play) -> Answer:
    """The same, back by the clock after the scene."""
    id = _kept(world, sale)
    scene(world)
    due = lock_object(world, id).due
    assert due is not None
    world.door.at = due
    return world.offer(world.sign("operator", "expire/1", type="lock", key=id, due=due))


MOVES = {
    "lock/1": (by_lock,),
    "release/1": (by_release,),
    "cancel/1": (by_cancel,),
    "expire/1": (by_end_of_lock,),
}
JUDGED_AS = {
    "by_lock": "by_transfer",
    "by_release": "by_redeem",
    "by_cancel": "by_redeem",
    "by_end_of_lock": "by_time",
}
STILL = frozenset({"extend/1"})


def _try_lock(draw: Any, world: World) -> tuple[str, dict[str, Any]]:
    from hypothesis import strategies as st

    asset = draw(st.sampled_from(("tBTC", "tUSDT")))
    names = sorted(name for name, code in world.accounts if code == asset)
    payer, payee = draw(st.sampled_from(names)), draw(st.sampled_from([*names, "cafe", "market"]))
    amount = {"tBTC": "0.00000099", "tUSDT": "1.000000"}[asset]
    return payer, {
        "from_": world.accounts[payer, asset], "to": world.accounts[payee, asset],
        "amount": amount, "ends_at": world.door.time() + draw(st.sampled_from((HOUR, DAY))),
        "condition": draw(st.sampled_from((TWO, HASHED, three(world)))),
    }  # fmt: skip


TRIES: dict[str, Any] = {
    "lock/1": _try_lock,
    **{
        name: lambda draw, world, name=name: (SAMPLES[name].signer, SAMPLES[name].members(world))
        for name in ("release/1", "cancel/1", "extend/1")
    },
}
