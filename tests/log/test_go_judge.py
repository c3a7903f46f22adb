"""Go's golang.org/x/mod/sumdb as an independent judge over our note, tree and tiles (A2)."""

from __future__ import annotations

import json
import random
import zipfile

import pytest

from ledger.log import merkle
from ledger.log.checkpoint import encode_vkey

SEED = 20_261_122
SIZE = 1000


@pytest.fixture
def unpacked(log, tmp_path):
    """Unpack the export of a log of this size; gives the folder."""

    def make(size):
        path = log.export(tmp_path / "log.zip", log.leaves(size))
        with zipfile.ZipFile(path) as archive:
            archive.extractall(tmp_path / "log")
        return tmp_path / "log"

    return make


@pytest.mark.parametrize("size", [1, 255, 256, 257, 70_000])
def test_go_finds_an_unpacked_export_sound(judge, log, unpacked, size):
    assert judge("log", str(unpacked(size)), encode_vkey(log.key)) == f"ok {size}\n"


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("checkpoint", "invalid signature"),
        ("tile/0/000", "does not hash to its tile"),
        ("tile/1/000.p/1", "inconsistent tile"),
        ("tile/entries/000", "does not hash to its tile"),
    ],
)
def test_go_refuses_a_changed_one(judge, log, unpacked, name, says):
    """So the answer above is no mere nod."""
    folder = unpacked(300)
    content = bytearray((folder / name).read_bytes())
    content[20] ^= 1
    (folder / name).write_bytes(content)

    answer = judge("log", str(folder), encode_vkey(log.key))

    assert not answer.startswith("ok")
    assert says in answer


def test_go_accepts_every_inclusion_proof_and_a_thousand_consistency_proofs(judge, vector_nodes):
    print("seed", SEED)
    source = random.Random(SEED)
    roots = {}

    def root_at(size):
        if size not in roots:
            roots[size] = merkle.root(size, merkle.frontier_of(size, vector_nodes)).hex()
        return roots[size]

    claims = []
    for index in range(SIZE):
        path = merkle.inclusion_proof(index, SIZE, vector_nodes)
        leaf = vector_nodes(0, index).hex()
        claims.append({"index": index, "size": SIZE, "leaf": leaf, "path": path})
    for _ in range(1000):
        old, new = sorted(source.randint(1, 70_000) for _ in range(2))
        path = merkle.consistency_proof(old, new, vector_nodes)
        claims.append({"old": old, "size": new, "old_root": root_at(old), "path": path})
    wrong = claims[7] | {"index": 8}
    lines = [
        json.dumps(
            claim | {"root": root_at(claim["size"]), "path": [node.hex() for node in claim["path"]]}
        )
        for claim in [*claims, wrong]
    ]

    answers = judge("proofs", stdin="\n".join(lines)).splitlines()

    assert answers[:-1] == ["ok"] * len(claims)
    assert answers[-1] != "ok"


def test_the_known_answers_are_still_gos(judge, tree_vectors):
    assert tree_vectors.items() >= json.loads(judge("vectors")).items()
