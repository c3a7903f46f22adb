"""Races for marked money: of a payee's cap, of what an oracle confirmed, of what is left on a
voucher, and of the last moment of a mark, every tiyn goes one way.

Front ends race in processes of their own. On SQLite all share the one writer; on PostgreSQL two
nodes' writers serve one ledger.
"""

from __future__ import annotations

import time
from typing import Any

import pytest

from ledger.core import counters
from ledger.core.decision import Code
from ledger.core.ids import ID_BYTES, unb64
from ledger.core.needs import Need
from ledger.writer.answers import Declined, Taken
from tests.builders import DAY, derived
from tests.kinds.families.marks import SERVED, an_event, mark, marked, ministry, policy
from tests.reliability.racer import FRONT_ENDS, Racers, codes, one_of, over, told
from tests.reliability.town import Site
from tests.scale import draw, rounds

ROUNDS = rounds(40)
HOLDER, PAYEE, OTHER = "person 00", "person 01", "person 02"


@pytest.fixture
def marks(site: Site, racers: Racers) -> Site:
    """The site with a programme's owner, reached by the racers' nodes."""
    if "ministry" not in site.world.parties:
        ministry(site.world)
    return site


def begin(site: Site, **changes: Any) -> str:
    """A mark for one payee."""
    named = {"categories": [], "payees": [site.world.parties[PAYEE]],
             "valid_until": site.world.door.time() + DAY} | changes  # fmt: skip
    return mark(site.world, **named)


def pay(site: Site, account: str, amount: str) -> str:
    to = site.world.accounts[PAYEE, "KZTD"]
    return site.world.sign(HOLDER, "transfer/1", from_=account, to=to, amount=amount)


def sums(site: Site, id: str) -> tuple[int, int, int]:
    """Allocated, paid, returned."""
    measures = (counters.MARK_ALLOCATED, counters.MARK_PAID, counters.MARK_RETURNED)
    needs: list[Need] = [("counter", name, 0, unb64(id, ID_BYTES), "") for name in measures]
    found = site.reader().load(needs)
    allocated, paid, returned = (found[need] for need in needs)
    return allocated, paid, returned


def balance(site: Site, account: str) -> int:
    """By the leaves."""
    found: int = site.judge().balances.get(account, 0)
    return found


def test_the_last_of_a_payees_cap_is_paid_once(marks: Site, racers: Racers) -> None:
    for _ in range(ROUNDS):
        id = begin(marks, payee_max="5.00")
        account = marked(marks.world, id, HOLDER, "20.00")

        answers = told(racers.race([[pay(marks, account, "3.00")] for _ in range(FRONT_ENDS)]))

        one_of(answers, Code.MARK_PAYEE_MAX)
        assert sums(marks, id) == (20_00, 3_00, 0)
        assert balance(marks, account) == 17_00


def test_what_is_confirmed_is_paid_once(marks: Site, racers: Racers) -> None:
    tied = [{"oracle": marks.world.parties["afsa"], "event": SERVED}]
    for _ in range(ROUNDS):
        id = begin(marks, conditions=tied)
        account = marked(marks.world, id, HOLDER, "20.00")
        marks.world.do(OTHER, "confirm/1", event=an_event(marks.world, id, PAYEE, "5.00"))

        answers = told(racers.race([[pay(marks, account, "3.00")] for _ in range(FRONT_ENDS)]))

        one_of(answers, Code.MARK_CONDITION)
        assert sums(marks, id) == (20_00, 3_00, 0)


def test_an_event_counts_once(marks: Site, racers: Racers) -> None:
    tied = [{"oracle": marks.world.parties["afsa"], "event": SERVED}]
    id = begin(marks, conditions=tied)
    for done in range(1, ROUNDS + 1):
        event = an_event(marks.world, id, PAYEE, "5.00")
        bringers = [HOLDER, PAYEE, OTHER, "person 03"]

        answers = told(
            racers.race([[marks.world.sign(name, "confirm/1", event=event)] for name in bringers])
        )

        one_of(answers, Code.ALREADY_REGISTERED)
        party = marks.world.parties
        part = f"{party['afsa']}:{SERVED}:{party[PAYEE]}"
        need: Need = ("counter", counters.MARK_CONFIRMED, 0, unb64(id, ID_BYTES), part)
        assert marks.reader().load([need])[need] == done * 5_00


def test_money_returns_or_is_paid_and_never_both(marks: Site, racers: Racers) -> None:
    id = begin(marks)
    account = marked(marks.world, id, HOLDER)
    paid = 0
    for done in range(1, ROUNDS + 1):
        members = {"from_": marks.world.accounts["ministry", "KZTD"], "to": account}
        marks.world.do("ministry", "allocate/1", **members, amount="3.00")
        back = [
            marks.world.sign(name, "mark_return/1", from_=account, amount="3.00")
            for name in (HOLDER, "ministry")
        ]
        work = [[pay(marks, account, "3.00")], [back[0]], [pay(marks, account, "3.00")], [back[1]]]

        answers = told(racers.race(work))

        won = one_of(answers, Code.FUNDS)
        paid += answers.index(won) % 2 == 0
        assert sums(marks, id) == (done * 3_00, paid * 3_00, (done - paid) * 3_00)
        assert balance(marks, account) == 0


def ending(site: Site) -> tuple[str, str, int]:
    """A mark that ends soon, with an account; where the machine is so busy that it ends before
    that, it is given twice the time."""
    world, ahead = site.world, 60
    while True:
        ends_at = world.door.time() + ahead
        members = policy(world, valid_until=ends_at)
        jws = world.sign("ministry", "mark/1", **members)
        if isinstance(world.offer(jws), Taken):
            id = derived(jws, "mark")
            opened = world.sign("ministry", "mark_account/1", mark=id, supplier=False,
                                owner=world.parties[HOLDER])  # fmt: skip
            if isinstance(world.offer(opened), Taken):
                return id, derived(opened, "account"), ends_at
        ahead *= 2


def test_what_is_allocated_at_the_very_end_returns(marks: Site, racers: Racers) -> None:
    """Allocations come about when the mark ends: what was in time returns by an entry of its own,
    what was not is refused."""
    drawn = draw("marks in time")
    world = marks.world
    for _ in range(ROUNDS):
        id, account, ends_at = ending(marks)
        members = {"from_": world.accounts["ministry", "KZTD"], "to": account, "amount": "1.00"}
        work = [
            [world.sign("ministry", "allocate/1", **members) for _ in range(drawn.randrange(1, 8))]
            for _ in range(FRONT_ENDS)
        ]
        until = ends_at - drawn.randrange(0, 30)
        while world.door.time() < until:
            time.sleep(0.001)

        answers = told(racers.race(work))

        taken = sum(isinstance(answer, Taken) for answer in answers)
        late = [answer for answer in answers if isinstance(answer, Declined)]
        assert set(codes(*late)) <= {Code.MARK_ENDED}
        assert over(marks, "marked", account).status == "closed"
        assert over(marks, "mark", id, "active").status == "ended"
        assert sums(marks, id) == (taken * 1_00, 0, taken * 1_00)
        assert balance(marks, account) == 0
