"""`tenge bench`: a short run of the real thing, and that its figures cannot be had for nothing."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import psutil
import pytest

from ledger.core.ids import b64, derive_key
from ledger.keyring import Keyring
from ledger.keys import SigningKey
from ledger.kinds import read
from ledger.ledger import Ledger
from ledger.writer.answers import Offer, Taken
from sandbox_api.bench.aftermath import Unsound, audit_rate
from sandbox_api.bench.load import (
    LoadFailed,
    Place,
    exchange,
    single,
    taken_batches,
    taken_singles,
)
from sandbox_api.bench.lots import signed
from sandbox_api.bench.mixed_traffic import BLOCK, SHARES
from sandbox_api.bench.report import verdict
from sandbox_api.bench.row import Result, Row
from sandbox_api.bench.stage import Builder, Holder, Institutions, Stage
from sandbox_api.bench.stream import taken_streamed
from sandbox_api.bench.traffic import ASSET_OF, SIGNATURES, Kind, Lot, Spread
from sandbox_api.keychest import persona_key
from sandbox_api.rates import put_rate, rate_at
from sandbox_api.world import build_world

FIELDS = [
    "store", "kind", "verify_limit_per_s", "fsync_per_s", "batch_per_s", "batch_ratio",
    "single_per_s", "single_p99_ms", "single_p50_ms", "stream_per_s", "hot_batch_per_s",
    "audit_per_s", "bytes_per_entry", "server_pss_mb",
]  # fmt: skip
"""Every member of a row of `tenge bench --json`; programs rely on these names."""

GOOD = Row(
    "sqlite", "transfer", verify_limit_per_s=40_000, fsync_per_s=7_000, batch_per_s=20_000,
    batch_ratio=0.5, single_per_s=4_000, single_p99_ms=12, single_p50_ms=0.9, stream_per_s=9_000,
    hot_batch_per_s=20_000, audit_per_s=30_000, bytes_per_entry=800, server_pss_mb=150,
)  # fmt: skip


def test_a_short_run_measures_every_figure_and_is_audited() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "sandbox_api", "bench", "--json", "--seconds", "0.1",
         "--store", "sqlite", "--kind", "pay"],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (row,) = json.loads(ran.stdout)
    assert list(row) == FIELDS
    assert (row["store"], row["kind"]) == ("sqlite", "pay")
    figures = {name: value for name, value in row.items() if name not in ("store", "kind")}
    if "is void" in ran.stderr:  # this machine was busy with something else: then nothing counts
        assert set(figures.values()) == {None}
        return
    missing = {name for name, value in figures.items() if value is None}
    assert missing <= ({"server_pss_mb"} if sys.platform != "linux" else set())
    assert all(value > 0 for value in figures.values() if value is not None), figures
    ratio = row["batch_per_s"] * SIGNATURES["pay"] / row["verify_limit_per_s"]
    assert row["batch_ratio"] == pytest.approx(ratio, abs=0.01)


def test_many_kinds_at_once_are_measured_and_audited() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "sandbox_api", "bench", "--workload", "mixed", "--store", "sqlite",
         "--seconds", "0.1", "--json"],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (row,) = json.loads(ran.stdout)
    assert (row["store"], row["workload"]) == ("sqlite", "mixed")
    share = row["mixed_signatures_per_s"] / row["plain_signatures_per_s"]
    assert row["share"] == pytest.approx(share, abs=0.01)
    assert list(row["cpu_us"]) == list(SHARES)
    if sys.platform == "linux":
        assert all(us > 0 for us in row["cpu_us"].values())


def test_programmable_payments_are_measured_beside_plain_ones_and_audited() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "sandbox_api", "bench", "--workload", "programmable",
         "--store", "sqlite", "--seconds", "0.1", "--json"],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    (row,) = json.loads(ran.stdout)
    assert (row["store"], row["workload"]) == ("sqlite", "programmable")
    cpu = row["cpu_us"]
    assert list(cpu) == ["pay", "pay_tenge", "marked", "convert_pay"]
    if sys.platform == "linux":
        for name in ("marked", "convert_pay"):
            assert row["against_pay"][name] == pytest.approx(cpu[name] / cpu["pay"], abs=0.01)
            tenge = cpu[name] / cpu["pay_tenge"]
            assert row["against_pay_tenge"][name] == pytest.approx(tenge, abs=0.01)


def test_a_block_of_mixed_traffic_has_its_shares_and_its_order() -> None:
    payers = tuple(Holder(bytes([n]) * 32, f"{n:022}") for n in range(20))
    stage = Stage("L" * 22, "tUSDT", payers, (Holder(b"s" * 32, "S" * 22),), "R" * 22, "519.25")
    lines = signed(stage, Lot("mixed", BLOCK, False, 7, 1_790_000_000_000))

    payloads = [read(line).payload for line in lines]
    kinds = [str(payload.__struct_config__.tag) for payload in payloads]

    assert {kind: kinds.count(kind) for kind in SHARES} == SHARES
    made: set[str] = set()
    for line, payload in zip(lines, payloads, strict=True):
        for label in ("hold", "lock"):
            made.add(b64(derive_key(read(line).id, label)))
        for of in ("hold", "lock"):
            if hasattr(payload, of):
                assert getattr(payload, of) in made


@pytest.mark.skipif(sys.platform == "win32", reason="ended by signals")
@pytest.mark.parametrize("ended_by", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "sigterm"])
def test_a_run_that_is_ended_leaves_no_server_behind(ended_by: signal.Signals) -> None:
    command = [sys.executable, "-m", "sandbox_api", "bench", "--store", "sqlite"]
    bench = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    try:
        until = time.monotonic() + 120
        below: list[psutil.Process] = []
        while not any("up" in words(child) for child in below):  # the servers, and theirs
            assert bench.poll() is None, bench.communicate()[0]
            assert time.monotonic() < until
            time.sleep(0.05)
            below = psutil.Process(bench.pid).children(recursive=True)
    finally:
        bench.send_signal(ended_by)
        said, _ = bench.communicate(timeout=120)
    assert bench.returncode == 128 + ended_by
    assert "Traceback" not in said
    _, left = psutil.wait_procs(below, timeout=20)
    assert not left, left


def words(process: psutil.Process) -> list[str]:
    """A process's command line, nothing where it has just ended."""
    try:
        found: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return found


@pytest.mark.parametrize("kind", ["transfer", "pay"])
def test_traffic_is_taken_and_its_audit_finds_what_nobody_was_promised(
    tmp_path: Path, kind: Kind
) -> None:
    keyring = Keyring.open_or_create(tmp_path / "keyring")

    def key_of(name: str) -> SigningKey:
        return persona_key(keyring, name)

    url, asset = f"sqlite:///{tmp_path / 'ledger.db'}", ASSET_OF[kind]
    world = build_world(url, keyring, key_of, name="bench")
    with Ledger.open(url, keyring) as ledger:
        now = ledger.time()
        institutions = Institutions(key_of, world.persona("bank").account(asset), world.zone)
        builder = Builder(ledger.id, asset, institutions, now, payers=20, shops=3)
        take(ledger, list(builder.transactions()))
        rate, text = ("", "")
        if kind == "pay":
            rate = put_rate(key_of("exchange"), ledger.id, asset, now).creates_id("rate")
            text = rate_at(asset, now)
        stage = builder.stage(rate, text)
        take(ledger, signed(stage, Lot(kind, 40, False, 1, now)))
        size = take(ledger, signed(stage, Lot(kind, 40, True, 2, now)))
        id = ledger.id
    assert audit_rate(url, id, size) > 0
    with pytest.raises(Unsound, match="acknowledged"):
        audit_rate(url, id, size + 1)


def take(ledger: Ledger, lines: list[bytes]) -> int:
    """Submit; every line must be taken. The size of the log after it."""
    answers = ledger.submit([Offer(line, False) for line in lines])
    assert all(isinstance(answer, Taken) for answer in answers), answers
    last = answers[-1]
    assert isinstance(last, Taken)
    return last.size


@pytest.mark.parametrize(("spread", "near"), [("life", 270), ("day", 0)])
def test_traffic_is_the_same_again_and_spread(spread: Spread, near: int) -> None:
    payers = tuple(Holder(bytes([n]) * 32, f"{n:022}") for n in range(20))
    stage = Stage("L" * 22, "KZTD", payers, (Holder(b"s" * 32, "S" * 22),))
    lot = Lot("transfer", 400, False, 7, 1_790_000_000_000, spread)
    lines = signed(stage, lot)
    assert lines == signed(stage, lot)
    assert len(set(lines)) == 400
    assert not set(lines) & set(signed(stage, lot._replace(number=8)))
    ahead = sorted(read(line).id.not_after - lot.now for line in lines)
    assert 0 < ahead[0] < 2 * 3_600_000
    assert 22 * 3_600_000 < ahead[-1] <= 24 * 3_600_000
    assert near <= sum(one < 11 * 60_000 for one in ahead) < near + 40
    hot = signed(stage, lot._replace(hot=True))
    assert {msgspec.json.decode(msgspec.json.encode(read(line).payload))["to"] for line in hot} == {
        "S" * 22
    }


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, "Every floor that was measured is met."),
        ({"batch_ratio": 0.29}, "Not met: batch_ratio of transfer on sqlite (0.29, floor 0.3)."),
        ({"single_p50_ms": 1.6}, "Not met: single_p50_ms of transfer on sqlite (1.6, floor 1.5)."),
        ({"hot_batch_per_s": 15e3}, "Not met: hot_share of transfer on sqlite (0.75, floor 0.8)."),
        ({"server_pss_mb": None}, "Every floor that was measured is met."),
        ({"bytes_per_entry": 1200}, "Every floor that was measured is met."),
    ],
    ids=["all-met", "least", "most", "share-of-two", "not-measured", "on-the-floor"],
)  # fmt: skip
def test_the_verdict_names_what_is_below_its_floor(
    change: dict[str, float | None], said: str
) -> None:
    row = msgspec.structs.replace(GOOD, **change)
    assert verdict([Result(row, (), False)]) == said


def test_a_void_row_counts_for_nothing() -> None:
    void = Result(msgspec.structs.replace(GOOD, batch_ratio=0.01), (), True)
    assert verdict([void]).startswith("Void")
    assert "Not met" not in verdict([void])
    assert set(msgspec.to_builtins(void.counted).values()) == {"sqlite", "transfer", None}


@pytest.mark.parametrize(
    "answer",
    [
        b'HTTP/1.1 403 Forbidden\r\nContent-Length: 19\r\n\r\n{"code":"NO_FUNDS"}',
        b'HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n{"ok":1}',
    ],
    ids=["refused", "repeated"],
)
def test_what_was_not_taken_is_no_figure(answer: bytes) -> None:
    with pytest.raises(LoadFailed):
        taken_singles([answer])
    with pytest.raises(LoadFailed):
        taken_batches([answer], 1)


def test_a_batch_or_stream_with_one_refused_line_is_no_figure() -> None:
    good, bad = b'{"id":"x","index":4,"at":1,"size":5}', b'{"problem":{"code":"FUNDS"}}'
    head = b"HTTP/1.1 200 OK\r\n\r\n"
    assert taken_batches([head + good + b"\n" + good + b"\n"], 2) == 2
    for answers, lines in ([head + good + b"\n" + bad], 2), ([head + good], 2):
        with pytest.raises(LoadFailed):
            taken_batches(answers, lines)
    assert taken_streamed([good]) == 1
    with pytest.raises(LoadFailed):
        taken_streamed([good, bad])


def test_answers_that_come_in_pieces_are_put_together() -> None:
    body = b'{"index":1}'
    answer = b"HTTP/1.1 201 Created\r\ncontent-length: 11\r\n\r\n" + body
    with socket.create_server(("127.0.0.1", 0)) as listener:
        place = Place("127.0.0.1", listener.getsockname()[1], "tsk_x")

        def serve() -> None:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection:
                for _ in range(3):
                    received = b""
                    while not received.endswith(b"line"):
                        received += connection.recv(65_536)
                    for at in range(len(answer)):
                        connection.sendall(answer[at : at + 1])

        server = threading.Thread(target=serve)
        server.start()
        measured = exchange(place, [single(place, b"line")] * 3, 1)
        server.join()
    assert measured.answers == [answer] * 3
    assert len(measured.latencies) == 3
    assert taken_singles(measured.answers) == 3
