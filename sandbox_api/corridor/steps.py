"""What to do next: a pure function of the terms and of what the two ledgers show.

Nothing else is remembered: a party that has crashed looks at both ledgers and goes on. The order of
steps is: the initiator locks first, the counterparty locks second, the initiator shows the secret
on the second ledger, and whoever of the two sees it there carries it to the first. What could go
back goes back by the clock, or at once where the one it is locked for gives it back.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from sandbox_api.corridor.terms import Leg, Side, Terms

ABSENT: Final = "absent"
DUE: Final = "due"
"""States of a leg beside the lock's own: not there, and past its end though not yet given back."""

_LOCKED: Final = "locked"
_RELEASED: Final = "released"
_OVER: Final = ("cancelled", "expired")


class Seen(msgspec.Struct, frozen=True):
    """What one ledger shows of its leg. `status` is the lock's own, `absent` or `due`; `preimage`
    is the secret once it was shown there. `differs`: how what is locked there under the hash is not
    as agreed. `now`: the ledger's time, up to `terms.LAG_MS` old."""

    now: int
    status: str = ABSENT
    preimage: str = ""
    differs: tuple[str, ...] = ()


class View(msgspec.Struct, frozen=True):
    """Both ledgers as one party sees them. `took_ms`: how long it took to look. `hindered`: why
    money could not arrive on this party's own account. `shown`: this very process has shown the
    secret already, so that showing it again costs nothing."""

    first: Seen
    second: Seen
    took_ms: int = 0
    hindered: tuple[str, ...] = ()
    shown: bool = False


class Outcome(StrEnum):
    """How it ended. The last two are what the margin is there to prevent."""

    SETTLED = "settled"
    RETURNED = "returned"
    NOTHING = "nothing"
    """Nobody locked in time."""
    COUNTERPARTY_LOST = "counterparty lost"
    """The second leg was paid, the first went back."""
    INITIATOR_LOST = "initiator lost"
    """The first leg was paid, the second went back."""


class Lock(msgspec.Struct, frozen=True, tag="lock"):
    """Lock one's own leg."""

    leg: Leg


class Show(msgspec.Struct, frozen=True, tag="show"):
    """Show the secret: release the second leg with it."""

    leg: Leg


class Carry(msgspec.Struct, frozen=True, tag="carry"):
    """Release a leg with the secret that the other ledger shows."""

    leg: Leg
    preimage: str


class GiveBack(msgspec.Struct, frozen=True, tag="give_back"):
    """Cancel a lock that is for oneself: the other leg is over, unpaid."""

    leg: Leg


class Wait(msgspec.Struct, frozen=True, tag="wait"):
    """Nothing to do now. `why`: for what one waits, for people."""

    why: str


class Refuse(msgspec.Struct, frozen=True, tag="refuse"):
    """It is this party's turn, and it will not act: `reasons`, for people. It may look again."""

    reasons: tuple[str, ...]


class Done(msgspec.Struct, frozen=True, tag="done"):
    """It is over on both ledgers."""

    outcome: Outcome


Step: TypeAlias = Lock | Show | Carry | GiveBack | Wait | Refuse | Done


def next_step(side: Side, terms: Terms, view: View) -> Step:
    """What this side does next."""
    outcome = _outcome(terms, view)
    if outcome is not None:
        return Done(outcome)
    carried = _carry(terms, view)
    if carried is not None:
        return carried
    return _initiator(terms, view) if side == Side.INITIATOR else _counterparty(terms, view)


def _outcome(terms: Terms, view: View) -> Outcome | None:
    first, second = view.first, view.second
    if first.status == second.status == _RELEASED:
        return Outcome.SETTLED
    if not (_is_closed(first, terms.first) and _is_closed(second, terms.second)):
        return None
    if second.status == _RELEASED:
        return Outcome.COUNTERPARTY_LOST
    if first.status == _RELEASED:
        return Outcome.INITIATOR_LOST
    return Outcome.NOTHING if first.status == second.status == ABSENT else Outcome.RETURNED


def _is_closed(seen: Seen, leg: Leg) -> bool:
    """Whether nothing can happen to a leg any more."""
    return seen.status in (_RELEASED, *_OVER) or (seen.status == ABSENT and seen.now > leg.lock_by)


def _carry(terms: Terms, view: View) -> Step | None:
    """The secret is out: whatever it opens is opened, by whoever sees it."""
    first, second = view.first, view.second
    preimage = second.preimage or first.preimage
    if not preimage:
        return None
    for seen, leg in ((first, terms.first), (second, terms.second)):
        if seen.status == _LOCKED:
            return Carry(leg, preimage)
    return Wait("the secret is out; the other leg ends by its clock")


def _initiator(terms: Terms, view: View) -> Step:
    first, second = view.first, view.second
    if first.status == ABSENT:
        is_late = second.now > terms.second.lock_by
        late = ("the counterparty could not lock in time any more",) if is_late else ()
        return _act(Lock(terms.first), (*_doubts(terms, view), *late))
    if first.status in _OVER and second.status == _LOCKED:
        return GiveBack(terms.second)  # nobody can take the first any more: the secret is worthless
    if first.status != _LOCKED:
        return Wait("the first leg is over; the second may still be locked")
    if second.status == ABSENT:
        return _wait_for_lock("second", second)
    if second.status != _LOCKED:
        return Wait("the second leg went back; the first goes back by its clock")
    if view.shown:
        return Show(terms.second)
    is_late = second.now + terms.reveal_ms > terms.second.ends_at
    late = ("too near to its end to show the secret: both legs go back",) if is_late else ()
    return _act(Show(terms.second), (*_doubts(terms, view), *late))


def _counterparty(terms: Terms, view: View) -> Step:
    first, second = view.first, view.second
    if first.status == ABSENT:
        return _wait_for_lock("first", first)
    if first.status != _LOCKED:
        return Wait("the first leg is over; the second goes back by its clock")
    if _is_closed(second, terms.second):
        return GiveBack(terms.first)
    if second.status == ABSENT:
        return _act(Lock(terms.second), _doubts(terms, view))
    return Wait("for the secret, which the initiator shows on the second ledger")


def _wait_for_lock(name: str, seen: Seen) -> Step:
    return Refuse(seen.differs) if seen.differs else Wait(f"for the {name} lock")


def _act(step: Lock | Show, reasons: tuple[str, ...]) -> Step:
    return Refuse(reasons) if reasons else step


def _doubts(terms: Terms, view: View) -> tuple[str, ...]:
    """Why not to put or show anything now."""
    other = (*view.first.differs, *view.second.differs)
    apart = abs(view.first.now - view.second.now) + view.took_ms
    clocks: tuple[str, ...] = ()
    if apart > terms.skew_max_ms:
        clocks = (f"the ledgers' clocks are {apart} ms apart, {terms.skew_max_ms} were agreed",)
    return (*terms.faults(), *other, *clocks, *view.hindered)
