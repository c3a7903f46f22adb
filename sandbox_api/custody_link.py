"""Custody as front ends reach it: `custody_protocol.Custody` over the local socket."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec

from sandbox_api.custody_protocol import Enrolment, Onboarding, Wanted
from sandbox_api.local_call import call

SOCKET_NAME: Final = "custody.sock"


class CustodyLink:
    """The custody process of this node. Safe for threads and greenlets; holds nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder: Final = folder

    def onboard(self, token: str, public_key: bytes, at: int) -> Onboarding:
        """Sign what registers this key as a person of the demo bank."""
        answer = call(self._folder, SOCKET_NAME, ["onboard", token, public_key, at])
        return msgspec.convert(answer, Onboarding)

    def open_purse(self, token: str, public_key: bytes, home: bytes, at: int) -> tuple[bytes, ...]:
        """Sign what makes the device with this key a purse of that wallet's owner."""
        answer = call(self._folder, SOCKET_NAME, ["open_purse", token, public_key, home, at])
        return tuple(answer)

    def certificate(self, token: str, purse: bytes) -> bytes:
        """The demo bank's certificate of a purse."""
        return bytes(call(self._folder, SOCKET_NAME, ["certificate", token, purse]))

    def notice(self, token: str, at: int) -> bytes:
        """The demo central bank's notice to devices."""
        return bytes(call(self._folder, SOCKET_NAME, ["notice", token, at]))

    def enrol_till(self, token: str, public_key: bytes, till: str, at: int) -> Enrolment:
        """Sign what certifies this key as the till of that short name."""
        answer = call(self._folder, SOCKET_NAME, ["enrol_till", token, public_key, till, at])
        return msgspec.convert(answer, Enrolment)

    def quote(self, token: str, wanted: Wanted, at: int) -> str:
        """Sign a quote of the demo exchange."""
        asked = msgspec.to_builtins(wanted)
        return str(call(self._folder, SOCKET_NAME, ["quote", token, asked, at]))
