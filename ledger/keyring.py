"""The keyring: the server's own secrets, in one file of mode 0600 beside the database (D12).

It holds log keys, the operator's key, the root of the personas and what else the sandbox's own
processes must keep; never a key of self-custody, and front ends never open it. The file is JSON;
all secrets stand in it as one AES-256-GCM text under a key-encryption key (KEK), so none can be
taken out, exchanged or renamed unseen. The KEK is the environment's `TENGE_KEK` (43 characters of
base64url) or else the file `….kek` of mode 0600, made on first use.

What this is good for, and what not: a copy of the database, or of the keyring alone (a backup, a
bug report, a wrong `git add`), betrays nothing. Whoever can read both files, this process's
memory or its environment has the keys; putting back an older keyring whole is not noticed. With
`TENGE_KEK` from a secret store nothing on the disk opens the keyring. Lose the KEK and the secrets
are lost.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec

from ledger.core.ids import b64, decode_segment, unb64
from ledger.errors import Malformed, StoreProblem
from ledger.keys import SECRET_BYTES, SigningKey, derive_secret, unwrap, wrap

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

KEK_VARIABLE: Final = "TENGE_KEK"
"""Environment variable with the key-encryption key: 32 bytes as base64url."""

FILE_MAX: Final = 16 * 1024 * 1024
"""Bytes in a keyring; more is taken for another file."""

_CONTEXT: Final = b"tenge-keyring/1"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


class Keyring:
    """Named secrets, loaded in memory; every new one is on the disk before it is handed out.

    Several processes may hold one keyring: a write takes the lock file, reads what others have
    written meanwhile, and replaces the file as a whole.
    """

    def __init__(self, path: Path, kek: bytes, secrets: dict[str, bytes]) -> None:
        self._path: Final = path
        self._kek: Final = kek
        self._secrets = secrets  # replaced whole, under the lock file

    def __repr__(self) -> str:
        return f"<Keyring {self._path}: {len(self._secrets)} secrets>"

    @classmethod
    def open_or_create(
        cls, path: str | Path, *, environ: Mapping[str, str] = os.environ
    ) -> Keyring:
        """Open the keyring at `path`, or make an empty one where there is none.

        Raises `StoreProblem`: other people may read a file, a file is damaged, the KEK is absent
        or another one, the disk refuses.
        """
        path = Path(path)
        with _locked(path):
            content = _read(path)
            kek = _kek_from(path, environ, create=content is None)
            if content is None:
                _write_wrapped(path, {}, kek)
                return cls(path, kek, {})
            return cls(path, kek, _opened(path, content, kek))

    def names(self) -> tuple[str, ...]:
        """The names of all secrets, sorted."""
        return tuple(sorted(self._secrets))

    def key(self, name: str, create: bool = True) -> SigningKey:
        """The signing key `name`; made from the system's randomness where absent and `create`."""
        return SigningKey.from_seed(self.secret(name, create=create))

    def secret(self, name: str, create: bool = False) -> bytes:
        """The secret `name`; where absent, 32 new random bytes if `create`, else `StoreProblem`."""
        found = self._secrets.get(name)
        if found is not None:
            return found
        if not create:
            raise StoreProblem(f"the keyring {self._path} holds no secret named {name}")
        return self._add(name, os.urandom(SECRET_BYTES), keep=True)

    def put(self, name: str, secret: bytes) -> None:
        """Keep a secret that was made elsewhere. A name never changes its meaning: raises
        `StoreProblem` where it already holds another secret.
        """
        self._add(name, secret, keep=False)

    def _add(self, name: str, secret: bytes, *, keep: bool) -> bytes:
        """Write `secret`; if `name` was taken meanwhile, `keep` what it holds or refuse."""
        if _NAME.fullmatch(name) is None:
            raise StoreProblem(
                f"{name!r:.80} cannot name a secret: use up to 64 letters, digits and . _ : / -"
            )
        with _locked(self._path):
            content = _read(self._path)
            if content is None:
                raise StoreProblem(f"the keyring {self._path} is gone; put it back and start again")
            secrets = _opened(self._path, content, self._kek)
            held = secrets.setdefault(name, secret)
            if held is secret:
                _write_wrapped(self._path, secrets, self._kek)
            self._secrets = secrets
        if held != secret and not keep:
            raise StoreProblem(f"the keyring {self._path} holds another secret named {name}")
        return held


def derive_seed(root: bytes, name: str) -> bytes:
    """Seed of the persona `name`'s key: HKDF-SHA256 of the personas' root (D12)."""
    return derive_secret(root, context=b"tenge-persona/1:" + name.encode())


class _File(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file's JSON: format, which KEK (a hash, so that a wrong one can be named), the text."""

    keyring: int
    kek: str
    wrapped: str


def _opened(path: Path, content: bytes, kek: bytes) -> dict[str, bytes]:
    damaged = StoreProblem(f"the keyring {path} is damaged; put back a good copy of it")
    try:
        file = msgspec.json.decode(content, type=_File)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise damaged from None
    if file.keyring != 1:
        raise StoreProblem(f"the keyring {path} is of format {file.keyring}; this program reads 1")
    if file.kek != _fingerprint(kek):
        raise StoreProblem(
            f"the keyring {path} was written under another key-encryption key; set {KEK_VARIABLE}"
            f" or put back {_kek_path(path)} as it was"
        )
    try:
        plain = unwrap(decode_segment(file.wrapped.encode()), kek=kek, context=_CONTEXT)
    except ValueError:
        raise damaged from None
    if plain is None:
        raise damaged
    return msgspec.json.decode(plain, type=dict[str, bytes])


def _write_wrapped(path: Path, secrets: dict[str, bytes], kek: bytes) -> None:
    wrapped = wrap(msgspec.json.encode(secrets), kek=kek, context=_CONTEXT)
    _write(path, msgspec.json.encode(_File(1, _fingerprint(kek), b64(wrapped))) + b"\n")


def _fingerprint(kek: bytes) -> str:
    return b64(sha256(b"tenge-kek/1:" + kek).digest()[:8])


def _kek_path(path: Path) -> Path:
    return path.with_name(path.name + ".kek")


def _kek_from(path: Path, environ: Mapping[str, str], *, create: bool) -> bytes:
    """The KEK of the environment, else of the file, which is made where `create` and absent."""
    if text := environ.get(KEK_VARIABLE):
        try:
            return unb64(text, SECRET_BYTES)
        except Malformed:
            raise StoreProblem(
                f"{KEK_VARIABLE} must be 32 bytes as base64url: 43 characters, no padding"
            ) from None
    kek_path = _kek_path(path)
    content = _read(kek_path)
    if content is None:
        if not create:
            raise StoreProblem(
                f"the keyring {path} needs its key-encryption key: put back {kek_path} or set"
                f" {KEK_VARIABLE}"
            )
        kek = os.urandom(SECRET_BYTES)
        _write(kek_path, b64(kek).encode() + b"\n")
        return kek
    try:
        return unb64(content.decode("ascii").rstrip("\n"), SECRET_BYTES)
    except (Malformed, UnicodeDecodeError):
        raise StoreProblem(f"{kek_path} is damaged; put back a good copy of it") from None


def _read(path: Path) -> bytes | None:
    """The whole file, None where there is none; refuses one that others may read or write."""
    try:
        with open(path, "rb") as file:
            if sys.platform != "win32" and (mode := os.fstat(file.fileno()).st_mode) & 0o077:
                raise StoreProblem(
                    f"{path} may be read by others (mode {mode & 0o777:o}); run: chmod 600 {path}"
                )
            content = file.read(FILE_MAX + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreProblem(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > FILE_MAX:
        raise StoreProblem(f"{path} is no keyring: it has more than {FILE_MAX} bytes")
    return content


def _write(path: Path, content: bytes) -> None:
    """Put `content` in place of the file as a whole, durably: either the old or the new stands."""
    draft = path.with_name(path.name + ".new")
    try:
        draft.unlink(missing_ok=True)  # left by a crash; the lock is ours
        with open(draft, "xb", opener=_private) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        if sys.platform != "win32":
            folder = os.open(path.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
    except OSError as error:
        raise StoreProblem(f"{path} cannot be written: {error.strerror}") from error


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file beside `path`: between processes and between threads."""
    lock_path = path.with_name(path.name + ".lock")
    try:
        lock = open(lock_path, "ab", opener=_private)  # noqa: SIM115 - closed below, on every way
    except OSError as error:
        raise StoreProblem(f"{lock_path} cannot be opened: {error.strerror}") from error
    with lock:
        if sys.platform == "win32":
            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
        else:
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
