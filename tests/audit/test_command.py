"""`tenge verify` as people run it: exit code 0, 1 or 2, a sentence, never a traceback."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from ledger.audit.log import POOL_MIN
from tests.audit.damage import Damage, table
from tests.audit.everything import Everything, build


def verify(*words: str, folder: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "sandbox_api", "verify", "--data", str(folder), *words],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    return done.returncode, done.stdout, done.stderr


def test_a_sound_ledger_is_said_to_be_sound(small: Everything, tmp_path: Path) -> None:
    code, said, _ = verify("--db", small.url, folder=tmp_path)

    assert code == 0
    assert "300 entries" in said
    assert "SOUND: every entry was re-applied" in said


def test_a_damaged_leaf_is_named(small: Everything, tmp_path: Path) -> None:
    with Damage(small, tmp_path / "l.db") as damage:
        row = damage.rows(table("entry"))[290]
        damage.change(table("entry"), row, "leaf", row["leaf"][:-1] + b"!")

    code, said, _ = verify("--db", damage.url, "--json", folder=tmp_path)

    verdict = json.loads(said)
    assert (code, verdict["sound"]) == (1, False)
    assert verdict["findings"][0]["index"] == 290


@pytest.mark.parametrize("cut", [0, 50, 5_000, 100_000])
def test_a_broken_database_is_a_sentence(small: Everything, tmp_path: Path, cut: int) -> None:
    path = tmp_path / "l.db"
    path.write_bytes(small.path.read_bytes()[:cut])

    code, said, error = verify("--db", f"sqlite:///{path}", folder=tmp_path)

    assert code in (1, 2)
    assert "NOT SOUND" in said or error.startswith("tenge: ")


def test_a_broken_export_is_damage_of_the_structure(small: Everything, tmp_path: Path) -> None:
    path = tmp_path / "log.zip"
    path.write_bytes(small.export.read_bytes()[:-500])

    code, said, _ = verify(str(path), folder=tmp_path)

    assert code == 1
    assert "structure: " in said


def test_no_file_is_a_sentence(tmp_path: Path) -> None:
    code, _, error = verify(str(tmp_path / "nothing.zip"), folder=tmp_path)

    assert code == 2
    assert "nothing.zip" in error


@pytest.mark.skipif(sys.platform == "win32", reason="ended by a signal to a process group")
@pytest.mark.parametrize("age", [0.0, 0.05, 0.1], ids="{} s of CPU".format)
def test_ctrl_c_ends_an_audit_and_its_workers_without_a_traceback(
    audited: Everything, tmp_path: Path, age: float
) -> None:
    audit = subprocess.Popen(
        [sys.executable, "-m", "sandbox_api", "verify", "--data", str(tmp_path),
         "--db", audited.url],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    workers: list[psutil.Process] = []
    until = time.monotonic() + 60
    try:
        while not any(cpu(one) >= age for one in workers) and time.monotonic() < until:
            assert audit.poll() is None, audit.communicate()[0]
            below = psutil.Process(audit.pid).children(recursive=True)
            workers = [one for one in below if any("spawn_main" in word for word in words(one))]
    finally:
        os.killpg(audit.pid, signal.SIGINT)  # as a terminal sends it: to all of them
        said, _ = audit.communicate(timeout=60)

    assert workers
    assert audit.returncode == 130
    assert "Traceback" not in said
    _, left = psutil.wait_procs(workers, timeout=20)
    assert not left


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Everything:
    """Large enough to be checked by workers, for a while."""
    return build(tmp_path_factory.mktemp("audited"), POOL_MIN)


def words(process: psutil.Process) -> list[str]:
    """A process's command line, nothing where it has just ended."""
    try:
        found: list[str] = process.cmdline()
    except psutil.Error:
        return []
    return found


def cpu(process: psutil.Process) -> float:
    """Seconds of CPU that a process has used; 0 where it has just ended."""
    try:
        used: float = process.cpu_times().user
    except psutil.Error:
        return 0.0
    return used
