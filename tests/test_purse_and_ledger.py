"""Devices and the ledger together: whatever payees took with no network, in whatever order it comes
in, they have; and no honest device is ever frozen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from ledger.core import offline
from ledger.core.decision import Code
from ledger.core.ids import b64, unb64
from ledger.core.objects import body_of
from ledger.core.offline import Notice, from_text
from ledger.core.purse import Purse as PurseBody
from ledger.core.purse import Settled
from sandbox_api.demo_purses import certified
from sandbox_api.purse import OfflineRefused, Purse
from tests.builders import World, key_of
from tests.kinds.families.purses import admit, terms
from tests.kinds.pure import fork, pure_world
from tests.rules.till import codes
from tests.scale import SCALE

NAMES = ("aigul", "daniyar", "market", "cafe")
REFUSED = frozenset({"funds", "contradiction", "frozen", "older_copy", "purse_max", "seen"})
"""What devices say no for here."""

CHEAT = 0
"""Aigul's phone may be restored from an older copy; the others never are."""


@dataclass
class Town:
    """A ledger, a device for each name, and what devices took: (payee, text of the code)."""

    world: World
    purses: list[Purse]
    taken: list[tuple[int, str]] = field(default_factory=list)
    copies: list[bytes] = field(default_factory=list)


@pytest.fixture(scope="module")
def base() -> World:
    world = pure_world()
    admit(world)
    for name in NAMES:
        world.do("bank", "purse/1", **terms(world, name))
    return world


def begin(base: World) -> Town:
    world = fork(base)
    made = Town(world, [])
    for name in NAMES:
        made.purses.append(Purse.make(
            key_of(f"{name} device"), ledger=world.signing.ledger,
            central_bank=key_of("nbk").public_key, home=world.accounts[name, "KZTD"],
        ))  # fmt: skip
        refresh(made, len(made.purses) - 1)
    return made


def refresh(town: Town, place: int) -> None:
    """The papers that the bank and the central bank give, of the ledger as it is."""
    world, purse = town.world, town.purses[place]
    ledger, now = unb64(world.signing.ledger, 16), world.door.time()
    frozen = world.door.load(("lookup", "purse", "frozen", b""))
    bare = (ledger, len(world.door.entries), now, now + 10**9, (key_of("bank").public_key,), frozen)
    purse.take_notice(Notice(*bare, key_of("nbk").sign(Notice(*bare).signed())).to_bytes())
    found = world.door.load(("object", "purse", unb64(purse.id, 16)))
    purse.take_certificate(certified(body_of(found, PurseBody), found.due, ledger, key_of("bank")))


def load(town: Town, place: int, amount: int) -> None:
    name, purse = NAMES[place], town.purses[place]
    jws = town.world.sign(
        name, "purse_load/1", from_=town.world.accounts[name, "KZTD"], purse=purse.id,
        amount=f"{amount}.00",
    )  # fmt: skip
    found = codes(town.world.offer(jws))
    assert found in ((), (C.FUNDS,), (C.PURSE_CAP,), (C.STATUS_CONFLICT,)), found
    if found == ():
        refresh(town, place)


def pay(town: Town, payer: int, payee: int, amount: int) -> None:
    """One device pays another; what the payee refuses nobody ever brings in."""
    now = town.world.door.time()
    try:
        texts = town.purses[payer].pay(town.purses[payee].address(f"{amount}.00"), at=now)
        for text in texts:
            town.purses[payee].receive(text, at=now)
            town.taken.append((payee, text))
    except OfflineRefused as refused:
        event(f"refused: {refused.code}")
        if refused.code not in REFUSED:
            raise


def bring(town: Town, text: str) -> None:
    """Somebody brings in what was taken: it is accepted, once."""
    chain = offline.read_chain(from_text(text))
    settled = town.world.door.load(("object", "purse_payment", chain.ids()[-1])) is not None
    jws = town.world.sign("daniyar", "purse_deposit/1", chain=b64(from_text(text)))
    assert codes(town.world.offer(jws)) == ((C.PAYMENT_SETTLED,) if settled else ())


def empty(town: Town, place: int) -> None:
    """Everything into the wallet."""
    purse = town.purses[place]
    for chain in purse.empty(town.world.door.time()):
        found = codes(town.world.offer(
            town.world.sign(NAMES[place], "purse_unload/1", chain=chain)
        ))  # fmt: skip
        known_to_cheat = (C.STATUS_CONFLICT,), (C.PAYMENT_SETTLED,)
        assert found == () or (place == CHEAT and found in known_to_cheat)
        purse.emptied(chain)


def status(town: Town, place: int) -> str:
    found = town.world.door.load(("object", "purse", unb64(town.purses[place].id, 16)))
    return str(found.status)


C = Code
places, amounts = st.integers(0, 3), st.sampled_from((1, 7, 40, 120))
acts = st.one_of(
    st.tuples(st.just("load"), places, amounts),
    *[st.tuples(st.just("pay"), places, places, amounts)] * 4,
    st.tuples(st.just("bring"), st.integers(0, 99)),
    st.tuples(st.just("empty"), places),
    st.tuples(st.just("copy")),
    st.tuples(st.just("restore"), st.integers(0, 99)),
)


@settings(max_examples=80 * SCALE, deadline=None)
@given(play=st.lists(acts, min_size=12, max_size=40), order=st.randoms(use_true_random=False))
def test_what_devices_took_they_have(base: World, play: list[Any], order: Any) -> None:
    town = begin(base)
    for place in range(4):
        load(town, place, 300)
    pay(town, CHEAT, 1, 100)
    town.copies.append(town.purses[CHEAT].to_bytes())
    restored = False
    for act, *more in play:
        if act == "load":
            load(town, *more)
        elif act == "pay" and more[0] != more[1]:
            pay(town, *more)
        elif act == "bring" and town.taken:
            bring(town, town.taken[more[0] % len(town.taken)][1])
        elif act == "empty":
            empty(town, *more)
        elif act == "copy":
            town.copies.append(town.purses[CHEAT].to_bytes())
        elif act == "restore" and town.copies:
            town.purses[CHEAT] = Purse(town.copies[more[0] % len(town.copies)])
            refresh_if_open(town)
            restored = True
    order.shuffle(town.taken)

    for _, text in town.taken:
        bring(town, text)
    for place in (1, 2, 3):
        empty(town, place)

    got: Counter[int] = Counter()
    for payee, text in town.taken:
        chain = offline.read_chain(from_text(text))
        row = town.world.door.load(("object", "purse_payment", chain.ids()[-1]))
        assert body_of(row, Settled).paid == chain.last.amount, "whoever took it has it"
        got[payee] += chain.last.amount
    honest = [place for place in range(4) if place != CHEAT or not restored]
    assert [status(town, place) for place in honest] == ["open"] * len(honest)
    for place in (1, 2, 3):
        purse = ("account", unb64(town.purses[place].id, 16))
        assert town.purses[place].balance == "0.00"
        assert town.world.door.load(purse).balance == 0, "a device has what its purse has"
    caught = status(town, CHEAT) == "frozen"
    event(f"restored: {restored}, frozen: {caught}")
    event(f"taken: {min(len(town.taken) // 3 * 3, 9)}+")


def refresh_if_open(town: Town) -> None:
    """A restored phone asks for its papers, and has them while its purse is open."""
    if status(town, CHEAT) == "open":
        refresh(town, CHEAT)
