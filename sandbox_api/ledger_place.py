"""Which ledger a command means: a database by its URL, or the one of a data folder."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from ledger.core.ids import ID_BYTES, unb64
from sandbox_api.config import OWN_DATABASE, CannotRun
from sandbox_api.personas import World, read_world


class LedgerPlace(NamedTuple):
    """A database's URL and the ledger in it; without an id, its newest."""

    url: str
    id: bytes | None


def world_of(folder: Path) -> World:
    """The world of a data folder; raises CannotRun where there is none."""
    world = read_world(folder / "world.json")
    if world is None:
        raise CannotRun(
            f"{folder} holds no sandbox: start one with `tenge up`, or name its folder with --data."
        )
    return world


def place_of(folder: Path, db: str | None) -> LedgerPlace:
    """Where the ledger is: in `db` where one is given, else where the folder's world says."""
    if db is not None:
        return LedgerPlace(db, None)
    world = world_of(folder)
    url = world.url
    if url == f"sqlite:///{OWN_DATABASE}":
        url = f"sqlite:///{folder.absolute() / OWN_DATABASE}"
    elif "***" in url:
        raise CannotRun(f"The ledger is in {url}: give that database, password and all, with --db.")
    return LedgerPlace(url, unb64(world.ledger, ID_BYTES))
