"""`tenge bench`: row after row with a progress bar, then the table or the JSON."""

from __future__ import annotations

import time
from concurrent.futures import BrokenExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Final, Literal, get_args

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from sandbox_api.bench.aftermath import Unsound
from sandbox_api.bench.load import LoadFailed
from sandbox_api.bench.machine import Cores
from sandbox_api.bench.postgres import Postgres, PostgresMissing
from sandbox_api.bench.report import show
from sandbox_api.bench.row import Result, Store
from sandbox_api.bench.run import Effort, measure
from sandbox_api.bench.traffic import Kind
from sandbox_api.config import CannotRun

STORES: Final[tuple[Store, ...]] = get_args(Store)
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

BUDGET_S: Final = 280.0
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
    workload: Literal["plain"] = "plain",
    full: bool = False,
    entries: int | None = None,
    seconds: float = 4.0,
    as_json: bool = False,
) -> None:
    """Measure every store and kind, or those that are named, and print.

    `seconds` for each load, or `entries` (a million where `full`) in uniform batches. `workload`:
    what is sent; there is one so far. Raises CannotRun where the sandbox answered something else
    than was to be measured, or where the audit afterwards was not as it must be.
    """
    if workload != "plain":
        raise AssertionError(f"no workload {workload}")
    effort = Effort(seconds, entries or (FULL if full else None))
    options = _Wanted(stores or STORES, kinds or KINDS, effort)
    console = Console(stderr=True)
    try:
        results = _measure_all(options, console)
    except (LoadFailed, Unsound, OSError, BrokenExecutor) as error:
        raise CannotRun(f"The measurement broke off: {error}") from error
    if not as_json:
        show(results, Console())
        return
    for note in (note for result in results for note in result.notes):
        console.print(note)
    click.echo(msgspec.json.encode([result.counted for result in results]).decode())


def _measure_all(options: _Wanted, console: Console) -> list[Result]:
    began = time.monotonic()
    results: list[Result] = []
    with ExitStack() as stack:
        server = _postgres(stack, console) if "postgresql" in options.stores else None
        stores = [store for store in options.stores if store == "sqlite" or server]
        cores = stack.enter_context(Cores())
        rows = [(store, kind) for store in stores for kind in options.kinds]
        bar = stack.enter_context(_bar(console))
        task = bar.add_task("", total=len(rows))
        for number, (store, kind) in enumerate(rows):

            def tell(what: str, share: float, number: int = number) -> None:
                bar.update(task, description=what, completed=number + share, refresh=True)

            def one_row(store: Store = store, kind: Kind = kind, number: int = number) -> Result:
                url = server.new_database() if server and store == "postgresql" else None
                left = BUDGET_S - (time.monotonic() - began)
                effort = _within(options.effort, left / (len(rows) - number))
                return measure(store, kind, cores, effort, url, tell)

            result = one_row()
            if result.is_void and time.monotonic() - began < AGAIN_UNTIL_S:
                result = one_row()
            results.append(result)
        bar.update(task, description="done", completed=len(rows), refresh=True)
    return results


def _within(effort: Effort, seconds: float) -> Effort:
    """The effort that lets a row end within so many seconds."""
    if effort.entries is not None:
        return effort
    load_s = max(LOAD_S_MIN, (seconds - ROW_S) / ROW_LOADS)
    return msgspec.structs.replace(effort, seconds=min(effort.seconds, load_s))


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
