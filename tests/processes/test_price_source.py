"""A whole sandbox whose price source hangs, then answers: quotes are what it can stop."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from sandbox_api.client import SandboxProblem, Till, Wallet
from tests.api.test_prices import Source, price, says
from tests.processes.running import Running


def test_quotes_stop_and_come_again_and_tenge_never_stops() -> None:
    mended, over = threading.Event(), threading.Event()

    def answer(asked: BaseHTTPRequestHandler) -> None:
        if mended.is_set():
            says(price("500"))(asked)
        else:
            over.wait(20)

    source = Source(answer)
    running = Running("--ephemeral", "--price-source", source.url)
    try:
        payer, till = Wallet.join(running.client()), Till.enrol(running.client(), "market")
        request = till.ask("1290.00")
        began = time.monotonic()
        with pytest.raises(SandboxProblem) as stopped:
            payer.quote("tUSDT", "KZTD", buy_amount="1290.00")
        assert time.monotonic() - began < 8
        assert (stopped.value.status, stopped.value.code) == (503, "price_source")
        payer.transfer(bank_account(running), "1.00")

        mended.set()
        quote = payer.quote("tUSDT", "KZTD", buy_amount="1290.00")
        payer.convert_pay(request, quote)

        assert quote.sell == {"asset": "tUSDT", "amount": "2.592965"}  # at 497.50, rounded up
        assert till.paid(request) is not None
        assert payer.balance() == "49999.00"
    finally:
        over.set()
        assert running.end()[0] == 130
        source.close()


def bank_account(running: Running) -> str:
    """The bank's own tenge account, to pay something to."""
    personas = running.client().get("/sandbox")["personas"]
    bank = next(one for one in personas if one["name"] == "bank")
    found: str = next(row["id"] for row in bank["accounts"] if row["asset"] == "KZTD")
    return found
