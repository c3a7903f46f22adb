"""Where members and values stand: every path that TOML knows is found where it is written."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox_api.programme.places import Path, Place, Places

NAMES = st.one_of(
    st.text("abcXYZ019_-", min_size=1, max_size=6),
    st.text("a \"'.#=[]\\é", max_size=4).map(lambda text: _quoted(text)),
)
SCALARS = st.one_of(
    st.integers(-5, 5).map(str),
    st.sampled_from(["true", "1.5", "2030-06-30", "2030-06-30 10:00:00", "2030-06-30T10:00:00Z"]),
    st.text("a \"'.#=[]{},\\\té", max_size=6).map(lambda text: _quoted(text)),
    st.text('a ".#=[]{},\\', max_size=6).map(lambda text: f"'{text}'"),
    st.sampled_from(
        ['""""two"" quotes"""""', "'''a\n#b'c\n'''", '"""\n[x]\n\\""" """', "''''x'''''"]
    ),
)
BLANKS = st.sampled_from(["", " ", "\t", "\n", " # it's [not] = 'a' member\n", "\n\n  "])


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t") + '"'


def _arrays(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    element = st.tuples(BLANKS, values, BLANKS).map("".join)
    arrays = st.lists(element, max_size=3).map(lambda rows: f"[{','.join(rows)}\n]")
    members = st.tuples(NAMES, values).map(lambda pair: f"{pair[0]} = {pair[1]}")
    return arrays | st.lists(members, max_size=3).map(lambda rows: f"{{ {', '.join(rows)} }}")


VALUES = st.recursive(SCALARS, _arrays, max_leaves=6)
DOTTED = st.lists(NAMES, min_size=1, max_size=3).map(" . ".join)
LINES = st.one_of(
    st.tuples(DOTTED, VALUES).map(lambda pair: f"{pair[0]} = {pair[1]}"),
    DOTTED.map(lambda name: f"[{name}]"),
    DOTTED.map(lambda name: f"[[ {name} ]]  # one more"),
    BLANKS,
)


@given(st.lists(LINES, max_size=8).map("\n".join))
def test_every_member_of_a_text_is_found_where_it_stands(text: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    places = Places(text)
    lines = text.split("\n")

    expected = dict(_paths((), document))
    assert {*places.names, *places.values} == expected.keys()
    for path, place in places.values.items():
        rest = "\n".join([lines[place.line - 1][place.column - 1 :], *lines[place.line :]])
        assert _reads_as(rest, expected[path]), (path, place)


def _paths(path: Path, value: Any) -> list[tuple[Path, Any]]:
    found = [(path, value)] if path else []
    rows = value.items() if isinstance(value, dict) else ()
    if isinstance(value, list):
        rows = enumerate(value)
    return found + [each for name, one in rows for each in _paths((*path, name), one)]


def _reads_as(rest: str, value: Any) -> bool:
    """Whether some beginning of the text is the value."""
    for end in range(1, len(rest) + 1):
        try:
            if tomllib.loads(f"x = {rest[:end]}") == {"x": value}:
                return True
        except tomllib.TOMLDecodeError:
            pass
    return False


TEXT = """# a comment
name = "x"

[mark]
  payees = ["a",
            "b"]
[[holder]]
party = 'p'
[[holder]]
party.x = 1
[split.t]
shares = { cafe = 70, "dani yar" = 30 }
"""


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        (("name",), (2, 1), (2, 8)),
        (("mark",), (4, 1), (4, 1)),
        (("mark", "payees"), (5, 3), (5, 12)),
        (("mark", "payees", 1), (6, 13), (6, 13)),
        (("holder", 0, "party"), (8, 1), (8, 9)),
        (("holder", 1), (9, 1), (9, 1)),
        (("holder", 1, "party", "x"), (10, 1), (10, 11)),
        (("split", "t", "shares", "dani yar"), (12, 23), (12, 36)),
        (("mark", "budget"), (4, 1), (4, 1)),
        (("nothing", "here"), (1, 1), (1, 1)),
    ],
    ids=str,
)
def test_lines_and_columns_count_from_one(
    path: Path, name: tuple[int, int], value: tuple[int, int]
) -> None:
    places = Places(TEXT)

    assert (places.of_name(path), places.of_value(path)) == (Place(*name), Place(*value))
