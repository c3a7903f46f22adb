"""Races of keys: revoking against use, two keys against each other, a veto against the recovery's
time, two recoveries at once. Front ends are processes of their own.

On SQLite all share the one writer; on PostgreSQL two nodes' writers serve one ledger. The ledger's
time is moved on by entries, so that sixty seconds of waiting take none.
"""

from __future__ import annotations

import itertools

import pytest

from ledger.core.decision import Code
from ledger.core.ids import b64
from ledger.keyring import Keyring
from ledger.ledger import OPERATOR_KEY
from ledger.writer.answers import Taken
from tests.builders import derived, key_of, pack_text
from tests.kinds.families.keys import PROOF, kid
from tests.reliability.racer import FRONT_ENDS, Racers, codes, one_of, over, told
from tests.reliability.town import PEOPLE, Site
from tests.scale import draw, rounds

ROUNDS = rounds(40)
WAITING_S = 60
PACK = f"""
[[rule]]
rule = "recovery/1"
valid_from = 2023-04-01
status = "HYPOTHETICAL"
source = "D2"
parameters = {{ waiting_s = {WAITING_S} }}
"""
_fresh = itertools.count(1)


@pytest.fixture
def bank(site: Site, racers: Racers) -> Site:
    """The site under a pack that lets a recovery wait a minute; whoever signs, signs at the
    ledger's time, which these tests move on."""
    site.world.signing.now = site.world.door.time
    answer = site.world.offer(site.world.sign("nbk", "pack/1", text=pack_text() + PACK))
    assert isinstance(answer, Taken) or codes(answer) == [Code.ALREADY_REGISTERED]
    return site


def new_key(name: str) -> str:
    """The name of a key that nobody has yet."""
    return f"{name} key {next(_fresh)}"


def device(site: Site, name: str) -> str:
    """One more device of somebody; the name of its key."""
    made = new_key(name)
    public = b64(key_of(made).public_key)
    site.world.do(name, "key/1", party=site.world.parties[name], key=public)
    return made


def recover(site: Site, name: str, key: str = "") -> str:
    """The bank recovers somebody's access; nothing of theirs ends."""
    public = b64(key_of(key or new_key(name)).public_key)
    return site.world.sign("bank", "recover/1", party=site.world.parties[name], key=public,
                           proof=PROOF, revokes=[])  # fmt: skip


def test_what_a_revoked_key_signs_is_before_its_end_or_refused(bank: Site, racers: Racers) -> None:
    owner = PEOPLE[1]
    drawn = draw("revoke against use")
    for _ in range(ROUNDS):
        lost = device(bank, owner)
        revoke = bank.world.sign(owner, "key_revoke/1", kid=kid(lost))
        spend = [
            [
                bank.world.sign(lost, "transfer/1", from_=bank.world.accounts[owner, "KZTD"],
                                to=bank.world.accounts["bank", "KZTD"], amount="0.01")
                for _ in range(drawn.randrange(1, 5))
            ]
            for _ in range(FRONT_ENDS - 1)
        ]  # fmt: skip

        answers = racers.race([[revoke], *spend])

        (ended,) = told(answers[:1])
        assert isinstance(ended, Taken)
        for one in told(answers[1:]):
            if isinstance(one, Taken):
                assert one.index < ended.index
            else:
                assert codes(one) == [Code.KEY_NOT_ACTIVE]


def test_of_two_keys_that_revoke_each_other_one_is_left(bank: Site, racers: Racers) -> None:
    last = PEOPLE[2]
    for _ in range(ROUNDS):
        other = new_key("somebody")
        public = b64(key_of(other).public_key)
        bank.world.do(last, "key/1", party=bank.world.parties[PEOPLE[2]], key=public)
        pair = (last, other)
        work = [
            [bank.world.sign(pair[n % 2], "key_revoke/1", kid=kid(pair[(n + 1) % 2]))]
            for n in range(FRONT_ENDS)
        ]

        answers = told(racers.race(work))

        won = [n for n, one in enumerate(answers) if isinstance(one, Taken)]
        assert len(won) == 1
        for n, one in enumerate(answers):
            if n not in won:
                same = n % 2 == won[0] % 2
                assert codes(one) == [Code.STATUS_CONFLICT if same else Code.KEY_NOT_ACTIVE]
        last = pair[won[0] % 2]


def test_the_last_two_keys_cannot_both_end_themselves(bank: Site, racers: Racers) -> None:
    last = PEOPLE[3]
    for _ in range(ROUNDS):
        other = new_key("somebody")
        public = b64(key_of(other).public_key)
        bank.world.do(last, "key/1", party=bank.world.parties[PEOPLE[3]], key=public)
        pair = (last, other)
        work = [
            [bank.world.sign(pair[n % 2], "key_revoke/1", kid=kid(pair[n % 2]))]
            for n in range(FRONT_ENDS)
        ]

        answers = told(racers.race(work))

        won = [n for n, one in enumerate(answers) if isinstance(one, Taken)]
        assert len(won) == 1
        for n, one in enumerate(answers):
            if n not in won:
                same = n % 2 == won[0] % 2
                assert codes(one) == [Code.KEY_NOT_ACTIVE if same else Code.KEY_LAST]
        last = pair[1 - won[0] % 2]


def test_of_two_recoveries_at_once_one_is_open(bank: Site, racers: Racers) -> None:
    owner = PEOPLE[4]
    for _ in range(ROUNDS):
        asked = [recover(bank, owner) for _ in range(FRONT_ENDS)]

        answers = told(racers.race([[jws] for jws in asked]))

        won = one_of(answers, Code.STATUS_CONFLICT)
        id = derived(asked[answers.index(won)], "recovery")
        bank.world.do(owner, "recover_veto/1", recovery=id)


def test_a_new_key_is_one_persons(bank: Site, racers: Racers) -> None:
    """The same public key for four people, from all sides at once."""
    people = PEOPLE[5 : 5 + FRONT_ENDS]
    for _ in range(ROUNDS):
        key = new_key("contested")
        asked = [recover(bank, name, key) for name in people]

        answers = told(racers.race([[jws] for jws in asked]))

        place = answers.index(one_of(answers, Code.ALREADY_REGISTERED))
        id = derived(asked[place], "recovery")
        bank.world.do(people[place], "recover_veto/1", recovery=id)


def test_a_recovery_is_vetoed_in_time_or_done(bank: Site, racers: Racers) -> None:
    """The recovery's time comes while vetoes come from all sides: the entry of the clock moves past
    it, the next batch ends it."""
    owner, operator = PEOPLE[9], Keyring.open_or_create(bank.keyring).key(OPERATOR_KEY)
    drawn = draw("veto against expiry")
    offset = 0
    for _ in range(ROUNDS):
        jws = recover(bank, owner)
        assert isinstance(bank.world.offer(jws), Taken)
        id = derived(jws, "recovery")
        offset += WAITING_S * 1000
        past = bank.world.sign(operator, "clock/1", offset=offset, frozen_at=None)
        work = [[past]] + [
            [bank.transfer("bank", PEOPLE[10], "0.01") for _ in range(drawn.randrange(3))]
            + [bank.world.sign(owner, "recover_veto/1", recovery=id)]
            for _ in range(FRONT_ENDS - 1)
        ]

        answers = racers.race(work)

        vetoes = told([each[-1:] for each in answers[1:]])
        taken = [one for one in vetoes if isinstance(one, Taken)]
        assert all(codes(one) == [Code.STATUS_CONFLICT] for one in vetoes if one not in taken)
        found = over(bank, "recovery", id).status
        assert (len(taken), found) in ((1, "vetoed"), (0, "done"))
