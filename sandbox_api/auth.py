"""Who calls: API keys and their scopes, and which names and pages this server answers to (D12).

An API key says which sandbox, which scopes, whose quota; it never moves money, signatures do. Keys
are `tsk_` (secret: a server's) or `tpk_` (publishable: in a browser, so take it for public) and 32
characters of base64url, 192 random bits; the store holds SHA-256 of them alone. What is looked up
is that hash, so how long a look-up takes says nothing of a key; the found hash is compared in
constant time all the same. Host and Origin are checked against DNS rebinding and foreign pages.
"""

from __future__ import annotations

import hmac
import re
import secrets
import time
from collections.abc import Callable, Iterable
from enum import StrEnum
from hashlib import sha256
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from sandbox_api.limits import HEADER_KEY_CHARS_MAX, Recent
from sandbox_api.problems import Problem

KEYS_CACHED_MAX: Final = 1_024
CACHED_S: Final = 5.0
"""How long a key that was taken back may still be good in a process that has seen it."""

_KEY = re.compile(r"t[sp]k_[A-Za-z0-9_-]{32}")


class Scope(StrEnum):
    """What an API key allows."""

    SUBMIT = "submit"
    """Send transactions and payment requests that someone signed."""
    JOIN = "join"
    """Onboard a key with the demo bank, enrol a till."""
    READ = "read"
    """Read what one names by its id, and what is public: assets, zones, packs, rates."""
    LOG_READ = "log:read"
    """Read the log's entries as a whole, and events without a filter."""
    REFUSALS = "refusals"
    """List refusals, with other people's reasons."""
    RECORDS = "records"
    """Keep, read, export and delete personal records beside the log."""


class KeyKind(StrEnum):
    """The two kinds of API key, by their first letters."""

    SECRET = "tsk"
    PUBLISHABLE = "tpk"


SCOPES: Final = {
    KeyKind.SECRET: frozenset(Scope),
    KeyKind.PUBLISHABLE: frozenset({Scope.SUBMIT, Scope.JOIN, Scope.READ}),
}
"""What a key of each kind may at most have."""


class Access(NamedTuple):
    """What a good API key opened: the tenant's number and the scopes."""

    tenant: int
    scopes: frozenset[Scope]


class StoredKey(NamedTuple):
    """An API key as the store holds it."""

    digest: bytes
    tenant: int
    scopes: frozenset[Scope]


def new_key(kind: KeyKind) -> str:
    """A new API key from the system's randomness. Secret if its kind is."""
    return f"{kind.value}_{secrets.token_urlsafe(24)}"


def digest_of(key: str) -> bytes:
    """What is stored of an API key."""
    return sha256(key.encode()).digest()


def is_key(text: str) -> bool:
    """Whether `text` has the form of an API key."""
    return _KEY.fullmatch(text) is not None


class Keys:
    """API keys as one process knows them: looked up in the store, remembered for a few seconds."""

    def __init__(
        self,
        find: Callable[[bytes], StoredKey | None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._find: Final = find
        self._clock: Final = clock
        self._recent: Final[Recent[str, tuple[float, Access]]] = Recent(KEYS_CACHED_MAX)

    def access(self, authorization: str | None) -> Access:
        """What the header Authorization opens; raises Problem ("auth.missing", "auth.unknown")."""
        if not authorization:
            raise Problem("auth.missing", "send the header Authorization: Bearer and your API key")
        scheme, _, key = authorization[: HEADER_KEY_CHARS_MAX + 16].partition(" ")
        if scheme.lower() != "bearer":
            raise Problem("auth.missing", "send the header Authorization: Bearer and your API key")
        return self.of(key.strip())

    def of(self, key: str) -> Access:
        """What an API key opens; raises Problem ("auth.unknown")."""
        held = self._recent.get(key)
        if held is not None and self._clock() - held[0] < CACHED_S:
            return held[1]
        found = self._look_up(key)
        self._recent.put(key, (self._clock(), found))
        return found

    def _look_up(self, key: str) -> Access:
        if is_key(key):
            digest = digest_of(key)
            stored = self._find(digest)
            if stored is not None and hmac.compare_digest(stored.digest, digest):
                return Access(stored.tenant, stored.scopes)
        raise Problem("auth.unknown", "no sandbox knows this API key: copy it from `tenge up`")


def need(access: Access, scope: Scope) -> None:
    """Raise Problem ("auth.scope") where the key lacks `scope`."""
    if scope not in access.scopes:
        raise Problem("auth.scope", f"this API key lacks the scope {scope.value}")


class Doorkeeper:
    """Which names this server answers to, and whose pages may call it."""

    def __init__(self, hosts: Iterable[str]) -> None:
        """`hosts`: names without port, as in `127.0.0.1`, `localhost`, `[::1]`, `till.local`."""
        self._hosts: Final = frozenset(host.lower() for host in hosts)
        self._good: Final[Recent[str, bool]] = Recent(64)

    def check(self, host: str, origin: str | None) -> None:
        """Raise Problem ("host.unknown", "origin.cross"); `origin` is None where none was sent."""
        if self._good.get(host) is None:
            self._check_host(host)
        if origin is not None and not self._is_own(origin, host):
            raise Problem("origin.cross", "pages of other sites may not call this API")

    def _check_host(self, host: str) -> None:
        try:
            parts = urlsplit(f"//{host}")
            _ = parts.port
        except ValueError:
            raise Problem("host.unknown") from None
        name = parts.netloc.lower()
        name = name.rpartition(":")[0] if parts.port is not None else name.removesuffix(":")
        if name not in self._hosts or parts.path or parts.query or parts.fragment:
            raise Problem("host.unknown", "call the server by a name it was started with")
        self._good.put(host, True)

    def _is_own(self, origin: str, host: str) -> bool:
        scheme, found, rest = origin.partition("://")
        return bool(found) and scheme in ("http", "https") and rest.lower() == host.lower()
