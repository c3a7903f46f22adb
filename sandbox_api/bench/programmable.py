"""The workload `programmable`: what marked money and convert-then-pay cost beside a plain payment.

Server CPU an entry, all signatures included, of batches of one kind at a time, in rounds by turns:
a plain `pay` in test crypto inside the zone, a `pay` in ordinary tenge, a `pay` in marked tenge
whose policy admits the shop by its category, and `convert_pay`. The ratios are of one run, so the
machine's speed does not matter; CPU is read from the system (Linux).
"""

from __future__ import annotations

import random
import statistics
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec
from rich.console import Console
from rich.table import Table

from ledger.core.amount import Rate, amount_for, format_amount
from ledger.core.ids import b64
from ledger.core.party import Role
from ledger.core.quote import Quote, Side
from ledger.core.transaction import NOT_AFTER_AHEAD_MAX_MS, Payload, Request, Tender
from ledger.keys import SigningKey
from ledger.kinds.account import OpenAccount
from ledger.kinds.allocate import Allocate
from ledger.kinds.categories import AttestCategories
from ledger.kinds.convert_pay import ConvertPay
from ledger.kinds.mark import PutMark
from ledger.kinds.mark_account import OpenMarked
from ledger.kinds.party import RegisterParty
from ledger.kinds.pay import Pay
from ledger.kinds.terminal import RegisterTerminal
from ledger.kinds.transfer import Transfer
from sandbox_api.bench.aftermath import audit_rate
from sandbox_api.bench.cpu import cpu_us
from sandbox_api.bench.loads import LINES, Loads
from sandbox_api.bench.machine import Cores
from sandbox_api.bench.row import Store
from sandbox_api.bench.run import Effort, Tell
from sandbox_api.bench.server import Sandbox
from sandbox_api.bench.stage import PLACE, key_from
from sandbox_api.bench.traffic import TOTAL_MAX, TOTAL_MIN, seal_line
from sandbox_api.config import OWN_DATABASE
from sandbox_api.sealed import Sealed, sealed
from sandbox_api.world import ASSETS, TENGE

MOST: Final = {"marked": 1.5, "convert_pay": 2.5}
"""What each may cost at most, in server CPU an entry, against a plain `pay`."""

CRYPTO: Final = "tUSDT"
CATEGORY: Final = "5411"
PAYERS: Final = 200
SHOPS: Final = 20
ROUNDS: Final = 3
FUNDS: Final = {TENGE: "1000000.00", CRYPTO: "5000.000000"}
MARK_MS: Final = 30 * 86_400_000

_encode = msgspec.json.Encoder().encode


class Programmable(msgspec.Struct, frozen=True):
    """What was measured on one store: us of server CPU an entry, by what is paid; the ratios to
    `pay` and to `pay_tenge`; null where the system does not tell."""

    store: Store
    workload: str
    cpu_us: dict[str, float | None]
    against_pay: dict[str, float | None]
    against_pay_tenge: dict[str, float | None]
    audit_per_s: float


def measure_programmable(
    store: Store, cores: Cores, effort: Effort, database: str | None, tell: Tell
) -> Programmable:
    """Measure it on one store. Raises LoadFailed, Unsound, OSError."""
    with tempfile.TemporaryDirectory(prefix="tenge-bench-") as folder:
        data = Path(folder) / "data"
        with Sandbox(data, database) as sandbox:
            tell(f"programmable on {store}: the stage", 0.05)
            loads = Loads(sandbox, "pay", cores, effort.spread)
            cast = _Cast(sandbox, loads.now())
            loads.send(list(cast.transactions()), connections=1)
            cpu = _cpu(loads, cast, sandbox, effort, lambda share: tell(f"on {store}", share))
        tell(f"programmable on {store}: the audit", 0.9)
        url = database or f"sqlite:///{data / OWN_DATABASE}"
        audited = audit_rate(url, sandbox.said.ledger, loads.size)
    return Programmable(
        store,
        "programmable",
        cpu,
        {name: _ratio(cpu, name, "pay") for name in MOST},
        {name: _ratio(cpu, name, "pay_tenge") for name in MOST},
        round(audited, 1),
    )


def show(rows: Iterable[Programmable], console: Console) -> None:
    """Print what each costs, beside the most that it may."""
    for row in rows:
        table = Table(
            "paid by", "us of CPU an entry", "against pay", "at most", "against pay in tenge",
            title=f"{row.store}, audited at {row.audit_per_s:,.0f} signatures a second",
        )  # fmt: skip
        for name, us in row.cpu_us.items():
            table.add_row(
                name,
                _told(us, ".0f"),
                _told(row.against_pay.get(name), ".2f"),
                _told(MOST.get(name), ".1f"),
                _told(row.against_pay_tenge.get(name), ".2f"),
            )
        console.print(table)


def _told(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


def _ratio(cpu: dict[str, float | None], name: str, plain: str) -> float | None:
    above, below = cpu[name], cpu[plain]
    return None if above is None or not below else round(above / below, 3)


def _cpu(
    loads: Loads, cast: _Cast, sandbox: Sandbox, effort: Effort, tell: Callable[[float], None]
) -> dict[str, float | None]:
    """The median of rounds by turns, for each way to pay."""
    many = max(LINES, int(500 * effort.seconds) // LINES * LINES)
    ways: dict[str, Callable[[], list[bytes]]] = {
        "pay": lambda: loads.one_kind("pay/1", many),
        "pay_tenge": lambda: cast.lines(many, cast.in_tenge),
        "marked": lambda: cast.lines(many, cast.marked),
        "convert_pay": lambda: cast.lines(many, cast.converted),
    }
    pids = tuple(sandbox.said.processes.values())
    found: dict[str, list[float | None]] = {name: [] for name in ways}
    for number in range(ROUNDS + 1):
        for name, make in ways.items():
            tell(0.1 + 0.8 * number / (ROUNDS + 1))
            used = cpu_us(loads, pids, make())
            if number:  # the first round warms up
                found[name].append(used)
    return {name: _median(values) for name, values in found.items()}


def _median(values: list[float | None]) -> float | None:
    told = [value for value in values if value is not None]
    return round(statistics.median(told), 1) if len(told) == len(values) else None


class _Payer(msgspec.Struct, frozen=True):
    seed: bytes
    tenge: str
    crypto: str
    marked: str


class _Shop(msgspec.Struct, frozen=True):
    seed: bytes
    tenge: str


class _Cast:
    """People with tenge, test crypto and marked tenge, shops with tills, and what they sign."""

    def __init__(self, sandbox: Sandbox, now: int) -> None:
        self._sandbox: Final = sandbox
        self._now: Final = now
        self._random: Final = random.Random(f"programmable {sandbox.said.ledger}")  # noqa: S311
        self._payers: list[_Payer] = []
        self._shops: list[_Shop] = []
        self._exchange: Final = sandbox.key_of("exchange").seed
        self._mark = ""

    def transactions(self) -> Iterator[bytes]:
        """Everything to submit beforehand, in this order."""
        stock = self._sandbox.account("bank", TENGE)
        mark = self._sign(
            PutMark, budget=stock, contract="BENCH", budget_line="1", on_final="unmark",
            valid_until=self._now + MARK_MS, payees=(), roles=(), categories=(CATEGORY,), goods=(),
            payee_max=None, conditions=(),
        )  # fmt: skip
        self._mark = mark.creates_id("mark")
        yield mark.jws
        for number in range(SHOPS):
            yield from self._shop(number)
        for number in range(PAYERS):
            yield from self._payer(number)

    def lines(self, many: int, make: Callable[[_Payer, _Shop, int], Payload]) -> list[bytes]:
        """Signed payments of one way, by random people at random tills."""
        made = []
        for _ in range(many):
            payer, shop = self._random.choice(self._payers), self._random.choice(self._shops)
            payload = make(payer, shop, self._random.randint(TOTAL_MIN, TOTAL_MAX))
            made.append(seal_line(payer.seed, _encode(payload), "tenge-tx"))
        return made

    def in_tenge(self, payer: _Payer, shop: _Shop, total: int) -> Payload:
        """A till is paid from an ordinary account."""
        return Pay(**self._said(), from_=payer.tenge, request=self._request(shop, total))

    def marked(self, payer: _Payer, shop: _Shop, total: int) -> Payload:
        """A till is paid from a marked account."""
        return Pay(**self._said(), from_=payer.marked, request=self._request(shop, total))

    def converted(self, payer: _Payer, shop: _Shop, total: int) -> Payload:
        """A till is paid in tenge that an exchange gives for test crypto."""
        scale = ASSETS[CRYPTO][1]
        price = format_amount(amount_for(total, scale, Rate.parse("500")), scale)
        quote = Quote(
            **self._said(),
            gives=Side(self._sandbox.account("exchange", TENGE), TENGE, format_amount(total, 2)),
            gets=Side(self._sandbox.account("exchange", CRYPTO), CRYPTO, price),
        )
        return ConvertPay(
            **self._said(),
            from_=payer.crypto,
            request=self._request(shop, total),
            quote=seal_line(self._exchange, _encode(quote), "tenge-quote").decode(),
        )

    def _request(self, shop: _Shop, total: int) -> str:
        amount = format_amount(total, 2)
        payload = Request(
            **self._said(), total=amount, reference="A-1", reusable=False,
            tenders=(Tender(TENGE, shop.tenge, amount),),
        )  # fmt: skip
        return seal_line(shop.seed, _encode(payload), "tenge-request").decode()

    def _said(self) -> dict[str, Any]:
        """What every payload says first."""
        return {
            "ledger": self._sandbox.said.ledger,
            "nonce": b64(self._random.randbytes(16)),
            "not_after": self._now + NOT_AFTER_AHEAD_MAX_MS // 2,
        }

    def _shop(self, number: int) -> Iterator[bytes]:
        seed = self._random.randbytes(32)
        registered = self._sign(RegisterParty, role=Role.MERCHANT, tier=3, key=_public(seed))
        party = registered.creates_id("party")
        opened = self._sign(OpenAccount, owner=party, asset=TENGE)
        till = self._random.randbytes(32)
        yield from (registered.jws, opened.jws)
        place = (PLACE[0] + number * 100, PLACE[1])
        yield self._sign(RegisterTerminal, merchant=party, key=_public(till), place=place).jws
        yield self._sign(AttestCategories, merchant=party, codes=(CATEGORY,)).jws
        self._shops.append(_Shop(till, opened.creates_id("account")))

    def _payer(self, number: int) -> Iterator[bytes]:
        seed = self._random.randbytes(32)
        registered = self._sign(RegisterParty, role=Role.PERSON, tier=2, key=_public(seed))
        party = registered.creates_id("party")
        yield registered.jws
        accounts = {}
        for asset, amount in FUNDS.items():
            opened = self._sign(OpenAccount, owner=party, asset=asset)
            accounts[asset] = opened.creates_id("account")
            yield opened.jws
            stock = self._sandbox.account("bank", asset)
            yield self._sign(Transfer, from_=stock, to=accounts[asset], amount=amount).jws
        opened = self._sign(OpenMarked, mark=self._mark, owner=party, supplier=False)
        marked = opened.creates_id("account")
        yield opened.jws
        stock = self._sandbox.account("bank", TENGE)
        yield self._sign(Allocate, from_=stock, to=marked, amount=FUNDS[TENGE]).jws
        self._payers.append(_Payer(seed, accounts[TENGE], accounts[CRYPTO], marked))

    def _sign(self, kind: type[Payload], **members: Any) -> Sealed:
        return sealed(
            self._sandbox.key_of("bank"), kind, ledger=self._sandbox.said.ledger,
            nonce=self._random.randbytes(16), not_after=self._now + NOT_AFTER_AHEAD_MAX_MS // 2,
            **members,
        )  # fmt: skip


def _public(seed: bytes) -> str:
    key: SigningKey = key_from(seed)
    return b64(key.public_key)
