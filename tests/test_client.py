"""The public client against a real sandbox, and against networks that lose and lie."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger.errors import BadSignature, LogDamaged
from ledger.keys import SigningKey
from ledger.log.checkpoint import LogKey, encode_vkey, sign_checkpoint
from ledger.log.merkle import extend, leaf_hash, root
from sandbox_api.client import (
    PaymentRefused,
    Receipt,
    SandboxAway,
    SandboxClient,
    SandboxProblem,
    Till,
    Wallet,
)
from sandbox_api.witness import LogForked, Witness
from tests.processes.running import Running, until


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Running]:
    running = Running("--ephemeral")
    try:
        yield running
    finally:
        assert running.end() == (130, "")


@pytest.fixture
def wallet(sandbox: Running) -> Wallet:
    return Wallet.join(sandbox.client())


# Paying ------------------------------------------------------------------------------------------


def test_a_new_key_is_welcomed_once_however_often_it_joins(sandbox: Running) -> None:
    key = SigningKey.generate()

    first = Wallet.join(sandbox.client(), key)
    again = Wallet.join(sandbox.client(), key)

    assert again.accounts == first.accounts
    assert (first.balance(), first.balance("tUSDT")) == ("50000.00", "100.000000")


def test_a_till_is_paid_in_tenge_anywhere_and_in_crypto_inside_the_zone_alone(
    sandbox: Running, wallet: Wallet
) -> None:
    market, cafe = (Till.enrol(sandbox.client(), name) for name in ("market", "cafe"))

    for till, asset in ((market, "KZTD"), (cafe, "KZTD"), (cafe, "tUSDT")):
        request = till.ask("450.00", crypto=["tUSDT"])
        wallet.pay(request, asset)
        assert till.paid(request)["value"] == "450.00"  # type: ignore[index]

    request = market.ask("450.00", crypto=["tUSDT"])
    with pytest.raises(PaymentRefused) as refused:
        wallet.pay(request, "tUSDT")
    assert refused.value.code == "ZONE_OUTSIDE"
    assert market.paid(request) is None


def test_a_key_is_rotated_and_an_interrupted_rotation_finished(wallet: Wallet) -> None:
    first, second = SigningKey.generate(), SigningKey.generate()
    renewed = wallet.rotate(first)
    assert renewed.rotate(first).balance() == "50000.00"  # its own key: nothing to do
    with pytest.raises(PaymentRefused) as refused:
        wallet.transfer(wallet.accounts["KZTD"], "1.00")
    assert refused.value.code == "KEY_NOT_ACTIVE"

    renewed.add_key(second)  # and then the program was killed
    last = renewed.rotate(second)

    status = {one["kid"]: one["status"] for one in last.client.keys(last.party())}
    assert status == {wallet.key.kid: "revoked", first.kid: "revoked", second.kid: "active"}


@pytest.mark.parametrize("lang", ["kk", "ru", "en"])
def test_a_refusal_says_every_reason_in_the_client_s_language(sandbox: Running, lang: str) -> None:
    wallet = Wallet.join(sandbox.client(lang=lang))
    to = Till.enrol(sandbox.client(), "market").accounts["tUSDT"]

    with pytest.raises(PaymentRefused) as refused:
        wallet.transfer(to, "5000.000000", "tUSDT")

    assert [reason["code"] for reason in refused.value.reasons] == ["ZONE_OUTSIDE", "FUNDS"]
    assert str(refused.value) == refused.value.reasons[0]["sentence"]
    assert not refused.value.retryable


def test_a_device_is_not_begun_anew(wallet: Wallet) -> None:
    """Before it was loaded nothing is lost by it."""
    key = SigningKey.generate()
    wallet.open_purse(key)
    purse = wallet.open_purse(key)

    wallet.load_purse(purse, "5.00")

    assert (purse.balance, wallet.client.purse(purse.id)["loaded"]) == ("5.00", "5.00")
    assert [one["id"] for one in wallet.client.purses(wallet.accounts["KZTD"])] == [purse.id]
    with pytest.raises(ValueError, match="has a purse already"):
        wallet.open_purse(key)
    wallet.block_purse(purse)
    assert wallet.client.purse(purse.id)["status"] == "frozen"


def test_many_at_once_are_answered_one_by_one(wallet: Wallet) -> None:
    other = Wallet.join(wallet.client)
    good, bad = (
        wallet.seal(
            "transfer/1", from_=wallet.accounts["KZTD"], to=other.accounts["KZTD"], amount=amount
        )
        for amount in ("1.00", "999999.00")
    )

    results = wallet.client.submit_many([good, bad, "nonsense", good])

    assert isinstance(results[0], Receipt)
    assert isinstance(results[1], PaymentRefused)
    assert isinstance(results[2], PaymentRefused)
    assert results[3].index == results[0].index  # type: ignore[union-attr]


def test_a_dry_run_changes_nothing(wallet: Wallet) -> None:
    other = Wallet.join(wallet.client)
    jws = wallet.seal(
        "transfer/1", from_=wallet.accounts["KZTD"], to=other.accounts["KZTD"], amount="1.00"
    )

    told = wallet.client.dry_run(jws)

    assert told["accepted"]
    assert wallet.balance() == "50000.00"


# Networks that lose ------------------------------------------------------------------------------


class Lossy:
    """A way to the sandbox that loses the first `lost` answers after the request went through."""

    def __init__(self, port: int, lost: int) -> None:
        self._to = port
        self._lost = lost
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                link, _ = self._listener.accept()
            except OSError:
                return
            with link, socket.create_connection(("127.0.0.1", self._to)) as on:
                self._carry(link, on)

    def _carry(self, link: socket.socket, on: socket.socket) -> None:
        """One request and its answer; then the line is cut."""
        request = b""
        while b"\r\n\r\n" not in request:
            request += link.recv(65_536)
        head, _, body = request.partition(b"\r\n\r\n")
        found = re.search(rb"(?i)content-length: (\d+)", head)
        while found and len(body) < int(found[1]):
            body += link.recv(65_536)
        head = re.sub(rb"(?i)\r\nconnection: [^\r]*", b"", head) + b"\r\nConnection: close"
        on.sendall(head + b"\r\n\r\n" + body)
        answer = b""
        while received := on.recv(65_536):
            answer += received
        if self._lost and b"POST /v1/transactions" in head:
            self._lost -= 1
            return
        link.sendall(answer)


@pytest.fixture
def lossy(sandbox: Running) -> Iterator[Lossy]:
    way = Lossy(int(sandbox.facts["url"].rpartition(":")[2]), lost=2)
    yield way
    way.close()


def test_a_lost_answer_is_asked_for_again_with_the_same_bytes(
    sandbox: Running, wallet: Wallet, lossy: Lossy
) -> None:
    other = Wallet.join(sandbox.client())
    client = SandboxClient(lossy.url, sandbox.facts["publishable_key"])

    receipt = Wallet(client, wallet.key, wallet.accounts).transfer(other.accounts["KZTD"], "7.00")

    assert receipt.repeated
    assert wallet.balance() == "49993.00"
    assert other.balance() == "50007.00"


def test_nobody_there_is_said_after_a_while(
    sandbox: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sandbox_api.client.PATIENCE_S", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]

    with pytest.raises(SandboxAway, match=str(port)):
        SandboxClient(f"http://127.0.0.1:{port}", "tpk_x").get("/zones")


def test_a_wrong_key_is_no_reason_to_try_again(sandbox: Running) -> None:
    with pytest.raises(SandboxProblem) as problem:
        SandboxClient(sandbox.facts["url"], "tpk_" + "A" * 32).get("/zones")

    assert problem.value.status == 401
    assert not isinstance(problem.value, PaymentRefused)


# Following ---------------------------------------------------------------------------------------


def test_events_go_on_after_the_stream_was_killed(sandbox: Running, wallet: Wallet) -> None:
    running = Running("--ephemeral")
    try:
        payer, payee = Wallet.join(running.client()), Wallet.join(running.client())
        to = payee.accounts["KZTD"]
        events = running.client().follow(0, accounts=[to])
        welcome = next(events)

        first = payer.transfer(to, "1.00")
        heard = next(events)
        pid = running.children()["stream"]
        os.kill(pid, signal.SIGKILL)
        until(lambda: running.children().get("stream", pid) != pid, 2, "another stream is there")
        missed = payer.transfer(to, "2.00")

        assert welcome["kind"] == "transfer/1"
        assert heard["id"] == first.id
        assert next(events)["id"] == missed.id
    finally:
        running.end()


def test_following_with_a_wrong_key_ends(sandbox: Running) -> None:
    client = SandboxClient(sandbox.facts["url"], sandbox.facts["publishable_key"])
    bad = SandboxClient(sandbox.facts["url"], sandbox.facts["publishable_key"])
    bad.key = "tpk_" + "A" * 32  # type: ignore[misc]

    with pytest.raises(SandboxProblem) as problem:
        next(bad.follow(accounts=["A" * 22]))

    assert client.get("/zones")
    assert problem.value.code == "auth.unknown"


# Checking ----------------------------------------------------------------------------------------


def test_a_receipt_is_checked_without_the_server_s_word(wallet: Wallet) -> None:
    other = Wallet.join(wallet.client)
    jws = wallet.seal(
        "transfer/1", from_=wallet.accounts["KZTD"], to=other.accounts["KZTD"], amount="1.00"
    )
    receipt = wallet.client.submit(jws)

    checkpoint = wallet.client.verify_receipt(jws, receipt)

    assert checkpoint.size > receipt.index


def test_a_receipt_for_other_bytes_is_no_receipt(wallet: Wallet) -> None:
    other = Wallet.join(wallet.client)
    jws, foreign = (
        wallet.seal(
            "transfer/1", from_=wallet.accounts["KZTD"], to=other.accounts["KZTD"], amount="1.00"
        )
        for _ in range(2)
    )
    receipt = wallet.client.submit(jws)

    with pytest.raises(LogDamaged):
        wallet.client.verify_receipt(foreign, receipt)


def test_a_log_that_grows_is_followed_and_remembered(sandbox: Running, tmp_path: Path) -> None:
    memory = tmp_path / "seen.json"
    url, key = sandbox.facts["url"], sandbox.facts["publishable_key"]

    sizes = []
    for _ in range(3):
        client = SandboxClient(url, key, memory=memory)
        sizes.append(client.check_log().size)
        Wallet.join(client)

    assert sizes == sorted(set(sizes))


LOG = SigningKey.from_seed(b"a log for tests".ljust(32, b"."))
VKEY = encode_vkey(LogKey("tenge.sandbox/test", LOG.public_key))


def checkpoint(*leaves: bytes, key: SigningKey = LOG) -> str:
    hashes = [leaf_hash(leaf) for leaf in leaves]
    top = root(len(leaves), extend(0, (), hashes))
    return sign_checkpoint("tenge.sandbox/test", len(leaves), top, key.sign, key.public_key)


def no_proof(old: int, new: int) -> list[bytes]:
    return []


@pytest.mark.parametrize(
    "later",
    [
        pytest.param(checkpoint(b"a", b"b"), id="it shrank"),
        pytest.param(checkpoint(b"a", b"b", b"x"), id="the last entry is another"),
        pytest.param(checkpoint(b"x", b"b", b"c"), id="the first entry is another"),
        pytest.param(checkpoint(b"a", b"b", b"c", b"d"), id="it grew without a proof"),
    ],
)
def test_a_log_that_does_not_continue_is_refused_with_both_checkpoints(
    later: str, tmp_path: Path
) -> None:
    seen = checkpoint(b"a", b"b", b"c")
    Witness(tmp_path / "seen.json").see(seen, VKEY, no_proof)

    with pytest.raises(LogForked) as forked:
        Witness(tmp_path / "seen.json").see(later, VKEY, no_proof)

    assert (forked.value.before, forked.value.now) == (seen, later)
    assert Witness(tmp_path / "seen.json").see(seen, VKEY, no_proof).size == 3


def test_a_checkpoint_under_another_key_is_refused_though_the_server_names_it() -> None:
    other = SigningKey.from_seed(b"another log".ljust(32, b"."))
    witness = Witness()
    witness.see(checkpoint(b"a"), VKEY, no_proof)

    with pytest.raises(BadSignature):
        witness.see(
            checkpoint(b"a", key=other),
            encode_vkey(LogKey("tenge.sandbox/test", other.public_key)),
            no_proof,
        )


# What the README shows ---------------------------------------------------------------------------


def test_the_readme_s_program_runs(sandbox: Running, capsys: pytest.CaptureFixture[str]) -> None:
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    found = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert found is not None
    program = found[1].replace("http://127.0.0.1:8080", sandbox.facts["url"])
    program = program.replace("tpk_…", sandbox.facts["publishable_key"])

    names: dict[str, Any] = {}
    exec(program, names)

    printed = capsys.readouterr().out
    assert "inside a testing zone" in printed
    assert "Receipt(" in printed


def test_the_client_loads_neither_flask_nor_a_database() -> None:
    check = (
        "import sys, sandbox_api.client;"
        "print(sorted({'flask', 'gevent', 'sqlalchemy', 'ledger.store'} & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)

    assert done.stdout.strip() == "[]"
