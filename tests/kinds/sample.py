"""What a sample of a kind is: one good transaction, and the world it passes in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.builders import World


@dataclass(frozen=True)
class Sample:
    """Who signs, what the payload holds, and under which labels ids are derived from it. `before`
    brings about what the transaction needs to find; it may keep ids on the world for `members`."""

    signer: str
    members: Callable[[World], dict[str, Any]]
    labels: tuple[str, ...] = ()
    before: Callable[[World], None] | None = None
