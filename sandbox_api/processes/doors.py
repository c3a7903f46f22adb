"""From `Config` to the doors of a front end: writer, ledger to read, custody, own store."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from ledger.core.ids import ID_BYTES, unb64
from ledger.core.objects import SIGNERS, public_of
from ledger.store import open_reading
from ledger.store.reader import ReadingStore
from ledger.writer.link import Link
from sandbox_api.config import Config
from sandbox_api.custody_link import CustodyLink
from sandbox_api.front import Front, KeySource
from sandbox_api.parts import Parts
from sandbox_api.personas import read_world
from sandbox_api.tenants import TenantStore

TIME_KEPT_S: Final = 0.2
"""How old the sandbox's time may be that an answer carries. It is never ahead of the sandbox's."""


class TimedLink(Link):
    """The writer's door, which asks the writer for the time a few times a second and not for every
    answer that carries it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._time = 0
        self._time_until = 0.0

    def time(self) -> int:
        """The sandbox's time, ms UTC, at most `TIME_KEPT_S` old."""
        if time.monotonic() >= self._time_until:
            self._time = super().time()
            self._time_until = time.monotonic() + TIME_KEPT_S
        return self._time


def open_parts(config: Config) -> Parts:
    """Everything the HTTP routes need, opened in the process that will use it."""
    reader = open_reading(config.url, unb64(config.ledger, ID_BYTES))
    world = read_world(config.world)
    run = Path(config.run)
    return Parts(
        ledger=config.ledger,
        name="sandbox" if world is None else world.name,
        door=TimedLink(run),
        reader=reader,
        front=Front(keys_from(reader)),
        tenants=TenantStore.open(config.tenants_url),
        custody=CustodyLink(run),
        origin=config.origin,
        stream_url=config.stream_url,
        submit_url=config.submit_url,
        hosts=config.hosts,
        world=world,
    )


def keys_from(reader: ReadingStore) -> KeySource:
    """Public keys as the ledger has them: of parties and of tills."""

    def keys_of(kids: Sequence[bytes]) -> Mapping[bytes, bytes]:
        needs = [("object", type_, kid) for kid in kids for type_ in SIGNERS]
        found: dict[bytes, bytes] = {}
        for (_, _, kid), object_ in reader.load(needs).items():
            if object_ is not None:
                found[kid] = public_of(object_)
        return found

    return keys_of
