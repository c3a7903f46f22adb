"""`tenge programme`: what its commands print, and their exit codes. Files are read here."""

from __future__ import annotations

import time
from pathlib import Path

import click
import msgspec

from sandbox_api.config import CannotRun
from sandbox_api.programme.fault import Fault
from sandbox_api.programme.form import Programme
from sandbox_api.programme.read import TEXT_MAX, read_programme
from sandbox_api.sentences import text
from sandbox_api.world import roles

FAULTY = 1
"""Exit code where a file has faults, or the ledger refuses."""


def check(file: Path, lang: str, *, as_json: bool) -> int:
    """Every fault of a file; the exit code."""
    programme, faults = _read(file)
    if as_json:
        told = {
            "file": file.name,
            "name": programme.name,
            "faults": [_told(one, lang) for one in faults],
        }
        click.echo(msgspec.json.encode(told).decode())
    elif faults:
        _print(file, faults, lang)
    else:
        click.echo(text("programme.sound", lang, file=file.name))
    return FAULTY if faults else 0


def _read(file: Path) -> tuple[Programme, tuple[Fault, ...]]:
    try:
        with file.open("rb") as opened:
            content = opened.read(TEXT_MAX + 1)
    except OSError as error:
        raise CannotRun(f"{file} cannot be read: {error.strerror}") from None
    return read_programme(content, roles(), time.time_ns() // 1_000_000)


def _print(file: Path, faults: tuple[Fault, ...], lang: str) -> None:
    for one in faults:
        click.echo(f"{file.name}:{one.line}:{one.column}: {one.what(lang)} [{one.code}]")
        click.echo(f"    {one.mend(lang)}")
    click.echo(text("programme.faults", lang, file=file.name, count=len(faults)))


def _told(fault: Fault, lang: str) -> dict[str, object]:
    return {
        "line": fault.line, "column": fault.column, "code": fault.code,
        "what": fault.what(lang), "mend": fault.mend(lang),
    }  # fmt: skip
