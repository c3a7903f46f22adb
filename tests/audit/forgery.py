"""What a dishonest keeper of the log could do: rewrite entries, and sign the result with its key.

The log key, the tree and the checkpoint are all good; only replaying shows what is wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from ledger.audit.replay import Replay
from ledger.core.decision import Refused
from ledger.core.ids import b64, decode_segment, encode_segment
from ledger.core.transaction import Transaction
from ledger.decide import draft, settle
from ledger.export import FORMAT, Manifest, write_export
from ledger.keys import SigningKey
from ledger.kinds import read
from ledger.log import merkle
from ledger.log.checkpoint import LogKey, encode_vkey, sign_checkpoint
from ledger.log.leaf import Leaf, LeafPosting, decode_leaf, encode_leaf
from ledger.rules.pack import pack_in_force
from tests.audit.everything import LOG_SEED, T0, Everything
from tests.builders import World

Entries = list[Leaf]


class Forger:
    """Entries as read, and what it takes to write others that look alike."""

    def __init__(self, everything: Everything) -> None:
        self.everything = everything
        self.entries: Entries = [decode_leaf(leaf) for leaf in everything.leaves]
        self.ledger = b64(everything.ledger)
        self.at = self.entries[-1].at + 1
        self.world: World = everything.world
        self.world.signing.now = lambda: self.at
        self.accounts = self.world.accounts

    def kind_at(self, kind: str, *, last: bool = False) -> int:
        """Index of the first (or last) entry of this kind."""
        found = [i for i, entry in enumerate(self.entries) if self.kind(entry) == kind]
        return found[-1 if last else 0]

    def kind(self, entry: Leaf) -> str:
        return str(type(self.tx(entry).payload).__struct_config__.tag)

    def tx(self, entry: Leaf) -> Transaction:
        return read(entry.tx.encode())

    def change(self, index: int, **members: Any) -> None:
        """Write other members into an entry."""
        self.entries[index] = msgspec.structs.replace(self.entries[index], **members)

    def renumber(self) -> None:
        """Give every entry the index of its place."""
        replace = msgspec.structs.replace
        self.entries = [replace(entry, index=i) for i, entry in enumerate(self.entries)]

    def append(self, jws: str, **members: Any) -> int:
        """Accept a transaction whatever the rules say, as its kind would post it; its index."""
        tx, index = read(jws.encode()), len(self.entries)
        replay = Replay(decides=False)
        for entry in self.entries:
            replay.step(encode_leaf(entry))
        pack = pack_in_force(replay.state)
        plan = draft(tx, replay.state, self.at, self.ledger, pack.in_force(self.at))
        postings: tuple[LeafPosting, ...] = ()
        facts: Any = {}
        if not isinstance(plan, Refused):
            plan = settle(plan, None, self.at)
            facts = plan.facts
            postings = tuple(
                LeafPosting(b64(m.source.id), b64(m.target.id), m.asset.code, str(m.amount))
                for m in plan.movements
            )
        leaf = Leaf(1, index, self.at, pack.digest, jws, postings, facts)
        self.entries.append(msgspec.structs.replace(leaf, **members))
        return index

    def export(self, path: Path, log_key: SigningKey | None = None) -> Path:
        """The log as it is now, signed."""
        key = log_key or SigningKey.from_seed(LOG_SEED)
        leaves = [encode_leaf(entry) for entry in self.entries]
        origin = self.everything.log_key.name
        root = merkle.root(len(leaves), merkle.extend(0, (), map(merkle.leaf_hash, leaves)))
        checkpoint = sign_checkpoint(origin, len(leaves), root, key.sign, key.public_key)
        vkey = encode_vkey(LogKey(origin, key.public_key))
        manifest = Manifest(FORMAT, self.ledger, len(leaves), origin, vkey, T0)
        write_export(path, manifest, checkpoint, leaves, self.everything.packs)
        return path


Fraud = Callable[[Forger], int]
"""Does it, and returns the entry that an audit should name."""


def tampered(jws: str, change: Callable[[bytes], bytes]) -> str:
    """The transaction with another payload under its old signature."""
    header, payload, signature = jws.encode().split(b".")
    return b".".join((header, encode_segment(change(decode_segment(payload))), signature)).decode()


def resigned(jws: str, key: SigningKey) -> str:
    """The transaction with a signature by another key under the old key's name."""
    signing_input = jws.rpartition(".")[0]
    return signing_input + "." + encode_segment(key.sign(signing_input.encode())).decode()


def swapped(entries: Entries, first: int, second: int) -> None:
    """Two entries change places; times stay with the places."""
    a, b = entries[first], entries[second]
    entries[first] = msgspec.structs.replace(b, index=a.index, at=a.at)
    entries[second] = msgspec.structs.replace(a, index=b.index, at=b.at)
