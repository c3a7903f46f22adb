"""`tenge corridor`: the stories, and two parties that each run their own program and key."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.keys import SigningKey
from sandbox_api.corridor.stage import OwnSandbox
from tests.processes.running import command


def tenge(*args: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("corridor", *args), capture_output=True, text=True, timeout=120, check=False
    )


def test_the_demo_tells_four_stories_as_they_should_end() -> None:
    done = tenge("demo", "--json")

    scenes = json.loads(done.stdout)["scenes"]
    assert done.returncode == 0, done.stderr
    assert [scene["outcome"] for scene in scenes] == [
        "settled", "settled", "returned", "counterparty lost",
    ]  # fmt: skip
    assert [scene["balances"]["Bob"] for scene in scenes] == [
        ["51000.00", "98.000000"], ["51000.00", "98.000000"], ["50000.00", "100.000000"],
        ["50000.00", "98.000000"],
    ]  # fmt: skip
    page = (Path(__file__).parents[2] / "docs" / "corridor.md").read_text("utf-8")
    for place in (0, 3):
        assert "\n".join(scenes[place]["timeline"].splitlines()[:4]) in page


@pytest.fixture(scope="module")
def ends(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """Two sandboxes, as the options that name them."""
    folder = tmp_path_factory.mktemp("corridor")
    with OwnSandbox(folder / "first") as first, OwnSandbox(folder / "second") as second:
        yield [
            "--first", first.said.url, first.said.publishable_key,
            "--second", second.said.url, second.said.publishable_key,
        ]  # fmt: skip


def test_the_demo_plays_on_sandboxes_that_run(ends: list[str]) -> None:
    done = tenge("demo", *ends)

    assert done.returncode == 0, done.stderr
    assert "Alice has 49000.00 KZTD and 102.000000 tUSDT" in done.stdout
    assert "margin 30 min" in done.stdout


def joined(ends: list[str], key: Path) -> dict[str, dict[str, dict[str, str]]]:
    done = tenge("join", *ends, "--key", str(key))
    assert done.returncode == 0, done.stderr
    assert key.stat().st_mode & 0o777 == 0o600
    found: dict[str, dict[str, dict[str, str]]] = json.loads(done.stdout)
    return found


def test_two_parties_run_it_each_with_its_own_key(ends: list[str], tmp_path: Path) -> None:
    alice, bob, terms = tmp_path / "alice", tmp_path / "bob", tmp_path / "terms"
    joined(ends, alice)
    of_bob = joined(ends, bob)
    assert joined(ends, bob) == of_bob, "the key is there already"
    drawn = tenge(
        "terms", *ends, "--key", str(alice), "--pay", "1000.00", "KZTD",
        "--to", of_bob["first"]["accounts"]["KZTD"], "--get", "2.000000", "tUSDT",
        "--from", of_bob["second"]["accounts"]["tUSDT"],
    )  # fmt: skip
    assert drawn.returncode == 0, drawn.stderr
    terms.write_text(drawn.stdout)

    def runs(key: Path, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command("corridor", "run", str(terms), *ends, "--key", str(key), *more),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    programs = [runs(bob)]
    assert programs[0].stdout is not None
    assert programs[0].stdout.readline() == "waiting: for the first lock\n"
    programs.append(runs(alice, "--json"))
    said = [program.communicate(timeout=60) for program in programs]

    assert [program.returncode for program in programs] == [0, 0], said
    steps = [json.loads(line)["type"] for line in said[1][0].splitlines()]
    assert [step for step in steps if step not in ("wait", "carry")] == ["lock", "show", "done"]
    told = said[0][0].splitlines()
    assert told[0].startswith("done: lock 2.000000 tUSDT on the second ledger (lock ")
    assert told[-1] == "over: settled"
    done = tenge("run", str(terms), *ends, "--key", str(bob))
    assert (done.stdout, done.returncode) == ("over: settled\n", 0), "running it again is nothing"

    stranger = tmp_path / "stranger"
    joined(ends, stranger)
    assert "neither party's" in refused("run", str(terms), *ends, "--key", str(stranger))


def refused(*args: str) -> str:
    """One sentence, exit code 2, no traceback."""
    done = tenge(*args)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert done.stderr.startswith("tenge: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


def test_what_a_person_can_mend_is_one_sentence(ends: list[str], tmp_path: Path) -> None:
    key, account = tmp_path / "key", "A" * 22
    key.write_text(SigningKey.generate().to_jwk_text())
    wants = ["--key", str(key), "--to", account, "--from", account]
    draw = ["terms", *ends, *wants, "--pay", "1000.00", "KZTD", "--get", "2.000000", "tUSDT"]

    assert "two ends" in refused("demo", *ends[:3])
    assert "write the amount as in" in refused(*draw[:-2], "2", "tUSDT")
    assert "no account of tBTC" in refused(*draw[:-2], "2.00000000", "tBTC")
    (tmp_path / "terms").write_text("{}")
    assert "no terms of a corridor" in refused(
        "run", str(tmp_path / "terms"), *ends, "--key", str(key)
    )
    key.write_text("no key")
    assert "no private key as a JWK" in refused("join", *ends, "--key", str(key))
