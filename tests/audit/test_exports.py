"""R5 on exported files: one byte changed is found, and named by its entry."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pytest

from ledger.audit import Part, Verdict, audit_export
from ledger.audit.audit import is_export
from ledger.errors import StoreProblem
from ledger.log.merkle import leaf_hash
from tests.audit.damage import seeds
from tests.audit.everything import Everything


def audited(raw: bytes, path: Path) -> Verdict:
    path.write_bytes(raw)
    return audit_export(path, workers=1)


def flipped(raw: bytes, at: int, drawn: random.Random) -> bytes:
    return raw[:at] + bytes([raw[at] ^ drawn.randint(1, 255)]) + raw[at + 1 :]


@pytest.mark.parametrize("which", ["small", "large"])
@pytest.mark.parametrize("decides", [False, True], ids=["verify", "decide"])
def test_the_exported_ledger_is_sound(
    which: str, decides: bool, request: pytest.FixtureRequest
) -> None:
    everything: Everything = request.getfixturevalue(which)

    for keys in ((), (everything.log_key,)):
        verdict = audit_export(everything.export, keys=keys, decides=decides, workers=1)
        assert verdict.findings == ()
        assert verdict.size == everything.size
        assert verdict.supply.keys() >= set(everything.world.ASSETS)
    assert is_export(everything.export)
    assert not is_export(everything.path)


def test_a_changed_byte_of_a_leaf_names_that_entry(
    small: Everything, large: Everything, tmp_path: Path
) -> None:
    for seed, drawn in seeds(60):
        everything = drawn.choice((small, large))
        raw = everything.export.read_bytes()
        tail = everything.size // 256 * 256
        index = drawn.choice(
            (drawn.randrange(everything.size), drawn.randrange(tail, everything.size))
        )
        leaf = everything.leaves[index]
        at = raw.index(leaf) + drawn.randrange(len(leaf))

        found = audited(flipped(raw, at, drawn), tmp_path / "log.zip").findings[0]

        assert (found.part, found.index) == (Part.LEAF, index), (seed, found)


def test_a_changed_byte_of_a_hash_blames_the_tile(
    small: Everything, large: Everything, tmp_path: Path
) -> None:
    for seed, drawn in seeds(40):
        everything = drawn.choice((small, large))
        raw = everything.export.read_bytes()
        index = drawn.randrange(everything.size)
        at = raw.index(leaf_hash(everything.leaves[index])) + drawn.randrange(32)

        found = audited(flipped(raw, at, drawn), tmp_path / "log.zip").findings[0]

        assert (found.part, found.index) == (Part.TILE, index), (seed, found)


def test_a_changed_byte_anywhere_is_found_unless_it_says_nothing(
    small: Everything, tmp_path: Path
) -> None:
    raw = small.export.read_bytes()
    said = members(small.export)
    directory = raw.index(b"PK\x01\x02")
    path = tmp_path / "log.zip"
    for seed, drawn in seeds(120):
        at = drawn.choice((drawn.randrange(len(raw)), drawn.randrange(directory, len(raw))))
        verdict = audited(flipped(raw, at, drawn), path)
        if verdict.is_sound:
            assert members(path) == said, (seed, at)


@pytest.mark.parametrize("bit", range(16))
def test_a_flag_that_other_programs_stumble_over_is_damage(
    small: Everything, tmp_path: Path, bit: int
) -> None:
    raw = bytearray(small.export.read_bytes())
    flags = raw.index(b"PK\x01\x02") + 8
    raw[flags + bit // 8] ^= 1 << bit % 8

    verdict = audited(bytes(raw), tmp_path / "log.zip")

    assert [found.part for found in verdict.findings] == [Part.STRUCTURE] * (bit != 11)


def members(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.mark.parametrize("keep", [0, 1, 30, 1_000, 0.5, 0.99])
def test_a_cut_file_is_damage_of_the_structure(
    small: Everything, tmp_path: Path, keep: float
) -> None:
    raw = small.export.read_bytes()
    cut = int(len(raw) * keep) if 0 < keep < 1 else int(keep)

    verdict = audited(raw[:cut], tmp_path / "log.zip")

    assert [found.part for found in verdict.findings] == [Part.STRUCTURE]


def test_a_missing_file_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(StoreProblem, match="No such file"):
        audit_export(tmp_path / "nothing.zip")
