"""What can be wrong with a programme's file: a place, a stable code, what it is about.

The sentences (`programme.<code>.what`, `.mend`) are in the catalogue `programmes.po`, three
languages; this knows codes and parameters alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from sandbox_api.programme.places import Place
from sandbox_api.sentences import Value, text

CODES = frozenset({
    "text.bytes", "text.long", "text.toml",
    "member.unknown", "member.missing", "member.type",
    "label.form", "label.long", "choice.unknown", "code.form",
    "amount.form", "amount.zero", "amount.range",
    "date.form", "date.past", "date.far", "date.above",
    "list.long", "list.twice",
    "party.unknown", "party.operator", "role.operator", "oracle.missing",
    "budget.role", "condition.twice", "holder.none", "holder.twice", "allocation.over",
    "policy.nobody", "policy.return", "policy.supplier", "goods.unreachable",
    "sub.supplier", "sub.deep", "sub.beyond",
    "split.few", "split.many", "split.fraction", "split.zero", "split.sum", "split.twice",
    "split.remainder", "programme.empty",
})  # fmt: skip


class Fault(msgspec.Struct, frozen=True):
    """One fault. Places count from 1. `params`: what the sentences name."""

    line: int
    column: int
    code: str
    params: tuple[tuple[str, Value], ...] = ()

    def what(self, lang: str) -> str:
        """What is wrong, in a sentence."""
        return text(f"programme.{self.code}.what", lang, **dict(self.params))

    def mend(self, lang: str) -> str:
        """What to write instead, in a sentence."""
        return text(f"programme.{self.code}.mend", lang, **dict(self.params))


def fault_at(place: Place, code: str, params: Mapping[str, Value]) -> Fault:
    """A fault of a known code."""
    if code not in CODES:
        raise AssertionError(f"{code} is no fault")
    return Fault(place.line, place.column, code, tuple(sorted(params.items())))
