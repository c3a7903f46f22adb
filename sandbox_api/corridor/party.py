"""One party of a corridor: it looks at both ledgers, does what is next, and remembers nothing.

Facts come from the two sandboxes' HTTP APIs alone. Whatever is lost (an answer, a server, this very
process), looking again shows where things stand: the locks are the same bytes at every try, and a
release or a cancellation that came second is refused and changes nothing. A reader must not assume
that a step which raised did not happen.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

from ledger.core.envelope import seal
from ledger.core.ids import unb64
from sandbox_api.client import PaymentRefused, SandboxClient, SandboxProblem, Wallet
from sandbox_api.config import CannotRun
from sandbox_api.corridor.steps import (
    DUE,
    Carry,
    Done,
    GiveBack,
    Lock,
    Refuse,
    Seen,
    Show,
    Step,
    View,
    Wait,
    next_step,
)
from sandbox_api.corridor.terms import LAG_MS, Leg, Side, Terms, lock_id, lock_payload, secret_of

PAUSE_S: Final = 0.5
"""Between two looks, where there is nothing to do."""

OTHERS_MAX: Final = 100
"""Locks under the hash that are looked at, where the agreed one is not there."""

_TOO_LATE: Final = ("STATUS_CONFLICT", "EXPIRED")
"""Refusals that say no more than that somebody, or the clock, was first: the next look tells."""

Told = Callable[[str, Step], None]
"""Hears of each step: "about to", then "done"."""


def _nobody(when: str, step: Step) -> None:
    """Tells nobody."""


class Party:
    """One side. `first` and `second` are its wallets on the two ledgers; `told` hears what it does.

    Raises CannotRun where a sandbox is not on the ledger that the terms name.
    """

    def __init__(
        self, side: Side, terms: Terms, first: Wallet, second: Wallet, told: Told = _nobody
    ) -> None:
        for wallet, leg in ((first, terms.first), (second, terms.second)):
            if wallet.client.ledger() != leg.ledger:
                raise CannotRun(
                    f"{wallet.client.url} is on ledger {wallet.client.ledger()};"
                    f" the terms name {leg.ledger}."
                )
        self.side: Final = side
        self.terms: Final = terms
        self._first: Final = first
        self._second: Final = second
        self._told: Final = told
        self._shown = False

    def look(self) -> View:
        """What both ledgers show now. Raises SandboxAway where one of them does not answer."""
        view = self._look()
        return view if view.took_ms <= LAG_MS else self._look()  # somebody was away meanwhile

    def _look(self) -> View:
        began = time.monotonic()
        first = _seen(self._first.client, self.terms, self.terms.first)
        second = _seen(self._second.client, self.terms, self.terms.second)
        if self.side == Side.INITIATOR:
            hindered = _hindered(self._second, self.terms.second)
        else:
            hindered = _hindered(self._first, self.terms.first)
        took_ms = int((time.monotonic() - began) * 1_000)
        return View(first, second, took_ms, hindered, self._shown)

    def advance(self) -> Step:
        """Look, and do what is next; the step. Raises SandboxAway (it may have happened) and
        PaymentRefused (it has not, and would not if it were tried again now)."""
        step = next_step(self.side, self.terms, self.look())
        if isinstance(step, Wait | Refuse | Done):
            return step
        self._told("about to", step)
        self._do(step)
        self._told("done", step)
        return step

    def run(self, seen: Callable[[Step], None] = lambda step: None) -> Done:
        """Go on until it is over on both ledgers, however long that takes; `seen` hears of every
        look. Raises what `advance` raises: calling it again goes on."""
        while True:
            step = self.advance()
            seen(step)
            if isinstance(step, Done):
                return step
            if isinstance(step, Wait | Refuse):
                time.sleep(PAUSE_S)

    def _do(self, step: Lock | Show | Carry | GiveBack) -> None:
        terms, wallet = self.terms, self._wallet(step.leg)
        lock = lock_id(terms, step.leg)
        try:
            match step:
                case Lock(leg):
                    payload, key = lock_payload(terms, leg), wallet.key
                    wallet.client.submit(seal(payload, kid=key.kid, typ="tenge-tx", sign=key.sign))
                case Show():
                    self._shown = True
                    wallet.release(lock, secret_of(terms, self._first.key))
                case Carry(_, preimage):
                    wallet.release(lock, unb64(preimage, 32))
                case GiveBack():
                    wallet.cancel(lock)
        except PaymentRefused as refused:
            if refused.code not in _TOO_LATE:
                raise

    def _wallet(self, leg: Leg) -> Wallet:
        return self._first if leg == self.terms.first else self._second


def _seen(client: SandboxClient, terms: Terms, leg: Leg) -> Seen:
    now: int = client.get("/sandbox")["time"]  # first: what is absent after `lock_by` stays absent
    lock = _found(client, f"/locks/{lock_id(terms, leg)}")
    if lock is None:
        return Seen(now, differs=_others(client, terms, leg))
    status = lock["status"]
    if status == "locked" and now >= lock["ends_at"]:
        status = DUE
    return Seen(now, status, lock["preimage"] or "", differences(terms, leg, lock))


def _others(client: SandboxClient, terms: Terms, leg: Leg) -> tuple[str, ...]:
    """Where the agreed lock is not there: how others of the same payer under this hash differ."""
    page = client.get("/locks", hash=terms.hash, limit=OTHERS_MAX)["locks"]
    return tuple(
        difference
        for lock in page
        if lock["payer"] == leg.from_
        for difference in differences(terms, leg, lock) or ("it was signed otherwise than agreed",)
    )


def differences(terms: Terms, leg: Leg, lock: dict[str, Any]) -> tuple[str, ...]:
    """How a lock is not what was agreed; empty where it is. It may end later, never earlier."""
    agreed = {
        "payer": leg.from_, "payee": leg.to, "asset": leg.asset, "amount": leg.amount,
        "condition": "hash", "hash": terms.hash,
    }  # fmt: skip
    found = [
        f"{name} is {lock[name]}, agreed was {value}"
        for name, value in agreed.items()
        if lock[name] != value
    ]
    if lock["ends_at"] < leg.ends_at:
        found.append(f"it ends {leg.ends_at - lock['ends_at']} ms earlier than agreed")
    return tuple(found)


def _hindered(wallet: Wallet, leg: Leg) -> tuple[str, ...]:
    """Why this leg's money could not arrive: a secret shown in vain is a secret given away."""
    account = _found(wallet.client, f"/accounts/{leg.to}")
    if account is None:
        return (f"the ledger knows no account {leg.to}",)
    found = []
    if account["owner"] != wallet.party():
        found.append("the account that is paid is somebody else's")
    if account["asset"] != leg.asset:
        found.append(f"the account that is paid is of {account['asset']}, not {leg.asset}")
    if account["status"] != "open":
        found.append(f"the account that is paid is {account['status']}")
    return tuple(found)


def _found(client: SandboxClient, path: str) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = client.get(path)
    except SandboxProblem as problem:
        if problem.code != "not_found":
            raise
        return None
    return found
