"""What a front end is made of: the doors to the ledger, to custody and to the sandbox's own store.

One set a process, made at its start and handed to the routes; nothing here is secret. Today every
tenant points at the one ledger that `door` writes and `reader` reads; a second ledger is a second
set of those two, found by the tenant of the API key.
"""

from __future__ import annotations

from dataclasses import dataclass

from ledger.store.reader import ReadingStore
from ledger.writer.answers import Door
from sandbox_api.custody_protocol import Custody
from sandbox_api.front import Front
from sandbox_api.personas import World
from sandbox_api.tenants import TenantStore


@dataclass(frozen=True, slots=True)
class Parts:
    """Doors, addresses and names. `ledger`: the id (22 characters).

    `origin`: where pages and `/v1` are, as in `http://127.0.0.1:8080`; links and QR codes use it.
    `hosts`: the names without port that this server answers to. `world`: the personas, if any.
    """

    ledger: str
    name: str
    door: Door
    reader: ReadingStore
    front: Front
    tenants: TenantStore
    custody: Custody
    origin: str
    stream_url: str
    submit_url: str
    hosts: tuple[str, ...]
    world: World | None = None
