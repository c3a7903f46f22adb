"""What the writer answers to a transaction; what crosses the local socket, as msgpack."""

from __future__ import annotations

from typing import Protocol, TypeAlias

import msgspec

from ledger.core.decision import Reason


class Offer(msgspec.Struct, frozen=True, array_like=True):
    """One transaction offered to the writer: the compact JWS as received, and whether the front end
    has checked every signature in it (it has not where it did not know a key)."""

    jws: bytes
    verified: bool


class Taken(msgspec.Struct, frozen=True, array_like=True, tag="taken"):
    """Accepted and durable: entry `index` at `at` (ms UTC), in a log of `size` entries when it was
    answered. `repeated`: these bytes were already in the ledger; this is their first receipt."""

    index: int
    at: int
    size: int
    repeated: bool = False


class Declined(msgspec.Struct, frozen=True, array_like=True, tag="declined"):
    """Refused with every reason; decided at `at` on the head of `size` entries."""

    reasons: tuple[Reason, ...]
    at: int
    size: int


class Unread(msgspec.Struct, frozen=True, array_like=True, tag="unread"):
    """The bytes could not be read (errors.Malformed or BadSignature): code, sentence, member."""

    code: str
    message: str
    where: str = ""


class Busy(msgspec.Struct, frozen=True, array_like=True, tag="busy"):
    """Nothing is known to have happened: retry the same bytes after `retry_after_s`."""

    message: str
    retry_after_s: int = 1


Answer: TypeAlias = Taken | Declined | Unread | Busy


class Door(Protocol):
    """The one door for writing: the writer in this process (`ledger.Ledger`) or a link to it."""

    def submit(self, offers: list[Offer]) -> list[Answer]:
        """Answers in the order of the offers, after the commit that holds them. Raises DoorShut or
        Overloaded where nothing was taken."""

    def checkpoint(self) -> str:
        """The signed checkpoint of the durable head (C2SP signed note)."""

    def time(self) -> int:
        """The sandbox's time, ms UTC."""
