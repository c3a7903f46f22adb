"""A ledger in a SQLite file whose time stands still: begun the same way every time, so that a run
with one seed gives the same ids, balances and objects as the next.

Only what real time touches differs between runs: genesis and the first move of the clock.
"""

from __future__ import annotations

import shutil
from hashlib import sha256
from pathlib import Path
from typing import Any

import msgspec

from ledger.core.envelope import seal
from ledger.core.ids import TransactionId, b64, derive_key, ledger_id, unb64
from ledger.keyring import Keyring
from ledger.ledger import LOG_KEY, OPERATOR_KEY, Ledger
from ledger.store import create_ledger, open_reading
from tests.builders import DAY, World, key_of
from tests.kinds.pure import MORNING, public

FAR = MORNING + 1096 * 7 * DAY
"""A Tuesday, 10:00 in Almaty, 21 years on: later than whenever this runs."""


def url_of(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.db'}"


def begin(folder: Path) -> World:
    """A new ledger in this folder, frozen at `FAR`, with the small world in it."""
    keyring = Keyring.open_or_create(folder / "keyring")
    keyring.put(OPERATOR_KEY, b"operator".ljust(32, b"."))
    keyring.put(LOG_KEY, b"log".ljust(32, b"."))
    payload = msgspec.json.encode({
        "kind": "genesis/1", "ledger": "", "nonce": "nonce-genesis-000", "not_after": FAR,
        "name": "frozen", "salt": b64(b"sixteen bytes ok"), "central_bank": public("nbk"),
        "operator": public("operator"), "log_key": public("log"),
    })  # fmt: skip
    id, nbk = ledger_id(payload), key_of("nbk")
    create_ledger(url_of(folder), id)
    ledger = Ledger.open(url_of(folder), keyring, id)
    ledger.submit_one(seal(payload, kid=nbk.kid, typ="tenge-tx", sign=nbk.sign))
    world = World(ledger, ledger.id)
    first = TransactionId(FAR, sha256(payload).digest())
    world.parties["nbk"] = b64(derive_key(first, "central_bank"))
    world.do("operator", "clock/1", offset=0, frozen_at=FAR)
    return world.build()


def reopen(world: World, template: Path, folder: Path) -> World:
    """The same world on a copy of a closed ledger's folder."""
    shutil.copytree(template, folder, dirs_exist_ok=True)
    keyring = Keyring.open_or_create(folder / "keyring")
    ledger = Ledger.open(url_of(folder), keyring, unb64(world.signing.ledger, 16))
    twin = World(ledger, ledger.id)
    for name in ("parties", "accounts", "rates"):
        setattr(twin, name, dict(getattr(world, name)))
    twin.zone, twin.permit = world.zone, world.permit
    for _ in range(1_000):  # nonces that the template did not use
        next(twin.signing._nonces)
    return twin


def state_hash(folder: Path) -> str:
    """SHA-256 of every account, object, look-up and counter, but for what real time touched."""
    reader = open_reading(url_of(folder))
    try:
        digest = sha256()
        rows: list[Any] = [*reader.all_accounts(), *reader.all_lookups(), *reader.all_counters()]
        rows += [row for row in reader.all_objects() if row.type != "genesis"]
        for row in rows:
            digest.update(repr(row).encode())
        return digest.hexdigest()
    finally:
        reader.close()
