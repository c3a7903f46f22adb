"""A whole sandbox in this process: a real ledger with the world of `tenge up`, and the HTTP app.

Custody is the demo institutions themselves instead of a process with them; all else is what
`tenge up` runs.
"""

from __future__ import annotations

import itertools
import secrets
from pathlib import Path
from typing import Any

import msgspec
import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from ledger.core.envelope import seal
from ledger.core.ids import b64, derive_key, unb64
from ledger.keyring import Keyring
from ledger.keys import SigningKey
from ledger.kinds import read
from ledger.ledger import Ledger
from ledger.store import ReadingStore, open_reading
from sandbox_api.app import create_app
from sandbox_api.auth import KeyKind
from sandbox_api.custody_protocol import Enrolment, Onboarding, Wanted
from sandbox_api.demo_bank import DemoBank
from sandbox_api.demo_exchange import DemoExchange
from sandbox_api.demo_purses import Vouching
from sandbox_api.front import Front
from sandbox_api.parts import Parts
from sandbox_api.personas import World
from sandbox_api.prices import BuiltIn, Prices
from sandbox_api.processes.doors import keys_from
from sandbox_api.tenants import TenantStore

HOUR = 3_600_000


on_both = pytest.mark.parametrize(
    "sandbox", ["sqlite", "postgresql"], indirect=True, scope="session"
)
"""For modules whose tests must hold on both databases."""


class CustodyInProcess:
    """Custody without a process: the demo institutions' own pens. `prices` may be put anew."""

    def __init__(self, world: World, reader: ReadingStore) -> None:
        self.world = world
        self.bank = DemoBank(world, key_of("bank"))
        self.prices: Prices = BuiltIn()
        self.vouching = Vouching(world, reader, key_of("bank"), key_of("central-bank"))

    def onboard(self, token: str, public_key: bytes, at: int) -> Onboarding:
        return self.bank.onboard(public_key, at)

    def enrol_till(self, token: str, public_key: bytes, till: str, at: int) -> Enrolment:
        return self.bank.enrol_till(public_key, till, at)

    def quote(self, token: str, wanted: Wanted, at: int) -> str:
        return DemoExchange(self.world, key_of("exchange"), self.prices).quote(wanted, at)

    def open_purse(self, token: str, public_key: bytes, home: bytes, at: int) -> tuple[bytes, ...]:
        return self.bank.open_purse(public_key, home, at)

    def certificate(self, token: str, purse: bytes) -> bytes:
        return self.vouching.certificate(purse)

    def notice(self, token: str, at: int) -> bytes:
        return self.vouching.notice(at)


class Person:
    """Someone who has joined with a key of their own."""

    def __init__(self, key: SigningKey, joined: dict[str, Any]) -> None:
        self.key = key
        self.party: str = joined["party"]
        self.accounts = {row["asset"]: row["id"] for row in joined["accounts"]}


class Sandbox:
    """The sandbox under test, and how a program talks to it."""

    def __init__(
        self, folder: Path, url: str, ledger: Ledger, world: World, keyring: Keyring
    ) -> None:
        self.ledger, self.world, self.keyring = ledger, world, keyring
        self.folder = folder
        own = f"sqlite:///{folder / 'sandbox.db'}" if url.startswith("sqlite") else url
        self.tenants = TenantStore.open(own)
        self.reader = open_reading(url, unb64(ledger.id, 16))
        self.tenant = self.tenants.put_tenant("sandbox", unb64(ledger.id, 16))
        self.secret = self.tenants.make_key(self.tenant.number, KeyKind.SECRET)
        self.publishable = self.tenants.make_key(self.tenant.number, KeyKind.PUBLISHABLE)
        self.custody = CustodyInProcess(world, self.reader)
        self.parts = Parts(
            ledger=ledger.id,
            name=world.name,
            door=ledger,
            reader=self.reader,
            front=Front(keys_from(self.reader)),
            tenants=self.tenants,
            custody=self.custody,
            origin="http://localhost:8080",
            stream_url="ws://localhost:8081/v1/stream",
            submit_url="ws://localhost:8082/v1/submit",
            hosts=("localhost", "127.0.0.1", "[::1]"),
            world=world,
        )
        self.app = create_app(self.parts)
        self.client: FlaskClient = self.app.test_client()
        self._nonces = itertools.count(1)

    def close(self) -> None:
        self.reader.close()
        self.tenants.close()
        self.ledger.close()

    def key_of(self, persona: str) -> SigningKey:
        return key_of(persona)

    # HTTP.

    def get(self, path: str, *, key: str | None = "secret", **headers: str) -> TestResponse:
        return self.client.get(path, headers=self._headers(key, headers))

    def post(
        self,
        path: str,
        body: Any = None,
        *,
        raw: bytes | str | None = None,
        media: str = "application/json",
        key: str | None = "secret",
        **headers: str,
    ) -> TestResponse:
        data = msgspec.json.encode(body) if raw is None else raw
        return self.client.post(
            path, data=data, content_type=media, headers=self._headers(key, headers)
        )

    def submit(self, jws: str, query: str = "", **headers: str) -> TestResponse:
        return self.post(f"/v1/transactions{query}", raw=jws, media="application/jose", **headers)

    def _headers(self, key: str | None, more: dict[str, str]) -> dict[str, str]:
        text = {"secret": self.secret, "publishable": self.publishable}.get(key or "", key)
        found = {name.replace("_", "-"): value for name, value in more.items()}
        return found if text is None else {"Authorization": f"Bearer {text}", **found}

    # Signing.

    def payload(self, kind: str, /, ahead: int = HOUR, **members: Any) -> bytes:
        nonce = f"test-nonce-{next(self._nonces):010}"
        not_after = self.ledger.time() + ahead
        base = {"kind": kind, "ledger": self.ledger.id, "nonce": nonce, "not_after": not_after}
        return msgspec.json.encode(base | {name.rstrip("_"): v for name, v in members.items()})

    def sign(self, by: SigningKey | str, kind: str, /, ahead: int = HOUR, **members: Any) -> str:
        signer = self.key_of(by) if isinstance(by, str) else by
        payload = self.payload(kind, ahead, **members)
        return seal(payload, kid=signer.kid, typ="tenge-tx", sign=signer.sign)

    def request(self, till: str, total: str, /, ahead: int = HOUR, **members: Any) -> str:
        """A seeded till's request: in tenge and in tUSDT at the current rate."""
        from ledger.core.amount import Rate, amount_for, format_amount, parse_amount

        merchant = self.world.persona(self.world.till(till).merchant)
        rates = self.get("/v1/rates").json["rates"]
        rate = next(row for row in rates if row["asset"] == "tUSDT")
        units = amount_for(parse_amount(total, 2), 6, Rate.parse(rate["rate"]))
        tenders = [
            {"asset": "KZTD", "account": merchant.account("KZTD"), "amount": total},
            {"asset": "tUSDT", "account": merchant.account("tUSDT"),
             "amount": format_amount(units, 6), "rate": rate["id"]},
        ]  # fmt: skip
        key = self.key_of(f"{till}-till")
        members = {
            "total": total,
            "reference": "A-17",
            "reusable": False,
            "tenders": tenders,
        } | members
        return seal(
            self.payload("request/1", ahead, **members),
            kid=key.kid, typ="tenge-request", sign=key.sign,
        )  # fmt: skip

    def joined(self) -> Person:
        """A new person, onboarded over HTTP as a browser does."""
        key = SigningKey.from_seed(secrets.token_bytes(32))
        answer = self.post("/v1/sandbox/onboard", {"jwk": jwk_of(key)}, key="publishable")
        assert answer.status_code == 201, answer.json
        return Person(key, answer.json)

    def pay(self, person: Person, asset: str, request: str) -> str:
        return self.sign(person.key, "pay/1", from_=person.accounts[asset], request=request)

    def propose(self, by: SigningKey | str, kind: str, ahead: int = HOUR, **members: Any) -> str:
        """Something proposed for the other keys of a party; the proposal's id."""
        payload = self.payload(kind, **members).decode()
        ends_at = self.ledger.time() + ahead
        jws = self.sign(by, "propose/1", payload=payload, ends_at=ends_at)
        answer = self.submit(jws)
        assert answer.status_code == 201, answer.json
        return derived(jws, "proposal")

    def by_two(self, by: str, kind: str, **members: Any) -> int:
        """Something done by two officers of an institution; the index of the entry that did it."""
        id = self.propose(by, kind, **members)
        answer = self.submit(self.sign(f"{by}-2", "approve/1", proposal=id))
        assert answer.status_code == 201, answer.json
        index: int = answer.json["index"]
        return index

    def transfer(self, person: Person, to: str, amount: str = "1.00", asset: str = "KZTD") -> str:
        return self.sign(
            person.key, "transfer/1", from_=person.accounts[asset], to=to, amount=amount
        )


def key_of(persona: str) -> SigningKey:
    """A persona's key, the same in every run."""
    return SigningKey.from_seed(persona.encode().ljust(32, b"."))


def jwk_of(key: SigningKey) -> dict[str, str]:
    return {"kty": "OKP", "crv": "Ed25519", "x": b64(key.public_key)}


def id_of(jws: str) -> str:
    return str(read(jws.encode()).id)


def derived(jws: str, label: str) -> str:
    return b64(derive_key(read(jws.encode()).id, label))
