"""The coverage page is true: each of its 33 functions is done over HTTP, against a running sandbox,
with the kinds and calls that the page names.

What the page says is not built has no test here; what has a test, the page must claim.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.core.ids import TransactionId, b64, derive_key
from ledger.keyring import Keyring
from ledger.kinds import KINDS, read
from ledger.kinds.approve import Approve
from sandbox_api.client import PaymentRefused, Receipt, SandboxClient, Till, Wallet
from sandbox_api.keychest import persona_key
from sandbox_api.routes.table import ROUTES
from tests.builders import DAY
from tests.processes.running import Running

PAGE = Path(__file__).parents[2] / "docs" / "rosalind.md"
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \| ?[^|]*\|$", re.M)
NOT_BUILT = "**not built**"
DEPOSIT = "DEMOD"


class Counting(SandboxClient):
    """A client that remembers which kinds it submitted with success and which paths it called."""

    used: set[str]

    def submit(self, jws: str) -> Receipt:
        receipt = super().submit(jws)
        payload = read(jws.encode()).payload
        self.used.add(str(payload.__struct_config__.tag))
        if isinstance(payload, Approve):
            told = self.proposal(payload.proposal)
            assert told["status"] == "done"
            self.used.add(told["kind"])
        return receipt

    def _ask(self, method: str, path: str, **content: Any) -> Any:
        found = super()._ask(method, path, **content)
        self.used.add(f"{method} {template(method, '/v1' + path)}")
        return found


def template(method: str, path: str) -> str:
    """The route's path that a path is one of."""
    for route in ROUTES:
        form = re.sub(r"\{\w+\}", "[^/]+", route.path)
        if route.method == method and re.fullmatch(form, path):
            return route.path
    raise AssertionError(f"no route answers {method} {path}")


class Town:
    """A running sandbox: its institutions, their second officers, three people."""

    def __init__(self, running: Running) -> None:
        facts = running.facts
        self.url: str = facts["url"]
        self.client = Counting(facts["url"], facts["secret_key"])
        self.client.used = set()
        self._keyring = Keyring.open_or_create(Path(facts["data"]) / "keyring")
        self.personas = {one["name"]: one for one in facts["personas"]}
        self.bank = self.persona("bank")
        self.aigul, self.berik, self.dana = (Wallet.join(self.client) for _ in range(3))

    def persona(self, name: str) -> Wallet:
        accounts = self.personas.get(name.removesuffix("-2"), {}).get("accounts", {})
        return Wallet(self.client, persona_key(self._keyring, name), accounts)

    def party(self, wallet: Wallet) -> str:
        return str(self.client.get(f"/keys/{wallet.key.kid}")["owner"])

    def made(self, receipt: Receipt, label: str) -> str:
        return b64(derive_key(TransactionId.parse(receipt.id), label))

    def open(self, owner: Wallet, asset: str = "KZTD") -> str:
        """A further account of a client."""
        opened = self.bank.send("account/1", owner=self.party(owner), asset=asset)
        return self.made(opened, "account")

    def told(self, account: str) -> Any:
        return self.client.get(f"/accounts/{account}")

    def lock(self, **condition: str) -> str:
        locked = self.aigul.send(
            "lock/1", from_=self.aigul.accounts["KZTD"], to=self.berik.accounts["KZTD"],
            amount="10.00", ends_at=self.client.now() + DAY, condition=condition,
        )  # fmt: skip
        id = self.made(locked, "lock")
        assert self.told(id)["balance"] == "10.00"
        return id

    def consent(self) -> str:
        """Dana's service may pay from Aigul's account."""
        given = self.aigul.send(
            "consent/1", account=self.aigul.accounts["KZTD"], service=self.party(self.dana),
            scopes=["pay"], cap_payment="50.00", cap_day="100.00",
            ends_at=self.client.now() + DAY,
        )  # fmt: skip
        return self.made(given, "consent")

    def alias(self) -> dict[str, Any]:
        """A word for Aigul's account, drawn by the sandbox, and its commitment on the ledger."""
        named = self.client.name_alias("random", "Aigul Testova")
        self.aigul.send(
            "alias/1", alias=named["alias"], account=self.aigul.accounts["KZTD"], form="random",
            ends_at=None,
        )  # fmt: skip
        return named

    def ask(self) -> str:
        asked = self.berik.send(
            "ask/1", to=self.berik.accounts["KZTD"], amount="3.00", reference="lunch",
            payer=self.party(self.aigul), ends_at=self.client.now() + DAY,
        )  # fmt: skip
        return self.made(asked, "ask")

    def deposit(self) -> str:
        """Aigul's deposit at the demo bank, with 100.00 in it."""
        if all(row["code"] != DEPOSIT for row in self.client.get("/assets")["assets"]):
            self.persona("central-bank").send(
                "asset/1", code=DEPOSIT, asset_class="deposit", scale=2,
                issuer=self.personas["bank"]["party"],
            )  # fmt: skip
        deposit = self.open(self.aigul, DEPOSIT)
        self.persona("bank-2").approve(self.bank.propose("issue/1", to=deposit, amount="100.00"))
        return deposit


@pytest.fixture(scope="module")
def town() -> Iterator[Town]:
    running = Running("--ephemeral")
    try:
        yield Town(running)
    finally:
        running.end()


def open_account(town: Town) -> None:
    assert town.told(town.open(town.aigul, "tBTC"))["asset"] == "tBTC"


def read_account(town: Town) -> None:
    told = town.told(town.aigul.accounts["KZTD"])
    assert (told["owner"], told["kind"], told["status"]) == (
        town.party(town.aigul), "wallet", "open",
    )  # fmt: skip


def read_balance(town: Town) -> None:
    account = town.aigul.accounts["KZTD"]
    before = town.client.get(f"/accounts/{account}/balance")
    town.bank.transfer(account, "5.00")
    after = town.client.get(f"/accounts/{account}/balance")
    assert float(after["balance"]) == float(before["balance"]) + 5
    then = town.client.get(f"/accounts/{account}/balance", index=before["index"])
    assert then["balance"] == before["balance"]


def freeze(town: Town) -> str:
    account = Wallet.join(town.client).accounts["KZTD"]
    by_two_officers(town, "freeze/1", account=account, order="order 7")
    assert town.told(account)["status"] == "frozen"
    return account


def unfreeze(town: Town) -> None:
    account = freeze(town)
    by_two_officers(town, "unfreeze/1", account=account, order="order 8")
    assert town.told(account)["status"] == "open"


def by_two_officers(town: Town, kind: str, **members: str) -> None:
    supervisor = town.persona("supervisor")
    with pytest.raises(PaymentRefused):
        supervisor.send(kind, **members)
    town.persona("supervisor-2").approve(supervisor.propose(kind, **members))


def close_account(town: Town) -> None:
    account = town.open(town.aigul)
    town.aigul.send("account_close/1", account=account)
    assert town.told(account)["status"] == "closed"


def open_sub_account(town: Town) -> None:
    account = town.open(town.aigul)
    listed = town.client.accounts(town.party(town.aigul))
    tenge = [row["id"] for row in listed if row["asset"] == "KZTD"]
    assert {account, town.aigul.accounts["KZTD"]} <= set(tenge)


def create_alias(town: Town) -> None:
    named = town.alias()
    found = town.client.resolve(named["word"])
    assert found is not None
    assert found["alias"] == named["alias"]


def resolve_alias(town: Town) -> None:
    found = town.client.resolve(town.alias()["word"])
    assert found is not None
    assert found["name"] != "Aigul Testova"
    assert found["account"] == town.aigul.accounts["KZTD"]
    before = float(town.aigul.balance())
    wallet = town.berik.accounts["KZTD"]
    town.berik.send("alias_pay/1", from_=wallet, alias=found["alias"], amount="1.00")
    assert float(town.aigul.balance()) == before + 1
    assert town.client.resolve("no-such-word") is None


def delete_alias(town: Town) -> None:
    named = town.alias()
    town.aigul.send("alias_drop/1", alias=named["alias"])
    assert town.client.resolve(named["word"]) is None
    assert town.client.forget_alias(named["alias"])


def fund(town: Town) -> None:
    deposit, before = town.deposit(), float(town.aigul.balance())
    town.bank.send(
        "fund/1", deposit=deposit, wallet=town.aigul.accounts["KZTD"],
        settlement=town.bank.accounts["KZTD"], amount="40.00",
    )  # fmt: skip
    assert town.told(deposit)["balance"] == "60.00"
    assert float(town.aigul.balance()) == before + 40


def defund(town: Town) -> None:
    deposit, before = town.deposit(), float(town.aigul.balance())
    members = {
        "wallet": town.aigul.accounts["KZTD"], "deposit": deposit,
        "settlement": town.bank.accounts["KZTD"], "amount": "40.00",
    }  # fmt: skip
    with pytest.raises(PaymentRefused, match="One key is not enough"):
        town.bank.send("defund/1", **members)
    town.persona("bank-2").approve(town.bank.propose("defund/1", **members))
    assert town.told(deposit)["balance"] == "140.00"
    assert float(town.aigul.balance()) == before - 40


def pay(town: Town) -> None:
    till = Till.enrol(town.client, "cafe")
    request = till.ask("12.00")
    town.aigul.pay(request)
    paid = till.paid(request)
    assert paid is not None
    assert paid["amount"] == "12.00"
    before = float(town.berik.balance())
    town.aigul.transfer(town.berik.accounts["KZTD"], "2.00")
    assert float(town.berik.balance()) == before + 2


def split(town: Town) -> None:
    before = float(town.berik.balance()), float(town.dana.balance())
    shares = [
        {"to": town.berik.accounts["KZTD"], "amount": "1.00"},
        {"to": town.dana.accounts["KZTD"], "amount": "2.00"},
    ]
    town.aigul.send("split/1", from_=town.aigul.accounts["KZTD"], amount="3.00", shares=shares)
    assert (float(town.berik.balance()), float(town.dana.balance())) == (
        before[0] + 1, before[1] + 2,
    )  # fmt: skip


def request_to_pay(town: Town) -> None:
    asked = town.client.post(
        "/plain-asks",
        {
            "to": town.berik.accounts["KZTD"], "amount": "4.00", "reference": "bus",
            "ends_at": town.client.now() + DAY,
        },
    )  # fmt: skip
    assert town.client.plain_ask(asked["id"])["status"] == "open"
    before = float(town.berik.balance())
    town.aigul.pay_plain(asked)
    assert float(town.berik.balance()) == before + 4
    assert town.client.plain_ask(asked["id"])["status"] == "paid"


def authenticated_request(town: Town) -> None:
    before, ask = float(town.berik.balance()), town.ask()
    waiting = town.client.get(f"/parties/{town.party(town.aigul)}/asks")["asks"]
    assert ask in [one["id"] for one in waiting]
    town.aigul.send("ask_pay/1", ask=ask, from_=town.aigul.accounts["KZTD"])
    assert float(town.berik.balance()) == before + 3
    declined = town.ask()
    town.aigul.send("ask_decline/1", ask=declined)
    with pytest.raises(PaymentRefused):
        town.aigul.send("ask_pay/1", ask=declined, from_=town.aigul.accounts["KZTD"])


def payment_status(town: Town) -> None:
    jws = town.aigul.seal(
        "transfer/1", from_=town.aigul.accounts["KZTD"], to=town.berik.accounts["KZTD"],
        amount="1.00",
    )  # fmt: skip
    receipt = town.client.submit(jws)
    told = town.client.get(f"/transactions/{receipt.id}")
    assert (told["status"], told["index"]) == ("accepted", receipt.index)
    assert town.client.verify_receipt(jws, receipt).size > receipt.index
    with pytest.raises(PaymentRefused) as refused:
        town.aigul.transfer(town.berik.accounts["KZTD"], "9999999.00")
    again = town.client.get(f"/transactions/{refused.value.transaction}")
    assert (again["status"], again["reasons"][0]["code"]) == ("refused", "FUNDS")


def pay_in_session(town: Town) -> None:
    before = float(town.berik.balance())
    consent = town.consent()
    to = town.berik.accounts["KZTD"]
    town.dana.send("consent_pay/1", consent=consent, to=to, amount="50.00")
    assert float(town.berik.balance()) == before + 50
    with pytest.raises(PaymentRefused):
        town.dana.send("consent_pay/1", consent=consent, to=to, amount="50.01")


def refund(town: Town) -> None:
    till = Till.enrol(town.client, "market")
    request = till.ask("20.00")
    town.aigul.pay(request)
    before = float(town.aigul.balance())
    market = town.persona("market")
    for amount in ("15.00", "5.00"):
        market.send(
            "refund/1", payment=request.id, from_=market.accounts["KZTD"],
            to=town.aigul.accounts["KZTD"], amount=amount,
        )  # fmt: skip
    assert float(town.aigul.balance()) == before + 20


def two_party_lock(town: Town) -> None:
    town.lock(type="two_party")


def three_party_lock(town: Town) -> None:
    lock = town.lock(type="three_party", arbiter=town.party(town.dana))
    before = float(town.berik.balance())
    town.dana.send("release/1", lock=lock, preimage=None)
    assert float(town.berik.balance()) == before + 10


def hash_lock(town: Town) -> None:
    secret = secrets.token_bytes(16)
    lock = town.lock(type="hash", hash=b64(hashlib.sha256(secret).digest()))
    before = float(town.berik.balance())
    town.dana.send("release/1", lock=lock, preimage=b64(secret))
    assert float(town.berik.balance()) == before + 10


def read_lock(town: Town) -> None:
    told = town.client.get(f"/locks/{town.lock(type='two_party')}")
    assert (told["status"], told["amount"], told["condition"]) == ("locked", "10.00", "two_party")


def list_locks(town: Town) -> None:
    lock = town.lock(type="two_party")
    for wallet in (town.aigul, town.berik):
        locks, after = [], {}
        while after is not None:
            page = town.client.get(f"/accounts/{wallet.accounts['KZTD']}/locks", **after)
            locks += [one["id"] for one in page["locks"]]
            after = {"after": page["next"]} if page["next"] else None
        assert lock in locks


def release(town: Town) -> None:
    before = float(town.berik.balance())
    town.aigul.send("release/1", lock=town.lock(type="two_party"), preimage=None)
    assert float(town.berik.balance()) == before + 10


def cancel(town: Town) -> None:
    before = float(town.aigul.balance())
    town.berik.send("cancel/1", lock=town.lock(type="two_party"))
    assert float(town.aigul.balance()) == before


def extend(town: Town) -> None:
    lock = town.lock(type="two_party")
    ends_at = town.client.now() + 9 * DAY
    town.aigul.send("extend/1", lock=lock, ends_at=ends_at)
    assert town.client.get(f"/locks/{lock}")["ends_at"] == ends_at


def connect(town: Town) -> None:
    town.dana.send(
        "consent_pay/1", consent=town.consent(), to=town.berik.accounts["KZTD"], amount="1.00"
    )


def disconnect(town: Town) -> None:
    consent = town.consent()
    in_flight = town.dana.seal(
        "consent_pay/1", consent=consent, to=town.berik.accounts["KZTD"], amount="1.00"
    )
    town.aigul.send("consent_revoke/1", consent=consent)
    with pytest.raises(PaymentRefused):
        town.client.submit(in_flight)


def permissions(town: Town) -> None:
    consent = town.consent()
    account, service = town.aigul.accounts["KZTD"], town.party(town.dana)
    for path in (f"/accounts/{account}/consents", f"/parties/{service}/consents"):
        listed = {one["id"]: one for one in town.client.get(path, limit=200)["consents"]}
        assert listed[consent]["scopes"] == ["pay"]
        assert listed[consent] == town.client.get(f"/consents/{consent}")


def events_of(town: Town, after: int, account: str) -> list[Any]:
    page = town.client.get("/events", after=after, wait=5, account=account)
    return list(page["events"])


def trigger(town: Town) -> None:
    head = town.client.get("/events", limit=1)["head"]
    town.aigul.transfer(town.berik.accounts["KZTD"], "1.00")
    wanted = town.dana.transfer(town.berik.accounts["KZTD"], "1.00")
    found = events_of(town, head, town.dana.accounts["KZTD"])
    assert [event["id"] for event in found] == [wanted.id]


def subscribe(town: Town) -> None:
    cursor = town.client.get("/events", limit=1)["head"]
    sent = [town.aigul.transfer(town.berik.accounts["KZTD"], "1.00").id for _ in range(3)]
    found: list[str] = []
    while len(found) < len(sent):
        page = town.client.get("/events", after=cursor, wait=5, limit=1)
        found += [event["id"] for event in page["events"]]
        cursor = page["next"]
    assert found == sent


def directory(town: Town) -> None:
    told = {one["name"]: one["role"] for one in town.client.get("/sandbox")["personas"]}
    assert {"bank", "exchange", "central_bank"} <= set(told.values())
    answer = town.client._session.get(f"{town.url}/healthz", timeout=10)
    assert answer.json()["status"] == "ok"
    town.client.used.add("GET /healthz")


CALLS: dict[int, Callable[[Town], object]] = {
    1: open_account, 2: read_account, 3: read_balance, 4: freeze, 5: unfreeze,
    6: close_account, 7: open_sub_account, 8: create_alias, 9: resolve_alias, 10: delete_alias,
    11: fund, 12: defund, 13: pay, 14: split, 15: request_to_pay, 16: authenticated_request,
    17: payment_status, 18: pay_in_session, 19: refund, 20: two_party_lock, 21: three_party_lock,
    22: hash_lock, 23: read_lock, 24: list_locks, 25: release, 26: cancel, 27: extend, 28: connect,
    29: disconnect, 30: permissions, 31: trigger, 32: subscribe, 33: directory,
}  # fmt: skip
"""What is done for each function."""

ROWS = {int(n): (what, served) for n, what, served in ROW.findall(PAGE.read_text("utf-8"))}


def named(number: int) -> set[str]:
    """Kinds and calls that serve a function, as the page says."""
    return set(re.findall(r"`([^`]+)`", ROWS[number][1]))


def test_the_page_has_every_function_once() -> None:
    assert list(ROWS) == list(range(1, 34))


def test_what_is_done_here_and_nothing_else_is_claimed() -> None:
    claimed = {number for number, (_, served) in ROWS.items() if NOT_BUILT not in served}

    assert claimed == set(CALLS)
    assert all(named(number) for number in claimed)
    assert not any(named(number) for number in ROWS if number not in claimed)


def test_what_the_page_names_exists() -> None:
    kinds = {kind.name for kind in KINDS.values()}
    routes = {f"{route.method} {route.path}" for route in ROUTES}

    assert set().union(*map(named, ROWS)) <= kinds | routes


@pytest.mark.parametrize("number", CALLS, ids=lambda n: f"{n} {ROWS[n][0]}")
def test_a_function_is_served_as_the_page_says(town: Town, number: int) -> None:
    town.client.used.clear()

    CALLS[number](town)

    assert named(number) <= town.client.used
