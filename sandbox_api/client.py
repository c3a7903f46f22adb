"""The public client: what a program does to pay, to be paid, and to check what it is told.

    client = SandboxClient("http://127.0.0.1:8080", key="tpk_…")
    wallet = Wallet.join(client)              # a new key, welcomed by the demo bank with play money
    receipt = wallet.transfer(to=account, amount="12.00")

`SandboxClient` speaks HTTP, `Wallet` signs, `Till` asks for money. A key never leaves this
process. Whatever an answer was lost to (a network, a restart), the same bytes are sent again: their
id makes that safe, so no payment is left in doubt. A refusal raises `PaymentRefused`, which says
every reason. Not safe for threads: make one client each.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
import random
import secrets
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import requests
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from ledger.core.amount import TENGE_SCALE, Rate, amount_for, format_amount, parse_amount
from ledger.core.envelope import seal
from ledger.core.ids import TransactionId, b64, decode_segment, derive_key, unb64
from ledger.core.offline import from_text
from ledger.errors import LogDamaged
from ledger.keys import SigningKey, public_key_to_jwk
from ledger.log.checkpoint import Checkpoint
from ledger.log.leaf import decode_leaf
from sandbox_api.purse import OfflineRefused as OfflineRefused
from sandbox_api.purse import Purse as Purse
from sandbox_api.witness import Witness

DEFAULT_URL: Final = "http://127.0.0.1:8080"

VALID_FOR_MS: Final = 10 * 60_000
"""How long what a wallet or till signs may still be accepted."""

DAY_MS: Final = 86_400_000
"""How long a proposal waits, and money is held, unless said otherwise."""

PATIENCE_S: Final = 15.0
"""How long a request is tried again before `SandboxAway`."""

SILENCE_S: Final = 40.0
"""How long a stream may say nothing; the server says it is alive every 15 s."""

Json = dict[str, Any]


class SandboxProblem(Exception):
    """The sandbox said no (RFC 9457). `code` is stable and for programs, the text is for people."""

    def __init__(self, problem: Json) -> None:
        super().__init__(problem.get("detail") or problem.get("title") or "the sandbox said no")
        self.status: Final[int] = problem.get("status", 500)
        self.code: Final[str] = problem.get("code", "other")
        self.reasons: Final[list[Json]] = problem.get("reasons", [])
        self.request_id: Final[str] = problem.get("request_id", "")
        self.transaction: Final[str] = problem.get("id", "")
        self.retryable: Final[bool] = problem.get("retryable", self.status >= 500)


class PaymentRefused(SandboxProblem):
    """The ledger refused a transaction. `reasons` holds every failed check: code, rule, a sentence
    in the client's language, the legal basis, parameters."""


class SandboxAway(Exception):
    """No answer within `PATIENCE_S`. What was sent may have happened: send the same bytes again."""


class Receipt(msgspec.Struct, frozen=True):
    """Accepted and durable: entry `index` at `at` (ms UTC) in a log of `size` entries."""

    id: str
    index: int
    at: int
    size: int
    repeated: bool = False


class Request(msgspec.Struct, frozen=True):
    """A payment request as a till made it: its id, the link its QR code holds, the signed bytes."""

    id: str
    url: str
    jws: str


class Proposed(msgspec.Struct, frozen=True):
    """What was put before the other keys of a party: the proposal's id, and the entry of it."""

    id: str
    receipt: Receipt


class Held(msgspec.Struct, frozen=True):
    """Money that was reserved: the hold's id, and the entry of it."""

    id: str
    receipt: Receipt


class Consented(msgspec.Struct, frozen=True):
    """What a service may do with an account: the consent's id, and the entry that gave it."""

    id: str
    receipt: Receipt


class Quoted(msgspec.Struct, frozen=True):
    """What somebody signed to give and to get, good once until `not_after` (ms UTC): `sell` is what
    its taker pays, `buy` what it gets for that, each `{"asset", "amount"}`; `quote` the bytes."""

    id: str
    quote: str
    sell: dict[str, str]
    buy: dict[str, str]
    not_after: int


class SandboxClient:
    """The HTTP API of one sandbox. `lang`: language of sentences (kk, ru, en). `memory`: a file for
    the newest checkpoint seen, so that a log that shrank is noticed after a restart too."""

    def __init__(self, url: str, key: str, *, lang: str = "en", memory: Path | None = None) -> None:
        self.url: Final = url.rstrip("/")
        self.key: Final = key
        self.lang: Final = lang
        self.witness: Final = Witness(memory)
        self._session: Final = requests.Session()
        self._session.headers.update({"Authorization": f"Bearer {key}", "Accept-Language": lang})
        self._session.trust_env = False  # a proxy or netrc of this machine is none of ours
        self._ledger = ""
        self._ahead_ms = 0  # of the sandbox's time before this machine's

    @classmethod
    def from_environment(cls, *, secret: bool = False, lang: str = "en") -> SandboxClient:
        """The sandbox that `TENGE_URL` and `TENGE_KEY` name (`TENGE_SECRET_KEY` where `secret`), as
        `tenge up` prints them."""
        key = os.environ["TENGE_SECRET_KEY" if secret else "TENGE_KEY"]
        return cls(os.environ.get("TENGE_URL", DEFAULT_URL), key, lang=lang)

    def get(self, path: str, **query: object) -> Any:
        """Read a path under `/v1`, as JSON, or as text where it is text."""
        return self._ask("GET", path, params=query)

    def post(self, path: str, body: Json) -> Any:
        """Send JSON to a path under `/v1`."""
        return self._ask("POST", path, json=body)

    def submit(self, jws: str) -> Receipt:
        """Hand a signed transaction to the ledger, again and again until there is an answer.

        Raises PaymentRefused where it was refused, SandboxAway where nobody answered.
        """
        answer = self._ask("POST", "/transactions", data=jws, type_="application/jose")
        return msgspec.convert(answer, Receipt)

    def submit_many(self, lines: Iterable[str]) -> list[Receipt | PaymentRefused]:
        """Hand over many (1,000 at most); one result each, in order: a bad one spoils no other."""
        body = "\n".join(lines)
        text = self._ask("POST", "/transactions/batch", data=body, type_="application/x-ndjson")
        found = [msgspec.json.decode(line) for line in text.splitlines()]
        return [
            PaymentRefused(line["problem"]) if "problem" in line else msgspec.convert(line, Receipt)
            for line in found
        ]

    def dry_run(self, jws: str) -> Json:
        """What the ledger would say, with every rule's verdict; nothing is written."""
        query = {"dry_run": "true"}
        found: Json = self._ask(
            "POST", "/transactions", data=jws, type_="application/jose", params=query
        )
        return found

    def ledger(self) -> str:
        """The id of the ledger, which everything signed must name."""
        if not self._ledger:
            self.get("/sandbox")
        return self._ledger

    def now(self) -> int:
        """The sandbox's time, ms UTC, as far as the last answer tells: sign from this one."""
        self.ledger()
        return time.time_ns() // 1_000_000 + self._ahead_ms

    def balance(self, account: str) -> str:
        """What an account holds."""
        return str(self.get(f"/accounts/{account}")["balance"])

    def accounts(self, party: str, kind: str = "wallet") -> Iterator[Json]:
        """A party's accounts of one kind, oldest first: `wallet`, `hold`, `lock`, `held`, `reserve`
        or `issue`; each `{id, asset, kind, mark, status, balance, …}`."""
        return self._pages(f"/parties/{party}/accounts", "accounts", kind=kind)

    def asks(self, party: str, *, side: str = "payer") -> Iterator[Json]:
        """Open requests that a party is asked to pay, or with `side="payee"` all it made."""
        return self._pages(f"/parties/{party}/asks", "asks", side=side)

    def ask(self, id: str) -> Json:
        """A request to pay: who asks whom for what, and what became of it."""
        found: Json = self.get(f"/asks/{id}")
        return found

    def plain_ask(self, id: str) -> Json:
        """A plain request to pay, with its payment where one quotes it."""
        found: Json = self.get(f"/plain-asks/{id}")
        return found

    def proposals(self, party: str) -> Iterator[Json]:
        """What waits for further keys of a party, page by page."""
        return self._pages(f"/parties/{party}/proposals", "proposals")

    def proposal(self, id: str) -> Json:
        """A proposal: what is to be done, which keys agreed, how many must, what became of it."""
        found: Json = self.get(f"/proposals/{id}")
        return found

    def keys(self, party: str) -> Iterator[Json]:
        """A party's keys, page by page: `kid`, `jwk`, `status` (active, pending, revoked)."""
        return self._pages(f"/parties/{party}/keys", "keys")

    def recoveries(self, party: str) -> Iterator[Json]:
        """A party's recoveries, page by page, open or over."""
        return self._pages(f"/parties/{party}/recoveries", "recoveries")

    def put_record(self, party: str, body: str, retain_until: int, kind: str = "document") -> Json:
        """Keep a record of a party beside the log until `retain_until` (ms UTC); needs a secret
        key. `kind`: document or identity_proof. Its `commitment` is what the log may hold of it."""
        salt = b64(secrets.token_bytes(16))
        asked = {"party": party, "kind": kind, "salt": salt, "body": body}
        found: Json = self.post("/records", {**asked, "retain_until": retain_until})
        return found

    def delete_record(self, id: str) -> None:
        """Delete a record whose term is over; SandboxProblem `record.retained` where it is not."""
        self._ask("DELETE", f"/records/{id}")

    def file_of(self, party: str) -> Json:
        """All that the sandbox has of a party, its records with their bodies; needs a secret
        key."""
        found: Json = self.get(f"/parties/{party}/file")
        return found

    def holds(self, account: str) -> Iterator[Json]:
        """What is held from an account or for it, and open, page by page."""
        return self._pages(f"/accounts/{account}/holds", "holds")

    def hold(self, id: str) -> Json:
        """A hold: what was held for whom, what was captured, what is left."""
        found: Json = self.get(f"/holds/{id}")
        return found

    def venues(self) -> Iterator[Json]:
        """Licensed exchanges, page by page: `venue` (a party), `assets`, `status`."""
        return self._pages("/venues", "venues")

    def quote(
        self,
        sell: str,
        buy: str,
        *,
        sell_amount: str | None = None,
        buy_amount: str | None = None,
        taker: str | None = None,
    ) -> Quoted:
        """Ask the demo exchange for a price, with one of the amounts; SandboxProblem `price_source`
        where it has none now."""
        wanted = {
            "sell": sell, "buy": buy, "sell_amount": sell_amount, "buy_amount": buy_amount,
            "taker": taker,
        }  # fmt: skip
        return msgspec.convert(self.post("/quotes", wanted), Quoted)

    def quote_of(self, id: str) -> Json:
        """What the ledger knows of a quote: `status` is open, used or expired."""
        found: Json = self.get(f"/quotes/{id}")
        return found

    def link(self, account: str) -> Json:
        """The deposit that a bank linked this wallet to; SandboxProblem `not_found` without one."""
        found: Json = self.get(f"/accounts/{account}/link")
        return found

    def reserve(self, index: int | None = None, *, at: int | None = None) -> dict[str, str]:
        """What the central bank's reserve holds of each asset ever seized: now, just after an
        entry, or at a time (ms UTC)."""
        asked = {"index": index, "at": at}
        query = {name: value for name, value in asked.items() if value is not None}
        return {row["asset"]: row["amount"] for row in self.get("/reserve", **query)["holdings"]}

    def consent(self, id: str) -> Json:
        """A consent: whose, to whom, scopes, caps, what is left today, what became of it."""
        found: Json = self.get(f"/consents/{id}")
        return found

    def resolve(self, word: str) -> Json | None:
        """Who is paid under a phone number or another word: `name` (masked) to confirm, `alias`,
        `account`, `asset`; None where nobody is. Few words a minute: ask for one that was given."""
        found: Json = self.post("/aliases/resolve", {"word": word})
        return found if found["found"] else None

    def name_alias(self, form: str, name: str, word: str | None = None) -> Json:
        """Keep the record of a word (drawn where `form` is `random` or `one_time`), with a secret
        key: `alias` is what to bind with `alias/1`."""
        body = {"form": form, "name": name, "word": word}
        found: Json = self.post("/aliases", body)
        return found

    def forget_alias(self, alias: str) -> bool:
        """Have word and name of an alias forgotten; whether they were known."""
        return bool(self._ask("DELETE", f"/aliases/{alias}")["forgotten"])

    def purse(self, id: str) -> Json:
        """A purse: its terms, what is on it as the ledger sees it, what became of it."""
        found: Json = self.get(f"/purses/{id}")
        return found

    def purses(self, account: str) -> Iterator[Json]:
        """Purses that are emptied into a wallet, page by page."""
        return self._pages(f"/accounts/{account}/purses", "purses")

    def offline_payments(self, account: str) -> Iterator[Json]:
        """Offline payments of a purse, or to an account, that the ledger has settled."""
        return self._pages(f"/accounts/{account}/offline-payments", "payments")

    def refresh_purse(self, purse: Purse) -> None:
        """Give a device the newest notice, and its newest certificate."""
        purse.take_notice(_form(self.get("/offline-notice")))
        purse.take_certificate(_form(self.get(f"/purses/{purse.id}/certificate")))

    def lock(self, id: str) -> Json:
        """A lock: for whom, on which condition, until when, and what became of it."""
        found: Json = self.get(f"/locks/{id}")
        return found

    def locks(self, *, account: str = "", hash: str = "") -> Iterator[Json]:
        """Locks by or for an account, or those that one secret opens, page by page."""
        path, query = (f"/accounts/{account}/locks", {}) if account else ("/locks", {"hash": hash})
        while True:
            page = self.get(path, **query)
            yield from page["locks"]
            if page["next"] is None:
                return
            query["after"] = page["next"]

    def mark(self, id: str) -> Json:
        """A mark: its policy as it was signed, the marks above it, and whether it lasts."""
        found: Json = self.get(f"/marks/{id}")
        return found

    def marks(self, party: str) -> Iterator[Json]:
        """Marks that a party began, page by page."""
        yield from self._pages(f"/parties/{party}/marks", "marks")

    def mark_accounts(self, mark: str) -> Iterator[Json]:
        """Accounts that bear a mark, of holds and locks too, page by page."""
        yield from self._pages(f"/marks/{mark}/accounts", "accounts")

    def budget(self, mark: str, index: int | None = None) -> Json:
        """What became of all that was allocated to a mark, just after an entry (now where it is
        None): `allocated` = `paid` + `held` + `returned`; `marks` has each mark below it too."""
        found: Json = self.get(f"/marks/{mark}/budget", index=index)
        return found

    def budget_line(self, line: str) -> Iterator[Json]:
        """The budgets of every mark under this line, page by page."""
        yield from self._pages("/budget-lines", "budgets", line=line)

    def trace(self, mark: str) -> Iterator[Json]:
        """Each step of a mark's money, oldest first: what became of it, from whom to whom."""
        yield from self._pages(f"/marks/{mark}/trace", "steps")

    def taxpayer(self, party: str) -> Json:
        """A taxpayer: its VAT account, what it has filed, and its books, where
        `output` - `input` = `paid` + `balance` - `credit`."""
        found: Json = self.get(f"/taxpayers/{party}")
        return found

    def vat_claims(self, taxpayer: str) -> Iterator[Json]:
        """All claims of VAT that a taxpayer made, page by page."""
        yield from self._pages(f"/taxpayers/{taxpayer}/claims", "claims")

    def vat_claim(self, id: str) -> Json:
        """A claim of VAT: when it is due, and what became of it."""
        found: Json = self.get(f"/vat-claims/{id}")
        return found

    def vat_of(self, payment: str) -> Json:
        """The VAT in a payment, by the payment's id."""
        found: Json = self.get(f"/payments/{payment}/vat")
        return found

    def follow(
        self,
        after: int | None = None,
        *,
        accounts: Iterable[str] = (),
        requests: Iterable[str] = (),
    ) -> Iterator[Json]:
        """Events as they happen, each once and in order, without end.

        `after`: the last `seq` seen, None for "from now". A lost connection is taken up again where
        it broke off; only a problem that would come again (a bad key) ends it, as SandboxProblem.
        """
        hello = {"accounts": list(accounts), "requests": list(requests), "lang": self.lang}
        tries = 0
        while True:
            try:
                for message in self._stream({"key": self.key, "after": after, **hello}):
                    tries = 0
                    if "seq" in message:
                        after = message["seq"]
                        yield message
                    elif "hello" in message and after is None:
                        after = message["hello"]["head"]
            except (OSError, TimeoutError, WebSocketException):
                tries += 1
                time.sleep(_pause(tries))

    def check_log(self) -> Checkpoint:
        """The log's newest checkpoint, after showing that it continues the last one seen here.

        Raises `witness.LogForked` where the log shrank, forked or was rewritten.
        """

        def proof(old: int, new: int) -> list[bytes]:
            found = self.get("/log/proof/consistency", **{"from": old, "to": new})
            return [base64.b64decode(text, validate=True) for text in found["hashes"]]

        vkey = "" if self.witness.key else self.get("/sandbox")["log_key"]
        return self.witness.see(self.get("/log/checkpoint"), vkey, proof)

    def verify_receipt(self, jws: str, receipt: Receipt) -> Checkpoint:
        """Prove that the log holds these very bytes; raises LogDamaged if not.

        The log's line for them must lead, by the receipt's path, to a root that the log's key
        signed and that continues every root seen here before.
        """
        self.check_log()
        line = self.get(f"/transactions/{receipt.id}")["leaf"].encode()
        leaf = decode_leaf(line)
        if (leaf.tx, leaf.index) != (jws, receipt.index):
            raise LogDamaged("the log's line is of another transaction", receipt.index)
        return self.witness.check_receipt(line, self.get(f"/receipts/{receipt.id}"))

    def _pages(self, path: str, rows: str, **query: object) -> Iterator[Json]:
        """All rows of what comes in pages."""
        while True:
            page = self.get(path, **query)
            yield from page[rows]
            if page["next"] is None:
                return
            query["after"] = page["next"]

    def _stream(self, first: Json) -> Iterator[Json]:
        with connect(self.get("/sandbox")["stream_url"], proxy=None) as socket:
            socket.send(msgspec.json.encode(first).decode())
            while True:
                message: Json = msgspec.json.decode(socket.recv(timeout=SILENCE_S))
                if "problem" in message:
                    raise _problem(message["problem"])
                yield message

    def _ask(self, method: str, path: str, *, type_: str = "", **content: Any) -> Any:
        """One request, tried again while there is hope. Everything here may safely be repeated."""
        headers = {"Content-Type": type_} if type_ else {}
        until = time.monotonic() + PATIENCE_S
        tries = 0
        while True:
            try:
                answer = self._session.request(
                    method, f"{self.url}/v1{path}", headers=headers, timeout=PATIENCE_S, **content
                )
                self._heard(answer.headers)
                if answer.ok:
                    is_json = answer.headers["Content-Type"] == "application/json"
                    return answer.json() if is_json else answer.text
                failed: Exception = _problem(_body(answer))
                if not (isinstance(failed, SandboxProblem) and failed.retryable):
                    raise failed
            except requests.RequestException as error:
                failed = SandboxAway(f"no answer from {self.url}: {error}")
            tries += 1
            if time.monotonic() + (pause := _pause(tries)) > until:
                raise failed
            time.sleep(pause)

    def _heard(self, headers: Mapping[str, str]) -> None:
        self._ledger = headers.get("Tenge-Ledger", self._ledger)
        if "Tenge-Time" in headers:
            self._ahead_ms = int(headers["Tenge-Time"]) - time.time_ns() // 1_000_000


class Wallet:
    """Signs for one party with one key. `accounts`: the party's account ids by asset."""

    def __init__(
        self, client: SandboxClient, key: SigningKey, accounts: Mapping[str, str] | None = None
    ) -> None:
        self.client: Final = client
        self.key: Final = key
        self.accounts: Final = dict(accounts or {})

    @classmethod
    def join(cls, client: SandboxClient, key: SigningKey | None = None) -> Wallet:
        """Become a client of the demo bank: with a new key, or again with one that is known."""
        key = key or SigningKey.generate()
        joined = client.post("/sandbox/onboard", {"jwk": public_key_to_jwk(key.public_key)})
        return cls(client, key, _by_asset(joined["accounts"]))

    @classmethod
    def persona(cls, client: SandboxClient, name: str) -> Wallet:
        """Act for one of the sandbox's invented parties (`bank`, `supervisor`, …), or as a second
        officer of one (`central-bank-2`), on the machine where it runs: `tenge keys show` gives the
        key, from the data folder in `TENGE_DATA`."""
        command = [sys.executable, "-m", "sandbox_api", "keys", "show", name]
        if "TENGE_DATA" in os.environ:
            command += ["--data", os.environ["TENGE_DATA"]]
        shown = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - ours
        if shown.returncode:
            raise ValueError(shown.stderr.strip())
        key = SigningKey.from_jwk(json.loads(shown.stdout))
        accounts: list[Json] = next(
            (
                one["accounts"]
                for one in client.get("/sandbox")["personas"]
                if name in (one["name"], *one["officers"])
            ),
            [],
        )
        return cls(client, key, {row["asset"]: row["id"] for row in accounts})

    def seal(self, kind: str, **members: object) -> str:
        """Sign a transaction and send nothing. `from_` stands for the member `from`."""
        payload = _payload(self.client, kind, members)
        return seal(payload, kid=self.key.kid, typ="tenge-tx", sign=self.key.sign)

    def send(self, kind: str, **members: object) -> Receipt:
        """Sign a transaction of any kind and submit it: `send("zone_suspend/1", zone=id)`."""
        return self.client.submit(self.seal(kind, **members))

    def transfer(self, to: str, amount: str, asset: str = "KZTD") -> Receipt:
        """Move money to another account of the same asset."""
        return self.send("transfer/1", from_=self.accounts[asset], to=to, amount=amount)

    def pay(self, request: Request | str, asset: str = "KZTD") -> Receipt:
        """Pay a till's request with one of the tenders it offers."""
        jws = request.jws if isinstance(request, Request) else request
        return self.send("pay/1", from_=self.accounts[asset], request=jws)

    def pay_mixed(self, request: Request | str, parts: Mapping[str, str]) -> Receipt:
        """Pay a till's request from several accounts in tenge at once, amount by account: a voucher
        the goods that it is for, ordinary tenge the rest."""
        jws = request.jws if isinstance(request, Request) else request
        rows = [{"from": account, "amount": amount} for account, amount in parts.items()]
        return self.send("pay_mixed/1", request=jws, parts=rows)

    def confirm(self, mark: str, event: str, payee: str, amount: str) -> Receipt:
        """Say, as an oracle that a mark names, that a payee (party) has earned so much of it."""
        members = {"mark": mark, "event": event, "payee": payee, "amount": amount}
        payload = _payload(self.client, "event/1", members)
        jws = seal(payload, kid=self.key.kid, typ="tenge-event", sign=self.key.sign)
        return self.send("confirm/1", event=jws)

    def invoice(
        self, lines: Iterable[tuple[str, str]], *, reference: str = "", ends_at: int | None = None
    ) -> str:
        """A signed invoice of this taxpayer's, to be handed to the buyer: lines of VAT category and
        gross amount. It can be paid until `ends_at` (ms UTC; an hour from now)."""
        members: Json = {
            "account": self.accounts["KZTD"], "reference": reference or "invoice",
            "lines": [{"category": category, "amount": amount} for category, amount in lines],
        }  # fmt: skip
        payload = _payload(self.client, "invoice/1", members)
        if ends_at is not None:
            payload = msgspec.json.encode(msgspec.json.decode(payload) | {"not_after": ends_at})
        return seal(payload, kid=self.key.kid, typ="tenge-request", sign=self.key.sign)

    def pay_invoice(self, invoice: str, *, with_vat: bool = False) -> str:
        """Pay a taxpayer's invoice, `with_vat` its VAT part from one's own VAT account. The
        payment's id."""
        from_vat = self.vat_account() if with_vat else None
        receipt = self.send(
            "invoice_pay/1", from_=self.accounts["KZTD"], from_vat=from_vat, invoice=invoice
        )
        payment: str = self.client.get(f"/transactions/{receipt.id}")["facts"]["payment"]
        return payment

    def vat_account(self) -> str:
        """The VAT account of this taxpayer."""
        account: str = self.client.taxpayer(self.party())["account"]
        return account

    def pay_vat(self, amount: str) -> Receipt:
        """Pay VAT to the budget."""
        return self.send("vat_pay/1", from_=self.vat_account(), amount=amount)

    def claim_vat(self, payments: Iterable[str]) -> str:
        """Claim back the VAT in payments of this exporter's. The claim's id."""
        receipt = self.send("vat_claim/1", payments=list(payments), to=self.accounts["KZTD"])
        claim: str = self.client.get(f"/transactions/{receipt.id}")["facts"]["claim"]
        return claim

    def quote(
        self, sell: str, buy: str, *, sell_amount: str | None = None, buy_amount: str | None = None
    ) -> Quoted:
        """A price of the demo exchange that this party alone may take."""
        return self.client.quote(
            sell, buy, sell_amount=sell_amount, buy_amount=buy_amount, taker=self.party()
        )

    def exchange(self, quote: Quoted) -> Receipt:
        """Take an exchange's quote: both assets move, or neither."""
        return self._take("exchange/1", quote)

    def convert_pay(self, request: Request | str, quote: Quoted) -> Receipt:
        """Pay a till's request with what a quote sells; it must buy exactly the total in tenge."""
        jws = request.jws if isinstance(request, Request) else request
        source = self.accounts[quote.sell["asset"]]
        return self.send("convert_pay/1", from_=source, request=jws, quote=quote.quote)

    def offer(
        self, give: tuple[str, str], get: tuple[str, str], *, taker: str | None = None
    ) -> Quoted:
        """Sign an offer of this party, for a few minutes: asset and amount of what it gives, and of
        what it gets. Nothing is sent: hand it to whoever may take it."""
        gives, gets = (
            {"account": self.accounts[asset], "asset": asset, "amount": amount}
            for asset, amount in (give, get)
        )
        members = {"gives": gives, "gets": gets, "taker": taker}
        payload = _payload(self.client, "quote/1", members)
        jws = seal(payload, kid=self.key.kid, typ="tenge-quote", sign=self.key.sign)
        id, not_after = _statement_id(payload, "quote")
        return Quoted(id, jws, _side(get), _side(give), not_after)

    def deliver(self, offer: Quoted) -> Receipt:
        """Take an offer of a title or security token for tenge: delivery against payment."""
        return self._take("deliver/1", offer)

    def _take(self, kind: str, quote: Quoted) -> Receipt:
        source, target = self.accounts[quote.sell["asset"]], self.accounts[quote.buy["asset"]]
        return self.send(kind, from_=source, to=target, quote=quote.quote)

    def pay_alias(self, alias: str, amount: str, asset: str = "KZTD") -> Receipt:
        """Pay whom an alias names (`alias` of what `resolve` found). A one-time alias is spent."""
        return self.send("alias_pay/1", from_=self.accounts[asset], alias=alias, amount=amount)

    def consent(
        self,
        service: str,
        *,
        scopes: Iterable[str],
        cap_payment: str,
        cap_day: str,
        ends_at: int,
        asset: str = "KZTD",
    ) -> Consented:
        """Let a service (a party) start payments from an account of this wallet."""
        receipt = self.send(
            "consent/1", account=self.accounts[asset], service=service, scopes=list(scopes),
            cap_payment=cap_payment, cap_day=cap_day, ends_at=ends_at,
        )  # fmt: skip
        return Consented(b64(derive_key(TransactionId.parse(receipt.id), "consent")), receipt)

    def pay_by_consent(self, consent: Consented | str, to: str, amount: str) -> Receipt:
        """Pay, as the service, from the account of a consent."""
        return self.send("consent_pay/1", consent=_id_of(consent), to=to, amount=amount)

    def revoke_consent(self, consent: Consented | str) -> Receipt:
        """End a consent at once, as who gave it or as its service."""
        return self.send("consent_revoke/1", consent=_id_of(consent))

    def lock(
        self,
        to: str,
        amount: str,
        *,
        ends_at: int | None = None,
        arbiter: str = "",
        hash: str = "",
        asset: str = "KZTD",
    ) -> str:
        """Lock money for an account until `ends_at` (ms UTC; a day from now): this party releases
        it, or where they are named, the party `arbiter`, or whoever shows the bytes whose SHA-256
        `hash` is. Returns the lock's id."""
        condition: Json = {"type": "two_party"}
        if arbiter:
            condition = {"type": "three_party", "arbiter": arbiter}
        elif hash:
            condition = {"type": "hash", "hash": hash}
        receipt = self.send(
            "lock/1", from_=self.accounts[asset], to=to, amount=amount, condition=condition,
            ends_at=self.client.now() + DAY_MS if ends_at is None else ends_at,
        )  # fmt: skip
        return b64(derive_key(TransactionId.parse(receipt.id), "lock"))

    def release(self, lock: str, preimage: bytes | None = None) -> Receipt:
        """Let what is locked go to the payee; a hash lock opens to its `preimage` alone."""
        shown = None if preimage is None else b64(preimage)
        return self.send("release/1", lock=lock, preimage=shown)

    def cancel(self, lock: str) -> Receipt:
        """Give what is locked back to the payer: the payee's or the arbiter's to do."""
        return self.send("cancel/1", lock=lock)

    def extend(self, lock: str, ends_at: int) -> Receipt:
        """Let a lock of this party's end later (ms UTC)."""
        return self.send("extend/1", lock=lock, ends_at=ends_at)

    def propose(self, kind: str, *, ends_at: int | None = None, **members: object) -> Proposed:
        """Put a transaction of any kind before the other keys of this party: what takes two
        officers. It waits until `ends_at` (ms UTC; a day from now), thirty days at most."""
        payload = _payload(self.client, kind, members).decode()
        ends_at = self.client.now() + DAY_MS if ends_at is None else ends_at
        receipt = self.send("propose/1", payload=payload, ends_at=ends_at)
        return Proposed(b64(derive_key(TransactionId.parse(receipt.id), "proposal")), receipt)

    def approve(self, proposal: Proposed | str) -> Receipt:
        """Agree to what another key of this party proposed. The approval that makes the number full
        does it; PaymentRefused where that is refused, and the proposal stays open."""
        return self.send("approve/1", proposal=_id_of(proposal))

    def withdraw(self, proposal: Proposed | str) -> Receipt:
        """Take a proposal of this party back."""
        return self.send("withdraw/1", proposal=_id_of(proposal))

    def party(self) -> str:
        """The id of the party that this key acts for."""
        return str(self.client.get(f"/keys/{self.key.kid}")["owner"])

    def add_key(self, key: SigningKey) -> Receipt:
        """Register one more device of this party."""
        return self.send("key/1", party=self.party(), key=b64(key.public_key))

    def revoke(self, kid: str) -> Receipt:
        """End a key: of this party, or where this is its bank, of a client's. For good."""
        return self.send("key_revoke/1", kid=kid)

    def rotate(self, key: SigningKey) -> Wallet:
        """Take `key` into use instead of this wallet's own, which signs nothing any more; the
        wallet with the new key. Keep it safe first: whatever interrupts this, calling it once more
        with the same key finishes it."""
        status = {one["kid"]: one["status"] for one in self.client.keys(self.party())}
        if key.kid not in status:
            self.add_key(key)
        renewed = Wallet(self.client, key, self.accounts)
        if key.kid != self.key.kid and status[self.key.kid] == "active":
            renewed.revoke(self.key.kid)
        return renewed

    def hold(
        self, to: str, amount: str, asset: str = "KZTD", *, ends_at: int | None = None
    ) -> Held:
        """Reserve money for the owner of an account of the same asset, who may capture it until
        `ends_at` (ms UTC; a day from now), thirty days at most."""
        return self._held("hold/1", asset, ends_at, to=to, amount=amount)

    def hold_request(
        self, request: Request | str, asset: str = "KZTD", *, ends_at: int | None = None
    ) -> Held:
        """Reserve what a till asks for, instead of paying it."""
        jws = request.jws if isinstance(request, Request) else request
        return self._held("hold_request/1", asset, ends_at, request=jws)

    def capture(self, hold: Held | str, amount: str, *, last: bool = False) -> Receipt:
        """Take a part of what is held for this party; with the `last` the rest goes back."""
        return self.send("capture/1", hold=_id_of(hold), amount=amount, last=last)

    def void(self, hold: Held | str) -> Receipt:
        """Let go of what is left of a hold for this party."""
        return self.send("void/1", hold=_id_of(hold))

    def _held(self, kind: str, asset: str, ends_at: int | None, **members: object) -> Held:
        ends_at = self.client.now() + DAY_MS if ends_at is None else ends_at
        receipt = self.send(kind, from_=self.accounts[asset], ends_at=ends_at, **members)
        return Held(b64(derive_key(TransactionId.parse(receipt.id), "hold")), receipt)

    def open_purse(
        self, key: SigningKey | None = None, *, asset: str = "KZTD", file: Path | None = None
    ) -> Purse:
        """Have the demo bank make a device a purse of this wallet's (`file`: where it is kept). It
        trusts the central bank's key that the sandbox names now. A key whose purse was loaded
        before is refused (ValueError): a device begun anew would contradict what it has signed."""
        key = key or SigningKey.generate()
        home = self.accounts[asset]
        body = {"jwk": public_key_to_jwk(key.public_key), "home": home}
        made = self.client.post("/sandbox/purses", body)
        if parse_amount(made["loaded"], TENGE_SCALE, zero=True):
            raise ValueError("this key has a purse already: open it from where it is kept")
        trusted = unb64(self.client.get("/offline-notice")["signer"]["x"], 32)
        purse = Purse.make(
            key, ledger=self.client.ledger(), central_bank=trusted, home=home, file=file
        )
        self.client.refresh_purse(purse)
        return purse

    def load_purse(self, purse: Purse, amount: str, asset: str = "KZTD") -> Receipt:
        """Put money on a purse of this wallet's owner (`purse_load/1`), and tell the device."""
        receipt = self.send(
            "purse_load/1", from_=self.accounts[asset], purse=purse.id, amount=amount
        )
        self.client.refresh_purse(purse)
        return receipt

    def deposit_purse(self, purse: Purse) -> list[Receipt]:
        """Bring in all that a purse holds, into the wallet behind it (`purse_unload/1`)."""
        receipts: list[Receipt] = []
        for chain in purse.empty(self.client.now()):
            receipts.append(self.send("purse_unload/1", chain=chain))
            purse.emptied(chain)
        return receipts

    def block_purse(self, purse: Purse | str) -> Receipt:
        """Freeze a purse whose device is lost (`purse_block/1`)."""
        id = purse if isinstance(purse, str) else purse.id
        return self.send("purse_block/1", purse=id)

    def deposit_payment(self, code: str) -> Receipt:
        """Bring in a payment made offline, whoever it is to (`purse_deposit/1`). `code`: the text
        of its QR code."""
        return self.send("purse_deposit/1", chain=b64(from_text(code)))

    def fund(self, amount: str, asset: str = "KZTD") -> Receipt:
        """Turn deposit money into digital tenge, where the bank has linked this wallet to a deposit
        (`fund/1`)."""
        return self._convert("fund/1", amount, asset)

    def defund(self, amount: str, asset: str = "KZTD") -> Receipt:
        """Turn digital tenge back into deposit money (`defund/1`)."""
        return self._convert("defund/1", amount, asset)

    def _convert(self, kind: str, amount: str, asset: str) -> Receipt:
        link = self.client.link(self.accounts[asset])
        members = {name: link[name] for name in ("wallet", "deposit", "settlement")}
        return self.send(kind, amount=amount, **members)

    def split(self, shares: Mapping[str, str], asset: str = "KZTD") -> Receipt:
        """Pay several accounts at once, all or nothing. `shares`: account to amount."""
        scale = len(next(iter(shares.values())).partition(".")[2])
        total = format_amount(sum(parse_amount(each, scale) for each in shares.values()), scale)
        rows = [{"to": to, "amount": amount} for to, amount in shares.items()]
        return self.send("split/1", from_=self.accounts[asset], amount=total, shares=rows)

    def ask(
        self,
        amount: str,
        reference: str,
        *,
        payer: str | None = None,
        from_: str | None = None,
        asset: str = "KZTD",
        ends_at: int | None = None,
    ) -> str:
        """Ask a party (`payer`), or the owner of an account (`from_`), to pay until `ends_at` (ms
        UTC; a day from now). The request's id."""
        receipt = self.send(
            "ask/1", to=self.accounts[asset], amount=amount, reference=reference, payer=payer,
            from_=from_, ends_at=self.client.now() + DAY_MS if ends_at is None else ends_at,
        )  # fmt: skip
        return b64(derive_key(TransactionId.parse(receipt.id), "ask"))

    def pay_ask(self, ask: str, asset: str = "KZTD") -> Receipt:
        """Approve a request to pay, and pay it."""
        return self.send("ask_pay/1", ask=ask, from_=self.accounts[asset])

    def decline_ask(self, ask: str) -> Receipt:
        """Say no to a request to pay."""
        return self.send("ask_decline/1", ask=ask)

    def withdraw_ask(self, ask: str) -> Receipt:
        """Take a request of this party back."""
        return self.send("ask_withdraw/1", ask=ask)

    def pay_plain(self, ask: Json) -> Receipt:
        """Pay a plain request (`SandboxClient.plain_ask`): a transfer whose nonce is its id."""
        return self.send(
            "transfer/1", nonce=ask["id"], from_=self.accounts[ask["asset"]], to=ask["to"],
            amount=ask["amount"],
        )  # fmt: skip

    def balance(self, asset: str = "KZTD") -> str:
        """What this wallet holds of an asset."""
        return self.client.balance(self.accounts[asset])


class Till:
    """A device that asks for money in a merchant's name; a bank certified its key and place."""

    def __init__(self, client: SandboxClient, key: SigningKey, accounts: Mapping[str, str]) -> None:
        self.client: Final = client
        self.key: Final = key
        self.accounts: Final = dict(accounts)

    @classmethod
    def enrol(cls, client: SandboxClient, till: str, key: SigningKey | None = None) -> Till:
        """Become one of the sandbox's tills: `market` (no zone) or `cafe` (in the testing zone)."""
        key = key or SigningKey.generate()
        body = {"jwk": public_key_to_jwk(key.public_key), "till": till}
        enrolled = client.post("/sandbox/tills", body)
        return cls(client, key, _by_asset(enrolled["accounts"]))

    def ask(
        self,
        total: str,
        *,
        reference: str = "",
        crypto: Iterable[str] = (),
        lines: Mapping[str, str] | None = None,
        vat: str = "",
    ) -> Request:
        """Ask for `total` tenge, or for as much of a crypto asset as its newest rate says. `lines`:
        what is sold, amount by code of goods, together the total: marked money may ask for it.
        `vat`: a category, by which the VAT in it goes to the merchant's VAT account."""
        tenders = [{"asset": "KZTD", "account": self.accounts["KZTD"], "amount": total}]
        tenders += [self._tender(asset, total) for asset in crypto]
        members: Json = {
            "total": total, "reference": reference, "reusable": False, "tenders": tenders,
        }  # fmt: skip
        if lines:
            members["lines"] = [{"code": code, "amount": one} for code, one in lines.items()]
        if vat:
            members["vat"] = vat
        payload = _payload(self.client, "request/1", members)
        jws = seal(payload, kid=self.key.kid, typ="tenge-request", sign=self.key.sign)
        made = self.client.post("/payment-requests", {"request": jws})
        return Request(made["id"], made["url"], jws)

    def paid(self, request: Request) -> Json | None:
        """How a request was paid, or None."""
        payment: Json | None = self.client.get(f"/payment-requests/{request.id}")["payment"]
        return payment

    def _tender(self, asset: str, total: str) -> Json:
        """The total in a crypto asset: divided by the rate, rounded up to its minor unit."""
        rates = {row["asset"]: row for row in self.client.get("/rates")["rates"]}
        scales = {row["code"]: row["scale"] for row in self.client.get("/assets")["assets"]}
        rate = Rate.parse(rates[asset]["rate"])
        amount = amount_for(parse_amount(total, 2), scales[asset], rate)
        return {
            "asset": asset,
            "account": self.accounts[asset],
            "amount": format_amount(amount, scales[asset]),
            "rate": rates[asset]["id"],
        }


def _payload(client: SandboxClient, kind: str, members: Mapping[str, object]) -> bytes:
    """What is signed: the members every transaction has, then its own."""
    return msgspec.json.encode(
        {
            "kind": kind,
            "ledger": client.ledger(),
            "nonce": b64(secrets.token_bytes(16)),
            "not_after": client.now() + VALID_FOR_MS,
            **{name.removesuffix("_"): value for name, value in members.items()},
        }
    )


def _statement_id(payload: bytes, label: str) -> tuple[str, int]:
    """Id and end of what was signed for a second party to embed."""
    not_after: int = msgspec.json.decode(payload)["not_after"]
    id = TransactionId(not_after, hashlib.sha256(payload).digest())
    return b64(derive_key(id, label)), not_after


def _by_asset(rows: Iterable[Json]) -> dict[str, str]:
    """The account to be used of each asset: the oldest."""
    accounts: dict[str, str] = {}
    for row in rows:
        accounts.setdefault(row["asset"], row["id"])
    return accounts


def _side(side: tuple[str, str]) -> dict[str, str]:
    asset, amount = side
    return {"asset": asset, "amount": amount}


def _id_of(made: Proposed | Held | Consented | str) -> str:
    return made if isinstance(made, str) else made.id


def _form(spoken: Json) -> bytes:
    """The bytes of a form that devices keep."""
    return decode_segment(spoken["form"].encode())


def _problem(body: Json) -> SandboxProblem:
    return PaymentRefused(body) if body.get("reasons") else SandboxProblem(body)


def _body(answer: requests.Response) -> Json:
    try:
        body = answer.json()
    except ValueError:
        body = None
    fallback = {"status": answer.status_code, "detail": answer.reason}
    return body if isinstance(body, dict) else fallback


def _pause(tries: int) -> float:
    """Seconds before the next try: longer each time, and never in step with other clients."""
    longest = min(0.1 * 2.0**tries, 4.0)
    return longest * random.uniform(0.5, 1.0)  # noqa: S311 - no secret in a pause
