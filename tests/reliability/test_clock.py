"""Clocks (R9): the database's clock jumps, stops and runs back; the sandbox's time never does.

SQLite's clock is the machine's: the writer's process runs under libfaketime. PostgreSQL's is its
function `clock_timestamp`: the test's database finds one of ours first, which obeys a table.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.clock import system_ms
from ledger.core.decision import Code
from ledger.core.ids import decode_segment
from ledger.keyring import Keyring
from ledger.ledger import OPERATOR_KEY
from ledger.writer.answers import Declined, Offer, Taken
from ledger.writer.link import Link
from tests.builders import DAY, HOUR
from tests.reliability.node import Node
from tests.reliability.town import Site, offers
from tests.scale import missing

_LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1")

_MOVED_CLOCK = """
CREATE SCHEMA moved;
CREATE TABLE moved.clock (by interval, stopped timestamptz);
INSERT INTO moved.clock VALUES ('0', NULL);
CREATE FUNCTION moved.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
 'SELECT coalesce(stopped, pg_catalog.clock_timestamp()) + by FROM moved.clock';
"""

Move = Callable[[str], None]
"""Sets the clock: "+30d", "-2s", or "stop"."""


class Clocked:
    """A writer whose database's clock the test holds. `shown` is the sandbox's time so far."""

    def __init__(self, site: Site, node: Node, link: Link, move: Move) -> None:
        self.site = site
        self.node = node
        self.link = link
        self.move = move
        self.shown = 0

    def pays(self) -> int:
        """A payment is taken; the time it was taken at, which is never before the last one."""
        self.site.world.signing.now = self.link.time
        answer = self.link.submit(offers([self.site.transfer("person 00", "person 01", "0.01")]))[0]
        assert isinstance(answer, Taken), answer
        assert answer.at >= self.shown
        self.shown = answer.at
        return answer.at


@pytest.fixture
def clocked(request: pytest.FixtureRequest, site: Site) -> Iterator[Clocked]:
    if site.is_sqlite:
        file = site.folder / "clock"
        env = {
            "LD_PRELOAD": str(_library()), "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }  # fmt: skip
        move = _file_clock(file)
        move("+0s")
        node = site.node(env=env)
    else:
        move = _moved_clock(site)
        node = site.node()
    node.start().reached()
    yield Clocked(site, node, node.link(), move)
    site.world.signing.now = system_ms
    assert node.is_alive(), node.log()
    assert node.stop() == 0
    site.judge()


def _library() -> Path:
    found = [path for place in _LIBRARIES for path in Path("/").glob(place[1:])]
    if not found:
        missing("no libfaketime is installed (Debian: apt-get install faketime)")
    return found[0]


def _file_clock(file: Path) -> Move:
    def move(by: str) -> None:
        text = by if by != "stop" else time.strftime("%Y-%m-%d %H:%M:%S")
        beside = file.with_name("clock.new")
        beside.write_text(text + "\n")
        beside.replace(file)

    return move


def _moved_clock(site: Site) -> Move:
    admin = site.admin()
    if not admin.execute("SELECT 1 FROM pg_namespace WHERE nspname = 'moved'").fetchall():
        admin.execute(_MOVED_CLOCK)
        name = admin.info.dbname
        admin.execute(f"ALTER DATABASE {name} SET search_path = moved, pg_catalog, public")

    def move(by: str) -> None:
        if by == "stop":
            admin.execute("UPDATE moved.clock SET stopped = pg_catalog.clock_timestamp(), by = '0'")
        else:
            admin.execute("UPDATE moved.clock SET stopped = NULL, by = %s::interval", (by,))

    move("0s")
    return move


def test_time_never_goes_back_whatever_the_clock_does(clocked: Clocked) -> None:
    start = clocked.pays()
    for by in ("-2s", "-1d", "+0s", "stop", "-2s", "+1s", "-1d", "+2s", "+0s"):
        clocked.move(by)
        for _ in range(3):
            clocked.pays()
        assert clocked.shown < start + HOUR

    clocked.move("+30d")
    assert clocked.pays() > start + 29 * DAY
    clocked.move("-1d")
    stands = clocked.pays()
    clocked.move("+0s")
    assert clocked.pays() == stands, "time waits until the clock has come so far"
    clocked.node.stop()
    clocked.node.start().reached()
    assert clocked.pays() >= stands, "after a restart too"


def test_what_was_refused_as_expired_is_not_accepted_when_the_clock_runs_back(
    clocked: Clocked,
) -> None:
    """Whoever heard that may have signed another in its place."""
    now = clocked.pays()
    clocked.site.world.signing.now = lambda: now
    jws = clocked.site.transfer("person 00", "person 01", "0.01", ahead=HOUR)
    clocked.move("+40d")
    later = clocked.link.submit(offers([jws]))[0]
    assert isinstance(later, Declined)
    assert later.reasons[0].code == Code.EXPIRED

    clocked.move("+0s")

    again = clocked.link.submit(offers([jws]))[0]
    assert isinstance(again, Declined)
    assert again.reasons[0].code == Code.EXPIRED
    assert again.at >= later.at


def leaves_since(site: Site, start: int) -> list[tuple[int, dict[str, Any]]]:
    """(at, payload) of the entries since."""
    reader = site.reader()
    entries = [json.loads(leaf) for _, leaf in reader.all_leaves(start)]
    payloads = [json.loads(decode_segment(e["tx"].split(".")[1].encode())) for e in entries]
    return [(entry["at"], payload) for entry, payload in zip(entries, payloads, strict=True)]


def test_twelve_hundred_objects_due_at_once_all_end_before_the_next_decision(
    clocked: Clocked,
) -> None:
    """Permits and zones of many due times; then the operator moves the clock beyond them all."""
    site, link = clocked.site, clocked.link
    clocked.move("+0s")
    now = clocked.pays()
    world = site.world
    permits = [
        world.sign(
            "afsa", "permit/1", merchant=world.parties["cafe"], zone=world.zone,
            valid_from=now, valid_until=now + 10 * DAY + (n * 7919) % 1_000,
        )
        for n in range(1_190)
    ]  # fmt: skip
    zones = [
        world.sign(
            "afsa", "zone_draw/1",
            terms={
                "name": "brief", "area": {"outer": [[0, 0], [9, 0], [9, 9]], "holes": []},
                "assets": [], "opens_at": now, "ends_at": now + 10 * DAY + n, "hours": [],
                "cap_payment": None, "cap_day": None,
            },
        )
        for n in range(10)
    ]  # fmt: skip
    for chunk in (permits[:600], permits[600:], zones):
        assert all(isinstance(answer, Taken) for answer in link.submit(offers(chunk)))
    operator = Keyring.open_or_create(site.keyring).key(OPERATOR_KEY)
    offset = 11 * DAY + max(0, link.time() - system_ms())
    jump = world.sign(operator, "clock/1", offset=offset, frozen_at=None)
    jumped = link.submit(offers([jump]))[0]
    assert isinstance(jumped, Taken), jumped

    site.world.signing.now = lambda: now + 11 * DAY
    last = site.transfer("person 00", "person 01", "0.01")
    answer = link.submit([Offer(last.encode(), False)])[0]

    assert isinstance(answer, Taken)
    since = leaves_since(site, jumped.index + 1)
    ended = [payload for _, payload in since[:-1]]
    assert {payload["kind"] for payload in ended} == {"expire/1"}
    order = [(payload["due"], payload["type"]) for payload in ended]
    assert order == sorted(order), "in order of what was due first"
    assert len({(p["type"], p["key"]) for p in ended}) == len(ended) == 1_200, "each once"
    assert since[-1][1]["kind"] == "transfer/1"
    assert all(at >= payload["due"] for at, payload in since[:-1])
    reader = site.reader()
    left = [o for o in reader.all_objects() if o.due is not None and o.due <= answer.at]
    assert left == []


def test_a_clock_signed_by_the_operator_only_moves_forward(clocked: Clocked) -> None:
    site, link = clocked.site, clocked.link
    operator = Keyring.open_or_create(site.keyring).key(OPERATOR_KEY)
    at = clocked.pays()
    site.world.signing.now = link.time

    freeze = site.world.sign(operator, "clock/1", offset=0, frozen_at=at + HOUR)
    assert isinstance(link.submit(offers([freeze]))[0], Taken)
    assert {clocked.pays() for _ in range(3)} == {at + HOUR}

    back = site.world.sign(operator, "clock/1", offset=0, frozen_at=at)
    stranger = site.world.sign("person 00", "clock/1", offset=0, frozen_at=at + 2 * HOUR)
    codes = [
        [reason.code for reason in answer.reasons]
        for answer in link.submit(offers([back, stranger]))
        if isinstance(answer, Declined)
    ]
    assert codes == [[Code.CLOCK_BACKWARDS], [Code.ROLE_NOT_ADMITTED]]
    assert clocked.pays() == at + HOUR
