"""The corridor under any schedule: parties that crash anywhere, messages that are lost, late or
repeated, clocks apart and moving on; then with one side that does what it likes.

Assumed is what `docs/corridor.md` assumes: the clocks are no further apart than agreed, and after
the secret was shown somebody reaches the first ledger before its lock ends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sandbox_api.client import SandboxAway, SandboxProblem, Wallet
from sandbox_api.corridor.party import Party
from sandbox_api.corridor.steps import Done, Outcome
from sandbox_api.corridor.terms import MINUTE_MS, Side, lock_id, secret_of
from tests.corridor.two import LOST, Pair
from tests.scale import SCALE

EXAMPLES = 40 * SCALE
AMOUNTS = {Side.INITIATOR: "1000.00", Side.COUNTERPARTY: "2.000000"}
UNTOUCHED = ("50000.00", "100.000000", "50000.00", "100.000000")
BALANCES = {
    Outcome.SETTLED: ("49000.00", "102.000000", "51000.00", "98.000000"),
    Outcome.RETURNED: UNTOUCHED,
    Outcome.NOTHING: UNTOUCHED,
}

skews = st.integers(-5 * MINUTE_MS + 2_000, 5 * MINUTE_MS - 2_000)
moves = st.tuples(st.just("move"), st.sampled_from((1, 2, 5, 21)).map(lambda m: m * MINUTE_MS))
turns = st.tuples(st.just("turn"), st.sampled_from(Side))
losses = st.tuples(st.just("lose"), st.sampled_from(LOST))
crashes = st.tuples(st.just("crash"), st.sampled_from(Side))
deliveries = st.tuples(st.just("deliver"), st.none())
TRICKS = ("lock wrong", "lock late", "extend", "cancel", "show", "take")
tricks = st.tuples(st.just("trick"), st.sampled_from(TRICKS))

honest = st.lists(
    st.one_of(turns, turns, turns, turns, turns, losses, losses, crashes, moves, deliveries),
    min_size=12, max_size=30,
)  # fmt: skip
crooked = st.lists(
    st.one_of(turns, turns, turns, tricks, tricks, losses, moves, deliveries),
    min_size=12, max_size=30,
)  # fmt: skip

outcomes: Counter[Outcome] = Counter()
"""How the schedules of this run have ended: nobody should believe in schedules that do nothing."""


@pytest.fixture(scope="module", autouse=True)
def _every_end() -> Iterator[None]:
    yield
    if outcomes.total() >= 3 * EXAMPLES:  # all tests of the module have run
        assert all(outcomes[outcome] >= 5 for outcome in BALANCES), outcomes


class Run:
    """One deal under one schedule. `trickster`: the side that does not keep to the protocol."""

    def __init__(self, pair: Pair, skew: int, trickster: Side | None = None) -> None:
        self.pair = pair
        pair.set(skew)
        self.terms, self.keys = pair.deal(AMOUNTS)
        self.trickster = trickster
        self.parties = {side: self.party(side) for side in Side}

    def party(self, side: Side) -> Party:
        return Party(side, self.terms, *self.pair.wallets(self.keys[side]))

    def do(self, act: str, what: Any) -> None:
        """One thing of the schedule; whatever is refused or lost is part of it."""
        if act == "turn":
            with suppress(SandboxAway):
                self.parties[what].advance()
        elif act == "lose":
            for end in self.pair.ends:
                end.network.lose = what
        elif act == "crash":
            self.parties[what] = self.party(what)
        elif act == "deliver":
            self.deliver()
        elif act == "move":
            self.move(what)
        else:
            with suppress(SandboxProblem, SandboxAway):
                self.trick(what)

    def deliver(self) -> None:
        for end in self.pair.ends:
            end.network.deliver()

    def move(self, by: int) -> None:
        """Both clocks go on. Somebody honest is there just before the first lock's end, which is
        what is assumed of them."""
        left = self.terms.first.ends_at - 1 - self.pair.ends[0].now()
        if 0 < left < by:
            self.pair.move(left)
            self.quietly()
            for side in self.honest():
                self.party(side).advance()
            by -= left
        self.pair.move(by)

    def quietly(self) -> None:
        for end in self.pair.ends:
            end.network.lose = ""

    def honest(self) -> list[Side]:
        return [side for side in Side if side != self.trickster]

    def end(self) -> Outcome:
        """All time passes, what is late comes in, everybody looks again."""
        self.quietly()
        for _ in range(3):
            self.deliver()
            self.move(45 * MINUTE_MS)
        outcomes = []
        for side in Side:
            step = self.party(side).advance()
            assert isinstance(step, Done), step
            outcomes.append(step.outcome)
        assert outcomes[0] == outcomes[1]
        return outcomes[0]

    def balances(self) -> tuple[str, ...]:
        wallets = [wallet for key in self.keys.values() for wallet in self.pair.wallets(key)]
        return tuple(
            wallet.balance(asset)
            for wallet, asset in zip(wallets, ("KZTD", "tUSDT") * 2, strict=True)
        )

    def trick(self, what: str) -> None:
        """What only a dishonest side does, as far as the ledgers let it."""
        side, terms = self.trickster, self.terms
        assert side is not None
        own = terms.first if side == Side.INITIATOR else terms.second
        first, second = self.pair.wallets(self.keys[side])
        pays, paid = (first, second) if side == Side.INITIATOR else (second, first)
        of_other = terms.second if side == Side.INITIATOR else terms.first
        if what == "lock wrong":
            pays.lock(own.to, "1.00" if own.asset == "KZTD" else "0.500000", hash=terms.hash,
                      ends_at=own.ends_at, asset=own.asset)  # fmt: skip
        elif what == "lock late":
            pays.lock(own.to, own.amount, hash=terms.hash, asset=own.asset,
                      ends_at=pays.client.now() + MINUTE_MS)  # fmt: skip
        elif what == "extend":
            pays.extend(lock_id(terms, own), own.ends_at + 40 * MINUTE_MS)
        elif what == "cancel":
            paid.cancel(lock_id(terms, of_other))
        elif what == "show" and side == Side.INITIATOR:
            paid.release(lock_id(terms, of_other), secret_of(terms, self.keys[side]))
        elif what == "take":
            self.take(paid)

    def take(self, paid: Wallet) -> None:
        """Use whatever secret either ledger shows in a lock under the hash."""
        for end in self.pair.ends:
            for lock in end.client().locks(hash=self.terms.hash):
                if lock["preimage"]:
                    for other in paid.client.locks(hash=self.terms.hash):
                        if other["status"] == "locked":
                            paid.send("release/1", lock=other["id"], preimage=lock["preimage"])


quick = settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip


@quick
@given(skew=skews, schedule=honest)
def test_honest_parties_both_settle_or_both_return(
    pair: Pair, skew: int, schedule: list[tuple[str, Any]]
) -> None:
    run = Run(pair, skew)
    for act, what in schedule:
        run.do(act, what)

    outcome = run.end()

    outcomes[outcome] += 1
    assert outcome in BALANCES
    assert run.balances() == BALANCES[outcome]


@pytest.mark.parametrize("trickster", list(Side))
@quick
@given(skew=skews, schedule=crooked)
def test_an_honest_party_loses_nothing_to_one_that_does_as_it_likes(
    pair: Pair, trickster: Side, skew: int, schedule: list[tuple[str, Any]]
) -> None:
    run = Run(pair, skew, trickster)
    for act, what in schedule:
        run.do(act, what)

    outcome = run.end()

    outcomes[outcome] += 1
    tenge, dollars, of_bob, dollars_of_bob = map(Decimal, run.balances())
    if trickster == Side.COUNTERPARTY:
        assert outcome != Outcome.INITIATOR_LOST
        assert tenge >= 50_000 or (tenge >= 49_000 and dollars >= 102)
    else:
        assert outcome != Outcome.COUNTERPARTY_LOST
        assert dollars_of_bob >= 100 or (dollars_of_bob >= 98 and of_bob >= 51_000)
