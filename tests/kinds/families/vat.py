"""Digital VAT: vat_register/1, vat_attest/1, invoice_pay/1, vat_pay/1, vat_claim/1, vat_deny/1, and
expire/1 of a claim.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ledger.core.account import Account
from ledger.core.envelope import seal
from ledger.core.ids import b64, unb64
from ledger.core.objects import Object
from ledger.core.vat import Invoice
from ledger.kinds import read_statement
from ledger.rules.pack import pack_in_force
from ledger.writer.answers import Answer
from tests.builders import DAY, HOUR, World, derived, key_of
from tests.kinds.families import marks
from tests.kinds.sample import Sample
from tests.kinds.table import AMOUNTS, NOBODY, C, account, bad, issue_account, pack_now, party
from tests.rules.till import Sale

RATES = """
[[rule]]
rule = "vat/1"
valid_from = 2009-01-01
valid_to = 2026-01-01
status = "LAW"
source = "K30"
parameters = { rates = { standard = 12, zero = 0 } }

[[rule]]
rule = "vat/1"
valid_from = 2026-01-01
valid_to = 2027-01-01
status = "LAW"
source = "K30"
parameters = { rates = { standard = 16, medicine = 5, zero = 0 } }

[[rule]]
rule = "vat/1"
valid_from = 2027-01-01
status = "LAW"
source = "K30"
parameters = { rates = { standard = 16, medicine = 10, zero = 0 } }
"""
CLAIMS = """
[[rule]]
rule = "vat_claim/1"
valid_from = 2009-01-01
status = "HYPOTHETICAL"
source = "N14"
parameters = {{ waiting_s = {seconds} }}
"""
WAITING_S = 5 * 86_400

Line = tuple[str, str]
"""Category and gross amount."""
Play = Callable[[World], Any]


def admit(world: World, waiting_s: int = WAITING_S) -> None:
    """Put a pack in force that has rates of VAT, with all that is in force now."""
    text = pack_now(world)
    if 'rule = "vat/1"' not in text:
        rules = RATES + CLAIMS.format(seconds=waiting_s)
        world.do("nbk", "pack/1", text=text.rstrip() + "\n" + rules)


def treasury(world: World, name: str = "revenue") -> None:
    """Whoever collects VAT, with an account that it is paid to."""
    world.register("nbk", name, "treasury", 3)
    world.open("nbk", name, "KZTD")


def register(world: World, name: str) -> str:
    """Register a taxpayer; its VAT account's id."""
    jws = world.do("revenue", "vat_register/1", taxpayer=world.parties[name],
                   budget=world.accounts["revenue", "KZTD"])  # fmt: skip
    return derived(jws, "account")


def attest(world: World, name: str, filed_until: int, *, exporter: bool = False) -> None:
    """Say what a taxpayer has filed."""
    world.do("revenue", "vat_attest/1", taxpayer=world.parties[name], exporter=exporter,
             filed_until=filed_until)  # fmt: skip


def invoice(world: World, *lines: Line, seller: str = "market", signer: str = "",
            ahead: int = HOUR, **members: Any) -> str:  # fmt: skip
    """A seller's signed invoice; `members` replace those of the payload."""
    said = {
        "account": world.accounts[seller, "KZTD"], "reference": "I-1",
        "lines": [{"category": category, "amount": amount} for category, amount in lines],
    } | members  # fmt: skip
    key = key_of(signer or seller)
    payload = world.signing.payload("invoice/1", ahead, **said)
    return seal(payload, kid=key.kid, typ="tenge-request", sign=key.sign)


def invoice_id(jws: str) -> str:
    """Id of an invoice, which is its payment's."""
    return b64(read_statement(jws, Invoice)[0].id)


def paying(world: World, payer: str, jws: str, from_vat: str | None = None) -> dict[str, Any]:
    """Members of an `invoice_pay/1`."""
    return {"from_": world.accounts[payer, "KZTD"], "from_vat": from_vat, "invoice": jws}


def pay(world: World, payer: str, jws: str, from_vat: str | None = None) -> str:
    """Pay an invoice; the payment's id."""
    world.do(payer, "invoice_pay/1", **paying(world, payer, jws, from_vat))
    return invoice_id(jws)


def bought(world: World, buyer: str, seller: str, *lines: Line, from_vat: str | None = None) -> str:
    """An invoice made and paid; the payment's id."""
    return pay(world, buyer, invoice(world, *lines, seller=seller), from_vat)


def claim(world: World, name: str, *payments: str) -> str:
    """Claim VAT back; the claim's id."""
    jws = world.do(name, "vat_claim/1", payments=list(payments), to=world.accounts[name, "KZTD"])
    return derived(jws, "claim")


def deny(world: World, id: str) -> None:
    """The treasury denies a claim."""
    world.do("revenue", "vat_deny/1", claim=id, order="D-1")


def refund(world: World, seller: str, buyer: str, payment: str, amount: str) -> Answer:
    """The seller gives some of a payment back, to the buyer's ordinary account."""
    return world.offer(world.sign(
        seller, "refund/1", payment=payment, amount=amount,
        from_=world.accounts[seller, "KZTD"], to=world.accounts[buyer, "KZTD"],
    ))  # fmt: skip


def account_of(world: World, id: str) -> Account:
    """An account by its id."""
    found: Account = world.door.load(("account", unb64(id, 16)))
    return found


def object_of(world: World, type: str, id: str) -> Object:
    """An object by its id."""
    found: Object = world.door.load(("object", type, unb64(id, 16)))
    return found


def fund(world: World, name: str, amount: str) -> None:
    """Ordinary tenge from the bank."""
    world.do("bank", "transfer/1", from_=world.accounts["bank", "KZTD"],
             to=world.accounts[name, "KZTD"], amount=amount)  # fmt: skip


def two_taxpayers(world: World, waiting_s: int = WAITING_S) -> None:
    """A treasury; three registered, of which the mill sells abroad and has money of its own,
    as a client has."""
    admit(world, waiting_s)
    treasury(world)
    for name, role in (("mill", "merchant"), ("client", "person")):
        world.register("bank", name, role, 2)
        world.open("bank", name, "KZTD")
        fund(world, name, "100000.00")
    world.vat = {name: register(world, name) for name in ("market", "mill", "cafe")}
    fund(world, "revenue", "10000.00")


def _prepare(world: World) -> None:
    two_taxpayers(world)
    world.consumed = bought(world, "client", "market", ("standard", "11600.00"))
    world.bought = bought(world, "mill", "market", ("standard", "1160.00"))
    world.claimed = bought(world, "mill", "market", ("standard", "580.00"))
    world.exported = bought(world, "client", "mill", ("zero", "2000.00"))
    attest(world, "market", world.door.at)
    attest(world, "mill", world.door.at, exporter=True)
    world.claim = claim(world, "mill", world.claimed)


def _once(world: World) -> None:
    if not hasattr(world, "vat"):
        _prepare(world)


SAMPLES = {
    "vat_register/1": Sample(
        "revenue",
        lambda w: {"taxpayer": w.parties["exchange"], "budget": w.accounts["revenue", "KZTD"]},
        ("account",), before=_once,
    ),
    "vat_attest/1": Sample(
        "revenue",
        lambda w: {"taxpayer": w.parties["mill"], "exporter": True, "filed_until": w.door.time()},
        before=_once,
    ),
    "invoice_pay/1": Sample(
        "aigul",
        lambda w: paying(w, "aigul", invoice(w, ("standard", "1160.00"), ("zero", "500.00"))),
        before=_once,
    ),
    "vat_pay/1": Sample(
        "market", lambda w: {"from_": w.vat["market"], "amount": "50.00"}, before=_once
    ),
    "vat_claim/1": Sample(
        "mill", lambda w: {"payments": [w.bought], "to": w.accounts["mill", "KZTD"]}, ("claim",),
        before=_once,
    ),
    "vat_deny/1": Sample(
        "revenue", lambda w: {"claim": w.claim, "order": "D-1"}, before=_once
    ),
}  # fmt: skip


def everything(world: World) -> None:
    """Invoices, a till with VAT apart, refunds; a claim that is denied, and one that falls due."""
    if hasattr(world, "vat"):
        return
    two_taxpayers(world, waiting_s=HOUR // 1000)
    first = bought(world, "client", "market", ("standard", "11600.00"))
    ours = bought(world, "mill", "market", ("standard", "1160.00"))
    bought(world, "market", "mill", ("standard", "580.00"), from_vat=world.vat["market"])
    bought(world, "client", "mill", ("zero", "2000.00"))
    request = world.request("till-market", "232.00", vat="standard")
    world.do("aigul", "pay/1", from_=world.accounts["aigul", "KZTD"], request=request)
    world.do("market", "vat_pay/1", from_=world.vat["market"], amount="100.00")
    world.do("market", "refund/1", payment=first, amount="600.00",
             from_=world.accounts["market", "KZTD"],
             to=world.accounts["client", "KZTD"])  # fmt: skip
    attest(world, "market", world.door.time())
    attest(world, "mill", 1, exporter=True)
    deny(world, claim(world, "mill", ours))
    claim(world, "mill", ours)


def _frozen(id: Callable[[World], str]) -> Play:
    return lambda world: world.do("afsa", "freeze/1", account=id(world), order="O-1")


def _vat_of(name: str) -> Callable[[World], str]:
    return lambda world: str(world.vat[name])


def _ministry(world: World) -> None:
    marks._once(world)


def _marked_budget(world: World) -> str:
    marks._once(world)
    return marks.marked(world, world.food, "revenue")


def _crypto_budget(world: World) -> str:
    world.open("nbk", "revenue", "tUSDT")
    return world.accounts["revenue", "tUSDT"]


def _crypto_of_mill(world: World) -> str:
    world.open("bank", "mill", "tUSDT")
    return world.accounts["mill", "tUSDT"]


def _of(*lines: Line, **members: Any) -> Callable[[World], str]:
    """An invoice with these lines, 1,160.00 at the standard rate unless said otherwise."""

    def made(world: World) -> str:
        found = {name: value(world) if callable(value) else value
                 for name, value in members.items()}  # fmt: skip
        return invoice(world, *(lines or (("standard", "1160.00"),)), **found)

    return made


def _others_ledger(world: World) -> str:
    world.signing.ledger = NOBODY
    try:
        return invoice(world, ("standard", "1160.00"))
    finally:
        world.signing.ledger = world.door.id


def _paid(world: World) -> str:
    jws = invoice(world, ("standard", "1160.00"))
    pay(world, "daniyar", jws)
    return jws


def _forged(world: World) -> str:
    jws = invoice(world, ("standard", "1160.00"))
    return jws.rpartition(".")[0] + "." + _of(("standard", "1.00"))(world).rpartition(".")[2]


def _of_a_till(world: World) -> str:
    return Sale(asset="KZTD").request(world)


def _claimed(world: World) -> None:
    claim(world, "mill", world.bought)


def _refunded(world: World) -> None:
    assert refund(world, "market", "mill", world.bought, "1160.00")


def _not_filed(world: World) -> None:
    attest(world, "market", 1)


def _dear(world: World) -> list[str]:
    dear = bought(world, "mill", "market", ("standard", "11600.00"))
    attest(world, "market", world.door.at)
    return [dear]


def _by_vat(world: World) -> list[str]:
    """A purchase whose VAT the mill paid from its VAT account."""
    bought(world, "client", "mill", ("standard", "11600.00"))
    made = bought(world, "mill", "market", ("standard", "116.00"), from_vat=world.vat["mill"])
    attest(world, "market", world.door.at)
    return [made]


def _without_vat(world: World) -> list[str]:
    made = bought(world, "mill", "market", ("zero", "116.00"))
    attest(world, "market", world.door.at)
    return [made]


def end(world: World, id: str) -> None:
    """End a claim as the writer does, at its time."""
    due = object_of(world, "vat_claim", id).due
    assert due is not None
    world.door.at = max(world.door.at, due)
    world.do("operator", "expire/1", type="vat_claim", key=id, due=due)


def _refunds_from(world: World, **members: Any) -> dict[str, Any]:
    base = {"payment": world.bought, "from_": world.accounts["market", "KZTD"],
            "to": world.accounts["mill", "KZTD"], "amount": "116.00"}  # fmt: skip
    return base | members


def _ids(member: str) -> list[Any]:
    return [
        bad(f"{member} spelled otherwise", "id.base64", **{member: "A" * 21 + "B"}),
        bad(f"{member} too short", "payload.member", **{member: "A" * 21}),
        bad(f"a number for {member}", "payload.member", **{member: 7}),
    ]


REFUSALS = {
    "vat_register/1": [
        bad("twice", C.ALREADY_REGISTERED, taxpayer=party("market")),
        bad("a person", C.TARGET_NOT_ADMITTED, taxpayer=party("aigul")),
        bad("a supervisor", C.TARGET_NOT_ADMITTED, taxpayer=party("afsa")),
        bad("itself", C.TARGET_NOT_ADMITTED, taxpayer=party("revenue")),
        bad("nobody", C.PARTY_UNKNOWN, taxpayer=NOBODY),
        bad("an account", C.PARTY_UNKNOWN, taxpayer=account("exchange", "KZTD")),
        bad("for nobody's budget", C.NO_AUTHORITY, budget=NOBODY),
        bad("for another's budget", C.NO_AUTHORITY, budget=account("bank", "KZTD")),
        bad("for another taxpayer's VAT", C.NO_AUTHORITY, budget=_vat_of("market")),
        bad("for money with a purpose", C.ACCOUNT_KIND, budget=_marked_budget),
        bad("for crypto", C.ASSET_NOT_ADMITTED, budget=_crypto_budget),
        bad("for a frozen budget", C.ACCOUNT_FROZEN, before=_frozen(account("revenue", "KZTD"))),
        bad("by a bank", C.ROLE_NOT_ADMITTED, "bank"),
        bad("by itself", C.ROLE_NOT_ADMITTED, "exchange"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *_ids("taxpayer"),
        *_ids("budget"),
    ],
    "vat_attest/1": [
        bad("of nobody", C.VAT_UNREGISTERED, taxpayer=NOBODY),
        bad("of who is not registered", C.VAT_UNREGISTERED, taxpayer=party("exchange")),
        bad("of a person", C.VAT_UNREGISTERED, taxpayer=party("aigul")),
        bad("of a VAT account", C.VAT_UNREGISTERED, taxpayer=_vat_of("mill")),
        bad("by another treasury", C.NO_AUTHORITY, "ministry", before=_ministry),
        bad("ahead", C.DATES_CONFLICT, filed_until=lambda w: w.door.time() + 1),
        bad("far ahead", C.DATES_CONFLICT, filed_until=lambda w: w.door.time() + 300 * DAY),
        bad("by the taxpayer", C.ROLE_NOT_ADMITTED, "mill"),
        bad("by its bank", C.ROLE_NOT_ADMITTED, "bank"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("an exporter perhaps", "payload.member", exporter="yes"),
        bad("filed at no time", "payload.member", filed_until=None),
        bad("filed before time began", "payload.member", filed_until=-1),
        *_ids("taxpayer"),
    ],
    "invoice_pay/1": [
        bad("with another's money", C.NO_AUTHORITY, from_=account("daniyar", "KZTD")),
        bad("with nobody's money", C.NO_AUTHORITY, from_=NOBODY),
        bad("in crypto", C.ASSET_NOT_ADMITTED, from_=account("aigul", "tUSDT")),
        bad("VAT from who is no taxpayer", C.VAT_UNREGISTERED, from_vat=account("aigul", "KZTD")),
        bad("VAT from another's account", C.NO_AUTHORITY, from_vat=_vat_of("mill")),
        bad("VAT from an ordinary account", C.ACCOUNT_KIND, "mill",
            from_=account("mill", "KZTD"), from_vat=account("mill", "KZTD")),
        bad("VAT that is not there", C.FUNDS, "mill",
            from_=account("mill", "KZTD"), from_vat=_vat_of("mill")),
        bad("the net from a VAT account", C.MARK_BOUND, "mill", from_=_vat_of("mill")),
        bad("of who is not registered", C.VAT_UNREGISTERED, invoice=_of(seller="exchange")),
        bad("of a person", C.VAT_UNREGISTERED, invoice=_of(seller="daniyar")),
        bad("of a category without a rate", C.VAT_CATEGORY, invoice=_of(("books", "10.00"))),
        bad("of one line with a rate and one without", C.VAT_CATEGORY,
            invoice=_of(("standard", "10.00"), ("books", "10.00"))),
        bad("for another ledger", C.LEDGER_OTHER, invoice=_others_ledger),
        bad("too late", C.REQUEST_EXPIRED, invoice=_of(ahead=-1)),
        bad("too early", C.REQUEST_EXPIRED, invoice=_of(ahead=DAY + 1)),
        bad("what another paid", C.REQUEST_PAID, invoice=_paid),
        bad("signed by another taxpayer", C.TARGET_NOT_ADMITTED, invoice=_of(signer="mill")),
        bad("signed by a till", C.TARGET_NOT_ADMITTED, invoice=_of(signer="till-market")),
        bad("signed by the payer", C.TARGET_NOT_ADMITTED, invoice=_of(signer="aigul")),
        bad("to a VAT account", C.TARGET_NOT_ADMITTED, invoice=_of(account=_vat_of("market"))),
        bad("to oneself", C.TARGET_NOT_ADMITTED, "market", from_=account("market", "KZTD"),
            invoice=_of(account=account("market", "tUSDT"))),
        bad("to oneself, whole", C.TARGET_NOT_ADMITTED, "market", from_=account("market", "KZTD")),
        bad("to an account of another asset", C.ASSET_DIFFERS,
            invoice=_of(account=account("market", "tUSDT"))),
        bad("to nobody", C.ACCOUNT_UNKNOWN, invoice=_of(account=NOBODY)),
        bad("to what is outstanding", C.ACCOUNT_KIND, invoice=_of(account=issue_account("KZTD"))),
        bad("from a frozen account", C.ACCOUNT_FROZEN, before=_frozen(account("aigul", "KZTD"))),
        bad("more than there is", C.FUNDS, invoice=_of(("standard", "99999999.00"))),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("of nothing", "payload.member", invoice=lambda w: invoice(w)),
        bad("of too many lines", "payload.member", invoice=_of(*[("zero", "1.00")] * 33)),
        bad("of an amount of nothing", "amount.zero", invoice=_of(("standard", "0.00"))),
        bad("of an amount in tenths", "amount.form", invoice=_of(("standard", "1.0"))),
        bad("of a category in capitals", "payload.member", invoice=_of(("Standard", "1.00"))),
        bad("a till's request", "payload.member", invoice=_of_a_till),
        bad("by nobody's hand", "bad_signature", invoice=_forged),
        bad("of words", "envelope.segments", invoice="an invoice"),
        *_ids("from_vat"),
    ],
    "vat_pay/1": [
        bad("another's", C.NO_AUTHORITY, from_=_vat_of("mill")),
        bad("by the treasury", C.NO_AUTHORITY, "revenue"),
        bad("nobody's", C.NO_AUTHORITY, from_=NOBODY),
        bad("from an ordinary account", C.ACCOUNT_KIND, "mill", from_=account("mill", "KZTD")),
        bad("from money with a purpose", C.ACCOUNT_KIND, "cafe",
            before=_ministry, from_=lambda w: w.supply),
        bad("by who is no taxpayer", C.VAT_UNREGISTERED, "exchange",
            from_=account("exchange", "KZTD")),
        bad("by a person", C.VAT_UNREGISTERED, "aigul", from_=account("aigul", "KZTD")),
        bad("from a frozen account", C.ACCOUNT_FROZEN, before=_frozen(_vat_of("market"))),
        bad("more than there is", C.FUNDS, amount="99999.00"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        *AMOUNTS,
        *_ids("from_"),
    ],
    "vat_claim/1": [
        bad("by who is no taxpayer", C.VAT_UNREGISTERED, "exchange"),
        bad("by who exports nothing", C.VAT_CLAIM, "market"),
        bad("of another's payment", C.PAYMENT_UNKNOWN, payments=lambda w: [w.consumed]),
        bad("of a payment without VAT apart", C.PAYMENT_UNKNOWN,
            payments=lambda w: [w.sales["KZTD"]]),
        bad("of no payment", C.PAYMENT_UNKNOWN, payments=[NOBODY]),
        bad("of one payment twice", C.VAT_CLAIM, payments=lambda w: [w.bought, w.bought]),
        bad("of what is claimed", C.STATUS_CONFLICT, before=_claimed),
        bad("of what was given back", C.VAT_CLAIM, before=_refunded),
        bad("of what bears no VAT", C.VAT_CLAIM, payments=_without_vat),
        bad("of VAT that VAT has paid", C.VAT_CLAIM, payments=_by_vat),
        bad("of more than was exported", C.VAT_CLAIM, payments=_dear),
        bad("before its seller has filed", C.VAT_CLAIM, before=_not_filed),
        bad("to another", C.NO_AUTHORITY, to=account("market", "KZTD")),
        bad("to nobody", C.NO_AUTHORITY, to=NOBODY),
        bad("to its VAT account", C.TARGET_NOT_ADMITTED, to=_vat_of("mill")),
        bad("to another asset", C.TARGET_NOT_ADMITTED, to=_crypto_of_mill),
        bad("to a frozen account", C.ACCOUNT_FROZEN, before=_frozen(account("mill", "KZTD"))),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("of nothing", "payload.member", payments=[]),
        bad("of too much at once", "payload.member", payments=lambda w: [w.bought] * 33),
        bad("of a payment spelled otherwise", "id.base64", payments=["A" * 21 + "B"]),
        *_ids("to"),
    ],
    "vat_deny/1": [
        bad("of nothing", C.CLAIM_UNKNOWN, claim=NOBODY),
        bad("of a payment", C.CLAIM_UNKNOWN, claim=lambda w: w.bought),
        bad("by another treasury", C.NO_AUTHORITY, "ministry", before=_ministry),
        bad("twice", C.STATUS_CONFLICT, before=lambda w: deny(w, w.claim)),
        bad("of what is paid", C.STATUS_CONFLICT, before=lambda w: end(w, w.claim)),
        bad("by the taxpayer", C.ROLE_NOT_ADMITTED, "mill"),
        bad("by the seller", C.ROLE_NOT_ADMITTED, "market"),
        bad("by a bank", C.ROLE_NOT_ADMITTED, "bank"),
        bad("by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("by the operator", C.ROLE_NOT_ADMITTED, "operator"),
        bad("by no decision", "payload.member", order=None),
        bad("by a long story", "payload.member", order="D" * 65),
        bad("by two lines", "payload.member", order="D-1\n"),
        *_ids("claim"),
    ],
}  # fmt: skip


def _rated(world: World) -> None:
    """Rates again, where the scene has put a pack that knows none; none where no rule is left."""
    if pack_in_force(world.door.state).in_force(world.door.at):
        admit(world)


def by_invoice(world: World, sale: Sale, scene: Play) -> Answer:
    """The merchant's invoice is paid in tenge, as ever, with its VAT apart."""
    _once(world)
    scene(world)
    _rated(world)
    jws = invoice(world, ("standard", "116.00"), seller="mill")
    return world.offer(world.sign("aigul", "invoice_pay/1", **paying(world, "aigul", jws)))


def by_vat_pay(world: World, sale: Sale, scene: Play) -> Answer:
    """The merchant pays VAT to the budget: no sale, and bound to no zone."""
    _once(world)
    scene(world)
    return world.offer(
        world.sign("market", "vat_pay/1", from_=world.vat["market"], amount="1.00")
    )  # fmt: skip


def by_claim(world: World, sale: Sale, scene: Play) -> Answer:
    """VAT that was claimed comes back by the clock after the scene."""
    _once(world)
    fund(world, "revenue", "1000.00")
    scene(world)
    due = object_of(world, "vat_claim", world.claim).due
    assert due is not None
    world.door.at = max(world.door.at, due)
    return world.offer(
        world.sign("operator", "expire/1", type="vat_claim", key=world.claim, due=due)
    )


MOVES = {
    "invoice_pay/1": (by_invoice,),
    "vat_pay/1": (by_vat_pay,),
    "vat_claim/1": (by_claim,),
    "expire/1": (by_claim,),
}
JUDGED_AS = {"by_invoice": "by_redeem", "by_vat_pay": "by_redeem", "by_claim": "by_time"}
STILL = frozenset({"vat_register/1", "vat_attest/1", "vat_deny/1"})
TRIES: dict[str, Any] = {
    name: lambda draw, world, name=name: (SAMPLES[name].signer, SAMPLES[name].members(world))
    for name in SAMPLES
}
