"""Known answers for every kind: what is signed, what becomes of it, which ids follow. Pinned for
good; `tests/kinds/make_vectors.py` says how they were made.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from ledger.core.ids import TransactionId, b64, derive_key, unb64
from ledger.keys import verify
from ledger.kinds import KINDS, read
from ledger.kinds.genesis import GenesisPayload
from ledger.log.leaf import decode_leaf
from ledger.log.merkle import leaf_hash
from ledger.writer.answers import Offer
from tests.builders import key_of
from tests.kinds.make_vectors import FOLDER, replayed, tell, vector
from tests.kinds.pure import PureLedger
from tests.kinds.samples import SAMPLES

NAMES = sorted(kind.name.replace("/", "-") for kind in KINDS.values())
SEEDS = ("nbk", *sorted({sample.signer for sample in SAMPLES.values()}))


@pytest.fixture(scope="module")
def world() -> PureLedger:
    return replayed(json.loads((FOLDER / "world.json").read_text("utf-8")))


def held(name: str) -> dict[str, Any]:
    vector: dict[str, Any] = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    return vector


def test_there_is_one_vector_a_kind():
    assert sorted(path.stem for path in FOLDER.glob("*.json")) == sorted([*NAMES, "world"])


@pytest.mark.parametrize("name", NAMES)
def test_a_kind_does_what_its_vector_says(world, name):
    expected = held(name)
    ledger = replayed([expected]) if name == "genesis-1" else world.fork()
    if name != "genesis-1":
        tell(ledger, expected.get("before", []))
        ledger.at = expected["at"]
        ledger.submit([Offer(expected["jws"].encode(), False)])

    assert vector(ledger, tuple(expected["derived"]), expected.get("before")) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_vector_agrees_with_itself(name):
    pinned = held(name)

    tx = read(pinned["jws"].encode())
    leaf = decode_leaf(pinned["leaf"].encode())
    id = TransactionId.parse(pinned["transaction"])

    assert tx.id == id
    assert (leaf.tx, leaf.index, leaf.at) == (pinned["jws"], pinned["index"], pinned["at"])
    assert leaf_hash(pinned["leaf"].encode()).hex() == pinned["leaf_hash"]
    assert {label: b64(derive_key(id, label)) for label in pinned["derived"]} == pinned["derived"]
    assert pinned["payload"]["kind"].replace("/", "-") == name
    if not isinstance(tx.payload, GenesisPayload):
        assert pinned["payload"]["ledger"] == pinned["ledger"]
    signer = next(key for key in map(key_of, SEEDS) if unb64(key.kid, 32) == tx.kid)
    assert verify(signer.public_key, tx.envelopes[0].signing_input, tx.envelopes[0].signature)
