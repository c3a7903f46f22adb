"""Which act comes next, so that every act happens however many there are: every other time by its
weight, else the one that has happened least.

An act has happened when the ledger took what it made, a hostile one when it was refused. Families
pick what they answer with `newest`: as a rule something that can still be answered.
What is only tried counts for a little, or an act whose turn has not come would be tried for ever.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Generic, TypeVar

A = TypeVar("A")
T = TypeVar("T")

TRY = 0.1
"""What an act counts for that was refused, where one that was taken counts 1."""


RECENT = 6
"""Among so many of the newest somebody picks one."""


def newest(
    dice: random.Random, made: Mapping[str, T], is_open: Callable[[T], bool]
) -> tuple[str, T] | None:
    """One of the newest, four times of five one that is open; None where there is no such."""
    any_ = dice.random() < 0.2
    found = [one for one in made.items() if any_ or is_open(one[1])]
    return dice.choice(found[-RECENT:]) if found else None


class Choice(Generic[A]):
    """What was tried and what happened so far, by act. Owned by one run."""

    def __init__(self, weights: Mapping[A, int]) -> None:
        self._acts, self._weights = tuple(weights), tuple(weights.values())
        self.tried: Counter[A] = Counter()
        self.happened: Counter[A] = Counter()

    def next(self, dice: random.Random) -> A:
        if dice.random() < 0.5:
            return dice.choices(self._acts, self._weights)[0]
        least = min(map(self._share, self._acts))
        return dice.choice([act for act in self._acts if self._share(act) == least])

    def rarest(self) -> list[tuple[int, A]]:
        """How often each act has happened, the rarest first."""
        return sorted(((self.happened[act], act) for act in self._acts), key=lambda one: one[0])

    def _share(self, act: A) -> float:
        return self.happened[act] + TRY * self.tried[act]
