"""What the demo bank signs for whoever joins: clients with wallets and play money, certified tills.

The same key asking again within the hour gets the very same bytes (nonces follow from the key, the
hour and the step), so a repeated request can never register or pay twice. Signing here writes
nothing; the ledger still decides.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any, Final

from ledger.core.amount import parse_amount
from ledger.core.geometry import Point
from ledger.core.ids import b64, unb64
from ledger.core.offline import HOPS_MAX
from ledger.core.party import Role
from ledger.core.transaction import Payload
from ledger.errors import Malformed
from ledger.keys import SigningKey, check_public_key
from ledger.kinds.account import OpenAccount
from ledger.kinds.party import RegisterParty
from ledger.kinds.purse import MakePurse
from ledger.kinds.terminal import RegisterTerminal
from ledger.kinds.transfer import Transfer
from sandbox_api.custody_protocol import Enrolment, JoinedAccount, Onboarding
from sandbox_api.personas import Till, World
from sandbox_api.sealed import Sealed, sealed

HOUR_MS: Final = 3_600_000

CLIENT_TIER: Final = 2
"""The KYC tier that the demo bank attests of everyone: it is play."""

CLIENT_FUNDS: Final = {"KZTD": "50000.00", "tUSDT": "100.000000"}
"""Play money for a new client, by asset; a wallet is opened in each."""

PURSE_PAYMENT_MAX: Final = "20000.00"
PURSE_MAX: Final = "50000.00"
PURSE_TERM_MS: Final = 30 * 24 * HOUR_MS
"""What a purse may pay at once and hold, and how long it pays."""


class DemoBank:
    """The bank's pen. `key`: the bank's own key."""

    def __init__(self, world: World, key: SigningKey) -> None:
        self._world: Final = world
        self._bank: Final = world.persona("bank")
        self._key: Final = key

    def onboard(self, public_key: bytes, at: int) -> Onboarding:
        """Register a person, open a wallet in each of `CLIENT_FUNDS`, put the play money in.

        `at`: the sandbox's time, ms UTC. Raises Malformed for a key that must not be registered.
        """
        check_public_key(public_key)
        sign = self._pen(b"onboard", public_key, at)
        person = sign(
            "party", RegisterParty, role=Role.PERSON, tier=CLIENT_TIER, key=b64(public_key)
        )
        party = person.creates("party")
        wallets = {
            asset: sign(f"account {asset}", OpenAccount, owner=b64(party), asset=asset)
            for asset in CLIENT_FUNDS
        }
        gifts = [
            sign(
                f"gift {asset}", Transfer, from_=self._bank.account(asset),
                to=wallets[asset].creates_id("account"), amount=amount,
            )
            for asset, amount in CLIENT_FUNDS.items()
        ]  # fmt: skip
        return Onboarding(
            tuple(one.jws for one in (person, *wallets.values(), *gifts)),
            party,
            tuple(JoinedAccount(one.creates("account"), asset) for asset, one in wallets.items()),
        )

    def enrol_till(self, public_key: bytes, name: str, at: int) -> Enrolment:
        """Certify a device as the till of that name. Raises Malformed ("till.unknown", "key.…")."""
        check_public_key(public_key)
        try:
            till = self._world.till(name)
        except KeyError:
            known = ", ".join(one.name for one in self._world.tills)
            raise Malformed("till.unknown", f"there are these tills: {known}", "till") from None
        merchant = self._world.persona(till.merchant).party
        certified = self._pen(b"till " + name.encode(), public_key, at)(
            "terminal", RegisterTerminal, merchant=merchant, key=b64(public_key), place=_place(till)
        )
        return Enrolment((certified.jws,), unb64(merchant, 16))

    def open_purse(self, public_key: bytes, home: bytes, at: int) -> tuple[bytes, ...]:
        """Make a device a purse that is emptied into this wallet (16 bytes). Raises Malformed for a
        key that must not be registered."""
        check_public_key(public_key)
        certified = self._pen(b"purse " + home, public_key, at)(
            "purse", MakePurse, home=b64(home), covers=self._bank.account("KZTD"),
            device=b64(public_key), payment_max=PURSE_PAYMENT_MAX, purse_max=PURSE_MAX,
            hops=HOPS_MAX, ends_at=(at // HOUR_MS + 1) * HOUR_MS + PURSE_TERM_MS,
        )  # fmt: skip
        return (certified.jws,)

    def _pen(self, purpose: bytes, public_key: bytes, at: int) -> Callable[..., Sealed]:
        """Signs steps whose nonces follow from the purpose, the key and the hour alone."""
        not_after = (at // HOUR_MS + 2) * HOUR_MS

        def sign(step: str, kind: type[Payload], **members: Any) -> Sealed:
            told = b"\0".join((purpose, public_key, str(not_after).encode(), step.encode()))
            return sealed(
                self._key, kind, ledger=self._world.ledger, nonce=sha256(told).digest()[:16],
                not_after=not_after, **members,
            )  # fmt: skip

        return sign


def _place(till: Till) -> Point:
    """(longitude, latitude) of a till in units of 1e-7 degree."""
    return parse_amount(till.lon, 7), parse_amount(till.lat, 7)
