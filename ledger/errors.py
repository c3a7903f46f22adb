"""Everything the ledger raises. A refusal is a value and never stands here (see core.decision).

LedgerError
├── Malformed        bytes we cannot read: a wrong envelope, payload, amount, key, pack (HTTP 400)
├── BadSignature     the bytes are well formed, the signature over them is not good (HTTP 401)
├── Overloaded       a bounded queue is full: try again after `retry_after_s` (HTTP 503)
├── DoorShut         the writer is away, stopping or cannot be reached (HTTP 503)
├── StoreProblem     the database cannot be opened, is locked, is not ours, is full or failed
└── LogDamaged       stored bytes do not agree with what was signed or derived
"""

from __future__ import annotations


class LedgerError(Exception):
    """Base of all errors of the ledger; `code` is stable and for programs."""

    code = "ledger_error"


class Malformed(LedgerError):
    """Input that cannot be read. `code` names the fault, `where` the member, the text the mend."""

    def __init__(self, code: str, message: str, where: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.where = where


class BadSignature(LedgerError):
    """The signature does not fit the signed bytes and the key that `kid` names."""

    code = "bad_signature"


class Overloaded(LedgerError):
    """A bounded queue is full; nothing was taken. Retry the same bytes after `retry_after_s`."""

    code = "overloaded"

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class DoorShut(LedgerError):
    """The writer cannot be reached or is stopping. Retry the same bytes: the id makes it safe."""

    code = "door_shut"


class StoreProblem(LedgerError):
    """The store cannot be used; the text says what to do."""

    code = "store_problem"


class LogDamaged(LedgerError):
    """Stored bytes disagree with the log. `index` is the first damaged entry where one is known."""

    code = "log_damaged"

    def __init__(self, message: str, index: int | None = None) -> None:
        super().__init__(message)
        self.index = index
