"""What ends by time ends by an entry, in order of (due, type, key): also where the clock jumps over
a thousand of them, where nobody asks, and where the writer is gone in the midst of it.
"""

from __future__ import annotations

import time
from random import Random
from typing import Any

import pytest

from ledger.audit import audit_database
from ledger.clock import system_ms
from ledger.core.ids import unb64
from ledger.errors import StoreProblem
from ledger.keyring import Keyring
from ledger.kinds import read
from ledger.kinds.expire import Expire, key_of
from ledger.ledger import OPERATOR_KEY, Ledger
from ledger.log.leaf import decode_leaf
from ledger.writer.answers import Taken
from ledger.writer.engine import DUE_MAX
from tests.builders import DAY, HOUR, derived
from tests.reliability.town import PEOPLE, Site, offers
from tests.scale import draw

Due = tuple[int, str, bytes]

MANY = {"hold": 330, "lock": 250, "proposal": 250, "permit": 200, "ask": 100, "consent": 60,
        "zone": 5}  # fmt: skip
"""How many objects of each type fall due: more than two batches end."""

END_S = 30.0


@pytest.fixture
def ahead(site: Site) -> Any:
    """Signs from the sandbox's own time, which earlier tests of the module have moved on."""
    yield site
    site.world.signing.now = system_ms


def made(site: Site, type_: str, ends_at: int, number: int) -> str:
    """The signed transaction that makes one object that ends then."""
    world, accounts = site.world, site.world.accounts
    payer, payee = PEOPLE[number % 20], PEOPLE[(number + 7) % 20]
    money = {"from_": accounts[payer, "KZTD"], "to": accounts[payee, "KZTD"], "amount": "0.01"}
    if type_ == "hold":
        return world.sign(payer, "hold/1", **money, ends_at=ends_at)
    if type_ == "lock":
        two = {"type": "two_party"}
        return world.sign(payer, "lock/1", **money, ends_at=ends_at, condition=two)
    if type_ == "proposal":
        payload = world.signing.payload("transfer/1", **money).decode()
        return world.sign(payer, "propose/1", payload=payload, ends_at=ends_at)
    if type_ == "ask":
        return world.sign(payee, "ask/1", to=accounts[payee, "KZTD"], amount="1.00",
                          ends_at=ends_at, reference="INV-1",
                          payer=world.parties[payer])  # fmt: skip
    if type_ == "consent":
        return world.sign(payer, "consent/1", account=accounts[payer, "KZTD"], scopes=["pay"],
                          service=world.parties["market"], cap_payment="1.00", cap_day="1.00",
                          ends_at=ends_at)  # fmt: skip
    if type_ == "permit":
        return world.sign("afsa", "permit/1", merchant=world.parties["market"], zone=world.zone,
                          valid_from=ends_at - DAY, valid_until=ends_at)  # fmt: skip
    return world.sign("afsa", "zone_draw/1", terms=world.terms(name="Short", ends_at=ends_at))


def make_many(site: Site, door: Ledger, random: Random) -> list[Due]:
    """A thousand objects that end at a few moments within a minute, in no order; what is due."""
    now = door.time()
    site.world.door = door
    site.world.signing.now = lambda: now
    types = [type_ for type_, many in MANY.items() for _ in range(many)]
    random.shuffle(types)
    due: list[Due] = []
    for start in range(0, len(types), 200):
        batch = []
        for number, type_ in enumerate(types[start : start + 200], start):
            ends_at = now + HOUR + random.randrange(20) * 3_000
            jws = made(site, type_, ends_at, number)
            due.append((ends_at, type_, unb64(derived(jws, type_), 16)))
            batch.append(jws)
        answers = door.submit(offers(batch))
        assert all(isinstance(answer, Taken) for answer in answers), answers
    return due


def jump(site: Site, door: Ledger) -> None:
    """The clock goes two hours on."""
    operator = Keyring.open_or_create(site.keyring).key(OPERATOR_KEY)
    offset = door.time() - system_ms() + 2 * HOUR
    jws = site.world.sign(operator, "clock/1", offset=offset, frozen_at=None)
    answer = door.submit(offers([jws]))[0]
    assert isinstance(answer, Taken), answer


def entries(site: Site, start: int) -> list[Any]:
    """(time, what was ended, or None for another kind) of the entries from `start` on."""
    reader, found = site.reader(), []
    for line in reader.leaves(start, reader.head().size):
        leaf = decode_leaf(line)
        payload = read(leaf.tx.encode()).payload
        ended = isinstance(payload, Expire) and (payload.due, payload.type, key_of(payload))
        found.append((leaf.at, ended or None))
    return found


def size(site: Site) -> int:
    return site.reader().head().size


def test_a_thousand_end_in_order_before_anything_is_decided(ahead: Site) -> None:
    commits: list[int] = []
    door = ahead.open(lambda point: commits.append(1) if point == "commit.after" else None)
    due = make_many(ahead, door, draw("expiry before a payment"))
    jump(ahead, door)
    start = size(ahead)
    commits.clear()

    payment = door.submit(offers([ahead.transfer("bank", PEOPLE[0], "0.01", ahead=3 * HOUR)]))[0]

    assert isinstance(payment, Taken)
    found = entries(ahead, start)
    assert [ended for _, ended in found] == [*sorted(due), None]
    assert payment.index == start + len(due)
    assert len(commits) == len(due) // DUE_MAX + 1 >= 3
    assert {held for _, type_, held in due if type_ == "hold"} <= {
        object_.key for object_ in ahead.reader().objects("hold", limit=9_999)
        if object_.status == "expired"
    }  # fmt: skip
    ahead.judge()


def test_they_end_also_when_nobody_asks_after_a_restart(ahead: Site) -> None:
    door = ahead.open()
    due = make_many(ahead, door, draw("expiry when nobody asks"))
    jump(ahead, door)
    start = size(ahead)
    door.close()
    assert size(ahead) == start

    node = ahead.node().start()
    reader, until = ahead.reader(), time.monotonic() + END_S
    while reader.head().size < start + len(due):
        assert time.monotonic() < until, "nobody ends what is due"
        time.sleep(0.02)

    assert node.stop() == 0
    assert [ended for _, ended in entries(ahead, start)] == sorted(due)
    ahead.judge()


def test_a_writer_that_is_gone_half_way_goes_on_where_it_was(ahead: Site) -> None:
    broken = False
    commits: list[str] = []

    def point(name: str) -> None:
        if broken and name == "commit.before":
            commits.append(name)
            if len(commits) == 2:
                raise OSError("the disk is gone")

    door = ahead.open(point)
    due = make_many(ahead, door, draw("expiry half way"))
    jump(ahead, door)
    start = size(ahead)
    broken = True

    with pytest.raises(StoreProblem):
        door.tick()
    door.close()
    assert size(ahead) == start + DUE_MAX
    ahead.open().tick()

    assert [ended for _, ended in entries(ahead, start)] == sorted(due)
    ahead.judge()
    verdict = audit_database(ahead.url, decides=True, workers=1)
    assert verdict.is_sound, verdict.findings
