"""asks_open/1: how many open requests to pay one payee may have before one payer, against spam.

It judges no movement: `ask/1` asks it, and reads a counter. Asks that were made under another pack
count too: they stay, and no further one is made until fewer are open than the pack admits. Without
a row in force there is no such limit.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.rules.rule import Case, Finding, Rule


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`open_max`: so many may be open at once, 1..1000; the limit itself is inside."""

    open_max: Annotated[int, Meta(ge=1, le=1_000)]


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Says nothing of movements."""
    return None


RULE = Rule("asks_open/1", Parameters, check)
