"""Races of consents and aliases: a service pays while its consent is taken back, caps are asked for
from all sides, a one-time alias is paid by many. There is one story, and it is the log's.

On SQLite all front ends share the one writer; on PostgreSQL two nodes' writers serve one ledger.
"""

from __future__ import annotations

from ledger.core.decision import Code
from ledger.core.ids import unb64
from ledger.writer.answers import Declined, Taken
from tests.builders import DAY, derived
from tests.kinds.families.aliases import committed
from tests.reliability.racer import FRONT_ENDS, Racers, one_of, told
from tests.reliability.town import Site, offers
from tests.scale import rounds

ROUNDS = rounds(40)
CLIENT, SERVICE = "person 05", "cafe"


def give(site: Site, cap_day: str = "100.00") -> str:
    """A consent of the client's; its id."""
    world = site.world
    jws = world.sign(
        CLIENT, "consent/1", account=world.accounts[CLIENT, "KZTD"],
        service=world.parties[SERVICE], scopes=["pay"], cap_payment="1.00", cap_day=cap_day,
        ends_at=world.door.time() + DAY,
    )  # fmt: skip
    assert isinstance(world.door.submit(offers([jws]))[0], Taken)
    return derived(jws, "consent")


def use(site: Site, id: str) -> str:
    to = site.world.accounts[SERVICE, "KZTD"]
    return site.world.sign(SERVICE, "consent_pay/1", consent=id, to=to, amount="0.01")


def revoke(site: Site, id: str, signer: str = CLIENT) -> str:
    return site.world.sign(signer, "consent_revoke/1", consent=id)


def test_a_use_stands_before_the_revocation_or_is_refused(site: Site, racers: Racers) -> None:
    """The revocation always passes; of the payments exactly those that stand before it in the log
    have moved money, and no other."""
    held, before, after = site.balance(SERVICE), 0, 0
    for round in range(ROUNDS):
        id = give(site)
        late = round % 3  # uses ahead of the revocation in its own front end
        work = [[use(site, id) for _ in range(2)] for _ in range(FRONT_ENDS - 1)]
        work.append([*(use(site, id) for _ in range(late)), revoke(site, id), use(site, id)])

        answers = racers.race(work)

        taken_back = answers[-1][late]
        assert isinstance(taken_back, Taken), taken_back
        uses = told([*answers[:-1], answers[-1][:late] + answers[-1][late + 1 :]])
        for one in uses:
            if isinstance(one, Taken):
                assert one.index < taken_back.index
            else:
                assert isinstance(one, Declined)
                assert [reason.code for reason in one.reasons] == [Code.CONSENT_NOT_ACTIVE]
                assert one.size > taken_back.index
        won = sum(isinstance(one, Taken) for one in uses)
        before, after = before + won, after + len(uses) - won
        consent = site.remembered("consent", id)
        assert (consent.status, consent.written) == ("revoked", taken_back.index)
        assert site.balance(SERVICE) == held + before
    assert after >= ROUNDS, "what came after the revocation was refused"
    print(f"{before} payments before the revocation, {after} after it")


def test_it_is_revoked_once_whoever_does_it(site: Site, racers: Racers) -> None:
    for _ in range(ROUNDS):
        id = give(site)
        signers = [CLIENT, SERVICE, CLIENT, SERVICE]

        answers = told(racers.race([[revoke(site, id, signer)] for signer in signers]))

        won = one_of(answers, Code.CONSENT_NOT_ACTIVE)
        assert site.remembered("consent", id).written == won.index


def test_the_cap_of_a_day_is_exact_however_many_ask(site: Site, racers: Racers) -> None:
    """Three payments fit, of whatever front end, and no fourth."""
    held = site.balance(SERVICE)
    for round in range(1, ROUNDS + 1):
        id = give(site, cap_day="0.03")

        answers = told(racers.race([[use(site, id) for _ in range(2)] for _ in range(FRONT_ENDS)]))

        refused = [one for one in answers if isinstance(one, Declined)]
        assert len(answers) - len(refused) == 3
        assert {reason.code for one in refused for reason in one.reasons} == {Code.CONSENT_CAP_DAY}
        assert site.balance(SERVICE) == held + 3 * round


def test_a_one_time_alias_is_paid_by_one(site: Site, racers: Racers) -> None:
    world = site.world
    payers = [f"person {n:02}" for n in range(10, 10 + FRONT_ENDS)]
    held = site.balance(CLIENT)
    for round in range(1, ROUNDS + 1):
        alias = committed(f"once {round}")
        bind = world.sign(CLIENT, "alias/1", alias=alias, form="one_time", ends_at=None,
                          account=world.accounts[CLIENT, "KZTD"])  # fmt: skip
        assert isinstance(world.door.submit(offers([bind]))[0], Taken)
        work = [
            [world.sign(payer, "alias_pay/1", from_=world.accounts[payer, "KZTD"], alias=alias,
                        amount="0.01")]
            for payer in payers
        ]  # fmt: skip

        won = one_of(told(racers.race(work)), Code.STATUS_CONFLICT)

        spent = site.remembered("alias", unb64(alias, 32))
        assert (spent.status, spent.written) == ("spent", won.index)
        assert site.balance(CLIENT) == held + round
