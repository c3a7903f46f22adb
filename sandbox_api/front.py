"""The front end's half of submitting: strict reading and the mathematics of signatures (D8, D13).

Shared by the HTTP workers and the submit stream. `kid` is the hash of the public key, so what it
stands for never changes and may be remembered for ever; *whether* a key may act is the writer's to
say. Keys come from the ledger, in one read a batch, and from the transactions themselves (a
`party/1` carries the key that signs the next line). A transaction whose key is not found is offered
unverified: the writer knows more. What is offered was read strictly, and need not be again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from ledger.core.ids import b64, thumbprint, unb64
from ledger.core.transaction import Embedded, Statement, Transaction
from ledger.errors import Malformed
from ledger.keys import verify
from ledger.kinds import KINDS, read
from ledger.kinds.kind import kind_name
from ledger.writer.answers import Offer, Unread

KEYS_MAX: Final = 100_000
"""Public keys that one process remembers: some 15 MB."""

KeySource = Callable[[Sequence[bytes]], Mapping[bytes, bytes]]
"""Public keys (32 bytes) that the ledger knows, by kid (32 bytes); unknown ones are left out."""

BAD_SIGNATURE: Final = Unread(
    "bad_signature", "the signature does not fit these bytes and the key that kid names"
)
BAD_OFFLINE_SIGNATURE: Final = Unread(
    "bad_signature", "the signature of an offline payment does not fit it and its device", "chain"
)


class Checked(NamedTuple):
    """A transaction ready for the writer, and as read."""

    offer: Offer
    transaction: Transaction

    @property
    def id(self) -> str:
        """The transaction's id as text."""
        not_after, digest = self.transaction.id
        return f"{not_after}.{b64(digest)}"


class Front:
    """Checks signatures with keys it remembers. Safe for threads: a lost race costs one look-up."""

    def __init__(self, keys_of: KeySource, keys_max: int = KEYS_MAX) -> None:
        self._keys_of: Final = keys_of
        self._keys_max: Final = keys_max
        self._keys: dict[bytes, bytes] = {}  # kid to public key; only ever replaced by a part

    def check(self, jws: bytes) -> Checked | Unread:
        """One transaction, read and with its signatures checked as far as keys are known."""
        return self.check_all((jws,))[0]

    def check_all(self, lines: Iterable[bytes]) -> list[Checked | Unread]:
        """Many transactions in order, with one look-up for all keys that are new here."""
        opened: list[Transaction | Unread] = []
        missing: set[bytes] = set()
        for line in lines:
            try:
                transaction = self._read(line)
            except Malformed as error:
                opened.append(Unread(error.code, str(error), error.where))
                continue
            opened.append(transaction)
            for signed in transaction.envelopes:
                if signed.kid not in self._keys:
                    missing.add(signed.kid)
        if missing:
            self._look_up(missing)
        return [self._check(one) if isinstance(one, Transaction) else one for one in opened]

    def learn(self, public_key: bytes) -> bytes:
        """Remember a public key that was seen in the clear; returns its kid."""
        kid = thumbprint(public_key)
        self._keep(kid, public_key)
        return kid

    def known(self, kid: bytes) -> bytes | None:
        """The public key of a kid (32 bytes), asked from the ledger where it is new here."""
        if kid not in self._keys:
            self._look_up({kid})
        return self._keys.get(kid)

    def _read(self, line: bytes) -> Transaction:
        transaction = read(line)
        for public in KINDS[type(transaction.payload)].keys(transaction.payload):
            self.learn(unb64(public, 32))
        return transaction

    def _check(self, transaction: Transaction) -> Checked | Unread:
        keys = self._keys
        for place, signed in enumerate(transaction.envelopes):
            public_key = keys.get(signed.kid)
            if public_key is None:
                return Checked(Offer(transaction.jws, False), transaction)
            if not verify(public_key, signed.signing_input, signed.signature):
                return _inner(transaction.embedded[place - 1]) if place else BAD_SIGNATURE
        if not all(verify(*proof) for proof in transaction.proofs):
            return BAD_OFFLINE_SIGNATURE
        return Checked(Offer(transaction.jws, True), transaction)

    def _look_up(self, kids: set[bytes]) -> None:
        for kid, public_key in self._keys_of(tuple(kids)).items():
            self._keep(kid, public_key)

    def _keep(self, kid: bytes, public_key: bytes) -> None:
        keys = self._keys
        if len(keys) >= self._keys_max and kid not in keys:
            # The older half goes at once: rare, and cheaper than an order of use kept on every hit.
            self._keys = keys = dict(list(keys.items())[len(keys) // 2 :])
        keys[kid] = public_key


def _inner(embedded: Embedded[Statement]) -> Unread:
    """The fault of a statement whose signature does not fit."""
    what = kind_name(type(embedded.body)).partition("/")[0]
    return Unread(
        "bad_signature", f"the signature of the embedded {what} does not fit its bytes", what
    )
