"""A disk that fails or is full under the writer's process (R3): strace makes the Nth call fail.

SQLite alone: a PostgreSQL writer writes no file. The calls are those on the database and its WAL.
An answer is honest only if a sync came through between question and answer: that is read from the
trace, because a failed sync and a later look at the same pages say nothing of the disk.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import threading
import time

import pytest

from ledger.errors import LedgerError
from ledger.store import open_reading
from ledger.writer.answers import Answer, Busy, Taken
from ledger.writer.link import Link
from tests.builders import id_of
from tests.reliability.node import Node
from tests.reliability.town import Site, offers
from tests.scale import SCALE, missing

PATIENCE_S = 20.0

CASES = [
    (call, error, when)
    for call, errors, whens in (
        ("fdatasync", ("EIO", "ENOSPC"), ("1", "2", "3..4", "7", "5..30")),
        ("pwrite64", ("EIO", "ENOSPC"), ("1", "2", "5", "23..24", "40..160")),
        ("ftruncate", ("EIO",), ("1", "1..50")),
    )
    for error in errors
    for when in whens
]
"""Which calls fail (`7`: the seventh alone; `5..30`: those twenty-six, then the disk is well)."""

_SYNC = re.compile(r"^\d+ +(\d+\.\d+) (?:fsync|fdatasync)\(.*= 0$", re.MULTILINE)


@pytest.fixture(scope="module")
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        missing("no strace is installed (Debian: apt-get install strace)")
        raise AssertionError
    probe = subprocess.run([found, "-f", "--seccomp-bpf", "true"], capture_output=True, check=False)
    if probe.returncode:
        missing(f"strace cannot trace here: {probe.stderr.decode()[-200:]}")
    return found


class Disk:
    """The writer's disk, watched: `trace` is where strace writes, `wrap` how the writer starts."""

    def __init__(self, site: Site, strace: str) -> None:
        self.trace = site.folder / "trace"
        self.trace.unlink(missing_ok=True)
        self._wrap = [
            strace, "-f", "--seccomp-bpf", "-ttt", "-A", "-o", str(self.trace),
            "-P", str(site.file), "-P", f"{site.file}-wal",
        ]  # fmt: skip

    def wrap(self, call: str = "", harm: str = "") -> list[str]:
        """The command to start the writer under: `harm` is done to `call`."""
        calls = f"fsync,fdatasync,{call}".rstrip(",")
        inject = ["-e", f"inject={call}:{harm}"] if harm else []
        return [*self._wrap, "-e", f"trace={calls}", *inject]

    def synced(self, since: float, until: float) -> bool:
        """Whether a sync that began and succeeded in this time was traced."""
        found = _SYNC.findall(self.trace.read_text())
        return any(since <= float(at) <= until for at in found)


def offered(link: Link, jws: list[str]) -> list[Answer]:
    """Answers, or none where the writer is away."""
    try:
        return link.submit(offers(jws))
    except LedgerError:
        return []


def check_sound(site: Site) -> None:
    """The file itself is whole."""
    reader = open_reading(site.url)
    assert reader.structure() == []
    reader.close()


@pytest.mark.parametrize(("call", "error", "when"), CASES * SCALE)
def test_what_a_failing_disk_acknowledges_is_there(
    sqlite_site: Site, strace: str, call: str, error: str, when: str
) -> None:
    site, before, disk = sqlite_site, sqlite_site.judge().size, Disk(sqlite_site, strace)
    node = site.node(wrap=disk.wrap(call, f"error={error}:when={when}")).start()
    link = node.link()
    batches = [[site.transfer("person 00", "person 01", "0.01")] for _ in range(12)]
    batches += [
        [site.transfer("person 01", "person 00", "0.01") for _ in range(40)] for _ in range(3)
    ]

    busy = sum(settle(site, disk, node, link, jws) for jws in batches)

    node.stop()
    assert "INJECTED" in disk.trace.read_text(), "the call did fail"
    assert site.judge().size - before == sum(map(len, batches)), "each once"
    check_sound(site)
    print(f"{call} {error} {when}: {busy} busy")


def settle(site: Site, disk: Disk, node: Node, link: Link, jws: list[str]) -> int:
    """Offer until all is taken; each answer is true and was synced. How many were `Busy`."""
    busy, until, since = 0, time.monotonic() + PATIENCE_S, time.time()
    while True:
        assert time.monotonic() < until, f"never well again: {node.log()[-2000:]}"
        if not node.is_alive():  # it may say that it cannot go on, and is then started again
            node.start(wrap=disk.wrap())
        answers = offered(link, jws)
        if answers and all(isinstance(answer, Taken) for answer in answers):
            break
        busy += sum(isinstance(answer, Busy) for answer in answers)
    assert disk.synced(since, time.time()), "acknowledged, and no sync came through"
    judge = site.judge()
    for each, answer in zip(jws, answers, strict=True):
        assert isinstance(answer, Taken)
        assert judge.ids[id_of(each)] == answer.index
    return busy


@pytest.mark.parametrize("when", [2, 5])
def test_what_a_killed_writer_left_behind_is_synced_before_it_is_acknowledged(
    sqlite_site: Site, strace: str, when: int
) -> None:
    """Killed between writing the WAL and syncing it, it leaves a commit that no disk has seen."""
    site, disk = sqlite_site, Disk(sqlite_site, strace)
    node = site.node(wrap=disk.wrap("fdatasync", f"delay_enter=4000000:when={when}")).start()
    link = node.reached().link()
    killed = site.transfer("person 00", "person 01", "0.01")
    while answered := within(1.0, link, killed):
        assert isinstance(answered[0], Taken)
        killed = site.transfer("person 00", "person 01", "0.01")
    node.kill()
    since = time.time()
    node.start(wrap=disk.wrap()).reached()

    answers = node.link().submit(offers([killed]))

    assert isinstance(answers[0], Taken)
    assert disk.synced(since, time.time())
    site.judge()
    node.stop()
    check_sound(site)


def within(seconds: float, link: Link, jws: str) -> list[Answer]:
    """The answer, or nothing if none has come in this time."""
    answers: list[Answer] = []
    asking = threading.Thread(target=lambda: answers.extend(offered(link, [jws])), daemon=True)
    asking.start()
    asking.join(seconds)
    return answers
