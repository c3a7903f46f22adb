"""A ledger in this process: the same writer that `tenge up` runs in a process of its own.

For scripts, tests, and Windows. Any number of threads may submit: whoever holds the door writes
what all of them have offered meanwhile, in one commit.
"""

from __future__ import annotations

import secrets
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from types import TracebackType

import msgspec

from ledger.clock import system_ms
from ledger.core.envelope import seal
from ledger.core.ids import b64, ledger_id
from ledger.core.transaction import NOT_AFTER_AHEAD_MAX_MS
from ledger.errors import DoorShut, Overloaded, StoreProblem
from ledger.keyring import Keyring
from ledger.keys import SigningKey
from ledger.kinds.genesis import GenesisPayload
from ledger.log.checkpoint import LogKey, encode_vkey, sign_checkpoint
from ledger.store import create_ledger, open_writing
from ledger.store.base import Points, WritingStore, no_points
from ledger.writer.answers import Answer, Offer, Taken
from ledger.writer.engine import Engine, checkpoint_root

QUEUE_MAX = 20_000
"""Offers that may wait for the writer; one more is Overloaded."""

BATCH_MAX = 1_000
"""Offers in one commit."""

OPERATOR_KEY = "operator"
LOG_KEY = "log"
"""Names of the ledger's own keys in the keyring."""


class Ledger:
    """One ledger, open for writing. Use as a context manager, or call `close`."""

    def __init__(self, store: WritingStore, id: bytes, keyring: Keyring) -> None:
        self.id = b64(id)
        self._log_key = keyring.key(LOG_KEY)
        self._store = store
        self._engine = Engine(store, id, keyring.key(OPERATOR_KEY))  # under the lock
        self._lock = threading.Lock()
        self._gate = threading.Lock()  # never held for long; the next three are under it
        self._queue: deque[tuple[list[Offer], Future[list[Answer]]]] = deque()
        self._queued = 0
        self._closed = False

    @classmethod
    def create(
        cls, url: str, keyring: Keyring, central_bank: SigningKey, name: str = "sandbox"
    ) -> Ledger:
        """Begin a new ledger in the database at `url`: its genesis is signed by the central bank.

        Raises StoreProblem. The ledger's own keys are made in the keyring where it has none.
        """
        jws, id = genesis(keyring, central_bank, name)
        create_ledger(url, id)
        ledger = cls.open(url, keyring, id)
        answer = ledger.submit([Offer(jws.encode(), False)])[0]
        if not isinstance(answer, Taken):
            ledger.close()
            raise StoreProblem(f"the new ledger could not be begun: {answer}")
        return ledger

    @classmethod
    def open(
        cls, url: str, keyring: Keyring, id: bytes | None = None, points: Points = no_points
    ) -> Ledger:
        """Open a ledger, the newest where none is named. Never replays. Raises StoreProblem."""
        store = open_writing(url, id, points)
        try:
            head = store.begin()
            store.rollback()
            return cls(store, head.id, keyring)
        except BaseException:
            store.close()
            raise

    def submit(self, offers: list[Offer]) -> list[Answer]:
        """Answers in the order of the offers, once durable. Raises DoorShut, Overloaded."""
        if not offers:
            return []
        answer: Future[list[Answer]] = Future()
        with self._gate:
            if self._closed:
                raise DoorShut("this ledger is closed")
            if self._queued + len(offers) > QUEUE_MAX:
                raise Overloaded(f"{self._queued} transactions wait already; try again in a second")
            self._queued += len(offers)
            self._queue.append((offers, answer))
        while not answer.done():
            with self._lock:
                if not answer.done():
                    self._write_next()
        return answer.result()

    def take(self, offers: list[Offer]) -> list[Answer]:
        """Write these offers as one batch of their own, on the caller's thread. Raises DoorShut."""
        with self._open_engine() as engine:
            return engine.take(offers)

    def submit_one(self, jws: str | bytes) -> Answer:
        """One transaction whose signatures nobody has checked yet."""
        raw = jws.encode() if isinstance(jws, str) else jws
        return self.submit([Offer(raw, False)])[0]

    def checkpoint(self) -> str:
        """The signed checkpoint of the head as the database holds it (C2SP signed note).

        Signed only after the head was read back, so this key never signs two roots for one size.
        """
        with self._open_engine() as engine:
            head = engine.head()
        key = self._log_key
        return sign_checkpoint(
            self.origin, head.size, checkpoint_root(head), key.sign, key.public_key
        )

    def time(self) -> int:
        """The sandbox's time, ms UTC."""
        with self._open_engine() as engine:
            return engine.time()

    def tick(self, *, busy: bool = False) -> None:
        """End what is due though nobody asks; where nobody does (not `busy`), tidy up too."""
        with self._open_engine() as engine:
            engine.tick(busy=busy)

    def events(self) -> int:
        """How many events there are, as the database has it now."""
        with self._open_engine() as engine:
            return engine.head().events

    @property
    def events_seen(self) -> int:
        """How many events there were at the last batch or tick."""
        return self._engine.events_seen

    @property
    def origin(self) -> str:
        """The log's name, as checkpoints carry it."""
        return origin_of(self.id)

    @property
    def vkey(self) -> str:
        """The log's public key, as verifiers take it."""
        return encode_vkey(LogKey(self.origin, self._log_key.public_key))

    def close(self) -> None:
        """Let go of the store. What waits is still written."""
        with self._gate:
            self._closed = True
        with self._lock:
            while self._queue:
                self._write_next()
            self._store.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    @contextmanager
    def _open_engine(self) -> Iterator[Engine]:
        """The engine for oneself; DoorShut once closed, so that nothing reopens the store."""
        with self._lock:
            if self._closed:
                raise DoorShut("this ledger is closed")
            yield self._engine

    def _write_next(self) -> None:
        """Write what waits, as one batch. Under the lock."""
        taken: list[tuple[list[Offer], Future[list[Answer]]]] = []
        count = 0
        with self._gate:
            while self._queue and (not taken or count + len(self._queue[0][0]) <= BATCH_MAX):
                taken.append(self._queue.popleft())
                count += len(taken[-1][0])
            self._queued -= count
        try:
            answers = self._engine.take([offer for offers, _ in taken for offer in offers])
        except BaseException as error:
            for _, future in taken:
                future.set_exception(error)
            raise
        start = 0
        for offers, future in taken:
            future.set_result(answers[start : start + len(offers)])
            start += len(offers)


def genesis(keyring: Keyring, central_bank: SigningKey, name: str) -> tuple[str, bytes]:
    """The signed genesis of a new ledger, and the id it will have."""
    payload = msgspec.json.encode(
        GenesisPayload(
            ledger="",
            nonce=b64(secrets.token_bytes(16)),
            not_after=system_ms() + NOT_AFTER_AHEAD_MAX_MS,
            name=name,
            salt=b64(secrets.token_bytes(16)),
            central_bank=b64(central_bank.public_key),
            operator=b64(keyring.key(OPERATOR_KEY).public_key),
            log_key=b64(keyring.key(LOG_KEY).public_key),
        )
    )
    jws = seal(payload, kid=central_bank.kid, typ="tenge-tx", sign=central_bank.sign)
    return jws, ledger_id(payload)


def origin_of(ledger: str) -> str:
    """The origin line of a ledger's checkpoints."""
    return f"tenge.sandbox/{ledger}"
