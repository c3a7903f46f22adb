"""Where the writer's time goes, a transaction: the same traffic every time, signatures checked.

    python benchmarks/profile_writer.py [transfer|pay] [--entries N] [--batch N] [--calls] [--url U]

The writer runs in this process, on offers that a front end has already read and verified, in
batches of 200; making and signing them is outside the clock. The first figure is wall time without
any profiler. Then the same again under a sampler (a signal every 4 ms of CPU time, Linux's own
tick; next to no cost, so the shares are true) or, with `--calls`, under cProfile (exact counts;
shares are not true, small functions look too dear).
"""

from __future__ import annotations

import argparse
import cProfile
import gc
import pstats
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType

from ledger.keyring import Keyring
from ledger.keys import SigningKey
from ledger.ledger import Ledger
from ledger.writer.answers import Offer, Taken
from ledger.writer.process import GARBAGE_THRESHOLDS
from sandbox_api.bench.lots import signed
from sandbox_api.bench.stage import Builder, Institutions, Stage
from sandbox_api.bench.traffic import ASSET_OF, Kind, Lot
from sandbox_api.keychest import persona_key
from sandbox_api.personas import World
from sandbox_api.rates import put_rate, rate_at
from sandbox_api.world import build_world

ROOT = Path(__file__).resolve().parent.parent
TOP = 28


class Sampler:
    """Counts which functions are on the stack, every few ms of this process's CPU time."""

    EVERY_S = 0.004

    def __init__(self) -> None:
        self.own: Counter[str] = Counter()
        self.within: Counter[str] = Counter()
        self.lines: Counter[str] = Counter()
        self.samples = 0

    def __enter__(self) -> Sampler:
        signal.signal(signal.SIGPROF, self._sample)
        signal.setitimer(signal.ITIMER_PROF, self.EVERY_S, self.EVERY_S)
        return self

    def __exit__(self, *_: object) -> None:
        signal.setitimer(signal.ITIMER_PROF, 0)

    def _sample(self, _: int, frame: FrameType | None) -> None:
        if frame is None:
            return
        self.samples += 1
        place = _place(frame)
        self.own[place] += 1
        self.lines[f"{place}:{frame.f_lineno}"] += 1
        seen = set()
        walk: FrameType | None = frame
        while walk is not None:
            seen.add(_place(walk))
            walk = walk.f_back
        self.within.update(seen)

    def show(self, us_an_entry: float) -> None:
        """The functions that cost most, in us an entry."""
        for title, counts in (
            ("of its own (C functions it calls included)", self.own),
            ("with all it calls", self.within),
            ("by line, of its own", self.lines),
        ):
            print(f"\n  us an entry, {title}")
            for name, count in counts.most_common(TOP):
                print(f"    {count / self.samples * us_an_entry:7.2f}  {name}")


class Steps:
    """Wall time between the points that the store calls out on its way, by step."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._since = 0.0

    def __call__(self, point: str) -> None:
        """Called at every point."""
        now = time.perf_counter()
        step, _, side = point.partition(".")
        if side == "after":
            self.seconds[step] = self.seconds.get(step, 0.0) + now - self._since
        self._since = now

    def show(self, entries: int) -> None:
        """Every step that took time."""
        each = [
            f"{step} {seconds / entries * 1e6:.1f}"
            for step, seconds in sorted(self.seconds.items(), key=lambda item: -item[1])
            if seconds / entries > 5e-8
        ]
        print(f"  us an entry in the store, wall: {', '.join(each)}")


def _place(frame: FrameType) -> str:
    path = frame.f_code.co_filename
    for root in (str(ROOT), sys.prefix):
        path = path.removeprefix(root).lstrip("/")
    return f"{path.replace('lib/python3.11/site-packages/', '')} {frame.f_code.co_qualname}"


def stage_on(
    ledger: Ledger, world: World, key_of: Callable[[str], SigningKey], kind: Kind
) -> Stage:
    """Payers and shops on a fresh ledger."""
    asset, now = ASSET_OF[kind], ledger.time()
    stock = world.persona("bank").account(asset)
    builder = Builder(ledger.id, asset, Institutions(key_of, stock, world.zone), now)
    lines = list(builder.transactions())
    for start in range(0, len(lines), 1_000):
        take(ledger, [Offer(line, False) for line in lines[start : start + 1_000]])
    if kind == "transfer":
        return builder.stage()
    rate = put_rate(key_of("exchange"), ledger.id, asset, now)
    return builder.stage(rate.creates_id("rate"), rate_at(asset, now))


def take(ledger: Ledger, offers: list[Offer]) -> None:
    """Hand one batch to the writer; every one must be taken."""
    for answer in ledger.take(offers):
        if not isinstance(answer, Taken):
            raise SystemExit(f"refused: {answer}")


def batches(
    stage: Stage, kind: Kind, entries: int, batch: int, number: int, now: int
) -> list[list[Offer]]:
    """Prebuilt offers, verified."""
    lines = signed(stage, Lot(kind, entries, False, number, now))
    offers = [Offer(line, True) for line in lines]
    return [offers[start : start + batch] for start in range(0, entries, batch)]


def main() -> None:
    """Read the arguments and run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("kind", nargs="?", choices=["transfer", "pay"], default="transfer")
    parser.add_argument("--entries", type=int, default=40_000)
    parser.add_argument("--batch", type=int, default=200)
    parser.add_argument("--calls", action="store_true", help="cProfile instead of the sampler")
    parser.add_argument("--url", help="default: a SQLite file in a temporary folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keyring = Keyring.open_or_create(folder / "keyring")

        def key_of(who: str) -> SigningKey:
            return persona_key(keyring, who)

        url = given.url or f"sqlite:///{folder / 'ledger.db'}"
        world = build_world(url, keyring, key_of, name="profile")
        steps = Steps()
        with Ledger.open(url, keyring, points=steps) as ledger:
            stage = stage_on(ledger, world, key_of, given.kind)
            run(ledger, stage, given.kind, given.entries, given.batch, steps, calls=given.calls)


def run(
    ledger: Ledger, stage: Stage, kind: Kind, entries: int, batch: int, steps: Steps, *, calls: bool
) -> None:
    """Warm up, measure bare, measure under the profiler, print."""
    for lot in batches(stage, kind, 2_000, batch, 0, ledger.time()):
        take(ledger, lot)
    bare = batches(stage, kind, entries, batch, 1, ledger.time())
    steps.seconds.clear()
    gc.freeze()
    gc.set_threshold(*GARBAGE_THRESHOLDS)  # as the writer's process does
    cpu, wall = time.process_time(), time.perf_counter()
    for lot in bare:
        ledger.take(lot)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    each = wall / entries * 1e6
    print(f"{kind}: {entries} in batches of {batch}: {entries / wall:,.0f}/s,")
    print(f"  {each:.1f} us an entry, of which {cpu / entries * 1e6:.1f} us CPU")
    steps.show(entries)
    again = batches(stage, kind, entries, batch, 2, ledger.time())
    if calls:
        profile = cProfile.Profile()
        profile.enable()
        for lot in again:
            ledger.take(lot)
        profile.disable()
        pstats.Stats(profile).sort_stats("tottime").print_stats(45)
        return
    with Sampler() as sampler:
        for lot in again:
            ledger.take(lot)
    sampler.show(cpu / entries * 1e6)


if __name__ == "__main__":
    main()
