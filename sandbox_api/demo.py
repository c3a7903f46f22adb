"""`tenge demo`: what the sandbox is for, as a story in five scenes.

Everything happens over the HTTP API of a real server process, through `sandbox_api.client`, as a
newcomer's own program would do it; nothing is staged but the cast. Without `--url` the story starts
a server of its own and ends it. What it tells is what it saw: a scene that goes otherwise than it
should ends the story with exit code 1.
"""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.padding import Padding

from ledger.audit import audit_database
from ledger.keyring import Keyring
from ledger.keys import SigningKey
from sandbox_api.client import PaymentRefused, Receipt, SandboxClient, Till, Wallet
from sandbox_api.config import CannotRun
from sandbox_api.keychest import persona_key
from sandbox_api.ledger_place import place_of

LANGUAGES: Final = {"kk": "Қазақша", "ru": "По-русски", "en": "In English"}

WENT_WRONG: Final = 1
"""Exit code of a story that went otherwise than it should."""


class Step(msgspec.Struct, frozen=True):
    """One thing that happened. `sentences`: what a refusal said, by language."""

    scene: int
    told: str
    outcome: str = ""
    sentences: dict[str, str] = {}
    facts: dict[str, Any] = {}


class OtherwiseError(Exception):
    """The story did not go as it should; says what happened instead."""


def play(url: str | None, key: str | None, folder: Path, *, as_json: bool) -> int:
    """Play all scenes and tell them; returns the exit code."""
    if url is not None and key is None:
        raise CannotRun("Give the sandbox's publishable key with --key; `tenge up` prints it.")
    told: list[Step] = []
    narrator = _Narrator(told, quiet=as_json)
    with _stage(url, key, folder) as (stage_url, stage_key, stage_folder):
        supervisor = persona_key(Keyring.open_or_create(stage_folder / "keyring"), "supervisor")
        try:
            _Story(stage_url, stage_key, supervisor, stage_folder, narrator).play()
            code = 0
        except (OtherwiseError, PaymentRefused) as error:
            narrator.tell(Step(narrator.scene, f"It went otherwise: {error}", "failed"))
            code = WENT_WRONG
    if as_json:
        print(msgspec.json.encode({"passed": code == 0, "steps": told}).decode())
    return code


class _Story:
    """The cast and the scenes."""

    def __init__(
        self,
        url: str,
        key: str,
        supervisor: SigningKey,
        folder: Path,
        narrator: _Narrator,
    ) -> None:
        self._clients: Final = {lang: SandboxClient(url, key, lang=lang) for lang in LANGUAGES}
        self._client: Final = self._clients["en"]
        self._supervisor: Final = Wallet(self._client, supervisor)
        self._folder: Final = folder
        self._narrator: Final = narrator

    def play(self) -> None:
        """All five, one after the other: each leans on those before."""
        self._opening()
        self._tenge_in_almaty()
        self._crypto_in_almaty()
        self._crypto_in_alatau()
        self._zone_suspended()
        self._the_log()

    def _opening(self) -> None:
        self.wallet = Wallet.join(self._client)
        self.market = Till.enrol(self._client, "market")
        self.cafe = Till.enrol(self._client, "cafe")
        self._tell(
            "A shopper opens a wallet: the key is made here and never leaves. The demo bank"
            f" welcomes it with {self.wallet.balance()} KZTD and"
            f" {self.wallet.balance('tUSDT')} test USDT."
        )

    def _tenge_in_almaty(self) -> None:
        self._scene("A supermarket in Almaty, paid in digital tenge")
        request = self.market.ask("1290.00", reference="A-17", crypto=["tUSDT"])
        self._tell(
            f"The till asks for 1,290 tenge. The QR code holds {request.url}", url=request.url
        )
        receipt = self.wallet.pay(request)
        self._passed("The wallet pays in digital tenge. The till turns green.", receipt)
        if (paid := self.market.paid(request)) is None or paid["value"] != "1290.00":
            raise OtherwiseError(f"the till knows of no payment: {paid}")

    def _crypto_in_almaty(self) -> None:
        self._scene("The same till, paid in test USDT")
        request = self.market.ask("1290.00", reference="A-18", crypto=["tUSDT"])
        self._refused("The wallet tries test USDT.", lambda: self.wallet.pay(request, "tUSDT"))
        receipt = self.wallet.pay(request)
        self._passed("One tap on 'pay in tenge' pays the very same request.", receipt)

    def _crypto_in_alatau(self) -> None:
        self._scene("A café inside the Alatau zone")
        request = self.cafe.ask("1290.00", reference="C-1", crypto=["tUSDT"])
        jws = self.wallet.seal("pay/1", from_=self.wallet.accounts["tUSDT"], request=request.jws)
        receipt = self._client.submit(jws)
        self._passed("The same payment in test USDT: the till stands in an open zone.", receipt)
        self._refused(
            "Then the shopper sends test USDT straight to the supermarket's account, past every"
            " till. The rule looks at the money, not at the door it came through.",
            lambda: self.wallet.transfer(self.market.accounts["tUSDT"], "1.000000", "tUSDT"),
        )
        checkpoint = self._client.verify_receipt(jws, receipt)
        self._tell(
            "The shopper checks the receipt alone: the entry leads to a root that the log's key"
            f" signed over {checkpoint.size} entries.",
            size=checkpoint.size,
        )

    def _zone_suspended(self) -> None:
        self._scene("The zone's supervisor suspends it")
        zone = self._zone()
        receipt = self._supervisor.send("zone_suspend/1", zone=zone)
        self._passed("One signed transaction of the supervisor.", receipt)
        request = self.cafe.ask("450.00", reference="C-2", crypto=["tUSDT"])
        self._refused("The next coffee in test USDT:", lambda: self.wallet.pay(request, "tUSDT"))
        self._passed("In tenge it passes, as everywhere.", self.wallet.pay(request))
        self._supervisor.send("zone_resume/1", zone=zone)
        self._tell("The supervisor opens the zone again.")

    def _the_log(self) -> None:
        self._scene("Anyone can check all of it")
        place = place_of(self._folder, None)
        verdict = audit_database(place.url, place.id, decides=True)
        if not verdict.is_sound:
            raise OtherwiseError(f"the log is not sound: {verdict.findings[0]}")
        self._tell(
            f"The whole log is replayed from entry 0: {verdict.size} entries,"
            f" {verdict.signatures} signatures, every decision decided again. It is sound.",
            outcome="passed",
            entries=verdict.size,
            root=verdict.root,
        )
        if place.url.startswith("sqlite:///"):
            self._one_byte_changed(place.url.removeprefix("sqlite:///"))

    def _one_byte_changed(self, database: str) -> None:
        """A copy of the database with one byte of a leaf changed, and what the audit says of it."""
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "copy.db"
            _copy(database, copy)
            index = _change_a_leaf(copy)
            verdict = audit_database(f"sqlite:///{copy}")
        if verdict.is_sound or verdict.findings[0].index != index:
            raise OtherwiseError(f"the changed entry {index} was not found: {verdict.findings}")
        self._tell(
            f"In a copy, one byte of entry {index} is changed. The audit says:"
            f" {verdict.findings[0].message} (entry {verdict.findings[0].index}).",
            outcome="refused",
            index=index,
        )

    def _zone(self) -> str:
        found: str = self._client.get("/zones")["zones"][0]["id"]
        return found

    def _scene(self, title: str) -> None:
        self._narrator.begin(title)

    def _tell(self, told: str, outcome: str = "", **facts: Any) -> None:
        self._narrator.tell(Step(self._narrator.scene, told, outcome, {}, facts))

    def _passed(self, told: str, receipt: Receipt) -> None:
        self._tell(told, "passed", index=receipt.index, id=receipt.id)

    def _refused(self, told: str, attempt: Callable[[], object]) -> None:
        """What must be refused; the ledger keeps the refusal, and tells it in every language."""
        try:
            attempt()
        except PaymentRefused as refusal:
            sentences = {
                lang: client.get(f"/transactions/{refusal.transaction}")["reasons"][0]["sentence"]
                for lang, client in self._clients.items()
            }
            facts = {"codes": [reason["code"] for reason in refusal.reasons]}
            self._narrator.tell(Step(self._narrator.scene, told, "refused", sentences, facts))
            return
        raise OtherwiseError(f"this should have been refused: {told}")


class _Narrator:
    """Tells steps as they happen, and keeps them."""

    def __init__(self, told: list[Step], *, quiet: bool) -> None:
        self.scene = 0
        self._told: Final = told
        self._console: Final = Console(quiet=quiet, highlight=False)

    def begin(self, title: str) -> None:
        """The next scene."""
        self.scene += 1
        self._console.print(f"\n[bold]{self.scene}. {title}[/]")

    def tell(self, step: Step) -> None:
        """One step of it."""
        self._told.append(step)
        mark = {"passed": "[green]✓[/] ", "refused": "[red]✗[/] ", "failed": "[red]![/] "}
        self._print(3, f"{mark.get(step.outcome, '')}{step.told}")
        for lang, sentence in step.sentences.items():
            self._print(5, f"[dim]{LANGUAGES[lang]}:[/] {sentence}")

    def _print(self, indent: int, text: str) -> None:
        self._console.print(Padding(text, (0, 0, 0, indent)))


def _copy(database: str, copy: Path) -> None:
    """A consistent copy of a SQLite file that may be in use."""
    with (
        closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)


def _change_a_leaf(copy: Path) -> int:
    """Flip one bit in the middle of a leaf in the middle of the log; the entry's index."""
    with closing(sqlite3.connect(copy)) as connection, connection:
        (index,) = connection.execute("SELECT max(idx) / 2 FROM entry").fetchone()
        (leaf,) = connection.execute("SELECT leaf FROM entry WHERE idx = ?", (index,)).fetchone()
        changed = bytearray(leaf)
        changed[len(changed) // 2] ^= 1
        connection.execute("UPDATE entry SET leaf = ? WHERE idx = ?", (bytes(changed), index))
    return int(index)


@contextmanager
def _stage(url: str | None, key: str | None, folder: Path) -> Iterator[tuple[str, str, Path]]:
    """A sandbox to play on: the given one, or one of our own for as long as this lasts."""
    if url is not None and key is not None:
        yield url, key, folder
        return
    command = [sys.executable, "-m", "sandbox_api", "up", "--ephemeral", "--port", "0", "--json"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603 - our own program
    try:
        line = server.stdout.readline() if server.stdout else b""
        if not line:
            raise CannotRun("The demo's own sandbox did not start; try `tenge up`.")
        facts = msgspec.json.decode(line)
        yield facts["url"], facts["publishable_key"], Path(facts["data"])
    finally:
        server.terminate()
        server.communicate()
