"""Every mark accounts for its money, and an audit names the one that does not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ledger import marks
from ledger.audit import Part
from ledger.audit.budgets import Budget, budgets, check_budgets
from ledger.audit.replay import FullState, Replay
from ledger.core import counters
from ledger.core.ids import ID_BYTES, b64, unb64
from tests.audit.everything import Everything

Values = dict[Any, Any]


def replayed(everything: Everything) -> FullState:
    replay = Replay(decides=False)
    for leaf in everything.leaves:
        replay.step(leaf)
    return replay.state


@pytest.fixture
def values(small: Everything) -> Values:
    return dict(replayed(small).values)


def test_every_mark_of_a_long_life_accounts_for_its_money(values: Values) -> None:
    found = budgets(values)

    assert check_budgets(values) == []
    assert len(found) >= 5
    whole = Budget(*(sum(column) for column in zip(*map(msgspec.structs.astuple, found.values()),
                                                   strict=True)))  # fmt: skip
    assert min(msgspec.structs.astuple(whole)[:4]) > 0, "something was paid, held and returned"
    assert whole.is_whole


def on_an_account(values: Values, mark: bytes) -> None:
    need, account = next(
        (n, v) for n, v in values.items()
        if n[0] == "account" and v is not None and v.mark == b64(mark)
    )  # fmt: skip
    values[need] = msgspec.structs.replace(account, balance=account.balance + 1)


def in_a_sum(measure: str) -> Callable[[Values, bytes], None]:
    def play(values: Values, mark: bytes) -> None:
        need = ("counter", measure, 0, mark, "")
        values[need] = values.get(need, 0) + 1

    return play


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(on_an_account, id="an account holds more"),
        pytest.param(in_a_sum(counters.MARK_ALLOCATED), id="more was allocated"),
        pytest.param(in_a_sum(counters.MARK_PAID), id="more was paid"),
        pytest.param(in_a_sum(counters.MARK_RETURNED), id="more returned"),
    ],
)
def test_a_tiyn_too_many_is_found_and_its_mark_named(
    values: Values, small: Everything, play: Callable[[Values, bytes], None]
) -> None:
    mark = unb64(small.world.food, ID_BYTES)  # type: ignore[attr-defined]

    play(values, mark)

    (finding,) = check_budgets(values)
    assert finding.part is Part.BUDGET
    assert finding.message.startswith(f"mark {b64(mark)}: ")


def test_a_guard_that_forgets_to_count_is_found(
    small: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program whose guard lets payments out of a mark without counting them."""
    count = marks._Guard._count

    def forgetful(self: Any, measure: str, mark: str, amount: int) -> None:
        if measure != counters.MARK_PAID:
            count(self, measure, mark, amount)

    monkeypatch.setattr(marks._Guard, "_count", forgetful)

    found = check_budgets(replayed(small).values)

    assert found
    assert {finding.part for finding in found} == {Part.BUDGET}
