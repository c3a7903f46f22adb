"""What happens before anything is served: the data folder, the ledger with its world, the API keys.

Runs in a child of its own, so that the supervisor never holds a database connection or a secret of
the keyring. `world.json` is written last: a folder without it is one where nothing was announced,
and a start that broke off leaves at most an unused ledger in the database.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from ledger.core.ids import ID_BYTES, unb64
from ledger.keyring import Keyring
from ledger.keys import SigningKey
from ledger.store.open import parse
from sandbox_api.auth import KeyKind
from sandbox_api.config import OWN_DATABASE, CannotRun, Config
from sandbox_api.keychest import api_key, fix_personas, persona_key
from sandbox_api.personas import World, read_world
from sandbox_api.tenants import TenantStore
from sandbox_api.world import build_world

NAME: Final = "sandbox"


class Prepared(msgspec.Struct, frozen=True):
    """What the supervisor needs to know: who there is, and the API keys that the banner shows."""

    world: World
    secret_key: str
    publishable_key: str


def main(config: Config, seed: str | None, say: Callable[[str, str], None]) -> None:
    """Prepare, and say what came of it as JSON of `Prepared`."""
    keyring = Keyring.open_or_create(config.keyring)
    if seed is not None:
        fix_personas(keyring, seed)
    world = _world(config, keyring)
    secret_key = api_key(keyring, KeyKind.SECRET)
    publishable_key = api_key(keyring, KeyKind.PUBLISHABLE)
    tenants = TenantStore.open(config.tenants_url)
    try:
        tenant = tenants.put_tenant(world.name, unb64(world.ledger, ID_BYTES))
        for key in (secret_key, publishable_key):
            tenants.put_key(tenant.number, key)
    finally:
        tenants.close()
    say("ready", msgspec.json.encode(Prepared(world, secret_key, publishable_key)).decode())


def _world(config: Config, keyring: Keyring) -> World:
    """The world of this folder; made, with its ledger, where there is none yet."""
    url = _shown(config)
    world = read_world(config.world)
    if world is not None:
        if world.url != url:
            raise CannotRun(
                f"{config.folder} holds a sandbox whose ledger is in {world.url}: give the same"
                " --db as at its first start, or choose another folder with --data."
            )
        return world

    def key_of(name: str) -> SigningKey:
        return persona_key(keyring, name)

    world = msgspec.structs.replace(build_world(config.url, keyring, key_of, name=NAME), url=url)
    draft = config.world.with_name("world.json.new")
    draft.write_bytes(msgspec.json.format(msgspec.json.encode(world)) + b"\n")
    os.replace(draft, config.world)
    return world


def _shown(config: Config) -> str:
    """The database as it is remembered: without a password, and the folder's own file by its name
    alone, so that the folder may be moved."""
    if config.url == f"sqlite:///{Path(config.folder) / OWN_DATABASE}":
        return f"sqlite:///{OWN_DATABASE}"
    return parse(config.url).render_as_string(hide_password=True)


def make_folder(folder: Path) -> None:
    """The data folder, readable by its owner alone; raises CannotRun."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CannotRun(
            f"The data folder {folder} cannot be made ({error.strerror}): choose another with"
            " --data."
        ) from None
