"""Where in a TOML text each member and value stands: line and column, both from 1.

`tomllib` reads TOML strictly and tells no positions, so it judges first and this walks over a text
that it has accepted. A reader must not use it on any other: what is not TOML gives nonsense here.
"""

from __future__ import annotations

import re
import tomllib
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""From the top of the document: names of members, places in arrays from 0."""


class Place(NamedTuple):
    """A line and a column of it, from 1."""

    line: int
    column: int


class Places:
    """Places by path: of a member's name, and of its value. Where a path is not in the text (a
    member that is missing), the nearest that encloses it stands for it."""

    def __init__(self, text: str) -> None:
        scan = _Scan(text)
        scan.document()
        self.names = scan.names
        self.values = scan.values

    def of_name(self, path: Path) -> Place:
        """Where the member's name stands; of a table its header, of an element its first sign."""
        return _nearest(path, self.names, self.values)

    def of_value(self, path: Path) -> Place:
        """Where the value begins."""
        return _nearest(path, self.values, self.names)


def _nearest(path: Path, *tables: dict[Path, Place]) -> Place:
    while path:
        for table in tables:
            if path in table:
                return table[path]
        path = path[:-1]
    return Place(1, 1)


_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_NAME = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"(?:[^"\\]|\\.)*"')
_LITERAL = re.compile(r"'[^']*'")
_LONG_BASIC = re.compile(r'"""(?:[^\\]|\\.)*?"""(?:"{1,2}(?!"))?', re.S)
_LONG_LITERAL = re.compile(r"'''.*?'''(?:'{1,2}(?!'))?", re.S)
_OTHER = re.compile(r"[^,\]}\n#]+")


class _Scan:
    """One walk over one text."""

    def __init__(self, text: str) -> None:
        self.names: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self._text = text
        self._at = 0
        self._line, self._line_begins = 1, 0
        self._elements: dict[Path, int] = {}  # how many tables an array of tables has so far

    def document(self) -> None:
        table: Path = ()
        self._take(_BLANK)
        while self._at < len(self._text):
            if self._text.startswith("[", self._at):
                table = self._header()
            else:
                self._member(table)
            self._take(_BLANK)

    def _header(self) -> Path:
        place = self._place()
        repeated = self._text.startswith("[[", self._at)
        self._at += 2 if repeated else 1
        parts = self._dotted()
        self._at += 2 if repeated else 1
        path: Path = ()
        for number, part in enumerate(parts, 1):
            path = (*path, part)
            if number == len(parts) and repeated:
                self._elements[path] = self._elements.get(path, 0) + 1
                self.names.setdefault(path, place)
            if path in self._elements:
                path = (*path, self._elements[path] - 1)
            self.names.setdefault(path, place)
        return path

    def _member(self, table: Path) -> None:
        place = self._place()
        path = table
        for part in self._dotted():
            path = (*path, part)
            self.names.setdefault(path, place)
        self._at += 1  # the equals sign
        self._take(_SPACE)
        self._value(path)

    def _dotted(self) -> list[str]:
        """The parts of a name; ends at what follows it."""
        parts = []
        while True:
            self._take(_SPACE)
            if self._text[self._at] in "\"'":
                quoted = self._take(_BASIC if self._text[self._at] == '"' else _LITERAL)
                parts.append(_meant(quoted))
            else:
                parts.append(self._take(_BARE_NAME))
            self._take(_SPACE)
            if not self._text.startswith(".", self._at):
                return parts
            self._at += 1

    def _value(self, path: Path) -> None:
        self.values[path] = self._place()
        match self._text[self._at]:
            case "[":
                self._array(path)
            case "{":
                self._inline(path)
            case '"':
                long = self._text.startswith('"""', self._at)
                self._take(_LONG_BASIC if long else _BASIC)
            case "'":
                long = self._text.startswith("'''", self._at)
                self._take(_LONG_LITERAL if long else _LITERAL)
            case _:
                self._take(_OTHER)

    def _array(self, path: Path) -> None:
        self._at += 1
        number = 0
        while True:
            self._take(_BLANK)
            if self._text[self._at] == "]":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._value((*path, number))
            number += 1

    def _inline(self, path: Path) -> None:
        self._at += 1
        while True:
            self._take(_BLANK)
            if self._text[self._at] == "}":
                self._at += 1
                return
            if self._text[self._at] == ",":
                self._at += 1
                continue
            self._member(path)

    def _take(self, pattern: re.Pattern[str]) -> str:
        """What matches here, and go past it."""
        found = pattern.match(self._text, self._at)
        if found is None:
            raise AssertionError(f"no TOML at {self._place()}")
        self._at = found.end()
        return found[0]

    def _place(self) -> Place:
        """Where the walk is. Lines are counted on from the last place that was asked for."""
        passed = self._text.count("\n", self._line_begins, self._at)
        if passed:
            self._line += passed
            self._line_begins = self._text.rindex("\n", 0, self._at) + 1
        return Place(self._line, self._at - self._line_begins + 1)


def _meant(quoted: str) -> str:
    """The name that a quoted one stands for."""
    read: dict[str, Any] = tomllib.loads(f"name = {quoted}")
    return str(read["name"])
