"""Races for locked money: it is released, cancelled or expired, once, whoever is first.

Front ends race in processes of their own. On SQLite all share the one writer; on PostgreSQL two
nodes' writers serve one ledger.
"""

from __future__ import annotations

from collections import Counter
from hashlib import sha256

import pytest

from ledger.core.decision import Code
from ledger.core.ids import b64
from ledger.writer.answers import Declined, Taken
from tests.builders import DAY, derived
from tests.reliability.racer import FRONT_ENDS, Racers, codes, one_of, over, told
from tests.reliability.town import Site
from tests.scale import draw, rounds

ROUNDS = rounds(40)
PAYER, PAYEE, ARBITER = "person 00", "person 01", "person 02"
AMOUNT = 3_00
SECRET = b"whoever reads this may release"
TWO = {"type": "two_party"}
HASHED = {"type": "hash", "hash": b64(sha256(SECRET).digest())}


@pytest.fixture
def locks(site: Site, racers: Racers) -> Site:
    """The site, reached by the racers' nodes."""
    return site


def lock(site: Site, condition: dict[str, str], ahead: int = DAY) -> tuple[str, int]:
    """Lock money for so many ms: the lock and its end. Where the machine is so busy that it would
    end before it begins, it is given twice the time."""
    world = site.world
    while True:
        ends_at = world.door.time() + ahead
        jws = world.sign(
            PAYER, "lock/1", from_=world.accounts[PAYER, "KZTD"], amount="3.00", ends_at=ends_at,
            to=world.accounts[PAYEE, "KZTD"], condition=condition,
        )  # fmt: skip
        answer = world.offer(jws)
        if isinstance(answer, Taken):
            return derived(jws, "lock"), ends_at
        assert codes(answer) == [Code.DATES_CONFLICT]
        ahead *= 2


def three(site: Site) -> dict[str, str]:
    return {"type": "three_party", "arbiter": site.world.parties[ARBITER]}


def release(site: Site, signer: str, id: str, secret: bytes | None = None) -> str:
    preimage = None if secret is None else b64(secret)
    return site.world.sign(signer, "release/1", lock=id, preimage=preimage)


def cancel(site: Site, signer: str, id: str) -> str:
    return site.world.sign(signer, "cancel/1", lock=id)


def sides(site: Site) -> tuple[int, int]:
    return site.balance(PAYER), site.balance(PAYEE)


def test_it_is_released_or_cancelled_and_never_both(locks: Site, racers: Racers) -> None:
    payer, payee = sides(locks)
    for round in range(ROUNDS):
        id, _ = lock(locks, three(locks) if round % 2 else TWO)
        lets_go = ARBITER if round % 2 else PAYER
        work = [
            [release(locks, lets_go, id)] if place % 2 else [cancel(locks, PAYEE, id)]
            for place in range(FRONT_ENDS)
        ]

        answers = told(racers.race(work))

        won = one_of(answers, Code.STATUS_CONFLICT)
        released = answers.index(won) % 2 == 1
        one = locks.remembered("lock", id)
        assert (one.status, one.written) == ("released" if released else "cancelled", won.index)
        payer, payee = payer - AMOUNT * released, payee + AMOUNT * released
        assert sides(locks) == (payer, payee)


def test_of_many_who_show_the_secret_one_releases(locks: Site, racers: Racers) -> None:
    payer, payee = sides(locks)
    for done in range(1, ROUNDS + 1):
        id, _ = lock(locks, HASHED)
        showers = [PAYEE, PAYER, ARBITER, "person 03"]

        answers = told(racers.race([[release(locks, name, id, SECRET)] for name in showers]))

        won = one_of(answers, Code.STATUS_CONFLICT)
        one = locks.remembered("lock", id)
        assert (one.status, one.written) == ("released", won.index)
        assert sides(locks) == (payer - done * AMOUNT, payee + done * AMOUNT)


def test_it_is_released_in_time_or_expires(locks: Site, racers: Racers) -> None:
    """Releases come from all sides about when the lock ends: one that is released was so before
    its end, one that is not has gone back by an entry of its own."""
    drawn = draw("locks in time")
    payer, payee = sides(locks)
    done = 0
    for _ in range(ROUNDS):
        expired = locks.judge().kinds["expire/1"]
        id, ends_at = lock(locks, HASHED, drawn.randrange(4, 40))
        work = [
            [locks.transfer("bank", "person 04", "0.01") for _ in range(drawn.randrange(6))]
            + [release(locks, PAYEE, id, SECRET)]
            for _ in range(FRONT_ENDS)
        ]

        last = [each[-1] for each in racers.race(work)]

        answers = [one for one in last if isinstance(one, Taken | Declined)]
        assert len(answers) == FRONT_ENDS
        assert set(codes(*answers)) <= {Code.STATUS_CONFLICT}
        won = [one for one in answers if isinstance(one, Taken)]
        one = over(locks, "lock", id, live="locked")
        assert len(won) + locks.judge().kinds["expire/1"] - expired == 1, "one end, and only one"
        assert one.status == ("released" if won else "expired")
        assert all(each.at < ends_at for each in won)
        payer, payee = payer - AMOUNT * len(won), payee + AMOUNT * len(won)
        assert sides(locks) == (payer, payee)
        done += len(won)
    print(f"{done} of {ROUNDS} were released in time")


def test_it_is_extended_in_time_or_expires(locks: Site, racers: Racers) -> None:
    """The payer puts the end off, from all sides to four different ends: the first of them comes
    in time, each is later than the one before, and no lock that was put off ends as it was to."""
    drawn = draw("locks put off")
    before = sides(locks)
    seen: Counter[str] = Counter()
    for _ in range(ROUNDS):
        expired = locks.judge().kinds["expire/1"]
        id, ends_at = lock(locks, TWO, drawn.randrange(4, 40))
        later = [ends_at + DAY + n for n in range(FRONT_ENDS)]
        work = [
            [locks.transfer("bank", "person 04", "0.01") for _ in range(drawn.randrange(6))]
            + [locks.world.sign(PAYER, "extend/1", lock=id, ends_at=end)]
            for end in later
        ]

        last = [each[-1] for each in racers.race(work)]

        answers = [one for one in last if isinstance(one, Taken | Declined)]
        assert len(answers) == FRONT_ENDS
        won = sorted((one.index, end, one.at) for one, end in zip(answers, later, strict=True)
                     if isinstance(one, Taken))  # fmt: skip
        assert [end for _, end, _ in won] == sorted(end for _, end, _ in won)
        assert all(at < ends_at for _, _, at in won[:1]), "the first came in time"
        if won:
            assert set(codes(*answers)) <= {Code.DATES_CONFLICT}
            one = locks.remembered("lock", id)
            assert (one.status, one.due) == ("locked", won[-1][1])
            assert locks.judge().kinds["expire/1"] == expired
            assert isinstance(locks.world.offer(cancel(locks, PAYEE, id)), Taken)
        else:
            assert codes(*answers) == [Code.STATUS_CONFLICT] * FRONT_ENDS
            assert over(locks, "lock", id, live="locked").status == "expired"
            assert locks.judge().kinds["expire/1"] == expired + 1
        seen["extended" if won else "expired"] += 1
        assert sides(locks) == before
    print(dict(seen))
