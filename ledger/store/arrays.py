"""Columns as PostgreSQL's binary arrays, packed here: one parameter a column, whatever its length.

psycopg packs a list item by item in Python; that took longer than deciding a transfer. The format
is array_recv's: dimensions, flags, element type, then size and lower bound, then each item behind
its length (PostgreSQL source, arrayfuncs.c).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from struct import Struct
from struct import error as StructError
from typing import Any

from psycopg import adapt, pq
from psycopg.abc import Buffer

_HEAD = Struct(">iiIii").pack
_LENGTH = Struct(">i").pack
_ABSENT = _LENGTH(-1)
_INT2 = Struct(">ih").pack
_INT4 = Struct(">ii").pack
_INT8 = Struct(">iq").pack


class Packed:
    """A packed column. Each array type is a class of its own, for psycopg chooses by class."""

    oid: int
    __slots__ = ("data",)

    def __init__(self, data: bytes) -> None:
        self.data = data


class Int2Array(Packed):
    """int2[]"""

    oid = 1005


class Int4Array(Packed):
    """int4[]"""

    oid = 1007


class Int8Array(Packed):
    """int8[]"""

    oid = 1016


class TextArray(Packed):
    """text[]"""

    oid = 1009


class BytesArray(Packed):
    """bytea[]"""

    oid = 1001


def pack(type_: str, column: Sequence[Any]) -> Packed:
    """A column of int2, int4, int8, text or bytea. OverflowError where a number does not fit."""
    array, element, items = _KINDS[type_]
    head = _HEAD(1, 1, element, len(column), 1)
    return array(head + items(column))


def register(connection: Any) -> None:
    """Teach a psycopg connection to send packed columns."""
    for class_ in (Int2Array, Int4Array, Int8Array, TextArray, BytesArray):
        dumper = type(class_.__name__ + "Dumper", (_Dumper,), {"oid": class_.oid})
        connection.adapters.register_dumper(class_, dumper)


class _Dumper(adapt.Dumper):
    format = pq.Format.BINARY

    def dump(self, obj: Packed) -> Buffer:
        return obj.data


def _numbers(packer: Callable[[int, int], bytes], width: int) -> Callable[[Sequence[Any]], bytes]:
    def items(column: Sequence[Any]) -> bytes:
        try:
            if None in column:
                return b"".join(_ABSENT if n is None else packer(width, n) for n in column)
            return b"".join(map(packer, repeat(width), column))
        except StructError as error:
            raise OverflowError(str(error)) from None

    return items


def _bytes(column: Sequence[Any]) -> bytes:
    parts = [b""] * (2 * len(column))
    parts[::2] = map(_LENGTH, map(len, column))
    parts[1::2] = column
    return b"".join(parts)


def _texts(column: Sequence[Any]) -> bytes:
    return _bytes([text.encode() for text in column])


_KINDS: dict[str, tuple[type[Packed], int, Callable[[Sequence[Any]], bytes]]] = {
    "int2": (Int2Array, 21, _numbers(_INT2, 2)),
    "int4": (Int4Array, 23, _numbers(_INT4, 4)),
    "int8": (Int8Array, 20, _numbers(_INT8, 8)),
    "text": (TextArray, 25, _texts),
    "bytea": (BytesArray, 17, _bytes),
}
