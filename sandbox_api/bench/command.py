"""`tenge bench`: row after row with a progress bar, then the table or the JSON."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Final, Literal, NamedTuple, TypeVar, get_args

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from sandbox_api.bench.aftermath import Unsound
from sandbox_api.bench.load import LoadFailed
from sandbox_api.bench.machine import Cores
from sandbox_api.bench.mixed import measure_mixed
from sandbox_api.bench.mixed import show as show_mixed
from sandbox_api.bench.postgres import Postgres, PostgresMissing
from sandbox_api.bench.programmable import measure_programmable
from sandbox_api.bench.programmable import show as show_programmable
from sandbox_api.bench.report import show
from sandbox_api.bench.row import Result, Store
from sandbox_api.bench.run import Effort, Tell, measure
from sandbox_api.bench.traffic import Kind, Spread
from sandbox_api.config import CannotRun

STORES: Final[tuple[Store, ...]] = get_args(Store)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

Workload = Literal["plain", "mixed", "programmable"]
R = TypeVar("R")

BUDGET_S: Final = 270.0
"""All rows together take no longer, unless a number of entries was asked for: on a machine that is
busy with other things, loads become shorter."""

ROW_S: Final = 12.0
ROW_LOADS: Final = 10.0
"""A row takes so long beside its loads, and so many times as long as one load."""

LOAD_S_MIN: Final = 0.3

AGAIN_UNTIL_S: Final = 150.0
"""A void row is measured once more where it ended within so many seconds of the start."""


FULL: Final = 1_000_000
"""Entries in uniform batches of a full row."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which rows, and how much of each."""

    stores: tuple[Store, ...]
    kinds: tuple[Kind, ...]
    effort: Effort


def run(
    *,
    stores: tuple[Store, ...] = (),
    kinds: tuple[Kind, ...] = (),
    workload: Workload = "plain",
    full: bool = False,
    entries: int | None = None,
    seconds: float = 4.0,
    spread: Spread = "life",
    as_json: bool = False,
) -> None:
    """Measure every store and kind, or those that are named, and print.

    `seconds` for each load, or `entries` (a million where `full`) in uniform batches. `workload`:
    what is sent: rows of one kind each, or all kinds mixed. Raises CannotRun where the sandbox
    answered something else than was to be measured, or where the audit afterwards was not as it
    must be.
    """
    effort = Effort(seconds, entries or (FULL if full else None), spread)
    wanted = _Wanted(stores or STORES, kinds or KINDS, effort)
    console = Console(stderr=True)
    try:
        if workload == "mixed":
            _run_by_store(measure_mixed, show_mixed, wanted, console, as_json=as_json)
            return
        if workload == "programmable":
            _run_by_store(measure_programmable, show_programmable, wanted, console, as_json=as_json)
            return
        results = _measure_all(wanted, console)
    except (LoadFailed, Unsound, OSError, BrokenExecutor) as error:
        raise CannotRun(f"The measurement broke off: {error}") from error
    if not as_json:
        show(results, Console())
        return
    for note in (note for result in results for note in result.notes):
        console.print(note)
    click.echo(msgspec.json.encode([result.counted for result in results]).decode())


def _measure_all(wanted: _Wanted, console: Console) -> list[Result]:
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals())
        server = _postgres(stack, console) if "postgresql" in wanted.stores else None
        stores = [store for store in wanted.stores if store == "sqlite" or server]
        rows = [(store, kind) for store in stores for kind in wanted.kinds]
        if not rows:
            raise CannotRun("There is nothing to measure: leave out --store.")
        cores = stack.enter_context(Cores())
        bar = stack.enter_context(_bar(console))
        pace, results = _Pace(wanted.effort), []
        task = bar.add_task("", total=len(rows))
        for done, (store, kind) in enumerate(rows):
            measuring = _Measuring(store, kind, cores, server, partial(_tell, bar, task, done))
            result = measuring.measure(pace, len(rows) - done)
            if result.is_void and pace.spent_s() < AGAIN_UNTIL_S:
                result = measuring.measure(pace, len(rows) - done)
            results.append(result)
    return results


def _run_by_store(
    measure: Callable[[Store, Cores, Effort, str | None, Tell], R],
    show_rows: Callable[[Iterable[R], Console], None],
    wanted: _Wanted,
    console: Console,
    *,
    as_json: bool,
) -> None:
    """A workload that makes one row a store."""
    rows: list[R] = []
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals())
        server = _postgres(stack, console) if "postgresql" in wanted.stores else None
        stores = [store for store in wanted.stores if store == "sqlite" or server]
        cores = stack.enter_context(Cores())
        bar = stack.enter_context(_bar(console))
        task = bar.add_task("", total=len(stores))
        for done, store in enumerate(stores):
            url = server.new_database() if server and store == "postgresql" else None
            tell = partial(_tell, bar, task, done)
            rows.append(measure(store, cores, wanted.effort, url, tell))
    if as_json:
        click.echo(msgspec.json.encode(rows).decode())
    else:
        show_rows(rows, Console())


class _Pace:
    """Deals out the time there is: what a row took says how slow this machine is today."""

    def __init__(self, effort: Effort) -> None:
        self._effort: Final = effort
        self._began: Final = time.monotonic()
        self._slowness = 1.0  # times longer than a row should take

    def spent_s(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._began

    def effort(self, rows_left: int) -> Effort:
        """The effort that lets all rows that are left end within the budget."""
        if self._effort.entries is not None:
            return self._effort
        row_s = (BUDGET_S - self.spent_s()) / rows_left / self._slowness
        load_s = max(LOAD_S_MIN, (row_s - ROW_S) / ROW_LOADS)
        return msgspec.structs.replace(self._effort, seconds=min(self._effort.seconds, load_s))

    def took(self, effort: Effort, seconds: float) -> None:
        """Learn from a row."""
        self._slowness = max(1.0, seconds / (ROW_S + ROW_LOADS * effort.seconds))


class _Measuring(NamedTuple):
    """A row to measure, once or again."""

    store: Store
    kind: Kind
    cores: Cores
    server: Postgres | None
    tell: Tell

    def measure(self, pace: _Pace, rows_left: int) -> Result:
        """Measure it within its part of the time."""
        effort, began = pace.effort(rows_left), pace.spent_s()
        url = self.server.new_database() if self.server and self.store == "postgresql" else None
        result = measure(self.store, self.kind, self.cores, effort, url, self.tell)
        pace.took(effort, pace.spent_s() - began)
        return result


def _tell(bar: Progress, task: TaskID, done: int, what: str, share: float) -> None:
    bar.update(task, description=what, completed=done + share, refresh=True)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the servers, too, even where a shell had us ignore the first."""

    def end(number: int, _: object) -> None:
        sys.exit(128 + number)

    before = {
        signal.SIGTERM: signal.signal(signal.SIGTERM, end),
        signal.SIGINT: signal.signal(signal.SIGINT, signal.default_int_handler),
    }
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _postgres(stack: ExitStack, console: Console) -> Postgres | None:
    try:
        return stack.enter_context(Postgres())
    except PostgresMissing as missing:
        console.print(f"PostgreSQL is left out: {missing}")
        return None


def _bar(console: Console) -> Progress:
    """Drawn when there is something new to tell, never by a thread of its own."""
    return Progress(
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.description}"),
        console=console,
        auto_refresh=False,
        transient=True,
    )
