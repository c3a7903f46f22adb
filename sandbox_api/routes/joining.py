"""Joining: a browser's key becomes a client of the demo bank, a device becomes a till (D12).

The private key never comes here. Custody signs as the demo bank; what it signed goes through the
ledger's door like everyone's transactions, and the answer is read back from the ledger.
"""

from __future__ import annotations

from typing import Final

from ledger.core.account import AccountKind
from ledger.core.decision import Code, Reason
from ledger.core.ids import b64
from ledger.core.objects import body_of
from ledger.core.party import Party
from ledger.core.zone import Terminal
from ledger.keys import public_key_from_jwk
from ledger.store.reader import Snapshot
from ledger.writer.answers import Answer as WriterAnswer
from ledger.writer.answers import Busy, Declined, Taken, Unread
from sandbox_api.asked import OnboardBody, TillBody
from sandbox_api.auth import Scope
from sandbox_api.front import Checked
from sandbox_api.limits import LISTED_MAX
from sandbox_api.parts import Parts
from sandbox_api.personas import Till
from sandbox_api.problems import Problem, Refusal
from sandbox_api.reading.known import object_of
from sandbox_api.reading.money import accounts_page, assets
from sandbox_api.reading.payment_requests import title_of
from sandbox_api.reading.zones import place_body
from sandbox_api.requests import Answer, Body, Call, Reply, Route
from sandbox_api.wire import (
    AccountBody,
    JoinedAccountBody,
    Jwk,
    OnboardedBody,
    PersonaBody,
    PlaceBody,
    SandboxBody,
    TillAccountBody,
    TillEnrolledBody,
    TillPlaceBody,
)

NOTICE: Final = (
    "Not official. A simulation with synthetic data and no real money;"
    " rules marked HYPOTHETICAL are nobody's law."
)
JWK: Final = {"kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
"""A public key, as examples show it."""


def onboard(call: Call) -> Reply:
    """Register a browser's key with the demo bank, open its wallets, give it play money."""
    parts = call.parts
    public_key = public_key_of(call.body_as(OnboardBody).jwk)
    kid = parts.front.learn(public_key)
    known = _client(parts, kid)
    if known is not None:
        return Reply(known)
    signed = parts.custody.onboard(call.token, public_key, parts.door.time())
    declined = submit_signed(parts, signed.transactions)
    client = _client(parts, kid)
    if client is None:
        # Declined for another reason than that the same key came in twice at once.
        raise Refusal(declined) if declined else Problem("internal")
    return Reply(client, 201)


def enrol_till(call: Call) -> Reply:
    """Have the demo bank certify this device as one of the sandbox's tills."""
    parts, body = call.parts, call.body_as(TillBody)
    public_key = public_key_of(body.jwk)
    kid = parts.front.learn(public_key)
    tills = () if parts.world is None else parts.world.tills
    asked = next((till for till in tills if till.name == body.till), None)
    if asked is None:
        raise Problem("till.unknown", "GET /v1/sandbox names the tills there are", where="till")
    known = _till(parts, kid, asked)
    if known is not None:
        return Reply(known)
    signed = parts.custody.enrol_till(call.token, public_key, body.till, parts.door.time())
    declined = submit_signed(parts, signed.transactions)
    till = _till(parts, kid, asked)
    if till is None:
        raise Refusal(declined) if declined else Problem("internal")
    return Reply(till, 201)


def sandbox(call: Call) -> Reply:
    """Where everything is, who the personas are, which tills a device may become."""
    parts, world = call.parts, call.parts.world
    personas = world.personas if world else ()
    titles = {persona.name: persona for persona in personas}
    with parts.reader.snapshot() as view:
        size, known = view.head().size, assets(view)
    return Reply(
        SandboxBody(
            name=parts.name,
            ledger=parts.ledger,
            log_key=world.log_key if world else "",
            time=parts.door.time(),
            size=size,
            stream_url=parts.stream_url,
            submit_url=parts.submit_url,
            assets=known,
            personas=tuple(
                PersonaBody(
                    one.name,
                    one.title,
                    one.role,
                    one.party,
                    tuple(TillAccountBody(account.id, account.asset) for account in one.accounts),
                    tuple(officer.name for officer in one.officers),
                )
                for one in personas
            ),
            tills=tuple(
                TillPlaceBody(
                    till.name,
                    till.title,
                    titles[till.merchant].party,
                    PlaceBody(till.lat, till.lon),
                )
                for till in (world.tills if world else ())
            ),
            notice=NOTICE,
        )
    )


def public_key_of(jwk: Jwk) -> bytes:
    """The key of a public JWK; raises Malformed."""
    return public_key_from_jwk({"kty": jwk.kty, "crv": jwk.crv, "x": jwk.x})


def submit_signed(parts: Parts, transactions: tuple[bytes, ...]) -> Declined | None:
    """Submit what custody signed; the first refusal, or None. Raises Problem where it is not known
    what happened, or nothing did."""
    offers = []
    for one in parts.front.check_all(transactions):
        if not isinstance(one, Checked):
            raise AssertionError(f"custody signed what cannot be read: {one}")
        offers.append(one.offer)
    answers = parts.door.submit(offers)
    return next((found for found in map(_refused, answers) if found is not None), None)


def _refused(answer: WriterAnswer) -> Declined | None:
    match answer:
        case Taken():
            return None
        case Declined():
            return answer
        case Busy():
            raise Problem("overloaded", answer.message, retry_after_s=answer.retry_after_s)
        case Unread():
            raise AssertionError(f"custody signed what the writer cannot read: {answer}")


def _client(parts: Parts, kid: bytes) -> OnboardedBody | None:
    """The party whose key this is, with its accounts; None where no party has it."""
    with parts.reader.snapshot() as view:
        key = object_of(view, "key", kid)
        found = None if key is None else object_of(view, "party", key.owner)
        if key is None or found is None:
            return None
        accounts = _wallets(view, key.owner)
    party = body_of(found, Party)
    return OnboardedBody(
        party=b64(key.owner),
        kid=b64(kid),
        tier=party.tier,
        bank=party.registrar,
        accounts=tuple(
            JoinedAccountBody(account.id, account.asset, account.balance) for account in accounts
        ),
    )


def _wallets(view: Snapshot, owner: bytes) -> tuple[AccountBody, ...]:
    """A party's wallets to pay from and be paid on, of the first `LISTED_MAX` of them. Others open
    accounts with a mark for it: none of them stands for the asset."""
    found = accounts_page(view, owner, AccountKind.WALLET, -1, LISTED_MAX).accounts
    return tuple(one for one in found if one.mark is None and one.status != "closed")


def _till(parts: Parts, kid: bytes, asked: Till) -> TillEnrolledBody | None:
    with parts.reader.snapshot() as view:
        terminal = object_of(view, "terminal", kid)
        if terminal is None:
            return None
        accounts = _wallets(view, terminal.owner)
    merchant = b64(terminal.owner)
    place = place_body(body_of(terminal, Terminal).place)
    if place != PlaceBody(asked.lat, asked.lon):
        # Its key was certified for another place, which binds: a till does not move.
        reason = Reason(Code.ALREADY_REGISTERED, "terminal/1", {"member": "key"})
        raise Refusal(Declined((reason,), parts.door.time(), 0))
    return TillEnrolledBody(
        kid=b64(kid),
        till=asked.name,
        merchant=merchant,
        name=title_of(parts, merchant) or asked.title,
        place=place,
        accounts=tuple(TillAccountBody(account.id, account.asset) for account in accounts),
    )


_MAY_BE_REFUSED: Final = (Code.FUNDS.value, Code.ALREADY_REGISTERED.value)

ROUTES: Final = (
    Route(
        "GET", "/v1/sandbox", "sandbox", "Where everything is",
        sandbox, Scope.READ, {200: Answer(SandboxBody, "This sandbox.")},
        problems=("door_shut",), group="Joining",
    ),
    Route(
        "POST", "/v1/sandbox/onboard", "onboard", "Join with a key made in a browser",
        onboard, Scope.JOIN,
        {
            201: Answer(OnboardedBody, "Registered, with wallets and play money."),
            200: Answer(OnboardedBody, "This key was a client already."),
        },
        body=Body(OnboardBody, example={"jwk": JWK}),
        problems=("key.point", "door_shut", *_MAY_BE_REFUSED), group="Joining",
    ),
    Route(
        "POST", "/v1/sandbox/tills", "enrol_till", "Make this device a till",
        enrol_till, Scope.JOIN,
        {
            201: Answer(TillEnrolledBody, "Certified as that till."),
            200: Answer(TillEnrolledBody, "This key was a till already."),
        },
        body=Body(TillBody, example={"jwk": JWK, "till": "market"}),
        problems=("till.unknown", "key.point", "door_shut", *_MAY_BE_REFUSED), group="Joining",
    ),
)  # fmt: skip
