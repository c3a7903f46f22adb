"""A client's own eye on the log: it never trusts a server to keep what it once showed.

`Witness` holds the newest checkpoint it has seen. A later one must continue it: not shorter, not
another root for the same size, and a consistency proof for everything in between. The log's key is
taken on first use and never changed after; compare it once by another way (`tenge up` prints it).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from ledger.errors import LogDamaged, StoreProblem
from ledger.keys import verify
from ledger.log.checkpoint import Checkpoint, LogKey, decode_vkey, encode_vkey, open_checkpoint
from ledger.log.merkle import verify_consistency
from ledger.log.proof import verify_receipt

ProofSource = Callable[[int, int], Sequence[bytes]]
"""The consistency proof between two sizes, as the server gives it."""


class LogForked(LogDamaged):
    """The server shows a log that does not continue what it showed before. Both checkpoints, signed
    by its own key, are in `before` and `now`: evidence that anyone can check."""

    code = "log_forked"

    def __init__(self, message: str, before: str, now: str) -> None:
        super().__init__(message)
        self.before = before
        self.now = now


class _Memory(msgspec.Struct, frozen=True):
    """What is kept in the file: the log's key and the newest checkpoint, as their texts."""

    key: str
    checkpoint: str


class Witness:
    """Remembers one log; in a file, where a path is given, so that a restart forgets nothing."""

    def __init__(self, path: Path | None = None) -> None:
        self._path: Final = path
        self._memory: _Memory | None = None if path is None else _read(path)

    @property
    def key(self) -> LogKey | None:
        """The key of the log, once it was taken on."""
        return None if self._memory is None else decode_vkey(self._memory.key)

    def see(self, text: str, vkey: str, proof: ProofSource) -> Checkpoint:
        """Take note of a checkpoint; raises LogForked where it does not continue what was seen,
        Malformed or BadSignature where it is none of this log's."""
        before = self._memory
        key = decode_vkey(vkey if before is None else before.key)
        checkpoint = open_checkpoint(text, verify, [key])
        if before is not None:
            seen = open_checkpoint(before.checkpoint, verify, [key])
            if not _continues(seen, checkpoint, proof):
                raise LogForked(
                    f"the log had {seen.size} entries and now shows {checkpoint.size} that do not"
                    " continue them",
                    before.checkpoint,
                    text,
                )
        self._remember(_Memory(encode_vkey(key), text))
        return checkpoint

    def check_receipt(self, leaf: bytes, receipt: str) -> Checkpoint:
        """Show offline that the log holds `leaf`; raises as `ledger.log.proof.verify_receipt`."""
        if self.key is None:
            raise LogDamaged("no checkpoint of this log was ever seen: call check_log() first")
        return verify_receipt(leaf, receipt, verify, [self.key])

    def _remember(self, memory: _Memory) -> None:
        self._memory = memory
        if self._path is not None:
            draft = self._path.with_name(self._path.name + ".new")
            draft.write_bytes(msgspec.json.encode(memory) + b"\n")
            os.replace(draft, self._path)


def _continues(seen: Checkpoint, now: Checkpoint, proof: ProofSource) -> bool:
    if now.size < seen.size:
        return False
    hashes = proof(seen.size, now.size) if 0 < seen.size < now.size else ()
    return verify_consistency(
        old=seen.size, new=now.size, old_root=seen.root, new_root=now.root, proof=hashes
    )


def _read(path: Path) -> _Memory | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Memory)
    except FileNotFoundError:
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise StoreProblem(f"{path} is damaged: it held the newest checkpoint seen") from None
