"""What the demo exchange asks for, and what a price source can break: quotes alone."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.core.amount import format_amount, parse_amount
from ledger.core.quote import Quote
from ledger.errors import Malformed
from ledger.kinds import read_statement
from sandbox_api.custody_protocol import Wanted
from sandbox_api.demo_exchange import SPREAD_E4, DemoExchange
from sandbox_api.prices import ASKING_MAX, BuiltIn, HttpPrices
from sandbox_api.rates import PRICES, rate_at
from sandbox_api.world import ASSETS
from tests.api.sandbox import Person, Sandbox, key_of
from tests.api.test_exchange import quoted, taken


@pytest.fixture
def other_prices(sandbox: Sandbox) -> Iterator[None]:
    """Whatever prices a test puts, they are the sandbox's own again afterwards."""
    yield
    sandbox.custody.prices = BuiltIn()


@given(
    sell=st.sampled_from(sorted(ASSETS)),
    buy=st.sampled_from(sorted(ASSETS)),
    units=st.integers(1, 10**13),
    at=st.integers(1_700_000_000_000, 2_000_000_000_000),
    fixed=st.booleans(),
)
def test_the_exchange_never_rounds_against_itself(
    sandbox: Sandbox, sell: str, buy: str, units: int, at: int, fixed: bool
) -> None:
    if sell == buy:
        return
    asset = sell if fixed else buy
    amount = format_amount(units, ASSETS[asset][1])
    wanted = Wanted(sell, buy, amount if fixed else None, None if fixed else amount, None)
    try:
        jws = DemoExchange(sandbox.world, key_of("exchange"), BuiltIn()).quote(wanted, at)
    except Malformed as error:
        if error.code in ("amount.zero", "amount.range"):
            return
        raise
    body = read_statement(jws, Quote)[0].body

    def value(asset: str, amount: str) -> int:
        """In 1e-16 tenge, so that nothing is rounded."""
        e8 = 10**8 if asset == "KZTD" else int(_e8(rate_at(asset, at)))
        scale = ASSETS[asset][1]
        return parse_amount(amount, scale) * e8 * 10 ** (8 - scale)

    got, given_ = value(buy, body.gives.amount), value(sell, body.gets.amount)
    spread = sum(one != "KZTD" for one in (sell, buy)) * SPREAD_E4
    assert got <= given_
    assert got * 10_000 <= given_ * (10_000 - spread * 9 // 10)


def _e8(rate: str) -> int:
    whole, _, part = rate.partition(".")
    return int(whole) * 10**8 + int(part.ljust(8, "0") or 0)


def test_a_price_follows_from_asset_and_time_alone() -> None:
    at = 1_790_000_000_000

    assert [str(BuiltIn().rate(asset, at)) for asset in PRICES] == [
        rate_at(asset, at) for asset in PRICES
    ]


class Source:
    """A price source of our own on a free port; `answer` says what it does with a question."""

    def __init__(self, answer: Callable[[BaseHTTPRequestHandler], None]) -> None:
        class Asked(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Asked)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/price"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


def says(body: bytes, status: int = 200) -> Callable[[BaseHTTPRequestHandler], None]:
    def answer(asked: BaseHTTPRequestHandler) -> None:
        asked.send_response(status)
        asked.end_headers()
        asked.wfile.write(body)

    return answer


def price(rate: str, asset: str = "tUSDT") -> bytes:
    return f'{{"asset": "{asset}", "rate": "{rate}"}}'.encode()


ENDED = threading.Event()
"""Lets hanging sources go at the end."""


def hangs(asked: BaseHTTPRequestHandler) -> None:
    ENDED.wait(20)


def drips(asked: BaseHTTPRequestHandler) -> None:
    """An answer that never ends, a byte at a time: every single read is quick."""
    asked.send_response(200)
    asked.end_headers()
    while not ENDED.wait(0.05):
        try:
            asked.wfile.write(b" ")
            asked.wfile.flush()
        except OSError:
            return


def hangs_up(asked: BaseHTTPRequestHandler) -> None:
    asked.connection.shutdown(socket.SHUT_RDWR)


def pours(asked: BaseHTTPRequestHandler) -> None:
    asked.send_response(200)
    asked.end_headers()
    try:
        for _ in range(1_000):
            asked.wfile.write(b"x" * 65_536)
    except OSError:
        return


BROKEN = {
    "hangs": hangs,
    "answers byte by byte": drips,
    "hangs up": hangs_up,
    "pours": pours,
    "fails": says(price("512.3"), 500),
    "says nothing": says(b""),
    "says rubbish": says(b"\xff\xfe<html>"),
    "says a number": says(b'{"asset": "tUSDT", "rate": 512.3}'),
    "says not a number": says(price("NaN")),
    "says a negative one": says(price("-512.3")),
    "says nothing of worth": says(price("0")),
    "says ten times too much": says(price("51200000")),
    "says far too little": says(price("0.00000001")),
    "says another asset's": says(price("512.3", "tBTC")),
    "says a list": says(b"[]"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_source_that_fails_stops_quotes_and_nothing_else(
    sandbox: Sandbox, person: Person, other_prices: None, how: str
) -> None:
    ENDED.clear()
    source = Source(BROKEN[how])
    sandbox.custody.prices = HttpPrices(source.url, patience_s=0.3)
    try:
        began = time.monotonic()
        answer = sandbox.post("/v1/quotes", {"sell": "tUSDT", "buy": "KZTD", "buy_amount": "9.00"},
                              Accept_Language="ru")  # fmt: skip
        took = time.monotonic() - began

        assert (answer.status_code, answer.json["code"]) == (503, "price_source")
        assert "тенге" in answer.json["detail"]
        assert answer.json["retryable"] is False
        assert took < 5
        request = sandbox.request("market", "10.00")
        assert sandbox.submit(sandbox.pay(person, "KZTD", request)).status_code == 201
    finally:
        ENDED.set()
        source.close()


def test_a_source_that_is_not_there_is_one_that_fails(sandbox: Sandbox, other_prices: None) -> None:
    source = Source(hangs_up)
    source.close()
    sandbox.custody.prices = HttpPrices(source.url, patience_s=0.3)

    answer = sandbox.post("/v1/quotes", {"sell": "tBTC", "buy": "KZTD", "buy_amount": "9.00"})

    assert (answer.status_code, answer.json["code"]) == (503, "price_source")


def test_a_source_that_hangs_is_not_asked_without_end() -> None:
    ENDED.clear()
    source = Source(hangs)
    prices = HttpPrices(source.url, patience_s=0.01)
    try:
        for _ in range(ASKING_MAX):
            with pytest.raises(Malformed, match="in time"):
                prices.rate("tUSDT", 0)
        with pytest.raises(Malformed, match="too many"):
            prices.rate("tUSDT", 0)
    finally:
        ENDED.set()
        source.close()


def test_a_source_sets_the_price(sandbox: Sandbox, person: Person, other_prices: None) -> None:
    source = Source(says(price("500")))
    sandbox.custody.prices = HttpPrices(source.url)
    try:
        quote = quoted(sandbox, sell="tUSDT", buy="KZTD", sell_amount="2.000000")
    finally:
        source.close()

    assert quote["buy"] == {"asset": "KZTD", "amount": "995.00"}  # less half a percent
    assert taken(sandbox, person, quote).status_code == 201
