"""The command line: `tenge up`, `demo`, `keys`, `verify`, `export`, `programme`,
`corridor`, `bench`.

Every failure that a person can mend is one sentence on stderr and exit code 2, never a traceback.
Modules are imported by the command that needs them, so that `tenge --help` is quick.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
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
@click.option("--price-source", metavar="URL", default="",
              help="Where the demo exchange asks for prices; its own unless given.")  # fmt: skip
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


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--db", metavar="URL", help="Database of the ledger; the one of --data unless given.")
@click.option("--decide", "decides", is_flag=True, help="Decide every entry again, too.")
@_data
@_json
def verify(file: Path | None, db: str | None, decides: bool, data: Path, as_json: bool) -> None:
    """Replay a log from entry 0, offline: FILE from `tenge export`, or a database.

    Exit code 0 where it is sound, 1 where it is not.
    """
    with _sentences():
        from sandbox_api import verify_log

        code = verify_log.verify(file, folder=data, db=db, decides=decides, as_json=as_json)
    sys.exit(code)


@main.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--db", metavar="URL", help="Database of the ledger; the one of --data unless given.")
@_data
def export(file: Path, db: str | None, data: Path) -> None:
    """Write the whole log to FILE, a zip that anyone can check."""
    with _sentences():
        from sandbox_api.export_log import export as write

        write(file, folder=data, db=db)


@main.command()
@click.option("--url", help="A sandbox that runs; one of its own is started unless given.")
@click.option("--key", help="Its publishable key.")
@_data
@_json
def demo(url: str | None, key: str | None, data: Path, as_json: bool) -> None:
    """Tell what the sandbox is for as a story in five scenes, played over the real API."""
    with _sentences():
        from sandbox_api.demo import play

        code = play(url, key, data, as_json=as_json)
    sys.exit(code)


@main.group()
def programme() -> None:
    """Programmes without code: marks, holders, sub-contracts and splits in a TOML file."""


_file = click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
_lang = click.option("--lang", type=click.Choice(["kk", "ru", "en"]), default="en",
                     show_default=True, help="Language of sentences.")  # fmt: skip


@programme.command("check")
@_file
@_lang
@_json
def check_programme(file: Path, lang: str, as_json: bool) -> None:
    """Find every fault of FILE: its line, what is wrong, how to mend it. Exit code 1 if any."""
    with _sentences():
        from sandbox_api.programme.command import check

        code = check(file, lang, as_json=as_json)
    sys.exit(code)


@programme.command("show")
@_file
@_lang
def show_programme(file: Path, lang: str) -> None:
    """Say in words who may spend the money of FILE on what, until when, and what happens then."""
    with _sentences():
        from sandbox_api.programme.command import show

        code = show(file, lang)
    sys.exit(code)


def _place(command: Any) -> Any:
    """Which sandbox, and whose keys."""
    for option in (
        click.option("--url", default=f"http://127.0.0.1:{PORT}", show_default=True,
                     envvar="TENGE_URL", help="The sandbox; TENGE_URL says it, too."),
        click.option("--key", envvar="TENGE_KEY",
                     help="Its publishable key; the one of --data unless given."),
        click.option("--data", type=click.Path(path_type=Path), default=FOLDER, show_default=True,
                     envvar="TENGE_DATA", help="Data folder, which holds the personas' keys."),
    ):  # fmt: skip
        command = option(command)
    return command


@programme.command("start")
@_file
@click.option("--as", "names", multiple=True, metavar="NAME",
              help="Who signs; may be repeated. The budget's owner unless given.")  # fmt: skip
@_place
@_lang
def start_programme(
    file: Path, names: tuple[str, ...], url: str, key: str | None, data: Path, lang: str
) -> None:
    """Begin the mark of FILE with its accounts and allocations. A second start does what is missing
    and nothing else."""
    with _sentences():
        from sandbox_api.programme.command import sandbox, start

        code = start(file, lang, sandbox(url, key, data, lang), names)
    sys.exit(code)


@programme.command("status")
@_file
@click.option("--picture", type=click.Path(path_type=Path, dir_okay=False), metavar="SVG",
              help="Draw the way of the money.")  # fmt: skip
@_place
@_lang
def programme_status(
    file: Path, picture: Path | None, url: str, key: str | None, data: Path, lang: str
) -> None:
    """Say where the money of FILE is: allocated = paid + held + returned."""
    with _sentences():
        from sandbox_api.programme.command import sandbox, status

        code = status(file, lang, sandbox(url, key, data, lang), picture)
    sys.exit(code)


@programme.command("confirm")
@_file
@click.argument("event")
@click.argument("payee")
@click.argument("amount")
@_place
@_lang
def confirm_event(
    file: Path, event: str, payee: str, amount: str, url: str, key: str | None, data: Path,
    lang: str,
) -> None:  # fmt: skip
    """Sign, as the oracle that FILE names, that PAYEE has earned AMOUNT by EVENT."""
    with _sentences():
        from sandbox_api.programme.command import confirm, sandbox

        code = confirm(file, lang, sandbox(url, key, data, lang), event, payee, amount)
    sys.exit(code)


@programme.command("pay")
@_file
@click.argument("rule")
@click.argument("amount")
@_place
@_lang
def pay_by_rule(
    file: Path, rule: str, amount: str, url: str, key: str | None, data: Path, lang: str
) -> None:
    """Pay AMOUNT by the [split.RULE] of FILE, all payees at once."""
    with _sentences():
        from sandbox_api.programme.command import pay, sandbox

        code = pay(file, lang, sandbox(url, key, data, lang), rule, amount)
    sys.exit(code)


@main.group()
def corridor() -> None:
    """Payment against payment between two sandboxes, by two locks under one hash."""


_first = click.option("--first", nargs=2, metavar="URL KEY", help="The sandbox where the initiator"
                      " pays, and its publishable key.")  # fmt: skip
_second = click.option("--second", nargs=2, metavar="URL KEY", help="The sandbox where the"
                       " counterparty pays, and its publishable key.")  # fmt: skip


@corridor.command("demo")
@_first
@_second
@_json
def corridor_demo(
    first: tuple[str, str] | None, second: tuple[str, str] | None, as_json: bool
) -> None:
    """Play both sides and draw the timeline. Without addresses two sandboxes are started, one is
    killed under a payment, and their clocks are moved to show what happens in time and beyond."""
    with _sentences():
        from sandbox_api.corridor.demo import Address, play

        places = [None if one is None else Address(*one) for one in (first, second)]
        code = play(places[0], places[1], as_json=as_json)
    sys.exit(code)


_ends = (
    click.option("--first", nargs=2, required=True, metavar="URL KEY", help="The sandbox where the"
                 " initiator pays, and its publishable key."),
    click.option("--second", nargs=2, required=True, metavar="URL KEY", help="The sandbox where the"
                 " counterparty pays, and its publishable key."),
    click.option("--key", "key_file", required=True, type=click.Path(path_type=Path,
                 dir_okay=False), help="File with your private key as a JWK."),
)  # fmt: skip


def _of_one_party(command: Callable[..., None]) -> Callable[..., None]:
    """The options of a command that one party gives at its own machine."""
    for option in reversed(_ends):
        command = option(command)
    return command


@corridor.command("join")
@_of_one_party
def corridor_join(**options: Any) -> None:
    """Print your accounts on both ledgers, for the other party to name. Makes the key where there
    is none."""
    with _sentences():
        from sandbox_api.corridor.command import join

        join(**options)


@corridor.command("terms")
@_of_one_party
@click.option("--pay", "pays", nargs=2, required=True, metavar="AMOUNT ASSET",
              help="What you pay on the first ledger.")  # fmt: skip
@click.option("--to", required=True, metavar="ACCOUNT", help="The counterparty's account there.")
@click.option("--get", "gets", nargs=2, required=True, metavar="AMOUNT ASSET",
              help="What you are paid on the second.")  # fmt: skip
@click.option("--from", "from_", required=True, metavar="ACCOUNT",
              help="The counterparty's account there.")  # fmt: skip
@click.option("--ends", type=click.IntRange(5, 1440), default=30, show_default=True,
              help="Minutes until the second lock ends.")  # fmt: skip
@click.option("--margin", type=click.IntRange(7, 1440), default=30, show_default=True,
              help="Minutes that the first lock lasts longer.")  # fmt: skip
def corridor_terms(ends: int, margin: int, **options: Any) -> None:
    """Draw up terms as the initiator, and print them as JSON."""
    with _sentences():
        from sandbox_api.corridor.command import terms

        terms(minutes=(ends, margin), **options)


@corridor.command("run")
@click.argument("terms_file", metavar="TERMS",
                type=click.Path(path_type=Path, dir_okay=False, exists=True))  # fmt: skip
@_of_one_party
@_json
def corridor_run(**options: Any) -> None:
    """Take your part under TERMS until it is over; run it again after whatever ended it.

    Exit code 0 where both legs are paid, 1 where not.
    """
    with _sentences():
        from sandbox_api.corridor.command import run

        code = run(**options)
    sys.exit(code)


@main.command()
@click.option("--full", is_flag=True, help="A million entries a row, which takes an hour or so.")
@click.option("--store", "stores", multiple=True, type=click.Choice(["sqlite", "postgresql"]),
              help="Only this store; may be repeated.")  # fmt: skip
@click.option("--kind", "kinds", multiple=True, type=click.Choice(["transfer", "pay"]),
              help="Only this kind of transaction; may be repeated.")  # fmt: skip
@click.option("--workload", type=click.Choice(["plain", "mixed", "programmable"]), default="plain",
              show_default=True, help="One kind a row, or many kinds at once.")  # fmt: skip
@click.option("--entries", type=click.IntRange(min=1), help="Entries in batches, a row.")
@click.option("--seconds", type=click.FloatRange(0.05, 600), default=4.0, show_default=True,
              help="How long each load lasts, about.")  # fmt: skip
@click.option("--spread", type=click.Choice(["life", "day"]), default="life", show_default=True,
              help="How far ahead it is signed: as clients do, or evenly over a day.")  # fmt: skip
@_json
def bench(as_json: bool, **options: Any) -> None:
    """Measure how fast all of it is on this machine: real servers, real HTTP, every write durable.

    Takes up to five minutes. PostgreSQL is measured where its programs are installed.
    """
    with _sentences():
        from sandbox_api.bench.command import run

        run(as_json=as_json, **options)


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
