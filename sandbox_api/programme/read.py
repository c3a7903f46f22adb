"""Read a programme's file: text into a `Programme`, or every fault of it at once.

Shape is judged here (members, forms of values), what the values mean together in `lint`. Nothing
that a text holds is an exception for the caller. Who is meant by a short name the caller says; time
is an argument, too.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from difflib import get_close_matches
from typing import Any, Final, NamedTuple

from ledger.core.amount import TENGE_SCALE, parse_amount
from ledger.core.party import Role
from ledger.errors import Malformed
from sandbox_api.programme.fault import Fault, fault_at
from sandbox_api.programme.form import Condition, Holder, Mark, Programme, Split
from sandbox_api.programme.lint import lint
from sandbox_api.programme.places import Path, Place, Places
from sandbox_api.sentences import OFFSET_MINUTES, Value

TEXT_MAX: Final = 64_000
"""Bytes of a file."""

LABEL_MAX: Final = 64
PAYEES_MAX, ROLES_MAX, CODES_MAX, CONDITIONS_MAX, HOLDERS_MAX = 64, 4, 32, 4, 400
FINALS: Final = ("unmark", "return")
ROUNDINGS: Final = ("down", "half_up", "half_even")

_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._-]*")
_CODE = re.compile(r"[0-9A-Z]{1,12}")
_ID = re.compile(r"[A-Za-z0-9_-]{22}")
_AT = re.compile(r" \(at line (\d+), column (\d+)\)$")
_ALMATY = timezone(timedelta(minutes=OFFSET_MINUTES))

Read = Callable[[Path, object], Any]
"""Reads the value at a path; None where there is a fault in it."""


class Found(NamedTuple):
    """What was read, and what is wrong with it, in the order of the text."""

    programme: Programme
    faults: tuple[Fault, ...]


def read_programme(content: bytes, people: Mapping[str, Role], now: int) -> Found:
    """A file's bytes. `people`: roles of everyone who may be named; `now`: ms UTC."""
    empty = Programme(None, None, ())
    if len(content) > TEXT_MAX:
        return Found(empty, (fault_at(Place(1, 1), "text.long", {"most": TEXT_MAX}),))
    try:
        text = content.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        column = error.start - content.rfind(b"\n", 0, error.start)
        return Found(empty, (fault_at(Place(line, column), "text.bytes", {}),))
    try:
        document = tomllib.loads(text)
        places = Places(text)
    except (ValueError, RecursionError) as error:  # a number may be too long for Python itself
        return Found(empty, (_no_toml(text, error),))
    reader = _Reader(places, people)
    programme = reader.programme(document)
    found = (*reader.faults, *lint(programme, places, people, now))
    return Found(programme, tuple(sorted(found, key=lambda one: (one.line, one.column, one.code))))


def _no_toml(text: str, error: Exception) -> Fault:
    said = str(error) if isinstance(error, tomllib.TOMLDecodeError) else "nested or written too far"
    at = _AT.search(said)
    lines = text.split("\n")
    place = Place(int(at[1]), int(at[2])) if at else Place(len(lines), len(lines[-1]) + 1)
    detail = re.sub(r" \(at [^)]*\)$", "", said)
    return fault_at(place, "text.toml", {"detail": detail})


class _Reader:
    """One document. Faults are collected, never raised."""

    def __init__(self, places: Places, people: Mapping[str, Role]) -> None:
        self.faults: list[Fault] = []
        self._places = places
        self._people = people
        self._named = sorted(name for name, role in people.items() if role != Role.OPERATOR)
        self._unread: dict[Path, frozenset[str]] = {}  # by table: its members with a fault

    def programme(self, document: dict[str, Any]) -> Programme:
        at_top: dict[str, Read] = {
            "name": self._label, "mark": self._table, "condition": self._tables,
            "holder": self._tables, "sub": self._tables, "split": self._table,
        }  # fmt: skip
        top = self._members((), document, at_top, ("name",))
        mark = None
        if "mark" in document or any(word in document for word in ("condition", "holder", "sub")):
            mark = self._mark(("mark",), top.get("mark") or {}, top, ())
            if top.get("mark") is None:
                mark = None
                if "mark" not in document:
                    self._fault("member.missing", (), name="mark")
        splits = tuple(
            self._split(("split", name), name, rule)
            for name, rule in (top.get("split") or {}).items()
        )
        if mark is None and not splits and "split" not in document:
            self._fault("programme.empty", (), example="[mark]", other="[split.…]")
        return Programme(top.get("name"), mark, splits)

    # Tables --------------------------------------------------------------------------------------

    def _mark(self, path: Path, table: dict[str, Any], beside: dict[str, Any], top: Path) -> Mark:
        """A policy: of the programme, whose arrays stand `beside` it, or of a sub-contract."""
        is_sub = path[0] == "sub"
        source = "by" if is_sub else "budget"
        fields: dict[str, Read] = {
            source: self._party, "contract": self._label, "budget_line": self._label,
            "valid_until": self._moment, "on_final": self._choice(FINALS),
            "payees": self._list(self._party, PAYEES_MAX),
            "roles": self._list(self._choice(tuple(Role)), ROLES_MAX),
            "categories": self._list(self._code, CODES_MAX),
            "goods": self._list(self._code, CODES_MAX),
            "payee_max": self._amount, "total": self._amount,
        }  # fmt: skip
        if is_sub:
            fields |= {"condition": self._tables, "holder": self._tables, "sub": self._tables}
        wanted = (source, "contract", "budget_line", "valid_until", "on_final")
        read = self._members(path, table, fields, wanted if table or is_sub else ())
        rows = read if is_sub else beside
        before = len(self.faults)
        holders = self._holders((*top, "holder"), rows.get("holder") or [])
        unread = self._unread.get(path, frozenset()) | self._unread.get(top, frozenset())
        if len(self.faults) > before:
            unread |= {"holder"}
        return Mark(
            path, read.get(source), read.get("contract"), read.get("budget_line"),
            read.get("valid_until"), read.get("on_final"), read.get("payees") or (),
            read.get("roles") or (), read.get("categories") or (), read.get("goods") or (),
            read.get("payee_max"), read.get("total"),
            self._conditions((*top, "condition"), rows.get("condition") or []),
            holders,
            tuple(
                self._mark((*top, "sub", number), sub, {}, (*top, "sub", number))
                for number, sub in enumerate(rows.get("sub") or [])
            ),
            unread,
        )  # fmt: skip

    def _conditions(self, path: Path, rows: list[dict[str, Any]]) -> tuple[Condition, ...]:
        if len(rows) > CONDITIONS_MAX:
            self._fault("list.long", (*path, CONDITIONS_MAX), name=path[-1], most=CONDITIONS_MAX)
        found = []
        for number, row in enumerate(rows):
            here = (*path, number)
            fields: dict[str, Read] = {"oracle": self._party, "event": self._label}
            read = self._members(here, row, fields, ("oracle", "event"))
            found.append(Condition(here, read.get("oracle"), read.get("event")))
        return tuple(found)

    def _holders(self, path: Path, rows: list[dict[str, Any]]) -> tuple[Holder, ...]:
        if len(rows) > HOLDERS_MAX:
            self._fault("list.long", (*path, HOLDERS_MAX), name=path[-1], most=HOLDERS_MAX)
        fields: dict[str, Read] = {
            "party": self._party, "amount": self._amount, "supplier": self._bool,
        }  # fmt: skip
        found = []
        for number, row in enumerate(rows):
            read = self._members((*path, number), row, fields, ("party",))
            supplier = bool(read.get("supplier"))
            found.append(Holder((*path, number), read.get("party"), read.get("amount"), supplier))
        return tuple(found)

    def _split(self, path: Path, name: str, value: object) -> Split:
        self._label(path, name)
        table = self._table(path, value) or {}
        fields: dict[str, Read] = {
            "from": self._party, "rounding": self._choice(ROUNDINGS), "remainder": self._party,
            "shares": self._shares(self._percent), "fixed": self._shares(self._amount),
        }  # fmt: skip
        wanted = ("from", "rounding", "remainder", "shares")
        read = self._members(path, table, fields, wanted if isinstance(value, dict) else ())
        if table.get("shares") == {}:
            self._fault("split.few", (*path, "shares"))
        return Split(
            path, name, read.get("from"), read.get("rounding"), read.get("remainder"),
            read.get("shares") or (), read.get("fixed") or (),
        )  # fmt: skip

    def _members(
        self, path: Path, table: dict[str, Any], fields: Mapping[str, Read], wanted: tuple[str, ...]
    ) -> dict[str, Any]:
        """Every member that can be read; the rest are faults."""
        read: dict[str, Any] = {}
        unread: set[str] = set()
        misspelt: set[str | None] = set()
        for name, value in table.items():
            if name in fields:
                before = len(self.faults)
                read[name] = fields[name]((*path, name), value)
                if len(self.faults) > before:
                    unread.add(name)
            else:
                near = _near(name, fields)
                misspelt.add(near)
                self._fault("member.unknown", (*path, name), by_name=True, name=name, near=near,
                            admitted=list(fields))  # fmt: skip
        for name in wanted:
            if name not in table and name not in misspelt:
                code = "oracle.missing" if name == "oracle" else "member.missing"
                self._fault(code, path, by_name=True, name=name)
        self._unread[path] = frozenset(unread)
        return read

    # Values --------------------------------------------------------------------------------------

    def _table(self, path: Path, value: object) -> dict[str, Any] | None:
        if isinstance(value, dict):
            return value
        self._wrong(path, "table")
        return None

    def _tables(self, path: Path, value: object) -> list[dict[str, Any]] | None:
        if isinstance(value, list) and all(isinstance(one, dict) for one in value):
            return value
        self._wrong(path, "tables")
        return None

    def _bool(self, path: Path, value: object) -> bool | None:
        if isinstance(value, bool):
            return value
        self._wrong(path, "bool")
        return None

    def _text(self, path: Path, value: object) -> str | None:
        if isinstance(value, str):
            return value
        self._wrong(path, "text")
        return None

    def _label(self, path: Path, value: object) -> str | None:
        text = self._text(path, value)
        if text is None:
            return None
        if len(text) > LABEL_MAX:
            self._fault("label.long", path, value=text[:20], most=LABEL_MAX)
            return None
        if not _LABEL.fullmatch(text):
            self._fault("label.form", path, value=text)
            return None
        return text

    def _code(self, path: Path, value: object) -> str | None:
        text = self._text(path, value)
        if text is None or _CODE.fullmatch(text):
            return text
        self._fault("code.form", path, value=text[:20])
        return None

    def _party(self, path: Path, value: object) -> str | None:
        text = self._text(path, value)
        if text is None or text in self._people or _ID.fullmatch(text):
            return text
        near = _near(text, self._people)
        self._fault("party.unknown", path, value=text[:40], near=near, admitted=self._named)
        return None

    def _amount(self, path: Path, value: object) -> str | None:
        text = self._text(path, value)
        if text is None:
            return None
        try:
            parse_amount(text, TENGE_SCALE)
        except Malformed as error:
            self._fault(error.code, path, value=text[:30])
            return None
        return text

    def _moment(self, path: Path, value: object) -> int | None:
        """A day is its last moment in Almaty; a time without an offset is Almaty's."""
        if isinstance(value, datetime):
            at = value if value.tzinfo else value.replace(tzinfo=_ALMATY)
        elif isinstance(value, date):
            at = datetime.combine(value, time(), _ALMATY)
        else:
            self._fault("date.form", path)
            return None
        since = at - datetime(1970, 1, 1, tzinfo=UTC)
        ms = since // timedelta(milliseconds=1)
        return ms if isinstance(value, datetime) else ms + 86_400_000

    def _choice(self, admitted: tuple[str, ...]) -> Read:
        def read(path: Path, value: object) -> str | None:
            text = self._text(path, value)
            if text is None or text in admitted:
                return text
            self._fault(
                "choice.unknown",
                path,
                value=text[:40],
                near=_near(text, admitted),
                admitted=[str(one) for one in admitted],
            )
            return None  # fmt: skip

        return read

    def _list(self, one: Read, most: int) -> Read:
        def read(path: Path, value: object) -> tuple[Any, ...] | None:
            if not isinstance(value, list):
                self._wrong(path, "list")
                return None
            if len(value) > most:
                self._fault("list.long", path, name=path[-1], most=most)
            found: list[Any] = []
            for number, each in enumerate(value):
                element = one((*path, number), each)
                if element is not None and element in found:
                    self._fault("list.twice", (*path, number), value=element)
                elif element is not None:
                    found.append(element)
            return tuple(found)

        return read

    def _shares(self, one: Read) -> Read:
        def read(path: Path, value: object) -> tuple[tuple[str, Any], ...] | None:
            table = self._table(path, value)
            if table is None:
                return None
            rows = []
            for name, each in table.items():
                payee, share = self._party((*path, name), name), one((*path, name), each)
                if payee is not None and share is not None:
                    rows.append((payee, share))
            return tuple(rows) if len(rows) == len(table) else None

        return read

    def _percent(self, path: Path, value: object) -> int | None:
        if isinstance(value, float):
            self._fault("split.fraction", path, value=str(value))
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self._wrong(path, "percent")
            return None
        if not 1 <= value <= 100:
            self._fault("split.zero", path, value=str(value)[:12])
            return None
        return value

    def _wrong(self, path: Path, wanted: str) -> None:
        """Another type was wanted."""
        self._fault("member.type", path, name=str(path[-1]), wanted=f"programme.is.{wanted}")

    def _fault(self, code: str, path: Path, *, by_name: bool = False, **params: Value) -> None:
        place = self._places.of_name(path) if by_name else self._places.of_value(path)
        self.faults.append(fault_at(place, code, params))


def _near(word: str, admitted: Mapping[str, object] | tuple[str, ...]) -> str | None:
    """What was meant, perhaps."""
    found = get_close_matches(word.lower(), [str(one) for one in admitted], n=1, cutoff=0.6)
    return found[0] if found else None
