"""One owner a database file: a lock that the system drops when its holder ends, however it ends.

The lock is on `<database>.lock` beside the file, never on the database itself: SQLite keeps locks
of its own there, and closing any other handle on it would drop them. The file stays when the lock
goes; removing it would let two owners lock two files of one name.
"""

from __future__ import annotations

import os
import sys
from typing import IO

from ledger.errors import StoreProblem


class FileLock:
    """Exclusive ownership of a database file by one open handle; not inherited by other programs,
    and refused to a second owner in the same process as in any other."""

    def __init__(self, database: str) -> None:
        self.path = os.path.realpath(database) + ".lock"
        try:
            self._file: IO[str] = open(  # noqa: SIM115 - held until release()
                self.path, "a+", encoding="ascii", opener=_open
            )
        except OSError as error:
            raise StoreProblem(
                f"the lock file {self.path} cannot be written ({error.strerror}). Check that the"
                " folder exists, that you may write there and that the disk is not read-only."
            ) from None
        if not _lock(self._file):
            holder = self._holder()
            self._file.close()
            raise StoreProblem(
                f"the database {database} is already open for writing by {holder}. Stop that"
                " program first, or give another file: one file has one writer."
            )
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Give the file up. Closing drops the lock."""
        self._file.close()

    def _holder(self) -> str:
        try:
            self._file.seek(0)
            pid = int(self._file.read(20))
        except (OSError, ValueError):
            return "another process"
        return "this process" if pid == os.getpid() else f"process {pid}"


def _open(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


if sys.platform == "win32":
    import msvcrt

    _FAR = 1 << 30  # Windows locks bytes against reading too: one that is never written.

    def _lock(file: IO[str]) -> bool:
        try:
            file.seek(_FAR)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(file: IO[str]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        return True
