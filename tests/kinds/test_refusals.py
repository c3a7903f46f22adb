"""What every kind refuses, with the code it gives: first what all envelopes share, then a table a
kind. A refused transaction leaves the state as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from ledger.core.envelope import seal
from ledger.core.ids import b64, unb64
from ledger.core.party import Role
from ledger.keys import SigningKey
from ledger.kinds import KINDS
from ledger.writer.answers import Answer, Declined, Offer, Taken, Unread
from tests.builders import DAY, HOUR, World, key_of
from tests.kinds.families import REFUSALS
from tests.kinds.pure import MORNING, fork, public
from tests.kinds.samples import SAMPLES, sample_world
from tests.kinds.table import AMOUNTS, NOBODY, C, account, bad, issue_account, pack_now, party
from tests.rules.till import Sale, fingerprint

NOW = MORNING + 1
ROLES = {"central_bank": "nbk", "operator": "operator", "supervisor": "afsa", "bank": "bank",
         "exchange": "exchange", "merchant": "cafe", "person": "aigul"}  # fmt: skip
"""Who in the world has a role; treasury and issuer are registered by `base`."""


@pytest.fixture(scope="module")
def base() -> World:
    world = sample_world()
    for role in ("treasury", "issuer"):
        world.register("nbk", role, role, 3)
    world.register("nbk", "afsa2", "supervisor", 3)
    world.register("nbk", "bank2", "bank", 3)
    world.register("nbk", "exchange2", "exchange", 3)
    world.register("bank", "kiosk", "merchant", 0)
    world.open("bank", "kiosk", "tUSDT")
    world.open("bank", "kiosk", "KZTD")
    return world


def found(answer: Answer) -> tuple[str, ...]:
    """Codes of a refusal, or of what could not be read; () is accepted."""
    if isinstance(answer, Taken):
        return ()
    if isinstance(answer, Unread):
        return (answer.code,)
    assert isinstance(answer, Declined), answer
    return tuple(reason.code for reason in answer.reasons)


def sample(world: World, kind: str, signer: str | SigningKey = "", **others: Any) -> str:
    """The good transaction of this kind with some members changed; `ahead` and `ledger` too."""
    good = SAMPLES[kind]
    ledger = others.pop("ledger", world.signing.ledger)
    world.signing.ledger = ledger
    try:
        return world.sign(signer or good.signer, kind, **good.members(world) | others)
    finally:
        world.signing.ledger = world.door.id


def refuses(world: World, jws: str, *expected: str) -> None:
    before = fingerprint(world.door)

    answer = world.offer(jws)

    assert found(answer) == expected
    assert fingerprint(world.door) == before


# What all envelopes share ------------------------------------------------------------------------

KIND_NAMES = sorted(SAMPLES)


def test_every_kind_has_a_sample():
    assert {kind.name for kind in KINDS.values()} == SAMPLES.keys() | {"genesis/1"}


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_the_sample_is_accepted_once_and_then_again_the_same(base, kind):
    world = fork(base)
    jws = sample(world, kind)

    first, second = world.offer(jws), world.offer(jws)

    assert isinstance(first, Taken)
    assert not first.repeated
    assert isinstance(second, Taken)
    assert second.repeated
    assert second.index == first.index


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_wrong_envelope_is_refused(base, kind):
    world = fork(base)

    refuses(world, sample(world, kind, ledger=NOBODY), C.LEDGER_OTHER)
    refuses(world, sample(world, kind, ahead=-1), C.EXPIRED)
    refuses(world, sample(world, kind, ahead=DAY + 1), C.NOT_AFTER_TOO_FAR)
    refuses(world, sample(world, kind, key_of("a stranger")), C.KEY_UNKNOWN)
    refuses(world, sample(world, kind, key_of("till-cafe")), C.KEY_UNKNOWN)
    assert found(world.offer(sample(world, kind, ahead=0))) == ()


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_the_last_moment_of_a_signature_is_a_day_ahead(base, kind):
    world = fork(base)

    assert found(world.offer(sample(world, kind, ahead=DAY))) == ()
    late = fork(base).offer(sample(world, kind, ahead=DAY + 1))
    assert late.reasons[0].params == {"not_after": NOW + DAY + 1, "limit": NOW + DAY}


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_only_its_roles_may_sign(base, kind):
    declared = next(one for one in KINDS.values() if one.name == kind)
    signers = ROLES | {"treasury": "treasury", "issuer": "issuer"}
    assert set(signers) == {role.value for role in Role}

    for role, signer in signers.items():
        world = fork(base)
        answer = world.offer(sample(world, kind, signer))
        by_role = isinstance(answer, Declined) and answer.reasons[0].rule == "ledger/1"
        assert by_role == (Role(role) not in declared.roles), role
        if by_role:
            assert found(answer) == (C.ROLE_NOT_ADMITTED,)


@pytest.mark.parametrize("kind", sorted({"clock/1", "expire/1", *KIND_NAMES}))
def test_the_operator_signs_nothing_but_time(base, kind):
    world = fork(base)

    answer = found(world.offer(sample(world, kind, "operator")))

    assert answer == (() if kind in ("clock/1", "expire/1") else (C.ROLE_NOT_ADMITTED,))


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_signature_that_does_not_fit_is_no_transaction(base, kind):
    world = fork(base)
    signed = sample(world, kind)
    head, _, signature = signed.rpartition(".")
    other = sample(world, kind).rpartition(".")[2]
    flipped = ("A" if signature[0] != "A" else "B") + signature[1:]

    for wrong in (other, flipped):
        refuses(world, f"{head}.{wrong}", "bad_signature")


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_unknown_missing_and_repeated_members_are_refused(base, kind):
    world = fork(base)
    key = key_of(SAMPLES[kind].signer)
    good = world.signing.payload(kind, **SAMPLES[kind].members(world))
    members = json.loads(good)

    def offered(payload: bytes) -> tuple[str, ...]:
        jws = seal(payload, kid=key.kid, typ="tenge-tx", sign=key.sign)
        return found(world.offer(jws))

    assert offered(json.dumps(members | {"memo": "x"}).encode()) == ("payload.member",)
    for name in members:
        without = {other: value for other, value in members.items() if other != name}
        assert offered(json.dumps(without).encode()) == ("payload.member",), name
        repeated = good[:-1] + f',"{name}":{json.dumps(members[name])}}}'.encode()
        assert offered(repeated) == ("payload.repeated",), name
        assert offered(json.dumps(members | {name: [None]}).encode()) == ("payload.member",), name
    assert offered(json.dumps(members | {"kind": kind[:-1] + "2"}).encode()) == ("payload.member",)


def test_a_genesis_begins_no_second_ledger(base):
    world = fork(base)
    members = {"ledger": "", "name": "again", "salt": NOBODY, "log_key": public("log")}
    keys = {"central_bank": public("usurper"), "operator": public("usurper's clock")}

    refuses(world, world.sign("usurper", "genesis/1", **members, **keys), C.ALREADY_REGISTERED)
    refuses(world, world.sign("nbk", "genesis/1", **members, **keys), "bad_signature")


def test_a_genesis_is_signed_by_the_key_it_names(base):
    world = fork(base)
    payload = world.signing.payload(
        "genesis/1", ledger="", name="x", salt=NOBODY, log_key=public("log"),
        central_bank=public("usurper"), operator=public("clock"),
    )  # fmt: skip
    usurper = key_of("usurper")
    jws = seal(payload, kid=key_of("nbk").kid, typ="tenge-tx", sign=usurper.sign)

    refuses(world, jws, C.KEY_UNKNOWN)


# A table a kind ----------------------------------------------------------------------------------

Bend = Callable[[World], dict[str, Any]]


def terms(**changes: Any) -> Callable[[World], dict[str, Any]]:
    return lambda world: world.terms(**changes)


def request(sale: Sale | None = None, **members: Any) -> Callable[[World], str]:
    return lambda world: (sale or Sale()).request(world, **members)


def paid_request(world: World) -> str:
    jws = Sale(total="10.00").request(world)
    world.do("aigul", "pay/1", from_=world.accounts["aigul", "tUSDT"], request=jws)
    return jws


def other_ledgers_request(world: World) -> str:
    world.signing.ledger = NOBODY
    try:
        return Sale().request(world)
    finally:
        world.signing.ledger = world.door.id


def forged_request(world: World) -> str:
    jws = Sale().request(world)
    return jws.rpartition(".")[0] + "." + Sale().request(world).rpartition(".")[2]


def a_transaction(world: World) -> str:
    return sample(world, "transfer/1")


def by_party_key(world: World) -> str:
    """A request signed by the merchant itself, not by a till."""
    return Sale(till="cafe", merchant="cafe").request(world)


def refund_of(total: str) -> Callable[[World], None]:
    def play(world: World) -> None:
        world.offer(sample(world, "refund/1", amount=total))

    return play


def fund_cafe(world: World) -> None:
    world.do("bank", "transfer/1", from_=world.accounts["bank", "KZTD"],
             to=world.accounts["cafe", "KZTD"], amount="9000.00")  # fmt: skip


def half_in_tenge(world: World) -> None:
    fund_cafe(world)
    world.do("cafe", "refund/1", payment=world.sales["tUSDT"], amount="645.01",
             from_=world.accounts["cafe", "KZTD"], to=world.accounts["guest", "KZTD"])  # fmt: skip


def newline(text: str) -> str:
    return text + "\n"


NOT_A_POINT = b64(bytes([2] + [0] * 31))
TABLE: dict[str, list[Any]] = {
    "party/1": [
        bad("a bank registers no bank", C.ROLE_NOT_ADMITTED, role="bank"),
        bad("nor an exchange", C.ROLE_NOT_ADMITTED, role="exchange"),
        bad("nobody registers a central bank", C.ROLE_NOT_ADMITTED, "nbk", role="central_bank"),
        bad("nor an operator", C.ROLE_NOT_ADMITTED, "nbk", role="operator"),
        bad("the central bank registers no person", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("nor a merchant", C.ROLE_NOT_ADMITTED, "nbk", role="merchant"),
        bad("a key of another party", C.ALREADY_REGISTERED, key=public("aigul")),
        bad("a key of a till", C.ALREADY_REGISTERED, key=public("till-cafe")),
        bad("the central bank's own key", C.ALREADY_REGISTERED, key=public("nbk")),
        bad("a role nobody knows", "payload.member", role="king"),
        bad("tier 4", "payload.member", tier=4),
        bad("tier below 0", "payload.member", tier=-1),
        bad("a tier of truth", "payload.member", tier=True),
        bad("a key of small order", "key.point", key=b64(bytes(32))),
        bad("a key that is no point", "key.point", key=NOT_A_POINT),
        bad("a key spelled otherwise", "id.base64", key=public("newcomer")[:-1] + "B"),
        bad("a short key", "payload.member", key="A" * 42),
    ],
    "key/1": [
        bad("of another party", C.NO_AUTHORITY, party=party("daniyar")),
        bad("by the party's own bank", C.NO_AUTHORITY, "bank"),
        bad("by another bank", C.NO_AUTHORITY, "bank2"),
        bad("by the central bank for its bank", C.NO_AUTHORITY, "nbk", party=party("bank")),
        bad("of nobody", C.NO_AUTHORITY, party=NOBODY),
        bad("the same key", C.ALREADY_REGISTERED, key=public("aigul")),
        bad("another party's", C.ALREADY_REGISTERED, key=public("daniyar")),
        bad("a till's", C.ALREADY_REGISTERED, key=public("till-market")),
        bad("of small order", "key.point", key=b64(bytes([1] + [0] * 31))),
        bad("an id spelled otherwise", "id.base64", party="A" * 21 + "B"),
        bad("an id with a newline", "payload.member", party=lambda w: newline(w.parties["aigul"])),
    ],
    "tier/1": [
        bad("by another bank", C.NO_AUTHORITY, "bank2"),
        bad("by the central bank for a bank's client", C.NO_AUTHORITY, "nbk"),
        bad("by a bank for itself", C.NO_AUTHORITY, party=party("bank")),
        bad("of nobody", C.PARTY_UNKNOWN, party=NOBODY),
        bad("tier 4", "payload.member", tier=4),
        bad("a tier in text", "payload.member", tier="1"),
        bad("a fraction of a tier", "payload.number", tier=1.5),
    ],
    "account/1": [
        bad("for another bank's client", C.NO_AUTHORITY, "bank2"),
        bad("for itself", C.NO_AUTHORITY, owner=party("bank")),
        bad("by the central bank for a bank's client", C.NO_AUTHORITY, "nbk"),
        bad("for nobody", C.PARTY_UNKNOWN, owner=NOBODY),
        bad("in an unknown asset", C.ASSET_UNKNOWN, asset="XYZ"),
        bad("in an asset of another case", C.ASSET_UNKNOWN, asset="kztd"),
        bad("in an asset with Cyrillic letters", "payload.member", asset="tUSDТ"),
        bad("in an asset with a newline", "payload.member", asset="KZTD\n"),
    ],
    "asset/1": [
        bad("known already", C.ALREADY_REGISTERED, code="tUSDT"),
        bad("digital tenge by a supervisor", C.ROLE_NOT_ADMITTED, asset_class="digital_tenge",
            scale=2),
        bad("crypto by the central bank", C.ROLE_NOT_ADMITTED, "nbk"),
        bad("digital tenge issued by another", C.NOT_ISSUER, "nbk", asset_class="digital_tenge",
            scale=2),
        bad("deposits in milli-tenge", C.AMOUNT_FORM, "nbk", asset_class="deposit", scale=3,
            issuer=party("bank")),
        bad("issued by nobody", C.PARTY_UNKNOWN, issuer=NOBODY),
        bad("issued by a merchant", C.TARGET_NOT_ADMITTED, issuer=party("cafe")),
        bad("issued by a person", C.TARGET_NOT_ADMITTED, issuer=party("aigul")),
        bad("issued by a supervisor", C.TARGET_NOT_ADMITTED, issuer=party("afsa")),
        bad("a code with a newline", "payload.member", code="tUSDT\n"),
        bad("a code of Cyrillic letters", "payload.member", code="тUSDT"),
        bad("a code of one letter", "payload.member", code="t"),
        bad("a code that begins with a digit", "payload.member", code="1INCH"),
        bad("scale 9", "payload.member", scale=9),
        bad("an unknown class", "payload.member", asset_class="gold"),
    ],
    "pack/1": [
        bad("in force already", C.ALREADY_REGISTERED, text=pack_now),
        bad("extends an unknown pack", C.PACK_UNKNOWN,
            text=f'format = 1\nname = "x"\nextends = "{b64(bytes(32))}"\n'),
        bad("no TOML", "pack.toml", text="format = "),
        bad("another format", "pack.member", text='format = 2\nname = "x"'),
        bad("empty text", "payload.member", text=""),
        bad("too long a text", "payload.member", text="#" * 36_001),
    ],
    "rate/1": [
        bad("of an unknown asset", C.ASSET_UNKNOWN, asset="XYZ"),
        bad("of tenge", C.ASSET_NOT_ADMITTED, asset="KZTD"),
        bad("of nothing", "rate.zero", rate="0"),
        bad("with a trailing zero", "rate.form", rate="520.50"),
        bad("with a comma", "rate.form", rate="520,5"),
        bad("below nothing", "rate.form", rate="-1"),
        bad("of nine fraction digits", "rate.form", rate="1.123456789"),
        bad("with an exponent", "rate.form", rate="1e3"),
        bad("with a newline", "rate.form", rate="520.5\n"),
        bad("a number", "payload.member", rate=520),
    ],
    "zone_draw/1": [
        bad("an end before the beginning", C.DATES_CONFLICT,
            terms=terms(opens_at=NOW + DAY, ends_at=NOW + DAY)),
        bad("an end that has passed", C.DATES_CONFLICT, terms=terms(ends_at=NOW)),
        bad("an unknown asset", C.ASSET_UNKNOWN, terms=terms(assets=["XYZ"])),
        bad("a line", "zone.ring", terms=terms(area={"outer": [[0, 0], [9, 9]], "holes": []})),
        bad("no ring", "zone.ring", terms=terms(area={"outer": [], "holes": []})),
        bad("a flat ring", "zone.area",
            terms=terms(area={"outer": [[0, 0], [5, 5], [9, 9]], "holes": []})),
        bad("a bow", "zone.crossing",
            terms=terms(area={"outer": [[0, 0], [9, 9], [9, 0], [0, 8]], "holes": []})),
        bad("a hole outside", "zone.hole",
            terms=terms(area={"outer": [[0, 0], [9, 0], [0, 9]],
                              "holes": [[[20, 20], [25, 20], [20, 25]]]})),
        bad("off the globe", "zone.coordinate",
            terms=terms(area={"outer": [[0, 0], [1_800_000_001, 0], [0, 9]], "holes": []})),
        bad("half a country", "zone.cells",
            terms=terms(area={"outer": [[0, 0], [90_000_000, 0], [0, 90_000_000]], "holes": []})),
        bad("a fraction of a unit", "payload.number",
            terms=terms(area={"outer": [[0.5, 0], [9, 0], [0, 9]], "holes": []})),
        bad("a point of three", "payload.member",
            terms=terms(area={"outer": [[0, 0, 0], [9, 0, 0], [0, 9, 0]], "holes": []})),
        bad("an eighth day", "zone.hours", terms=terms(hours=[[7, 0, 60]])),
        bad("a closing before the opening", "zone.hours", terms=terms(hours=[[0, 60, 60]])),
        bad("past midnight", "zone.hours", terms=terms(hours=[[0, 0, 1441]])),
        bad("hours with one number more", "payload.member", terms=terms(hours=[[0, 0, 60, 1]])),
        bad("22 rows of hours", "payload.member", terms=terms(hours=[[0, 0, 60]] * 22)),
        bad("a cap of another form", "amount.form", terms=terms(cap_day="5")),
        bad("a name with a newline", "payload.member", terms=terms(name="Alatau\n")),
        bad("a name in Cyrillic", "payload.member", terms=terms(name="Алатау")),
    ],
    "zone_change/1": [
        bad("of nobody", C.ZONE_UNKNOWN, zone=NOBODY),
        bad("by another supervisor", C.NO_AUTHORITY, "afsa2"),
        bad("an end that has passed", C.DATES_CONFLICT, terms=terms(ends_at=NOW)),
        bad("an unknown asset", C.ASSET_UNKNOWN, terms=terms(assets=["XYZ"])),
        bad("that is over", C.STATUS_CONFLICT, zone=lambda w: w.over,
            before=lambda w: w.do("operator", "expire/1", type="zone", key=w.over, due=NOW)),
        bad("to a line", "zone.ring", terms=terms(area={"outer": [[0, 0], [9, 9]], "holes": []})),
        bad("a party's id is no zone's", C.ZONE_UNKNOWN, zone=party("cafe")),
    ],
    "zone_suspend/1": [
        bad("of nobody", C.ZONE_UNKNOWN, zone=NOBODY),
        bad("by another supervisor", C.NO_AUTHORITY, "afsa2"),
        bad("suspended already", C.STATUS_CONFLICT, zone=lambda w: w.resting),
        bad("over", C.STATUS_CONFLICT, zone=lambda w: w.over,
            before=lambda w: w.do("operator", "expire/1", type="zone", key=w.over, due=NOW)),
        bad("an id spelled otherwise", "id.base64", zone="A" * 21 + "B"),
    ],
    "zone_resume/1": [
        bad("of nobody", C.ZONE_UNKNOWN, zone=NOBODY),
        bad("by another supervisor", C.NO_AUTHORITY, "afsa2"),
        bad("active", C.STATUS_CONFLICT, zone=lambda w: w.zone),
        bad("over", C.STATUS_CONFLICT, zone=lambda w: w.over,
            before=lambda w: w.do("operator", "expire/1", type="zone", key=w.over, due=NOW)),
        bad("an id spelled otherwise", "id.base64", zone="A" * 21 + "B"),
    ],
    "permit/1": [
        bad("in no zone", C.ZONE_UNKNOWN, zone=NOBODY),
        bad("by another supervisor", C.NO_AUTHORITY, "afsa2"),
        bad("for nobody", C.PARTY_UNKNOWN, merchant=NOBODY),
        bad("for a person", C.TARGET_NOT_ADMITTED, merchant=party("aigul")),
        bad("for an exchange", C.TARGET_NOT_ADMITTED, merchant=party("exchange")),
        bad("that ends as it begins", C.DATES_CONFLICT, valid_from=NOW + HOUR,
            valid_until=NOW + HOUR),
        bad("that has ended", C.DATES_CONFLICT, valid_from=1, valid_until=NOW),
        bad("a time below 1", "payload.member", valid_from=0),
        bad("a time of 49 bits", "payload.member", valid_until=1 << 48),
    ],
    "permit_revoke/1": [
        bad("of nobody", C.PERMIT_UNKNOWN, permit=NOBODY),
        bad("by another supervisor", C.NO_AUTHORITY, "afsa2"),
        bad("revoked already", C.STATUS_CONFLICT,
            before=lambda w: w.do("afsa", "permit_revoke/1", permit=w.permit)),
        bad("a zone's id is no permit's", C.PERMIT_UNKNOWN, permit=lambda w: w.zone),
        bad("run out", C.STATUS_CONFLICT, before=lambda w: run_out(w)),
    ],
    "terminal/1": [
        bad("by another bank", C.NO_AUTHORITY, "bank2"),
        bad("for nobody", C.PARTY_UNKNOWN, merchant=NOBODY),
        bad("for a person", C.TARGET_NOT_ADMITTED, merchant=party("aigul")),
        bad("for the bank itself", C.NO_AUTHORITY, merchant=party("bank")),
        bad("a till's key again", C.ALREADY_REGISTERED, key=public("till-cafe")),
        bad("another merchant's till", C.ALREADY_REGISTERED, key=public("till-market")),
        bad("a person's key", C.ALREADY_REGISTERED, key=public("aigul")),
        bad("of small order", "key.point", key=b64(bytes(32))),
        bad("off the globe", "zone.coordinate", place=[0, 900_000_001]),
        bad("a place of one number", "payload.member", place=[0]),
        bad("a fraction of a unit", "payload.number", place=[0.5, 0]),
    ],
    "issue/1": [
        *AMOUNTS,
        bad("by who is not its issuer", C.NOT_ISSUER, "exchange"),
        bad("tenge to a person", C.TARGET_NOT_ADMITTED, to=account("aigul", "KZTD")),
        bad("tenge to an exchange", C.TARGET_NOT_ADMITTED, to=account("exchange", "KZTD")),
        bad("to nobody", C.ACCOUNT_UNKNOWN, to=NOBODY),
        bad("to the account it comes from", C.ACCOUNT_KIND, to=issue_account("KZTD")),
        bad("another's crypto", C.NOT_ISSUER, "exchange2", to=account("aigul", "tUSDT"),
            amount="1.000000"),
        bad("crypto to a merchant", C.ZONE_OUTSIDE, "exchange", to=account("cafe", "tUSDT"),
            amount="1.000000"),
        bad("more than can be counted", C.BALANCE_RANGE, amount="92233720368547758.07"),
    ],
    "redeem/1": [
        *AMOUNTS,
        bad("by who is not its issuer", C.NOT_ISSUER, "exchange",
            from_=account("exchange", "KZTD")),
        bad("from a person", C.NO_AUTHORITY, from_=account("aigul", "KZTD")),
        bad("from a merchant", C.NO_AUTHORITY, "exchange", from_=account("cafe", "tUSDT"),
            amount="1.000000"),
        bad("from nobody", C.NO_AUTHORITY, from_=NOBODY),
        bad("from the account it would go to", C.ACCOUNT_KIND, from_=issue_account("KZTD")),
        bad("more than there is", C.FUNDS, amount="99999999999.00"),
    ],
    "transfer/1": [
        *AMOUNTS,
        bad("of another's money", C.NO_AUTHORITY, from_=account("guest", "KZTD")),
        bad("of nobody's money", C.NO_AUTHORITY, from_=NOBODY),
        bad("to nobody", C.ACCOUNT_UNKNOWN, to=NOBODY),
        bad("to itself", C.SAME_ACCOUNT, to=account("aigul", "KZTD")),
        bad("to another asset", C.ASSET_DIFFERS, to=account("daniyar", "tUSDT")),
        bad("from the issue account", C.ACCOUNT_KIND, "nbk", from_=issue_account("KZTD")),
        bad("to the issue account", C.ACCOUNT_KIND, to=issue_account("KZTD")),
        bad("a tiyn more than there is", C.FUNDS, amount="1000000.01"),
        bad("crypto to a merchant", C.ZONE_OUTSIDE, from_=account("aigul", "tUSDT"),
            to=account("market", "tUSDT"), amount="1.000000"),
        bad("crypto in the form of tenge", "amount.form", from_=account("aigul", "tUSDT"),
            to=account("daniyar", "tUSDT"), amount="1.00"),
    ],
    "pay/1": [
        bad("with another's money", C.NO_AUTHORITY, from_=account("guest", "tUSDT")),
        bad("with nobody's money", C.NO_AUTHORITY, from_=NOBODY),
        bad("in an asset that is not asked for", C.TENDER_NOT_OFFERED,
            from_=account("aigul", "KZTD")),
        bad("of an unknown till", C.TERMINAL_UNKNOWN, request=request(Sale(till="till-cafe-9"))),
        bad("of no till", C.TERMINAL_UNKNOWN, request=by_party_key),
        bad("of another ledger", C.LEDGER_OTHER, request=other_ledgers_request),
        bad("too late", C.REQUEST_EXPIRED, request=request(ahead=-1)),
        bad("too early", C.REQUEST_EXPIRED, request=request(ahead=DAY + 1)),
        bad("paid already", C.REQUEST_PAID, request=paid_request),
        bad("paid by another", C.REQUEST_PAID, "daniyar", from_=account("daniyar", "tUSDT"),
            request=paid_request),
        bad("to another merchant's account", C.TARGET_NOT_ADMITTED,
            request=request(Sale(merchant="market"))),
        bad("to an account of another asset", C.ASSET_DIFFERS,
            request=lambda w: Sale(account=w.accounts["cafe", "tBTC"]).request(w)),
        bad("to nobody", C.ACCOUNT_UNKNOWN, request=request(Sale(account=NOBODY))),
        bad("another amount than the rate says", C.TENDER_VALUE,
            request=request(Sale(amount="1.000000"))),
        bad("by another asset's rate", C.TENDER_VALUE,
            request=lambda w: Sale(rate=w.rates["tBTC"]).request(w)),
        bad("outside", C.ZONE_OUTSIDE, request=request(Sale(till="till-market"))),
        bad("a total of nothing", "amount.zero", request=request(total="0.00")),
        bad("a total of another form", "amount.form", request=request(total="1290")),
        bad("an amount of another form", "amount.form", request=request(Sale(amount="1.00"))),
        bad("a forged request", "bad_signature", request=forged_request),
        bad("a transaction in its place", "envelope.typ", request=a_transaction),
        bad("no request", "envelope.segments", request=""),
        bad("no tender", "payload.member", request=request(tenders=[])),
        bad("nine tenders", "payload.member",
            request=lambda w: Sale().request(w, tenders=[{"asset": "tUSDT", "amount": "1.000000",
                                                          "account": NOBODY}] * 9)),
        bad("a long reference", "payload.member", request=request(reference="x" * 65)),
    ],
    "refund/1": [
        bad("from another's account", C.NO_AUTHORITY, from_=account("market", "tUSDT")),
        bad("by another merchant", C.NO_AUTHORITY, "kiosk", from_=account("kiosk", "tUSDT")),
        bad("by the payer", C.NO_AUTHORITY, "guest", from_=account("guest", "tUSDT")),
        bad("of nothing", C.PAYMENT_UNKNOWN, payment=NOBODY),
        bad("to another person", C.TARGET_NOT_ADMITTED, to=account("aigul", "tUSDT")),
        bad("to itself", C.TARGET_NOT_ADMITTED, to=account("cafe", "tUSDT")),
        bad("to nobody", C.ACCOUNT_UNKNOWN, to=NOBODY),
        bad("in another crypto", C.ASSET_DIFFERS, from_=account("cafe", "tBTC"),
            to=account("guest", "tBTC"), amount="0.00000001"),
        bad("from tenge to crypto", C.ASSET_DIFFERS, from_=account("cafe", "KZTD"),
            amount="1.00", before=fund_cafe),
        bad("a unit too much", C.REFUND_TOO_MUCH, amount="2.484354"),
        bad("a unit too much in two parts", C.REFUND_TOO_MUCH, amount="1.484354"),
        bad("a tiyn too much in tenge", C.REFUND_TOO_MUCH, from_=account("cafe", "KZTD"),
            to=account("guest", "KZTD"), amount="1290.01", before=fund_cafe),
        bad("half in tenge, over half in kind", C.REFUND_TOO_MUCH, amount="1.242177",
            before=half_in_tenge),
        bad("in tenge that it has not", C.FUNDS, from_=account("cafe", "KZTD"),
            to=account("guest", "KZTD"), amount="1290.00",
            before=lambda w: w.do("cafe", "transfer/1", from_=w.accounts["cafe", "KZTD"],
                                  to=w.accounts["bank", "KZTD"], amount="1290.00")),
        bad("nothing", "amount.zero", amount="0.000000"),
        bad("in another form", "amount.form", amount="1.00"),
    ],
    "clock/1": [
        bad("back", C.CLOCK_BACKWARDS, frozen_at=NOW - 1),
        bad("an offset below nothing", "payload.member", offset=-1),
        bad("to the end of time", "payload.member", frozen_at=1 << 47),
        bad("a smaller offset", C.CLOCK_BACKWARDS, offset=5, frozen_at=None,
            before=lambda w: w.do("operator", "clock/1", offset=6, frozen_at=None)),
        bad("time in text", "payload.member", frozen_at="2030-01-01"),
    ],
    "expire/1": [
        bad("not yet due", C.NOT_DUE, key=lambda w: w.resting, due=MORNING + HOUR),
        bad("another due time", C.NOT_DUE, due=MORNING),
        bad("twice", C.NOT_DUE,
            before=lambda w: w.do("operator", "expire/1", type="zone", key=w.over, due=NOW)),
        bad("what has no end", C.NOT_DUE, key=lambda w: w.zone),
        bad("what never ends", C.NOT_DUE, type="party", key=party("cafe")),
        bad("of an unknown type", C.NOT_DUE, type="marquee"),
        bad("of nobody", C.NOT_DUE, key=NOBODY),
        bad("a key spelled otherwise", "id.base64", key="A" * 21 + "B"),
    ],
} | REFUSALS  # fmt: skip


def run_out(world: World) -> None:
    due = MORNING + 299 * DAY
    world.door.at = due
    world.do("operator", "expire/1", type="permit", key=world.permit, due=due)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_every_kind_has_a_table_of_refusals(kind):
    assert len(TABLE[kind]) >= 5


@pytest.mark.parametrize(
    ("kind", "code", "signer", "before", "members"),
    [
        pytest.param(kind, *row.values, id=f"{kind} {row.id}")
        for kind, rows in TABLE.items()
        for row in rows
    ],
)
def test_it_refuses(base, kind, code, signer, before, members):
    world = fork(base)
    if before is not None:
        before(world)
    if members.get("amount") == "1.484354":
        refund_of("1.000000")(world)
    found_members = {name: value(world) if callable(value) else value
                     for name, value in members.items()}  # fmt: skip

    refuses(world, sample(world, kind, signer, **found_members), code)


def with_status(world: World, need: tuple[Any, ...], status: str) -> None:
    """As a kind to come will leave it: no kind of today shuts an account, key or till."""
    held = world.door.load(need)
    world.door.state.values[need] = msgspec.structs.replace(held, status=status)


@pytest.mark.parametrize("kind", KIND_NAMES)
def test_a_key_that_is_not_active_signs_nothing(base, kind):
    world = fork(base)
    kid = unb64(key_of(SAMPLES[kind].signer).kid, 32)
    with_status(world, ("object", "key", kid), "revoked")

    refuses(world, sample(world, kind), C.KEY_NOT_ACTIVE)


@pytest.mark.parametrize(
    ("kind", "name", "asset"),
    [("transfer/1", "aigul", "KZTD"), ("transfer/1", "daniyar", "KZTD"),
     ("pay/1", "aigul", "tUSDT"), ("pay/1", "cafe", "tUSDT"), ("refund/1", "cafe", "tUSDT"),
     ("refund/1", "guest", "tUSDT"), ("issue/1", "bank", "KZTD"), ("redeem/1", "bank", "KZTD")],
)  # fmt: skip
def test_an_account_that_is_not_open_neither_gives_nor_takes(base, kind, name, asset):
    world = fork(base)
    with_status(world, ("account", unb64(world.accounts[name, asset], 16)), "closed")

    refuses(world, sample(world, kind), C.ACCOUNT_NOT_OPEN)


def test_a_till_out_of_use_takes_no_crypto(base):
    world = fork(base)
    with_status(world, ("object", "terminal", unb64(key_of("till-cafe").kid, 32)), "retired")

    refuses(world, sample(world, "pay/1"), C.TERMINAL_UNKNOWN)
    tenge = Sale(asset="KZTD").request(world)
    assert found(world.pay("aigul", "KZTD", tenge)) == ()


def test_bytes_that_are_no_transaction_are_unread(base):
    world = fork(base)
    for junk in (b"", b".", b"..", b"a.b.c", b"\xff" * 99, b"{}", b"e30.e30.e30", b"." * 10_000):
        answer = world.door.submit([Offer(junk, False)])[0]
        assert isinstance(answer, Unread), junk
