"""The command line: `tenge up`, `demo`, `keys`, `verify`, `export`.

Every failure that a person can mend is one sentence on stderr and exit code 2, never a traceback.
Modules are imported by the command that needs them, so that `tenge --help` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from sandbox_api.config import FOLDER, PORT, CannotRun

CANNOT = 2
"""Exit code where something a person can mend stands in the way."""

_data = click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=FOLDER,
    show_default=True,
    help="Data folder.",
)
_json = click.option("--json", "as_json", is_flag=True, help="One line of JSON, for programs.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tenge-sandbox")
def main() -> None:
    """A sandbox for digital tenge and CryptoCity payments. Not official, no real money."""


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=PORT, show_default=True, help="HTTP port; 0 takes a free one.")
@click.option("--db", metavar="URL", help="Database of the ledger; a file in --data unless given.")
@_data
@click.option("--ephemeral", is_flag=True, help="Keep nothing: a new world, gone at the end.")
@click.option("--workers", type=click.IntRange(1, 64), default=2, show_default=True,
              help="HTTP processes.")  # fmt: skip
@click.option("--seed", help="Fix the personas' keys; on loopback only.")
@_json
def up(as_json: bool, **options: Any) -> None:
    """Start the sandbox; Ctrl-C ends it."""
    with _sentences():
        from sandbox_api.banner import print_banner, print_json
        from sandbox_api.processes.up import Options, run

        code = run(Options(**options), print_json if as_json else print_banner)
    sys.exit(code)


@main.group()
def keys() -> None:
    """The personas' keys."""


@keys.command("list")
@_data
@_json
def list_keys(data: Path, as_json: bool) -> None:
    """Who has a key: name, role, party, key id."""
    with _sentences():
        from sandbox_api.show_keys import print_list

        print_list(data, as_json=as_json)


@keys.command("show")
@click.argument("name")
@_data
def show_key(name: str, data: Path) -> None:
    """Print the private key of NAME as a JWK. It is play, but it is that party's power."""
    with _sentences():
        from sandbox_api.show_keys import print_key

        print_key(data, name)


@contextmanager
def _sentences() -> Iterator[None]:
    """Turn what a person can mend into one sentence and exit code 2."""
    from ledger.errors import LedgerError

    try:
        yield
    except (CannotRun, LedgerError) as error:
        click.echo(f"tenge: {error}", err=True)
        sys.exit(CANNOT)
    except KeyboardInterrupt:
        sys.exit(130)
