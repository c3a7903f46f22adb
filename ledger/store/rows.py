"""Rows to values and back: the one place that knows the order of a table's columns."""

from __future__ import annotations

from typing import Any

import msgspec

from ledger.core.account import Account, AccountKind
from ledger.core.objects import Lookup, Object, decode_body, encode_body
from ledger.store.base import StoredObject

Row = tuple[Any, ...]

_KINDS: dict[str, Any] = {kind.value: kind for kind in AccountKind}
_KIND_TEXT = {kind: kind.value for kind in AccountKind}  # drivers are slow with an enum
_ENCODE = msgspec.json.Encoder().encode
_DECODE = msgspec.json.Decoder(tuple[Lookup, ...]).decode
_NO_LOOKUPS = b"[]"


def account_of(row: Row) -> Account:
    """The account in a row of number, id, owner and so on; an unknown kind stays the text it is."""
    number, id_, owner, asset, kind, mark, status, balance, written = row
    known: Any = _KINDS.get(kind, kind)
    return Account(number, id_, owner, asset, known, mark, status, balance, written)


def account_row(ledger: int, account: Account) -> Row:
    """A whole row of the table `account`."""
    return (
        ledger, account.number, account.id, account.owner, account.asset, _KIND_TEXT[account.kind],
        account.mark, account.status, account.balance, account.written,
    )  # fmt: skip


def object_of(row: Row) -> Object:
    """The object in a row of type, key, owner and so on."""
    type_, key, owner, status, due, body, lookups, written = row
    found = () if lookups == _NO_LOOKUPS else _DECODE(lookups)
    return Object(type_, key, owner, status, due, decode_body(type_, body), found, written)


def stored_object(object_: Object) -> StoredObject:
    """The object as its row holds it."""
    return StoredObject(*object_row(0, object_)[1:])


def object_row(ledger: int, object_: Object) -> Row:
    """A whole row of the table `object`."""
    return (
        ledger, object_.type, object_.key, object_.owner, str(object_.status), object_.due,
        encode_body(object_.body), encode_lookups(object_.lookups), object_.written,
    )  # fmt: skip


def encode_lookups(lookups: tuple[Lookup, ...]) -> bytes:
    """Look-up rows as the table `object` keeps them: JSON pairs of name and base64 value."""
    return _ENCODE(lookups) if lookups else _NO_LOOKUPS
