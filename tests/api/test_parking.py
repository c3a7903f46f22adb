"""Where long-polls wait: woken by a call or a look, one look for all, bounded places."""

from __future__ import annotations

import threading
import time

import pytest

from ledger.errors import Overloaded
from sandbox_api import parking
from sandbox_api.limits import PARKED_MAX
from sandbox_api.parking import Parking


class _Head:
    def __init__(self) -> None:
        self.events = 5
        self.looks = 0

    def __call__(self) -> int:
        self.looks += 1
        return self.events


def test_one_look_serves_all_who_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parking, "LOOK_AGAIN_S", 0.1)
    head = _Head()
    places = Parking(head)
    waiting = [threading.Thread(target=places.wait_beyond, args=(5, 30)) for _ in range(20)]
    for thread in waiting:
        thread.start()
    while head.looks < 4:
        time.sleep(0.01)
    looked = head.looks
    head.events = 6  # nobody calls: found at the next look
    for thread in waiting:
        thread.join(5)

    assert not any(thread.is_alive() for thread in waiting)
    assert looked < 20


def test_a_call_wakes_at_once() -> None:
    head = _Head()
    places = Parking(head)
    waiting = threading.Thread(target=places.wait_beyond, args=(5, 30))
    waiting.start()
    while not head.looks:
        time.sleep(0.001)
    head.events = 6
    begun = time.monotonic()
    places.wake()
    waiting.join(5)

    assert not waiting.is_alive()
    assert time.monotonic() - begun < 0.4


def test_no_more_wait_than_there_are_places() -> None:
    head = _Head()
    places = Parking(head)
    waiting = [threading.Thread(target=places.wait_beyond, args=(5, 30)) for _ in range(PARKED_MAX)]
    for thread in waiting:
        thread.start()
    while places._gate._free._value:  # until everyone has a place
        time.sleep(0.001)

    with pytest.raises(Overloaded):
        places.wait_beyond(5, 1)

    head.events = 6
    places.wake()
    for thread in waiting:
        thread.join(5)
    places.wait_beyond(5, 1)
