"""A ledger with every kind of entry in it, the same bytes in every run: what damage is tried on.

Clock and randomness are given from outside, so a flip that failed once fails again. Everything is
signed and goes through the ledger's one door.
"""

from __future__ import annotations

import random
import shutil
import sqlite3
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import ledger.ledger as front
import ledger.store.sqlite as sqlite_store
from ledger.core.ids import b64
from ledger.export import FORMAT, Manifest, write_export
from ledger.keyring import Keyring
from ledger.keys import SigningKey
from ledger.kinds import KINDS, read
from ledger.ledger import Ledger
from ledger.log.checkpoint import LogKey
from ledger.log.leaf import decode_leaf
from ledger.store import open_reading
from ledger.writer.answers import Declined, Offer, Taken
from tests.builders import DAY, HOUR, World, a_world, derived, key_of, pack_text, request_id
from tests.kinds.families import EVERYTHING

T0 = 1_790_000_000_000
SEED = 20261122
LOG_SEED = sha256(b"log").digest()


@dataclass(frozen=True, repr=False)
class Everything:
    """The database's file, what is in it, and its log exported."""

    path: Path
    export: Path
    ledger: bytes
    size: int
    leaves: list[bytes]
    packs: list[bytes]
    log_key: LogKey
    operator: SigningKey
    world: World

    @property
    def url(self) -> str:
        return f"sqlite:///{self.path}"

    def copy(self, to: Path) -> Path:
        """A copy of the database to be damaged."""
        return Path(shutil.copyfile(self.path, to))


def build(folder: Path, size: int) -> Everything:
    """The ledger, of exactly `size` entries."""
    with pytest.MonkeyPatch.context() as patch:
        ticks = iter(range(T0, T0 + 10_000_000, 7))
        drawn = random.Random(SEED)
        patch.setattr(sqlite_store, "now_ms", lambda: next(ticks))
        patch.setattr(front, "system_ms", lambda: T0)
        patch.setattr(front, "secrets", SimpleNamespace(token_bytes=drawn.randbytes))
        return _build(folder, size)


def _build(folder: Path, size: int) -> Everything:
    path = folder / "ledger.db"
    keyring = Keyring.open_or_create(folder / "keyring")
    keyring.put("operator", sha256(b"operator").digest())
    keyring.put("log", LOG_SEED)
    with Ledger.create(f"sqlite:///{path}", keyring, key_of("nbk")) as ledger:
        world = a_world(ledger)
        _every_kind(world, keyring.key("operator"))
        _traffic(world, size)
        checkpoint, origin, vkey, id = ledger.checkpoint(), ledger.origin, ledger.vkey, ledger.id
    _drop_wal(path)
    reader = open_reading(f"sqlite:///{path}")
    leaves = reader.leaves(0, size)
    assert reader.head().size == size == len(leaves)
    reader.close()
    entered = {type(read(decode_leaf(leaf).tx.encode()).payload) for leaf in leaves}
    assert entered == set(KINDS), "some kind has no entry in this ledger"
    packs = [
        found.text.encode()
        for leaf in leaves
        if hasattr(found := read(decode_leaf(leaf).tx.encode()).payload, "text")
    ]
    export = folder / "export.zip"
    write_export(export, Manifest(FORMAT, id, size, origin, vkey, T0), checkpoint, leaves, packs)
    return Everything(
        path, export, reader.id, size, leaves, packs,
        LogKey(origin, keyring.key("log").public_key), keyring.key("operator"), world,
    )  # fmt: skip


def _drop_wal(path: Path) -> None:
    """Everything into the one file, so that a copy of it is a copy of all."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    connection.execute("PRAGMA journal_mode=DELETE").fetchall()
    connection.close()


def _every_kind(world: World, operator: SigningKey) -> None:
    """Every kind that the small world does not use yet, and what it leaves behind."""
    do, parties, accounts = world.do, world.parties, world.accounts
    do("aigul", "key/1", party=parties["aigul"], key=b64(key_of("aigul's phone").public_key))
    early = world.sign("daniyar's phone", "transfer/1", from_=accounts["daniyar", "KZTD"],
                       to=accounts["aigul", "KZTD"], amount="1.00")  # fmt: skip
    unsigned = early[:-86] + "A" * 86  # nobody knows the key yet, so nobody can check this
    assert isinstance(world.offer(unsigned), Declined)
    do("daniyar", "key/1", party=parties["daniyar"], key=b64(key_of("daniyar's phone").public_key))
    do("bank", "tier/1", party=parties["daniyar"], tier=2)
    do("exchange", "redeem/1", from_=accounts["exchange", "tUSDT"], amount="12.500000")
    do("afsa", "zone_change/1", zone=world.zone, terms=world.terms(cap_payment="900000.00"))
    bread = world.request("till-cafe", "2590.00")
    _taken(world.pay("aigul", "tUSDT", bread))
    tea = world.request("till-cafe", "1000.00")
    _taken(world.pay("daniyar", "KZTD", tea))
    poster = world.request("till-market", "500.00", reusable=True)
    for _ in range(2):
        _taken(world.pay("aigul", "KZTD", poster))
    do("cafe", "refund/1", payment=request_id(bread), from_=accounts["cafe", "tUSDT"],
       to=accounts["aigul", "tUSDT"], amount="1.000000")  # fmt: skip
    do("cafe", "refund/1", payment=request_id(tea), from_=accounts["cafe", "KZTD"],
       to=accounts["daniyar", "KZTD"], amount="1000.00")  # fmt: skip
    do("afsa", "zone_suspend/1", zone=world.zone)
    cake = world.request("till-cafe", "3000.00")
    refused = world.sign("aigul", "pay/1", from_=accounts["aigul", "tUSDT"], request=cake)
    for _ in range(2):
        assert isinstance(world.offer(refused), Declined)
    do("afsa", "zone_resume/1", zone=world.zone)
    for play in EVERYTHING:
        play(world)
    now = world.door.time()
    short = {"merchant": parties["market"], "zone": world.zone, "valid_from": now - HOUR}
    do("afsa", "permit/1", **short, valid_until=now + HOUR)
    revoked = do("afsa", "permit/1", **short, valid_until=now + DAY)
    do("afsa", "permit_revoke/1", permit=derived(revoked, "permit"))
    world.draw(name="Fair", ends_at=now + 2 * HOUR)
    do(operator, "clock/1", offset=3 * HOUR, frozen_at=None)  # type: ignore[arg-type]
    do(operator, "clock/1", offset=3 * HOUR, frozen_at=now + 4 * HOUR)  # type: ignore[arg-type]
    do(operator, "clock/1", offset=4 * HOUR, frozen_at=None)  # type: ignore[arg-type]
    base = b64(sha256(pack_text().encode()).digest())
    do("nbk", "pack/1", text=f'format = 1\nname = "amended"\nextends = "{base}"\n')


def _traffic(world: World, size: int) -> None:
    """Payments in batches of many sizes up to `size` entries; a tenth is refused."""
    drawn = random.Random(SEED)
    door: Any = world.door
    while (have := len(door._store.leaves(0, size + 1))) < size:
        batch, accepted = [], 0
        for _ in range(drawn.randint(1, 12)):
            if have + accepted == size:
                break
            refused = drawn.random() < 0.1
            batch.append(_something(world, drawn, refused))
            accepted += not refused
        answers = door.submit([Offer(jws.encode(), False) for jws in batch])
        assert sum(isinstance(answer, Taken) for answer in answers) == accepted, answers


def _something(world: World, drawn: random.Random, refused: bool) -> str:
    accounts = world.accounts
    if refused:
        return world.sign("aigul", "transfer/1", from_=accounts["aigul", "tUSDT"],
                          to=accounts["market", "tUSDT"], amount="1.000000")  # fmt: skip
    draw = drawn.random()
    payer, payee = drawn.sample(("aigul", "daniyar"), 2)
    if draw < 0.06:
        return world.sign("exchange", "rate/1", asset="tBTC", rate=f"{drawn.randint(40, 50)}000000")
    if draw < 0.2:
        request = world.request("till-cafe", f"{drawn.randint(1, 900)}.00")
        return world.sign(payer, "pay/1", from_=accounts[payer, "tUSDT"], request=request)
    asset = drawn.choice(("KZTD", "tUSDT"))
    amount = f"{drawn.randint(1, 40)}." + "0" * world.ASSETS[asset][1]
    return world.sign(
        payer, "transfer/1", from_=accounts[payer, asset], to=accounts[payee, asset], amount=amount
    )


def _taken(answer: Any) -> None:
    assert isinstance(answer, Taken), answer
