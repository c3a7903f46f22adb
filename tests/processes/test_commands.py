"""The other commands: the story, the audit, the export, the keys."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import zipfile
from pathlib import Path

import pytest

from ledger.keys import SigningKey
from sandbox_api.client import Wallet
from tests.processes.running import Running, command


def tenge(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*args), capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a sandbox that was used a little and ended."""
    data = tmp_path_factory.mktemp("used") / "data"
    running = Running("--data", str(data))
    one, other = Wallet.join(running.client()), Wallet.join(running.client())
    for _ in range(20):
        one.transfer(other.accounts["KZTD"], "1.00")
    running.end()
    return data


def test_the_demo_plays_five_scenes_and_leaves_nothing_running() -> None:
    done = tenge("demo", "--json")

    story = json.loads(done.stdout)
    assert (done.returncode, story["passed"]) == (0, True)
    outcomes = [(step["scene"], step["outcome"]) for step in story["steps"] if step["outcome"]]
    assert outcomes == [
        (1, "passed"),
        (2, "refused"), (2, "passed"),
        (3, "passed"), (3, "refused"),
        (4, "passed"), (4, "refused"), (4, "passed"),
        (5, "passed"), (5, "refused"),
    ]  # fmt: skip
    refused = [step for step in story["steps"] if step["sentences"]]
    assert [step["facts"]["codes"][0] for step in refused] == [
        "ZONE_OUTSIDE", "ZONE_OUTSIDE", "ZONE_NOT_ACTIVE",
    ]  # fmt: skip
    assert all(len(set(step["sentences"].values())) == 3 for step in refused)


def test_the_demo_plays_on_a_sandbox_that_runs(tmp_path: Path) -> None:
    data = str(tmp_path / "data")
    running = Running("--data", data)
    try:
        done = tenge(
            "demo", "--url", running.facts["url"], "--key", running.facts["publishable_key"],
            "--data", data,
        )  # fmt: skip
    finally:
        running.end()

    assert done.returncode == 0, done.stdout
    for said in ("Қазақша:", "По-русски:", "In English:", "5. Anyone can check"):
        assert said in done.stdout


@pytest.mark.parametrize("options", [[], ["--decide"]], ids=["re-applied", "re-decided"])
def test_a_sound_ledger_is_said_to_be_sound(folder: Path, options: list[str]) -> None:
    done = tenge("verify", "--data", str(folder), "--json", *options)

    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["sound"], verdict["findings"]) == (0, True, [])
    assert verdict["size"] > 80
    assert verdict["decided"] == bool(options)


def test_a_running_ledger_can_be_verified_too(sandbox: Running) -> None:
    done = tenge("verify", "--data", sandbox.facts["data"])

    assert done.returncode == 0
    assert "SOUND" in done.stdout


def test_a_changed_balance_is_named_with_the_entry_that_wrote_it(
    folder: Path, tmp_path: Path
) -> None:
    changed = tmp_path / "changed"
    shutil.copytree(folder, changed)
    with sqlite3.connect(changed / "ledger.db") as connection:
        connection.execute("UPDATE account SET balance = balance + 1 WHERE number = 20")
    connection.close()

    done = tenge("verify", "--data", str(changed), "--json")

    verdict = json.loads(done.stdout)
    assert (done.returncode, verdict["sound"]) == (1, False)
    assert verdict["findings"][0]["part"] == "account row"
    assert verdict["findings"][0]["index"] is not None


def test_an_export_is_verified_without_the_database(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "log.zip"

    exported = tenge("export", str(file), "--data", str(folder))
    verified = tenge("verify", str(file), "--decide", "--json")

    assert exported.returncode == 0
    assert json.loads(verified.stdout)["sound"]
    with zipfile.ZipFile(file) as archive:
        assert {"manifest.json", "checkpoint"} <= set(archive.namelist())


def test_an_export_takes_no_other_file_s_place(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "precious.txt"
    file.write_text("precious")

    done = tenge("export", str(file), "--data", str(folder))

    assert done.returncode == 2
    assert str(file) in done.stderr
    assert file.read_text() == "precious"


@pytest.mark.parametrize("name", ["supervisor", "central-bank-2"])
def test_a_persona_s_key_is_the_one_on_the_ledger(folder: Path, name: str) -> None:
    rows = json.loads(tenge("keys", "list", "--json", "--data", str(folder)).stdout)
    shown = tenge("keys", "show", name, "--data", str(folder)).stdout

    kids = {row["name"]: row["kid"] for row in rows}
    assert SigningKey.from_jwk(json.loads(shown)).kid == kids[name]


def test_a_second_officer_is_of_the_same_party(folder: Path) -> None:
    rows = json.loads(tenge("keys", "list", "--json", "--data", str(folder)).stdout)

    parties = {row["name"]: row["party"] for row in rows}
    for name in ("central-bank", "supervisor", "bank", "exchange"):
        assert parties[f"{name}-2"] == parties[name]


@pytest.mark.parametrize(
    "args",
    [
        pytest.param(["keys", "show", "nobody"], id="nobody of that name"),
        pytest.param(["demo", "--url", "http://127.0.0.1:1"], id="a sandbox without a key"),
        pytest.param(["up", "--price-source", "file:///etc/passwd"], id="a source without HTTP"),
        pytest.param(["verify", "no-such-file.zip"], id="no such export"),
        pytest.param(["verify", "--db", "sqlite:///no/such.db"], id="no such database"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(folder: Path, args: list[str]) -> None:
    done = tenge(*args, "--data", str(folder))

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("args", [["verify"], ["export", "x.zip"], ["keys", "list"]])
def test_a_folder_without_a_sandbox_is_said_to_be_one(tmp_path: Path, args: list[str]) -> None:
    done = tenge(*args, "--data", str(tmp_path))

    assert done.returncode == 2
    assert "tenge up" in done.stderr
