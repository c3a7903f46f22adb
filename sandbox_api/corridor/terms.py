"""What two parties agree on before either locks anything: `Terms`, a value, and what follows.

Everything that either will sign on the way follows from the terms: the bytes of both locks, and so
their ids. So a party that has crashed needs nothing but its keys and the terms, and what it sends
again is the same transaction, never a second one. The secret follows from the initiator's key and
the terms; it is written down nowhere. Amounts are texts as the ledgers write them, times ms UTC by
the clock of the leg's own ledger. Terms are not secret, but nobody else needs them.
"""

from __future__ import annotations

import secrets
from enum import StrEnum
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import structs

from ledger.core.ids import TransactionId, b64, derive_key
from ledger.core.lock import HASH
from ledger.errors import Malformed
from ledger.keys import SigningKey, derive_secret

LAG_MS: Final = 1_000
"""How old what a party reads may be when it acts on it: a front end's time is up to 0.2 s old, and
an answer travels."""

MINUTE_MS: Final = 60_000

_CONTEXT: Final = b"tenge-corridor/1 "


class Side(StrEnum):
    """The initiator has the secret and locks first; the counterparty locks second."""

    INITIATOR = "initiator"
    COUNTERPARTY = "counterparty"


class Leg(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Money that one party locks for the other. `from_`, `to`: accounts of one asset on `ledger`.
    The lock is made at `lock_by` at the latest or never, and ends at `ends_at`."""

    ledger: str
    from_: str = msgspec.field(name="from")
    to: str
    asset: str
    amount: str
    lock_by: int
    ends_at: int


class Terms(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole agreement. `first` is the initiator's leg, `second` the counterparty's; `hash` is
    SHA-256 of the secret. The initiator shows the secret `reveal_ms` before `second` ends or not at
    all. Nobody locks or shows while the two ledgers' clocks are more than `skew_max_ms` apart.
    `deal`: 22 random characters, so that no two agreements are the same."""

    deal: str
    hash: str
    first: Leg
    second: Leg
    skew_max_ms: int
    reveal_ms: int

    @property
    def margin_ms(self) -> int:
        """By how much the first lock outlasts the second."""
        return self.first.ends_at - self.second.ends_at

    @property
    def window_ms(self) -> int:
        """What is left of the margin where the clocks are as far apart as they may be: for so long
        the first ledger may be away after the secret was shown."""
        return self.margin_ms - self.skew_max_ms

    def faults(self) -> tuple[str, ...]:
        """Why nobody should agree to these terms; empty where they are sound."""
        first, second = self.first, self.second
        found = []
        if self.window_ms <= self.reveal_ms:
            found.append(
                f"the first lock outlasts the second by {self.margin_ms} ms: less than the clocks"
                f" may differ and a step may take ({self.skew_max_ms} + {self.reveal_ms} ms)"
            )
        if self.reveal_ms < 2 * LAG_MS or self.skew_max_ms < LAG_MS:
            found.append(f"what is read may be {LAG_MS} ms old: leave more room than that")
        if second.lock_by + self.reveal_ms >= second.ends_at:
            found.append("the second lock may come too late for the secret to be shown")
        if not first.lock_by <= second.lock_by:
            found.append("the second lock would have to come before the first")
        return tuple(found)

    def encode(self) -> bytes:
        """The terms as JSON, always the same bytes for the same terms."""
        return msgspec.json.encode(self)


def read_terms(text: bytes | str) -> Terms:
    """Terms from their JSON. Raises Malformed."""
    try:
        return msgspec.json.decode(text, type=Terms)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed("terms", f"these are no terms of a corridor: {error}") from None


class Payment(msgspec.Struct, frozen=True):
    """What one side pays: from which account to which, on which ledger, how much of what."""

    ledger: str
    from_: str
    to: str
    asset: str
    amount: str


class Plan(msgspec.Struct, frozen=True):
    """Durations from the beginning on, in ms: until when each side has locked, when the second lock
    ends, how much longer the first lasts. The rest is as in `Terms`."""

    first_lock_ms: int = 10 * MINUTE_MS
    second_lock_ms: int = 20 * MINUTE_MS
    second_ends_ms: int = 30 * MINUTE_MS
    margin_ms: int = 30 * MINUTE_MS
    skew_max_ms: int = 5 * MINUTE_MS
    reveal_ms: int = MINUTE_MS


_PLAN: Final = Plan()


def draw_up(
    key: SigningKey, first: Payment, second: Payment, begins: int, plan: Plan = _PLAN
) -> Terms:
    """The initiator's proposal of terms, with the hash of its new secret. `first` is what it pays,
    `second` what it is paid. `begins`: ms UTC, as either ledger's clock shows."""

    def leg(paid: Payment, lock_ms: int, ends_ms: int) -> Leg:
        times = begins + lock_ms, begins + ends_ms
        return Leg(paid.ledger, paid.from_, paid.to, paid.asset, paid.amount, *times)

    bare = Terms(
        deal=b64(secrets.token_bytes(16)),
        hash="",
        first=leg(first, plan.first_lock_ms, plan.second_ends_ms + plan.margin_ms),
        second=leg(second, plan.second_lock_ms, plan.second_ends_ms),
        skew_max_ms=plan.skew_max_ms,
        reveal_ms=plan.reveal_ms,
    )
    return with_hash(bare, key)


def with_hash(terms: Terms, key: SigningKey) -> Terms:
    """The terms with the hash of the secret that `key` has for them."""
    return structs.replace(terms, hash=b64(sha256(secret_of(terms, key)).digest()))


def secret_of(terms: Terms, key: SigningKey) -> bytes:
    """The initiator's secret for these terms: 32 bytes that nobody without its key can find."""
    bare = structs.replace(terms, hash="")
    return derive_secret(key.seed, context=_CONTEXT + sha256(bare.encode()).digest())


def lock_payload(terms: Terms, leg: Leg) -> bytes:
    """What is signed to lock a leg: the same bytes at every try."""
    place = b"first" if leg == terms.first else b"second"
    nonce = sha256(_CONTEXT + place + terms.encode()).digest()[:16]
    return msgspec.json.encode(
        {
            "kind": "lock/1",
            "ledger": leg.ledger,
            "nonce": b64(nonce),
            "not_after": leg.lock_by,
            "from": leg.from_,
            "to": leg.to,
            "amount": leg.amount,
            "ends_at": leg.ends_at,
            "condition": {"type": HASH, "hash": terms.hash},
        }
    )


def lock_id(terms: Terms, leg: Leg) -> str:
    """The id that the lock of a leg has, or will have."""
    digest = sha256(lock_payload(terms, leg)).digest()
    return b64(derive_key(TransactionId(leg.lock_by, digest), "lock"))
