"""Families of kinds: what each brings to the tests that run over every kind, one module a family.

A module has any of `SAMPLES` (kind to `Sample`), `REFUSALS` (kind to rows of `bad`), `MOVES` and
`STILL` (see `tests.rules.till`; a kind that several families move money by, as `expire/1`, has the
attempts of all of them), `JUDGED_AS` (attempt of `MOVES` to the attempt of `till` that the
same rules must answer the same), `TRIES` (see `tests.rules.test_bypass`), and `everything(world)`,
which leaves entries of all its kinds on a ledger that is then damaged (`tests.audit.everything`).
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any

_MODULES = [import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]


def _merged(name: str) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for module in _MODULES:
        found = getattr(module, name, {})
        assert not made.keys() & found.keys(), (name, module)
        made |= found
    return made


SAMPLES = _merged("SAMPLES")
REFUSALS = _merged("REFUSALS")
MOVES: dict[str, Any] = {}
for _module in _MODULES:
    for _kind, _tries in getattr(_module, "MOVES", {}).items():
        MOVES[_kind] = (*MOVES.get(_kind, ()), *_tries)
JUDGED_AS = _merged("JUDGED_AS")
TRIES = _merged("TRIES")
EVERYTHING = [module.everything for module in _MODULES if hasattr(module, "everything")]
STILL = frozenset[str]().union(*(getattr(module, "STILL", frozenset()) for module in _MODULES))
