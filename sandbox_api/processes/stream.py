"""The event stream: what happens, told over WebSockets as it is committed (design D10).

One pump reads the ledger's one sequence of events by cursor, renders each event once and hands it
to the readers that asked for it. A reader that comes with an old cursor first gets what it missed
from the store, page by page, and then joins. A reader that lets `QUEUE_MAX` events pile up is told
so and dropped: it comes back with its cursor and has lost nothing, and nobody has waited for it.
"""

from __future__ import annotations

import asyncio
import socket
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from ledger.core.ids import ID_BYTES, unb64
from ledger.store import open_reading
from ledger.store.base import EventKind
from ledger.store.reader import ReadingStore
from ledger.writer.link import AsyncLink
from sandbox_api.auth import Keys, Scope, need
from sandbox_api.config import Config
from sandbox_api.problems import Problem
from sandbox_api.processes.websocket import (
    CLOSE_LATER,
    Ended,
    encoded,
    first_message,
    read_message,
    run,
    send,
)
from sandbox_api.reading.events import Filter, render
from sandbox_api.sentences import LANGUAGES
from sandbox_api.tenants import TenantStore
from sandbox_api.wire import EventBody, IdText

QUEUE_MAX: Final = 1_000
"""Events that may wait for one reader."""

FOLLOWED_MAX: Final = 1_000
"""Accounts, and payment requests, that one reader may follow; a till follows a day's sales."""

PAGE: Final = 256
"""Events read from the store at once."""

ALIVE_S: Final = 15.0
"""How often a reader that hears nothing else is told that the stream is alive."""

MESSAGE_BYTES_MAX: Final = 64 * 1024
"""What a reader may send in one message."""

SEND_BYTES: Final = 128 * 1024
"""Bytes that the system holds for one reader; what does not fit waits in its bounded queue."""

LOOK_S: Final = 5.0
"""How long the pump relies on the writer's word before it looks for itself."""

Ids = Annotated[tuple[IdText, ...], Meta(max_length=FOLLOWED_MAX)]


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first message. `after`: the last `seq` seen, null for "from now on"."""

    key: str
    after: Annotated[int, Meta(ge=-1, lt=1 << 53)] | None = None
    accounts: Ids = ()
    requests: Ids = ()
    lang: str = "en"


class Followed(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to follow from now on, too."""

    accounts: Ids = ()
    requests: Ids = ()


class More(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Every later message."""

    add: Followed


class Told(NamedTuple):
    """One event as it goes out, and whom it concerns. `named`: accounts that its payload names."""

    event: EventBody
    named: frozenset[str]
    frame: bytes


class Page(NamedTuple):
    """Events up to and including `seq`, by language. Those that were pruned are left out."""

    seq: int
    told: dict[str, list[Told]]


def main(config: Config, listener: socket.socket, say: Callable[[str, str], None]) -> None:
    """Tell events until SIGTERM."""
    asyncio.run(_serve(config, listener, say))


async def _serve(config: Config, listener: socket.socket, say: Callable[[str, str], None]) -> None:
    reader = open_reading(config.url, unb64(config.ledger, ID_BYTES))
    keys = Keys(TenantStore.open(config.tenants_url).find_key)
    link = AsyncLink(Path(config.run))
    hub = _Hub(_Pages(reader), link)
    pump = asyncio.create_task(hub.pump())

    async def talk(connection: ServerConnection) -> None:
        own: socket.socket = connection.transport.get_extra_info("socket")
        own.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BYTES)
        hello = await first_message(connection, Hello)
        lang = hello.lang if hello.lang in LANGUAGES else "en"
        try:
            access = await asyncio.to_thread(keys.of, hello.key)
            need(access, Scope.READ)
            if Scope.LOG_READ not in access.scopes and not (hello.accounts or hello.requests):
                raise Problem("events.filter", "name the accounts or requests to follow")
        except Problem as problem:
            raise Ended(problem, lang) from None
        time, head = await link.time(), await hub.head()
        greeting = {"ledger": config.ledger, "time": time, "head": head}
        await send(connection, encoded({"hello": greeting}))
        after = head if hello.after is None else hello.after
        await _Follower(connection, hub, hello, after, lang).run()

    try:
        await run(config, listener, "/v1/stream", talk, say, message_bytes_max=MESSAGE_BYTES_MAX)
    finally:
        pump.cancel()
        await link.close()


class _Pages:
    """Reads and renders events, on one thread beside the event loop."""

    def __init__(self, reader: ReadingStore) -> None:
        self._reader: Final = reader
        self._thread: Final = ThreadPoolExecutor(1, "events")

    async def head(self) -> int:
        """The sequence number of the newest event."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: self._reader.head().events)

    async def after(self, seq: int, langs: tuple[str, ...]) -> Page:
        """The next page of events above `seq`, in each of these languages."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._read, seq, langs)

    def _read(self, seq: int, langs: tuple[str, ...]) -> Page:
        with self._reader.snapshot() as view:
            rows = view.events(seq, PAGE)
            told = [_told(*one) for one in render(view, rows, langs[0])]
            told_in = {langs[0]: told}
            refusals = [row for row in rows if row.kind is EventKind.REFUSAL]
            for lang in langs[1:]:  # only refusals hold sentences
                pairs = render(view, refusals, lang)
                other = {event.seq: _told(event, named) for event, named in pairs}
                told_in[lang] = [other.get(one.event.seq, one) for one in told]
            return Page(rows[-1].seq if rows else seq, told_in)


def _told(event: EventBody, named: frozenset[str]) -> Told:
    return Told(event, named, encoded(event))


class _Hub:
    """Hands each new event to the followers that want it."""

    def __init__(self, pages: _Pages, link: AsyncLink) -> None:
        self.pages: Final = pages
        self.link: Final = link
        self.seen = -1  # every event up to here was handed out
        self._followers: set[_Follower] = set()

    async def head(self) -> int:
        """The newest event's number."""
        return await self.pages.head()

    async def pump(self) -> None:
        """Follow the ledger for as long as the process lives."""
        self.seen = await self.pages.head()
        while True:
            moved = await self.link.wait_for_events(self.seen, LOOK_S)
            head = moved if moved > self.seen else await self.pages.head()
            while self.seen < head:
                if not self._followers:  # nobody listens: nothing to render
                    self.seen = head
                    break
                page = await self.pages.after(self.seen, LANGUAGES)
                if page.seq == self.seen:
                    break
                for follower in tuple(self._followers):
                    for told in page.told[follower.lang]:
                        follower.offer(told)
                self.seen = page.seq

    def join(self, follower: _Follower) -> None:
        """Hand it everything after `seen`."""
        self._followers.add(follower)

    def leave(self, follower: _Follower) -> None:
        """No more for this one."""
        self._followers.discard(follower)


class _Follower:
    """One connection, after its key was found good."""

    def __init__(
        self, connection: ServerConnection, hub: _Hub, hello: Hello, after: int, lang: str
    ) -> None:
        self.lang: Final = lang
        self._connection: Final = connection
        self._hub: Final = hub
        self._wanted = Filter(frozenset(hello.accounts), frozenset(hello.requests))
        self._cursor = after  # every wanted event up to here was queued
        self._queue: deque[bytes] = deque()
        self._news: Final = asyncio.Event()
        self._too_slow = False

    async def run(self) -> None:
        """Until the client ends it, or falls too far behind."""
        listening = asyncio.create_task(self._listen())
        telling = asyncio.create_task(self._tell())
        try:
            done, _ = await asyncio.wait((listening, telling), return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            self._hub.leave(self)
            for task in (listening, telling):
                task.cancel()
            await asyncio.gather(listening, telling, return_exceptions=True)

    def offer(self, told: Told) -> None:
        """Queue an event if it is new here and wanted."""
        if told.event.seq <= self._cursor:
            return
        self._cursor = told.event.seq
        if self._wanted.wants(told.event, told.named):
            if len(self._queue) >= QUEUE_MAX:
                self._too_slow = True
                self._hub.leave(self)
            else:
                self._queue.append(told.frame)
            self._news.set()

    async def _tell(self) -> None:
        await self._catch_up()
        while True:
            while self._queue and not self._too_slow:
                await send(self._connection, self._queue.popleft())
            if self._too_slow:
                raise Ended(
                    Problem("overloaded", f"{QUEUE_MAX} events waited: come back with after="),
                    self.lang,
                    CLOSE_LATER,
                )
            self._news.clear()
            try:
                async with asyncio.timeout(ALIVE_S):
                    await self._news.wait()
            except TimeoutError:
                # Everything up to what the hub has handed out was sent, wanted or not.
                alive = {"seq": max(self._hub.seen, self._cursor), "time": await self._time()}
                if not self._queue:
                    await send(self._connection, encoded({"alive": alive}))

    async def _catch_up(self) -> None:
        """What was missed, from the store; joins the live ones where the two meet."""
        while self._cursor < self._hub.seen:
            page = await self._hub.pages.after(self._cursor, (self.lang,))
            if page.seq == self._cursor:
                break
            for told in page.told[self.lang]:
                if self._wanted.wants(told.event, told.named):
                    await send(self._connection, told.frame)
            self._cursor = page.seq
        self._hub.join(self)

    async def _listen(self) -> None:
        """Widen the filter as asked."""
        try:
            while True:
                more = read_message(await self._connection.recv(decode=False), More).add
                accounts = self._wanted.accounts | set(more.accounts)
                requests = self._wanted.requests | set(more.requests)
                if max(len(accounts), len(requests)) > FOLLOWED_MAX:
                    raise Ended(
                        Problem("events.filter", f"one reader follows {FOLLOWED_MAX} at most"),
                        self.lang,
                    )
                self._wanted = Filter(accounts, requests)
        except ConnectionClosed:
            return

    async def _time(self) -> int:
        return await self._hub.link.time()
