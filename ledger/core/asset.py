"""Assets: what amounts are counted in.

The class decides which rules bind a movement; the code is only a name. Digital tenge is legal
tender everywhere; the crypto classes are bound to testing zones by the rule pack, not here.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec


class AssetClass(StrEnum):
    """Class of an asset (design part 2)."""

    DIGITAL_TENGE = "digital_tenge"
    DEPOSIT = "deposit"
    CASH = "cash"
    CRYPTO = "crypto"
    STABLECOIN = "stablecoin"
    UTILITY_TOKEN = "utility_token"
    SECURITY_TOKEN = "security_token"
    TITLE = "title"


TENGE_CLASSES = frozenset({AssetClass.DIGITAL_TENGE, AssetClass.DEPOSIT, AssetClass.CASH})
"""Classes whose minor unit is one tiyn, so that their value in tenge needs no rate."""

CRYPTO_CLASSES = frozenset({AssetClass.CRYPTO, AssetClass.STABLECOIN, AssetClass.UTILITY_TOKEN})
"""Classes that a pack may admit as a direct tender inside a testing zone."""

NEVER_TENDER_CLASSES = frozenset({AssetClass.SECURITY_TOKEN, AssetClass.TITLE})
"""Classes that are never a tender, inside a zone or out."""


class Asset(msgspec.Struct, frozen=True):
    """Body of an object of type `asset`; its key is the code in ASCII.

    `scale` is the number of fraction digits, 0..8. `issuer` is the party (base64url) that alone
    issues and redeems; `issue_account` (base64url) is where what is outstanding stands negative.
    """

    code: str
    class_: AssetClass = msgspec.field(name="class")
    scale: int
    issuer: str
    issue_account: str
