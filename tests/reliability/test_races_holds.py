"""Races of holds: front ends in processes of their own capture, let go of, and come too late; no
tiyn of a hold is taken twice, and each hold ends once.

On SQLite all share the one writer; on PostgreSQL two nodes' writers serve one ledger.
"""

from __future__ import annotations

from ledger.core.decision import Code
from ledger.core.hold import Hold
from ledger.core.ids import unb64
from ledger.core.objects import Object
from ledger.store import ReadingStore
from ledger.writer.answers import Declined, Taken
from tests.builders import DAY, derived, request_id
from tests.reliability.racer import FRONT_ENDS, Racers, codes, one_of, over, told
from tests.reliability.town import Site
from tests.scale import draw, rounds

ROUNDS = rounds(40)
PAYER = "bank"
PAYEE = "person 04"
HELD = 9_00


def hold(site: Site, ends_in: int = DAY) -> tuple[str, int]:
    """9.00 held; the hold's id and its end. Where the machine is so busy that it would end before
    it begins, it is given twice the time."""
    world, accounts = site.world, site.world.accounts
    while True:
        ends_at = world.door.time() + ends_in
        jws = world.sign(PAYER, "hold/1", from_=accounts[PAYER, "KZTD"], amount="9.00",
                         to=accounts[PAYEE, "KZTD"], ends_at=ends_at)  # fmt: skip
        answer = world.offer(jws)
        if isinstance(answer, Taken):
            return derived(jws, "hold"), ends_at
        assert codes(answer) == [Code.DATES_CONFLICT]
        ends_in *= 2


def capture(site: Site, id: str, amount: str, *, last: bool = False) -> str:
    return site.world.sign(PAYEE, "capture/1", hold=id, amount=amount, last=last)


def void(site: Site, id: str) -> str:
    return site.world.sign(PAYEE, "void/1", hold=id)


def held(reader: ReadingStore, id: str) -> tuple[Object, Hold, int]:
    """The hold, its body, and what its account has left."""
    key = unb64(id, 16)
    need, reserve = ("object", "hold", key), ("account", key)
    found = reader.load([need, reserve])
    return found[need], found[need].body, found[reserve].balance


def test_what_is_left_is_captured_once(site: Site, racers: Racers) -> None:
    """Each front end takes more than half."""
    before, reader = site.balance(PAYEE), site.reader()
    for done in range(1, ROUNDS + 1):
        id, _ = hold(site)

        answers = told(racers.race([[capture(site, id, "5.00")] for _ in range(FRONT_ENDS)]))

        one_of(answers, Code.CAPTURE_TOO_MUCH)
        assert held(reader, id)[2] == 4_00
        assert site.balance(PAYEE) == before + done * 5_00
        assert isinstance(site.world.offer(void(site, id)), Taken)


def test_all_of_it_is_captured_once(site: Site, racers: Racers) -> None:
    before, reader = site.balance(PAYEE), site.reader()
    for done in range(1, ROUNDS + 1):
        id, _ = hold(site)

        answers = told(racers.race([[capture(site, id, "9.00")] for _ in range(FRONT_ENDS)]))

        won = one_of(answers, Code.STATUS_CONFLICT)
        found, body, left = held(reader, id)
        assert (found.status, found.written, body.captured, left) == (
            "captured", won.index, HELD, 0,
        )  # fmt: skip
        assert site.balance(PAYEE) == before + done * HELD


def test_it_is_captured_or_let_go_of_and_never_both(site: Site, racers: Racers) -> None:
    before, reader, taken = site.balance(PAYEE), site.reader(), 0
    for _ in range(ROUNDS):
        id, _ = hold(site)
        work = [
            [void(site, id)] if place % 2 else [capture(site, id, "5.00", last=True)]
            for place in range(FRONT_ENDS)
        ]

        answers = told(racers.race(work))

        won = one_of(answers, Code.STATUS_CONFLICT)
        status = ["captured", "void"][answers.index(won) % 2]
        found, body, left = held(reader, id)
        assert (found.status, found.written, left) == (status, won.index, 0)
        taken += body.captured
        assert body.captured == (5_00 if status == "captured" else 0)
        assert site.balance(PAYEE) == before + taken


def test_a_request_is_held_or_paid_once(site: Site, racers: Racers) -> None:
    """Two hold what the till asks for, two pay it."""
    world = site.world
    payers = ["person 05", "person 06", "person 07", "person 08"]
    for _ in range(ROUNDS):
        request = world.request("till-cafe", "1.00")
        work = [
            [site.pay(payer, "KZTD", request)]
            if place % 2
            else [world.sign(payer, "hold_request/1", from_=world.accounts[payer, "KZTD"],
                             request=request, ends_at=world.door.time() + DAY)]
            for place, payer in enumerate(payers)
        ]  # fmt: skip

        one_of(told(racers.race(work)), Code.REQUEST_PAID)

        assert request_id(request) in site.judge().payments


def test_it_is_captured_in_time_or_goes_back(site: Site, racers: Racers) -> None:
    """Captures come from all sides about when the hold ends: one at most is in time, and whichever
    way it goes the whole is in one purse or the other, and the hold has ended once."""
    drawn = draw("captures in time")
    in_time = 0
    for _ in range(ROUNDS):
        before, expired = site.balance(PAYEE), site.judge().kinds["expire/1"]
        id, ends_at = hold(site, drawn.randrange(4, 40))
        work = [
            [site.transfer("bank", "person 01", "0.01") for _ in range(drawn.randrange(6))]
            + [capture(site, id, "9.00")]
            for _ in range(FRONT_ENDS)
        ]

        last = [each[-1] for each in racers.race(work)]

        answers = [one for one in last if isinstance(one, Taken | Declined)]
        assert len(answers) == FRONT_ENDS
        won = [one for one in answers if isinstance(one, Taken)]
        assert set(codes(*answers)) <= {Code.STATUS_CONFLICT}
        found = over(site, "hold", id)
        body = found.body
        ended = site.judge().kinds["expire/1"] - expired
        assert len(won) + ended == 1, "one end, and only one"
        assert found.status == ("captured" if won else "expired")
        assert all(one.at < ends_at for one in won)
        assert site.balance(PAYEE) - before == body.captured == HELD * len(won)
        in_time += len(won)
    print(f"{in_time} of {ROUNDS} were captured in time")
