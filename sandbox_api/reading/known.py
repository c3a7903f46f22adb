"""Running the ledger's pure decisions on what a view has: the same code as the writer's (D6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

import msgspec

from ledger.core.account import Account
from ledger.core.decision import Reason
from ledger.core.ids import b64, unb64
from ledger.core.needs import Known, Need, NeedMissing
from ledger.core.objects import Object
from ledger.store.reader import Snapshot

R = TypeVar("R")
B = TypeVar("B", bound=msgspec.Struct)

ROUNDS_MAX = 4
"""Rounds of bulk loading; what is missing then is loaded one by one."""


def read_with(
    view: Snapshot,
    decide: Callable[[Known], R],
    needs: Callable[[Known], Iterable[Need]] = lambda known: (),
) -> R:
    """What `decide` says of the ledger as `view` has it. `needs` is a prefetch."""
    values: dict[Need, Any] = {}
    known = Known(values)
    for _ in range(ROUNDS_MAX):
        missing = [need for need in needs(known) if need not in values]
        if not missing:
            break
        values.update(view.load(missing))
    while True:
        try:
            return decide(known)
        except NeedMissing as missed:
            values.update(view.load([missed.need]))


def object_of(view: Snapshot, type_: str, key: bytes) -> Object | None:
    """One object, or None."""
    need: Need = ("object", type_, key)
    found: Object | None = view.load([need])[need]
    return found


def page_of(
    view: Snapshot, type_: str, name: str, value: bytes, after: bytes, limit: int
) -> tuple[Sequence[Object], str | None]:
    """A page of the objects that a look-up row finds, in order of key, above the key `after`; and
    where there are more, the last one's key as text, to go on after."""
    found = view.looked_up(type_, name, value, after_key=after, limit=limit + 1)
    page = found[:limit]
    return page, b64(page[-1].key) if len(found) > limit else None


def account_of(view: Snapshot, id: bytes) -> Account | None:
    """One account by its id, or None."""
    need: Need = ("account", id)
    found: Account | None = view.load([need])[need]
    return found


def decode_reasons(raw: bytes) -> tuple[Reason, ...]:
    """Reasons as a refusal's row keeps them."""
    return _reasons(raw)


def id_bytes(text: str) -> bytes:
    """The 16 bytes of an id whose form is checked."""
    return unb64(text, 16)


def id_text(id: bytes) -> str:
    """An id as text."""
    return b64(id)


_reasons = msgspec.json.Decoder(tuple[Reason, ...]).decode
