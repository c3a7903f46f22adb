"""Marked money: mark/1, mark_account/1, allocate/1, mark_return/1, mark_settle/1, categories/1,
confirm/1, pay_mixed/1, and expire/1 of a mark and of a marked account.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.core.envelope import seal
from ledger.core.ids import b64, unb64
from ledger.core.objects import Object
from ledger.writer.answers import Answer
from tests.builders import DAY, HOUR, World, derived, key_of, request_id
from tests.kinds.sample import Sample
from tests.kinds.table import AMOUNTS, NOBODY, C, account, bad, issue_account, party
from tests.rules.till import Sale

FIVE_YEARS = 5 * 366 * DAY
"""How far ahead a mark may end."""
GROCERS = "5411"
SERVED = "meal served"

Play = Callable[[World], Any]


def policy(world: World, budget: str = "", **changes: Any) -> dict[str, Any]:
    """Members of a `mark/1`: ordinary money of the ministry's for whoever sells groceries."""
    base: dict[str, Any] = {
        "budget": budget or world.accounts["ministry", "KZTD"], "contract": "C-1",
        "budget_line": "BL-1", "valid_until": world.door.time() + 400 * DAY, "on_final": "unmark",
        "payees": [], "roles": [], "categories": [GROCERS], "goods": [], "payee_max": None,
        "conditions": [],
    }  # fmt: skip
    return base | changes


def mark(world: World, signer: str = "ministry", budget: str = "", **changes: Any) -> str:
    """Begin a mark; its id."""
    return derived(world.do(signer, "mark/1", **policy(world, budget, **changes)), "mark")


def marked(
    world: World, mark: str, owner: str, amount: str = "", *, supplier: bool = False,
    signer: str = "ministry", budget: str = "",
) -> str:  # fmt: skip
    """Open an account with the mark, with so much allocated to it; its id."""
    jws = world.do(
        signer, "mark_account/1", mark=mark, owner=world.parties[owner], supplier=supplier
    )
    made = derived(jws, "account")
    if amount:
        allocate(world, made, amount, signer=signer, budget=budget)
    return made


def allocate(
    world: World, to: str, amount: str, *, signer: str = "ministry", budget: str = ""
) -> None:
    """Allocate from the budget, the ministry's own unless said otherwise."""
    from_ = budget or world.accounts["ministry", "KZTD"]
    world.do(signer, "allocate/1", from_=from_, to=to, amount=amount)


def an_event(world: World, mark: str, payee: str = "market", amount: str = "100.00", *,
             oracle: str = "afsa", event: str = SERVED, ahead: int = HOUR) -> str:  # fmt: skip
    """An oracle's signed event."""
    key = key_of(oracle)
    payload = world.signing.payload(
        "event/1", ahead, mark=mark, event=event, payee=world.parties[payee], amount=amount
    )
    return seal(payload, kid=key.kid, typ="tenge-event", sign=key.sign)


def a_request(world: World, food: str = "100.00", other: str = "50.00", **members: Any) -> str:
    """What the market's till asks for: some food, and something else."""
    total = _sum(food, other)
    lines = [{"code": "FOOD", "amount": food}, {"code": "OTHER", "amount": other}]
    return world.request("till-market", total, **({"lines": lines} | members))


def _sum(*amounts: str) -> str:
    units = sum(int(amount.replace(".", "")) for amount in amounts)
    return f"{units // 100}.{units % 100:02d}"


def parts(world: World, *named: tuple[str, str]) -> list[dict[str, str]]:
    """Parts of a `pay_mixed/1`, each an account and an amount."""
    return [{"from": from_, "amount": amount} for from_, amount in named]


def object_of(world: World, type: str, id: str) -> Object:
    """An object, by its id."""
    found: Object = world.door.load(("object", type, unb64(id, 16)))
    return found


def expire(world: World, type: str, id: str) -> None:
    """End this as the writer does, at its time or now."""
    due = object_of(world, type, id).due
    assert due is not None
    world.door.at = max(world.door.at, due)
    world.do("operator", "expire/1", type=type, key=id, due=due)


def ministry(world: World) -> None:
    """The programme's owner, with half a million of its own."""
    world.register("nbk", "ministry", "treasury", 3)
    world.open("nbk", "ministry", "KZTD")
    world.do("bank", "transfer/1", from_=world.accounts["bank", "KZTD"],
             to=world.accounts["ministry", "KZTD"], amount="500000.00")  # fmt: skip


def _prepare(world: World) -> None:
    ministry(world)
    world.do("bank", "categories/1", merchant=world.parties["market"], codes=[GROCERS])
    world.food = mark(world)
    world.voucher = marked(world, world.food, "aigul", "1000.00")
    world.supply = marked(world, world.food, "cafe", "300.00", supplier=True)
    world.lined = mark(world, goods=["FOOD"])
    world.card = marked(world, world.lined, "aigul", "1000.00")
    tied = [{"oracle": world.parties["afsa"], "event": SERVED}]
    world.tied = mark(world, conditions=tied, payee_max="150.00")
    world.works = mark(world, on_final="return", categories=[], contract="C-2")
    world.works_of_cafe = marked(world, world.works, "cafe", "500.00", supplier=True)
    world.works_of_daniyar = marked(world, world.works, "daniyar", "50.00")


def _once(world: World) -> None:
    if not hasattr(world, "voucher"):
        _prepare(world)


def _paying(world: World) -> dict[str, Any]:
    named = ((world.card, "100.00"), (world.accounts["aigul", "KZTD"], "50.00"))
    return {"request": a_request(world), "parts": parts(world, *named)}


SAMPLES = {
    "mark/1": Sample("ministry", policy, ("mark",), before=_once),
    "mark_account/1": Sample(
        "ministry",
        lambda w: {"mark": w.food, "owner": w.parties["daniyar"], "supplier": False},
        ("account",), before=_once,
    ),
    "allocate/1": Sample(
        "ministry",
        lambda w: {"from_": w.accounts["ministry", "KZTD"], "to": w.voucher, "amount": "100.00"},
        before=_once,
    ),
    "mark_return/1": Sample(
        "aigul", lambda w: {"from_": w.voucher, "amount": "10.00"}, before=_once
    ),
    "mark_settle/1": Sample(
        "ministry",
        lambda w: {"from_": w.works_of_cafe, "to": w.accounts["cafe", "KZTD"], "amount": "100.00"},
        before=_once,
    ),
    "categories/1": Sample(
        "bank", lambda w: {"merchant": w.parties["cafe"], "codes": ["5812", GROCERS]}, before=_once
    ),
    "confirm/1": Sample("daniyar", lambda w: {"event": an_event(w, w.tied)}, before=_once),
    "pay_mixed/1": Sample("aigul", _paying, ("payment",), before=_once),
}  # fmt: skip


def everything(world: World) -> None:
    """A programme with a child, mixed and confirmed payments, a refund; marks that will end."""
    _once(world)
    soon = world.door.time() + HOUR
    request = a_request(world)
    world.do(
        "aigul",
        "pay_mixed/1",
        request=request,
        parts=parts(world, (world.card, "100.00"), (world.accounts["aigul", "KZTD"], "50.00")),
    )
    paid = request_id(request)
    world.do("market", "refund/1", payment=paid, from_=world.accounts["market", "KZTD"],
             to=world.card, amount="20.00")  # fmt: skip
    world.do("daniyar", "confirm/1", event=an_event(world, world.tied))
    tied = marked(world, world.tied, "aigul", "200.00")
    world.do("aigul", "transfer/1", from_=tied, to=world.accounts["market", "KZTD"], amount="90.00")
    world.do("aigul", "transfer/1", from_=world.voucher, to=world.supply, amount="30.00")
    child = mark(world, "cafe", world.supply, valid_until=soon)
    marked(world, child, "daniyar", "60.00", signer="cafe", budget=world.supply)
    held = world.do("aigul", "hold/1", from_=world.voucher, to=world.accounts["market", "KZTD"],
                    amount="40.00", ends_at=soon)  # fmt: skip
    world.do("market", "capture/1", hold=derived(held, "hold"), amount="15.00", last=False)
    world.do("aigul", "mark_return/1", from_=world.voucher, amount="5.00")
    world.do("ministry", "mark_settle/1", from_=world.works_of_cafe,
             to=world.accounts["cafe", "KZTD"], amount="100.00")  # fmt: skip


def _ended(*names: str) -> Play:
    """Marks have ended, and what was allocated of them returned."""

    def play(world: World) -> None:
        for name in names:
            expire(world, "mark", getattr(world, name))

    return play


def _closed(name: str, mark: str) -> Play:
    """A marked account after its mark."""

    def play(world: World) -> None:
        expire(world, "mark", getattr(world, mark))
        expire(world, "marked", getattr(world, name))

    return play


def _frozen(name: str) -> Play:
    return lambda world: world.do("afsa", "freeze/1", account=getattr(world, name), order="O-1")


def _frozen_budget(world: World) -> None:
    world.do("afsa", "freeze/1", account=world.accounts["ministry", "KZTD"], order="O-1")


def _categories_gone(world: World) -> None:
    world.do("bank", "categories/1", merchant=world.parties["market"], codes=[])


def _paid(world: World) -> str:
    jws = a_request(world)
    world.do("aigul", "pay/1", from_=world.accounts["aigul", "KZTD"], request=jws)
    return jws


def _confirmed(world: World) -> str:
    jws = an_event(world, world.tied)
    world.do("daniyar", "confirm/1", event=jws)
    return jws


def _others_ledger(world: World) -> str:
    world.signing.ledger = NOBODY
    try:
        return an_event(world, world.tied)
    finally:
        world.signing.ledger = world.door.id


def _unsigned(world: World) -> str:
    jws = an_event(world, world.tied)
    return jws.rpartition(".")[0] + "." + an_event(world, world.tied).rpartition(".")[2]


def _second_key_gone(world: World) -> str:
    """An event signed with a key of the oracle's that was revoked since."""
    second = key_of("afsa second")
    world.do("afsa", "key/1", party=world.parties["afsa"], key=b64(second.public_key))
    jws = an_event(world, world.tied, oracle="afsa second")
    world.do("afsa", "key_revoke/1", kid=b64(second.kid) if isinstance(second.kid, bytes)
             else second.kid)  # fmt: skip
    return jws


def _deep(world: World) -> str:
    """A supplier's account of the fourth mark in a line."""
    above, days = world.supply, 20
    for _ in range(3):
        below = mark(world, "cafe", above, valid_until=world.door.time() + days * DAY)
        above = marked(world, below, "cafe", supplier=True, signer="cafe", budget=above)
        days -= 5
    return above


def _others_mark(world: World) -> str:
    """A mark of another budget of the same owner's."""
    return marked(world, mark(world, "bank", world.accounts["bank", "KZTD"]), "aigul",
                  signer="bank", budget=world.accounts["bank", "KZTD"])  # fmt: skip


def _two(first: Play, one: str, second: Play, other: str) -> Play:
    return lambda world: parts(world, (first(world), one), (second(world), other))


def _card(world: World) -> str:
    card: str = world.card
    return card


_own = account("aigul", "KZTD")


def _ids(member: str) -> list[Any]:
    return [
        bad(f"{member} spelled otherwise", "id.base64", **{member: "A" * 21 + "B"}),
        bad(f"{member} too short", "payload.member", **{member: "A" * 21}),
        bad(f"a number for {member}", "payload.member", **{member: 7}),
    ]


REFUSALS = {
    "mark/1": [
        bad("with nobody's budget", C.NO_AUTHORITY, budget=NOBODY),
        bad("with somebody else's budget", C.NO_AUTHORITY, budget=account("bank", "KZTD")),
        bad("with what is outstanding for a budget", C.ACCOUNT_KIND, "nbk",
            budget=issue_account("KZTD")),
        bad("with a frozen budget", C.ACCOUNT_FROZEN, before=_frozen_budget),
        bad("in crypto", C.ASSET_NOT_ADMITTED, "exchange", budget=account("exchange", "tUSDT")),
        bad("by a person", C.ROLE_NOT_ADMITTED, "aigul", budget=account("aigul", "KZTD")),
        bad("by a merchant", C.ROLE_NOT_ADMITTED, "cafe", budget=account("cafe", "KZTD")),
        bad("by an exchange", C.ROLE_NOT_ADMITTED, "exchange", budget=account("exchange", "KZTD")),
        bad("under a voucher", C.NO_AUTHORITY, "aigul", budget=lambda w: w.voucher),
        bad("under the fourth", C.MARK_DEPTH, "cafe", budget=_deep,
            valid_until=lambda w: w.door.time() + DAY),
        bad("that ends with the one above", C.DATES_CONFLICT, "cafe", budget=lambda w: w.supply,
            valid_until=lambda w: object_of(w, "mark", w.food).due),
        bad("that ends now", C.DATES_CONFLICT, valid_until=lambda w: w.door.time()),
        bad("that ended", C.DATES_CONFLICT, valid_until=lambda w: w.door.time() - 1),
        bad("that ends too late", C.DATES_CONFLICT,
            valid_until=lambda w: w.door.time() + FIVE_YEARS + 1),
        bad("for a payee whom nobody knows", C.PARTY_UNKNOWN, payees=[NOBODY]),
        bad("with an oracle whom nobody knows", C.PARTY_UNKNOWN,
            conditions=[{"oracle": NOBODY, "event": SERVED}]),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("with a cap of nothing", "amount.zero", payee_max="0.00"),
        bad("with a cap in tenths", "amount.form", payee_max="1.0"),
        bad("for a role that nobody has", "payload.member", roles=["children"]),
        bad("for a category in small letters", "payload.member", categories=["food"]),
        bad("for goods of thirteen letters", "payload.member", goods=["ABCDEFGHIJKLM"]),
        bad("with an end of its own", "payload.member", on_final="burn"),
        bad("with a newline in its budget line", "payload.member", budget_line="BL-1\n"),
        bad("with an oracle and more", "payload.member",
            conditions=lambda w: [{"oracle": w.parties["afsa"], "event": SERVED, "sum": "1.00"}]),
        *_ids("budget"),
    ],
    "mark_account/1": [
        bad("of no mark", C.MARK_UNKNOWN, mark=NOBODY),
        bad("of an object of another type", C.MARK_UNKNOWN, mark=lambda w: w.zone),
        bad("of somebody else's mark", C.NO_AUTHORITY, "bank"),
        bad("by its holder", C.NO_AUTHORITY, "aigul"),
        bad("by its supplier", C.NO_AUTHORITY, "cafe"),
        bad("of a mark that has ended", C.MARK_ENDED, before=_ended("food")),
        bad("for nobody", C.PARTY_UNKNOWN, owner=NOBODY),
        bad("for an account instead of a party", C.PARTY_UNKNOWN, owner=account("aigul", "KZTD")),
        bad("for the operator", C.TARGET_NOT_ADMITTED,
            owner=lambda w: w.door.load(("object", "genesis", b"")).body.operator),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("perhaps a supplier", "payload.member", supplier="yes"),
        *_ids("mark"),
        *_ids("owner"),
    ],
    "allocate/1": [
        bad("from nobody's account", C.NO_AUTHORITY, from_=NOBODY),
        bad("from somebody else's account", C.NO_AUTHORITY, from_=account("bank", "KZTD")),
        bad("by its holder from its own", C.NO_AUTHORITY, "aigul", from_=account("aigul", "KZTD")),
        bad("to another budget's mark", C.NO_AUTHORITY, to=_others_mark),
        bad("from one mark to another", C.NO_AUTHORITY, "cafe", from_=lambda w: w.supply),
        bad("to no account", C.ACCOUNT_UNKNOWN, to=NOBODY),
        bad("to an ordinary account", C.ACCOUNT_KIND, to=account("aigul", "KZTD")),
        bad("to its own budget", C.ACCOUNT_KIND, to=account("ministry", "KZTD")),
        bad("to what is outstanding", C.ACCOUNT_KIND, to=issue_account("KZTD")),
        bad("of a mark that has ended", C.MARK_ENDED, before=_ended("food")),
        bad("after its mark", C.MARK_ENDED, before=_closed("voucher", "food")),
        bad("from a frozen budget", C.ACCOUNT_FROZEN, before=_frozen_budget),
        bad("of more than there is", C.FUNDS, amount="99999999.00"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *AMOUNTS,
    ],
    "mark_return/1": [
        bad("of nobody's money", C.NO_AUTHORITY, from_=NOBODY),
        bad("of ordinary money", C.NO_AUTHORITY, from_=account("aigul", "KZTD")),
        bad("of somebody else's", C.NO_AUTHORITY, "daniyar"),
        bad("of a supplier's by the mark's owner", C.NO_AUTHORITY, "ministry",
            from_=lambda w: w.supply),
        bad("by the owner of another mark", C.NO_AUTHORITY, "bank"),
        bad("of a supplier's by a holder", C.NO_AUTHORITY, from_=lambda w: w.supply),
        bad("of what is frozen", C.ACCOUNT_FROZEN, before=_frozen("voucher")),
        bad("of what has returned", C.ACCOUNT_NOT_OPEN, before=_closed("voucher", "food")),
        bad("of more than there is", C.FUNDS, amount="1000.01"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *AMOUNTS,
        *_ids("from_"),
    ],
    "mark_settle/1": [
        bad("of nobody's money", C.ACCOUNT_UNKNOWN, from_=NOBODY),
        bad("of ordinary money", C.ACCOUNT_KIND, from_=account("cafe", "KZTD")),
        bad("by the supplier", C.NO_AUTHORITY, "cafe"),
        bad("by the owner of another mark", C.NO_AUTHORITY, "bank"),
        bad("of money that is unmarked when paid", C.STATUS_CONFLICT, from_=lambda w: w.supply),
        bad("of what nobody has earned", C.STATUS_CONFLICT, from_=lambda w: w.works_of_daniyar,
            to=account("daniyar", "KZTD")),
        bad("to somebody else", C.TARGET_NOT_ADMITTED, to=account("aigul", "KZTD")),
        bad("to the budget", C.TARGET_NOT_ADMITTED, to=account("ministry", "KZTD")),
        bad("to no account", C.ACCOUNT_UNKNOWN, to=NOBODY),
        bad("to another asset", C.ASSET_DIFFERS, to=account("cafe", "tUSDT")),
        bad("to itself", C.MARK_BOUND, to=lambda w: w.works_of_cafe),
        bad("to another marked account", C.MARK_BOUND, to=lambda w: w.supply),
        bad("of what is frozen", C.ACCOUNT_FROZEN, before=_frozen("works_of_cafe")),
        bad("from a frozen budget", C.ACCOUNT_FROZEN, before=_frozen_budget),
        bad("after its mark", C.ACCOUNT_NOT_OPEN, before=_closed("works_of_cafe", "works")),
        bad("of more than there is", C.FUNDS, amount="500.01"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *AMOUNTS,
        *_ids("from_"),
    ],
    "categories/1": [
        bad("of nobody", C.PARTY_UNKNOWN, merchant=NOBODY),
        bad("of an account", C.PARTY_UNKNOWN, merchant=account("cafe", "KZTD")),
        bad("of a person", C.TARGET_NOT_ADMITTED, merchant=party("aigul")),
        bad("of another registrar's client", C.NO_AUTHORITY, merchant=party("exchange")),
        bad("of itself", C.NO_AUTHORITY, merchant=party("bank")),
        bad("by the merchant", C.ROLE_NOT_ADMITTED, "cafe"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("by the programme's owner", C.ROLE_NOT_ADMITTED, "ministry"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("in words", "payload.member", codes=["groceries"]),
        bad("of nothing", "payload.member", codes=[""]),
        bad("with a newline", "payload.member", codes=["5411\n"]),
        bad("of seventeen", "payload.member", codes=[f"{5400 + n}" for n in range(17)]),
        bad("as one word", "payload.member", codes=GROCERS),
        *_ids("merchant"),
    ],
    "confirm/1": [
        bad("under no mark", C.MARK_UNKNOWN, event=lambda w: an_event(w, NOBODY)),
        bad("under a mark that has ended", C.MARK_ENDED, before=_ended("tied")),
        bad("by an oracle whom nobody named", C.NO_AUTHORITY,
            event=lambda w: an_event(w, w.tied, oracle="bank")),
        bad("by the payee", C.NO_AUTHORITY, event=lambda w: an_event(w, w.tied, oracle="market")),
        bad("by the mark's owner", C.NO_AUTHORITY,
            event=lambda w: an_event(w, w.tied, oracle="ministry")),
        bad("of another event", C.NO_AUTHORITY,
            event=lambda w: an_event(w, w.tied, event="meal cooked")),
        bad("under a mark without conditions", C.NO_AUTHORITY,
            event=lambda w: an_event(w, w.food)),
        bad("for another ledger", C.LEDGER_OTHER, event=_others_ledger),
        bad("that ran out", C.EVENT_EXPIRED, event=lambda w: an_event(w, w.tied, ahead=-1)),
        bad("from far ahead", C.EVENT_EXPIRED,
            event=lambda w: an_event(w, w.tied, ahead=DAY + 1)),
        bad("with a key that is no more", C.KEY_UNKNOWN, event=_second_key_gone),
        bad("with a key that nobody knows", C.KEY_UNKNOWN,
            event=lambda w: an_event(w, w.tied, oracle="a stranger")),
        bad("twice", C.ALREADY_REGISTERED, event=_confirmed),
        bad("of an amount of nothing", "amount.zero",
            event=lambda w: an_event(w, w.tied, amount="0.00")),
        bad("of an amount in tenths", "amount.form",
            event=lambda w: an_event(w, w.tied, amount="1.0")),
        bad("of a till's request", "envelope.typ", event=a_request),
        bad("by nobody's hand", "bad_signature", event=_unsigned),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
    ],
    "pay_mixed/1": [
        bad("more from the voucher than its goods", C.MARK_GOODS,
            parts=_two(_card, "100.01", _own, "49.99")),
        bad("goods that are not said", C.MARK_GOODS, request=lambda w: a_request(w, lines=[])),
        bad("goods of another name", C.MARK_GOODS, request=lambda w: a_request(
            w, lines=[{"code": code, "amount": "75.00"} for code in ("FOODS", "OTHER")])),
        bad("at who sells no groceries", C.MARK_PAYEE, before=_categories_gone),
        bad("for less than is asked", C.SHARES_SUM, parts=_two(_card, "90.00", _own, "50.00")),
        bad("for more than is asked", C.SHARES_SUM, parts=_two(_card, "100.00", _own, "50.01")),
        bad("twice from one account", C.PAYEE_TWICE, parts=_two(_card, "90.00", _card, "60.00")),
        bad("from two assets", C.ASSET_DIFFERS,
            parts=_two(_card, "100.00", account("aigul", "tUSDT"), "50.00")),
        bad("from crypto", C.ASSET_NOT_ADMITTED,
            parts=_two(account("aigul", "tUSDT"), "100.00", _own, "50.00")),
        bad("from somebody else's account", C.NO_AUTHORITY,
            parts=_two(_card, "100.00", account("daniyar", "KZTD"), "50.00")),
        bad("first from somebody else's account", C.NO_AUTHORITY,
            parts=_two(account("daniyar", "KZTD"), "100.00", _own, "50.00")),
        bad("what is paid", C.REQUEST_PAID, request=_paid),
        bad("after the mark", C.ACCOUNT_NOT_OPEN, before=_closed("card", "lined")),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("lines that are not the total", "request.lines", request=lambda w: a_request(
            w, lines=[{"code": "FOOD", "amount": "100.00"}])),
        bad("from one account", "payload.member", parts=lambda w: parts(w, (w.card, "150.00"))),
        bad("from nine", "payload.member",
            parts=lambda w: parts(w, *[(w.card, "1.00")] * 9)),
        bad("a part of nothing", "amount.zero", parts=_two(_card, "0.00", _own, "150.00")),
        bad("a part in tenths", "amount.form", parts=_two(_card, "100.0", _own, "50.00")),
        bad("by nobody's hand", "envelope.segments", request="a request"),
    ],
}  # fmt: skip


def by_allocate(world: World, sale: Sale, scene: Play) -> Answer:
    """The programme's owner allocates: no sale, and bound to no zone."""
    _once(world)
    scene(world)
    return world.offer(world.sign(
        "ministry", "allocate/1", from_=world.accounts["ministry", "KZTD"], to=world.voucher,
        amount="1.00",
    ))  # fmt: skip


def by_mark_return(world: World, sale: Sale, scene: Play) -> Answer:
    """What was allocated is given back."""
    _once(world)
    scene(world)
    return world.offer(world.sign("aigul", "mark_return/1", from_=world.voucher, amount="1.00"))


def by_mark_settle(world: World, sale: Sale, scene: Play) -> Answer:
    """A merchant's marked money is paid for."""
    _once(world)
    scene(world)
    return world.offer(world.sign(
        "ministry", "mark_settle/1", from_=world.works_of_cafe, amount="1.00",
        to=world.accounts["cafe", "KZTD"],
    ))  # fmt: skip


def by_pay_mixed(world: World, sale: Sale, scene: Play) -> Answer:
    """A voucher and ordinary tenge at a till outside every zone: good everywhere."""
    _once(world)
    scene(world)
    return world.offer(world.sign("aigul", "pay_mixed/1", **_paying(world)))


def _ending(world: World) -> str:
    """A mark with an account that ends long after every scene."""
    _once(world)
    late = mark(world, valid_until=world.door.time() + 300 * DAY)
    return marked(world, late, "aigul", "10.00")


def by_end_of_mark(world: World, sale: Sale, scene: Play) -> Answer:
    """What nobody spent returns by the clock after the scene."""
    id = _ending(world)
    scene(world)
    due = object_of(world, "marked", id).due
    assert due is not None
    world.door.at = due
    return world.offer(world.sign("operator", "expire/1", type="marked", key=id, due=due))


MOVES = {
    "allocate/1": (by_allocate,),
    "mark_return/1": (by_mark_return,),
    "mark_settle/1": (by_mark_settle,),
    "pay_mixed/1": (by_pay_mixed,),
    "mark_account/1": (by_end_of_mark,),
    "expire/1": (by_end_of_mark,),
}
JUDGED_AS = {
    "by_allocate": "by_redeem",
    "by_mark_return": "by_redeem",
    "by_mark_settle": "by_redeem",
    "by_pay_mixed": "by_redeem",
    "by_end_of_mark": "by_time",
}
STILL = frozenset({"mark/1", "categories/1", "confirm/1"})
TRIES: dict[str, Any] = {
    name: lambda draw, world, name=name: (SAMPLES[name].signer, SAMPLES[name].members(world))
    for name in SAMPLES
}
