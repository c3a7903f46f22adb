"""Needs: what a decision reads, named so that a batch is loaded in bulk.

A need is a tuple that starts with its table. `Known` maps needs to values; reading one that was
not loaded raises `NeedMissing`, which the shell answers by loading it and deciding again. So a
kind's declared needs are a prefetch, and no kind can decide on something it did not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias, TypeVar

import msgspec

from ledger.core.account import Account
from ledger.core.objects import Object

Need: TypeAlias = tuple[Any, ...]
"""One of ("account", id), ("object", type, key), ("lookup", type, name, value),
("counter", measure, period, subject, part). The values: the account or None, the object or None,
the keys of all objects of this type with this look-up row in key order, the sum (0 when never
written)."""

B = TypeVar("B", bound=msgspec.Struct)


class NeedMissing(Exception):
    """A decision read something that was not loaded; `need` says what. Never leaves the shell."""

    def __init__(self, need: Need) -> None:
        super().__init__(need)
        self.need = need


class Known:
    """What is loaded: a read-only face over a mapping from needs to values."""

    __slots__ = ("values",)

    def __init__(self, values: Mapping[Need, Any]) -> None:
        self.values = values

    def get(self, need: Need) -> Any:
        """The value of a need; raises NeedMissing where it was not loaded."""
        try:
            return self.values[need]
        except KeyError:
            raise NeedMissing(need) from None

    def account(self, id: bytes) -> Account | None:
        """The account with this id, or None where there is none."""
        found: Account | None = self.get(("account", id))
        return found

    def object(self, type: str, key: bytes) -> Object | None:
        """The object of this type and key, or None."""
        found: Object | None = self.get(("object", type, key))
        return found

    def body(self, type: str, key: bytes, as_: type[B]) -> B | None:
        """The body of that object as its type, or None."""
        found = self.get(("object", type, key))
        return None if found is None else found.body

    def lookup(self, type: str, name: str, value: bytes) -> tuple[bytes, ...]:
        """Keys of the objects that declared this look-up row, in key order."""
        found: tuple[bytes, ...] = self.get(("lookup", type, name, value))
        return found

    def counter(self, measure: str, period: int, subject: bytes, part: str) -> int:
        """A running sum; 0 when never written."""
        found: int = self.get(("counter", measure, period, subject, part))
        return found
