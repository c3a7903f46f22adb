"""Every member of every kind's payload bent at random, well signed: whatever it is, the answer is a
receipt, a refusal or a reading error, never an exception, and only a receipt changes anything.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ledger.core.envelope import seal
from ledger.errors import Malformed
from ledger.writer.answers import Taken, Unread
from tests.builders import World, key_of
from tests.kinds.pure import fork
from tests.kinds.samples import SAMPLES, sample_world
from tests.rules.till import fingerprint
from tests.scale import draw, rounds

HOSTILE: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**47 - 1, 2**47, 2**48 - 1, 2**48, 2**53 - 1, 2**53,
    2**63, 2**64, 10**400, 1.5, "", " ", "0", "0.00", "-1.00", "0.01", "1e9", "NaN",
    "92233720368547758.07", "92233720368547758.08", "9" * 400, "A" * 21, "A" * 22, "A" * 43,
    "A" * 21 + "B", "é" * 22, "\u0000", "\ud800", "KZTD", "tUSDT", "tUSDT\n", "zone", "permit",
    "party", [], {}, [[]], [None], [0, 0], [[0, 0]] * 1001, {"outer": [], "holes": []}, [[0, 0,
    1440]] * 21, ["tUSDT"] * 33, "a.b.c", "\u202e", "x" * 8_000, [[0, 1]] * 3, -(2**63),
    "format = 1\nname = 'x'\n",
)  # fmt: skip


@pytest.fixture(scope="module")
def base() -> World:
    return sample_world()


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths of everything inside a payload."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else (
        enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    for name, inner in items:
        yield from places(inner, (*path, name))


def bent(payload: Any, path: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(payload)
    inner = made
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return made


@pytest.mark.parametrize("kind", sorted(SAMPLES))
def test_no_member_however_bent_breaks_the_middle(base, kind):
    dice = draw(f"hostile {kind}")
    key = key_of(SAMPLES[kind].signer)
    world = fork(base)
    good = json.loads(world.signing.payload(kind, **SAMPLES[kind].members(world)))
    paths = list(places(good))

    for _ in range(rounds(150)):
        payload = good
        for path in dice.sample(paths, dice.choice((1, 1, 2))):
            try:
                payload = bent(payload, path, dice.choice(HOSTILE))
            except (TypeError, IndexError, KeyError):
                continue  # the first bending took this place away
        try:
            jws = seal(json.dumps(payload).encode(), kid=key.kid, typ="tenge-tx", sign=key.sign)
        except Malformed:
            continue
        twin = fork(world)
        before = fingerprint(twin.door)
        answer = twin.offer(jws)
        if not isinstance(answer, Taken):
            assert fingerprint(twin.door) == before
        if isinstance(answer, Unread):
            assert answer.code
            assert len(answer.message) < 40_000
