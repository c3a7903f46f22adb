"""Known answers for every kind: the signed bytes, the leaf they became, postings and derived ids.

`python -m tests.kinds.make_vectors` writes tests/vectors/kinds/*.json anew; that is for new kinds.
Vectors stand by themselves: `world.json` holds what a ledger was told before, so neither another
rule pack nor another test world moves them. Behaviour that is released never changes: a kind that
must differ gets a new version and a vector of its own.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

from ledger.core.ids import b64, derive_key
from ledger.kinds import read
from ledger.kinds.kind import kind_name
from ledger.log.leaf import decode_leaf
from ledger.log.merkle import leaf_hash
from ledger.store.base import EntryRow
from ledger.writer.answers import Offer, Taken
from tests.kinds.pure import PureLedger, fork
from tests.kinds.samples import SAMPLES, bare_world

FOLDER = Path(__file__).parents[1] / "vectors" / "kinds"


def world() -> list[dict[str, Any]]:
    """What a ledger was told before a vector's own transaction: bytes and times, nothing else."""
    return [_told(entry) for entry in bare_world().door.entries]


def vectors() -> dict[str, dict[str, Any]]:
    """Every kind's vector by its file's name, `transfer-1`."""
    first = PureLedger()
    made = {"genesis-1": vector(first, ("central_bank", "operator"))}
    base = bare_world()
    for kind, sample in SAMPLES.items():
        world = fork(base)
        if sample.before is not None:
            sample.before(world)
        before = [_told(entry) for entry in world.door.entries[len(base.door.entries) :]]
        answer = world.offer(world.sign(sample.signer, kind, **sample.members(world)))
        assert isinstance(answer, Taken), (kind, answer)
        made[kind.replace("/", "-")] = vector(world.door, sample.labels, before)
    return made


def vector(
    ledger: PureLedger, labels: tuple[str, ...], before: list[dict[str, Any]] | None = None
) -> dict[str, Any]:
    """The newest entry of this ledger, with the ids derived under these labels, and what the ledger
    was told before it but after the world."""
    entry = ledger.entries[-1]
    leaf = decode_leaf(entry.leaf)
    tx = read(leaf.tx.encode())
    made = _told(entry) | {
        "ledger": ledger.id,
        "index": leaf.index,
        "payload": json.loads(_decoded(leaf.tx.split(".")[1])),
        "transaction": str(tx.id),
        "derived": {label: b64(derive_key(tx.id, label)) for label in labels},
        "facts": dict(leaf.facts),
        "postings": [list(_row(posting)) for posting in leaf.postings],
        "leaf": entry.leaf.decode(),
        "leaf_hash": leaf_hash(entry.leaf).hex(),
    }
    for embedded in tx.embedded:
        made[kind_name(type(embedded.body)).partition("/")[0]] = b64(embedded.id)
    if before:
        made["before"] = before
    return made


def replayed(told: list[dict[str, Any]]) -> PureLedger:
    """The ledger that was told all this."""
    ledger = PureLedger(told[0]["at"], told[0]["jws"])
    tell(ledger, told[1:])
    return ledger


def tell(ledger: PureLedger, told: list[dict[str, Any]]) -> None:
    """Tell a ledger all this, each at its time."""
    for row in told:
        ledger.at = row["at"]
        answer = ledger.submit([Offer(row["jws"].encode(), False)])[0]
        assert isinstance(answer, Taken), answer


def _told(entry: EntryRow) -> dict[str, Any]:
    leaf = decode_leaf(entry.leaf)
    return {"at": leaf.at, "jws": leaf.tx}


def _row(posting: Any) -> tuple[str, str, str, str]:
    return posting.debit, posting.credit, posting.asset, posting.amount


def _decoded(segment: str) -> bytes:
    return urlsafe_b64decode(segment + "=" * (-len(segment) % 4))


def text_of(vector: Any) -> str:
    """A vector as its file holds it."""
    return json.dumps(vector, indent=1, ensure_ascii=False) + "\n"


def main() -> None:
    """Write them all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "world.json").write_text(text_of(world()), "utf-8")
    for name, made in vectors().items():
        (FOLDER / f"{name}.json").write_text(text_of(made), "utf-8")


if __name__ == "__main__":
    main()
