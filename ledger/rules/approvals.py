"""approvals/1: how many keys of a party must agree before it does something of a kind.

It judges no movement: deciding asks it for every transaction. A kind that it does not name needs
one key, its signer's. What needs more comes in by `propose/1` and `approve/1` alone.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.core.party import Role
from ledger.rules.rule import Case, Finding, Rule

Many = Annotated[int, Meta(ge=2, le=8)]
"""Keys that must agree."""


class Parameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`keys`: versioned name of a kind to the number of keys, 2..8. `roles`: the same for what
    parties of one role sign; the larger number holds."""

    keys: dict[str, Many]
    roles: dict[Role, dict[str, Many]] = {}

    def needed(self, kind: str, role: Role) -> int:
        """How many keys of a party of this role must agree to a transaction of this kind."""
        by_role = self.roles.get(role)
        everywhere = self.keys.get(kind, 1)
        return everywhere if by_role is None else max(everywhere, by_role.get(kind, 1))


def check(case: Case, parameters: Parameters) -> Finding | None:
    """Says nothing of movements."""
    return None


RULE = Rule("approvals/1", Parameters, check)
