"""The writer's socket against front ends that are strangers, broken, slow or too many."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from ledger.errors import DoorShut, LedgerError
from ledger.writer import link as link_module
from ledger.writer.answers import Offer, Taken
from ledger.writer.link import AsyncLink, Link
from ledger.writer.process import CONNECTIONS_MAX
from ledger.writer.wire import (
    FRAME_MAX,
    SECRET_NAME,
    SOCKET_NAME,
    Ask,
    Frames,
    Said,
    decode_said,
    frame,
)
from tests.builders import id_of
from tests.reliability.node import ROOT, Node
from tests.reliability.town import Site, offers
from tests.scale import draw, rounds

OTHERS_S = 2.0
"""However one front end behaves, another's payment is answered in this time."""


@pytest.fixture
def node(sqlite_site: Site) -> Node:
    return sqlite_site.node().start().reached()


class Front:
    """A front end by hand: a socket to the writer, greeted with `secret`, the right one if None."""

    def __init__(self, folder: Path, secret: bytes | None = None) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        try:
            self.socket.connect(str(folder / SOCKET_NAME))
            self.socket.sendall((folder / SECRET_NAME).read_bytes() if secret is None else secret)
        except OSError:
            self.socket.close()
            raise

    def is_cut_off(self) -> bool:
        """Whether the writer has hung up, waiting for it."""
        try:
            return self.socket.recv(1) == b""
        except ConnectionError:
            return True

    def __enter__(self) -> Front:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()


def pays(site: Site, link: Link) -> float:
    """Pay once over a link; how long it took."""
    start = time.monotonic()
    answer = link.submit(offers([site.transfer("person 00", "person 01", "0.01")]))[0]
    assert isinstance(answer, Taken), answer
    return time.monotonic() - start


STRANGERS = {
    "a wrong secret": b"\0" * 32,
    "a secret wrong in its last bit": b"last bit",
    "an ask without a secret": frame(Ask(1, "checkpoint")) * 4,
}


@pytest.mark.parametrize("greeting", STRANGERS.values(), ids=STRANGERS)
def test_a_stranger_is_cut_off_unheard(sqlite_site: Site, node: Node, greeting: bytes) -> None:
    if greeting == b"last bit":
        right = (node.folder / SECRET_NAME).read_bytes()
        greeting = right[:-1] + bytes([right[-1] ^ 1])
    jws = sqlite_site.transfer("person 00", "person 01", "1.00").encode()
    before = sqlite_site.judge().size

    with Front(node.folder, greeting + frame(Ask(1, "submit", [Offer(jws, True)]))) as stranger:
        assert stranger.is_cut_off()

    assert sqlite_site.judge().size == before
    assert pays(sqlite_site, node.link()) < OTHERS_S


GARBAGE = {
    "no message": (3).to_bytes(4, "little") + b"\xc1" * 3,
    "zeros": b"\0" * 64,
    "a frame over the limit": (FRAME_MAX + 1).to_bytes(4, "little"),
    "the longest length there is": b"\xff" * 4,
    "a message of another shape": (2).to_bytes(4, "little") + b"\x91\x01",
    "text for bytes": (11).to_bytes(4, "little") + b"\x93\x01\xa6submit\x91\x01",
}


@pytest.mark.parametrize("garbage", GARBAGE.values(), ids=GARBAGE)
def test_a_front_end_that_sends_garbage_is_cut_off_alone(
    sqlite_site: Site, node: Node, garbage: bytes
) -> None:
    other = node.link()
    pays(sqlite_site, other)

    with Front(node.folder) as front:
        front.socket.sendall(garbage)
        assert front.is_cut_off()

    assert pays(sqlite_site, other) < OTHERS_S
    assert node.is_alive()


def test_random_bytes_never_end_the_writer(sqlite_site: Site, node: Node) -> None:
    random = draw("random bytes")
    other = node.link()
    for _ in range(rounds(60)):
        with Front(node.folder) as front, contextlib.suppress(OSError):
            front.socket.sendall(random.randbytes(random.randrange(1, 5_000)))

    assert pays(sqlite_site, other) < OTHERS_S
    assert node.log() == ""


def test_frames_in_pieces_are_put_together(sqlite_site: Site, node: Node) -> None:
    jws = [sqlite_site.transfer("person 00", "person 01", "0.01").encode() for _ in range(3)]
    sent = b"".join(frame(Ask(n, "submit", [Offer(each, False)])) for n, each in enumerate(jws))

    with Front(node.folder, b"") as front:
        for byte in (node.folder / SECRET_NAME).read_bytes() + sent:
            front.socket.sendall(bytes([byte]))
        said = told(front, 3)

    assert [each.seq for each in said] == [0, 1, 2]
    assert all(isinstance(each.answers[0], Taken) for each in said)


def told(front: Front, count: int) -> list[Said]:
    """So many messages of the writer."""
    frames = Frames()
    said: list[Said] = []
    while len(said) < count:
        said += [decode_said(message) for message in frames.feed(front.socket.recv(1 << 16))]
    return said


def test_half_a_frame_holds_nobody_up(sqlite_site: Site, node: Node) -> None:
    other = node.link()
    whole = frame(Ask(1, "submit", [Offer(b"x" * 10_000, False)]))

    with contextlib.ExitStack() as stack:
        for size in (1, 3, 4, 5, 5_000, len(whole) - 1):
            front = stack.enter_context(Front(node.folder))
            front.socket.sendall(whole[:size])
        for _ in range(5):
            assert pays(sqlite_site, other) < OTHERS_S


def test_a_front_end_that_stops_reading_is_cut_off_and_others_go_on(sqlite_site: Site) -> None:
    node = sqlite_site.node(limits=["OUTGOING_MAX=3000000"]).start().reached()
    other = node.link()
    ask = frame(Ask(1, "no such verb, and a long one at that"))

    with Front(node.folder) as stalled:
        asked = 0
        with contextlib.suppress(ConnectionError):
            while asked < 2_000:
                stalled.socket.sendall(ask * 200)
                asked += 1
                assert pays(sqlite_site, other) < OTHERS_S

    assert asked < 2_000
    assert "front_end_stalled" in node.log()
    assert pays(sqlite_site, other) < OTHERS_S


def test_a_front_end_that_reads_late_costs_nothing_afterwards(
    sqlite_site: Site, node: Node
) -> None:
    ask = frame(Ask(1, "no such verb"))
    with Front(node.folder) as late:
        late.socket.sendall(ask * 20_000)
        told(late, 20_000)

        writer = psutil.Process(node.pid)
        before = writer.cpu_times()
        time.sleep(1.0)  # what is measured is what the writer does in this time, which is nothing
        after = writer.cpu_times()

    assert after.user + after.system - before.user - before.system < 0.3


def test_five_hundred_connections_leave_those_in_use_alone(sqlite_site: Site, node: Node) -> None:
    link = node.link()
    pays(sqlite_site, link)

    with contextlib.ExitStack() as stack:
        for _ in range(500):
            with contextlib.suppress(ConnectionError, BlockingIOError):  # one too many
                stack.enter_context(Front(node.folder))
        assert pays(sqlite_site, link) < OTHERS_S
        held = psutil.Process(node.pid).net_connections("unix")
        assert len(held) <= CONNECTIONS_MAX + 1

    assert pays(sqlite_site, node.link()) < OTHERS_S, "and there is room again"


def test_a_writer_out_of_file_descriptors_goes_on(sqlite_site: Site) -> None:
    node = sqlite_site.node(limits=["FILES=40"]).start().reached()
    link = node.link()
    pays(sqlite_site, link)

    with contextlib.ExitStack() as stack:
        for _ in range(60):
            stack.enter_context(Front(node.folder))
        for _ in range(5):
            assert pays(sqlite_site, link) < OTHERS_S

    assert pays(sqlite_site, node.link()) < OTHERS_S


def test_a_term_signal_finishes_what_has_arrived(sqlite_site: Site, node: Node) -> None:
    """Held still, the writer finds asks of ten front ends and the signal when it goes on."""
    fronts = [Front(node.folder) for _ in range(10)]
    try:
        for front in fronts:
            front.socket.sendall(frame(Ask(1, "time")))
            told(front, 1)
        node.signal(signal.SIGSTOP)
        jws = [sqlite_site.transfer("person 00", f"person {n:02}", "0.01") for n in range(1, 11)]
        for front, each in zip(fronts, jws, strict=True):
            front.socket.sendall(frame(Ask(7, "submit", [Offer(each.encode(), False)])))
        node.signal(signal.SIGTERM)
        node.signal(signal.SIGCONT)

        said = [told(front, 1)[0] for front in fronts]

        assert all(each.seq == 7 and isinstance(each.answers[0], Taken) for each in said)
        assert node.stop() == 0
        assert node.log() == ""
    finally:
        for front in fronts:
            front.socket.close()


def test_a_term_signal_in_the_middle_of_a_load_loses_no_answer(sqlite_site: Site) -> None:
    """What was sent before the signal is answered, also when the writer is busy just then."""
    for _ in range(rounds(3)):
        node = sqlite_site.node().start().reached()
        with Front(node.folder) as front:
            first = [sqlite_site.transfer("person 00", "person 01", "0.01") for _ in range(300)]
            front.socket.sendall(frame(Ask(1, "submit", offers(first))))
            until = time.monotonic() + 5
            while not psutil.Process(node.pid).cpu_percent(0.005) and time.monotonic() < until:
                pass
            second = sqlite_site.transfer("person 00", "person 01", "0.01")
            front.socket.sendall(frame(Ask(2, "submit", offers([second]))))
            node.signal(signal.SIGTERM)

            said = told(front, 2)

        assert [each.seq for each in said] == [1, 2]
        assert isinstance(said[1].answers[0], Taken)
        assert node.stop() == 0


def test_a_stopped_front_end_holds_nobody_up(sqlite_site: Site, node: Node) -> None:
    """A process that asks as fast as it can, held still in the middle of it."""
    front = subprocess.Popen(
        [sys.executable, "-m", "tests.reliability.noisy_front", str(node.folder)],
        cwd=ROOT, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert front.stdout is not None
        assert front.stdout.readline() == b"go\n"
        link = node.link()
        pays(sqlite_site, link)
        os.kill(front.pid, signal.SIGSTOP)
        for _ in range(20):
            assert pays(sqlite_site, link) < OTHERS_S
        os.kill(front.pid, signal.SIGCONT)
        assert pays(sqlite_site, link) < OTHERS_S
    finally:
        front.kill()
        front.wait()
        if front.stdout is not None:
            front.stdout.close()


@pytest.fixture
def deaf() -> Iterator[Path]:
    """A folder with a writer's socket that takes connections and never reads."""
    with tempfile.TemporaryDirectory(prefix="deaf-") as name:
        folder = Path(name)
        (folder / SECRET_NAME).write_bytes(secrets.token_bytes(32))
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(str(folder / SOCKET_NAME))
            listener.listen(1)
            yield folder


def test_a_writer_that_hangs_shuts_the_door_in_time(
    deaf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for those who wait behind a message that the socket has no room for."""
    monkeypatch.setattr(link_module, "ANSWER_S", 0.5)
    link = Link(deaf)
    heard: list[BaseException] = []

    def ask(size: int) -> None:
        try:
            link.submit([Offer(b"x" * 1_000, False)] * size)
        except LedgerError as error:
            heard.append(error)

    threads = [threading.Thread(target=ask, args=(size,), daemon=True) for size in (1, 4_000, 1, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert [type(error) for error in heard] == [DoorShut] * 4
    link.close()


class Slow(list[Offer]):
    """Lets another thread go on whenever it is counted."""

    def __len__(self) -> int:
        time.sleep(0)
        return super().__len__()


def test_a_link_counts_what_is_unanswered_however_threads_are_switched(node: Node) -> None:
    link = node.link()
    garbage = Slow([Offer(b"nothing", False)] * 3)
    threads = [
        threading.Thread(target=lambda: [link.submit(garbage) for _ in range(rounds(50))])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert link._unanswered == 0


def test_an_asyncio_link_outlives_the_writer_and_gives_up_on_one_that_hangs(
    sqlite_site: Site, node: Node, deaf: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(link_module, "ANSWER_S", 2.0)
    jws = [sqlite_site.transfer("person 00", "person 01", "0.01") for _ in range(3)]

    async def go() -> None:
        link, hung = AsyncLink(node.folder), AsyncLink(deaf)
        assert isinstance((await link.submit(offers(jws[:1])))[0], Taken)
        node.signal(signal.SIGSTOP)
        waiting = asyncio.ensure_future(link.submit(offers(jws[1:2])))
        await asyncio.sleep(0)
        node.kill()
        with pytest.raises(DoorShut):
            await waiting
        node.start()
        assert isinstance((await link.submit(offers(jws)))[2], Taken)
        with pytest.raises(DoorShut):
            await hung.submit(offers(jws))
        assert (link._unanswered, hung._unanswered) == (0, 0)
        await link.close()
        await hung.close()

    with ThreadPoolExecutor(1) as thread:  # a browser's own loop may run in this one
        thread.submit(asyncio.run, go()).result()
    assert sqlite_site.judge().ids.keys() >= {id_of(each) for each in jws}
