"""Orders: what a freeze stops and what it lets arrive, what a court takes, what seizing leaves."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.core.account import Account, AccountKind
from ledger.core.decision import Code
from ledger.core.ids import unb64
from ledger.writer.answers import Taken
from tests.builders import DAY, World, derived, pack_text
from tests.kinds.families.approvals import a_payload, propose, second_key
from tests.kinds.families.freeze import HOLDING, LABEL, freeze
from tests.kinds.pure import fork
from tests.rules.till import Sale, codes, sale_world

C = Code


@pytest.fixture(scope="module")
def base() -> World:
    return sale_world()


@pytest.fixture
def world(base: World) -> World:
    return fork(base)


def of(world: World, id: str) -> Account:
    found: Account = world.door.load(("account", unb64(id, 16)))
    return found


def has(world: World, name: str, asset: str = "KZTD") -> int:
    return of(world, world.accounts[name, asset]).balance


def supply(world: World, asset: str) -> tuple[int, int, int]:
    """Issued, redeemed, outstanding."""
    issue = world.door.load(("object", "asset", asset.encode())).body.issue_account
    counted = (world.door.load(("counter", m, 0, asset.encode(), "")) for m in _MEASURES)
    return (*counted, -of(world, issue).balance)  # type: ignore[return-value]


_MEASURES = ("issued", "redeemed")


def by_order(world: World, kind: str, **members: Any) -> Any:
    signer = "nbk" if kind == "dispose/1" else "afsa"
    return world.offer(world.sign(signer, kind, order=LABEL, **members))


def test_a_frozen_account_pays_nobody(world: World) -> None:
    freeze(world, world.accounts["aigul", "KZTD"])
    freeze(world, world.accounts["cafe", "tUSDT"])

    assert codes(world.transfer("aigul", "daniyar", "KZTD", "1.00")) == (C.ACCOUNT_FROZEN,)
    request = Sale(asset="KZTD").request(world)
    assert codes(world.pay("aigul", "KZTD", request)) == (C.ACCOUNT_FROZEN,)
    refund = world.sign("cafe", "refund/1", payment=world.sales["tUSDT"], amount="1.000000",
                        from_=world.accounts["cafe", "tUSDT"],
                        to=world.accounts["guest", "tUSDT"])  # fmt: skip
    assert codes(world.offer(refund)) == (C.ACCOUNT_FROZEN,)
    assert codes(world.transfer("aigul", "daniyar", "tUSDT", "1.000000")) == ()


def test_nobody_else_hears_that_it_is_frozen(world: World) -> None:
    freeze(world, world.accounts["aigul", "KZTD"])

    stolen = world.sign("daniyar", "transfer/1", from_=world.accounts["aigul", "KZTD"],
                        to=world.accounts["daniyar", "KZTD"], amount="1.00")  # fmt: skip
    assert codes(world.offer(stolen)) == (C.NO_AUTHORITY,)
    assert codes(world.transfer("daniyar", "aigul", "KZTD", "1.00")) == ()


def test_an_issuer_redeems_nothing_from_it(world: World) -> None:
    freeze(world, world.accounts["bank", "KZTD"])

    jws = world.sign("nbk", "redeem/1", from_=world.accounts["bank", "KZTD"], amount="1.00")
    assert codes(world.offer(jws)) == (C.ACCOUNT_FROZEN,)


def test_money_that_is_accepted_stands_with_the_rest(world: World) -> None:
    before = has(world, "daniyar")
    freeze(world, world.accounts["daniyar", "KZTD"], "accept")

    assert codes(world.transfer("aigul", "daniyar", "KZTD", "7.00")) == ()

    assert has(world, "daniyar") == before + 700
    assert of(world, world.accounts["daniyar", "KZTD"]).status == "frozen"


def test_without_a_row_in_the_pack_money_is_accepted(world: World) -> None:
    jws = world.do("afsa", "freeze/1", account=world.accounts["aigul", "KZTD"], order=LABEL)

    assert world.door.plans[-1].facts == {"policy": "accept"}
    assert world.door.load(("account", unb64(derived(jws, "held"), 16))) is None


def test_money_that_is_held_waits_beside_it_and_comes_when_the_freeze_is_lifted(
    world: World,
) -> None:
    before = has(world, "daniyar")
    held = freeze(world, world.accounts["daniyar", "KZTD"], "hold")
    beside = of(world, held)
    assert (beside.kind, beside.asset, beside.balance) == (AccountKind.HELD, "KZTD", 0)
    assert beside.owner == unb64(world.parties["daniyar"], 16)

    for _ in range(2):
        assert codes(world.transfer("aigul", "daniyar", "KZTD", "7.00")) == ()
    assert (has(world, "daniyar"), of(world, held).balance) == (before, 1400)

    assert codes(by_order(world, "unfreeze/1", account=world.accounts["daniyar", "KZTD"])) == ()
    assert (has(world, "daniyar"), of(world, held).balance) == (before + 1400, 0)
    assert codes(world.transfer("daniyar", "aigul", "KZTD", "14.00")) == ()


def test_of_every_kind_that_pays_the_money_is_held(world: World) -> None:
    held = {
        (name, asset): freeze(world, world.accounts[name, asset], "hold")
        for name, asset in (("cafe", "tUSDT"), ("guest", "tUSDT"), ("bank", "KZTD"))
    }
    before = {key: of(world, world.accounts[key]).balance for key in held}

    request = Sale().request(world)
    assert codes(world.pay("aigul", "tUSDT", request)) == ()
    assert codes(world.transfer("aigul", "guest", "tUSDT", "1.000000")) == ()
    jws = world.sign("nbk", "issue/1", to=world.accounts["bank", "KZTD"], amount="3.00")
    assert codes(world.offer(jws)) == ()

    assert [of(world, id).balance for id in held.values()] == [2_484_353, 1_000_000, 300]
    assert before == {key: of(world, world.accounts[key]).balance for key in held}
    assert codes(by_order(world, "unfreeze/1", account=world.accounts["cafe", "tUSDT"])) == ()
    refund = world.sign("cafe", "refund/1", payment=world.sales["tUSDT"], amount="0.500000",
                        from_=world.accounts["cafe", "tUSDT"],
                        to=world.accounts["guest", "tUSDT"])  # fmt: skip
    assert codes(world.offer(refund)) == ()
    assert of(world, held["guest", "tUSDT"]).balance == 1_500_000


def test_a_payment_to_a_frozen_merchant_names_the_account_that_was_asked_for(world: World) -> None:
    freeze(world, world.accounts["cafe", "tUSDT"], "hold")
    world.do("aigul", "pay/1", from_=world.accounts["aigul", "tUSDT"],
             request=Sale().request(world))  # fmt: skip

    (payment,) = world.door.plans[-1].objects
    assert payment.body.payee == world.accounts["cafe", "tUSDT"]  # type: ignore[attr-defined]


def test_crypto_to_what_is_held_for_a_merchant_is_judged_like_to_the_merchant(
    world: World,
) -> None:
    freeze(world, world.accounts["market", "tUSDT"], "hold")

    assert codes(world.transfer("aigul", "market", "tUSDT", "1.000000")) == (C.ZONE_OUTSIDE,)
    assert codes(world.pay("aigul", "tUSDT", Sale(till="till-market").request(world))) == (
        C.ZONE_OUTSIDE,
    )


def test_nobody_pays_to_or_from_what_is_held_by_its_own_id(world: World) -> None:
    held = freeze(world, world.accounts["aigul", "KZTD"], "hold")
    assert codes(world.transfer("daniyar", "aigul", "KZTD", "7.00")) == ()

    for source, target in (
        (held, world.accounts["guest", "KZTD"]),
        (world.accounts["aigul", "tUSDT"], held),
    ):
        jws = world.sign("aigul", "transfer/1", from_=source, to=target, amount="1.00")
        assert codes(world.offer(jws)) == (C.ACCOUNT_KIND,)


def test_a_freeze_keeps_the_policy_it_was_made_under(world: World) -> None:
    freeze(world, world.accounts["daniyar", "KZTD"], "accept")
    world.do("nbk", "pack/1", text=pack_text() + HOLDING)
    before = has(world, "daniyar")

    assert codes(world.transfer("aigul", "daniyar", "KZTD", "7.00")) == ()

    assert has(world, "daniyar") == before + 700


def test_frozen_again_it_has_the_held_account_of_the_first_time(world: World) -> None:
    account = world.accounts["daniyar", "KZTD"]
    opened = []
    for policy in ("hold", "accept", "hold"):
        opened.append(freeze(world, account, policy))
        assert codes(world.transfer("aigul", "daniyar", "KZTD", "1.00")) == ()
        assert of(world, opened[0]).balance == (100 if policy == "hold" else 0)
        assert codes(by_order(world, "unfreeze/1", account=account)) == ()

    for id in opened[1:]:
        assert world.door.load(("account", unb64(id, 16))) is None
    assert world.door.load(("object", "freeze", unb64(account, 16))).status == "lifted"


def test_a_court_takes_from_a_frozen_account_and_from_what_is_held(world: World) -> None:
    account = world.accounts["daniyar", "KZTD"]
    held = freeze(world, account, "hold")
    assert codes(world.transfer("aigul", "daniyar", "KZTD", "7.00")) == ()
    before, creditor = has(world, "daniyar"), has(world, "guest")

    for source, amount in ((account, "2.00"), (held, "7.00")):
        answer = by_order(world, "forced_debit/1", from_=source, amount=amount,
                          to=world.accounts["guest", "KZTD"])  # fmt: skip
        assert codes(answer) == ()

    assert has(world, "daniyar") == before - 200
    assert of(world, held).balance == 0
    assert has(world, "guest") == creditor + 900
    assert codes(by_order(world, "unfreeze/1", account=account)) == ()
    assert world.door.plans[-1].movements == ()


def test_a_frozen_creditor_gets_it_as_the_freeze_says(world: World) -> None:
    held = freeze(world, world.accounts["guest", "KZTD"], "hold")

    answer = by_order(world, "forced_debit/1", from_=world.accounts["aigul", "KZTD"],
                      to=world.accounts["guest", "KZTD"], amount="2.00")  # fmt: skip

    assert codes(answer) == ()
    assert of(world, held).balance == 200


def test_a_seizure_opens_one_reserve_an_asset_and_leaves_the_supply_as_it_is(
    world: World,
) -> None:
    before = {asset: supply(world, asset) for asset in ("tUSDT", "tBTC")}
    took = (("aigul", "tUSDT", "2.000000"), ("daniyar", "tUSDT", "3.000000"),
            ("aigul", "tBTC", "0.50000000"))  # fmt: skip

    for name, asset, amount in took:
        assert codes(by_order(world, "seize/1", from_=world.accounts[name, asset],
                              amount=amount)) == ()  # fmt: skip

    for asset, units in (("tUSDT", 5_000_000), ("tBTC", 50_000_000)):
        reserve = of(world, world.door.load(("object", "reserve", asset.encode())).body.account)
        assert (reserve.kind, reserve.asset, reserve.balance) == (
            AccountKind.RESERVE, asset, units,
        )  # fmt: skip
        assert reserve.owner == unb64(world.central_bank, 16)
        assert supply(world, asset) == before[asset]


def test_a_seizure_takes_from_a_merchant_that_is_frozen_and_from_what_is_held(
    world: World,
) -> None:
    cafe = world.accounts["cafe", "tUSDT"]
    held = freeze(world, cafe, "hold")
    assert codes(world.pay("aigul", "tUSDT", Sale().request(world))) == ()
    world.do("afsa", "zone_suspend/1", zone=world.zone)

    for source in (cafe, held):
        assert codes(by_order(world, "seize/1", from_=source, amount="1.000000")) == ()

    reserve = world.door.load(("object", "reserve", b"tUSDT")).body.account
    assert of(world, reserve).balance == 2_000_000


def test_what_is_seized_goes_to_an_exchange_and_no_further_than_there_is(world: World) -> None:
    to = world.accounts["exchange", "tUSDT"]
    assert codes(by_order(world, "seize/1", from_=world.accounts["aigul", "tUSDT"],
                          amount="2.000000")) == ()  # fmt: skip
    before = has(world, "exchange", "tUSDT")

    assert codes(by_order(world, "dispose/1", to=to, amount="1.500000")) == ()
    assert codes(by_order(world, "dispose/1", to=to, amount="0.500001")) == (C.FUNDS,)
    assert codes(by_order(world, "dispose/1", to=to, amount="0.500000")) == ()

    assert has(world, "exchange", "tUSDT") == before + 2_000_000


def test_the_payments_pack_asks_two_keys_for_orders(world: World) -> None:
    world.do("nbk", "pack/1", text=pack_text("payments-hypothetical"))
    second_key(world, "afsa", "afsa second")
    account = world.accounts["aigul", "KZTD"]
    assert codes(by_order(world, "freeze/1", account=account)) == (C.APPROVALS_MISSING,)
    for kind, members in {
        "forced_debit/1": {"from_": account, "to": world.accounts["guest", "KZTD"],
                           "amount": "1.00"},
        "seize/1": {"from_": world.accounts["aigul", "tUSDT"], "amount": "1.000000"},
        "dispose/1": {"to": world.accounts["exchange", "tUSDT"], "amount": "1.000000"},
    }.items():  # fmt: skip
        assert codes(by_order(world, kind, **members)) == (C.APPROVALS_MISSING,), kind

    jws = world.do("afsa", "propose/1", ends_at=world.door.time() + DAY,
                   payload=a_payload(world, "freeze/1", account=account, order=LABEL))  # fmt: skip
    answer = world.offer(world.sign("afsa second", "approve/1",
                                    proposal=derived(jws, "proposal")))  # fmt: skip

    assert isinstance(answer, Taken)
    assert of(world, account).status == "frozen"
    held = of(world, derived(jws, "held"))
    assert (held.kind, held.owner) == (AccountKind.HELD, of(world, account).owner)


def test_a_freeze_comes_before_what_was_proposed_and_is_approved_later(world: World) -> None:
    second_key(world, "aigul", "aigul second")
    id = propose(world, "aigul", a_payload(
        world, "transfer/1", from_=world.accounts["aigul", "KZTD"],
        to=world.accounts["guest", "KZTD"], amount="1.00"))  # fmt: skip
    freeze(world, world.accounts["aigul", "KZTD"])

    answer = world.offer(world.sign("aigul second", "approve/1", proposal=id))

    assert codes(answer) == (C.ACCOUNT_FROZEN,)


def test_money_that_comes_back_to_a_frozen_payer_is_held_too(world: World) -> None:
    """A hold is let go of by time, a lock by its end: neither may fail, and neither pays out."""
    account, ends_at = world.accounts["aigul", "KZTD"], world.door.at + DAY
    members = {"from_": account, "to": world.accounts["daniyar", "KZTD"], "ends_at": ends_at}
    on_hold = derived(world.do("aigul", "hold/1", amount="3.00", **members), "hold")
    locked = derived(
        world.do("aigul", "lock/1", amount="5.00", condition={"type": "two_party"}, **members),
        "lock",
    )
    held = freeze(world, account, "hold")
    before = has(world, "aigul")
    world.door.at = ends_at

    for type_, key in (("hold", on_hold), ("lock", locked)):
        world.do("operator", "expire/1", type=type_, key=key, due=ends_at)

    assert (has(world, "aigul"), of(world, held).balance) == (before, 800)


def test_what_was_reserved_for_somebody_is_theirs_whoever_is_frozen(world: World) -> None:
    account, ends_at = world.accounts["aigul", "KZTD"], world.door.at + DAY
    payee = world.accounts["daniyar", "KZTD"]
    hold = derived(world.do("aigul", "hold/1", amount="3.00", from_=account, to=payee,
                            ends_at=ends_at), "hold")  # fmt: skip
    freeze(world, account, "hold")
    held = freeze(world, payee, "hold")
    before = has(world, "daniyar")

    world.do("daniyar", "capture/1", hold=hold, amount="2.00", last=False)

    assert (has(world, "daniyar"), of(world, held).balance) == (before, 200)
    assert codes(by_order(world, "unfreeze/1", account=payee)) == ()
    world.do("daniyar", "capture/1", hold=hold, amount="1.00", last=False)
    assert has(world, "daniyar") == before + 300


def test_whoever_pays_a_frozen_account_in_any_way_is_not_told(world: World) -> None:
    account = world.accounts["daniyar", "KZTD"]
    ask = derived(world.do("daniyar", "ask/1", from_=world.accounts["aigul", "KZTD"],
                           payer=None, to=account, amount="1.00", reference="lunch",
                           ends_at=world.door.at + DAY), "ask")  # fmt: skip
    held = freeze(world, account, "hold")

    world.do("aigul", "ask_pay/1", ask=ask, from_=world.accounts["aigul", "KZTD"])
    world.do("aigul", "split/1", from_=world.accounts["aigul", "KZTD"], amount="5.00",
             shares=[{"to": account, "amount": "2.00"},
                     {"to": world.accounts["guest", "KZTD"], "amount": "3.00"}])  # fmt: skip
    till = world.accounts["cafe", "KZTD"]
    of_till = freeze(world, till, "hold")
    asked = Sale(asset="KZTD").request(world)
    hold = derived(world.do("aigul", "hold_request/1", from_=world.accounts["aigul", "KZTD"],
                            request=asked, ends_at=world.door.at + DAY), "hold")  # fmt: skip
    world.do("cafe", "capture/1", hold=hold, amount="1290.00", last=True)

    assert of(world, held).balance == 300
    assert of(world, of_till).balance == 129_000
