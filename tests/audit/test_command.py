"""`tenge verify` as people run it: exit code 0, 1 or 2, a sentence, never a traceback."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.audit.damage import Damage, table
from tests.audit.everything import Everything


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
