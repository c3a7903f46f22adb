"""What the API says of a programme at any entry, against a replay of all entries up to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from ledger.audit.budgets import Budget, budgets
from ledger.audit.replay import Replay
from ledger.core.amount import parse_amount
from ledger.core.ids import ID_BYTES, unb64
from ledger.keyring import Keyring
from ledger.ledger import Ledger
from ledger.store import open_reading
from ledger.store.reader import Snapshot
from sandbox_api.problems import Problem
from sandbox_api.reading import marks
from sandbox_api.wire_marks import BudgetBody
from tests.builders import DAY, HOUR, World, a_world, derived, key_of, request_id
from tests.kinds.families import vat
from tests.kinds.families.approvals import SECOND, propose, second_key
from tests.kinds.families.freeze import freeze
from tests.kinds.families.marks import _prepare, mark, marked


@dataclass(frozen=True)
class Life:
    """A programme's life on a store: the marks in it, and the replayed sums after each entry."""

    url: str
    marks: tuple[str, ...]
    sums: list[dict[str, Budget]]


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Life:
    folder = tmp_path_factory.mktemp("marks")
    keyring = Keyring.open_or_create(folder / "keyring")
    keyring.put("operator", b"operator".ljust(32, b"."))
    url = f"sqlite:///{folder / 'ledger.db'}"
    with Ledger.create(url, keyring, key_of("nbk")) as ledger:
        world = a_world(ledger)
        ids = _live(world, keyring)
        size = ledger.checkpoint()
        assert size
    reader = open_reading(url)
    leaves = reader.leaves(0, reader.head().size)
    reader.close()
    replay = Replay(decides=True)
    sums = []
    for leaf in leaves:
        replay.step(leaf)
        sums.append(budgets(replay.state.values))
    return Life(url, ids, sums)


def _live(world: World, keyring: Keyring) -> tuple[str, ...]:
    """Everything that can become of marked money, the end of a child and of its parent too."""
    do, own = world.do, {name: id for (name, code), id in world.accounts.items() if code == "KZTD"}
    _prepare(world)
    own["ministry"] = world.accounts["ministry", "KZTD"]
    shop = own["market"]
    short = mark(world, valid_until=world.door.time() + DAY)
    voucher = marked(world, short, "aigul", "800.00")
    supply = marked(world, short, "cafe", supplier=True)
    do("aigul", "transfer/1", from_=voucher, to=supply, amount="300.00")
    child = mark(world, "cafe", supply, valid_until=world.door.time() + 12 * HOUR)
    below = marked(world, child, "daniyar", "200.00", signer="cafe", budget=supply)
    request, other = world.request("till-market", "70.00"), world.request("till-market", "30.00")
    do("daniyar", "pay/1", from_=below, request=request)
    do("aigul", "pay/1", from_=voucher, request=other)
    hold = do("aigul", "hold/1", from_=voucher, to=shop, amount="50.00",
              ends_at=world.door.time() + HOUR)  # fmt: skip
    do("market", "capture/1", hold=derived(hold, "hold"), amount="20.00", last=False)
    do("market", "refund/1", payment=request_id(other), from_=shop, to=voucher, amount="5.00")
    do("aigul", "mark_return/1", from_=voucher, amount="10.00")
    do("aigul", "transfer/1", from_=voucher, to=own["ministry"], amount="2.00")
    do("ministry", "mark_settle/1", from_=world.works_of_cafe, to=own["cafe"], amount="40.00")
    vat.admit(world)
    vat.treasury(world)
    vat.register(world, "market")
    taxed = world.request("till-market", "58.00", vat="standard")
    do("aigul", "pay/1", from_=voucher, request=taxed)
    do("market", "refund/1", payment=request_id(taxed), from_=shop, to=voucher, amount="29.00")
    freeze(world, voucher, "hold")
    do("market", "refund/1", payment=request_id(taxed), from_=shop, to=voucher, amount="1.00")
    do("afsa", "unfreeze/1", account=voucher, order="O-1")
    second_key(world, "ministry", SECOND)
    for kind, members in (
        ("mark_return/1", {"from_": voucher, "amount": "1.00"}),
        ("mark_settle/1", {"from_": world.works_of_cafe, "to": own["cafe"], "amount": "3.00"}),
        ("allocate/1", {"from_": own["ministry"], "to": voucher, "amount": "4.00"}),
    ):
        payload = world.signing.payload(kind, **members).decode()
        do(SECOND, "approve/1", proposal=propose(world, "ministry", payload))
    operator = keyring.key("operator")
    for hours, back in ((13, supply), (25, own["ministry"])):
        do(operator, "clock/1", offset=hours * HOUR, frozen_at=None)  # type: ignore[arg-type]
        do("market", "refund/1", payment=request_id(request), from_=shop, to=back, amount="7.00")
    do("market", "refund/1", payment=request_id(other), from_=shop, to=own["ministry"],
       amount="6.00")  # fmt: skip
    return (short, child, world.food, world.works, world.lined)


@pytest.fixture
def view(life: Life) -> Iterator[Snapshot]:
    reader = open_reading(life.url)
    with reader.snapshot() as view:
        yield view
    reader.close()


def units(text: str) -> int:
    return parse_amount(text, 2, zero=True) if not text.startswith("-") else -units(text[1:])


def told(view: Snapshot, mark: str, index: int | None) -> BudgetBody:
    found = marks.budget_body(view, unb64(mark, ID_BYTES), index)
    assert found is not None
    return found


def test_every_budget_at_every_entry_is_what_a_replay_says(life: Life, view: Snapshot) -> None:
    for index, sums in enumerate(life.sums):
        for id in sorted(sums.keys() & set(life.marks)):
            body = told(view, id, index)
            assert body.size == index + 1
            for row in body.marks:
                if row.mark not in sums:
                    continue
                one = sums[row.mark]
                assert [units(t) for t in (row.allocated, row.paid, row.held, row.returned,
                                           row.below)] == [
                    one.allocated, one.paid, one.held, one.returned, one.below,
                ], (index, row.mark)  # fmt: skip
            whole = [units(t) for t in (body.allocated, body.paid, body.held, body.returned)]
            assert whole[0] == sum(whole[1:])


def test_a_trace_tells_every_step_once_and_in_order(life: Life, view: Snapshot) -> None:
    root = unb64(life.marks[0], ID_BYTES)
    whole = marks.trace(view, root, -1, 200)
    assert whole is not None
    assert whole.next is None
    assert {step.step for step in whole.steps} == {
        "allocated", "passed", "reserved", "freed", "paid", "returned", "refunded",
    }  # fmt: skip

    steps, after = [], -1
    while True:
        page = marks.trace(view, root, after, 1)
        assert page is not None
        steps += page.steps
        if page.next is None:
            break
        after = page.next

    assert tuple(steps) == whole.steps
    held = [step.step for step in steps if step.kind == "unfreeze/1"]
    assert held == ["freed"]
    assert [step.index for step in steps] == sorted(step.index for step in steps)


def test_a_programme_that_is_too_large_is_not_half_summed(
    life: Life, view: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MARKS_MAX", "MARK_ACCOUNTS_MAX", "MARK_ROWS_MAX"):
        with monkeypatch.context() as patch:
            patch.setattr(marks, name, 1)
            with pytest.raises(Problem) as caught:
                told(view, life.marks[0], 100)
            assert caught.value.code == "mark.large"


def test_a_budget_line_has_every_mark_of_it(life: Life, view: Snapshot) -> None:
    page = marks.budgets_of(view, "BL-1", b"", 100)

    assert {body.mark for body in page.budgets} >= set(life.marks)
    assert marks.budgets_of(view, "BL-2", b"", 100).budgets == ()
    first = marks.budgets_of(view, "BL-1", b"", 2)
    assert first.next == first.budgets[-1].mark
