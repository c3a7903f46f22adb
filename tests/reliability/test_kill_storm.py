"""The kill storm (R2): the writer is killed at random points, and nothing acknowledged is lost."""

from __future__ import annotations

import time

from tests.reliability.crowd import Crowd
from tests.reliability.town import Site
from tests.scale import draw, rounds

KILLS = rounds(40)
RESTART_S = 3.0
CLIENTS = 4


def test_nothing_acknowledged_is_lost_when_the_writer_is_killed(site: Site) -> None:
    random = draw("kill storm")
    node = site.node().start().reached()
    restarts = []

    with Crowd(site, [node.link() for _ in range(CLIENTS)], CLIENTS, random) as crowd:
        for kill in range(KILLS):
            enough = crowd.answered() + random.randrange(1, 80)
            while crowd.answered() < enough:
                crowd.check()
                time.sleep(random.random() / 100)
            node.kill()
            if kill % 8 == 7:  # and once more while it starts
                node.start()
                time.sleep(random.random() / 2)
                node.kill()
            started = time.monotonic()
            node.start()
            if kill % 4:  # judge what was left behind while it starts
                crowd.check_against(site.judge())
                node.reached()
            else:
                node.reached()
                restarts.append(time.monotonic() - started)

    assert node.log() == ""
    assert node.stop() == 0
    assert sorted(restarts)[len(restarts) * 9 // 10 - 1] <= RESTART_S, restarts
    assert crowd.heard["DoorShut"] > KILLS // 4, "clients did meet the kills"
    slow, quick = max(restarts), min(restarts)
    print(f"{KILLS} kills, {dict(crowd.heard)}, restarts in {quick:.2f} to {slow:.2f} s")
