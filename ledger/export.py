"""Exports: a whole ledger's log in one zip that, unpacked, is a valid static log (design D7).

Shell, not pure: this reads and writes files. The form is docs/log-format.md part 7. Members are
stored uncompressed, so that damage stays where it is and can be named by entry, and so that a zip
cannot unfold: every length is known from the manifest's size beforehand.
A reader must not assume that an `Export` that opened is sound: only `Export.check` says so, and
only against log keys that came from elsewhere. The manifest's own key is a claim like the rest.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import IO, Literal

import msgspec

from ledger.errors import BadSignature, LogDamaged, Malformed, StoreProblem
from ledger.log import merkle, tiles
from ledger.log.checkpoint import (
    NOTE_CHARS_MAX,
    Checkpoint,
    LogKey,
    Verifier,
    decode_checkpoint,
    decode_vkey,
    open_checkpoint,
    split_note,
)
from ledger.log.leaf import LEAF_BYTES_MAX, decode_leaf
from ledger.log.tiles import ENTRIES, TILE_WIDTH, Edge, Tile

FORMAT = "tenge-export/1"
"""Name and version of the export format."""

MANIFEST_BYTES_MAX = 65_536
"""Longest manifest that is read."""

PACK_BYTES_MAX = 65_535
"""Longest rule pack: it came in a leaf."""

PACKS_MAX = 10_000
"""Most rule packs in one export."""

Part = Literal["leaf", "tile", "pack", "checkpoint", "structure"]
"""What is damaged: an entry's bytes, a hash of the tree, a pack, the signed head, or the zip."""

_ZIP_FAULTS = (
    *(zipfile.BadZipFile, struct.error, ValueError, OSError, EOFError),
    *(IndexError, OverflowError, NotImplementedError),
)
"""What zipfile raises over a list of members that is not whole or not sound."""

_UTF8 = 0x800
"""The one flag of a zip's member that says nothing here: its name is UTF-8."""

_EPOCH = (1980, 1, 1, 0, 0, 0)
_LOCAL = struct.Struct("<4s5H3L2H")
_is_ledger_id = re.compile(r"[A-Za-z0-9_-]{21}[AQgw]").fullmatch
_is_pack_name = re.compile(r"packs/([A-Za-z0-9_-]{43})\.toml").fullmatch


class ExportDamaged(LogDamaged):
    """An export is not what was signed. `part` says which part, `index` the first entry it hits.

    `index` is None where no entry can be named: the checkpoint, or the zip's structure. For a tile
    above level 0 it is the first entry below the damaged hash.
    """

    def __init__(self, part: Part, message: str, index: int | None = None) -> None:
        super().__init__(message, index)
        self.part = part


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an export says of itself, as `manifest.json`.

    `ledger` is the ledger's id (22 characters), `size` the number of entries, `vkey` the log key
    that signed the checkpoint, `made_at` wall time in ms UTC.
    """

    format: Literal["tenge-export/1"]
    ledger: str
    size: int
    origin: str
    vkey: str
    made_at: int


def write_export(
    path: str | os.PathLike[str],
    manifest: Manifest,
    checkpoint: str,
    leaves: Iterable[bytes],
    packs: Iterable[bytes],
) -> None:
    """Write the export of a log: the checkpoint's text, its leaves in order, the packs' texts.

    Streams: 256 leaves are held at a time, whatever the size. The file appears under its name only
    when whole and flushed to disk. Raises LogDamaged where the leaves do not give the checkpoint's
    size and root, Malformed where manifest and checkpoint differ, StoreProblem where the disk
    fails.
    """
    _check_manifest(manifest)
    head = decode_checkpoint(split_note(checkpoint)[0])
    if (manifest.size, manifest.origin) != (head.size, head.origin):
        raise Malformed("export_malformed", "manifest and checkpoint are not of one log and size")
    target = Path(path)
    unfinished = target.with_name(target.name + ".part")
    try:
        with unfinished.open("wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                _put(archive, "manifest.json", _manifest_bytes(manifest))
                _put(archive, "checkpoint", checkpoint.encode())
                for digest, text in sorted({_digest(text): text for text in packs}.items()):
                    _put(archive, f"packs/{digest}.toml", text)
                _write_log(archive, head, leaves)
            file.flush()
            os.fsync(file.fileno())
        unfinished.replace(target)
    except BaseException as fault:
        with suppress(OSError):
            unfinished.unlink()
        if isinstance(fault, OSError):
            problem = f"cannot write the export {target}: {fault.strerror}"
            raise StoreProblem(problem) from fault
        raise


def _write_log(archive: zipfile.ZipFile, head: Checkpoint, leaves: Iterable[bytes]) -> None:
    """Write entry bundles and hash tiles as the leaves come by, the partial ones at the end."""
    rest = iter(leaves)
    size, edge = 0, Edge()
    while batch := list(islice(rest, TILE_WIDTH)):
        bundle = Tile(ENTRIES, size // TILE_WIDTH, len(batch))
        _put(archive, bundle.path, tiles.encode_bundle(batch))
        edge, filled = tiles.grow(size, edge, map(merkle.leaf_hash, batch))
        size += len(batch)
        for tile, hashes in filled:
            _put(archive, tile.path, hashes)
        if size > head.size:
            break
    for tile, hashes in tiles.edge_tiles(size, edge):
        _put(archive, tile.path, hashes)
    if size != head.size or merkle.root(size, tiles.edge_frontier(edge)) != head.root:
        raise LogDamaged(f"{size} leaves do not give the root signed for {head.size} entries")


class Export:
    """An export opened for reading. Damage is an ExportDamaged (a LogDamaged), never zip's own.

    One thread at a time; several processes may each open the same file. Opening reads the list of
    members, the manifest and the checkpoint, and holds every member's length against the size.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        try:
            self._file = Path(path).open("rb")  # noqa: SIM115 - close() closes it
        except OSError as fault:
            raise StoreProblem(f"cannot open the export {path}: {fault.strerror}") from fault
        self._wrong_sums: set[str] = set()
        try:
            self._members = _read_members(self._file)
            self.manifest = _read_manifest(self._member("manifest.json", MANIFEST_BYTES_MAX))
            self._check_members()
            self.checkpoint = self._read_checkpoint()
        except BaseException:
            self._file.close()
            raise

    def __enter__(self) -> Export:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def packs(self) -> dict[str, bytes]:
        """Every rule pack's text by its digest, each checked against it."""
        return dict(self._read_packs())

    def leaves(self, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
        """The leaves from `start` up to but without `stop`, as they stand: nothing is checked.

        Raises ExportDamaged with the first index of a bundle whose lengths do not add up.
        """
        end = self.manifest.size if stop is None else min(stop, self.manifest.size)
        start = max(start, 0)
        for number in range(start // TILE_WIDTH, -(-end // TILE_WIDTH)):
            first = number * TILE_WIDTH
            bundle = tiles.tile_at(self.manifest.size, ENTRIES, number)
            try:
                leaves = tiles.decode_bundle(self._tile_bytes(bundle), bundle.width)
            except Malformed as fault:
                raise ExportDamaged("leaf", f"{bundle.path}: {fault}", first) from None
            yield from leaves[max(start - first, 0) : end - first]

    def read_tile(self, tile: Tile) -> bytes:
        """A hash tile's bytes as they stand, for `tiles.node_reader`; `Tile` as in this size."""
        return self._tile_bytes(tile)

    def check(
        self,
        verify: Verifier,
        keys: Sequence[LogKey] = (),
        progress: Callable[[int], None] | None = None,
    ) -> Checkpoint:
        """Recompute all from the leaves up to the signed root; the checkpoint where it agrees.

        `keys` are the log keys to trust; without any, the manifest's own, which shows that nothing
        broke but not whose log it is. `progress` gets the number of entries done. Raises
        ExportDamaged with the index of the first damaged entry, and whether its leaf or a tile is
        damaged.
        """
        head = self._open_checkpoint(verify, keys)
        known_packs = {"", *(digest for digest, _ in self._read_packs())}
        size, edge = 0, Edge()
        for bundle in tiles.all_bundles(head.size):
            bundle_bytes = self._tile_bytes(bundle)
            leaves = tiles.cut_bundle(bundle_bytes)
            hashes = tuple(map(merkle.leaf_hash, leaves))
            self._compare_leaves(head, bundle, hashes)
            if tiles.encode_bundle(leaves) != bundle_bytes:
                text = f"{bundle.path}: the length of its last leaf is damaged"
                raise ExportDamaged("leaf", text, size + len(leaves) - 1)
            for index, leaf in enumerate(leaves, size):
                _check_leaf(leaf, index, known_packs)
            edge, filled = tiles.grow(size, edge, hashes)
            size += len(leaves)
            for tile, tile_bytes in filled:
                self._compare_upwards(head, tile, tile_bytes)
            if progress is not None:
                progress(size)
        if merkle.root(size, tiles.edge_frontier(edge)) != head.root:
            text = "leaves and tiles agree with each other, but not with the signed root"
            raise ExportDamaged("checkpoint", text)
        if self._wrong_sums:
            text = f"{min(self._wrong_sums)}: its checksum in the zip is wrong, its bytes are right"
            raise ExportDamaged("structure", text)
        return head

    def _compare_leaves(self, head: Checkpoint, bundle: Tile, hashes: Sequence[bytes]) -> None:
        """Hold the leaf hashes of one bundle against its tile; name the first that differs."""
        tile = Tile(0, bundle.index, bundle.width)
        stored = tiles.split_hashes(self._tile_bytes(tile))
        if hashes == stored:
            return
        differing = (
            i for i, pair in enumerate(zip(hashes, stored, strict=False)) if len(set(pair)) > 1
        )
        offset = next(differing, min(len(hashes), len(stored) - 1))
        index = bundle.index * TILE_WIDTH + offset
        if self._is_authentic(head, tile, stored):
            raise ExportDamaged(
                "leaf", f"entry {index}: its leaf is damaged, its hash is right", index
            )
        if len(hashes) == len(stored) and self._is_authentic(head, tile, hashes):
            raise ExportDamaged("tile", f"{tile.path}: the hash of entry {index} is damaged", index)
        text = f"entry {index}: leaf and hash differ, and neither leads to the signed root"
        raise ExportDamaged("leaf", text, index)

    def _compare_upwards(self, head: Checkpoint, tile: Tile, tile_bytes: bytes) -> None:
        """Hold the root of a full computed tile against its hash in the file one level up."""
        first = _first_entry(tile)
        above = tiles.tile_at(head.size, tile.level + 1, tile.index // TILE_WIDTH)
        hashes = tiles.split_hashes(self._tile_bytes(above))
        if hashes[tile.index % TILE_WIDTH] == tiles.subtree_root(tiles.split_hashes(tile_bytes)):
            return
        if self._is_authentic(head, above, hashes):
            last = _first_entry(Tile(tile.level, tile.index + 1)) - 1
            text = f"entries {first} to {last} were changed together with their tiles"
            raise ExportDamaged("leaf", text, first)
        text = f"{above.path}: the hash over entry {first} and those after it is damaged"
        raise ExportDamaged("tile", text, first)

    def _is_authentic(self, head: Checkpoint, tile: Tile, hashes: Sequence[bytes]) -> bool:
        """Whether these hashes, in that tile's place, lead upwards to the signed root."""
        while tile.width == TILE_WIDTH:
            node = tiles.subtree_root(hashes)
            above = tiles.tile_at(head.size, tile.level + 1, tile.index // TILE_WIDTH)
            hashes = tiles.split_hashes(self._tile_bytes(above))
            if hashes[tile.index % TILE_WIDTH] != node:
                return False
            tile = above
        replaced = {tile: b"".join(hashes)}
        edge = tiles.edge_of(
            head.size, lambda other: replaced.get(other) or self._tile_bytes(other)
        )
        return merkle.root(head.size, tiles.edge_frontier(edge)) == head.root

    def _open_checkpoint(self, verify: Verifier, keys: Sequence[LogKey]) -> Checkpoint:
        try:
            own = decode_vkey(self.manifest.vkey)
            return open_checkpoint(self.checkpoint, verify, keys or [own])
        except (Malformed, BadSignature) as fault:
            raise ExportDamaged("checkpoint", str(fault)) from None

    def _read_checkpoint(self) -> str:
        try:
            text = self._member("checkpoint", NOTE_CHARS_MAX).decode()
            head = decode_checkpoint(split_note(text)[0])
        except (Malformed, UnicodeDecodeError) as fault:
            raise ExportDamaged("checkpoint", f"the checkpoint cannot be read: {fault}") from None
        if (head.size, head.origin) != (self.manifest.size, self.manifest.origin):
            raise ExportDamaged(
                "checkpoint", "the checkpoint is not of the manifest's log and size"
            )
        return text

    def _read_packs(self) -> Iterator[tuple[str, bytes]]:
        for name in self._members:
            if match := _is_pack_name(name):
                text = self._member(name, PACK_BYTES_MAX)
                if _digest(text) != match[1]:
                    raise ExportDamaged("pack", f"{name} does not hash to its name")
                yield match[1], text

    def _check_members(self) -> None:
        """Hold the list of members against what a log of this size consists of, nothing else."""
        size = self.manifest.size
        packs = sum(1 for name in self._members if _is_pack_name(name))
        if packs > PACKS_MAX or len(self._members) - packs > 2 + _count_tiles(size):
            raise ExportDamaged("structure", f"the zip has files that a log of {size} has not")
        for tile in chain(tiles.all_bundles(size), tiles.all_tiles(size)):
            member = self._members.get(tile.path)
            if member is None:
                raise ExportDamaged("structure", f"{tile.path} is missing", _first_entry(tile))
            least, most = _length_bounds(tile)
            if not least <= member.size <= most:
                text = f"{tile.path} has {member.size} bytes, which no such file has"
                raise ExportDamaged("structure", text, _first_entry(tile))

    def _tile_bytes(self, tile: Tile) -> bytes:
        return self._member(tile.path, _length_bounds(tile)[1], _first_entry(tile))

    def _member(self, name: str, most: int, index: int | None = None) -> bytes:
        """A member's bytes, read past zip's own checksum, whose failures are only noted."""
        member = self._members.get(name)
        if member is None:
            raise ExportDamaged("structure", f"{name} is missing", index)
        if member.size > most:
            raise ExportDamaged("structure", f"{name} is longer than {most} bytes", index)
        try:
            self._file.seek(member.offset)
            start = self._file.read(_LOCAL.size)
            magic, *_, name_bytes, extra_bytes = _LOCAL.unpack(start)
            named = self._file.read(name_bytes)
            self._file.seek(extra_bytes, os.SEEK_CUR)
            found = self._file.read(member.size)
        except (OSError, OverflowError, struct.error) as fault:
            raise ExportDamaged("structure", f"{name} cannot be read: {fault}", index) from None
        if magic != b"PK\x03\x04" or named != name.encode() or len(found) != member.size:
            raise ExportDamaged("structure", f"{name} is not where the zip says", index)
        if zlib.crc32(found) != member.crc:
            self._wrong_sums.add(name)
        return found


class _Member(msgspec.Struct, frozen=True):
    """Where the zip says a member stands."""

    offset: int
    size: int
    crc: int


def _read_members(file: IO[bytes]) -> dict[str, _Member]:
    """The zip's list of members; whatever is wrong with it is damage of the structure."""
    try:
        with zipfile.ZipFile(file) as archive:
            listed = archive.infolist()
    except _ZIP_FAULTS as fault:
        raise ExportDamaged("structure", f"not a whole zip of our kind: {fault}") from None
    members: dict[str, _Member] = {}
    for info in listed:
        if info.compress_type != zipfile.ZIP_STORED or info.file_size != info.compress_size:
            raise ExportDamaged("structure", f"{info.filename[:80]} is not stored uncompressed")
        if info.filename in members or info.header_offset < 0:
            raise ExportDamaged("structure", f"{info.filename[:80]} is there twice")
        if info.flag_bits & ~_UTF8:  # encrypted, patched: what other programs would not read
            raise ExportDamaged("structure", f"{info.filename[:80]} has flags that no export has")
        members[info.filename] = _Member(info.header_offset, info.file_size, info.CRC)
    return members


def _read_manifest(text: bytes) -> Manifest:
    try:
        manifest = msgspec.json.decode(text, type=Manifest)
        _check_manifest(manifest)
    except (msgspec.MsgspecError, UnicodeError, Malformed) as fault:
        raise ExportDamaged("structure", f"the manifest cannot be read: {fault}") from None
    if _manifest_bytes(manifest) != text:
        raise ExportDamaged("structure", "the manifest is not in the form it is written in")
    return manifest


def _check_manifest(manifest: Manifest) -> None:
    if not manifest.origin.endswith(f"/{manifest.ledger}") or not _is_ledger_id(manifest.ledger):
        raise Malformed("export_malformed", "the origin does not end in the ledger's id")
    if not 0 <= manifest.size < 2**63 or not 0 <= manifest.made_at < 2**63:
        raise Malformed("export_malformed", "a size or time beyond 63 bits")
    if decode_vkey(manifest.vkey).name != manifest.origin:
        raise Malformed("export_malformed", "the manifest's key is not named by its origin")


def _manifest_bytes(manifest: Manifest) -> bytes:
    return msgspec.json.format(msgspec.json.encode(manifest)) + b"\n"


def _check_leaf(leaf: bytes, index: int, packs: Container[str]) -> None:
    """The tree holds these bytes; are they a leaf, of this place, under a pack that is here?"""
    try:
        entry = decode_leaf(leaf)
    except Malformed as fault:
        raise ExportDamaged("leaf", f"entry {index} is in the tree, but {fault}", index) from None
    if entry.index != index:
        raise ExportDamaged("leaf", f"entry {index} says it is entry {entry.index}", index)
    if entry.pack not in packs:
        raise ExportDamaged("pack", f"packs/{entry.pack}.toml is missing", index)


def _first_entry(tile: Tile) -> int:
    return tile.index << tiles.TILE_HEIGHT * (max(tile.level, 0) + 1)


def _length_bounds(tile: Tile) -> tuple[int, int]:
    """Least and most bytes of a tile's file: hashes have one length, bundles a range."""
    if tile.level == ENTRIES:
        return 2 * tile.width, tile.width * (2 + LEAF_BYTES_MAX)
    return merkle.HASH_BYTES * tile.width, merkle.HASH_BYTES * tile.width


def _count_tiles(size: int) -> int:
    """Number of bundles and hash tiles of a log, told without walking through them."""
    count = -(-size // TILE_WIDTH)
    while size:
        count += -(-size // TILE_WIDTH)
        size //= TILE_WIDTH
    return count


def _put(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Write one member; time, system and rights are fixed, so equal logs give equal files."""
    info = zipfile.ZipInfo(name, _EPOCH)
    info.create_system = 3
    info.external_attr = 0o644 << 16
    archive.writestr(info, content)


def _digest(text: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(text).digest()).rstrip(b"=").decode()
