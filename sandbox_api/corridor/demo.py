"""`tenge corridor demo`: two sandboxes, four stories, told as they happen.

Without addresses it starts two sandboxes of its own, kills one under a payment, moves their clocks,
and ends them; on given sandboxes it plays the first story alone. What it tells is what it saw on
the ledgers: a story that ends otherwise than it should gives exit code 1.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console

from ledger.keys import SigningKey
from sandbox_api.client import SandboxClient, Wallet
from sandbox_api.config import CannotRun
from sandbox_api.corridor.drawing import Away, Mark, draw
from sandbox_api.corridor.party import Party
from sandbox_api.corridor.stage import OwnSandbox
from sandbox_api.corridor.steps import Carry, Done, GiveBack, Lock, Outcome, Show, Step
from sandbox_api.corridor.terms import MINUTE_MS, Payment, Side, Terms, draw_up, lock_id

WENT_WRONG: Final = 1
"""Exit code of a story that ended otherwise than it should."""

GIVEN: Final = ("KZTD", "1000.00")
TAKEN: Final = ("tUSDT", "2.000000")
"""What Alice pays Bob on the first ledger, and Bob Alice on the second."""

_PATIENCE_S: Final = 30.0
_PAUSE_S: Final = 0.05

_TOLD: Final = {
    Lock: "locks {amount} for {other} on the {place} ledger",
    Show: "shows the secret on the {place} ledger, and has {amount}",
    Carry: "carries the secret to the {place} ledger, which pays {amount}",
    GiveBack: "gives back the {amount} locked on the {place} ledger",
}
_NAMES: Final = {Side.INITIATOR: "Alice", Side.COUNTERPARTY: "Bob"}
_PLACES: Final = ("first", "second")


class Address(msgspec.Struct, frozen=True):
    """Where a sandbox is: its URL and its publishable key."""

    url: str
    key: str


class Scene(msgspec.Struct, frozen=True):
    """One story as it went: what was told, how it ended and should have, who has what now."""

    title: str
    told: tuple[str, ...]
    outcome: Outcome
    expected: Outcome
    balances: dict[str, tuple[str, str]]
    terms: Terms
    timeline: str


def play(first: Address | None, second: Address | None, *, as_json: bool) -> int:
    """Play and tell; returns the exit code. Raises CannotRun with a sentence."""
    if (first is None) != (second is None):
        raise CannotRun("A corridor has two ends: give --first and --second, or neither.")
    console = Console(quiet=as_json, highlight=False)
    scenes = []
    if first is not None and second is not None:
        scenes.append(_both_pay(_Story(console, 1, "Both pay", (first, second), ())))
    else:
        with _own_sandboxes(Console(stderr=True, quiet=as_json)) as own:
            addresses = tuple(Address(one.said.url, one.said.publishable_key) for one in own)
            for number, (title, tell) in enumerate(_STORIES.items(), 1):
                scenes.append(tell(_Story(console, number, title, addresses, own)))
    if as_json:
        print(msgspec.json.encode({"scenes": scenes}).decode())
    return 0 if all(scene.outcome == scene.expected for scene in scenes) else WENT_WRONG


@contextmanager
def _own_sandboxes(console: Console) -> Iterator[tuple[OwnSandbox, OwnSandbox]]:
    with (
        tempfile.TemporaryDirectory(prefix="tenge-corridor-") as name,
        console.status("Two sandboxes are starting …") as status,
        OwnSandbox(Path(name) / "first") as first,
        OwnSandbox(Path(name) / "second") as second,
    ):
        status.stop()
        yield first, second


class _Story:
    """Alice and Bob, new on both ledgers, and their terms. `own`: the sandboxes, where they are
    ours to kill and to set the clocks of."""

    def __init__(
        self,
        console: Console,
        number: int,
        title: str,
        addresses: tuple[Address, ...],
        own: tuple[OwnSandbox, ...],
    ) -> None:
        self._console: Final = console
        self._title: Final = title
        self._own: Final = own
        self._told: list[str] = []
        self._marks: list[Mark] = []
        self._away: list[Away] = []
        console.print(f"\n[bold]{number}. {title}[/]")
        clients = [SandboxClient(one.url, one.key) for one in addresses]
        keys = {side: SigningKey.generate() for side in Side}
        self._wallets: Final = {
            side: [Wallet.join(client, key) for client in clients] for side, key in keys.items()
        }
        self.now = max(client.get("/sandbox")["time"] for client in clients)
        self.move(1)  # what was read is a little old, and no clock goes back
        self._begins: Final = self.now
        alice, bob = self._wallets.values()
        self.terms: Final = draw_up(
            keys[Side.INITIATOR],
            _payment(clients[0], alice[0], bob[0], *GIVEN),
            _payment(clients[1], bob[1], alice[1], *TAKEN),
            self.now,
        )

    def tell(self, text: str) -> None:
        """One line of the story."""
        self._told.append(text)
        minute = (self.now - self._begins) // MINUTE_MS
        self._console.print(f"  [dim]{minute:>3} min[/] {text}")

    def move(self, minutes: int) -> None:
        """Both clocks go on, where they are ours."""
        if self._own:
            self.now += minutes * MINUTE_MS
            for sandbox in self._own:
                sandbox.freeze_clock(self.now)

    def act(self, side: Side, *, after: int) -> None:
        """That side's program starts anew, some minutes on, and does what is next."""
        self.move(after)
        self._watch(side, self._party(side).advance())

    def kill_first(self, minutes: int) -> None:
        """The first ledger's server dies, and is back after so many minutes."""
        self.tell("the first ledger's server is killed, every process of it")
        since, first = self.now, self._own[0]
        first.kill()
        self.move(minutes)
        first.start()
        self._away.append(Away(0, since, self.now))
        self.tell("it is back")

    def end(self, expected: Outcome, why: str) -> Scene:
        """Both go on until it is over for both, then the timeline is drawn."""
        outcome = self._finish()
        if outcome == expected:
            self.tell(f"{outcome.value}: {why}")
        else:
            self.tell(f"{outcome.value}, and it should be {expected.value}")
        timeline = draw(self.terms, self._begins, self._marks, self._away)
        balances = {
            _NAMES[side]: (first.balance(GIVEN[0]), second.balance(TAKEN[0]))
            for side, (first, second) in self._wallets.items()
        }
        for name, (first, second) in balances.items():
            self._console.print(f"          {name} has {first} {GIVEN[0]} and {second} {TAKEN[0]}")
        self._console.print(f"\n{timeline}", markup=False, style="cyan", soft_wrap=True)
        return Scene(
            self._title, tuple(self._told), outcome, expected, balances, self.terms, timeline
        )

    def _party(self, side: Side) -> Party:
        first, second = self._wallets[side]
        return Party(side, self.terms, first, second)

    def _finish(self) -> Outcome:
        parties = {side: self._party(side) for side in Side}
        until = time.monotonic() + _PATIENCE_S
        while time.monotonic() < until:
            steps = {side: party.advance() for side, party in parties.items()}
            for side, step in steps.items():
                self._watch(side, step)
            ends = [step.outcome for step in steps.values() if isinstance(step, Done)]
            if len(ends) == len(parties):
                self._mark_expired()
                return ends[0]
            time.sleep(_PAUSE_S)
        raise CannotRun(f"It is not over: {steps}")

    def _watch(self, side: Side, step: Step) -> None:
        """Tell a step that did something, and mark it."""
        if not isinstance(step, Lock | Show | Carry | GiveBack):
            return
        place = 0 if step.leg == self.terms.first else 1
        amount = f"{step.leg.amount} {step.leg.asset}"
        other = _NAMES[Side.COUNTERPARTY if side == Side.INITIATOR else Side.INITIATOR]
        told = _TOLD[type(step)].format(amount=amount, place=_PLACES[place], other=other)
        self.tell(f"{_NAMES[side]} {told}")
        if not self._own:
            self.now = self._wallets[side][place].client.get("/sandbox")["time"]
        status = "locked" if isinstance(step, Lock) else "released"
        self._marks.append(
            Mark(place, "cancelled" if isinstance(step, GiveBack) else status, self.now)
        )

    def _mark_expired(self) -> None:
        for place, leg in enumerate((self.terms.first, self.terms.second)):
            client = self._wallets[Side.INITIATOR][place].client
            if client.lock(lock_id(self.terms, leg))["status"] == "expired":
                self._marks.append(Mark(place, "expired", leg.ends_at))


def _payment(
    client: SandboxClient, payer: Wallet, payee: Wallet, asset: str, amount: str
) -> Payment:
    return Payment(client.ledger(), payer.accounts[asset], payee.accounts[asset], asset, amount)


def _locked_and_shown(story: _Story) -> None:
    story.act(Side.INITIATOR, after=2)
    story.act(Side.COUNTERPARTY, after=4)
    story.act(Side.INITIATOR, after=6)


def _both_pay(story: _Story) -> Scene:
    _locked_and_shown(story)
    story.act(Side.COUNTERPARTY, after=3)
    return story.end(Outcome.SETTLED, "each was paid, and neither had to trust the other")


def _back_in_time(story: _Story) -> Scene:
    _locked_and_shown(story)
    story.kill_first(40)
    story.act(Side.COUNTERPARTY, after=1)
    return story.end(Outcome.SETTLED, "the first lock was still there: that is what the margin is")


def _nobody_shows(story: _Story) -> Scene:
    story.act(Side.INITIATOR, after=2)
    story.act(Side.COUNTERPARTY, after=4)
    story.tell("Alice is gone, with her secret")
    story.move(24)
    story.tell("the second lock ends by its clock: Bob has his money back")
    return story.end(Outcome.RETURNED, "nobody lost anything but time")


def _beyond(story: _Story) -> Scene:
    _locked_and_shown(story)
    story.kill_first(49)
    return story.end(
        Outcome.COUNTERPARTY_LOST,
        "the first lock ended before anybody could open it. What Alice owes is proven by the"
        " second ledger, which holds her secret, and the first, where her money went back",
    )


_STORIES: Final[dict[str, Callable[[_Story], Scene]]] = {
    "Both pay": _both_pay,
    "A server dies right after the secret was shown, and is back within the margin": _back_in_time,
    "The secret is never shown: both have their money back": _nobody_shows,
    "Beyond the margin: the server is away until the first lock has ended": _beyond,
}
