"""Who is who in the sandbox's little world: invented names beside the ledger, never in it (D15).

Facts come from `world.json`, which `sandbox_api.world` writes when a ledger is made. Names and
titles are for people; programs go by party and account ids.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from ledger.errors import StoreProblem


class PersonaAccount(msgspec.Struct, frozen=True):
    """One account of a persona: its id (22) and its asset's code."""

    id: str
    asset: str


class Officer(msgspec.Struct, frozen=True):
    """A further officer of an institution, with a key of their own. `name` is what `tenge keys
    show` takes (`central-bank-2`)."""

    name: str
    kid: str


class Persona(msgspec.Struct, frozen=True):
    """One invented party. `name` is the short word that the CLI takes (`market`, `aigerim`),
    `title` what people read; `role` is the party's role on the ledger. `kid` is the key that signs
    unless said otherwise; an institution has `officers` beside, for what two keys must agree to."""

    name: str
    title: str
    role: str
    party: str
    kid: str
    accounts: tuple[PersonaAccount, ...] = ()
    officers: tuple[Officer, ...] = ()

    def account(self, asset: str) -> str:
        """The id of this persona's account in an asset; KeyError where it has none."""
        for account in self.accounts:
            if account.asset == asset:
                return account.id
        raise KeyError(f"{self.name} has no account in {asset}")


class Till(msgspec.Struct, frozen=True):
    """A place where tills stand: `name` (`market`, `cafe`), its merchant's persona and its point.

    `lat` and `lon` are decimal degrees as text with 7 digits, WGS 84. `kid` is the seeded till's.
    """

    name: str
    title: str
    merchant: str
    lat: str
    lon: str
    kid: str


class World(msgspec.Struct, frozen=True):
    """Everything that was seeded and that people will want to find again."""

    version: int
    name: str
    ledger: str
    url: str
    log_key: str
    """The log's public key as verifiers take it (C2SP vkey); checkpoints are signed with it."""
    zone: str
    zone_name: str
    personas: tuple[Persona, ...]
    tills: tuple[Till, ...]

    def persona(self, name: str) -> Persona:
        """The persona of that short name; KeyError where there is none."""
        for persona in self.personas:
            if persona.name == name:
                return persona
        raise KeyError(f"no persona is called {name}")

    def till(self, name: str) -> Till:
        """The till of that short name; KeyError where there is none."""
        for till in self.tills:
            if till.name == name:
                return till
        raise KeyError(f"no till is called {name}")


VERSION: Final = 2
"""Of the file's form."""

_decode = msgspec.json.Decoder(World).decode


def read_world(path: Path) -> World | None:
    """The world that was written at `path`, None where there is none; StoreProblem if damaged."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return None
    try:
        world = _decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise StoreProblem(f"{path} is damaged; put back a good copy of it") from None
    if world.version != VERSION:
        raise StoreProblem(f"{path} is of form {world.version}; this program reads {VERSION}")
    return world
