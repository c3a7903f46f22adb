"""The corridor between two real servers: killed at every step, either of them, and the parties too.

Time is the two sandboxes' own, frozen and moved by `clock/1`, never waited for. The second ledger's
clock is three minutes ahead of the first's throughout, which the terms allow.
"""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Barrier, BrokenBarrierError
from typing import Any

import msgspec
import pytest
import requests
from requests.adapters import HTTPAdapter

from ledger.audit import audit_database
from ledger.core.ids import b64
from ledger.keys import SigningKey
from sandbox_api.client import PaymentRefused, SandboxAway, Wallet
from sandbox_api.corridor.party import Party
from sandbox_api.corridor.stage import OwnSandbox
from sandbox_api.corridor.steps import (
    Carry,
    Done,
    GiveBack,
    Lock,
    Outcome,
    Refuse,
    Show,
    Step,
    Wait,
)
from sandbox_api.corridor.terms import Leg, Side, Terms, lock_id, read_terms, secret_of, with_hash
from tests.processes.running import until

MINUTE = 60_000
AHEAD = 3 * MINUTE
"""By how much the second ledger's clock is ahead."""

SKEW_MAX, REVEAL = 5 * MINUTE, MINUTE
FIRST_LOCK_BY, SECOND_LOCK_BY, SECOND_ENDS, FIRST_ENDS = (m * MINUTE for m in (15, 20, 30, 60))
"""After the deal's begin; the margin is half an hour."""

END_S = 20.0

GIVEN, TAKEN = "1000.00", "2.000000"
SETTLED = ("49000.00", "102.000000", "51000.00", "98.000000")
UNTOUCHED = ("50000.00", "100.000000", "50000.00", "100.000000")


class Pair:
    """Two sandboxes. `now` is the first one's time; the second's is `AHEAD` later."""

    def __init__(self, first: OwnSandbox, second: OwnSandbox) -> None:
        self.first = first
        self.second = second
        self.now = first.client().get("/sandbox")["time"] + MINUTE
        self.move(0)

    def move(self, by: int) -> None:
        """Both clocks go on, whether the servers run or not."""
        self.now += by
        self.first.freeze_clock(self.now)
        self.second.freeze_clock(self.now + AHEAD)

    def named(self, victims: str) -> list[OwnSandbox]:
        """The servers that `victims` says."""
        return [self.first, self.second] if victims == "both" else [getattr(self, victims)]

    def deal(self, **changes: Any) -> Deal:
        """New people on both ledgers, and what they have agreed on."""
        alice, bob = SigningKey.generate(), SigningKey.generate()
        clients = self.first.client(), self.second.client()
        accounts = {
            name: [Wallet.join(client, key).accounts for client in clients]
            for name, key in (("alice", alice), ("bob", bob))
        }
        now = self.now
        first = Leg(
            self.first.said.ledger, accounts["alice"][0]["KZTD"], accounts["bob"][0]["KZTD"],
            "KZTD", GIVEN, now + FIRST_LOCK_BY, now + FIRST_ENDS,
        )  # fmt: skip
        second = Leg(
            self.second.said.ledger, accounts["bob"][1]["tUSDT"], accounts["alice"][1]["tUSDT"],
            "tUSDT", TAKEN, now + SECOND_LOCK_BY, now + SECOND_ENDS,
        )  # fmt: skip
        terms = Terms(b64(secrets.token_bytes(16)), "", first, second, SKEW_MAX, REVEAL)
        terms = with_hash(msgspec.structs.replace(terms, **changes), alice)
        return Deal(self, terms, alice, bob)


class Deal:
    """One agreement: its terms and both parties' keys, which is all that anybody needs to go on."""

    def __init__(self, pair: Pair, terms: Terms, alice: SigningKey, bob: SigningKey) -> None:
        self.pair = pair
        self.terms = terms
        self.alice = alice
        self.bob = bob

    def wallets(self, side: Side) -> tuple[Wallet, Wallet]:
        key = self.alice if side == Side.INITIATOR else self.bob
        first, second = (
            Wallet.join(it.client(), key) for it in (self.pair.first, self.pair.second)
        )
        return first, second

    def party(self, side: Side) -> Party:
        """That side as it is after a crash: from its key and the terms' text, nothing else."""
        return Party(side, read_terms(self.terms.encode()), *self.wallets(side))

    def has_come_to(self, step: type[Step]) -> Party:
        """Go on until `step` is next; the party that is to do it."""
        initiator, counterparty = (self.party(side) for side in Side)
        order: list[tuple[Party, type[Step]]] = [
            (initiator, Lock), (counterparty, Lock), (initiator, Show), (counterparty, Carry),
        ]  # fmt: skip
        for place, (party, act) in enumerate(order):
            if STEPS[place] is step:
                return party
            assert isinstance(party.advance(), act)
        raise AssertionError(step)

    def finish(self) -> Outcome:
        """Both go on, looking in turn, until it is over for both; they agree on how it ended."""
        parties = [self.party(side) for side in Side]
        outcomes: list[Outcome] = []

        def both_are_done() -> bool:
            found = [party.advance() for party in parties]
            outcomes[:] = [step.outcome for step in found if isinstance(step, Done)]
            return len(outcomes) == len(parties)

        until(both_are_done, END_S, "it is over for both")
        (outcome,) = set(outcomes)
        return outcome

    def balances(self) -> tuple[str, str, str, str]:
        """Alice's tenge and test dollars, then Bob's."""
        (a1, a2), (b1, b2) = self.wallets(Side.INITIATOR), self.wallets(Side.COUNTERPARTY)
        return a1.balance(), a2.balance("tUSDT"), b1.balance(), b2.balance("tUSDT")


class FirstLock(msgspec.Struct):
    """The initiator's lock, as a step of its own in the list of steps."""


class SecondLock(msgspec.Struct):
    """The counterparty's."""


STEPS: tuple[Any, ...] = (FirstLock, SecondLock, Show, Carry)
"""Where a corridor can be interrupted: before or after each."""

names = pytest.mark.parametrize("victims", ["first", "second", "both"])


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Two servers for all tests; at the end both logs are audited from entry 0."""
    with tempfile.TemporaryDirectory(prefix="corridor-") as name:
        folders = [Path(name) / "first", Path(name) / "second"]
        with OwnSandbox(folders[0]) as first, OwnSandbox(folders[1]) as second:
            yield Pair(first, second)
        for folder in folders:
            verdict = audit_database(f"sqlite:///{folder / 'ledger.db'}", decides=True, workers=1)
            assert verdict.is_sound, verdict.findings


# Servers that are killed, and back within the margin ----------------------------------------------


@names
def test_servers_that_are_away_before_any_step_settle_when_they_are_back(
    pair: Pair, victims: str
) -> None:
    """Four deals, each come to another step; then servers are killed under all of them."""
    deals = [pair.deal() for _ in STEPS]
    actors = [deal.has_come_to(step) for deal, step in zip(deals, STEPS, strict=True)]
    servers = pair.named(victims)
    for server in servers:
        server.kill()
    with ThreadPoolExecutor(len(deals)) as threads:
        asked = [threads.submit(actor.advance) for actor in actors]
        pair.move(9 * MINUTE)
        assert not any(one.done() for one in asked), "nobody goes on alone"
        for server in servers:
            server.start()
        for one in asked:
            one.result()

    assert [deal.finish() for deal in deals] == [Outcome.SETTLED] * len(deals)
    assert [deal.balances() for deal in deals] == [SETTLED] * len(deals)


class LosesAnswers(HTTPAdapter):
    """Sends, has the answer, and loses it: `met` is where the server is killed meanwhile."""

    def __init__(self, met: Barrier) -> None:
        super().__init__()
        self._met = met

    def send(self, request: requests.PreparedRequest, *args: Any, **kw: Any) -> requests.Response:
        answer = super().send(request, *args, **kw)
        if request.method != "POST" or self._met.broken:
            return answer
        assert answer.status_code == 201, answer.text
        try:
            self._met.wait()  # all are durable
            self._met.wait()  # the server is dead
        except BrokenBarrierError:
            return answer
        raise requests.ConnectionError("the answer was lost")


@pytest.mark.parametrize(
    ("victim", "steps"), [("first", (FirstLock, Carry)), ("second", (SecondLock, Show))]
)
def test_a_server_that_dies_after_the_commit_and_before_the_answer_has_done_it_once(
    pair: Pair, victim: str, steps: tuple[type[Step], ...]
) -> None:
    deals = [pair.deal() for _ in steps]
    actors = [deal.has_come_to(step) for deal, step in zip(deals, steps, strict=True)]
    server: OwnSandbox = getattr(pair, victim)
    met = Barrier(len(deals) + 1)
    for actor in actors:
        wallet: Wallet = getattr(actor, f"_{victim}")
        wallet.client._session.mount("http://", LosesAnswers(met))
    with ThreadPoolExecutor(len(deals)) as threads:
        asked: list[Future[Step]] = [threads.submit(actor.advance) for actor in actors]
        met.wait(30)
        server.kill()
        met.wait(30)
        met.abort()  # from here on answers come through
        pair.move(9 * MINUTE)
        server.start()
        for one in asked:
            one.result()

    assert [deal.finish() for deal in deals] == [Outcome.SETTLED] * len(deals)
    assert [deal.balances() for deal in deals] == [SETTLED] * len(deals)


def test_the_margin_is_enough_to_the_last_moment(pair: Pair) -> None:
    """Shown as late as may be; then the first server is away nearly until its lock ends."""
    deal = pair.deal()
    deal.has_come_to(Show)
    pair.move(SECOND_ENDS - REVEAL - AHEAD)
    assert isinstance(deal.party(Side.INITIATOR).advance(), Show)
    pair.first.kill()
    pair.move(FIRST_ENDS - SECOND_ENDS + REVEAL + AHEAD - 1)
    pair.first.start()

    assert deal.finish() == Outcome.SETTLED
    assert deal.balances() == SETTLED


@names
@pytest.mark.parametrize("step", [SecondLock, Show])
def test_a_server_that_is_away_too_long_before_the_secret_is_shown_returns_both(
    pair: Pair, victims: str, step: type[Step]
) -> None:
    deal = pair.deal()
    deal.has_come_to(step)
    servers = pair.named(victims)
    for server in servers:
        server.kill()
    pair.move(FIRST_ENDS)
    for server in servers:
        server.start()

    assert deal.finish() == Outcome.RETURNED
    assert deal.balances() == UNTOUCHED


# Parties that are killed --------------------------------------------------------------------------


KILLS = [
    (side, when, act)
    for side, acts in (
        ("initiator", ("Lock", "Show", "Carry")),
        ("counterparty", ("Lock", "Carry")),
    )
    for act in acts
    for when in ("about to", "done")
]


def test_a_party_that_is_killed_at_any_step_goes_on_from_its_key_and_the_terms(pair: Pair) -> None:
    deals = [pair.deal() for _ in KILLS]
    with ThreadPoolExecutor(2) as threads:
        ended = list(threads.map(_killed, deals, KILLS))

    assert ended == [-signal.SIGKILL] * len(KILLS)
    assert [deal.finish() for deal in deals] == [Outcome.SETTLED] * len(deals)
    assert [deal.balances() for deal in deals] == [SETTLED] * len(deals)


def _killed(deal: Deal, kill: tuple[str, str, str]) -> int:
    """Run one party in a process that is killed there; the other does its part before."""
    side, when, act = kill
    is_initiator = side == "initiator"
    if act == "Lock":
        deal.has_come_to(FirstLock if is_initiator else SecondLock)
    else:
        deal.has_come_to(Show if is_initiator else Carry)
    said = {
        "key": (deal.alice if is_initiator else deal.bob).to_jwk(),
        "sandboxes": [
            [one.said.url, one.said.publishable_key] for one in (deal.pair.first, deal.pair.second)
        ],
        "side": side, "kill_at": [when, act], "terms": json.loads(deal.terms.encode()),
    }  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-m", "tests.reliability.corridor_party"], input=json.dumps(said),
        text=True, check=False, timeout=60,
    )  # fmt: skip
    return done.returncode


# Timeouts -----------------------------------------------------------------------------------------


def test_a_counterparty_that_never_locks_costs_time_alone(pair: Pair) -> None:
    deal = pair.deal()
    initiator = deal.has_come_to(FirstLock)
    initiator.advance()
    assert isinstance(initiator.advance(), Wait)
    pair.move(FIRST_ENDS)

    assert deal.finish() == Outcome.RETURNED
    assert deal.balances() == UNTOUCHED


def test_a_secret_that_is_never_shown_returns_both_and_the_second_end_suffices(pair: Pair) -> None:
    """When the second lock has ended, the counterparty gives the first back before its end."""
    deal = pair.deal()
    deal.has_come_to(Show)
    pair.move(SECOND_ENDS - AHEAD)

    counterparty = deal.party(Side.COUNTERPARTY)
    until(lambda: isinstance(counterparty.advance(), GiveBack), END_S, "the second lock ends")

    assert deal.finish() == Outcome.RETURNED
    assert deal.balances() == UNTOUCHED


def test_nothing_happens_where_nobody_locks_in_time(pair: Pair) -> None:
    deal = pair.deal()
    pair.move(SECOND_LOCK_BY)

    assert deal.finish() == Outcome.NOTHING


# What a party refuses -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        pytest.param({"amount": "999.99"}, "amount is 999.99, agreed was 1000.00", id="amount"),
        pytest.param({"to": "alice"}, "payee is", id="payee"),
        pytest.param({"asset": "tUSDT"}, "asset is tUSDT, agreed was KZTD", id="asset"),
        pytest.param({"ends_at": -1}, "it ends 1 ms earlier than agreed", id="margin"),
        pytest.param({}, "it was signed otherwise than agreed", id="another transaction"),
    ],
)
def test_the_counterparty_locks_nothing_where_the_first_lock_is_not_as_agreed(
    pair: Pair, change: dict[str, Any], reason: str
) -> None:
    deal = pair.deal()
    terms, asset = deal.terms, change.get("asset", "KZTD")
    if "asset" in change:  # terms that name an account of another asset than they say
        first = msgspec.structs.replace(
            terms.first, from_=deal.wallets(Side.INITIATOR)[0].accounts["tUSDT"]
        )
        deal.terms = terms = with_hash(msgspec.structs.replace(terms, first=first), deal.alice)
    alice, bob = deal.wallets(Side.INITIATOR)[0], deal.wallets(Side.COUNTERPARTY)[0]
    other = Wallet.join(alice.client)
    to = other if change.get("to") else bob
    alice.lock(
        to.accounts[asset], change.get("amount", GIVEN if asset == "KZTD" else "1.000000"),
        ends_at=terms.first.ends_at + change.get("ends_at", 0), hash=terms.hash, asset=asset,
    )  # fmt: skip

    step = deal.party(Side.COUNTERPARTY).advance()

    assert isinstance(step, Refuse)
    assert reason in " ".join(step.reasons)


def test_the_counterparty_never_locks_under_another_hash(pair: Pair) -> None:
    deal = pair.deal()
    alice, bob = deal.wallets(Side.INITIATOR)[0], deal.wallets(Side.COUNTERPARTY)[0]
    alice.lock(bob.accounts["KZTD"], GIVEN, ends_at=deal.terms.first.ends_at, hash=b64(bytes(32)))

    assert isinstance(deal.party(Side.COUNTERPARTY).advance(), Wait)


def test_terms_without_room_are_refused_by_both(pair: Pair) -> None:
    deal = pair.deal(skew_max_ms=FIRST_ENDS - SECOND_ENDS)

    step = deal.party(Side.INITIATOR).advance()

    assert isinstance(step, Refuse)
    assert "the first lock outlasts the second by 1800000 ms" in step.reasons[0]


def test_nobody_locks_or_shows_while_the_clocks_are_too_far_apart(pair: Pair) -> None:
    far, near = pair.deal(skew_max_ms=2 * MINUTE), pair.deal()
    near.has_come_to(Show)

    assert "clocks are" in _reasons(far.party(Side.INITIATOR).advance())
    pair.first.freeze_clock(pair.now + AHEAD + SKEW_MAX)
    assert "clocks are" in _reasons(near.party(Side.INITIATOR).advance())

    pair.now += AHEAD + SKEW_MAX
    pair.move(0)
    assert near.finish() == Outcome.SETTLED


def _reasons(step: Step) -> str:
    assert isinstance(step, Refuse), step
    return " ".join(step.reasons)


# Beyond the margin: who can lose, and why ---------------------------------------------------------


def test_beyond_the_margin_the_counterparty_loses(pair: Pair) -> None:
    """The first server is away from the moment the secret is shown until its lock has ended."""
    deal = pair.deal()
    deal.has_come_to(Carry)
    pair.first.kill()
    pair.move(FIRST_ENDS)
    pair.first.start()

    assert deal.finish() == Outcome.COUNTERPARTY_LOST
    assert deal.balances() == ("50000.00", "102.000000", "50000.00", "98.000000")
    shown = pair.second.client().lock(lock_id(deal.terms, deal.terms.second))
    assert shown["preimage"] == b64(secret_of(deal.terms, deal.alice)), "the proof stays"


def test_a_counterparty_that_is_away_loses_to_a_dishonest_initiator_alone(pair: Pair) -> None:
    fair, unfair = pair.deal(), pair.deal()
    for deal in (fair, unfair):
        deal.has_come_to(Carry)
    assert isinstance(fair.party(Side.INITIATOR).advance(), Carry)  # an honest one carries it over
    pair.move(FIRST_ENDS)

    assert (fair.finish(), unfair.finish()) == (Outcome.SETTLED, Outcome.COUNTERPARTY_LOST)


def test_a_secret_shown_too_late_is_refused_and_yet_known_so_the_program_never_shows_it(
    pair: Pair,
) -> None:
    """Whoever shows it by hand after the second lock's end loses: refusals can be read."""
    deal = pair.deal()
    careful = deal.has_come_to(Show)
    pair.move(SECOND_ENDS - REVEAL - AHEAD + 1)
    assert "too near to its end" in _reasons(careful.advance())
    pair.move(REVEAL)
    terms, (_, alice) = deal.terms, deal.wallets(Side.INITIATOR)

    with pytest.raises(PaymentRefused) as refused:
        alice.release(lock_id(terms, terms.second), secret_of(terms, deal.alice))

    bob = deal.wallets(Side.COUNTERPARTY)[0]
    payload = alice.client.get(f"/transactions/{refused.value.transaction}")["payload"]
    assert payload["preimage"] == b64(secret_of(terms, deal.alice))
    bob.release(lock_id(terms, terms.first), secret_of(terms, deal.alice))
    assert deal.finish() == Outcome.INITIATOR_LOST


def test_a_sandbox_that_does_not_come_back_is_said_to_be_away(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox_api.client.PATIENCE_S", 0.2)
    party = pair.deal().party(Side.INITIATOR)
    pair.second.kill()

    with pytest.raises(SandboxAway):
        party.advance()

    pair.second.start()
    assert isinstance(party.advance(), Lock)
