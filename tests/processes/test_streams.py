"""Both WebSockets as other people's programs use them: bare messages, no client of ours."""

from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from ledger.keys import SigningKey
from sandbox_api.client import PaymentRefused, Wallet
from tests.processes.running import Running

SOON_S = 5.0

UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
"""The lines of a handshake after its request line and Host."""


class Talk:
    """One connection: JSON in, JSON out."""

    def __init__(self, url: str, **options: Any) -> None:
        self._opened = connect(url, proxy=None, close_timeout=0.2, **options)
        self.socket: ClientConnection = self._opened.__enter__()

    def say(self, message: object) -> None:
        self.socket.send(message if isinstance(message, str) else json.dumps(message))

    def hear(self, seconds: float = SOON_S) -> Any:
        return json.loads(self.socket.recv(timeout=seconds))

    def silence(self, seconds: float) -> bool:
        try:
            self.socket.recv(timeout=seconds)
        except TimeoutError:
            return True
        return False

    def __enter__(self) -> Talk:
        return self

    def __exit__(self, *_: object) -> None:
        self._opened.__exit__(None, None, None)


@pytest.fixture
def payer(sandbox: Running) -> Wallet:
    return Wallet.join(sandbox.client())


@pytest.fixture
def payee(sandbox: Running) -> Wallet:
    return Wallet.join(sandbox.client())


def follow(sandbox: Running, wallet: Wallet, after: int | None = None, **more: Any) -> Talk:
    """A stream of one wallet's tenge account, greeted."""
    talk = Talk(sandbox.facts["stream_url"])
    key = sandbox.facts["publishable_key"]
    talk.say({"key": key, "after": after, "accounts": [wallet.accounts["KZTD"]], **more})
    hello = talk.hear()["hello"]
    assert hello["ledger"] == sandbox.facts["ledger"]
    return talk


# Events --------------------------------------------------------------------------------------


def test_a_payment_is_told_to_both_sides_as_it_is_committed(
    sandbox: Running, payer: Wallet, payee: Wallet
) -> None:
    with follow(sandbox, payer) as one, follow(sandbox, payee) as other:
        receipt = payer.transfer(payee.accounts["KZTD"], "12.00")

        events = one.hear(), other.hear()

    assert events[0] == events[1]
    assert events[0]["id"] == receipt.id
    assert events[0]["index"] == receipt.index
    assert events[0]["type"] == "entry"
    assert events[0]["postings"] == [
        {
            "debit": payer.accounts["KZTD"],
            "credit": payee.accounts["KZTD"],
            "asset": "KZTD",
            "amount": "12.00",
        }
    ]


def test_nobody_hears_of_other_people_s_payments(
    sandbox: Running, payer: Wallet, payee: Wallet
) -> None:
    stranger = Wallet.join(sandbox.client())
    with follow(sandbox, stranger) as talk:
        payer.transfer(payee.accounts["KZTD"], "12.00")

        assert talk.silence(0.5)


def test_nothing_is_lost_or_doubled_over_a_gap(
    sandbox: Running, payer: Wallet, payee: Wallet
) -> None:
    to = payee.accounts["KZTD"]
    with follow(sandbox, payee) as talk:
        first = payer.transfer(to, "1.00")
        seen = talk.hear()
    missed = [payer.transfer(to, "1.00").id for _ in range(5)]

    with follow(sandbox, payee, after=seen["seq"]) as talk:
        live = payer.transfer(to, "1.00").id
        told = [talk.hear() for _ in range(6)]

    assert seen["id"] == first.id
    assert [event["id"] for event in told] == [*missed, live]
    assert [event["seq"] for event in told] == sorted({event["seq"] for event in told})


@pytest.mark.parametrize("lang", ["kk", "ru", "en"])
def test_a_refusal_is_told_to_the_payer_in_the_asked_language(
    sandbox: Running, payer: Wallet, payee: Wallet, lang: str
) -> None:
    with follow(sandbox, payer, lang=lang) as talk:
        with pytest.raises(PaymentRefused):
            payer.transfer(payee.accounts["KZTD"], "999999.00")
        event = talk.hear()

    assert event["type"] == "refusal"
    reason = event["reasons"][0]
    assert reason["code"] == "FUNDS"
    with pytest.raises(PaymentRefused) as refused:
        Wallet(sandbox.client(lang=lang), payer.key, payer.accounts).transfer(
            payee.accounts["KZTD"], "999999.00"
        )
    assert reason["sentence"] == refused.value.reasons[0]["sentence"]


def test_what_is_followed_can_be_widened(sandbox: Running, payer: Wallet, payee: Wallet) -> None:
    stranger = Wallet.join(sandbox.client())
    with follow(sandbox, stranger) as talk:
        talk.say({"add": {"accounts": [payee.accounts["KZTD"]]}})
        talk.socket.ping().wait(SOON_S)  # what was said before it has been read
        receipt = payer.transfer(payee.accounts["KZTD"], "3.00")

        assert talk.hear()["id"] == receipt.id


def test_a_secret_key_may_follow_everything(sandbox: Running, payer: Wallet, payee: Wallet) -> None:
    with Talk(sandbox.facts["stream_url"]) as talk:
        talk.say({"key": sandbox.facts["secret_key"], "after": 0})
        talk.hear()

        assert talk.hear()["kind"] == "genesis/1"


def test_a_reader_that_takes_nothing_is_told_so_and_harms_nobody(
    sandbox: Running, payer: Wallet, payee: Wallet
) -> None:
    first = json.dumps({"key": sandbox.facts["secret_key"]}).encode()
    with socket.socket() as stalled, follow(sandbox, payee) as lively:
        stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        url = urlsplit(sandbox.facts["stream_url"])
        stalled.connect((url.hostname, url.port))
        stalled.sendall(
            f"GET {url.path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{UPGRADE}\r\n".encode()
            + bytes((0x81, 0x80 | len(first), 0, 0, 0, 0))  # one text frame under a mask of zeros
            + first
        )
        assert b"hello" in stalled.recv(4096) + stalled.recv(4096)
        told: list[int] = []
        reading = Thread(target=lambda: told.extend(lively.hear()["seq"] for _ in range(5000)))
        reading.start()
        for _ in range(10):
            payer.client.submit_many(
                payer.seal(
                    "transfer/1",
                    from_=payer.accounts["KZTD"],
                    to=payee.accounts["KZTD"],
                    amount="0.01",
                )
                for _ in range(500)
            )
        reading.join()
        read = b""
        stalled.settimeout(SOON_S)
        while received := stalled.recv(1 << 20):
            read = read[-1000:] + received

    assert len(told) == 5000
    assert told == sorted(set(told))
    assert b'"code":"overloaded"' in read


IMPATIENT = """
from sandbox_api.processes import stream
stream.ALIVE_S = 0.2
from sandbox_api.cli import main
main()
"""


def test_a_reader_that_hears_nothing_else_is_told_that_the_stream_lives(tmp_path: Path) -> None:
    script = tmp_path / "impatient.py"
    script.write_text(IMPATIENT)
    running = Running("--ephemeral", program=[sys.executable, str(script)])
    try:
        quiet, busy = Wallet.join(running.client()), Wallet.join(running.client())
        with follow(running, quiet) as talk:
            first = talk.hear()["alive"]
            receipt = busy.transfer(Wallet.join(running.client()).accounts["KZTD"], "1.00")
            alive = talk.hear()["alive"]
            while alive["seq"] == first["seq"]:
                alive = talk.hear()["alive"]

        assert alive["time"] >= receipt.at
        with follow(running, busy, after=alive["seq"]) as talk:
            assert talk.hear()["alive"]["seq"] >= alive["seq"]
    finally:
        assert running.end() == (130, "")


# Submitting ----------------------------------------------------------------------------------


def submit(sandbox: Running) -> Talk:
    talk = Talk(sandbox.facts["submit_url"])
    talk.say({"key": sandbox.facts["publishable_key"]})
    assert talk.hear()["hello"]["ledger"] == sandbox.facts["ledger"]
    return talk


def test_pipelined_transactions_are_answered_in_order_and_a_bad_one_spoils_no_other(
    sandbox: Running, payer: Wallet, payee: Wallet
) -> None:
    to = payee.accounts["KZTD"]
    good = [payer.seal("transfer/1", from_=payer.accounts["KZTD"], to=to, amount="0.01")
            for _ in range(600)]  # fmt: skip
    too_much = payer.seal("transfer/1", from_=payer.accounts["KZTD"], to=to, amount="900000.00")
    lines = [*good[:300], "no.jws.at-all", too_much, *good[300:]]

    with submit(sandbox) as talk:
        for line in lines:
            talk.say(line)
        answers = [talk.hear() for _ in lines]

    assert answers[300]["problem"]["status"] == 400
    assert answers[301]["problem"]["code"] == "FUNDS"
    taken = answers[:300] + answers[302:]
    assert [one["index"] for one in taken] == sorted(one["index"] for one in taken)
    assert payee.balance() == "50006.00"


def test_the_same_bytes_again_get_the_first_receipt(
    sandbox: Running, payer: Wallet, payee: Wallet
) -> None:
    line = payer.seal(
        "transfer/1", from_=payer.accounts["KZTD"], to=payee.accounts["KZTD"], amount="5.00"
    )

    with submit(sandbox) as talk:
        for _ in range(3):
            talk.say(line)
        answers = [talk.hear() for _ in range(3)]

    assert {one["index"] for one in answers} == {answers[0]["index"]}
    assert payee.balance() == "50005.00"


def test_what_was_signed_before_a_revocation_and_comes_after_it_is_refused(
    sandbox: Running, payer: Wallet, payee: Wallet
) -> None:
    """All in one window, and once more on a connection that was open before."""
    tablet = Wallet(payer.client, SigningKey.generate(), payer.accounts)
    payer.add_key(tablet.key)
    move = {"from_": payer.accounts["KZTD"], "to": payee.accounts["KZTD"], "amount": "0.01"}
    early, within, late = (tablet.seal("transfer/1", **move) for _ in range(3))
    revoke = payer.seal("key_revoke/1", kid=tablet.key.kid)
    with submit(sandbox) as talk, submit(sandbox) as other:
        for line in (early, revoke, within):
            talk.say(line)
        answers = [talk.hear() for _ in range(3)]
        other.say(late)
        answers.append(other.hear())

    assert [answer.get("problem", {}).get("code") for answer in answers] == [
        None, None, "KEY_NOT_ACTIVE", "KEY_NOT_ACTIVE",
    ]  # fmt: skip
    assert payee.balance() == "50000.01"


# The door ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stream", ["stream_url", "submit_url"])
@pytest.mark.parametrize(
    ("first", "code"),
    [
        pytest.param({"key": "tpk_" + "A" * 32}, "auth.unknown", id="a key nobody has"),
        pytest.param({}, "request.malformed", id="no key"),
        pytest.param("{", "request.malformed", id="no JSON"),
        pytest.param({"key": 5}, "request.malformed", id="a key that is no text"),
        pytest.param({"key": "x", "else": 1}, "request.malformed", id="an unknown member"),
    ],
)
def test_who_says_no_good_key_is_told_and_closed(
    sandbox: Running, stream: str, first: object, code: str
) -> None:
    with Talk(sandbox.facts[stream]) as talk:
        talk.say(first)

        assert talk.hear()["problem"]["code"] == code
        with pytest.raises(ConnectionClosed):
            talk.hear()


def test_a_publishable_key_must_name_what_it_follows(sandbox: Running) -> None:
    with Talk(sandbox.facts["stream_url"]) as talk:
        talk.say({"key": sandbox.facts["publishable_key"]})

        assert talk.hear()["problem"]["code"] == "events.filter"


@pytest.mark.parametrize("stream", ["stream_url", "submit_url"])
def test_another_site_s_page_is_turned_away(sandbox: Running, stream: str) -> None:
    with pytest.raises(InvalidStatus) as refused:
        Talk(sandbox.facts[stream], origin="https://elsewhere.example")

    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("stream", ["stream_url", "submit_url"])
def test_a_name_that_is_not_ours_is_turned_away(sandbox: Running, stream: str) -> None:
    url = urlsplit(sandbox.facts[stream])
    with socket.create_connection((url.hostname, url.port), timeout=SOON_S) as raw:
        raw.sendall(f"GET {url.path} HTTP/1.1\r\nHost: rebound.example\r\n{UPGRADE}\r\n".encode())

        assert raw.recv(100).startswith(b"HTTP/1.1 421 ")


@pytest.mark.parametrize("stream", ["stream_url", "submit_url"])
def test_a_message_that_is_too_long_ends_the_connection(sandbox: Running, stream: str) -> None:
    with Talk(sandbox.facts[stream]) as talk:
        talk.say(json.dumps({"key": "x" * 1_000_000}))

        with pytest.raises(ConnectionClosed) as closed:
            talk.hear()

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009
