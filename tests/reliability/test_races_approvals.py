"""Races of proposals: officers in processes of their own approve, withdraw, come too late; a
proposal is done once, withdrawn once or expires once, and never two of them.

On SQLite all share the one writer; on PostgreSQL two nodes' writers serve one ledger.
"""

from __future__ import annotations

from collections import Counter

import pytest

from ledger.core.decision import Code
from ledger.core.ids import b64
from ledger.writer.answers import Declined, Taken
from tests.builders import DAY, derived, key_of
from tests.reliability.racer import FRONT_ENDS, Racers, codes, one_of, over, told
from tests.reliability.town import Site, offers
from tests.scale import draw, rounds

ROUNDS = rounds(40)
OFFICERS = [f"nbk officer {n}" for n in range(FRONT_ENDS)]
ISSUED = 5_00


@pytest.fixture
def bank(site: Site, racers: Racers) -> Site:
    """The site, where the central bank has as many further officers as there are front ends."""
    world = site.world
    for name in OFFICERS:
        key = b64(key_of(name).public_key)
        jws = world.sign("nbk", "key/1", party=world.parties["nbk"], key=key)
        answer = world.door.submit(offers([jws]))[0]
        assert isinstance(answer, Taken) or codes(answer) == [Code.ALREADY_REGISTERED]
    return site


def propose(site: Site) -> str:
    """An issue proposed by the first officer of all; the proposal's id."""
    return propose_for(site, DAY)[0]


def propose_for(site: Site, ends_in: int) -> tuple[str, int]:
    """The same for so many ms, with its end; where the machine is so busy that it would end before
    it begins, it is given twice the time."""
    world = site.world
    payload = world.signing.payload("issue/1", to=world.accounts["bank", "KZTD"], amount="5.00")
    while True:
        ends_at = world.door.time() + ends_in
        jws = world.sign("nbk", "propose/1", payload=payload.decode(), ends_at=ends_at)
        answer = world.offer(jws)
        if isinstance(answer, Taken):
            return derived(jws, "proposal"), ends_at
        assert codes(answer) == [Code.DATES_CONFLICT]
        ends_in *= 2


def approve(site: Site, officer: str, id: str) -> str:
    return site.world.sign(officer, "approve/1", proposal=id)


def test_of_many_approvals_at_once_exactly_one_does_it(bank: Site, racers: Racers) -> None:
    before = bank.balance("bank")
    for done in range(1, ROUNDS + 1):
        id = propose(bank)

        answers = told(racers.race([[approve(bank, name, id)] for name in OFFICERS]))

        won = one_of(answers, Code.STATUS_CONFLICT)
        found = bank.remembered("proposal", id)
        assert (found.status, found.written) == ("done", won.index)
        assert bank.balance("bank") == before + done * ISSUED


def test_one_officer_in_many_places_is_one_officer(bank: Site, racers: Racers) -> None:
    """Different bytes of one key race, and so does the proposer's own approval."""
    before = bank.balance("bank")
    for done in range(1, ROUNDS + 1):
        id = propose(bank)
        names = ["nbk", OFFICERS[0], OFFICERS[0], OFFICERS[0]]

        answers = told(racers.race([[approve(bank, name, id)] for name in names]))

        assert sum(isinstance(answer, Taken) for answer in answers) == 1
        lost = Counter(codes(*answers))
        assert lost.keys() <= {Code.STATUS_CONFLICT, Code.APPROVED_ALREADY}
        assert lost[Code.STATUS_CONFLICT] >= 2
        assert bank.balance("bank") == before + done * ISSUED


def test_it_is_approved_or_withdrawn_and_never_both(bank: Site, racers: Racers) -> None:
    before, done = bank.balance("bank"), 0
    for _ in range(ROUNDS):
        id = propose(bank)
        work = [
            [bank.world.sign(name, "withdraw/1", proposal=id)]
            if place % 2
            else [approve(bank, name, id)]
            for place, name in enumerate(OFFICERS)
        ]

        answers = told(racers.race(work))

        won = one_of(answers, Code.STATUS_CONFLICT)
        status = ["done", "withdrawn"][answers.index(won) % 2]
        found = bank.remembered("proposal", id)
        assert (found.status, found.written) == (status, won.index)
        done += status == "done"
        assert bank.balance("bank") == before + done * ISSUED


def test_it_is_approved_in_time_or_expires(bank: Site, racers: Racers) -> None:
    """Approvals come from all sides about when the proposal ends; one that is done was done before
    its end, one that is not has expired by an entry of its own."""
    drawn = draw("approvals in time")
    done = 0
    for _ in range(ROUNDS):
        expired = bank.judge().kinds["expire/1"]
        id, ends_at = propose_for(bank, drawn.randrange(4, 40))
        work = [
            [bank.transfer("bank", "person 01", "0.01") for _ in range(drawn.randrange(6))]
            + [approve(bank, name, id)]
            for name in OFFICERS
        ]

        last = [each[-1] for each in racers.race(work)]

        answers = [one for one in last if isinstance(one, Taken | Declined)]
        assert len(answers) == FRONT_ENDS
        won = [one for one in answers if isinstance(one, Taken)]
        assert set(codes(*answers)) <= {Code.STATUS_CONFLICT}
        found = over(bank, "proposal", id)
        ended = bank.judge().kinds["expire/1"] - expired
        assert len(won) + ended == 1, "one end, and only one"
        if won:
            assert (found.status, found.written) == ("done", won[0].index)
            assert won[0].at < ends_at
        else:
            assert found.status == "expired"
        done += len(won)
    print(f"{done} of {ROUNDS} were approved in time")
