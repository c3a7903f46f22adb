"""`tenge programme`: what its commands print, and their exit codes. Files are read here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from ledger.core.amount import TENGE_SCALE, format_amount
from ledger.errors import Malformed
from ledger.keyring import Keyring
from sandbox_api.auth import KeyKind
from sandbox_api.client import Json, SandboxAway, SandboxClient, SandboxProblem, Wallet
from sandbox_api.config import CannotRun
from sandbox_api.keychest import api_key, persona_key
from sandbox_api.ledger_place import world_of
from sandbox_api.programme.explain import explain
from sandbox_api.programme.fault import Fault
from sandbox_api.programme.form import Programme, tiyn
from sandbox_api.programme.read import TEXT_MAX, read_programme
from sandbox_api.programme.sharing import shared
from sandbox_api.programme.start import Begun, People, Place, Start
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


def show(file: Path, lang: str) -> int:
    """A programme in words; the exit code."""
    programme = _sound(file, lang)
    if programme is None:
        return FAULTY
    for line in explain(programme, lang):
        click.echo(line)
    return 0


class Sandbox(NamedTuple):
    """A sandbox that runs, and the folder with its personas' keys."""

    client: SandboxClient
    folder: Path

    def wallet(self, name: str) -> Wallet:
        """Act for one of its personas."""
        world = world_of(self.folder)
        keys = Keyring.open_or_create(self.folder / "keyring")
        if name not in [one.name for one in world.personas] or name == "operator":
            raise CannotRun(f"Nobody is called {name!r} here whose key could sign.")
        accounts = {row.asset: row.id for row in world.persona(name).accounts}
        return Wallet(self.client, persona_key(keys, name), accounts)


def sandbox(url: str, key: str | None, folder: Path, lang: str) -> Sandbox:
    """The sandbox at `url`; without an API key, with the one of its data folder."""
    if key is None:
        world_of(folder)
        key = api_key(Keyring.open_or_create(folder / "keyring"), KeyKind.PUBLISHABLE)
    return Sandbox(SandboxClient(url, key, lang=lang), folder)


def start(file: Path, lang: str, place: Sandbox, names: tuple[str, ...]) -> int:
    """Sign and submit what is missing of a programme; the exit code."""
    programme = _sound(file, lang)
    if programme is None:
        return FAULTY
    if programme.mark is not None and not names and programme.mark.source in roles():
        names = (str(programme.mark.source),)
    with _answers() as failed:
        starting = Start(place.client, {name: place.wallet(name) for name in names})
        begun = [] if programme.mark is None else starting.begin(programme.mark)
        if begun:
            said = _what_became(begun[0], is_new=starting.is_new)
            click.echo(text(f"programme.start.{said}", lang, name=programme.name))
        else:
            click.echo(programme.name)
        _print_begun(begun, starting.people, file, place.client, lang)
        for split in programme.splits:
            click.echo("  " + text("programme.start.split", lang, name=split.name, file=file.name))
    return FAULTY if failed or (begun and begun[0].id is None) else 0


def status(file: Path, lang: str, place: Sandbox, picture: Path | None) -> int:
    """Where the money of a programme is, and a drawing of its way; the exit code."""
    programme = _sound(file, lang)
    if programme is None:
        return FAULTY
    if programme.mark is None:
        raise CannotRun(f"{file.name} has no mark: of rules for sharing the ledger keeps nothing.")
    with _answers() as failed:
        starting = Start(place.client, {})
        begun = starting.begin(programme.mark)
        top = begun[0]
        if top.id is None:
            click.echo(text("programme.start.waits", lang, name=programme.name))
            return FAULTY
        budget = place.client.budget(top.id)
        click.echo(text("programme.status", lang, name=programme.name, **_sums(budget)))
        for one in begun:
            for account in place.client.mark_accounts(one.id) if one.id else ():
                said = {"contract": one.mark.contract, "amount": account["balance"]}
                party = starting.people.name(account["owner"])
                click.echo("  " + text("programme.holds", lang, party=party, **said))
        if picture is not None:
            picture.write_text(place.client.get(f"/marks/{top.id}/trace.svg"), "utf-8")
            click.echo("  " + text("programme.drawn", lang, file=picture.name))
    return FAULTY if failed else 0


def confirm(file: Path, lang: str, place: Sandbox, event: str, payee: str, amount: str) -> int:
    """Sign, as the oracle of a condition, what a payee has earned; the exit code."""
    programme = _sound(file, lang)
    if programme is None:
        return FAULTY
    with _answers() as failed:
        begun = [] if programme.mark is None else Start(place.client, {}).begin(programme.mark)
        found = [
            (one.id, condition.oracle)
            for one in begun
            for condition in one.mark.conditions
            if condition.event == event and one.id is not None
        ]
        if not found:
            raise CannotRun(f"No condition of a mark that was started is called {event!r}.")
        party = People(place.client).party(payee)
        for mark, oracle in found:
            place.wallet(str(oracle)).confirm(mark, event, party, _amount(amount))
            click.echo(text("programme.confirmed", lang, oracle=oracle, event=event, party=payee,
                            amount=amount))  # fmt: skip
    return FAULTY if failed else 0


def pay(file: Path, lang: str, place: Sandbox, name: str, amount: str) -> int:
    """Pay an amount by a rule for sharing; the exit code."""
    programme = _sound(file, lang)
    if programme is None:
        return FAULTY
    rule = next((one for one in programme.splits if one.name == name), None)
    if rule is None:
        there = ", ".join(one.name for one in programme.splits) or "none"
        raise CannotRun(f"{file.name} has no rule {name!r}; there are: {there}.")
    shares = shared(rule, _amount(amount))
    if shares is None:
        raise CannotRun(f"{amount} is too little: somebody would be paid nothing.")
    with _answers() as failed:
        people = People(place.client)
        wallet = place.wallet(str(rule.source))
        wallet.split({people.account(payee): share for payee, share in shares.items()})
        click.echo(text("programme.paid", lang, value=rule.source, amount=amount))
        for payee, share in shares.items():
            click.echo("  " + text("programme.share", lang, party=payee, amount=share))
    return FAULTY if failed else 0


def _what_became(top: Begun, *, is_new: bool) -> str:
    """Of a programme by a start: the word of its sentence."""
    if top.id is None:
        return "waits"
    if not is_new:
        return "there"
    return "started" if top.is_new else "added"


def _print_begun(
    begun: list[Begun], people: People, file: Path, client: SandboxClient, lang: str
) -> None:
    for one in begun:
        mark, indent = one.mark, "  " * (1 + one.mark.path.count("sub"))
        if one.waits_for is not None:
            click.echo(indent + text("programme.start.sub", lang, contract=mark.contract,
                                     value=one.waits_for, file=file.name))  # fmt: skip
        if one.id is None:
            continue
        click.echo(indent + text("programme.start.mark", lang, mark=one.id, contract=mark.contract,
                                 line=mark.budget_line))  # fmt: skip
        for place in one.places:
            word = "supplier" if place.supplier else "holder"
            amount = format_amount(place.allocated, TENGE_SCALE) if place.allocated else None
            click.echo(indent + "  " + text(
                f"programme.start.{word}", lang, party=people.name(place.party),
                account=place.account, amount=amount,
            ))  # fmt: skip
            _print_difference(one, place, people, indent, lang)
    if begun and begun[0].id is not None:
        budget = client.budget(begun[0].id)
        click.echo("  " + text("programme.sums", lang, **_sums(budget)))
        click.echo("  " + text("programme.look", lang, url=client.url, mark=begun[0].id))


def _print_difference(begun: Begun, place: Place, people: People, indent: str, lang: str) -> None:
    """Where the file says another amount than was allocated: that is told, and nothing done."""
    for holder in begun.mark.holders:
        said = tiyn(holder.amount)
        if people.party(holder.party) == place.party and said not in (0, place.allocated):
            click.echo(indent + "    " + text("programme.differs", lang, amount=holder.amount))


def _sums(budget: Json) -> dict[str, str]:
    return {name: budget[name] for name in ("allocated", "paid", "held", "returned")}


def _amount(written: str) -> str:
    try:
        tiyn(written)
    except Malformed as error:
        raise CannotRun(f"{written} is no amount: {error}") from None
    return written


@contextmanager
def _answers() -> Iterator[list[str]]:
    """Turn what the sandbox says into a sentence on stderr; the list then holds its code."""
    failed: list[str] = []
    try:
        yield failed
    except SandboxProblem as problem:
        failed.append(problem.code)
        click.echo(f"tenge: {problem} [{problem.code}]", err=True)
    except SandboxAway as away:
        raise CannotRun(
            f"{away}; start one with `tenge up`, or name its address with --url."
        ) from None


def _sound(file: Path, lang: str) -> Programme | None:
    """A file without faults; None where it has some, which are told."""
    programme, faults = _read(file)
    if faults:
        _print(file, faults, lang)
        return None
    return programme


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
