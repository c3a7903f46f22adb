"""The figures for people: a table with floor and aim beside each, and one line of verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from sandbox_api.bench.row import VOID_SHARE, Result, Row, bar_of, below

FIGURES: Final = (
    ("verify_limit_per_s", "limit: signatures checked a second, all cores", ",.0f"),
    ("fsync_per_s", "fsyncs a second", ",.0f"),
    ("batch_per_s", "batches of 200, entries a second", ",.0f"),
    ("batch_ratio", "  signatures a second / limit", ".2f"),
    ("hot_batch_per_s", "batches, one hot merchant, entries a second", ",.0f"),
    ("hot_share", "  hot against uniform", ".2f"),
    ("single_per_s", "single, 32 connections, a second", ",.0f"),
    ("single_p99_ms", "  p99, ms", ".1f"),
    ("single_p50_ms", "single, one connection, p50, ms", ".2f"),
    ("stream_per_s", "stream, pipelined, a second", ",.0f"),
    ("audit_per_s", "audit, signatures a second", ",.0f"),
    ("bytes_per_entry", "bytes stored an entry", ",.0f"),
    ("server_pss_mb", "memory of all server processes (PSS), MB", ",.0f"),
)
"""Every figure: its name in a row, what people read, its format."""


def table(results: Sequence[Result]) -> Table:
    """Row under row; a figure below its floor is red, one that reaches its aim green."""
    made = Table("figure", title="tenge bench", title_justify="left")
    for column in ("measured", "floor", "aim"):
        made.add_column(column, justify="right")
    for result in results:
        row, void = result.row, "  VOID" if result.is_void else ""
        made.add_section()
        made.add_row(f"[bold]{row.kind}, {row.store}[/][red]{void}[/]", "", "", "")
        for figure, title, form in FIGURES:
            made.add_row(f"  {title}", *_cells(row, figure, form))
    return made


def verdict(results: Sequence[Result]) -> str:
    """One line: which floors are not met, or that all are."""
    void = [f"{result.row.kind} on {result.row.store}" for result in results if result.is_void]
    missed = [
        f"{bar.figure} of {row.kind} on {row.store} ({value:.4g}, floor {bar.floor:g})"
        for row in (result.row for result in results if not result.is_void)
        for bar, value in below(row)
    ]
    said = []
    if void:
        said.append(
            f"Void, the machine's limit changed by more than {VOID_SHARE:.0%}: {', '.join(void)}."
        )
    if missed:
        said.append(f"Not met: {'; '.join(missed)}.")
    elif len(void) < len(results):
        said.append("Every floor that was measured is met.")
    return " ".join(said)


def show(results: Sequence[Result], console: Console) -> None:
    """Print everything."""
    console.print(table(results))
    for note in (note for result in results for note in result.notes):
        console.print(note)
    console.print(verdict(results), style="bold")


def _cells(row: Row, figure: str, form: str) -> tuple[str, str, str]:
    value, bar = getattr(row, figure), bar_of(figure, row)
    floor, aim = (f"{bar.floor:{form}}", f"{bar.aim:{form}}") if bar else ("", "")
    if value is None:
        return "-", floor, aim
    shown = f"{value:{form}}"
    if bar is not None and not bar.is_met(value):
        shown = f"[red]{shown}[/]"
    elif bar is not None and (value <= bar.aim if bar.is_most else value >= bar.aim):
        shown = f"[green]{shown}[/]"
    return shown, floor, aim
