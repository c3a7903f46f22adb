"""`tenge verify`: replay a whole log from entry 0, offline, and say whether it is sound."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ledger.audit import Verdict, audit_database, audit_export
from sandbox_api.ledger_place import place_of

NOT_SOUND = 1
"""Exit code of an audit that found something."""


def verify(file: Path | None, *, folder: Path, db: str | None, decides: bool, as_json: bool) -> int:
    """Audit an exported file, or a database; prints the verdict and returns the exit code."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("entries"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    ) as bar:
        task = bar.add_task("re-deciding" if decides else "re-applying", total=None)

        def progress(done: int, total: int) -> None:
            bar.update(task, completed=done, total=total)

        if file is not None:
            verdict = audit_export(file, decides=decides, progress=progress)
        else:
            place = place_of(folder, db)
            verdict = audit_database(place.url, place.id, decides=decides, progress=progress)
    if as_json:
        click.echo(msgspec.json.encode({"sound": verdict.is_sound, **_facts(verdict)}).decode())
    else:
        print_verdict(verdict)
    return 0 if verdict.is_sound else NOT_SOUND


def print_verdict(verdict: Verdict) -> None:
    """The verdict for people."""
    click.echo(
        f"ledger {verdict.ledger or '(unreadable)'}: {verdict.size:,} entries,"
        f" {verdict.signatures:,} signatures, root {verdict.root}"
    )
    if verdict.is_sound:
        how = "re-applied and re-decided" if verdict.decided else "re-applied"
        click.echo(f"SOUND: every entry was {how} in {verdict.seconds:.1f} s, and all agrees.")
        return
    click.echo("NOT SOUND:")
    for finding in verdict.findings:
        where = "" if finding.index is None else f" (entry {finding.index})"
        click.echo(f"  {finding.part.value}{where}: {finding.message}")


def _facts(verdict: Verdict) -> dict[str, object]:
    facts: dict[str, object] = msgspec.to_builtins(verdict)
    return facts
