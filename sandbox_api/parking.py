"""Where long-polls wait for news: bounded, woken by a call, or by a look every half second.

One look serves all who wait. Under gevent a wait costs a greenlet, elsewhere a thread. A reader
must not assume that being woken means that there is something for it: it looks at the events.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Final

from sandbox_api.limits import PARKED_MAX, Gate

LOOK_AGAIN_S: Final = 0.5
"""How often the head is looked at while someone waits and nobody has called."""


class Parking:
    """The waiting places of one process."""

    def __init__(self, head: Callable[[], int]) -> None:
        """`head` is how many events there are, read from the store."""
        self._head: Final = head
        self._gate: Final = Gate(PARKED_MAX, "too many requests wait here already")
        self._moved: Final = threading.Condition()
        self._seen = -1  # events at the last look; guarded by _moved
        self._looked_at = 0.0  # monotonic; guarded by _moved

    def wake(self) -> None:
        """Say that the head may have moved: this process has just had an answer from the writer."""
        with self._moved:
            self._looked_at = 0.0
            self._moved.notify_all()

    def wait_beyond(self, events: int, seconds: float) -> None:
        """Return once there are more than `events` events, or after so long.

        Raises Overloaded where too many wait already.
        """
        with self._gate.place():
            begun = time.monotonic()
            while self._look() <= events:
                left = begun + seconds - time.monotonic()
                if left <= 0:
                    return
                with self._moved:
                    if self._looked_at and self._seen <= events:
                        self._moved.wait(min(LOOK_AGAIN_S, left))

    def _look(self) -> int:
        with self._moved:
            now = time.monotonic()
            if now - self._looked_at >= LOOK_AGAIN_S * 0.9 or not self._looked_at:
                self._looked_at = now
                self._seen = self._head()
            return self._seen
