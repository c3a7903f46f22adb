"""The submit stream: transactions over a WebSocket, pipelined, answered in order (design D10).

What a connection has sent by the time the process looks is checked together and offered to the
writer together; the next lot is checked while the writer commits. A connection may have
`WINDOW` transactions unanswered: further ones wait in its socket, which is all the backpressure
there is. Answers are those of a batch: a line for each, in order.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final, NamedTuple

import msgspec
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from ledger.core.ids import ID_BYTES, unb64
from ledger.errors import LedgerError, Overloaded
from ledger.store import open_reading
from ledger.writer.answers import Answer, Busy, Declined, Offer, Taken, Unread
from ledger.writer.link import AsyncLink
from sandbox_api.auth import Keys, Scope, need
from sandbox_api.config import Config
from sandbox_api.front import Checked, Front
from sandbox_api.limits import TRANSACTION_BYTES_MAX
from sandbox_api.problems import Problem, problem_of_answer, problem_of_refusal
from sandbox_api.processes.doors import keys_from
from sandbox_api.processes.websocket import Ended, encoded, first_message, run, send, send_all
from sandbox_api.tenants import TenantStore
from sandbox_api.wire import Line, ProblemLine

WINDOW: Final = 256
"""Transactions of one connection that may be unanswered."""


class Hello(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The first message: the API key, and the language of sentences."""

    key: str
    lang: str = "en"


class _Lot(NamedTuple):
    """Transactions that were taken up together, and the answers to those the writer was offered."""

    checked: list[Checked | Unread]
    answers: asyncio.Task[list[Answer]]


def main(config: Config, listener: socket.socket, say: Callable[[str, str], None]) -> None:
    """Take transactions until SIGTERM."""
    asyncio.run(_serve(config, listener, say))


async def _serve(config: Config, listener: socket.socket, say: Callable[[str, str], None]) -> None:
    reader = open_reading(config.url, unb64(config.ledger, ID_BYTES))
    keys = Keys(TenantStore.open(config.tenants_url).find_key)
    link = AsyncLink(Path(config.run))
    front = Front(keys_from(reader))

    async def talk(connection: ServerConnection) -> None:
        hello = await first_message(connection, Hello)
        try:
            need(await asyncio.to_thread(keys.of, hello.key), Scope.SUBMIT)
        except Problem as problem:
            raise Ended(problem, hello.lang) from None
        greeting = {"ledger": config.ledger, "time": await link.time(), "window": WINDOW}
        await send(connection, encoded({"hello": greeting}))
        await _Talk(connection, link, front, hello.lang).run()

    await run(
        config, listener, "/v1/submit", talk, say,
        message_bytes_max=TRANSACTION_BYTES_MAX, messages_queued_max=WINDOW,
    )  # fmt: skip
    await link.close()


class _Talk:
    """One connection, after its key was found good."""

    def __init__(
        self, connection: ServerConnection, link: AsyncLink, front: Front, lang: str
    ) -> None:
        self._connection: Final = connection
        self._link: Final = link
        self._front: Final = front
        self._lang: Final = lang
        self._received: list[bytes] = []
        self._arrived: Final = asyncio.Event()
        self._room: Final = asyncio.Semaphore(WINDOW)
        self._lots: Final[asyncio.Queue[_Lot]] = asyncio.Queue()

    async def run(self) -> None:
        """Until the client ends it; what was received by then is answered first."""
        offering = asyncio.create_task(self._offer())
        answering = asyncio.create_task(self._answer())
        receiving = asyncio.create_task(self._receive())
        try:
            done, _ = await asyncio.wait(
                (receiving, offering, answering), return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                task.result()
        finally:
            for task in (receiving, offering, answering):
                task.cancel()
            await asyncio.gather(receiving, offering, answering, return_exceptions=True)

    async def _receive(self) -> None:
        receive = self._connection.recv
        try:
            while True:
                await self._room.acquire()
                line = await receive(decode=False)
                self._received.append(line)  # not in one line: the list may change while waiting
                self._arrived.set()
        except ConnectionClosed:
            return

    async def _offer(self) -> None:
        """Check what has arrived and hand it to the writer, without waiting for its answer."""
        while True:
            await self._arrived.wait()
            self._arrived.clear()
            lines, self._received = self._received, []
            checked = self._front.check_all(lines)
            offers = [one.offer for one in checked if isinstance(one, Checked)]
            self._lots.put_nowait(_Lot(checked, asyncio.create_task(self._submit(offers))))
            await asyncio.sleep(0)

    async def _submit(self, offers: list[Offer]) -> list[Answer]:
        try:
            return await self._link.submit(offers)
        except Overloaded as error:
            return [Busy(str(error), error.retry_after_s)] * len(offers)
        except LedgerError as error:
            return [Busy(str(error))] * len(offers)

    async def _answer(self) -> None:
        while True:
            lot = await self._lots.get()
            answers = iter(await lot.answers)
            lines = [
                encoded(self._line("", one))
                if isinstance(one, Unread)
                else encoded(self._line(one.id, next(answers)))
                for one in lot.checked
            ]
            await send_all(self._connection, lines)
            for _ in lines:
                self._room.release()

    def _line(self, id: str, answer: Answer) -> Line | ProblemLine:
        if isinstance(answer, Taken):
            return Line(id, answer.index, answer.at, answer.size)
        if isinstance(answer, Declined):
            return ProblemLine(problem_of_refusal(answer, self._lang, id=id))
        return ProblemLine(problem_of_answer(answer, self._lang))
