"""A party against two sandboxes in this process: what it refuses, and messages that come late."""

from __future__ import annotations

import msgspec
import pytest

from sandbox_api.client import PaymentRefused, SandboxAway
from sandbox_api.config import CannotRun
from sandbox_api.corridor.party import Party
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
from sandbox_api.corridor.terms import MINUTE_MS, Side, Terms
from tests.corridor.two import Pair

AMOUNTS = {Side.INITIATOR: "1000.00", Side.COUNTERPARTY: "2.000000"}
ORDER = "order 2-1174-2030"


class Deal:
    """New people with new terms, on clocks that show the same."""

    def __init__(self, pair: Pair, first: str = "1000.00") -> None:
        pair.set(0)
        self.pair = pair
        self.terms, self.keys = pair.deal({**AMOUNTS, Side.INITIATOR: first})

    def party(self, side: Side, terms: Terms | None = None) -> Party:
        return Party(side, terms or self.terms, *self.pair.wallets(self.keys[side]))

    def turn(self, *sides: Side) -> list[type[Step]]:
        return [type(self.party(side).advance()) for side in sides]

    def freeze(self, place: int, account: str) -> None:
        """Two officers of the supervisor freeze an account."""
        sandbox = self.pair.ends[place].sandbox
        sandbox.by_two("supervisor", "freeze/1", account=account, order=ORDER)


@pytest.fixture
def deal(pair: Pair) -> Deal:
    return Deal(pair)


A, B = Side


def reasons(step: Step) -> str:
    assert isinstance(step, Refuse), step
    return " ".join(step.reasons)


def test_nobody_locks_for_money_that_would_not_be_free(deal: Deal) -> None:
    deal.freeze(1, deal.terms.second.to)
    assert "the account that is paid is frozen" in reasons(deal.party(A).advance())

    other = Deal(deal.pair)
    assert other.turn(A) == [Lock]
    other.freeze(0, other.terms.first.to)
    assert "the account that is paid is frozen" in reasons(other.party(B).advance())


def test_the_secret_is_not_shown_where_an_order_has_come_before_it(deal: Deal) -> None:
    assert deal.turn(A, B) == [Lock, Lock]
    deal.freeze(1, deal.terms.second.to)

    assert "the account that is paid is frozen" in reasons(deal.party(A).advance())
    deal.pair.move(61 * MINUTE_MS)
    assert deal.party(A).advance() == deal.party(B).advance() == Done(Outcome.RETURNED)


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        pytest.param("from", "the account that is paid is somebody else's", id="the payer's own"),
        pytest.param("A" * 22, "the ledger knows no account", id="nobody's"),
    ],
)
def test_what_is_paid_must_be_ones_own(deal: Deal, to: str, reason: str) -> None:
    second = deal.terms.second
    account = second.from_ if to == "from" else to
    terms = msgspec.structs.replace(deal.terms, second=msgspec.structs.replace(second, to=account))

    assert reason in reasons(deal.party(A, terms).advance())


def test_terms_for_another_ledger_are_not_begun(deal: Deal) -> None:
    elsewhere = msgspec.structs.replace(deal.terms.first, ledger="B" * 22)

    with pytest.raises(CannotRun, match="the terms name BBBB"):
        deal.party(A, msgspec.structs.replace(deal.terms, first=elsewhere))


def test_a_lock_that_the_ledger_refuses_is_told_and_nothing_is_locked(pair: Pair) -> None:
    deal = Deal(pair, first="50000.01")

    with pytest.raises(PaymentRefused) as refused:
        deal.party(A).advance()

    assert refused.value.code == "FUNDS"
    assert deal.turn(B) == [Wait]


def test_who_carries_second_finds_it_done(deal: Deal) -> None:
    """Both have seen the secret, both carry it: the ledger takes one and nothing is raised."""
    assert deal.turn(A, B, A) == [Lock, Lock, Show]
    both = [deal.party(side) for side in Side]
    views = [party.look() for party in both]
    secret = views[0].second.preimage
    assert [view.first.status for view in views] == ["locked", "locked"]

    for party in both:
        party._do(Carry(deal.terms.first, secret))

    assert [party.advance().outcome for party in both] == [Outcome.SETTLED] * 2  # type: ignore[union-attr]


def test_a_lock_that_was_lost_is_sent_again_and_its_late_twin_changes_nothing(deal: Deal) -> None:
    initiator = deal.party(A)
    network = deal.pair.ends[0].network
    for lost in ("late", "question", "answer", "late"):
        network.lose = lost
        with pytest.raises(SandboxAway):
            initiator.advance()
        if lost == "answer":
            break
    assert deal.turn(A) == [Wait]
    network.deliver()

    assert initiator.look().first.status == "locked"
    first = deal.pair.wallets(deal.keys[A])[0]
    assert first.balance() == "49000.00"
    assert len(list(first.client.locks(hash=deal.terms.hash))) == 1


@pytest.mark.parametrize(
    ("late_ms", "turns", "outcome"),
    [
        pytest.param(0, [Wait, Show, Carry], Outcome.SETTLED, id="at the last moment"),
        pytest.param(1, [GiveBack, Done], Outcome.RETURNED, id="just after it"),
    ],
)
def test_a_second_lock_on_its_way_keeps_the_first_from_being_given_back(
    deal: Deal, late_ms: int, turns: list[type[Step]], outcome: Outcome
) -> None:
    """It may still come, so the counterparty waits until it cannot; then it comes in vain."""
    network, counterparty = deal.pair.ends[1].network, deal.party(B)
    assert deal.turn(A) == [Lock]
    network.lose = "late"
    with pytest.raises(SandboxAway):
        counterparty.advance()
    deal.pair.move(deal.terms.second.lock_by - deal.pair.ends[1].now() + late_ms)
    if late_ms:
        assert deal.turn(B) == turns[:1]
        turns = turns[1:]
    network.deliver()

    sides = {Wait: B, Show: A, Carry: B, Done: A}
    assert deal.turn(*(sides[turn] for turn in turns)) == turns
    assert deal.party(A).advance() == deal.party(B).advance() == Done(outcome)
