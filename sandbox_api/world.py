"""The sandbox's little world: institutions, shops, people, a testing zone, money in their hands.

It is made once for a new ledger, by signed transactions alone, as any program would make it. All
names are invented and stand beside the ledger (`sandbox_api.personas`), never in it. The zone's
shape is illustrative: nobody has published where CryptoCity's border runs.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from importlib.resources import files
from typing import Any, Final

from ledger.core.amount import format_amount
from ledger.core.asset import AssetClass
from ledger.core.geometry import DEGREE, Point, Polygon
from ledger.core.ids import b64
from ledger.core.party import Role
from ledger.core.transaction import NOT_AFTER_AHEAD_MAX_MS, Payload
from ledger.core.venue import VenueStatus
from ledger.errors import StoreProblem
from ledger.keyring import Keyring
from ledger.keys import SigningKey
from ledger.kinds import read
from ledger.kinds.account import OpenAccount
from ledger.kinds.asset import RegisterAsset
from ledger.kinds.categories import AttestCategories
from ledger.kinds.issue import Issue
from ledger.kinds.key import RegisterKey
from ledger.kinds.pack import PutPack
from ledger.kinds.party import RegisterParty
from ledger.kinds.permit import GrantPermit
from ledger.kinds.terminal import RegisterTerminal
from ledger.kinds.transfer import Transfer
from ledger.kinds.venue import LicenseVenue
from ledger.kinds.zone_draw import DrawZone, ZoneTerms
from ledger.ledger import OPERATOR_KEY, Ledger, genesis
from ledger.store import create_ledger
from ledger.writer.answers import Offer, Taken
from sandbox_api.demo_bank import CLIENT_FUNDS
from sandbox_api.personas import VERSION, Officer, Persona, PersonaAccount, Till, World
from sandbox_api.rates import put_rate
from sandbox_api.sealed import Sealed, sealed

TENGE: Final = "KZTD"
ASSETS: Final = {
    TENGE: (AssetClass.DIGITAL_TENGE, 2),
    "tUSDT": (AssetClass.STABLECOIN, 6),
    "tBTC": (AssetClass.CRYPTO, 8),
    "tETH": (AssetClass.CRYPTO, 8),
}
"""Every asset of the sandbox: class and fraction digits. The t is for test."""

CRYPTO: Final = tuple(code for code in ASSETS if code != TENGE)

ZONE_NAME: Final = "Alatau CryptoCity (illustrative)"
YEAR_MS: Final = 365 * 86_400_000

BANK_STOCK: Final = {TENGE: "100000000000.00", "tUSDT": "100000000.000000", "tBTC": "1000.00000000",
                     "tETH": "10000.00000000"}  # fmt: skip
"""What the demo bank holds for everyone who will ever join."""

EXCHANGE_STOCK: Final = {TENGE: "10000000000.00", "tUSDT": "10000000.000000",
                         "tBTC": "100.00000000", "tETH": "1000.00000000"}  # fmt: skip
"""What the demo exchange holds for its quotes: tenge from the bank, coins that it issues."""

TREASURY_STOCK: Final = "10000000000.00"
"""What the demo treasury may spend: tenge from the central bank."""

_INSTITUTIONS: Final = (
    ("treasury", "Demo Treasury (invented)", Role.TREASURY),
    ("supervisor", "Alatau Zone Supervisor (invented)", Role.SUPERVISOR),
    ("bank", "Demo Bank (invented)", Role.BANK),
    ("exchange", "Demo Exchange (invented)", Role.EXCHANGE),
)
_WITH_OFFICERS: Final = ("central-bank", *(name for name, *_ in _INSTITUTIONS))
"""Who has a second officer: what is heavy asks for two keys of theirs from the first day on."""

_CLIENTS: Final = (
    ("market", "Dastarkhan Market, Almaty (invented)", Role.MERCHANT, 3, tuple(ASSETS)),
    ("cafe", "Café Samal, Alatau (invented)", Role.MERCHANT, 3, tuple(ASSETS)),
    ("aigerim", "Aigerim (invented)", Role.PERSON, 2, tuple(ASSETS)),
    ("daniyar", "Daniyar (invented)", Role.PERSON, 2, tuple(ASSETS)),
)
_CATEGORIES: Final = (("market", ("GROCERY",)), ("cafe", ("CAFE", "CANTEEN")))
"""What the demo bank attests that its merchants sell, for marks that admit payees by it."""

# Places are (longitude, latitude) in units of 1e-4 degree.
_TILLS: Final = (
    ("market", "Dastarkhan Market, till 1", "market", (76_8890, 43_2380)),
    ("cafe", "Café Samal, till 1", "cafe", (77_1100, 43_6700)),
)

_ZONE: Final = (
    (76_9500, 43_5800), (76_9740, 43_5420), (77_0260, 43_5150), (77_0900, 43_5000),
    (77_1580, 43_5080), (77_2140, 43_5390), (77_2520, 43_5860), (77_2800, 43_6470),
    (77_2690, 43_7120), (77_2230, 43_7610), (77_1570, 43_7900), (77_0830, 43_8000),
    (77_0170, 43_7740), (76_9740, 43_7230), (76_9560, 43_6530),
)  # fmt: skip
_HOLE: Final = ((77_1450, 43_6900), (77_1880, 43_6830), (77_1960, 43_7150), (77_1520, 43_7240))
"""A stretch of water's edge inside that belongs to no zone: holes are drawn, not only tested."""


def build_world(
    url: str, keyring: Keyring, key_of: Callable[[str], SigningKey], *, name: str
) -> World:
    """Begin a new ledger in the database at `url` and write the world into it.

    `key_of` gives a persona's key by its short name. Raises StoreProblem where a step fails:
    nothing is announced then, and the next start begins with another ledger.
    """
    jws, id = genesis(keyring, key_of("central-bank"), name)
    create_ledger(url, id)
    with Ledger.open(url, keyring, id) as ledger:
        builder = _Builder(ledger, key_of, keyring.key(OPERATOR_KEY))
        return builder.build(jws.encode(), name=name, url=url)


def key_names() -> tuple[str, ...]:
    """Short names of everyone who has a key."""
    return (
        *_WITH_OFFICERS,
        *map(officer_key, _WITH_OFFICERS),
        *(name for name, *_ in _CLIENTS),
        *(till_key(name) for name, *_ in _TILLS),
    )


def roles() -> dict[str, Role]:
    """The role of each persona by its short name, of whatever ledger."""
    return {
        "central-bank": Role.CENTRAL_BANK,
        "operator": Role.OPERATOR,
        **{short: role for short, _, role in _INSTITUTIONS},
        **{short: role for short, _, role, *_ in _CLIENTS},
    }


def till_key(name: str) -> str:
    """The name of the key of a seeded till."""
    return f"{name}-till"


def officer_key(name: str) -> str:
    """The name of the key of an institution's second officer."""
    return f"{name}-2"


class _Builder:
    """Signs one transaction after the other, and hands them over in the order of signing."""

    def __init__(
        self, ledger: Ledger, key_of: Callable[[str], SigningKey], operator: SigningKey
    ) -> None:
        self._ledger: Final = ledger
        self._key_of: Final = key_of
        self._operator: Final = operator
        self._now: Final = ledger.time()
        self._sealed: list[Sealed] = []
        self._parties: dict[str, str] = {}
        self._accounts: dict[str, dict[str, str]] = {}

    def build(self, genesis_jws: bytes, *, name: str, url: str) -> World:
        began = Sealed(genesis_jws, read(genesis_jws).id)
        self._sealed.append(began)
        self._parties["central-bank"] = began.creates_id("central_bank")
        self._parties["operator"] = began.creates_id("operator")
        self._sign("central-bank", PutPack, text=_pack("cryptocity"))  # no rules, no business
        for short, _, role in _INSTITUTIONS:
            self._register("central-bank", short, role, 3)
        self._register_officers()
        self._put_assets()
        self._open("central-bank", "treasury", (TENGE,))
        for short in ("bank", "exchange"):
            self._open("central-bank", short, tuple(ASSETS))
        for short, _, role, tier, assets in _CLIENTS:
            self._register("bank", short, role, tier)
            self._open("bank", short, assets)
        for short, codes in _CATEGORIES:
            self._sign("bank", AttestCategories, merchant=self._parties[short], codes=codes)
        self._put_rates()
        zone = self._draw_zone()
        self._certify_tills()
        self._license_exchange()
        self._fund()
        self._sign("central-bank", PutPack, text=_pack("payments"))  # two pairs of eyes from now
        self._submit()
        return World(
            version=VERSION, name=name, ledger=self._ledger.id, url=url,
            log_key=self._ledger.vkey,
            zone=zone, zone_name=ZONE_NAME, personas=self._personas(), tills=self._tills(),
        )  # fmt: skip

    def _sign(self, by: str, kind: type[Payload], **members: Any) -> Sealed:
        one = sealed(
            self._key_of(by), kind, ledger=self._ledger.id, nonce=secrets.token_bytes(16),
            not_after=self._now + NOT_AFTER_AHEAD_MAX_MS // 2, **members,
        )  # fmt: skip
        self._sealed.append(one)
        return one

    def _register(self, by: str, short: str, role: Role, tier: int) -> None:
        public = b64(self._key_of(short).public_key)
        one = self._sign(by, RegisterParty, role=role, tier=tier, key=public)
        self._parties[short] = one.creates_id("party")

    def _register_officers(self) -> None:
        for short in _WITH_OFFICERS:
            public = b64(self._key_of(officer_key(short)).public_key)
            self._sign(short, RegisterKey, party=self._parties[short], key=public)

    def _open(self, by: str, short: str, assets: tuple[str, ...]) -> None:
        for asset in assets:
            one = self._sign(by, OpenAccount, owner=self._parties[short], asset=asset)
            self._accounts.setdefault(short, {})[asset] = one.creates_id("account")

    def _put_assets(self) -> None:
        for code, (class_, scale) in ASSETS.items():
            by, issuer = (
                ("central-bank", "central-bank") if code == TENGE else ("supervisor", "exchange")
            )
            self._sign(
                by, RegisterAsset, code=code, asset_class=class_, scale=scale,
                issuer=self._parties[issuer],
            )  # fmt: skip

    def _put_rates(self) -> None:
        for asset in CRYPTO:
            self._sealed.append(
                put_rate(self._key_of("exchange"), self._ledger.id, asset, self._now)
            )

    def _draw_zone(self) -> str:
        terms = ZoneTerms(
            name=ZONE_NAME.partition(" (")[0],
            area=Polygon(tuple(map(_point, _ZONE)), (tuple(map(_point, _HOLE)),)),
            assets=CRYPTO, opens_at=self._now, ends_at=None, hours=(),
            cap_payment=None, cap_day=None,
        )  # fmt: skip
        zone = self._sign("supervisor", DrawZone, terms=terms).creates_id("zone")
        self._sign(
            "supervisor", GrantPermit, merchant=self._parties["cafe"], zone=zone,
            valid_from=self._now, valid_until=self._now + YEAR_MS,
        )  # fmt: skip
        return zone

    def _certify_tills(self) -> None:
        for name, _, merchant, place in _TILLS:
            public = b64(self._key_of(till_key(name)).public_key)
            self._sign(
                "bank", RegisterTerminal, merchant=self._parties[merchant], key=public,
                place=_point(place),
            )  # fmt: skip

    def _license_exchange(self) -> None:
        self._sign(
            "supervisor", LicenseVenue, venue=self._parties["exchange"], assets=CRYPTO,
            status=VenueStatus.ACTIVE,
        )  # fmt: skip

    def _fund(self) -> None:
        for asset, amount in BANK_STOCK.items():
            by = "central-bank" if asset == TENGE else "exchange"
            self._sign(by, Issue, to=self._accounts["bank"][asset], amount=amount)
        to = self._accounts["treasury"][TENGE]
        self._sign("central-bank", Issue, to=to, amount=TREASURY_STOCK)
        for asset, amount in EXCHANGE_STOCK.items():
            to = self._accounts["exchange"][asset]
            if asset == TENGE:
                source = self._accounts["bank"][asset]
                self._sign("bank", Transfer, from_=source, to=to, amount=amount)
            else:
                self._sign("exchange", Issue, to=to, amount=amount)
        for short in ("aigerim", "daniyar"):
            for asset, amount in CLIENT_FUNDS.items():
                self._sign(
                    "bank", Transfer, from_=self._accounts["bank"][asset],
                    to=self._accounts[short][asset], amount=amount,
                )  # fmt: skip

    def _submit(self) -> None:
        answers = self._ledger.submit([Offer(one.jws, False) for one in self._sealed])
        for place, answer in enumerate(answers):
            if not isinstance(answer, Taken):
                raise StoreProblem(f"step {place} of the new sandbox was refused: {answer}")

    def _personas(self) -> tuple[Persona, ...]:
        titles = [
            ("central-bank", "Demo Central Bank (invented)", Role.CENTRAL_BANK),
            ("operator", "Operator of this sandbox", Role.OPERATOR),
            *_INSTITUTIONS,
            *((short, title, role) for short, title, role, *_ in _CLIENTS),
        ]
        return tuple(
            Persona(
                short, title, role.value, self._parties[short], self._kid(short),
                tuple(
                    PersonaAccount(id, asset)
                    for asset, id in self._accounts.get(short, {}).items()
                ),
                self._officers(short),
            )
            for short, title, role in titles
        )  # fmt: skip

    def _officers(self, short: str) -> tuple[Officer, ...]:
        name = officer_key(short)
        return (Officer(name, self._kid(name)),) if short in _WITH_OFFICERS else ()

    def _kid(self, short: str) -> str:
        key = self._operator if short == "operator" else self._key_of(short)
        return key.kid

    def _tills(self) -> tuple[Till, ...]:
        return tuple(
            Till(
                name, title, merchant, _degrees(place[1]), _degrees(place[0]),
                self._key_of(till_key(name)).kid,
            )
            for name, title, merchant, place in _TILLS
        )  # fmt: skip


def _pack(name: str) -> str:
    return (files("ledger.rules.packs") / f"{name}-hypothetical.toml").read_text("utf-8")


def _point(place: tuple[int, int]) -> Point:
    """(longitude, latitude) as written above, in 1e-4 degree, in units of 1e-7 degree."""
    return place[0] * (DEGREE // 10_000), place[1] * (DEGREE // 10_000)


def _degrees(value: int) -> str:
    """1e-4 degree as decimal degrees with 7 digits."""
    return format_amount(value * (DEGREE // 10_000), 7)
