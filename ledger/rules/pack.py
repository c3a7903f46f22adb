"""Rule packs: dated, sourced data that says which rules are in force with which parameters (D5).

A pack is TOML: `format`, `name`, optionally `extends` (the digest of another pack, whose rows it
takes over but for the rules it names itself), and `[[rule]]` rows. A row names a rule, the first
and last-but-one local day it is valid (`valid_from` inclusive, `valid_to` exclusive), its status
(LAW, PILOT, DRAFT, HYPOTHETICAL), a source key, and `[rule.parameters]`. An empty pack refuses
everything. docs/adding-a-rule.md shows one.
"""

from __future__ import annotations

import tomllib
from datetime import date
from functools import lru_cache
from hashlib import sha256
from itertools import pairwise
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import Meta

from ledger.core.counters import DAY_MS, LOCAL_OFFSET_MS
from ledger.core.decision import Basis
from ledger.core.ids import b64, unb64
from ledger.core.needs import Known
from ledger.core.objects import PackInForce
from ledger.core.transaction import Label
from ledger.errors import Malformed
from ledger.rules import RULES
from ledger.rules.rule import Rule

FOREVER = 1 << 62
_EPOCH = date(1970, 1, 1).toordinal()


class Row(msgspec.Struct, frozen=True):
    """A rule with its parameters, in force from `since` up to, not including, `until` (ms UTC)."""

    rule: Rule
    parameters: msgspec.Struct
    basis: Basis
    since: int
    until: int


class Pack(msgspec.Struct, frozen=True):
    """A pack as read. `digest` is the text of SHA-256 of its bytes, as entries record it."""

    name: str
    digest: str
    rows: tuple[Row, ...]

    def in_force(self, at: int) -> tuple[Row, ...]:
        """The rows in force at `at`, in the order of the table of rules."""
        return _in_force(self, at)[0]


_EMPTY = Pack("", "", ())


class _RowText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rule: str
    valid_from: date
    status: Literal["LAW", "PILOT", "DRAFT", "HYPOTHETICAL"]
    source: Annotated[str, Meta(min_length=1, max_length=64)]
    valid_to: date | None = None
    parameters: dict[str, Any] = {}


class _PackText(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    format: Literal[1]
    name: Label
    extends: Annotated[str, Meta(min_length=43, max_length=43)] | None = None
    rule: Annotated[tuple[_RowText, ...], Meta(max_length=256)] = ()


def pack_in_force(known: Known) -> Pack:
    """The current rule pack; an empty one before the first."""
    current = known.lookup("pack", "current", b"")
    if not current:
        return _EMPTY
    body = known.body("pack", current[0], PackInForce)
    if body is None:
        raise AssertionError("the look-up names a pack that is not there")
    return read_pack(body.text, body.base)


@lru_cache(maxsize=16)
def read_pack(text: str, base: str | None = None) -> Pack:
    """Read a pack's text; `base` is the text of the pack it extends. Raises Malformed("pack.…")."""
    pack = _read_text(text)
    rows = [_row(row) for row in pack.rule]
    if (pack.extends is None) != (base is None):
        raise Malformed("pack.extends", "give the text of the pack that this one extends")
    if base is not None:
        named = {row.rule.name for row in rows}
        if extended_digest(base) is not None:
            raise Malformed("pack.chain", "a pack may not extend one that extends another", "text")
        rows += [row for row in read_pack(base).rows if row.rule.name not in named]
    _refuse_overlaps(rows)
    order = {name: place for place, name in enumerate(RULES)}
    rows.sort(key=lambda row: (order[row.rule.name], row.since))
    return Pack(pack.name, b64(sha256(text.encode()).digest()), tuple(rows))


@lru_cache(maxsize=64)
def extended_digest(text: str) -> bytes | None:
    """Digest of the pack that this one extends, or None. Raises Malformed."""
    extends = _read_text(text).extends
    return None if extends is None else unb64(extends, 32)


def _read_text(text: str) -> _PackText:
    try:
        return msgspec.convert(tomllib.loads(text, parse_float=_refuse_float), _PackText)
    except tomllib.TOMLDecodeError as error:
        raise Malformed("pack.toml", f"the pack is not TOML: {error}", "text") from None
    except msgspec.ValidationError as error:
        raise Malformed("pack.member", f"the pack cannot be read: {error}", "text") from None
    except ValueError:  # a number so long that Python will not read it
        raise Malformed("pack.number", "the pack holds a number of thousands of digits") from None
    except RecursionError:
        raise Malformed("pack.toml", "the pack nests too deep", "text") from None


def _row(row: _RowText) -> Row:
    rule = RULES.get(row.rule)
    if rule is None:
        raise Malformed("pack.rule", f"there is no rule {row.rule!r:.64}", "text")
    try:
        parameters = msgspec.convert(row.parameters, rule.parameters)
    except (msgspec.ValidationError, Malformed) as error:
        raise Malformed("pack.parameters", f"{row.rule}: {error}", "text") from None
    since = _midnight(row.valid_from)
    until = FOREVER if row.valid_to is None else _midnight(row.valid_to)
    if until <= since:
        raise Malformed("pack.dates", f"{row.rule}: valid_to is not after valid_from", "text")
    return Row(rule, parameters, Basis(row.status, row.source), since, until)


def _refuse_overlaps(rows: list[Row]) -> None:
    ordered = sorted(rows, key=lambda row: (row.rule.name, row.since))
    for before, after in pairwise(ordered):
        if before.rule is after.rule and after.since < before.until:
            raise Malformed("pack.overlap", f"{after.rule.name} is in force twice at once", "text")


def _midnight(day: date) -> int:
    """ms UTC at which this local day begins."""
    return (day.toordinal() - _EPOCH) * DAY_MS - LOCAL_OFFSET_MS


def _refuse_float(text: str) -> Any:
    raise Malformed("pack.number", f"write {text} as a decimal string: packs hold no fractions")


P = TypeVar("P", bound=msgspec.Struct)
_parameters: dict[tuple[int, type], tuple[tuple[Row, ...], Any]] = {}


def parameters_in(rows: tuple[Row, ...], type_: type[P]) -> P | None:
    """The parameters of this type among the rows in force, or None. Remembered by the very tuple:
    `in_force` gives the same one for as long as the same rows are in force."""
    key = (id(rows), type_)
    held = _parameters.get(key)
    if held is None or held[0] is not rows:
        found = next((row.parameters for row in rows if isinstance(row.parameters, type_)), None)
        if len(_parameters) >= 256:
            _parameters.clear()
        held = _parameters[key] = (rows, found)
    return held[1]


_memo: dict[str, tuple[tuple[Row, ...], int, int]] = {}


def _in_force(pack: Pack, at: int) -> tuple[tuple[Row, ...], int, int]:
    """Rows in force, and the span of time for which they are; remembered by digest."""
    found = _memo.get(pack.digest)
    if found is not None and found[1] <= at < found[2]:
        return found
    edges = sorted({edge for row in pack.rows for edge in (row.since, row.until)})
    since = max((edge for edge in edges if edge <= at), default=-FOREVER)
    until = min((edge for edge in edges if edge > at), default=FOREVER)
    rows = tuple(row for row in pack.rows if row.since <= at < row.until)
    if len(_memo) >= 64:
        _memo.clear()
    _memo[pack.digest] = (rows, since, until)
    return _memo[pack.digest]
