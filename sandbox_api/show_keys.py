"""`tenge keys`: the personas of a data folder and their private keys."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from ledger.keyring import Keyring
from sandbox_api.config import CannotRun
from sandbox_api.keychest import persona_key
from sandbox_api.ledger_place import world_of


def print_list(folder: Path, *, as_json: bool) -> None:
    """Every persona, and every further officer of one: short name, role, party, key id."""
    rows = [
        {"name": name, "role": one.role, "party": one.party, "kid": kid, "title": one.title}
        for one in world_of(folder).personas
        for name, kid in ((one.name, one.kid), *((it.name, it.kid) for it in one.officers))
    ]
    if as_json:
        click.echo(msgspec.json.encode(rows).decode())
        return
    for row in rows:
        click.echo(f"{row['name']:<14}{row['role']:<14}{row['party']}  {row['kid']}")


def print_key(folder: Path, name: str) -> None:
    """The private key of a persona or of an officer, as one line of JWK."""
    world = world_of(folder)
    names = [
        name
        for one in world.personas
        for name in (one.name, *(officer.name for officer in one.officers))
        if name != "operator"
    ]
    if name not in names:
        raise CannotRun(f"Nobody is called {name!r}: there are {', '.join(names)}.")
    keyring = Keyring.open_or_create(folder / "keyring")
    click.echo(persona_key(keyring, name).to_jwk_text())
