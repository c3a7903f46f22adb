"""Exports: written in one pass, valid as a static log, and every damage named."""

from __future__ import annotations

import zipfile
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import LogDamaged, Malformed, StoreProblem
from ledger.export import Export, ExportDamaged, write_export
from ledger.keys import verify
from ledger.log import merkle, tiles
from ledger.log.checkpoint import LogKey

SIZE = 600
"""Two full tiles, a partial one, and one of level 1."""


@pytest.fixture(scope="module")
def sound(log, tmp_path_factory):
    """A sound export, as bytes."""
    path = log.export(tmp_path_factory.mktemp("export") / "log.zip", log.leaves(SIZE))
    return path.read_bytes()


@pytest.fixture
def damaged(log, tmp_path):
    """Write bytes as an export, open and check it."""

    def check(content):
        path = tmp_path / "log.zip"
        path.write_bytes(content)
        with Export(path) as export:
            return export.check(verify, [log.key])

    return check


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, SIZE])
def test_what_was_written_is_read_and_found_sound(log, tmp_path, size):
    leaves = log.leaves(size)
    seen = []
    with Export(log.export(tmp_path / "log.zip", leaves)) as export:
        assert export.check(verify, [log.key], seen.append).size == size
        assert export.manifest == log.manifest(size)
        assert export.checkpoint == log.checkpoint(leaves)
        assert list(export.packs.values()) == [log.pack_text]
        assert list(export.leaves()) == leaves
        for start, stop in ((0, 0), (0, 1), (255, 257), (256, 256), (250, 999), (599, 600)):
            assert list(export.leaves(start, stop)) == leaves[start:stop]
        node = tiles.node_reader(size, export.read_tile)
        for index in (0, size // 2, size - 1) if size else ():
            assert merkle.inclusion_proof(index, size, node)[-1:] != [b""]
    assert seen == [min(n + 256, size) for n in range(0, size, 256)]


def test_the_same_log_gives_the_same_bytes(log, tmp_path, sound):
    assert log.export(tmp_path / "again.zip", log.leaves(SIZE)).read_bytes() == sound


def test_unpacked_it_is_a_static_log(log, tmp_path, sound):
    (tmp_path / "log.zip").write_bytes(sound)
    with zipfile.ZipFile(tmp_path / "log.zip") as archive:
        assert archive.testzip() is None
        names = archive.namelist()
        assert archive.read("checkpoint").decode() == log.checkpoint(log.leaves(SIZE))
        assert len(archive.read("tile/0/000")) == tiles.TILE_BYTES

    assert [name for name in names if not name.startswith("packs/")] == [
        *("manifest.json", "checkpoint", "tile/entries/000", "tile/0/000", "tile/entries/001"),
        *("tile/0/001", "tile/entries/002.p/88", "tile/0/002.p/88", "tile/1/000.p/2"),
    ]


def member_at(content, name):
    """Where a member's own bytes begin in the zip."""
    header = content.index(b"PK\x03\x04", content.index(name.encode()) - 30)
    return header + 30 + len(name)


def flipped(content, place):
    return content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :]


@pytest.mark.parametrize("index", [0, 1, 255, 256, 300, 511, 512, 599])
@pytest.mark.parametrize("where", ["the first byte", "within", "the last byte", "the length"])
def test_a_flipped_bit_in_a_leaf_names_that_entry(log, damaged, sound, index, where):
    leaf = log.leaf(index)
    offsets = {"the first byte": 0, "within": 99, "the last byte": len(leaf) - 1, "the length": -1}
    place = sound.index(leaf) + offsets[where]

    with pytest.raises(ExportDamaged) as found:
        damaged(flipped(sound, place))

    assert (found.value.part, found.value.index) == ("leaf", index)


@pytest.mark.parametrize("index", [0, 255, 256, 400, 512, 599])
def test_a_flipped_bit_in_a_leafs_hash_blames_the_tile_and_names_the_entry(
    log, damaged, sound, index
):
    place = sound.index(merkle.leaf_hash(log.leaf(index))) + index % 32

    with pytest.raises(ExportDamaged) as found:
        damaged(flipped(sound, place))

    assert (found.value.part, found.value.index) == ("tile", index)


@pytest.mark.parametrize(("number", "index"), [(0, 0), (1, 256)])
def test_a_flipped_bit_above_names_the_first_entry_below_it(damaged, sound, number, index):
    place = member_at(sound, "tile/1/000.p/2") + 32 * number + 5

    with pytest.raises(ExportDamaged) as found:
        damaged(flipped(sound, place))

    assert (found.value.part, found.value.index) == ("tile", index)


def test_every_flipped_bit_of_leaf_or_tree_is_found(log, damaged, sound):
    """Each place in leaves and tiles in strides of a prime; whose entry it hits is known."""
    for name, level, index in (
        *(("tile/entries/000", -1, 0), ("tile/entries/002.p/88", -1, 2)),
        *(("tile/0/001", 0, 1), ("tile/0/002.p/88", 0, 2), ("tile/1/000.p/2", 1, 0)),
    ):
        start = member_at(sound, name)
        tile = tiles.tile_at(SIZE, level, index)
        ends, first = [], index * 256
        if level == -1:
            for leaf in log.leaves(SIZE)[first : first + tile.width]:
                ends.append((ends[-1] if ends else 0) + 2 + len(leaf))
        else:
            ends = [32 * (n + 1) for n in range(tile.width)]
        for offset in range(0, ends[-1], 1009 if level < 1 else 1):
            hit = next(n for n, end in enumerate(ends) if offset < end)
            with pytest.raises(ExportDamaged) as found:
                damaged(flipped(sound, start + offset))
            expected = hit * 256 if level == 1 else first + hit
            assert found.value.index == expected, (name, offset)
            assert found.value.part == ("leaf" if level == -1 else "tile"), (name, offset)


def test_the_first_of_several_damaged_entries_is_named(log, damaged, sound):
    content = sound
    for index in (590, 301, 300):
        content = flipped(content, content.index(log.leaf(index)) + 50)

    with pytest.raises(ExportDamaged, match="entry 300") as found:
        damaged(content)

    assert (found.value.part, found.value.index) == ("leaf", 300)


def test_a_changed_checkpoint_is_told_from_a_changed_log(log, damaged, sound):
    with pytest.raises(ExportDamaged) as found:
        damaged(flipped(sound, sound.index("\n— ".encode()) - 8))

    assert (found.value.part, found.value.index) == ("checkpoint", None)


def test_a_changed_pack_is_named(damaged, sound):
    with pytest.raises(ExportDamaged, match="packs/") as found:
        damaged(flipped(sound, sound.index(b"# an empty pack")))

    assert found.value.part == "pack"


def test_a_signed_log_of_another_key_is_not_ours(log, tmp_path, sound):
    (tmp_path / "log.zip").write_bytes(sound)
    with Export(tmp_path / "log.zip") as export:
        assert export.check(verify).size == SIZE
        with pytest.raises(ExportDamaged, match="no known key") as found:
            export.check(verify, [LogKey(log.origin, b"k" * 32)])

    assert found.value.part == "checkpoint"


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_no_damage_ends_in_anything_but_logdamaged(log, sound, tmp_path_factory, data):
    """Bits anywhere in the zip, also in its own lists: found, or harmless and all still read."""
    path = tmp_path_factory.mktemp("bent") / "log.zip"
    tail = sound.index(b"PK\x01\x02")
    headers = [i for i in range(tail) if sound.startswith(b"PK\x03\x04", i)]
    near_header = st.sampled_from(headers).flatmap(lambda at: st.integers(at, at + 60))
    places = st.integers(0, len(sound) - 1) | st.integers(tail, len(sound) - 1) | near_header
    content = bytearray(sound)
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(places)] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)

    try:
        with Export(path) as export:
            head = export.check(verify, [log.key])
            leaves = list(export.leaves())
    except LogDamaged:
        return

    assert (head.size, leaves) == (SIZE, log.leaves(SIZE))


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.7, 0.99, 0.9999])
def test_a_cut_file_is_damaged_structure(damaged, sound, share):
    with pytest.raises(ExportDamaged) as found:
        damaged(sound[: int(len(sound) * share)])

    assert found.value.part == "structure"


def rewritten(sound, path, change):
    """The zip with its members, as name and bytes, changed: by one who knows how to write zips."""
    path.write_bytes(sound)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path.read_bytes()


def without(name):
    return lambda members: members.pop(name)


def with_text(name, old, new):
    def change(members):
        assert members[name].count(old) == 1
        members[name] = members[name].replace(old, new)

    return change


@pytest.mark.parametrize(
    ("change", "index"),
    [
        pytest.param(without("manifest.json"), None, id="no manifest"),
        pytest.param(without("checkpoint"), None, id="no checkpoint"),
        pytest.param(without("tile/entries/001"), 256, id="a bundle missing"),
        pytest.param(without("tile/0/001"), 256, id="a tile missing"),
        pytest.param(without("tile/1/000.p/2"), 0, id="a tile above missing"),
        pytest.param(lambda members: members.update({"../evil": b""}), None, id="a stray file"),
        pytest.param(
            lambda members: members.update({"tile/0/001": members["tile/0/001"] + b"x"}),
            256,
            id="a tile too long",
        ),
        pytest.param(
            lambda members: members.update({"tile/entries/001": b"\0" * 20_000_000}),
            256,
            id="a bundle longer than any",
        ),
        pytest.param(with_text("manifest.json", b"600", b"6e2"), None, id="a size as a float"),
        pytest.param(
            with_text("manifest.json", b"600", b"9223372036854775807"), 512, id="a huge size"
        ),
        pytest.param(with_text("manifest.json", b"600", b"-1"), None, id="a size below 0"),
        pytest.param(with_text("manifest.json", b"export/1", b"export/2"), None, id="a later form"),
        pytest.param(with_text("manifest.json", b"made_at", b"made_by"), None, id="a stray member"),
        pytest.param(with_text("manifest.json", b"{", b"[" * 60_000), None, id="nested deep"),
        pytest.param(with_text("manifest.json", b"{", b"{ "), None, id="a manifest retouched"),
    ],
)
def test_missing_stray_and_ill_sized_files_are_damaged_structure(
    damaged, sound, tmp_path, change, index
):
    content = rewritten(sound, tmp_path / "rewritten.zip", change)

    with pytest.raises(ExportDamaged) as found:
        damaged(content)

    assert (found.value.part, found.value.index) == ("structure", index)


def test_a_missing_pack_is_named_with_the_entry_that_needs_it(damaged, sound, tmp_path):
    def drop_packs(members):
        for name in [name for name in members if name.startswith("packs/")]:
            del members[name]

    with pytest.raises(ExportDamaged) as found:
        damaged(rewritten(sound, tmp_path / "rewritten.zip", drop_packs))

    assert (found.value.part, found.value.index) == ("pack", 1)


def test_a_compressed_zip_is_refused_before_it_can_unfold(damaged, tmp_path):
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", b" " * 100_000_000)

    with pytest.raises(ExportDamaged, match="uncompressed") as found:
        damaged(path.read_bytes())

    assert found.value.part == "structure"


def test_a_leaf_and_its_tile_changed_together_are_found_by_the_hash_above(
    log, damaged, sound, tmp_path
):
    """Whoever rewrites entry 300 and its tile, with right checksums, meets the tile above."""
    old = log.leaf(300)
    forged = old.replace(b'"KZT","301"', b'"KZT","991"')
    content = sound.replace(old, forged).replace(merkle.leaf_hash(old), merkle.leaf_hash(forged))
    content = rewritten_sums(content, tmp_path)

    with pytest.raises(ExportDamaged, match="256 to 511") as found:
        damaged(content)

    assert (found.value.part, found.value.index) == ("leaf", 256)


def test_a_whole_log_rewritten_under_an_old_checkpoint_is_found(log, tmp_path):
    """The forger makes everything agree but cannot sign: the signed root does not fit."""
    leaves = log.leaves(10)
    forged = [*leaves[:5], leaves[5].replace(b'"KZT","6"', b'"KZT","9"'), *leaves[6:]]
    signed = log.checkpoint(leaves)

    with pytest.raises(LogDamaged, match="do not give the root"):
        write_export(tmp_path / "log.zip", log.manifest(10), signed, forged, [log.pack_text])

    content = log.export(tmp_path / "log.zip", forged).read_bytes()
    content = content.replace(log.checkpoint(forged).encode(), signed.encode())
    (tmp_path / "log.zip").write_bytes(content)
    with Export(tmp_path / "log.zip") as export, pytest.raises(ExportDamaged) as found:
        export.check(verify, [log.key])
    assert found.value.part == "checkpoint"


def rewritten_sums(content, tmp_path):
    """The same members with right checksums."""
    path = tmp_path / "bent.zip"
    path.write_bytes(content)
    members = {}
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            start = info.header_offset + 30 + len(info.filename)
            members[info.filename] = content[start : start + info.file_size]
    with zipfile.ZipFile(path, "w") as archive:
        for name, member in members.items():
            archive.writestr(name, member)
    return path.read_bytes()


def test_a_log_that_signs_leaves_out_of_place_is_found(log, tmp_path):
    leaves = [log.leaf(0), log.leaf(2), log.leaf(1)]
    with Export(log.export(tmp_path / "log.zip", leaves)) as export:
        with pytest.raises(ExportDamaged, match="says it is entry 2") as found:
            export.check(verify, [log.key])
        assert (found.value.part, found.value.index) == ("leaf", 1)


def test_a_log_that_signs_what_is_no_leaf_is_found(log, tmp_path):
    leaves = [log.leaf(0), b"{}"]
    with Export(log.export(tmp_path / "log.zip", leaves)) as export:
        with pytest.raises(ExportDamaged, match="in the tree, but") as found:
            export.check(verify, [log.key])
        assert (found.value.part, found.value.index) == ("leaf", 1)


@pytest.mark.parametrize("size", [0, 255, 256, 599, 601, 900])
def test_leaves_that_are_not_the_checkpoints_leave_no_file(log, tmp_path, size):
    signed, path = log.checkpoint(log.leaves(SIZE)), tmp_path / "log.zip"

    with pytest.raises(LogDamaged, match="do not give the root"):
        write_export(path, log.manifest(SIZE), signed, log.leaves(size), [log.pack_text])

    assert list(tmp_path.iterdir()) == []


def test_endless_leaves_are_not_all_read(log, tmp_path):
    taken, signed = [], log.checkpoint(log.leaves(2))

    def endless():
        while True:
            taken.append(1)
            yield log.leaf(0)

    with pytest.raises(LogDamaged):
        write_export(tmp_path / "log.zip", log.manifest(2), signed, endless(), [])

    assert len(taken) == 256


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"size": 3}, id="another size"),
        pytest.param({"origin": "tenge.sandbox/AAAAAAAAAAAAAAAAAAAAAA"}, id="another origin"),
        pytest.param({"ledger": "AAAAAAAAAAAAAAAAAAAAAA"}, id="another ledger"),
        pytest.param({"vkey": "x"}, id="no key"),
        pytest.param({"made_at": -1}, id="before all time"),
    ],
)
def test_a_manifest_that_does_not_fit_is_not_written(log, tmp_path, change):
    manifest = msgspec.structs.replace(log.manifest(2), **change)
    leaves = log.leaves(2)

    with pytest.raises(Malformed):
        write_export(tmp_path / "log.zip", manifest, log.checkpoint(leaves), leaves, [])

    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_opened_or_written_is_a_store_problem(log, tmp_path):
    with pytest.raises(StoreProblem, match="cannot open"):
        Export(tmp_path / "missing.zip")
    with pytest.raises(StoreProblem, match="cannot open"):
        Export(tmp_path)
    with pytest.raises(StoreProblem, match="cannot write"):
        log.export(tmp_path / "missing" / "log.zip", log.leaves(2))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full (Linux)")
def test_a_full_disk_is_a_store_problem_and_leaves_no_file(log, tmp_path):
    (tmp_path / "log.zip.part").symlink_to("/dev/full")

    with pytest.raises(StoreProblem, match="No space left"):
        log.export(tmp_path / "log.zip", log.leaves(2))

    assert list(tmp_path.iterdir()) == []
