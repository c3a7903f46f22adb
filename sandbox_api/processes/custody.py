"""The custody process: holds the demo institutions' keys, and signs only as API keys allow (D12).

It answers front ends on a local socket and checks the caller's API key against the sandbox's own
store by itself, so that a front end alone cannot sign. It asks for the demo exchange's prices when
a quote is wanted, and renews its rates before they go stale on the sandbox's clock. Keys come from
the keyring; none ever leaves here.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any, Final

import msgspec
import structlog

from ledger.core.ids import ID_BYTES, unb64
from ledger.errors import LedgerError, Malformed
from ledger.keyring import Keyring
from ledger.keys import SigningKey
from ledger.store import open_reading
from ledger.writer.answers import Offer, Taken
from ledger.writer.link import Link
from sandbox_api.auth import Keys, Scope, need
from sandbox_api.config import CannotRun, Config
from sandbox_api.custody_link import SOCKET_NAME
from sandbox_api.custody_protocol import Wanted
from sandbox_api.demo_bank import DemoBank
from sandbox_api.demo_exchange import DemoExchange
from sandbox_api.demo_purses import Vouching
from sandbox_api.keychest import persona_key
from sandbox_api.local_call import Listener
from sandbox_api.personas import World, read_world
from sandbox_api.prices import BuiltIn, HttpPrices
from sandbox_api.problems import Problem
from sandbox_api.rates import PRICES, SLOT_MS, put_rate
from sandbox_api.tenants import TenantStore

LOOK_S: Final = 2.0
"""How often the sandbox's clock is looked at for rates that are due: it may have been moved."""

log = structlog.get_logger()


def main(config: Config, say: Callable[[str, str], None]) -> None:
    """Answer and renew until SIGTERM."""
    world = read_world(config.world)
    if world is None:
        raise CannotRun(f"{config.world} is gone; put it back and start again.")
    keyring = Keyring.open_or_create(config.keyring)
    run = Path(config.run)
    bank_key = persona_key(keyring, "bank")
    prices = HttpPrices(config.price_source) if config.price_source else BuiltIn()
    exchange = DemoExchange(world, persona_key(keyring, "exchange"), prices)
    vouching = Vouching(
        world, open_reading(config.url, unb64(config.ledger, ID_BYTES)), bank_key,
        persona_key(keyring, "central-bank"),
    )  # fmt: skip
    tenants = TenantStore.open(config.tenants_url)
    desk = _Desk(DemoBank(world, bank_key), exchange, vouching, tenants)
    listener = Listener(run, SOCKET_NAME, desk.answer)
    ended = threading.Event()
    renewer = threading.Thread(
        target=_renew_rates,
        args=(Link(run), world, persona_key(keyring, "exchange"), ended),
        name="rates",
        daemon=True,
    )

    def stop(_: int, __: FrameType | None) -> None:
        ended.set()
        threading.Thread(target=listener.shutdown, daemon=True).start()

    signal.signal(signal.SIGTERM, stop)
    renewer.start()
    say("ready", "")
    listener.serve_forever(poll_interval=0.1)
    listener.server_close()


class _Desk:
    """Who may ask for what."""

    def __init__(
        self, bank: DemoBank, exchange: DemoExchange, vouching: Vouching, tenants: TenantStore
    ) -> None:
        self._bank: Final = bank
        self._exchange: Final = exchange
        self._vouching: Final = vouching
        self._keys: Final = Keys(tenants.find_key)

    def answer(self, question: list[Any]) -> Any:
        """The answer to one question of `CustodyLink`."""
        match question:
            case ["onboard", str(token), bytes(public_key), int(at)]:
                self._may(token, Scope.JOIN)
                return msgspec.to_builtins(
                    self._bank.onboard(public_key, at), builtin_types=(bytes,)
                )
            case ["enrol_till", str(token), bytes(public_key), str(till), int(at)]:
                self._may(token, Scope.JOIN)
                return msgspec.to_builtins(
                    self._bank.enrol_till(public_key, till, at), builtin_types=(bytes,)
                )
            case ["quote", str(token), list(wanted), int(at)]:
                self._may(token, Scope.SUBMIT)
                return self._exchange.quote(msgspec.convert(wanted, Wanted), at)
            case ["open_purse", str(token), bytes(public_key), bytes(home), int(at)]:
                self._may(token, Scope.JOIN)
                return self._bank.open_purse(public_key, home, at)
            case ["certificate", str(token), bytes(purse)]:
                self._may(token, Scope.JOIN)
                return self._vouching.certificate(purse)
            case ["notice", str(token), int(at)]:
                self._may(token, Scope.JOIN)
                return self._vouching.notice(at)
            case _:
                raise Malformed("custody.question", "custody was asked something it does not know")

    def _may(self, token: str, scope: Scope) -> None:
        try:
            need(self._keys.of(token), scope)
        except Problem as problem:
            raise Malformed(problem.code, str(problem)) from None


def _renew_rates(link: Link, world: World, exchange: SigningKey, ended: threading.Event) -> None:
    """Put every asset's rate whenever the sandbox's clock enters another slot; at a start too,
    where the ledger most often has these very bytes already."""
    put_slot = -1
    while not ended.is_set():
        with contextlib.suppress(LedgerError):  # the writer is away; it will be back
            at = link.time()
            if at // SLOT_MS != put_slot and _put_rates(link, world, exchange, at):
                put_slot = at // SLOT_MS
        ended.wait(LOOK_S)


def _put_rates(link: Link, world: World, exchange: SigningKey, at: int) -> bool:
    offers = [Offer(put_rate(exchange, world.ledger, asset, at).jws, False) for asset in PRICES]
    refused = [answer for answer in link.submit(offers) if not isinstance(answer, Taken)]
    if refused:
        log.warning("rates_refused", answers=repr(refused))
    return not refused
