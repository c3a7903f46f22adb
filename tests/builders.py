"""A small world for tests: named parties with keys, and transactions signed as programs sign them.

Everything goes through the ledger's one door. Nonces count up, so a run is the same every time but
for the genesis salt and the clock.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from importlib import resources
from typing import Any, ClassVar

from ledger.core.envelope import seal
from ledger.core.ids import TransactionId, b64, derive_key
from ledger.core.transaction import Request
from ledger.keys import SigningKey
from ledger.kinds import read, read_statement
from ledger.writer.answers import Answer, Offer, Taken

HOUR = 3_600_000
DAY = 24 * HOUR

ALMATY = (76_9450000, 43_2380000)
"""A supermarket's till in Almaty, outside every zone: (longitude, latitude) in 1e-7 degree."""
ALATAU = (77_1000000, 43_6500000)
"""A café's till inside the zone."""
ZONE_SQUARE = [[76_9500000, 43_5000000], [77_2800000, 43_5000000], [77_2800000, 43_8000000],
               [76_9500000, 43_8000000]]  # fmt: skip


def pack_text(name: str = "cryptocity-hypothetical") -> str:
    """A pack that the sandbox ships."""
    return (resources.files("ledger.rules") / "packs" / f"{name}.toml").read_text("utf-8")


def key_of(name: str) -> SigningKey:
    """The named one's key, the same in every run."""
    return SigningKey.from_seed(name.encode().ljust(32, b"."))


class Signing:
    """Signs payloads for one ledger. `now` gives the time to sign at (ms UTC)."""

    def __init__(self, ledger: str, now: Callable[[], int]) -> None:
        self.ledger = ledger
        self.now = now
        self._nonces = itertools.count(1)

    def payload(self, kind: str, ahead: int = HOUR, **members: Any) -> bytes:
        """A payload of this kind; `from_` becomes `from`."""
        members = {name.rstrip("_"): value for name, value in members.items()}
        base = {"kind": kind, "ledger": self.ledger, "nonce": f"nonce-{next(self._nonces):012d}",
                "not_after": self.now() + ahead}  # fmt: skip
        return json.dumps(base | members, separators=(",", ":")).encode()

    def sign(self, signer: str | SigningKey, kind: str, ahead: int = HOUR, **members: Any) -> str:
        """A signed transaction."""
        key = key_of(signer) if isinstance(signer, str) else signer
        payload = self.payload(kind, ahead, **members)
        return seal(payload, kid=key.kid, typ="tenge-tx", sign=key.sign)

    def request(self, till: str, ahead: int = HOUR, **members: Any) -> str:
        """A till's signed payment request."""
        key = key_of(till)
        members = {"reference": "A-17", "reusable": False} | members
        payload = self.payload("request/1", ahead, **members)
        return seal(payload, kid=key.kid, typ="tenge-request", sign=key.sign)


def derived(jws: str, label: str) -> str:
    """Id of what this transaction creates under `label`."""
    return b64(derive_key(read(jws.encode()).id, label))


def request_id(jws: str) -> str:
    """Id of a payment request."""
    return b64(read_statement(jws, Request)[0].id)


def id_of(jws: str) -> TransactionId:
    """Id of a transaction."""
    return read(jws.encode()).id


class World:
    """Parties, accounts, a zone, tills and money on a fresh ledger, made through its door.

    Parties: nbk (central bank), afsa (supervisor), bank, exchange, market and cafe (merchants),
    aigul and daniyar (people). Accounts are `accounts["aigul", "KZTD"]`.
    """

    ASSETS: ClassVar = {
        "KZTD": ("digital_tenge", 2),
        "tUSDT": ("stablecoin", 6),
        "tBTC": ("crypto", 8),
        "tGOLD": ("security_token", 2),
    }

    def __init__(self, door: Any, ledger: str) -> None:
        self.door = door
        self.signing = Signing(ledger, lambda: self.door.time())
        self.sign = self.signing.sign
        self.parties: dict[str, str] = {}
        self.accounts: dict[tuple[str, str], str] = {}
        self.rates: dict[str, str] = {}
        self.zone = ""
        self.permit = ""

    def offer(self, jws: str) -> Answer:
        """Submit one transaction, unchecked."""
        return self.door.submit([Offer(jws.encode(), False)])[0]

    def do(self, signer: str, kind: str, **members: Any) -> str:
        """Sign and submit; it must be accepted. Returns the JWS."""
        jws = self.sign(signer, kind, **members)
        answer = self.offer(jws)
        assert isinstance(answer, Taken), f"{kind} by {signer}: {answer}"
        return jws

    def build(self) -> World:
        """Everything, as `tenge up` would have it, but small."""
        self.do("nbk", "pack/1", text=pack_text())
        for name, role in (("afsa", "supervisor"), ("bank", "bank"), ("exchange", "exchange")):
            self.register("nbk", name, role, 3)
        for name, role, tier in (("market", "merchant", 3), ("cafe", "merchant", 3),
                                 ("aigul", "person", 2), ("daniyar", "person", 0)):  # fmt: skip
            self.register("bank", name, role, tier)
        for code, (class_, scale) in self.ASSETS.items():
            tenge = class_ == "digital_tenge"
            issuer = self.central_bank if tenge else self.parties["exchange"]
            self.do("nbk" if tenge else "afsa", "asset/1", code=code, asset_class=class_,
                    scale=scale, issuer=issuer)  # fmt: skip
            for name in ("bank", "exchange"):
                self.open("nbk", name, code)
            for name in ("market", "cafe", "aigul", "daniyar"):
                self.open("bank", name, code)
        self.do("nbk", "issue/1", to=self.accounts["bank", "KZTD"], amount="100000000.00")
        for code, rate in (("tUSDT", "519.25"), ("tBTC", "48000000")):
            amount = "1000000." + "0" * self.ASSETS[code][1]
            self.do("exchange", "issue/1", to=self.accounts["exchange", code], amount=amount)
            self.rates[code] = derived(self.do("exchange", "rate/1", asset=code, rate=rate), "rate")
        self.do("exchange", "issue/1", to=self.accounts["exchange", "tGOLD"], amount="1000.00")
        for name in ("aigul", "daniyar"):
            self.do("bank", "transfer/1", from_=self.accounts["bank", "KZTD"],
                    to=self.accounts[name, "KZTD"], amount="1000000.00")  # fmt: skip
            for code, amount in (("tUSDT", "10000.000000"), ("tBTC", "1.00000000"),
                                 ("tGOLD", "10.00")):  # fmt: skip
                self.do("exchange", "transfer/1", from_=self.accounts["exchange", code],
                        to=self.accounts[name, code], amount=amount)  # fmt: skip
        self.zone = self.draw()
        now = self.door.time()
        self.permit = derived(
            self.do("afsa", "permit/1", merchant=self.parties["cafe"], zone=self.zone,
                    valid_from=now - HOUR, valid_until=now + 300 * DAY), "permit")  # fmt: skip
        self.certify("till-market", "market", ALMATY)
        self.certify("till-cafe", "cafe", ALATAU)
        return self

    @property
    def central_bank(self) -> str:
        """The central bank's party id, which genesis derived."""
        return self.parties["nbk"]

    def register(self, registrar: str, name: str, role: str, tier: int) -> None:
        """A party with its key."""
        jws = self.do(registrar, "party/1", role=role, tier=tier, key=b64(key_of(name).public_key))
        self.parties[name] = derived(jws, "party")

    def open(self, registrar: str, name: str, asset: str) -> None:
        """An account."""
        jws = self.do(registrar, "account/1", owner=self.parties[name], asset=asset)
        self.accounts[name, asset] = derived(jws, "account")

    def terms(self, **changes: Any) -> dict[str, Any]:
        """Terms of the test zone."""
        base: dict[str, Any] = {
            "name": "Alatau", "area": {"outer": ZONE_SQUARE, "holes": []},
            "assets": ["tUSDT", "tBTC"], "opens_at": self.door.time() - DAY, "ends_at": None,
            "hours": [], "cap_payment": None, "cap_day": None,
        }  # fmt: skip
        return base | changes

    def draw(self, **changes: Any) -> str:
        """Draw a zone; its id."""
        return derived(self.do("afsa", "zone_draw/1", terms=self.terms(**changes)), "zone")

    def certify(self, till: str, merchant: str, place: tuple[int, int]) -> None:
        """Register a till."""
        self.do("bank", "terminal/1", merchant=self.parties[merchant],
                key=b64(key_of(till).public_key), place=list(place))  # fmt: skip

    def request(self, till: str, total: str, **members: Any) -> str:
        """A request of that till's merchant in tenge and in test crypto at the current rates."""
        from ledger.core.amount import Rate, amount_for, format_amount, parse_amount

        merchant = till.removeprefix("till-")
        value = parse_amount(total, 2)
        tenders = [{"asset": "KZTD", "account": self.accounts[merchant, "KZTD"], "amount": total}]
        for code, rate in (("tUSDT", "519.25"), ("tBTC", "48000000")):
            scale = self.ASSETS[code][1]
            amount = format_amount(amount_for(value, scale, Rate.parse(rate)), scale)
            tenders.append({"asset": code, "account": self.accounts[merchant, code],
                            "amount": amount, "rate": self.rates[code]})  # fmt: skip
        return self.signing.request(till, total=total, tenders=tenders, **members)

    def pay(self, payer: str, asset: str, request: str) -> Answer:
        """Pay a request from one's account in this asset."""
        return self.offer(
            self.sign(payer, "pay/1", from_=self.accounts[payer, asset], request=request)
        )

    def transfer(self, payer: str, payee: str, asset: str, amount: str) -> Answer:
        """A plain transfer."""
        return self.offer(
            self.sign(
                payer,
                "transfer/1",
                from_=self.accounts[payer, asset],
                to=self.accounts[payee, asset],
                amount=amount,
            )
        )


def a_world(ledger: Any) -> World:
    """The small world on a freshly created `Ledger` whose central bank is `key_of("nbk")`."""
    from ledger.kinds import read as read_tx  # the central bank's id is derived from genesis

    world = World(ledger, ledger.id)
    store = ledger._store
    head = store.begin()
    assert head.size == 1
    import msgspec

    leaf = msgspec.json.decode(store.leaves(0, 1)[0])
    store.rollback()
    genesis = read_tx(leaf["tx"].encode())
    world.parties["nbk"] = b64(derive_key(genesis.id, "central_bank"))
    return world.build()
