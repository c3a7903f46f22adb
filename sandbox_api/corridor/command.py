"""`tenge corridor join`, `terms`, `run`: one party, at its own machine, with its own key.

The key is in a file of mode 0600, a private JWK as `tenge keys show` prints it; `join` makes one
where there is none. Terms are JSON, drawn up by the initiator and sent to the other by any means.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click
import msgspec

from ledger.core.amount import parse_amount
from ledger.errors import Malformed
from ledger.keys import SigningKey
from sandbox_api.client import SandboxAway, SandboxClient, SandboxProblem, Wallet
from sandbox_api.config import CannotRun
from sandbox_api.corridor.party import Party
from sandbox_api.corridor.steps import Done, Outcome, Refuse, Step, Wait
from sandbox_api.corridor.terms import (
    MINUTE_MS,
    Payment,
    Plan,
    Side,
    Terms,
    draw_up,
    lock_id,
    read_terms,
)

NOT_SETTLED: Final = 1
"""Exit code of a corridor that was not settled."""

Address = tuple[str, str]
"""A sandbox's URL and its publishable key."""


def join(first: Address, second: Address, key_file: Path) -> None:
    """Become a client on both ledgers, and print one's accounts there, for the other to name."""
    key = read_key(key_file) if key_file.exists() else _new_key(key_file)
    wallets = _wallets(first, second, key)
    said = {
        name: {"ledger": wallet.client.ledger(), "accounts": wallet.accounts}
        for name, wallet in zip(("first", "second"), wallets, strict=True)
    }
    click.echo(json.dumps(said, indent=2))


def terms(
    first: Address,
    second: Address,
    key_file: Path,
    *,
    pays: tuple[str, str],
    to: str,
    gets: tuple[str, str],
    from_: str,
    minutes: tuple[int, int],
) -> None:
    """Print the initiator's proposal: `pays` and `gets` are amount and asset, `to` and `from_` the
    counterparty's accounts, `minutes` when the second lock ends and how much longer the first."""
    key = read_key(key_file)
    own = _wallets(first, second, key)
    for wallet, (amount, asset) in zip(own, (pays, gets), strict=True):
        _check_amount(wallet, amount, asset)
    second_ends, margin = (many * MINUTE_MS for many in minutes)
    plan = Plan(
        first_lock_ms=second_ends // 3, second_lock_ms=second_ends * 2 // 3,
        second_ends_ms=second_ends, margin_ms=margin,
    )  # fmt: skip
    ledgers = [wallet.client.ledger() for wallet in own]
    made = draw_up(
        key,
        Payment(ledgers[0], own[0].accounts[pays[1]], to, pays[1], pays[0]),
        Payment(ledgers[1], from_, own[1].accounts[gets[1]], gets[1], gets[0]),
        max(wallet.client.get("/sandbox")["time"] for wallet in own),
        plan,
    )
    if made.faults():
        raise CannotRun(f"These terms leave no room: {made.faults()[0]}.")
    click.echo(made.encode().decode())


def run(terms_file: Path, first: Address, second: Address, key_file: Path, *, as_json: bool) -> int:
    """Take one's part until it is over on both ledgers; the exit code. Whatever ends this program,
    running it again goes on."""
    agreed, key = read_terms(terms_file.read_bytes()), read_key(key_file)
    one, other = (Wallet(SandboxClient(*address), key) for address in (first, second))
    tell = _json_teller(agreed) if as_json else _teller(agreed)
    while True:
        try:
            party = Party(_side(agreed, one, other), agreed, one, other)
            outcome = party.run(tell).outcome
            return 0 if outcome == Outcome.SETTLED else NOT_SETTLED
        except SandboxAway as away:
            click.echo(f"tenge: {away}; looking again", err=True)
        except SandboxProblem as problem:
            raise CannotRun(f"{problem} ({problem.code})") from None


def read_key(path: Path) -> SigningKey:
    """The private key in a file. Raises CannotRun with a sentence."""
    try:
        return SigningKey.from_jwk(json.loads(path.read_text("utf-8")))
    except (OSError, ValueError, TypeError, Malformed):
        raise CannotRun(
            f"{path} holds no private key as a JWK: make one with `tenge corridor join`."
        ) from None


def _new_key(path: Path) -> SigningKey:
    key = SigningKey.generate()
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(key.to_jwk_text() + "\n")
    click.echo(f"tenge: a new key is in {path}; keep it until the corridor is over", err=True)
    return key


def _wallets(first: Address, second: Address, key: SigningKey) -> tuple[Wallet, Wallet]:
    try:
        return Wallet.join(SandboxClient(*first), key), Wallet.join(SandboxClient(*second), key)
    except (SandboxAway, SandboxProblem) as problem:
        raise CannotRun(str(problem)) from None


def _check_amount(wallet: Wallet, amount: str, asset: str) -> None:
    scales = {row["code"]: row["scale"] for row in wallet.client.get("/assets")["assets"]}
    if asset not in wallet.accounts:
        raise CannotRun(f"You have no account of {asset} on {wallet.client.url}.")
    parse_amount(amount, scales[asset])


def _side(agreed: Terms, first: Wallet, second: Wallet) -> Side:
    """Whose key this is: the owner of the account that the first leg is from, or the second."""
    for side, wallet, leg in (
        (Side.INITIATOR, first, agreed.first), (Side.COUNTERPARTY, second, agreed.second),
    ):  # fmt: skip
        if wallet.client.get(f"/accounts/{leg.from_}")["owner"] == wallet.party():
            return side
    raise CannotRun("This key is neither party's: neither leg is from an account of its owner.")


def _teller(agreed: Terms) -> Callable[[Step], None]:
    """Tells each step in a line, and what one waits for once."""
    last: list[str] = []

    def tell(step: Step) -> None:
        text = _told(agreed, step)
        if last != [text]:
            click.echo(text)
        last[:] = [text]

    return tell


def _json_teller(agreed: Terms) -> Callable[[Step], None]:
    last: list[Step] = []

    def tell(step: Step) -> None:
        if last != [step]:
            click.echo(msgspec.json.encode(step).decode())
            sys.stdout.flush()
        last[:] = [step]

    return tell


def _told(agreed: Terms, step: Step) -> str:
    match step:
        case Wait(why):
            return f"waiting: {why}"
        case Refuse(reasons):
            return f"refusing: {'; '.join(reasons)}"
        case Done(outcome):
            return f"over: {outcome.value}"
    place = "first" if step.leg == agreed.first else "second"
    verb = type(step).__name__.lower().replace("giveback", "give back")
    return (
        f"done: {verb} {step.leg.amount} {step.leg.asset} on the {place} ledger"
        f" (lock {lock_id(agreed, step.leg)})"
    )
