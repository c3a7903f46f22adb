"""What the demo bank and the demo central bank say to devices: certificates and the notice.

Both are true of the ledger as custody itself reads it: a front end may ask for them and can have
nothing else said. They are no transactions; the ledger believes neither (docs/offline.md).
"""

from __future__ import annotations

from typing import Final

from msgspec import structs

from ledger.core.ids import b64, unb64
from ledger.core.objects import body_of, public_of
from ledger.core.offline import (
    FROZEN_MAX,
    ISSUER_BYTES,
    ISSUING_BANK,
    PAYEE,
    Certificate,
    Notice,
    certificate_bytes,
)
from ledger.core.party import Role
from ledger.core.purse import Purse
from ledger.errors import Malformed
from ledger.keys import SigningKey
from ledger.rules.purse import Bearer
from ledger.store.reader import ReadingStore, Snapshot
from sandbox_api.personas import World
from sandbox_api.reading.known import object_of

NOTICE_MS: Final = 7 * 86_400_000
"""How long a device may go on with a notice."""

_PAGE: Final = 500


class Vouching:
    """The pens of the demo bank and the demo central bank, over what the ledger has."""

    def __init__(
        self, world: World, reader: ReadingStore, bank: SigningKey, central_bank: SigningKey
    ) -> None:
        self._world: Final = world
        self._reader: Final = reader
        self._bank: Final = bank
        self._central_bank: Final = central_bank

    def certificate(self, id: bytes) -> bytes:
        """The certificate of a purse (16 bytes) as it is now; raises Malformed ("purse.unknown",
        "purse.bank", "purse.status")."""
        ledger = unb64(self._world.ledger, 16)
        with self._reader.snapshot() as view:
            found = object_of(view, "purse", id)
        if found is None:
            raise Malformed("purse.unknown", "this ledger knows no such purse", "id")
        body = body_of(found, Purse)
        if body.bank != self._world.persona("bank").party:
            raise Malformed("purse.bank", "another bank certifies this purse", "id")
        if found.status != "open" or found.due is None:
            raise Malformed("purse.status", f"the purse is {found.status}", "id")
        return certified(body, found.due, ledger, self._bank)

    def notice(self, at: int) -> bytes:
        """The notice as of now; `at` is the sandbox's time, ms UTC."""
        with self._reader.snapshot() as view:
            size, banks, frozen = view.head().size, self._banks(view), _frozen(view)
        bare = Notice(
            unb64(self._world.ledger, 16), size, at, at + NOTICE_MS, tuple(banks), tuple(frozen)
        )
        return structs.replace(bare, signature=self._central_bank.sign(bare.signed())).to_bytes()

    def _banks(self, view: Snapshot) -> list[bytes]:
        """Keys in use of the personas that are banks."""
        found: list[bytes] = []
        for persona in self._world.personas:
            if persona.role != Role.BANK:
                continue
            key = object_of(view, "key", unb64(persona.kid, 32))
            if key is not None and key.status == "active" and b64(key.owner) == persona.party:
                found.append(public_of(key))
        return sorted(found)


def certified(body: Purse, closes_at: int, ledger: bytes, bank: SigningKey) -> bytes:
    """The certificate of a purse as the ledger has it, signed with the bank's key."""
    bare = Certificate(
        unb64(bank.kid, 32)[:ISSUER_BYTES],
        unb64(body.device, 32),
        ISSUING_BANK if body.bearer == Bearer.ISSUING_BANK else PAYEE,
        body.hops,
        body.payment_max,
        body.purse_max,
        body.loaded,
        body.ends_at,
        closes_at,
    )
    signed = structs.replace(bare, signature=bank.sign(bare.signed(ledger)))
    return certificate_bytes(ledger, signed)


def _frozen(view: Snapshot) -> list[bytes]:
    """Ids of the purses that are frozen and not closed."""
    found: list[bytes] = []
    while len(found) < FROZEN_MAX:
        after = found[-1] if found else b""
        page = view.looked_up("purse", "frozen", b"", after_key=after, limit=_PAGE)
        found += [one.key for one in page]
        if len(page) < _PAGE:
            break
    return found[:FROZEN_MAX]
